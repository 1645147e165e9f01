//! The writing thread: one transaction for all waiting batches.

use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use rusqlite::Connection;
use scim_core::Work;
use scim_server_traits::{Batch, Context, TenantId, Written};

use super::checkpointer::Checkpointer;
use super::fault::Fault;
use super::health::SqliteHealth;
use super::in_place::InPlace;
use super::keys::Keys;
use super::lock::Lock;
use super::log::Log;
use super::mark::Mark;
use super::names::Names;
use super::options::SqliteOptions;
use super::queue::{Jobs, Stopped, Writes, queue};
use super::reads::Reads;
use super::{file, schema, write};
use crate::news::News;
use crate::tables::Seq;
use crate::write::refuses_first;

/// The writing thread. Dropping it joins the thread, after that has carried out its jobs.
pub(super) struct Writer {
    /// The secret of the file.
    pub(super) secret: [u8; 32],
    log: Arc<Log>,
    jobs: Option<Jobs<Part, Outcome, Connection>>,
    thread: Option<JoinHandle<()>>,
}

type Outcome = Result<Vec<Written>, Fault>;

/// What one caller wants written.
struct Part {
    tenant: TenantId,
    batch: Batch,
    /// What the batch may cost.
    work: Work,
}

/// How many writes a batch may have if it shares its transaction. If a larger one finds no room, no other batch fails
/// with it.
const SHARED: usize = 64;

impl Writer {
    pub(super) fn open(
        path: &Path,
        options: &SqliteOptions,
        (names, keys, news): (Arc<Names>, Arc<Keys>, Arc<News>),
        reading: (Arc<Reads>, Arc<InPlace>),
    ) -> Result<Self, Fault> {
        let mut lock = Lock::take(path)?;
        let fault = |error| Fault::File { path: path.to_owned(), error };
        let file = file::make(path).map_err(fault)?;
        let names_of_file = file::names(&file).map_err(fault)?;
        if names_of_file > 1 && !options.hard_links {
            return Err(Fault::HardLinked { path: path.to_owned(), names: names_of_file });
        }
        let mark = Mark::find(path, options)?;
        let mut connection = schema::writing(path, options, &mark).map_err(|fault| mark.explain(fault))?;
        let secret = schema::secret(&connection)?;
        let mut checkpointer = Checkpointer::start(path, &mut connection, (&file, mark), options, reading)?;
        let log = Arc::clone(checkpointer.log());
        let (jobs, queue) = queue(options.queue);
        let options = options.clone();
        let thread = Builder::new()
            .name("scim-store-writer".into())
            .spawn(move || {
                let log = Arc::clone(checkpointer.log());
                let kept_changes = options.kept_changes;
                let group = Group {
                    connection: &connection,
                    log: &log,
                    names: &names,
                    keys: &keys,
                    news: &news,
                    kept_changes,
                };
                queue
                    .work(options.group, Writing { group, checkpointer: &mut checkpointer, lock: &mut lock });
                // The last connection to close leaves no log behind. Only then may another process begin.
                drop(checkpointer);
                close(connection, &log);
                drop(file);
                drop(lock);
            })
            .map_err(Fault::Thread)?;
        Ok(Self { secret, log, jobs: Some(jobs), thread: Some(thread) })
    }

    pub(super) fn health(&self) -> SqliteHealth {
        self.log.health(self.thread.as_ref().is_some_and(|thread| !thread.is_finished()))
    }

    pub(super) async fn commit(&self, context: &Context, batch: Batch) -> Outcome {
        let part = Part { tenant: context.tenant().clone(), batch, work: context.work().clone() };
        self.jobs()?.commit(part).await?
    }

    /// Runs `work` between two commits.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let log = Arc::clone(&self.log);
        let work = move |connection: &_| log.check().and_then(|()| log.judge(work(connection)));
        self.jobs()?.alone(work).await?
    }

    fn jobs(&self) -> Result<&Jobs<Part, Outcome, Connection>, Fault> {
        self.jobs.as_ref().ok_or(Fault::Stopped)
    }
}

impl From<Stopped> for Fault {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic was answered where it happened.
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct Writing<'a> {
    group: Group<'a>,
    checkpointer: &'a mut Checkpointer,
    lock: &'a mut Lock,
}

impl Writes for Writing<'_> {
    type Part = Part;
    type Outcome = Outcome;
    type File = Connection;

    fn may_share(part: &Part) -> bool {
        part.batch.writes.len() + part.batch.records.len() <= SHARED
    }

    fn begin(&mut self) {
        let Group { log, connection, .. } = self.group;
        if let Err(lost) = self.lock.check() {
            log.lose_lock(&lost);
        }
        if log.is_full() {
            self.checkpointer.make_room(connection);
        }
    }

    fn carry_out(&mut self, parts: Vec<Part>) -> (impl Iterator<Item = Outcome>, bool) {
        self.group.carry_out(parts)
    }

    fn file(&self) -> &Connection {
        self.group.connection
    }

    fn end(&mut self) {
        let connection = self.group.connection;
        if !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        self.checkpointer.nudge(connection);
    }
}

/// Leaves no log behind, unless the disk failed. Then the log has what may be missing in the file.
fn close(connection: Connection, log: &Log) {
    if !log.has_failed() {
        let _ = connection.execute_batch("PRAGMA optimize");
        let work = || schema::move_log(&connection, "TRUNCATE");
        if log.while_moving(&connection, work).is_ok_and(|moved| moved.done) {
            let _ = schema::keep_log(&connection, false);
            drop(connection);
            log.end();
        }
    }
}

/// Commits batches that waited together.
#[derive(Clone, Copy)]
struct Group<'a> {
    connection: &'a Connection,
    log: &'a Log,
    names: &'a Names,
    keys: &'a Keys,
    news: &'a News,
    kept_changes: u64,
}

impl Group<'_> {
    /// Returns an outcome for each batch, and whether room was missing.
    fn carry_out(self, batches: Vec<Part>) -> (impl Iterator<Item = Outcome>, bool) {
        let (many, mut full) = (batches.len(), false);
        let of = |part: &Part| part.tenant.clone();
        let tenants: Vec<_> = batches.iter().map(of).collect();
        let done = self.log.check().and_then(|()| self.log.judge(self.transaction(batches)));
        let outcomes = done.unwrap_or_else(|fault| {
            full = fault.is_full();
            let fault = Arc::new(fault);
            (0..many).map(|_| Err(Fault::Commit(Arc::clone(&fault)))).collect()
        });
        tenants.iter().for_each(|tenant| self.news.tell(tenant));
        let look_at = |outcome: &Outcome| {
            if let Err(fault) = outcome {
                self.log.look_at(fault);
            }
        };
        (outcomes.into_iter().inspect(look_at), full)
    }

    /// Runs one transaction. Either each batch has its outcome and what succeeded is kept, or nothing is kept. No
    /// transaction is left open.
    fn transaction(self, batches: Vec<Part>) -> Result<Vec<Outcome>, Fault> {
        step(self.connection, "BEGIN IMMEDIATE")?;
        let outcomes = self.in_transaction(batches);
        // Done before any caller is answered, because a job that waits must not run inside this transaction.
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        outcomes
    }

    fn in_transaction(self, mut batches: Vec<Part>) -> Result<Vec<Outcome>, Fault> {
        let mut named = Vec::new();
        if batches.len() == 1 {
            let outcome = batches.pop().map(|part| self.one(part, &mut named));
            if let Some(Ok(_)) = &outcome {
                self.commit(named)?;
            }
            return Ok(outcome.into_iter().collect());
        }
        let mut outcomes = Vec::with_capacity(batches.len());
        for part in batches {
            // A savepoint copies each page that changes within it, which costs as much as the change.
            let outcome = if refuses_first(&part.batch) {
                let before = self.connection.total_changes();
                let outcome = self.one(part, &mut named);
                // Some failures, such as a full disk, have already ended the whole transaction, or have left half of
                // the batch.
                if outcome.is_err()
                    && (self.connection.is_autocommit() || self.connection.total_changes() > before)
                {
                    return outcome.map(|_| Vec::new());
                }
                outcome
            } else {
                self.in_savepoint(part, &mut named)?
            };
            outcomes.push(outcome);
        }
        self.commit(named)?;
        Ok(outcomes)
    }

    /// Commits what has changed, including these names.
    fn commit(self, named: Vec<Seq>) -> Result<(), Fault> {
        let _changing = (!named.is_empty()).then(|| self.names.change(named));
        step(self.connection, "COMMIT")?;
        self.log.note_commit(self.connection);
        self.log.set_room(true);
        Ok(())
    }

    fn one(self, part: Part, named: &mut Vec<Seq>) -> Outcome {
        let Part { tenant, batch, work } = part;
        write::batch(self.connection, tenant.as_str(), (batch, &work), self.kept_changes, self.keys, named)
    }

    /// Runs one batch that can be undone alone. Fails if the whole transaction has to be undone.
    fn in_savepoint(self, part: Part, named: &mut Vec<Seq>) -> Result<Outcome, Fault> {
        step(self.connection, "SAVEPOINT batch")?;
        let outcome = self.one(part, named);
        if outcome.is_err() {
            // Some failures have already ended the whole transaction.
            if self.connection.is_autocommit() {
                return outcome.map(Ok);
            }
            step(self.connection, "ROLLBACK TO batch")?;
        }
        step(self.connection, "RELEASE batch")?;
        Ok(outcome)
    }
}

fn step(connection: &Connection, sql: &str) -> Result<(), Fault> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use scim_core::{Resource, ResourceType, Timestamp};
    use scim_server_traits::{Delete, Insert, StoreError, Update};
    use serde_json::json;

    use super::super::names::Name;
    use super::*;

    fn no_reads() -> (Arc<Reads>, Arc<InPlace>) {
        (Arc::new(Reads::new(0)), Arc::new(InPlace::new(Path::new(""), &SqliteOptions::default())))
    }

    fn names() -> Arc<Names> {
        Arc::new(Names::new(1 << 20))
    }

    fn shared() -> (Arc<Names>, Arc<Keys>, Arc<News>) {
        (names(), Arc::default(), Arc::default())
    }

    /// Sends these batches so that they wait for the writer together.
    async fn outcomes<const N: usize>(writer: &Writer, batches: [Batch; N]) -> Vec<Outcome> {
        let (open, gate) = mpsc::channel::<()>();
        let held = writer.alone(move |_| Ok(gate.recv().is_ok()));
        let context = Context::new(TenantId::new("octo"));
        let commits = batches.map(|batch| writer.commit(&context, batch));
        let open = async { open.send(()).unwrap() };
        let ((held, outcomes), ()) =
            tokio::join!(async { tokio::join!(held, futures_util::future::join_all(commits)) }, open);
        assert!(held.unwrap());
        outcomes
    }

    fn is_full(outcome: Outcome) -> bool {
        matches!(outcome.map_err(StoreError::from), Err(StoreError::Full(_)))
    }

    /// Returns for each batch whether it was refused as full.
    async fn together<const N: usize>(writer: &Writer, batches: [Batch; N]) -> Vec<bool> {
        outcomes(writer, batches).await.into_iter().map(is_full).collect()
    }

    fn users(names: impl IntoIterator<Item = usize>, bytes: usize) -> Batch {
        let user = |number: usize| {
            let document = json!({"userName": format!("u{number}"), "title": "x".repeat(bytes)});
            let document = document.as_object().unwrap().clone();
            Insert::new(ResourceType::user(), format!("u{number}"), Resource::from_canonical(document))
        };
        let batch = Batch::new(Timestamp::from_millis(0));
        names.into_iter().fold(batch, |batch, number| batch.insert(user(number)))
    }

    #[tokio::test]
    async fn what_makes_room_gets_through_to_a_full_file() {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteOptions::default().with_most_bytes(2 << 20);
        let writer = Writer::open(&directory.path().join("scim.db"), &options, shared(), no_reads()).unwrap();
        assert_eq!(together(&writer, [users(0..10, 50_000)]).await, [false]);
        // A large batch does not make small ones fail.
        let refused = together(&writer, [users([100], 10), users(200..300, 50_000), users([101], 10)]).await;
        assert_eq!(refused, [false, true, false]);
        // A whole group of small batches is refused once. After that each is tried by itself.
        let delete = || {
            let delete = Delete::new(ResourceType::user(), "u0");
            Batch::new(Timestamp::from_millis(1)).delete(delete)
        };
        let mut rounds = Vec::new();
        for _ in 0..2 {
            rounds.push(together(&writer, [users([400], 4_000_000), delete()]).await);
        }
        assert_eq!(rounds[1], [true, false], "{rounds:?}");
    }

    #[test]
    fn a_full_queue_blocks_no_thread() {
        let (done, finished) = mpsc::channel();
        thread::spawn(move || {
            let directory = tempfile::tempdir().unwrap();
            let options = SqliteOptions::default().with_queue(1);
            let writer =
                Writer::open(&directory.path().join("scim.db"), &options, shared(), no_reads()).unwrap();
            let (open, gate) = mpsc::channel::<()>();
            // The gate opens on the thread that polls the calls that do not fit.
            let held = writer.alone(move |_| Ok(gate.recv().is_ok()));
            let calls = async {
                tokio::join!(held, writer.alone(|_| Ok(1)), writer.alone(|_| Ok(2)), async {
                    open.send(()).unwrap();
                })
            };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (held, first, second, ()) = runtime.block_on(calls);
            done.send((held.unwrap(), first.unwrap(), second.unwrap())).unwrap();
        });
        assert_eq!(finished.recv_timeout(Duration::from_secs(60)), Ok((true, 1, 2)));
    }

    /// The channel keeps what was sent as long as a sender exists, even if no thread takes it any more.
    #[test]
    fn whoever_is_in_the_queue_when_the_thread_ends_is_told() {
        struct Ends;

        impl Writes for Ends {
            type Part = ();
            type Outcome = ();
            type File = ();

            fn may_share((): &()) -> bool {
                true
            }

            fn begin(&mut self) {
                std::panic::resume_unwind(Box::new(()));
            }

            fn carry_out(&mut self, parts: Vec<()>) -> (impl Iterator<Item = ()>, bool) {
                (parts.into_iter(), false)
            }

            fn file(&self) -> &() {
                &()
            }

            fn end(&mut self) {}
        }

        let (jobs, queue) = queue(4);
        let mut calls = [(); 3].map(|part| Box::pin(jobs.commit(part)));
        assert!(calls.iter_mut().all(|call| call.as_mut().now_or_never().is_none()));
        assert!(thread::spawn(move || queue.work(1, Ends)).join().is_err());
        for call in calls {
            assert!(matches!(call.now_or_never(), Some(Err(Stopped))), "it waits for ever");
        }
        assert!(matches!(jobs.commit(()).now_or_never(), Some(Err(Stopped))));
    }

    fn named(id: &str, name: usize, title: usize) -> Batch {
        let document = json!({"userName": id, "displayName": "n".repeat(name), "title": "t".repeat(title)});
        let resource = Resource::from_canonical(document.as_object().unwrap().clone());
        Batch::new(Timestamp::from_millis(0)).insert(Insert::new(
            ResourceType::user(),
            id.to_owned(),
            resource,
        ))
    }

    /// Returns how many resources, documents and counted resources there are.
    async fn rows(writer: &Writer) -> [i64; 3] {
        let count =
            |sql: &'static str| writer.alone(move |file| Ok(file.query_row(sql, [], |row| row.get(0))?));
        [
            count("SELECT count(*) FROM scim_resource").await.unwrap(),
            count("SELECT count(*) FROM scim_document").await.unwrap(),
            count("SELECT coalesce(sum(n), 0) FROM scim_count").await.unwrap(),
        ]
    }

    /// SQLite itself ends a transaction if the file is full. Nothing of its group may be done after that.
    #[tokio::test]
    async fn a_full_file_leaves_nothing_of_a_group() {
        const LONG: usize = 4_000_000;
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteOptions::default().with_most_bytes(2 << 20);
        let writer = Writer::open(&directory.path().join("scim.db"), &options, shared(), no_reads()).unwrap();
        // The long name is in the first row that is written, the long title in a later one.
        let first = [named("a", 1, 1), named("b", LONG, 1), named("c", 1, 1), named("d", 1, 1)];
        assert_eq!(together(&writer, first).await, [true; 4]);
        assert_eq!(rows(&writer).await, [0; 3]);
        let later = [named("a", 1, 1), named("b", LONG, 1), named("c", 1, LONG)];
        let refused = together(&writer, later).await;
        let [resources, documents, counted] = rows(&writer).await;
        let kept = refused.iter().filter(|full| !*full).count();
        assert_eq!([resources, documents, counted], [i64::try_from(kept).unwrap(); 3], "{refused:?}");
        assert!(refused[1] && refused[2]);
        assert_eq!(together(&writer, [named("c", 1, 1)]).await, [false], "no half of it is in the way");
    }

    /// A job that waits behind a refused batch runs in a transaction of its own.
    #[tokio::test]
    async fn a_refused_batch_leaves_no_transaction_open() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scim.db");
        let writer = Writer::open(&path, &SqliteOptions::default(), shared(), no_reads()).unwrap();
        assert!(outcomes(&writer, [users(0..1, 10)]).await[0].is_ok());
        let both = outcomes(&writer, [users([0], 10), users(100..200, 10)]).await;
        assert_eq!([both[0].is_err(), both[1].is_ok()], [true, true], "{both:?}");

        let (open, gate) = mpsc::channel::<()>();
        let held = writer.alone(move |_| Ok(gate.recv().is_ok()));
        let context = Context::new(TenantId::new("octo"));
        let refused = writer.commit(&context, users([0], 10));
        let noted = writer
            .alone(|file| Ok(file.execute("INSERT INTO scim_indexed VALUES ('octo', 'Group', 'x')", [])?));
        let open = async { open.send(()).unwrap() };
        let (_, refused, noted, ()) = tokio::join!(held, refused, noted, open);
        assert!(refused.is_err());
        assert_eq!(noted.unwrap(), 1);
        let there = writer
            .alone(|file| {
                Ok(file.query_row("SELECT count(*) FROM scim_indexed WHERE kind = 'Group'", [], |row| {
                    row.get::<_, i64>(0)
                })?)
            })
            .await;
        assert_eq!(there.unwrap(), 1, "what was answered for is there");
    }

    /// A read during the commit must not take the old name for the new state, nor the reverse.
    #[test]
    fn names_count_for_nothing_while_a_commit_changes_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scim.db");
        let options = SqliteOptions::default();
        let mark = || Mark::find(&path, &options).unwrap();
        let mut connection = schema::writing(&path, &options, &mark()).unwrap();
        let (names, (seen, at_commit)) = (names(), mpsc::channel());
        names.now().note(1, Name::new("a", "User", Some("n")));
        let watched = Arc::clone(&names);
        let hook = move || seen.send(watched.now().get(1).is_some()).is_err();
        connection.commit_hook(Some(hook)).unwrap();
        let (keys, news) = (Keys::default(), News::default());
        let log = Log::of(&path, 4_096, mark());
        let group = Group {
            connection: &connection,
            log: &log,
            names: &names,
            keys: &keys,
            news: &news,
            kept_changes: 10,
        };
        let commit = |batch| {
            let outcomes = group
                .transaction(vec![Part { tenant: TenantId::new("octo"), batch, work: Work::unlimited() }])
                .unwrap();
            assert!(outcomes[0].is_ok());
            (at_commit.recv().unwrap(), names.now().get(1).is_some())
        };
        let update = |document: serde_json::Value| {
            let resource = Resource::from_canonical(document.as_object().unwrap().clone());
            let update = Update::new(ResourceType::user(), "a").with_resource(resource);
            Batch::new(Timestamp::from_millis(1)).update(update)
        };
        assert_eq!(commit(named("a", 1, 1)), (true, true));
        let title = update(json!({"userName": "a", "displayName": "n", "title": "other"}));
        assert_eq!(commit(title), (true, true));
        assert_eq!(commit(update(json!({"userName": "a", "displayName": "other"}))), (false, false));
    }
}
