//! The evaluation of one resource: it charges the cost and folds each text once for all terms.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};

use scim_core::{Exhausted, Meter, fold};

/// An evaluation of one resource or element, whose values do not change meanwhile.
pub(crate) struct Look<'m, 'v> {
    meter: &'m mut Meter,
    /// Texts that needed folding. Each is folded once, however many terms compare it.
    ///
    /// Most evaluations fold nothing, so the map is made when it is needed.
    folded: Option<HashMap<Place<'v>, String>>,
}

/// A text, identified by its address and length and not by its content.
#[derive(Clone, Copy)]
struct Place<'v>(&'v str);

impl PartialEq for Place<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for Place<'_> {}

impl Hash for Place<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0.as_ptr().addr(), self.0.len()).hash(state);
    }
}

/// Whether the predicate holds for any of the values.
#[inline]
pub(crate) fn any<T>(
    values: impl IntoIterator<Item = T>,
    mut holds: impl FnMut(T) -> Result<bool, Exhausted>,
) -> Result<bool, Exhausted> {
    for value in values {
        if holds(value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the predicate holds for all of the values.
#[inline]
pub(crate) fn all<T>(
    values: impl IntoIterator<Item = T>,
    mut holds: impl FnMut(T) -> Result<bool, Exhausted>,
) -> Result<bool, Exhausted> {
    Ok(!any(values, |value| Ok(!holds(value)?))?)
}

/// Steps to find an attribute in a document.
pub(crate) const FIND: u64 = 5;
/// Steps to find a sub-attribute and test a value.
pub(crate) const TEST: u64 = 3;
/// Steps to ask a store for a link.
pub(crate) const LINK: u64 = 50;

/// Steps to find the folded form of a text.
const KNOWN: u64 = 5;

/// Steps to keep a text, whatever its length.
const NEW: u64 = 10;

impl<'m, 'v> Look<'m, 'v> {
    #[inline]
    pub(crate) fn new(meter: &'m mut Meter) -> Self {
        Self { meter, folded: None }
    }

    /// Starts another evaluation with the same meter, for a value that this one does not borrow.
    pub(crate) fn beside(&mut self) -> Look<'_, '_> {
        Look::new(self.meter)
    }

    /// Charges steps.
    #[inline]
    pub(crate) fn costs(&mut self, steps: u64) -> Result<(), Exhausted> {
        self.meter.charge(steps)
    }

    /// Charges bytes that are read once, as in comparing and searching.
    #[inline]
    pub(crate) fn reads(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.meter.charge_bytes(bytes, 16)
    }

    /// Charges bytes that are parsed or decoded.
    pub(crate) fn parses(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.meter.charge_bytes(bytes, 2)
    }

    /// Returns the folded form of a text. The caller says whether the text is ASCII.
    pub(crate) fn fold(&mut self, text: &'v str, is_ascii: bool) -> Result<&str, Exhausted> {
        self.meter.charge(KNOWN)?;
        match self.folded.get_or_insert_with(HashMap::new).entry(Place(text)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                // Mapping and composing take about 50 ns a byte. ASCII is folded 8 bytes at a time.
                let steps = if is_ascii { text.len() / 16 } else { text.len().saturating_mul(5) };
                self.meter.charge(NEW + steps as u64)?;
                Ok(new.insert(fold(text).into_owned()))
            }
        }
    }
}
