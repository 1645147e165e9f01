//! The state of the log: its length, when it was last moved into the file, and whether the disk failed.

use std::fs::{File, OpenOptions};
use std::io::{Error, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use scim_server_traits::{StoreError, Unavailable};

use super::fault::Fault;
use super::file;
use super::health::SqliteHealth;
use super::mark::Mark;
use super::moving::Moving;
use super::schema;

/// The length in bytes of the head of the log's index: two copies of what says how far the log goes.
const INDEX_HEAD: usize = 96;

/// What the writer, the mover and callers that ask for the store's health share.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    /// The mark, which says outside the log what the log must contain.
    mark: Mark,
    /// How many bytes a page takes in the log.
    pub(super) frame: u64,
    /// What the writer and the mover tell each other.
    pub(super) moving: Moving,
    opened: Instant,
    /// When moved pages were last synced, in milliseconds after `opened`.
    moved_last: AtomicU64,
    /// Whether the last write found no room.
    no_room: AtomicBool,
    /// Whether the lock was lost, and not the disk failed.
    lost_lock: AtomicBool,
}

impl Log {
    pub(super) fn of(path: &Path, page: u32, mark: Mark) -> Self {
        Self {
            path: path.to_owned(),
            mark,
            frame: u64::from(page) + 24,
            moving: Moving::new(),
            opened: Instant::now(),
            moved_last: AtomicU64::new(0),
            no_room: AtomicBool::new(false),
            lost_lock: AtomicBool::new(false),
        }
    }

    /// Waits until the log is not being moved, and keeps others from moving it. Returns `None` if the disk failed,
    /// because then the log stays as it is.
    pub(super) fn hold(&self) -> Option<MutexGuard<'_, ()>> {
        self.moving.hold()
    }

    /// Runs `work`, which moves the log on this connection or another. The log must be held.
    pub(super) fn while_moving<T>(
        &self,
        connection: &Connection,
        work: impl FnOnce() -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.judge(self.mark.begin_to_move().and_then(|()| {
            let done = work()?;
            self.mark.end_to_move(connection)?;
            Ok(done)
        }))
    }

    /// Records a commit on `connection` of which no caller has been told yet. A failure here does not change the
    /// answer, because the commit is in the log.
    pub(super) fn note_commit(&self, connection: &Connection) {
        if let Err(fault) = self.mark.note_commit(connection) {
            self.look_at(&fault);
        }
    }

    /// Removes the mark, after the file was closed and has everything that was in the log.
    pub(super) fn end(&self) {
        self.mark.remove();
    }

    pub(super) fn has_failed(&self) -> bool {
        self.moving.failed().is_some()
    }

    /// Records whether there was room for the last write.
    pub(super) fn set_room(&self, room: bool) {
        self.no_room.store(!room, Ordering::Relaxed);
    }

    pub(super) fn is_full(&self) -> bool {
        self.moving.is_full()
    }

    /// Records that all of the log is moved, so that the next commit begins it again.
    pub(super) fn begin_anew(&self) {
        self.note_moved();
        self.moving.begin_anew();
    }

    /// Refuses a write after the disk failed, or while the log is full.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let why = if self.has_failed() {
            let lost_lock = self.lost_lock.load(Ordering::SeqCst);
            if lost_lock { Unavailable::LockLost } else { Unavailable::DiskFailed }
        } else if self.is_full() {
            Unavailable::LogFull
        } else {
            return Ok(());
        };
        Err(StoreError::Unavailable(why).into())
    }

    /// Records that moved pages were synced.
    pub(super) fn note_moved(&self) {
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_last.store(now, Ordering::Relaxed);
    }

    /// Records whether the disk failed, if the outcome is an error.
    pub(super) fn judge<T>(&self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &outcome {
            self.look_at(fault);
        }
        outcome
    }

    /// Records whether an error means that the disk failed or was full.
    pub(super) fn look_at(&self, fault: &Fault) {
        if fault.is_lost_write() {
            self.fail(fault);
        } else if fault.is_full() {
            self.set_room(false);
        }
    }

    /// Stops all writing and moving. The system may forget data that it could not write, and report it only once. So a
    /// second attempt that succeeds proves nothing, and only the copy in the log is certain.
    pub(super) fn fail(&self, error: &impl ToString) {
        let error = error.to_string();
        if self.moving.fail(error.clone()) {
            tracing::error!(
                path = %self.path.display(),
                error,
                "the disk failed under the store: nothing more is written until it is opened anew, which takes from the \
                 log what may be missing in the file"
            );
        }
    }

    /// Stops all writing and moving, as after a failure of the disk, because another process may serve the file.
    pub(super) fn lose_lock(&self, lost: &Fault) {
        let error = lost.to_string();
        if self.has_failed() {
            return;
        }
        // Set before the failure can be seen.
        self.lost_lock.store(true, Ordering::SeqCst);
        if self.moving.fail(error.clone()) {
            tracing::error!(path = %self.path.display(), error, "the store no longer has its file for itself");
        }
    }

    /// Makes all users of the file read moved pages from the log again. SQLite reads from the file what the index of
    /// the log says was moved. And the program that closes the file last, even one that only read it, would move the
    /// rest and delete the log. If the head of the index is void they rebuild the index, and in a new index nothing
    /// counts as moved.
    pub(super) fn make_index_anew(&self, connection: &Connection) {
        let index = file::beside(&self.path, "-shm");
        let make = || {
            connection.busy_timeout(schema::PATIENCE)?;
            // A commit writes the head, so none may run meanwhile.
            connection.execute_batch("BEGIN IMMEDIATE")?;
            let voided = void(&index);
            connection.execute_batch("ROLLBACK")?;
            voided.map_err(|error| Fault::File { path: index.clone(), error })
        };
        if let Err(error) = make() {
            tracing::error!(
                %error,
                "other programs must close the database before the store is opened anew: what they know of its log is \
                 out of date"
            );
        }
    }

    /// Returns the state of the store, apart from its threads.
    pub(super) fn health(&self, alive: bool) -> SqliteHealth {
        let moved_last = Duration::from_millis(self.moved_last.load(Ordering::Relaxed));
        SqliteHealth {
            alive,
            failed: self.moving.failed().cloned(),
            log: self.bytes(),
            log_full: self.is_full(),
            no_room: self.no_room.load(Ordering::Relaxed),
            moved: self.opened.elapsed().saturating_sub(moved_last),
            room: fs4::available_space(file::folder(&self.path)).ok(),
        }
    }

    /// Returns the length of the log, without the room laid out behind it.
    fn bytes(&self) -> u64 {
        u64::try_from(self.moving.pages()).unwrap_or_default() * self.frame
    }
}

fn void(index: &Path) -> Result<(), Error> {
    /// Closing a file drops the locks that this process has on it, SQLite's too. So it stays open for good.
    static OPEN: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let mut file = OpenOptions::new().write(true).open(index)?;
    let written = file.write_all(&[0; INDEX_HEAD]);
    OPEN.lock().unwrap_or_else(PoisonError::into_inner).push(file);
    written
}
