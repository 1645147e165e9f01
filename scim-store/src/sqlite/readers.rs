//! The threads that read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use async_channel::{Receiver, Sender, bounded};
use futures_channel::oneshot;
use rusqlite::Connection;

use super::fault::Fault;
use super::options::SqliteOptions;
use super::schema;

/// The reading threads; joined when dropped.
pub(super) struct Readers {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// After how many steps of SQLite's machine a read looks whether somebody still waits for it: some ten thousandths of
/// a second.
const STEPS: i32 = 10_000;

impl Readers {
    pub(super) fn open(path: &Path, options: &SqliteOptions) -> Result<Self, Fault> {
        let (jobs, queue) = bounded(options.queue.max(1));
        let mut readers = Self { jobs: Some(jobs), threads: Vec::new() };
        for number in 0..options.readers.max(1) {
            let mut connection = schema::reading(path)?;
            let queue = queue.clone();
            let thread = Builder::new()
                .name(format!("scim-store-reader-{number}"))
                .spawn(move || work(&mut connection, &queue))
                .map_err(Fault::Thread)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Runs `read` on one consistent state of the file. It ends early when its caller no longer waits, because the
    /// client is gone or the time is up.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, outcome) = oneshot::channel();
        let waiting = Arc::new(());
        let waits = Arc::downgrade(&waiting);
        let job = Box::new(move |connection: &mut Connection| {
            if waits.strong_count() == 0 {
                return;
            }
            // The next job sets its own in its place.
            let _ = connection.progress_handler(STEPS, Some(move || waits.strong_count() == 0));
            let snapshot = connection.unchecked_transaction();
            let outcome = snapshot.map_err(Fault::from).and_then(|snapshot| read(&snapshot));
            // Who no longer listens does not need to know.
            let _ = answer.send(outcome);
        });
        let jobs = self.jobs.as_ref().ok_or(Fault::Stopped)?;
        jobs.send(job).await.map_err(|_| Fault::Stopped)?;
        let outcome = outcome.await.map_err(|_| Fault::Stopped)?;
        drop(waiting);
        outcome
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A panic was answered where it happened.
            let _ = thread.join();
        }
    }
}

fn work(connection: &mut Connection, queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv_blocking() {
        // A panic drops the answer's sender, which tells the caller.
        let _ = catch_unwind(AssertUnwindSafe(|| job(connection)));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::super::writer::Writer;
    use super::*;

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_ends() {
        let directory = tempfile::tempdir().unwrap();
        let (path, options) = (directory.path().join("scim.db"), SqliteOptions::default().with_readers(1));
        let _writer = Writer::open(&path, &options).unwrap();
        let readers = Readers::open(&path, &options).unwrap();
        let endless = readers.run(|connection| {
            let sql =
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
            Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?)
        });
        assert!(timeout(Duration::from_millis(50), endless).await.is_err());
        let next = timeout(Duration::from_secs(60), readers.run(|_| Ok(7))).await;
        assert_eq!(next.unwrap().unwrap(), 7, "the only thread is free again");
    }
}
