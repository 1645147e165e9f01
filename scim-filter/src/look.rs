//! Looking at the values of one resource: what that costs, and each text folded once for all terms.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};

use scim_core::{Exhausted, Meter, fold};

/// A look at one resource or element, whose values stand still meanwhile.
pub(crate) struct Look<'m, 'v> {
    meter: &'m mut Meter,
    /// Texts that took folding: each is folded once, however many terms ask about it.
    folded: HashMap<Place<'v>, String>,
}

/// A text by where it stands: what it says is not looked at.
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

/// Whether it holds for any of these.
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

/// Whether it holds for all of these.
#[inline]
pub(crate) fn all<T>(
    values: impl IntoIterator<Item = T>,
    mut holds: impl FnMut(T) -> Result<bool, Exhausted>,
) -> Result<bool, Exhausted> {
    Ok(!any(values, |value| Ok(!holds(value)?))?)
}

/// What finding an attribute in a document costs, in steps.
pub(crate) const FIND: u64 = 5;
/// What finding a sub-attribute and asking a value costs.
pub(crate) const TEST: u64 = 3;
/// What asking a store for a link costs.
pub(crate) const LINK: u64 = 50;

/// What finding the folded form of a text costs.
const KNOWN: u64 = 5;

/// What keeping a text costs, whatever its length.
const NEW: u64 = 10;

impl<'m, 'v> Look<'m, 'v> {
    pub(crate) fn new(meter: &'m mut Meter) -> Self {
        Self { meter, folded: HashMap::new() }
    }

    /// Another look, at something that stands beside this one's values.
    pub(crate) fn beside(&mut self) -> Look<'_, '_> {
        Look::new(self.meter)
    }

    /// Charges steps.
    pub(crate) fn costs(&mut self, steps: u64) -> Result<(), Exhausted> {
        self.meter.charge(steps)
    }

    /// Charges bytes that are read once, as comparing and searching does.
    pub(crate) fn reads(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.meter.charge_bytes(bytes, 16)
    }

    /// Charges bytes that are parsed or decoded.
    pub(crate) fn parses(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.meter.charge_bytes(bytes, 2)
    }

    /// The folded form of a text, of which the caller knows whether it is ASCII.
    pub(crate) fn fold(&mut self, text: &'v str, is_ascii: bool) -> Result<&str, Exhausted> {
        self.meter.charge(KNOWN)?;
        match self.folded.entry(Place(text)) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                // Mapping and composing take some fifty nanoseconds a byte, ASCII is folded eight bytes at a time.
                let steps = if is_ascii { text.len() / 16 } else { text.len().saturating_mul(5) };
                self.meter.charge(NEW + steps as u64)?;
                Ok(new.insert(fold(text).into_owned()))
            }
        }
    }
}
