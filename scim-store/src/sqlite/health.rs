//! What an operator wants to know of a store.

use std::time::Duration;

/// How a [`SqliteStore`](crate::SqliteStore) is, as [`health`](crate::SqliteStore::health) tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteHealth {
    /// Whether the thread that writes is there.
    pub alive: bool,
    /// What the disk failed at, when it failed to write or to sync the file or its log, or that
    /// the lock on the file was removed or replaced. That is final: the store writes
    /// nothing more, and the file is to be opened again, by this or another process.
    pub failed: Option<String>,
    /// How much of the log is in use, in bytes.
    pub log: u64,
    /// Whether the log is as long as it may be, and cannot be moved, because another program reads the file: writes are
    /// refused until it is done.
    pub log_full: bool,
    /// Whether there was no room for what was to be written or moved last, on the disk or within the size that the file
    /// may have.
    pub no_room: bool,
    /// How long ago something was last moved from the log into the file and came to the disk, or the store was opened.
    pub moved: Duration,
    /// How many bytes the disk has room for; `None` when the system does not tell.
    pub room: Option<u64>,
}

impl SqliteHealth {
    /// Whether a write that is asked for now is tried.
    pub fn takes_writes(&self) -> bool {
        self.alive && self.failed.is_none() && !self.log_full
    }
}
