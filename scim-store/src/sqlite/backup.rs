//! Copies the file while it is in use.

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

/// How many pages are copied between two reports: 1 MiB.
const STEP: i32 = 256;

/// How long a copy waits for a shorter log before it starts again.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a copy starts before it fails.
const BEGINNINGS: usize = 5;

/// The progress of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupProgress {
    /// Pages copied so far.
    pub done: u64,
    /// Pages in total.
    pub total: u64,
}

/// Copies the SQLite store in the file `from` to the new file `to`, even while a process serves it. Writes go on, and
/// the copy holds what was committed when it started. `to` must not exist. It appears when the copy is complete, and
/// can be opened like any store. The changes of the copy have other numbers, so a consumer that follows those of `from`
/// gets an error and has to read everything again. A leftover file `to-partial-*` is from an interrupted backup.
///
/// The log of `from` grows with what is written meanwhile. If it reaches three times the default of
/// [`SqliteOptions::log`], the copy starts again with what is committed by then. That allows the log to be moved. The
/// 5th time, the copy fails.
///
/// # Errors
///
/// [`StoreError::Backend`] if `from` is no store, `to` exists already or cannot be written, or too much is written to
/// `from` meanwhile.
pub fn backup(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    progress: impl FnMut(BackupProgress),
) -> Result<(), StoreError> {
    Ok(copy(from.as_ref(), to.as_ref(), SqliteOptions::default().log, progress)?)
}

/// Runs the copy on a thread of its own. The store stays open until it ends.
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
        // The caller may want to open the file again once it has the answer.
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
    // Each of two backups to one place has a file of its own, and one of them gets the name.
    let number = schema::random::<8>().map(u64::from_be_bytes)?;
    let partial = file::beside(to, &format!("-partial-{number:016x}"));
    let copied = pages(from, &partial, log, progress).and_then(|()| {
        // SQLite has synced the pages, so only the name is left. A hard link never replaces an existing file.
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
    // Not mapped, because each page is read once.
    let source = schema::reading(from, false)?;
    // A copy is as private as a new file, whatever the permissions of `from` are.
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
        // The next write of the store begins the log again and cuts it.
        let until = Instant::now() + PATIENCE;
        while log_length(from) > most && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    // Without a log the file is complete by itself.
    target.pragma_update(None, "journal_mode", "DELETE")?;
    feed::begin_anew(&mut target)
}

/// Returns the length of the log's file, including the room laid out behind the log.
fn log_length(from: &Path) -> u64 {
    file::beside(from, "-wal").metadata().map_or(0, |found| found.len())
}

/// Copies one state of the file. Returns whether it was finished before the log was too long.
fn state(
    source: &Connection,
    target: &mut Connection,
    from: &Path,
    most: u64,
    progress: &mut impl FnMut(BackupProgress),
) -> Result<bool, Fault> {
    // One transaction for all steps, because otherwise each write of another connection would restart the copy.
    let snapshot = source.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    // The log's file keeps its former length for a while.
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

/// Copies some pages. Returns whether they were the last.
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
