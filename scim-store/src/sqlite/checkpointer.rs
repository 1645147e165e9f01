//! The thread that moves what is committed from the log to the file, so that no commit waits for it.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use async_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;

use super::fault::Fault;
use super::options::Durability;
use super::schema;

/// From so many pages in the log on (64 MiB) it is moved. A page that changes again and again until then is moved once.
const LOG: i32 = 32_768;

/// To this length SQLite cuts a log that has grown longer, in bytes: otherwise its place on the disk stays for what
/// is written next, which costs less than to ask for it anew.
pub(super) const KEPT: i64 = 256 << 20;

/// In how many rounds: each moves what came during the one before, and the writer itself what came during the last.
const ROUNDS: usize = 2;

/// How long to leave the disk to others between two rounds.
const PAUSE: Duration = Duration::from_millis(100);

/// The moving thread; joined when dropped.
pub(super) struct Checkpointer {
    nudges: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// How many pages the log had after the last commit.
    pages: Arc<AtomicI32>,
    /// Whether the log was moved since the writer last began it anew.
    moved: Arc<AtomicBool>,
}

impl Checkpointer {
    pub(super) fn start(
        path: &Path,
        writer: &mut Connection,
        durability: Durability,
    ) -> Result<Self, Fault> {
        let (pages, moved) = (Arc::new(AtomicI32::new(0)), Arc::new(AtomicBool::new(false)));
        let counted = Arc::clone(&pages);
        writer.wal_hook(Some(move |_: &mut _, pages| {
            counted.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        let connection = schema::moving(path, durability)?;
        // What is not asked to survive need not be on the disk.
        let file = (durability != Durability::Off).then(|| File::open(path)).transpose();
        let file = file.map_err(|error| Fault::File { path: path.to_owned(), error })?;
        let (nudges, queue) = bounded(1);
        let is_moved = Arc::clone(&moved);
        let thread = Builder::new()
            .name("scim-store-checkpointer".into())
            .spawn(move || work(&connection, file.as_ref(), &queue, &is_moved))
            .map_err(Fault::Thread)?;
        Ok(Self { nudges: Some(nudges), thread: Some(thread), pages, moved })
    }

    /// Something was committed on `writer`.
    pub(super) fn nudge(&self, writer: &Connection) {
        if self.pages.load(Ordering::Relaxed) < LOG {
            return;
        }
        if self.moved.swap(false, Ordering::Relaxed) {
            // One that never pauses would otherwise never let the log begin anew. What is left to be moved came while
            // the rest was. It waits for no reader, which a backup is for long: the next round tries again.
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

fn work(connection: &Connection, file: Option<&File>, queue: &Receiver<()>, moved: &AtomicBool) {
    while queue.recv_blocking().is_ok() {
        // What fails now, on a full disk perhaps, is tried again after the next commit.
        if (0..ROUNDS).all(|_| is_moved(connection, file)) {
            moved.store(true, Ordering::Relaxed);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Moves what there is, and brings it to the disk: SQLite leaves that to whoever moves the last of it.
fn is_moved(connection: &Connection, file: Option<&File>) -> bool {
    connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)").is_ok()
        && file.is_none_or(|file| file.sync_data().is_ok())
}
