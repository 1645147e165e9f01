//! Charges a request for what SQLite does for its reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use scim_core::{Exhausted, Work};

/// The account of a read, and the price of 1,000 steps of SQLite's machine. Clones share it.
#[derive(Clone)]
pub(super) struct Pace {
    work: Work,
    full: u64,
    price: Arc<AtomicU64>,
    /// What the read may still be charged.
    most: Arc<AtomicU64>,
}

/// The price of 1,000 steps of SQLite's machine, which take about 30 µs.
const THOUSAND: u64 = 3_000;

impl Pace {
    /// Charges a read that a request can make expensive.
    pub(super) fn charging(work: Work) -> Self {
        Self { work, full: THOUSAND, price: Arc::new(AtomicU64::new(THOUSAND)), most: unlimited() }
    }

    /// Does not charge a read that is proportional to what it reads. It ends only if the time is up or no caller waits.
    pub(super) fn free(work: Work) -> Self {
        Self { work, full: 0, price: Arc::default(), most: unlimited() }
    }

    /// Begins the read, perhaps again.
    pub(super) fn begin(&self) {
        self.price.store(self.full, Ordering::Relaxed);
        self.most.store(u64::MAX, Ordering::Relaxed);
    }

    /// Limits the rest of the read to one part of the work.
    pub(super) fn is_one_part(&self) {
        self.most.store(self.work.part(), Ordering::Relaxed);
    }

    /// Ends charging, because the rest of the read is proportional to what it returns.
    pub(super) fn release(&self) {
        self.price.store(0, Ordering::Relaxed);
    }

    /// Charges 1,000 steps.
    pub(super) fn tick(&self) -> Result<(), Exhausted> {
        let price = self.price.load(Ordering::Relaxed);
        let rest = self.most.load(Ordering::Relaxed).checked_sub(price).ok_or(Exhausted::Steps)?;
        self.most.store(rest, Ordering::Relaxed);
        self.work.charge(price)
    }

    pub(super) fn work(&self) -> &Work {
        &self.work
    }
}

fn unlimited() -> Arc<AtomicU64> {
    Arc::new(AtomicU64::new(u64::MAX))
}
