//! Charges walks that are made of iterators.

use std::cell::{Cell, RefCell};

use scim_core::{Exhausted, Meter, Work};

/// A meter that iterators share. When it runs out the iterators end, and the caller checks why.
pub(super) struct Ticks {
    meter: RefCell<Meter>,
    exhausted: Cell<Option<Exhausted>>,
}

impl Ticks {
    pub(super) fn new(work: &Work) -> Self {
        Self { meter: RefCell::new(work.meter()), exhausted: Cell::new(None) }
    }

    /// Creates a meter for one part of the work.
    pub(super) fn of_part(work: &Work) -> Self {
        Self { meter: RefCell::new(work.part_meter()), exhausted: Cell::new(None) }
    }

    /// Charges this many steps. Returns whether to go on.
    pub(super) fn tick(&self, steps: u64) -> bool {
        match self.meter.borrow_mut().charge(steps) {
            Ok(()) => true,
            Err(exhausted) => {
                self.exhausted.set(Some(exhausted));
                false
            }
        }
    }

    /// Fails if the meter ran out.
    pub(super) fn check(&self) -> Result<(), Exhausted> {
        self.exhausted.get().map_or(Ok(()), Err)
    }
}
