//! A moment that readers may believe in while nobody has changed anything since.

use super::sync::{AtomicU64, Ordering::SeqCst, PoisonError, RwLock};

/// Counts the changes of something that is kept beside the file.
pub(super) struct Epoch {
    /// Odd while a change is under way; each change has numbers of its own.
    number: AtomicU64,
    /// Held by all who note something, and alone by the change that begins.
    noting: RwLock<()>,
}

/// Before a reading transaction began.
#[derive(Clone, Copy)]
pub(super) struct Moment(u64);

impl Epoch {
    pub(super) fn new() -> Self {
        Self { number: AtomicU64::new(0), noting: RwLock::new(()) }
    }

    /// For a transaction that has not looked at the file yet.
    pub(super) fn now(&self) -> Moment {
        Moment(self.number.load(SeqCst))
    }

    /// Whether nothing has changed since then.
    pub(super) fn holds(&self, moment: Moment) -> bool {
        moment.0.is_multiple_of(2) && self.number.load(SeqCst) == moment.0
    }

    /// Has noted what the transaction of this moment read, if it still holds.
    pub(super) fn note(&self, moment: Moment, note: impl FnOnce()) {
        let _together = self.noting.read().unwrap_or_else(PoisonError::into_inner);
        if self.holds(moment) {
            note();
        }
    }

    /// Before what was noted changes in the file. One change at a time.
    pub(super) fn begin(&self) {
        let _alone = self.noting.write().unwrap_or_else(PoisonError::into_inner);
        self.number.fetch_add(1, SeqCst);
    }

    /// After it changed in the file, or not, and is noted no more.
    pub(super) fn end(&self) {
        self.number.fetch_add(1, SeqCst);
    }
}
