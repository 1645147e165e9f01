//! What an operator wants to know about a store.

use std::time::Duration;

/// The state of a [`SqliteStore`](crate::SqliteStore), as [`health`](crate::SqliteStore::health) returns it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteHealth {
    /// Whether the writing thread is running.
    pub alive: bool,
    /// What failed: the disk, when it wrote or synced the file or its log, or the lock on the file, which was removed
    /// or replaced. That is final, and the store writes nothing more. The file has to be opened again, by this or
    /// another process.
    pub failed: Option<String>,
    /// How much of the log is in use, in bytes.
    pub log: u64,
    /// Whether the log has its greatest length and cannot be moved, because another program reads the file. Writes are
    /// refused until that read has ended.
    pub log_full: bool,
    /// Whether the last write or move found no room, on the disk or within the size limit of the file.
    pub no_room: bool,
    /// How long ago pages were last moved from the log into the file and synced, or the store was opened.
    pub moved: Duration,
    /// How many bytes the disk has room for; `None` if the system does not say.
    pub room: Option<u64>,
}

impl SqliteHealth {
    /// Returns whether a write that is requested now would be tried.
    pub fn takes_writes(&self) -> bool {
        self.alive && self.failed.is_none() && !self.log_full
    }
}
