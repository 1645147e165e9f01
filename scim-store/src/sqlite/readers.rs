//! The threads that read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
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

type Job = Box<dyn FnOnce(&Connection) + Send>;

impl Readers {
    pub(super) fn open(path: &Path, options: &SqliteOptions) -> Result<Self, Fault> {
        let (jobs, queue) = bounded(options.queue.max(1));
        let mut readers = Self { jobs: Some(jobs), threads: Vec::new() };
        for number in 0..options.readers.max(1) {
            let connection = schema::reading(path)?;
            let queue = queue.clone();
            let thread = Builder::new()
                .name(format!("scim-store-reader-{number}"))
                .spawn(move || work(&connection, &queue))
                .map_err(Fault::Thread)?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Runs `read` on one consistent state of the file.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, outcome) = oneshot::channel();
        let job = Box::new(move |connection: &Connection| {
            let snapshot = connection.unchecked_transaction();
            let outcome = snapshot.map_err(Fault::from).and_then(|snapshot| read(&snapshot));
            // Who no longer listens does not need to know.
            let _ = answer.send(outcome);
        });
        let jobs = self.jobs.as_ref().ok_or(Fault::Stopped)?;
        jobs.send(job).map_err(|_| Fault::Stopped)?;
        outcome.await.map_err(|_| Fault::Stopped)?
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

fn work(connection: &Connection, queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        // A panic drops the answer's sender, which tells the caller.
        let _ = catch_unwind(AssertUnwindSafe(|| job(connection)));
    }
}
