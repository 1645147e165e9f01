//! Connections that read where the caller stands.
//!
//! To begin and to end a reading transaction takes a call to the system each. While nothing is committed, the next read
//! sees what the last one saw, so the transaction goes on between the two. A thread that moves the log ends it first: the
//! log cannot begin again while a transaction may read it.

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

/// How many times that a read may take in place: what a page of a hundred takes, about a millisecond.
const MOST: u32 = 20;

/// How many callers may read in place at once; more than most machines have cores.
pub(super) const CALLERS: usize = 64;

/// The connections at hand.
#[derive(Debug)]
pub(super) struct InPlace {
    connections: Mutex<Connections>,
    /// Where a connection is opened when none is at hand.
    path: PathBuf,
    mapping: bool,
    /// How many transactions were committed.
    commits: AtomicU64,
}

#[derive(Debug)]
struct Connections {
    idle: Vec<AtHand>,
    /// The places of those that were not opened yet.
    unopened: Vec<usize>,
}

impl InPlace {
    /// With places behind those of the reading threads.
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

    /// A connection at hand, or another one: what is short never waits for what is long. `None` when too many callers
    /// read at once.
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

    /// Something was committed, and nobody was told yet.
    pub(super) fn note_commit(&self) {
        self.commits.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends the transactions that go on while nobody reads.
    pub(super) fn let_go(&self) {
        self.connections().idle.iter_mut().for_each(AtHand::end);
    }

    /// Closes what is at hand.
    pub(super) fn close(&self) {
        self.connections().idle.clear();
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection at hand, until it is given back.
pub(super) struct Taken<'a> {
    pool: &'a InPlace,
    at_hand: Option<AtHand>,
}

impl Taken<'_> {
    /// `None` after it was given back.
    pub(super) fn place(&self) -> Option<usize> {
        self.at_hand.as_ref().map(|at_hand| at_hand.place)
    }

    /// Reads the newest state, all of it the same; `None` after the connection was given back.
    pub(super) fn read<T>(
        &mut self,
        read: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Option<Result<T, Fault>> {
        // Before a transaction begins: what is committed meanwhile is seen by the next read at the latest.
        let commits = self.pool.commits.load(Ordering::SeqCst);
        self.at_hand.as_mut().map(|at_hand| at_hand.read(commits, read))
    }

    /// Ends what goes on.
    pub(super) fn end(&mut self) {
        self.at_hand.iter_mut().for_each(AtHand::end);
    }
}

/// A connection whose read panicked is not used again, nor one that is left within a transaction by mistake: another one
/// may be opened in its place.
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

/// A connection that gives up a read which takes too long in place.
#[derive(Debug)]
struct AtHand {
    connection: Connection,
    /// Thousands of steps of the present read.
    steps: Arc<AtomicU32>,
    place: usize,
    /// While a transaction goes on: how many had been committed before it began.
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
        // What ends the transaction must not be given up for what the read took.
        self.steps.store(0, Ordering::Relaxed);
        if outcome.is_err() {
            self.end();
        }
        outcome
    }

    fn end(&mut self) {
        if self.seen.take().is_some() {
            // Some failures have ended it already.
            let _ = self.connection.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    /// A file, and what is at hand to read it.
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
        // Two at once, one of which saw less.
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
