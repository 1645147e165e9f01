//! What is known of the log: how long it is, when it was moved into the file, and whether the disk failed under either.

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

/// What the log's index begins with, in bytes: two copies of the head that says how far the log goes.
const INDEX_HEAD: usize = 96;

/// What the writer, the thread that moves the log and those who ask for the store's health share.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    /// What says outside of it what it holds.
    mark: Mark,
    /// Of a page in the log, in bytes.
    pub(super) frame: u64,
    /// What the writer and the thread that moves it tell each other.
    pub(super) moving: Moving,
    opened: Instant,
    /// When something that was moved last came to the disk, in milliseconds after `opened`.
    moved_last: AtomicU64,
    /// Whether there was no room for the last write.
    no_room: AtomicBool,
    /// Whether it was its lock that it lost, and not the disk that failed.
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

    /// Waits until nobody moves it, and keeps others from it. `None` when the disk failed: then it stays as it is.
    pub(super) fn hold(&self) -> Option<MutexGuard<'_, ()>> {
        self.moving.hold()
    }

    /// Has `work` move it, on this connection or another, while it is held.
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

    /// Something was committed on `connection`, and nobody was told yet. What fails now is no reason not to tell: it is
    /// in the log.
    pub(super) fn note_commit(&self, connection: &Connection) {
        if let Err(fault) = self.mark.note_commit(connection) {
            self.look_at(&fault);
        }
    }

    /// The file is closed, and has all that was in it.
    pub(super) fn end(&self) {
        self.mark.remove();
    }

    pub(super) fn has_failed(&self) -> bool {
        self.moving.failed().is_some()
    }

    /// Whether there was room for what was written last.
    pub(super) fn set_room(&self, room: bool) {
        self.no_room.store(!room, Ordering::Relaxed);
    }

    pub(super) fn is_full(&self) -> bool {
        self.moving.is_full()
    }

    /// All of it is moved, and the next commit begins it again.
    pub(super) fn begin_anew(&self) {
        self.note_moved();
        self.moving.begin_anew();
    }

    /// Refuses what would be written after the disk failed, or while the log is full.
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

    /// What was moved came to the disk.
    pub(super) fn note_moved(&self) {
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_last.store(now, Ordering::Relaxed);
    }

    /// Looks whether it was the disk that failed in what was written.
    pub(super) fn judge<T>(&self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &outcome {
            self.look_at(fault);
        }
        outcome
    }

    /// Looks whether a failure is one of the disk.
    pub(super) fn look_at(&self, fault: &Fault) {
        if fault.is_lost_write() {
            self.fail(fault);
        } else if fault.is_full() {
            self.set_room(false);
        }
    }

    /// From here on nothing is written, and nothing is moved. The system may forget what it could not bring to the disk,
    /// and say so once only: a second try that succeeds proves nothing, and the log has the only copy that is sure.
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

    /// As after a failure of the disk, nothing is written or moved from here on: another process may serve the file.
    pub(super) fn lose_lock(&self, lost: &Fault) {
        let error = lost.to_string();
        if self.has_failed() {
            return;
        }
        // Before the failure is seen.
        self.lost_lock.store(true, Ordering::SeqCst);
        if self.moving.fail(error.clone()) {
            tracing::error!(path = %self.path.display(), error, "the store no longer has its file for itself");
        }
    }

    /// Has all who use the file take from the log what was moved already: SQLite reads from the file what it was told is
    /// there, and the program that closes the file last, even one that only looked into it, would move the rest and
    /// delete the log. They rebuild the index of the log when its head is void, and in a new one nothing is moved.
    pub(super) fn make_index_anew(&self, connection: &Connection) {
        let index = file::beside(&self.path, "-shm");
        let make = || {
            connection.busy_timeout(schema::PATIENCE)?;
            // Whoever commits writes the head.
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

    /// How the store is, apart from its threads.
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

    /// How long it is, without the room laid out behind it.
    fn bytes(&self) -> u64 {
        u64::try_from(self.moving.pages()).unwrap_or_default() * self.frame
    }
}

fn void(index: &Path) -> Result<(), Error> {
    /// To close a file takes away the locks that this process has on it, SQLite's too: it stays open for good.
    static OPEN: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let mut file = OpenOptions::new().write(true).open(index)?;
    let written = file.write_all(&[0; INDEX_HEAD]);
    OPEN.lock().unwrap_or_else(PoisonError::into_inner).push(file);
    written
}
