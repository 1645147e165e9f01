//! Looking at documents one by one, within what the request may cost.

use scim_core::{Exhausted, Meter, Work};
use scim_filter::{BoundFilter, Entry};

/// A scan under way.
pub(crate) struct ScanWork {
    meter: Meter,
    work: Work,
    candidates: usize,
    seen: usize,
    before: u64,
}

/// What a read may cost where the caller stands, in steps: about a millisecond.
pub(crate) const IN_PLACE: u64 = 100_000;

/// So few candidates are one part of the work: what they cost shows only when it is spent.
const FEW: usize = 64;

/// What it costs to come to a candidate, in steps, beside its bytes.
const CANDIDATE: u64 = 40;

/// After how many candidates a scan estimates the cost of all of them, and how many times too dear that has to be: the
/// first ones may be the dearest.
const SAMPLES: [(usize, u64); 3] = [(256, 16), (1_024, 8), (4_096, 4)];

impl ScanWork {
    /// A scan of so many candidates.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] where it cannot end.
    pub(crate) fn new(work: &Work, candidates: usize) -> Result<Self, Exhausted> {
        work.affords(CANDIDATE.saturating_mul(candidates as u64))?;
        let meter = if candidates <= FEW { work.part_meter() } else { work.meter() };
        Ok(Self { meter, work: work.clone(), candidates, seen: 0, before: work.left() })
    }

    /// The next candidate, with so many bytes to be parsed. A scan of which the first few hundred candidates show that
    /// it cannot end is not carried on for a quarter of a second.
    pub(crate) fn next(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.seen += 1;
        self.meter.charge(CANDIDATE)?;
        self.meter.charge_bytes(bytes, 16)?;
        if let Some((_, times)) = SAMPLES.into_iter().find(|(sample, _)| *sample == self.seen) {
            let spent = self.before.saturating_sub(self.work.left());
            let rest = (self.candidates.saturating_sub(self.seen) / self.seen) as u64;
            self.work.affords(spent.saturating_mul(rest) / times)?;
        }
        Ok(())
    }

    /// Whether the candidate matches; all do where the index has decided.
    pub(crate) fn matches(
        &mut self,
        filter: Option<&BoundFilter>,
        entry: &Entry<'_>,
    ) -> Result<bool, Exhausted> {
        filter.map_or(Ok(true), |filter| filter.matches_within(entry, &mut self.meter))
    }

    /// The key that a match is sorted by is kept.
    pub(crate) fn keeps(&mut self, key: Option<&str>) -> Result<(), Exhausted> {
        self.meter.charge_bytes(key.map_or(0, str::len), 2)
    }
}
