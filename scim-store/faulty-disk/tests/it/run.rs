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
    /// No part of it is kept.
    Refused,
    /// It is not known whether it is kept.
    Unknown,
}

/// A batch that was given to the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) batch: usize,
    /// How many changes there were on the disk when it was sent, and when it was answered.
    pub(crate) begun: usize,
    pub(crate) answered: usize,
    pub(crate) outcome: Outcome,
}

pub(crate) struct Run {
    pub(crate) disk: Disk,
    durability: Durability,
    /// Kept as long as the disk is used.
    _folder: TempDir,
    pub(crate) attempts: Vec<Attempt>,
    /// Whether the store could be opened.
    pub(crate) opened: bool,
    /// Whether there was a log after the store was closed.
    pub(crate) has_log: bool,
}

/// Makes a folder, in memory if possible, because thousands are made.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

pub(crate) fn options(durability: Durability) -> SqliteOptions {
    let options = SqliteOptions::default().with_durability(durability);
    options.with_readers(1).with_log(160 << 10).with_queue(8).with_names(1 << 16)
}

/// Returns a new file of the store.
pub(crate) fn empty_file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("scim.db");
        drop(SqliteStore::open_with(&path, options(Durability::Full)).unwrap());
        fs::read(path).unwrap()
    })
}

/// Carries out the whole history on a disk that fails as planned.
///
/// With a reader, another connection reads an old state for a while, as a backup does. The run ends like a stopped
/// process, which closes the store.
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
            // Every third batch is followed by another one at once, and they share a commit.
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

    /// Returns what must be there if the process ends after `moment` changes, or if the power is cut then.
    pub(crate) fn at(&self, moment: usize, is_cut: bool) -> Promise {
        let (mut kept, mut open) = (Vec::new(), Vec::new());
        // All answered batches are in the log, in order. With `Normal`, only some of them need be on the disk.
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

/// What a file must contain.
#[derive(Debug)]
pub(crate) struct Promise {
    /// The batches that must be there.
    pub(crate) kept: Vec<usize>,
    /// The batches that may be there. If some are, they are the first ones.
    pub(crate) open: Vec<usize>,
    /// The durability that the file was served with.
    pub(crate) durability: Durability,
}

fn outcome<T>(result: &Result<T, StoreError>) -> Outcome {
    match result {
        Ok(_) => Outcome::Kept,
        Err(StoreError::Unavailable(Unavailable::DiskFailed)) => Outcome::Unknown,
        Err(_) => Outcome::Refused,
    }
}
