//! Runs short reads in place, and long ones on threads of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use async_channel::{Receiver, Sender, bounded};
use futures_channel::oneshot;
use rusqlite::Connection;
use scim_core::{Exhausted, Work};
use scim_server_traits::{Context, StoreError, Unavailable};

use super::fault::Fault;
use super::in_place::{CALLERS, InPlace, STEPS};
use super::names::{Names, NamesOf};
use super::options::SqliteOptions;
use super::pace::Pace;
use super::reads::Reads;
use super::schema;
use crate::lanes::Lanes;
use crate::scan::IN_PLACE;

/// Where a read runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// On the caller's thread. It must be short, with little work that SQLite does not count, such as parsing
    /// documents.
    InPlace,
    /// On a thread of its own.
    OnThread,
}

impl Turn {
    /// Returns the error for a read that may cost no more. In place it means that the read does not belong there.
    pub(super) fn exhausted(self, exhausted: Exhausted) -> Fault {
        match self {
            Self::InPlace => Fault::TakesLong,
            Self::OnThread => StoreError::from(exhausted).into(),
        }
    }

    /// Returns the account of a read that is charged for what it looks at.
    pub(super) fn work(self, pace: &Pace) -> Work {
        match self {
            Self::InPlace => Work::steps(IN_PLACE),
            Self::OnThread => pace.work().clone(),
        }
    }

    /// Fails in place, because a read that is long from the start does not belong there.
    pub(super) fn long(self) -> Result<(), Fault> {
        if self == Self::InPlace { Err(Fault::TakesLong) } else { Ok(()) }
    }

    /// Fails in place if a read of this many bytes of documents does not belong there.
    pub(super) fn bytes(self, many: usize) -> Result<(), Fault> {
        if self == Self::InPlace && many > BYTES { Err(Fault::TakesLong) } else { Ok(()) }
    }

    /// Fails in place if a read of this many documents does not belong there.
    pub(super) fn documents(self, many: usize) -> Result<(), Fault> {
        if self == Self::InPlace && many > DOCUMENTS { Err(Fault::TakesLong) } else { Ok(()) }
    }
}

/// How many bytes of documents are read in place.
const BYTES: usize = 1 << 20;

/// How many documents are read in place.
const DOCUMENTS: usize = 100;

/// The state of the file that a read sees.
#[derive(Clone, Copy)]
pub(super) struct Snapshot<'a> {
    pub(super) connection: &'a Connection,
    /// The names that belong to this state.
    pub(super) names: NamesOf<'a>,
    pub(super) turn: Turn,
}

/// The connections and threads that read. Dropping it joins the threads.
pub(super) struct Readers {
    in_place: Arc<InPlace>,
    names: Arc<Names>,
    lanes: Lanes,
    jobs: Option<Sender<Job>>,
    reads: Arc<Reads>,
    longest: Duration,
    threads: Vec<JoinHandle<()>>,
}

/// What a reader thread runs, with its connection and the connection's place.
type Job = Box<dyn FnOnce(&mut Connection, usize) + Send>;

impl Readers {
    /// Creates the list of reads under way, with a place for each connection.
    pub(super) fn reads(options: &SqliteOptions) -> Reads {
        Reads::new(options.readers.max(1) + CALLERS)
    }

    pub(super) fn open(
        path: &Path,
        options: &SqliteOptions,
        names: Arc<Names>,
        (reads, in_place): (Arc<Reads>, Arc<InPlace>),
    ) -> Result<Self, Fault> {
        let (jobs, queue) = bounded(options.queue.max(1));
        let count = options.readers.max(1);
        let mut readers = Self {
            in_place,
            names,
            lanes: Lanes::new(count),
            jobs: Some(jobs),
            reads,
            longest: options.longest_read,
            threads: Vec::new(),
        };
        // Usually no request has to open a connection.
        let taken: Vec<_> = (0..count).map(|_| readers.in_place.take()).collect::<Result<_, _>>()?;
        drop(taken);
        for number in 0..count {
            let mut connection = schema::reading(path, options.mapping)?;
            let queue = queue.clone();
            let thread = Builder::new()
                .name(format!("scim-store-reader-{number}"))
                .spawn(move || work(&mut connection, number, &queue))
                .map_err(Fault::Thread)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Runs `read` on one consistent state of the file.
    ///
    /// A short read runs on the caller's thread, because waking another thread costs more than most reads do. A read
    /// that turns out to be long, or finds no connection, starts again on a thread. There it ends early if its caller
    /// no longer waits, because the client is gone or the time is up. It also ends if it costs more than its request
    /// may.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        context: &Context,
        pace: Pace,
        read: impl Fn(Snapshot<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        match self.in_place(&read) {
            Some(outcome) => outcome,
            None => {
                let _place = self.lanes.enter(context).await;
                self.on_thread(pace, read).await
            }
        }
    }

    /// Returns `None` if the read needs a thread.
    fn in_place<T>(&self, read: impl Fn(Snapshot<'_>) -> Result<T, Fault>) -> Option<Result<T, Fault>> {
        let mut taken = self.in_place.take().ok()??;
        // A thread waits here; the caller must not.
        let Some(under_way) = self.reads.begin(taken.place()?) else {
            taken.end();
            return None;
        };
        // Taken before the check whether the last state that was seen is still the newest.
        let names = self.names.now();
        let outcome = taken.read(|connection| read(Snapshot { connection, names, turn: Turn::InPlace }))?;
        // Given back first, so that a thread that waits for the end of all reads finds the connection idle.
        drop(taken);
        drop(under_way);
        match outcome {
            Err(fault) if fault.is_interrupted() => None,
            outcome => Some(outcome),
        }
    }

    async fn on_thread<T: Send + 'static>(
        &self,
        pace: Pace,
        read: impl Fn(Snapshot<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, outcome) = oneshot::channel();
        let waiting = Arc::new(());
        let waits = Arc::downgrade(&waiting);
        let (all, longest, names) = (Arc::clone(&self.reads), self.longest, Arc::clone(&self.names));
        let job = Box::new(move |connection: &mut Connection, place| {
            if waits.strong_count() == 0 {
                return;
            }
            pace.begin();
            let under_way = all.begin_in_time(place);
            let (of_store, number) = (Arc::clone(&all), under_way.number());
            // A time that the clock cannot express is no limit.
            let until = Instant::now().checked_add(longest);
            let is_to_end = move || {
                of_store.is_to_end(place, number) || until.is_some_and(|until| Instant::now() >= until)
            };
            // What ends the transaction is never given up.
            let reads = Arc::new(AtomicBool::new(true));
            let is_reading = Arc::clone(&reads);
            let (is_over, paced) = (is_to_end.clone(), pace.clone());
            let is_idle = move || {
                let is_given_up = || waits.strong_count() == 0 || is_over() || paced.tick().is_err();
                is_reading.load(Ordering::Relaxed) && is_given_up()
            };
            // The next job replaces this handler.
            let _ = connection.progress_handler(STEPS, Some(is_idle));
            let names = names.now();
            let outcome = on_snapshot(connection, |connection| {
                let outcome = read(Snapshot { connection, names, turn: Turn::OnThread });
                reads.store(false, Ordering::Relaxed);
                outcome
            });
            drop(under_way);
            // Finds out why the read was given up.
            let outcome = outcome.map_err(|fault| match (fault.is_interrupted(), pace.tick()) {
                (true, _) if is_to_end() => StoreError::Unavailable(Unavailable::ReadEnded).into(),
                (true, Err(exhausted)) => StoreError::from(exhausted).into(),
                _ => fault,
            });
            // A caller that no longer listens needs no answer.
            let _ = answer.send(outcome);
        });
        let jobs = self.jobs.as_ref().ok_or(Fault::Stopped)?;
        jobs.send(job).await.map_err(|_| Fault::Stopped)?;
        let outcome = outcome.await.map_err(|_| Fault::Stopped)?;
        drop(waiting);
        outcome
    }
}

/// Reads within a transaction, which sees one state.
fn on_snapshot<T>(
    connection: &Connection,
    read: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let _end = End(connection);
    read(connection)
}

/// Ends a reading transaction when it is dropped.
struct End<'a>(&'a Connection);

impl Drop for End<'_> {
    fn drop(&mut self) {
        // Some failures have already ended it.
        let _ = self.0.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        // Others hold the pool too, and the writer must be the last to have the file open.
        self.in_place.close();
        for thread in self.threads.drain(..) {
            // A panic was answered where it happened.
            let _ = thread.join();
        }
    }
}

fn work(connection: &mut Connection, place: usize, queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv_blocking() {
        // A panic drops the answer's sender, which tells the caller.
        let _ = catch_unwind(AssertUnwindSafe(|| job(connection, place)));
        if !connection.is_autocommit() {
            let _ = connection.progress_handler(STEPS, None::<fn() -> bool>);
            let _ = connection.execute_batch("ROLLBACK");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use futures_util::FutureExt as _;
    use scim_core::{Lenience, Resource, ResourceType, ResourceTypeDocument, Schema, Timestamp, Work};
    use scim_filter::Filter;
    use scim_server_traits::{Batch, Insert, Query, Store, TenantId};
    use serde_json::json;
    use tokio::time::timeout;

    use super::super::SqliteStore;
    use super::super::writer::Writer;
    use super::*;

    /// The file of a store with one reader, and a read of it that never ends.
    struct OneReader {
        _directory: tempfile::TempDir,
        _writer: Writer,
        readers: Readers,
        context: Context,
    }

    impl OneReader {
        fn open() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let (path, options) =
                (directory.path().join("scim.db"), SqliteOptions::default().with_readers(1));
            let (writer, readers) = both(&path, &options);
            let context = Context::new(TenantId::new("a"));
            Self { _directory: directory, _writer: writer, readers, context }
        }

        async fn endless(&self, pace: Pace) -> Result<i64, Fault> {
            let endless = |Snapshot { connection, .. }: Snapshot<'_>| {
                let sql =
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
                Ok(connection.query_row(sql, [], |row| row.get(0))?)
            };
            self.readers.run(&self.context, pace, endless).await
        }

        /// Returns whether the only thread is free again.
        async fn is_free(&self) -> bool {
            let read = self.readers.on_thread(Pace::free(Work::unlimited()), |_| Ok(7));
            timeout(Duration::from_secs(60), read).await.is_ok_and(|read| read.is_ok_and(|seven| seven == 7))
        }
    }

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_ends() {
        let one = OneReader::open();
        let endless = one.endless(Pace::free(Work::unlimited()));
        assert!(timeout(Duration::from_millis(50), endless).await.is_err());
        assert!(one.is_free().await);
    }

    #[tokio::test]
    async fn a_read_ends_with_what_its_request_may_cost() {
        let one = OneReader::open();
        let abandoned = Work::unlimited();
        abandoned.abandon();
        for (pace, why) in [
            (Pace::charging(Work::steps(1_000_000)), Exhausted::Steps),
            (Pace::free(Work::steps(0).within(Duration::from_millis(20))), Exhausted::Time),
            (Pace::free(abandoned), Exhausted::Abandoned),
        ] {
            let fault = one.endless(pace).await.unwrap_err();
            assert!(
                matches!(&fault, Fault::Refused(StoreError::Exhausted(found)) if *found == why),
                "{fault:?}"
            );
            assert!(one.is_free().await);
        }
    }

    #[tokio::test]
    async fn short_reads_never_wait_for_long_ones() {
        let one = OneReader::open();
        let mut long = Box::pin(one.endless(Pace::free(Work::unlimited())));
        // The read is under way once it has given back the idle connection.
        assert!(timeout(Duration::from_millis(20), &mut long).await.is_err());
        let held: Vec<_> = (0..3).map(|_| one.readers.in_place.take().unwrap().unwrap()).collect();
        assert!(one.readers.in_place(|_| Ok(7)).unwrap().is_ok_and(|seven| seven == 7));
        drop(held);
    }

    fn context() -> Context {
        Context::new(TenantId::new("octo"))
    }

    fn free() -> Pace {
        Pace::free(Work::unlimited())
    }

    /// Reads one state of the file for ever.
    fn endless(Snapshot { connection, .. }: Snapshot<'_>) -> Result<i64, Fault> {
        let sql = "WITH RECURSIVE n(i) AS (SELECT count(*) FROM scim_document UNION ALL SELECT i + 1 FROM n)
            SELECT count(*) FROM n";
        Ok(connection.query_row(sql, [], |row| row.get(0))?)
    }

    fn is_ended(outcome: Result<i64, Fault>) -> bool {
        matches!(outcome, Err(Fault::Refused(StoreError::Unavailable(Unavailable::ReadEnded))))
    }

    fn both(path: &Path, options: &SqliteOptions) -> (Writer, Readers) {
        let names = Arc::new(Names::new(1 << 20));
        let reading = (Arc::new(Readers::reads(options)), Arc::new(InPlace::new(path, options)));
        let writer = Writer::open(
            path,
            options,
            (Arc::clone(&names), Arc::default(), Arc::default()),
            reading.clone(),
        )
        .unwrap();
        (writer, Readers::open(path, options, names, reading).unwrap())
    }

    #[tokio::test]
    async fn a_read_ends_in_time() {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteOptions::default().with_readers(1).with_longest_read(Duration::from_millis(20));
        let (_writer, readers) = both(&directory.path().join("scim.db"), &options);
        assert!(is_ended(readers.run(&context(), free(), endless).await));
        assert_eq!(readers.on_thread(free(), |_| Ok(7)).await.unwrap(), 7, "the next one has its own time");
    }

    #[tokio::test]
    async fn reads_end_before_the_log_is_too_long_and_writes_go_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scim.db");
        let options = SqliteOptions::default().with_readers(1).with_log(256 << 10);
        let (writer, readers) = both(&path, &options);
        let write = async {
            for number in 0..600 {
                let document = json!({"userName": format!("u{number}"), "title": "t".repeat(3_000)});
                let resource = Resource::from_canonical(document.as_object().unwrap().clone());
                let insert = Insert::new(ResourceType::user(), format!("u{number}"), resource);
                let batch = Batch::new(Timestamp::from_millis(0)).insert(insert);
                writer.commit(&context(), batch).await.unwrap();
            }
        };
        let context = context();
        let (outcome, ()) = tokio::join!(readers.run(&context, free(), endless), write);
        assert!(is_ended(outcome));
        let log = std::fs::metadata(directory.path().join("scim.db-wal")).unwrap().len();
        assert!(log < (5 << 18) + (1 << 20), "the log has {log} bytes");
    }

    /// What is written during a read belongs to another state, so that a page and its links are of one state.
    #[tokio::test]
    async fn a_read_sees_one_state_in_place_and_on_a_thread() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scim.db");
        let (_writer, readers) = both(&path, &SqliteOptions::default().with_readers(1));
        let read = move |Snapshot { connection, .. }: Snapshot<'_>| {
            let count = |file: &Connection| {
                file.query_row("SELECT count(*) FROM scim_indexed", [], |row| row.get::<_, i64>(0))
            };
            let before = count(connection)?;
            let other = Connection::open(&path)?;
            other.execute("INSERT INTO scim_indexed VALUES ('octo', ?1, '')", [before])?;
            Ok((before, count(connection)?, count(&other)?))
        };
        assert_eq!(readers.in_place(&read).unwrap().unwrap(), (0, 0, 1));
        assert_eq!(readers.on_thread(free(), read).await.unwrap(), (1, 1, 2));
    }

    /// The keys of a type were found to fit, and are rebuilt from other attributes before the query reads the file.
    #[tokio::test]
    async fn a_query_that_meets_a_rebuild_looks_again() {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path().join("scim.db")).unwrap();
        let served = |indexed: &[&str]| {
            let document = ResourceTypeDocument::new("User", "/Users", scim_core::urn::USER);
            let builder = ResourceType::builder(document).schema(Schema::user());
            Arc::new(builder.indexed(indexed.iter().copied()).build().unwrap())
        };
        let (before, after) = (served(&["userName", "title"]), served(&["userName"]));
        let document = json!({"userName": "ada", "title": "Boss"});
        let resource = Resource::from_canonical(document.as_object().unwrap().clone());
        let insert = Insert::new(Arc::clone(&before), "u1", resource);
        store.commit(&context(), Batch::new(Timestamp::from_millis(0)).insert(insert)).await.unwrap();
        let filter: Filter = r#"title eq "boss""#.parse().unwrap();
        let filter = filter.bind(&before, &mut Lenience::strict()).unwrap();
        let query = || Query::new(Arc::clone(&before)).with_filter(filter.clone());
        assert_eq!(store.query(&context(), query()).await.unwrap().total, 1);

        let closed = store.threads.readers.reads.close();
        let context = context();
        let mut late = Box::pin(store.query(&context, query()));
        assert!(late.as_mut().now_or_never().is_none());
        assert_eq!(store.reindex(context.tenant(), &[after]).await.unwrap(), 1);
        drop(closed);
        let outcome = late.await;
        assert!(matches!(outcome, Err(StoreError::StaleIndex { .. })), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_read_that_panics_takes_no_place_along() {
        let one = OneReader::open();
        for _ in 0..2 * CALLERS {
            let panics = AssertUnwindSafe(|| {
                one.readers.in_place(|_| -> Result<(), Fault> { unreachable!("a read that panics") })
            });
            assert!(catch_unwind(panics).is_err());
        }
        assert!(one.readers.in_place(|_| Ok(7)).unwrap().is_ok_and(|seven| seven == 7));
    }

    /// Steps that were taken in advance and given back must not hide why a read ended.
    #[tokio::test]
    async fn a_read_that_holds_steps_ends_with_its_reason() {
        let one = OneReader::open();
        for steps in (3_000..60_000).step_by(1_777) {
            let work = Work::steps(steps);
            let of_read = work.clone();
            let read = move |snapshot: Snapshot<'_>| {
                let mut meter = of_read.meter();
                let _ = meter.charge(1);
                endless(snapshot)
            };
            let fault = one.readers.run(&one.context, Pace::charging(work), read).await.unwrap_err();
            let is_told = matches!(fault, Fault::Refused(StoreError::Exhausted(Exhausted::Steps)));
            assert!(is_told, "{steps}: {fault:?}");
        }
    }

    #[test]
    fn a_read_that_is_given_up_in_place_leaves_its_connection_usable() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scim.db");
        let file = Connection::open(&path).unwrap();
        file.pragma_update(None, "journal_mode", "WAL").unwrap();
        let options = SqliteOptions::default().with_readers(1);
        let reading = (Arc::new(Readers::reads(&options)), Arc::new(InPlace::new(&path, &options)));
        let readers = Readers::open(&path, &options, Arc::new(Names::new(1 << 20)), reading).unwrap();
        let count = |to: u32| {
            move |Snapshot { connection, .. }: Snapshot<'_>| {
                let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?1)
                    SELECT count(*) FROM n";
                Ok(connection.prepare_cached(sql)?.query_row([to], |row| row.get::<_, u32>(0))?)
            }
        };
        // Repeated so often that the end of a transaction would be counted to where a read is given up.
        for _ in 0..500 {
            assert!(readers.in_place(count(100_000)).is_none());
            assert!(readers.in_place(count(10)).unwrap().is_ok());
        }
    }
}
