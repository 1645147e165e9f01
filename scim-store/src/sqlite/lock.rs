//! Lets only one process serve a file. SQLite itself would let several write, but each would wait for the others'
//! commits, and none could promise a log of bounded length.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::fault::Fault;
use super::{file, private};

/// The right to serve a file, until it is dropped or the process ends, in whatever way.
///
/// It is a lock on a separate file. Locking the database file itself is unsafe: closing any handle to it drops SQLite's
/// locks. The lock file is never deleted, so that no process can lock one that is about to go.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
    looked: Instant,
}

/// How often the writer checks that the lock is still there.
const LOOKS: Duration = Duration::from_secs(1);

impl Lock {
    pub(super) fn take(database: &Path) -> Result<Self, Fault> {
        let path = path(database);
        let fault = |error| Fault::Lock { path: path.clone(), error };
        let mut file = private::options().create(true).truncate(false).open(&path).map_err(fault)?;
        private::close_to_readers(&file, database);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Fault::Held { path: database.to_owned(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(fault(error)),
        }
        // For people only: the lock counts, whatever the file says.
        let mut sign = || {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "process {}{}", std::process::id(), program())
        };
        sign().map_err(fault)?;
        Ok(Self { file, path, looked: Instant::now() })
    }

    /// Fails if the lock file is gone or was replaced, because another process can lock the new one. Checks only now
    /// and then.
    pub(super) fn check(&mut self) -> Result<(), Fault> {
        if self.looked.elapsed() < LOOKS {
            return Ok(());
        }
        self.looked = Instant::now();
        if file::is_at(&self.file, &self.path) { Ok(()) } else { Err(Fault::LockLost(self.path.clone())) }
    }
}

/// Returns `scim.db-lock`, next to SQLite's own `scim.db-wal`.
fn path(database: &Path) -> PathBuf {
    file::beside(database, "-lock")
}

fn program() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(Path::file_name);
    name.map_or_else(String::new, |name| format!(" ({})", name.display()))
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(200).read_to_string(&mut text) {
        Ok(length) if length > 0 => text,
        _ => "another process".to_owned(),
    }
}
