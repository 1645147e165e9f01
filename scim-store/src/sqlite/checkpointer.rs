//! The thread that moves what is committed from the log to the file, so that no commit waits for it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use super::fault::Fault;
use super::options::{Durability, SqliteOptions};
use super::{file, schema};

/// How much of an empty log is laid out at once: a commit that makes the file longer has the file system write that
/// too, which takes half as long again as the commit.
const LAID: u64 = 1 << 20;

/// How much room a commit should find.
const ROOM: u64 = 256 << 10;

/// In how many rounds: each moves what came during the one before, and the writer itself what came during the last.
const ROUNDS: usize = 2;

/// How long nothing is to be committed before a log that is not long yet is moved too: reading is cheaper then.
const QUIET: Duration = Duration::from_secs(1);

/// So few pages may stay in the log for good: hardly a read notices.
const FEW: i32 = 256;

/// How long to leave the disk to others between two rounds.
const PAUSE: Duration = Duration::from_millis(100);

/// The moving thread; joined when dropped.
pub(super) struct Checkpointer {
    nudges: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    log: Arc<Log>,
    /// From so many pages in the log on it is moved.
    most: i32,
    /// Before so many it is not begun anew, after a reader was in the way.
    not_before: i32,
    folder: PathBuf,
    page: u64,
    ahead: Option<Ahead>,
}

/// What writer and mover know of the log.
#[derive(Default)]
struct Log {
    /// How many pages it had after the last commit.
    pages: AtomicI32,
    /// Whether it was moved since the writer last began it anew.
    moved: AtomicBool,
    /// Whether the mover waits for the next commit, however little it is.
    rests: AtomicBool,
    /// Held while it is moved.
    moving: Mutex<()>,
}

impl Log {
    /// Waits until nobody moves it, and keeps others from it.
    fn hold(&self) -> MutexGuard<'_, ()> {
        self.moving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Checkpointer {
    pub(super) fn start(
        path: &Path,
        writer: &mut Connection,
        file: &Arc<File>,
        options: &SqliteOptions,
    ) -> Result<Self, Fault> {
        let durability = options.durability;
        let page: u32 = writer.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        // SQLite cuts a log that has become longer than this. Otherwise its place on the disk stays for what is written
        // next, which costs less than to ask for it anew.
        let kept = i64::try_from(options.log.saturating_mul(2)).unwrap_or(i64::MAX);
        writer.pragma_update(None, "journal_size_limit", kept)?;
        let most = i32::try_from(options.log / u64::from(page)).unwrap_or(i32::MAX).max(1);
        let log = Arc::new(Log::default());
        let counted = Arc::clone(&log);
        writer.wal_hook(Some(move |_: &mut _, pages| {
            counted.pages.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        // What is not asked to survive need not be on the disk.
        let file = (durability != Durability::Off).then(|| Arc::clone(file));
        let ahead = if durability == Durability::Full { Some(Ahead::of(path, page)) } else { None };
        let mover = Mover { connection: schema::moving(path, durability)?, file, log: Arc::clone(&log) };
        let (nudges, queue) = sync_channel(1);
        let thread = Builder::new()
            .name("scim-store-checkpointer".into())
            .spawn(move || mover.work(&queue))
            .map_err(Fault::Thread)?;
        let folder = file::folder(path).to_owned();
        let (nudges, thread, page) = (Some(nudges), Some(thread), u64::from(page));
        Ok(Self { nudges, thread, log, most, not_before: 0, folder, page, ahead })
    }

    /// Something was committed on `writer`.
    pub(super) fn nudge(&mut self, writer: &Connection) {
        let pages = self.log.pages.load(Ordering::Relaxed);
        let is_full = pages >= FEW && !self.has_room_for(pages);
        if let Some(ahead) = self.ahead.as_mut().filter(|_| !is_full) {
            ahead.lay_out(pages);
        }
        let is_long = pages >= self.most || is_full;
        if !is_long {
            // What was moved was the log before this one.
            self.log.moved.store(false, Ordering::Relaxed);
            self.not_before = 0;
        }
        let is_too_long = pages / 2 >= self.most || is_full;
        if is_long
            && pages >= self.not_before
            && (self.log.moved.swap(false, Ordering::Relaxed) || is_too_long)
        {
            // One that never pauses would otherwise never let the log begin anew. What is left to be moved came while
            // the rest was. It waits for the mover, but for no reader, which a backup is for long: what fails now is
            // tried again when there is more.
            let _moving = self.log.hold();
            self.not_before = pages.saturating_add(if is_full { 1 } else { self.most / 8 });
            let _ = writer.busy_timeout(Duration::ZERO);
            // What the log keeps of the disk, the file may need.
            let how = if is_full { "TRUNCATE" } else { "RESTART" };
            let _ = writer.execute_batch(&format!("PRAGMA wal_checkpoint({how})"));
            if let Some(ahead) = self.ahead.as_mut().filter(|_| is_full) {
                ahead.length = 0;
            }
            let _ = writer.busy_timeout(schema::PATIENCE);
        } else if let Some(nudges) =
            self.nudges.as_ref().filter(|_| is_long || self.log.rests.load(Ordering::Relaxed))
        {
            // One that waits already is enough.
            let _ = nudges.try_send(());
        }
    }

    /// Whether the disk has room for so many pages more, which the file may grow by when they are moved.
    fn has_room_for(&self, pages: i32) -> bool {
        let used = u64::try_from(pages).unwrap_or_default() * self.page;
        // Where that cannot be told, it shows in time.
        fs4::available_space(&self.folder).map_or(true, |room| room >= used + LAID)
    }
}

/// The log's file, where it has room.
struct Ahead {
    log: PathBuf,
    /// Of a page in the log, in bytes.
    frame: u64,
    length: u64,
}

impl Ahead {
    fn of(path: &Path, page: u32) -> Self {
        Self { log: file::beside(path, "-wal"), frame: u64::from(page) + 24, length: 0 }
    }

    /// Makes room behind so many pages, unless there is. Called between two commits by the thread that commits, and
    /// only what lies behind the end of the file is written; SQLite knows of no page that it did not write itself.
    fn lay_out(&mut self, pages: i32) {
        let used = u64::try_from(pages).unwrap_or_default() * self.frame;
        if used + ROOM <= self.length {
            return;
        }
        let lay = || {
            let mut log = OpenOptions::new().append(true).open(&self.log)?;
            if log.metadata()?.len() < used + ROOM {
                io::copy(&mut io::repeat(0).take(LAID), &mut log)?;
            }
            Ok::<_, io::Error>(log.metadata()?.len())
        };
        // Without room commits take longer, and that is all.
        self.length = lay().unwrap_or(used + LAID);
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

/// What the moving thread has.
struct Mover {
    connection: Connection,
    file: Option<Arc<File>>,
    log: Arc<Log>,
}

impl Mover {
    fn work(&self, queue: &Receiver<()>) {
        let pages = || self.log.pages.load(Ordering::Relaxed);
        loop {
            self.log.rests.store(true, Ordering::Relaxed);
            if queue.recv().is_err() {
                return;
            }
            self.log.rests.store(false, Ordering::Relaxed);
            loop {
                let before = pages();
                match queue.recv_timeout(QUIET) {
                    Ok(()) => self.move_long(),
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) if pages() == before => {
                        if before > FEW {
                            let _moving = self.log.hold();
                            self.round();
                        }
                        break;
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
        }
    }

    fn move_long(&self) {
        // What fails now, on a full disk perhaps, is tried again after the next commit.
        let moving = self.log.hold();
        if (0..ROUNDS).all(|_| self.round()) {
            self.log.moved.store(true, Ordering::Relaxed);
        }
        drop(moving);
        std::thread::sleep(PAUSE);
    }

    /// Moves what there is, and brings it to the disk: SQLite leaves that to whoever moves the last of it.
    fn round(&self) -> bool {
        self.connection.execute_batch("PRAGMA wal_checkpoint(PASSIVE)").is_ok()
            && self.file.as_ref().is_none_or(|file| file.sync_data().is_ok())
    }
}
