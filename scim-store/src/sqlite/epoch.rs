//! A moment that a reader may rely on as long as nothing has changed since.

use super::sync::{AtomicU64, Ordering::SeqCst, PoisonError, RwLock};

/// Counts the changes of data that is cached in memory.
pub(super) struct Epoch {
    /// Odd while a change is under way. Each change has numbers of its own.
    number: AtomicU64,
    /// Shared by all that note something, and held exclusively while a change begins.
    noting: RwLock<()>,
}

/// A moment before a reading transaction began.
#[derive(Clone, Copy)]
pub(super) struct Moment(u64);

impl Epoch {
    pub(super) fn new() -> Self {
        Self { number: AtomicU64::new(0), noting: RwLock::new(()) }
    }

    /// Returns the present moment, for a transaction that has not read the file yet.
    pub(super) fn now(&self) -> Moment {
        Moment(self.number.load(SeqCst))
    }

    /// Returns whether nothing has changed since then.
    pub(super) fn holds(&self, moment: Moment) -> bool {
        moment.0.is_multiple_of(2) && self.number.load(SeqCst) == moment.0
    }

    /// Runs `note`, which caches what the transaction of this moment read, if the moment still holds.
    pub(super) fn note(&self, moment: Moment, note: impl FnOnce()) {
        let _together = self.noting.read().unwrap_or_else(PoisonError::into_inner);
        if self.holds(moment) {
            note();
        }
    }

    /// Begins a change, before the data changes in the file. One change at a time.
    pub(super) fn begin(&self) {
        let _alone = self.noting.write().unwrap_or_else(PoisonError::into_inner);
        self.number.fetch_add(1, SeqCst);
    }

    /// Ends a change. By then the data has changed in the file, or not, and is no longer cached.
    pub(super) fn end(&self) {
        self.number.fetch_add(1, SeqCst);
    }
}
