//! A mark next to the file that says what its log must contain, so that a deleted log is noticed.
//!
//! The mark names a change that is in the log, and perhaps in the file too. If the file is found without that change,
//! the log is gone. While the log is being moved, the file is between two states, and the mark requires a log whatever
//! is in it. A commit costs nothing more: the mark is written before and after the log is moved, and with the first
//! commit that follows.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::fault::Fault;
use super::options::{Durability, SqliteOptions};
use super::{feed, file, private};

/// The mark, shared by the writer and the mover.
#[derive(Debug)]
pub(super) struct Mark {
    database: PathBuf,
    path: PathBuf,
    durability: Durability,
    /// What the mark said when the file was opened.
    found: Option<Says>,
    /// Whether there was a log then.
    has_log: bool,
    /// Whether the log was moved since the mark last named a change in it.
    due: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Held open after the first write.
    file: Option<File>,
    moving: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// The file and its log have this change.
    Change(u64),
    /// The log is being moved.
    Moving,
}

impl Says {
    /// Reads a mark. A text without a number was not written by this version, so it requires a log.
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let number = text.strip_prefix("change ").and_then(|number| number.trim().parse().ok());
        (!text.is_empty()).then(|| number.map_or(Self::Moving, Self::Change))
    }

    /// Returns a text that always has the same length, so that one overwrites another at once and needs no room.
    fn text(self) -> String {
        match self {
            Self::Change(number) => format!("change {number:>20}\n"),
            Self::Moving => format!("{:<27}\n", "moving"),
        }
    }
}

impl Mark {
    /// Reads the mark, before SQLite creates a log. Fails if the log must be there and is not.
    pub(super) fn find(database: &Path, options: &SqliteOptions) -> Result<Self, Fault> {
        let path = file::beside(database, "-mark");
        let fault = |error| Fault::File { path: path.clone(), error };
        let found = match fs::read(&path) {
            Ok(bytes) => Says::read(&String::from_utf8_lossy(&bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(fault(error)),
        };
        // An empty file begins without a mark, whatever is next to it.
        let is_empty = fs::metadata(database).map_or(true, |found| found.len() == 0);
        let found = found.filter(|_| !options.lost_log && !is_empty);
        let has_log = file::beside(database, "-wal").try_exists().map_err(fault)?;
        let mark = Self {
            database: database.to_owned(),
            path: path.clone(),
            durability: options.durability,
            found,
            has_log,
            due: AtomicBool::new(true),
            state: Mutex::default(),
        };
        if found == Some(Says::Moving) && !has_log {
            return Err(mark.missing());
        }
        Ok(mark)
    }

    /// Fails if what was in the log is missing. The file may have any layout, or no tables yet.
    pub(super) fn check(&self, connection: &Connection) -> Result<(), Fault> {
        let Some(Says::Change(named)) = self.found else { return Ok(()) };
        if feed::written(connection)? < named { Err(self.missing()) } else { Ok(()) }
    }

    /// Explains a file that cannot be read, if part of the log was moved into it and the rest is gone.
    pub(super) fn explain(&self, fault: Fault) -> Fault {
        let is_damage = matches!(fault, Fault::Damaged(_)) || fault.is_corrupt();
        if is_damage && self.found.is_some() && !self.has_log { self.missing() } else { fault }
    }

    fn missing(&self) -> Fault {
        Fault::LogMissing { path: self.database.clone(), log: self.log(), mark: self.path.clone() }
    }

    fn log(&self) -> PathBuf {
        file::beside(&self.database, "-wal")
    }

    /// Records that the log begins to be moved. It exists.
    pub(super) fn begin_to_move(&self) -> Result<(), Fault> {
        let mut state = self.state();
        self.write(&mut state, Says::Moving)?;
        state.moving = true;
        Ok(())
    }

    /// Records that as much of the log as possible is moved.
    pub(super) fn end_to_move(&self, connection: &Connection) -> Result<(), Fault> {
        self.due.store(true, Ordering::SeqCst);
        // Held while the newest change is read. A commit that found the log being moved left its change to the mover,
        // and is part of what is read. A later commit finds the log moved and names its own change.
        let mut state = self.state();
        let written = feed::written(connection)?;
        self.name(&mut state, written)?;
        state.moving = false;
        Ok(())
    }

    /// Records a commit on `connection` of which no caller has been told yet.
    pub(super) fn note_commit(&self, connection: &Connection) -> Result<(), Fault> {
        if !self.due.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut state = self.state();
        // Otherwise the thread that moves the log names it.
        if !state.moving {
            let written = feed::written(connection)?;
            self.name(&mut state, written)?;
            self.due.store(false, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Removes the mark, after the file was closed and has everything that was in the log.
    pub(super) fn remove(&self) {
        // A mark that stays names a change that the file has.
        let _ = fs::remove_file(&self.path);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self, state: &mut State, change: u64) -> Result<(), Fault> {
        // Otherwise the mark may be on the disk before the change is.
        if self.durability == Durability::Normal {
            let log = self.log();
            let synced = OpenOptions::new().write(true).open(&log).and_then(|file| file.sync_data());
            synced.map_err(|error| Fault::Sync { path: log, error })?;
        }
        self.write(state, Says::Change(change))
    }

    fn write(&self, state: &mut State, says: Says) -> Result<(), Fault> {
        if self.durability == Durability::Off {
            // Nothing is promised, and the mark of an earlier process no longer holds.
            self.remove();
            return Ok(());
        }
        let is_new = state.file.is_none();
        let written = self.put(state, says).map_err(|error| Fault::File { path: self.path.clone(), error });
        let file = written?;
        // Syncing the folder also makes the entry of the log durable, because the mark must not outlive the log.
        let synced =
            file.sync_data().and_then(|()| if is_new { file::sync_folder(&self.path) } else { Ok(()) });
        synced.map_err(|error| Fault::Sync { path: self.path.clone(), error })
    }

    fn put<'a>(&self, state: &'a mut State, says: Says) -> io::Result<&'a File> {
        let file = match state.file.take() {
            Some(file) => file,
            None => private::options().create(true).truncate(false).open(&self.path)?,
        };
        let file = state.file.insert(file);
        put_over(file, says.text().as_bytes())?;
        Ok(file)
    }
}

/// Overwrites the first bytes.
#[cfg(unix)]
fn put_over(file: &File, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, 0)
}

#[cfg(not(unix))]
fn put_over(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    use std::io::{Seek as _, Write as _};
    file.rewind()?;
    file.write_all(bytes)
}
