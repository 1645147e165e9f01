//! Charging walks that are made of iterators.

use std::cell::{Cell, RefCell};

use scim_core::{Exhausted, Meter, Work};

/// A meter that iterators share. Once it has run out they end, and the caller asks why.
pub(super) struct Ticks {
    meter: RefCell<Meter>,
    exhausted: Cell<Option<Exhausted>>,
}

impl Ticks {
    pub(super) fn new(work: &Work) -> Self {
        Self { meter: RefCell::new(work.meter()), exhausted: Cell::new(None) }
    }

    /// For one part of the work.
    pub(super) fn of_part(work: &Work) -> Self {
        Self { meter: RefCell::new(work.part_meter()), exhausted: Cell::new(None) }
    }

    /// Charges so many steps; whether to go on.
    pub(super) fn tick(&self, steps: u64) -> bool {
        match self.meter.borrow_mut().charge(steps) {
            Ok(()) => true,
            Err(exhausted) => {
                self.exhausted.set(Some(exhausted));
                false
            }
        }
    }

    /// Whether all was done.
    pub(super) fn check(&self) -> Result<(), Exhausted> {
        self.exhausted.get().map_or(Ok(()), Err)
    }
}
