//! Scans documents one by one, within what the request may cost.

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

/// The steps that a read may cost on the caller's thread: about 1 ms.
pub(crate) const IN_PLACE: u64 = 100_000;

/// Up to this many candidates are one part of the work, because their cost shows only when it is spent.
const FEW: usize = 64;

/// The steps it costs to reach a candidate, in addition to its bytes.
const CANDIDATE: u64 = 40;

/// After how many candidates a scan estimates its total cost, and by which factor that must be too expensive to end the
/// scan. The factor is needed because the first candidates may be the most expensive.
const SAMPLES: [(usize, u64); 3] = [(256, 16), (1_024, 8), (4_096, 4)];

impl ScanWork {
    /// Starts a scan of this many candidates.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if it cannot end.
    pub(crate) fn new(work: &Work, candidates: usize) -> Result<Self, Exhausted> {
        work.affords(CANDIDATE.saturating_mul(candidates as u64))?;
        let meter = if candidates <= FEW { work.part_meter() } else { work.meter() };
        Ok(Self { meter, work: work.clone(), candidates, seen: 0, before: work.left() })
    }

    /// Charges the next candidate, with this many bytes to parse. If the first few hundred candidates show that the
    /// scan cannot end, it ends there, instead of after a quarter of a second.
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

    /// Returns whether the candidate matches. Without a filter all do, because the index has decided.
    pub(crate) fn matches(
        &mut self,
        filter: Option<&BoundFilter>,
        entry: &Entry<'_>,
    ) -> Result<bool, Exhausted> {
        filter.map_or(Ok(true), |filter| filter.matches_within(entry, &mut self.meter))
    }

    /// Charges for keeping the sort key of a match.
    pub(crate) fn keeps(&mut self, key: Option<&str>) -> Result<(), Exhausted> {
        self.meter.charge_bytes(key.map_or(0, str::len), 2)
    }
}
