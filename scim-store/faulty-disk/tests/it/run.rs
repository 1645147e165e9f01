//! One process that serves a file on a disk that may fail.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use rusqlite::Connection;
use scim_faulty_disk::{Disk, Plan};
use scim_server_traits::{Store, StoreError, Unavailable};
use scim_store::{Durability, SqliteOptions, SqliteStore};
use tempfile::TempDir;

use super::history::{LENGTH, batch, block_on, context};

/// How a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Kept,
    /// Nothing of it is kept.
    Refused,
    /// Nobody knows.
    Unknown,
}

/// A batch that was given to the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) batch: usize,
    /// How many changes there were on the disk before it was given, and when it was answered.
    pub(crate) begun: usize,
    pub(crate) answered: usize,
    pub(crate) outcome: Outcome,
}

pub(crate) struct Run {
    pub(crate) disk: Disk,
    durability: Durability,
    /// Kept until the disk is no longer asked.
    _folder: TempDir,
    pub(crate) attempts: Vec<Attempt>,
    /// Whether the store could be opened.
    pub(crate) opened: bool,
    /// Whether there was a log after it was closed.
    pub(crate) has_log: bool,
}

/// In memory where that can be: many thousand are made.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

pub(crate) fn options(durability: Durability) -> SqliteOptions {
    let options = SqliteOptions::default().with_durability(durability);
    options.with_readers(1).with_log(160 << 10).with_queue(8).with_names(1 << 16)
}

/// A file as the store makes it.
pub(crate) fn empty_file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("scim.db");
        drop(SqliteStore::open_with(&path, options(Durability::Full)).unwrap());
        fs::read(path).unwrap()
    })
}

/// Does all of the history on a disk that fails as planned. With a reader, another connection looks at an old state for
/// a while, as a backup does. Ends as a process that is stopped, which closes the store.
pub(crate) fn run(durability: Durability, plan: Option<Plan>, with_reader: bool) -> Run {
    let folder = folder();
    let path = folder.path().join("scim.db");
    fs::write(&path, empty_file()).unwrap();
    let disk = Disk::watch(folder.path()).unwrap();
    if let Some(plan) = plan {
        disk.plan(plan);
    }
    let mut run =
        Run { disk, durability, _folder: folder, attempts: Vec::new(), opened: false, has_log: false };
    if let Ok(store) = SqliteStore::open_with(&path, options(durability)) {
        run.opened = true;
        block_on(run.ask(&store, with_reader.then_some(&path)));
    }
    run.has_log = path.with_extension("db-wal").exists();
    run
}

impl Run {
    async fn ask(&mut self, store: &SqliteStore, looked_at: Option<&std::path::PathBuf>) {
        let mut reader = None;
        let mut number = 0;
        while number < LENGTH {
            if let Some(path) = looked_at.filter(|_| number == 10) {
                reader = Connection::open(path)
                    .ok()
                    .filter(|file| file.execute_batch("BEGIN; SELECT count(*) FROM scim_resource").is_ok());
            }
            if number == 14 {
                reader = None;
            }
            let begun = self.disk.now();
            // Every third has another one behind it, with which it shares a commit.
            let context = context();
            let first = store.commit(&context, batch(number));
            let outcomes = if number % 3 == 2 && number + 1 < LENGTH {
                let (first, second) = tokio::join!(first, store.commit(&context, batch(number + 1)));
                vec![outcome(&first), outcome(&second)]
            } else {
                vec![outcome(&first.await)]
            };
            let answered = self.disk.now();
            for outcome in outcomes {
                self.attempts.push(Attempt { batch: number, begun, answered, outcome });
                number += 1;
            }
        }
        drop(reader);
        let has_failed = store.health().failed.is_some();
        let unknown = self.attempts.iter().position(|attempt| attempt.outcome == Outcome::Unknown);
        if let Some(unknown) = unknown {
            assert!(has_failed, "a failure that the store does not tell");
            let later = self.attempts[unknown..].iter().all(|attempt| attempt.outcome == Outcome::Unknown);
            assert!(later, "something was written after the disk failed: {:?}", self.attempts);
        }
    }

    /// What must be there when the process ends after so many changes, or the power is cut.
    pub(crate) fn at(&self, moment: usize, is_cut: bool) -> Promise {
        let (mut kept, mut open) = (Vec::new(), Vec::new());
        // All that was answered is in the log, in its order, and only some of it need be on the disk.
        let survives = self.durability == Durability::Full || !is_cut;
        for attempt in self.attempts.iter().filter(|attempt| attempt.begun <= moment) {
            match attempt.outcome {
                Outcome::Kept if survives && attempt.answered <= moment => kept.push(attempt.batch),
                Outcome::Refused => {}
                Outcome::Kept | Outcome::Unknown => open.push(attempt.batch),
            }
        }
        Promise { kept, open, durability: self.durability }
    }
}

/// What a file has to hold.
#[derive(Debug)]
pub(crate) struct Promise {
    /// The batches that are there.
    pub(crate) kept: Vec<usize>,
    /// Those that may be, of these the first few.
    pub(crate) open: Vec<usize>,
    /// With what the file was served.
    pub(crate) durability: Durability,
}

fn outcome<T>(result: &Result<T, StoreError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Kept,
        Err(StoreError::Unavailable(Unavailable::DiskFailed)) => Outcome::Unknown,
        Err(_) => Outcome::Refused,
    }
}
