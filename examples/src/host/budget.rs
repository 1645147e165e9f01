//! The memory that requests and answers may take, over all connections.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::places::Connection;

/// Counts and limits the bytes that heads, bodies and answers hold.
#[derive(Debug)]
pub(super) struct Budget {
    most: usize,
    taken: AtomicUsize,
}

impl Budget {
    /// Makes a budget of this many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: AtomicUsize::new(0) }
    }

    /// Takes this many bytes for a connection if there is room, and returns whether there was.
    ///
    /// No connection may hold more than it leaves free. So one connection alone gets half of the budget. However many
    /// connections take what they can, the next one gets as much as each of them has.
    pub(super) fn take(&self, connection: &Connection, bytes: usize) -> bool {
        let held = connection.held.load(Ordering::Relaxed).saturating_add(bytes);
        let take = |taken: usize| {
            let taken = taken.checked_add(bytes)?;
            let free = self.most.checked_sub(taken)?;
            (held <= free).then_some(taken)
        };
        let fits = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if fits {
            connection.held.fetch_add(bytes, Ordering::Relaxed);
        }
        fits
    }

    /// Gives back bytes that were taken.
    pub(super) fn give(&self, connection: &Connection, bytes: usize) {
        connection.held.fetch_sub(bytes, Ordering::Relaxed);
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}
