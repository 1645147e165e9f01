//! The thread that moves what is committed from the log to the file, so that no commit waits for it.

use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use async_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;

use super::fault::Fault;
use super::options::Durability;
use super::schema;

/// From this length of the log on it is moved; SQLite cuts a longer one to it when it begins anew. A page that changes
/// again and again until then is moved once.
pub(super) const LOG: u64 = 16 << 20;

/// The length at which the writer itself stops to move it: one that never pauses would otherwise never let it begin
/// anew.
const MOST: u64 = 64 << 20;

/// How long to leave the disk to others between two rounds.
const PAUSE: Duration = Duration::from_millis(100);

/// The moving thread; joined when dropped.
pub(super) struct Checkpointer {
    nudges: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    log: PathBuf,
}

impl Checkpointer {
    pub(super) fn start(path: &Path, durability: Durability) -> Result<Self, Fault> {
        let connection = schema::moving(path, durability)?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        let (nudges, queue) = bounded(1);
        let watched = log.clone();
        let thread = Builder::new()
            .name("scim-store-checkpointer".into())
            .spawn(move || work(&connection, &queue, &watched))
            .map_err(Fault::Thread)?;
        Ok(Self { nudges: Some(nudges), thread: Some(thread), log })
    }

    /// Something was committed on `writer`.
    pub(super) fn nudge(&self, writer: &Connection) {
        if length(&self.log) >= MOST {
            // It waits for no reader, which a backup is for long: what fails now, the next commit tries again.
            let _ = writer.busy_timeout(Duration::ZERO);
            let _ = writer.execute_batch("PRAGMA wal_checkpoint(RESTART)");
            let _ = writer.busy_timeout(schema::PATIENCE);
        } else if let Some(nudges) = &self.nudges {
            // One that waits already is enough.
            let _ = nudges.try_send(());
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.nudges = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(connection: &Connection, queue: &Receiver<()>, log: &Path) {
    while queue.recv_blocking().is_ok() {
        if length(log) > LOG {
            // What fails now, on a full disk perhaps, is tried again after the next commit.
            let _ = connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)");
            std::thread::sleep(PAUSE);
        }
    }
}

fn length(log: &Path) -> u64 {
    log.metadata().map_or(0, |file| file.len())
}
