//! A copy of the file while it is in use.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread::Builder;
use std::time::{Duration, Instant};

use futures_channel::oneshot;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use scim_server_traits::StoreError;

use super::checkpointer::{LAID, MOST_TIMES};
use super::fault::Fault;
use super::{SqliteOptions, SqliteStore, feed, file, private, schema};

/// How many pages are copied between two reports: a megabyte.
const STEP: i32 = 256;

/// How long a copy waits for a shorter log before it begins again.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a copy begins before it is given up.
const BEGINNINGS: usize = 5;

/// How far a backup has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupProgress {
    /// Pages that are copied.
    pub done: u64,
    /// Pages in all.
    pub total: u64,
}

/// Copies the SQLite store in the file `from` to the new file `to`, also while a process serves it: writes go on, and
/// the copy is what was committed when it began. `to` appears when it is whole, and can be opened as any store; it
/// must not be there before. Who follows the changes of `from` is told to read everything again by the copy, whose
/// changes are others from here on. What is called `to-partial-` and something was left by a backup that did not come to
/// its end.
///
/// The log of `from` grows with what is written in the meantime. When it is three times as long as
/// [`SqliteOptions::log`] has it by default, the copy begins again, of what is committed by then, so that the log can be
/// moved; it fails when that happens too often.
///
/// # Errors
///
/// [`StoreError::Backend`] when `from` is no store, `to` is there already or cannot be written, or too much is written
/// to `from` meanwhile.
pub fn backup(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    progress: impl FnMut(BackupProgress),
) -> Result<(), StoreError> {
    Ok(copy(from.as_ref(), to.as_ref(), SqliteOptions::default().log, progress)?)
}

/// The same on a thread of its own, for which the store stays open.
pub(super) async fn spawn(
    store: SqliteStore,
    from: PathBuf,
    to: PathBuf,
    log: u64,
    progress: impl FnMut(BackupProgress) + Send + 'static,
) -> Result<(), Fault> {
    let (answer, outcome) = oneshot::channel();
    let work = move || {
        let copied = copy(&from, &to, log, progress);
        // Who is answered may want to open the file again.
        drop(store);
        let _ = answer.send(copied);
    };
    Builder::new().name("scim-store-backup".into()).spawn(work).map_err(Fault::Thread)?;
    outcome.await.map_err(|_| Fault::Stopped)?
}

fn copy(from: &Path, to: &Path, log: u64, progress: impl FnMut(BackupProgress)) -> Result<(), Fault> {
    let fault = |error| Fault::File { path: to.to_owned(), error };
    if to.try_exists().map_err(fault)? {
        return Err(Fault::Exists(to.to_owned()));
    }
    // Of two backups to one place each has its own, and one of them gets the name.
    let number = schema::random::<8>().map(u64::from_be_bytes)?;
    let partial = file::beside(to, &format!("-partial-{number:016x}"));
    let copied = pages(from, &partial, log, progress).and_then(|()| {
        // SQLite has synced the pages; what is left is the name. A hard link takes none that is there.
        fs::hard_link(&partial, to).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Fault::Exists(to.to_owned()),
            _ => fault(error),
        })?;
        file::sync_folder(to).map_err(fault)
    });
    let removed = fs::remove_file(&partial);
    copied?;
    removed.map_err(fault)
}

fn pages(from: &Path, to: &Path, log: u64, mut progress: impl FnMut(BackupProgress)) -> Result<(), Fault> {
    let _file = file::hold(from).map_err(|error| Fault::File { path: from.to_owned(), error })?;
    // Each page is read once.
    let source = schema::reading(from, false)?;
    // A copy is as private as a new file, whatever `from` is.
    drop(
        private::options()
            .create_new(true)
            .open(to)
            .map_err(|error| Fault::File { path: to.to_owned(), error })?,
    );
    let mut target = Connection::open(to)?;
    let most = log.saturating_mul(u64::from(MOST_TIMES) - 1).saturating_add(LAID);
    let mut begun = 0;
    while !state(&source, &mut target, from, most, &mut progress)? {
        begun += 1;
        if begun == BEGINNINGS {
            return Err(Fault::Outrun(from.to_owned()));
        }
        // The store begins its log anew with what is written next, and cuts it.
        let until = Instant::now() + PATIENCE;
        while log_length(from) > most && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    // No log beside it: the file is all there is.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    feed::begin_anew(&mut target)
}

/// How long the log is, with the room behind it.
fn log_length(from: &Path) -> u64 {
    file::beside(from, "-wal").metadata().map_or(0, |found| found.len())
}

/// Copies one state of the file; whether it came to the end before the log was too long.
fn state(
    source: &Connection,
    target: &mut Connection,
    from: &Path,
    most: u64,
    progress: &mut impl FnMut(BackupProgress),
) -> Result<bool, Fault> {
    // One transaction for all steps: otherwise each write of another connection would begin the copy anew.
    let snapshot = source.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    // The file of the log stays as long as it once was for a while.
    let most = most.max(log_length(from));
    let backup = Backup::new(&snapshot, target)?;
    loop {
        if step(&backup, progress)? {
            return Ok(true);
        }
        if log_length(from) > most {
            return Ok(false);
        }
    }
}

/// Copies some pages; whether they were the last.
fn step(backup: &Backup<'_, '_>, progress: &mut impl FnMut(BackupProgress)) -> Result<bool, Fault> {
    let step = backup.step(STEP)?;
    let state = backup.progress();
    let total = u64::try_from(state.pagecount).unwrap_or_default();
    let remaining = u64::try_from(state.remaining).unwrap_or_default();
    progress(BackupProgress { done: total.saturating_sub(remaining), total });
    if !matches!(step, StepResult::Done | StepResult::More) {
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(step == StepResult::Done)
}
