//! Connections that read on the caller's thread.
//!
//! Beginning and ending a reading transaction takes one system call each. As long as nothing is committed, the next
//! read sees what the last one saw, so the transaction goes on between the two. A thread that moves the log ends it
//! first, because the log cannot begin again while a transaction may read it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rusqlite::Connection;

use super::fault::Fault;
use super::options::SqliteOptions;
use super::schema;

/// How many steps of SQLite's machine are counted as one.
pub(super) const STEPS: i32 = 1_000;

/// How many times that a read may take in place: what a page of 100 resources takes, about 1 ms.
const MOST: u32 = 20;

/// How many callers may read in place at once, which is more than most machines have cores.
pub(super) const CALLERS: usize = 64;

/// The pool of connections.
#[derive(Debug)]
pub(super) struct InPlace {
    connections: Mutex<Connections>,
    /// The file that a connection opens if none is idle.
    path: PathBuf,
    mapping: bool,
    /// The number of committed transactions.
    commits: AtomicU64,
}

#[derive(Debug)]
struct Connections {
    idle: Vec<AtHand>,
    /// The places of connections that were not opened yet.
    unopened: Vec<usize>,
}

impl InPlace {
    /// Creates the pool. Its places come after those of the reading threads.
    pub(super) fn new(path: &Path, options: &SqliteOptions) -> Self {
        let first = options.readers.max(1);
        let unopened = (first..first + CALLERS).rev().collect();
        Self {
            connections: Mutex::new(Connections { idle: Vec::new(), unopened }),
            path: path.to_owned(),
            mapping: options.mapping,
            commits: AtomicU64::new(0),
        }
    }

    /// Takes an idle connection, or opens another one, so that a short read never waits for a long one. Returns `None`
    /// if too many callers read at once.
    pub(super) fn take(&self) -> Result<Option<Taken<'_>>, Fault> {
        let place = {
            let mut connections = self.connections();
            match connections.idle.pop() {
                Some(at_hand) => return Ok(Some(Taken { pool: self, at_hand: Some(at_hand) })),
                None => connections.unopened.pop(),
            }
        };
        let Some(place) = place else { return Ok(None) };
        let opened =
            schema::reading(&self.path, self.mapping).and_then(|connection| AtHand::new(connection, place));
        match opened {
            Ok(at_hand) => Ok(Some(Taken { pool: self, at_hand: Some(at_hand) })),
            Err(fault) => {
                self.connections().unopened.push(place);
                Err(fault)
            }
        }
    }

    /// Records a commit of which no caller has been told yet.
    pub(super) fn note_commit(&self) {
        self.commits.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends the transactions of idle connections.
    pub(super) fn let_go(&self) {
        self.connections().idle.iter_mut().for_each(AtHand::end);
    }

    /// Closes the idle connections.
    pub(super) fn close(&self) {
        self.connections().idle.clear();
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection from the pool, until it is given back.
pub(super) struct Taken<'a> {
    pool: &'a InPlace,
    at_hand: Option<AtHand>,
}

impl Taken<'_> {
    /// Returns the place of the connection; `None` after it was given back.
    pub(super) fn place(&self) -> Option<usize> {
        self.at_hand.as_ref().map(|at_hand| at_hand.place)
    }

    /// Runs a read on the newest state, all in one transaction. Returns `None` after the connection was given back.
    pub(super) fn read<T>(
        &mut self,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Option<Result<T, Fault>> {
        // Loaded before a transaction begins. So the next read at the latest sees what is committed meanwhile.
        let commits = self.pool.commits.load(Ordering::SeqCst);
        self.at_hand.as_mut().map(|at_hand| at_hand.read(commits, read))
    }

    /// Ends the transaction that goes on.
    pub(super) fn end(&mut self) {
        self.at_hand.iter_mut().for_each(AtHand::end);
    }
}

/// Gives the connection back. If its read panicked, or left it within a transaction by mistake, the connection is
/// closed. Another one may be opened in its place.
impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let Some(at_hand) = self.at_hand.take() else { return };
        let as_known = at_hand.connection.is_autocommit() == at_hand.seen.is_none();
        if as_known && !thread::panicking() {
            self.pool.connections().idle.push(at_hand);
        } else {
            let place = at_hand.place;
            drop(at_hand);
            self.pool.connections().unopened.push(place);
        }
    }
}

/// A connection that gives up a read if that takes too long in place.
#[derive(Debug)]
struct AtHand {
    connection: Connection,
    /// How many thousands of steps the present read has taken.
    steps: Arc<AtomicU32>,
    place: usize,
    /// While a transaction goes on: the number of commits before it began.
    seen: Option<u64>,
}

impl AtHand {
    fn new(mut connection: Connection, place: usize) -> Result<Self, Fault> {
        let steps = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&steps);
        let is_enough = move || counted.fetch_add(1, Ordering::Relaxed) >= MOST;
        connection.progress_handler(STEPS, Some(is_enough))?;
        Ok(Self { connection, steps, place, seen: None })
    }

    fn read<T>(
        &mut self,
        commits: u64,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.seen != Some(commits) {
            self.end();
            self.connection.prepare_cached("BEGIN")?.execute([])?;
            self.seen = Some(commits);
        }
        let outcome = read(&self.connection);
        // Reset, so that the end of the transaction is not given up for what the read took.
        self.steps.store(0, Ordering::Relaxed);
        if outcome.is_err() {
            self.end();
        }
        outcome
    }

    fn end(&mut self) {
        if self.seen.take().is_some() {
            // Some failures have already ended it.
            let _ = self.connection.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    /// Creates a file, and a pool to read it.
    fn made() -> (tempfile::TempDir, Connection, InPlace) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scim.db");
        let writer = Connection::open(&path).unwrap();
        writer.pragma_update(None, "journal_mode", "WAL").unwrap();
        writer.execute_batch("CREATE TABLE t (n)").unwrap();
        let in_place = InPlace::new(&path, &SqliteOptions::default());
        (directory, writer, in_place)
    }

    fn count(in_place: &InPlace) -> i64 {
        let count = |connection: &Connection| {
            Ok(connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))?)
        };
        in_place.take().unwrap().unwrap().read(count).unwrap().unwrap()
    }

    fn write(writer: &Connection) {
        writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
    }

    #[test]
    fn a_read_sees_what_was_committed_before_and_begins_no_transaction_without_need() {
        let (_directory, writer, in_place) = made();
        assert_eq!(count(&in_place), 0);
        write(&writer);
        assert_eq!(count(&in_place), 0, "nobody was told yet, so the transaction goes on");
        in_place.note_commit();
        assert_eq!(count(&in_place), 1);
        // Two connections at once, one of which has seen less.
        let held = in_place.take().unwrap().unwrap();
        assert_eq!(count(&in_place), 1);
        write(&writer);
        in_place.note_commit();
        assert_eq!(count(&in_place), 2);
        drop(held);
        assert_eq!(count(&in_place), 2);
    }

    #[test]
    fn whoever_moves_the_log_finds_nobody_in_the_way() {
        let (_directory, writer, in_place) = made();
        write(&writer);
        assert_eq!(count(&in_place), 1);
        writer.busy_timeout(std::time::Duration::ZERO).unwrap();
        assert!(!schema::move_log(&writer, "RESTART").unwrap().done, "a transaction goes on");
        in_place.let_go();
        assert!(schema::move_log(&writer, "RESTART").unwrap().done);
        assert_eq!(count(&in_place), 1);
    }

    #[test]
    fn after_a_read_that_failed_the_next_one_begins_anew() {
        let (_directory, writer, in_place) = made();
        assert_eq!(count(&in_place), 0);
        write(&writer);
        let fails = |connection: &Connection| Ok(connection.execute_batch("SELECT * FROM nowhere")?);
        assert!(in_place.take().unwrap().unwrap().read(fails).unwrap().is_err());
        assert_eq!(count(&in_place), 1);
    }
}
