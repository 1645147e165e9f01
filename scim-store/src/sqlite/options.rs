//! How a SQLite store is opened.

use std::thread;
use std::time::Duration;

/// How a [`SqliteStore`](crate::SqliteStore) is opened.
///
/// ```
/// use scim_store::{Durability, SqliteOptions};
/// let options = SqliteOptions::default().with_durability(Durability::Normal).with_readers(4);
/// assert_eq!(options.readers, 4);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// What survives when the machine stops.
    pub durability: Durability,
    /// How many reads may be under way in place, on the threads of their callers, and on as many threads of the
    /// store's own where they are long; at least one.
    pub readers: usize,
    /// How many batches may share one commit; at least one.
    pub group: usize,
    /// How many calls may wait for the writer, and as many for the readers; past it, callers wait
    /// for room.
    pub queue: usize,
    /// How many changes the feed keeps at least, a hundred bytes or so each; older ones go. At least one.
    pub kept_changes: u64,
    /// How large the file may grow, in bytes; past it, writes are refused with
    /// [`StoreError::Full`](scim_server_traits::StoreError::Full). As large as the disk allows when there is none.
    pub most_bytes: Option<u64>,
    /// How long the log beside the file grows, in bytes, before it is moved into the file: twice as long while it is,
    /// and never longer than the disk has room left to move it. While an old state is read it cannot begin again. At
    /// three times this length the oldest read is ended, at four times all of them; while another program reads, whom
    /// nobody here can end, writes are refused then with
    /// [`Unavailable::LogFull`](scim_server_traits::Unavailable::LogFull). What changes again and again until the log
    /// is moved is moved once, so that a longer one costs less, except room on the disk and, after a process was
    /// killed, a moment at the next start.
    pub log: u64,
    /// How long a read may look at one state of the file; past it, it is ended with
    /// [`Unavailable::ReadEnded`](scim_server_traits::Unavailable::ReadEnded), because the log cannot begin again under
    /// it.
    pub longest_read: Duration,
    /// How much memory the names of groups take at most, in bytes: a user's groups are looked up there before they are
    /// in the file. About 170 bytes each, so that the default (20 MiB) holds a hundred thousand.
    pub names: u64,
    /// Whether opening reads the whole file to find damage (`PRAGMA quick_check`), about a second for a
    /// gigabyte, rather than to meet it later in the middle of a call.
    pub check: bool,
    /// Whether a file opens whose log is missing although changes were in it that are not in the file.
    pub lost_log: bool,
    /// Whether a file opens that has another name, a hard link: the lock and the log stand beside one name only, so that
    /// nothing keeps another process from serving it under the other one, which destroys it.
    pub hard_links: bool,
    /// Whether those who read have the file mapped into memory, which saves a call and a copy for each page that is not
    /// in a cache. Where a mapped page cannot be read, because the disk fails or another program made the file shorter,
    /// the system ends the process with SIGBUS, where a read that is asked for fails with an error; nothing that was
    /// answered is lost. Off is right for a disk over a network. What writes is never mapped.
    pub mapping: bool,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self {
            durability: Durability::default(),
            readers: cores.max(2),
            group: 256,
            queue: 1024,
            kept_changes: 1_000_000,
            most_bytes: None,
            log: 128 << 20,
            longest_read: Duration::from_secs(60),
            names: 20 << 20,
            check: true,
            lost_log: false,
            hard_links: false,
            mapping: true,
        }
    }
}

impl SqliteOptions {
    /// With this durability.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// With this many reads at once.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// With at most this many batches in one commit.
    #[must_use]
    pub fn with_group(mut self, group: usize) -> Self {
        self.group = group;
        self
    }

    /// With room for this many waiting calls.
    #[must_use]
    pub fn with_queue(mut self, queue: usize) -> Self {
        self.queue = queue;
        self
    }

    /// With at least this many changes kept for those who follow them.
    #[must_use]
    pub fn with_kept_changes(mut self, kept_changes: u64) -> Self {
        self.kept_changes = kept_changes;
        self
    }

    /// With a file that grows no larger than this, but for its log.
    #[must_use]
    pub fn with_most_bytes(mut self, most_bytes: u64) -> Self {
        self.most_bytes = Some(most_bytes);
        self
    }

    /// With a log of this length in bytes.
    #[must_use]
    pub fn with_log(mut self, bytes: u64) -> Self {
        self.log = bytes;
        self
    }

    /// With reads that take this long at most.
    #[must_use]
    pub fn with_longest_read(mut self, longest_read: Duration) -> Self {
        self.longest_read = longest_read;
        self
    }

    /// With so many bytes of memory for the names of groups.
    #[must_use]
    pub fn with_names(mut self, bytes: u64) -> Self {
        self.names = bytes;
        self
    }

    /// Without a search for damage: a large file opens at once.
    #[must_use]
    pub fn without_check(mut self) -> Self {
        self.check = false;
        self
    }

    /// With what is in the file, when its log is missing: what was in the log is lost, and the file may be damaged.
    #[must_use]
    pub fn with_lost_log(mut self) -> Self {
        self.lost_log = true;
        self
    }

    /// With a file that may have other names, of which nobody makes use.
    #[must_use]
    pub fn with_hard_links(mut self) -> Self {
        self.hard_links = true;
        self
    }

    /// Without the file mapped into memory: no SIGBUS when a page of it cannot be read.
    #[must_use]
    pub fn without_mapping(mut self) -> Self {
        self.mapping = false;
        self
    }
}

/// What survives when the machine stops. The file stays sound under [`Full`](Durability::Full) and
/// [`Normal`](Durability::Normal).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Everything that was answered (`synchronous = FULL`).
    #[default]
    Full,
    /// Everything that was answered when only the process stops; after a power cut the last commits may
    /// be missing (`synchronous = NORMAL`).
    Normal,
    /// Perhaps nothing: for benchmarks (`synchronous = OFF`).
    Off,
}
