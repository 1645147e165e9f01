//! What SQLite does for a read, charged to its request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use scim_core::{Exhausted, Work};

/// The account of a read, and what a thousand steps of SQLite's machine are charged. Clones share it.
#[derive(Clone)]
pub(super) struct Pace {
    work: Work,
    full: u64,
    price: Arc<AtomicU64>,
    /// What it may still be charged.
    most: Arc<AtomicU64>,
}

/// What a thousand steps of SQLite's machine cost: they take about thirty microseconds.
const THOUSAND: u64 = 3_000;

impl Pace {
    /// For what a request can make dear.
    pub(super) fn charging(work: Work) -> Self {
        Self { work, full: THOUSAND, price: Arc::new(AtomicU64::new(THOUSAND)), most: unlimited() }
    }

    /// For what is proportional to what is read: it ends only when the time is up, or nobody waits.
    pub(super) fn free(work: Work) -> Self {
        Self { work, full: 0, price: Arc::default(), most: unlimited() }
    }

    /// The read begins, perhaps again.
    pub(super) fn begin(&self) {
        self.price.store(self.full, Ordering::Relaxed);
        self.most.store(u64::MAX, Ordering::Relaxed);
    }

    /// From here on the read may take no more than one part of the work.
    pub(super) fn is_one_part(&self) {
        self.most.store(self.work.part(), Ordering::Relaxed);
    }

    /// From here on the read is proportional to what it gives.
    pub(super) fn release(&self) {
        self.price.store(0, Ordering::Relaxed);
    }

    /// Charges a thousand steps.
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
