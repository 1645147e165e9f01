//! The options of a SQLite store.

use std::thread;
use std::time::Duration;

/// The options to open a [`SqliteStore`](crate::SqliteStore) with.
///
/// ```
/// use scim_store::{Durability, SqliteOptions};
/// let options = SqliteOptions::default().with_durability(Durability::Normal).with_readers(4);
/// assert_eq!(options.readers, 4);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// What survives if the machine stops.
    pub durability: Durability,
    /// How many threads do long reads, and how many connections for short reads are opened in advance; at least 1.
    pub readers: usize,
    /// How many batches may share one commit; at least 1.
    pub group: usize,
    /// How many calls may wait for the writer, and how many for the readers. Further calls wait until there is room.
    pub queue: usize,
    /// How many changes the feed keeps at least, about 160 bytes each without links; at least 1. Older ones are deleted.
    pub kept_changes: u64,
    /// How large the file may grow, in bytes. Beyond that, writes are refused with
    /// [`StoreError::Full`](scim_server_traits::StoreError::Full). `None` means as large as the disk allows.
    pub most_bytes: Option<u64>,
    /// How long the log grows, in bytes, before it is moved into the file. While it is moved it may grow to twice that
    /// length, but never longer than the disk has room left to move it.
    ///
    /// The log cannot begin again while a read uses an old state. At three times this length the oldest read is ended,
    /// at four times all of them. If another program still reads the file, which the store cannot end, writes are
    /// refused with [`Unavailable::LogFull`](scim_server_traits::Unavailable::LogFull).
    ///
    /// A page that changes often is moved only once. So a longer log reduces write volume, but uses more disk and,
    /// after a process was killed, takes a moment at the next start.
    pub log: u64,
    /// How long a read may use one state of the file. Then it is ended with
    /// [`Unavailable::ReadEnded`](scim_server_traits::Unavailable::ReadEnded), because the log cannot begin again
    /// meanwhile.
    pub longest_read: Duration,
    /// How much memory the names of groups may take, in bytes. A user's groups are looked up there before they are
    /// looked up in the file. A name takes about 170 bytes, so the default (20 MiB) holds about 100,000.
    pub names: u64,
    /// Whether opening reads the whole file to find damage (`PRAGMA quick_check`), which takes about 1 second per GB.
    /// Otherwise damage shows later, in the middle of a call.
    pub check: bool,
    /// Whether to open a file whose log is missing although it held changes that are not in the file.
    pub lost_log: bool,
    /// Whether to open a file that has another name, a hard link. The lock and the log belong to one name only. So
    /// another process could serve the file under the other name, which destroys it.
    pub hard_links: bool,
    /// Whether readers map the file into memory, which saves a call and a copy for each page that is in no cache. If a
    /// mapped page cannot be read, because the disk fails or another program made the file shorter, the system ends the
    /// process with SIGBUS. Without mapping, the read fails with an error. In both cases nothing that was answered is
    /// lost. Turn mapping off for a disk over a network. Connections that write never map the file.
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
    /// Sets what survives if the machine stops.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Sets the number of threads for long reads.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// Sets how many batches may share one commit.
    #[must_use]
    pub fn with_group(mut self, group: usize) -> Self {
        self.group = group;
        self
    }

    /// Sets how many calls may wait.
    #[must_use]
    pub fn with_queue(mut self, queue: usize) -> Self {
        self.queue = queue;
        self
    }

    /// Sets how many changes the feed keeps at least.
    #[must_use]
    pub fn with_kept_changes(mut self, kept_changes: u64) -> Self {
        self.kept_changes = kept_changes;
        self
    }

    /// Sets how large the file may grow, without its log.
    #[must_use]
    pub fn with_most_bytes(mut self, most_bytes: u64) -> Self {
        self.most_bytes = Some(most_bytes);
        self
    }

    /// Sets the length of the log in bytes.
    #[must_use]
    pub fn with_log(mut self, bytes: u64) -> Self {
        self.log = bytes;
        self
    }

    /// Sets how long a read may use one state of the file.
    #[must_use]
    pub fn with_longest_read(mut self, longest_read: Duration) -> Self {
        self.longest_read = longest_read;
        self
    }

    /// Sets how much memory the names of groups may take, in bytes.
    #[must_use]
    pub fn with_names(mut self, bytes: u64) -> Self {
        self.names = bytes;
        self
    }

    /// Does not search for damage, so that a large file opens at once.
    #[must_use]
    pub fn without_check(mut self) -> Self {
        self.check = false;
        self
    }

    /// Opens the file even if its log is missing. What was in the log is lost, and the file may be damaged.
    #[must_use]
    pub fn with_lost_log(mut self) -> Self {
        self.lost_log = true;
        self
    }

    /// Opens a file that may have other names, which no process may use.
    #[must_use]
    pub fn with_hard_links(mut self) -> Self {
        self.hard_links = true;
        self
    }

    /// Does not map the file into memory, so that an unreadable page causes no SIGBUS.
    #[must_use]
    pub fn without_mapping(mut self) -> Self {
        self.mapping = false;
        self
    }
}

/// What survives if the machine stops. The file stays sound under [`Full`](Durability::Full) and
/// [`Normal`](Durability::Normal).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Every write that was answered (`synchronous = FULL`).
    #[default]
    Full,
    /// Every write that was answered, if only the process stops. After a power cut the last commits may be missing
    /// (`synchronous = NORMAL`).
    Normal,
    /// Perhaps nothing: for benchmarks (`synchronous = OFF`).
    Off,
}
