//! The mover: the thread that moves commits from the log to the file, so that no commit waits for that.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::fault::Fault;
use super::in_place::InPlace;
use super::log::Log;
use super::mark::Mark;
use super::moving::{FEW, Length, Moves};
use super::options::{Durability, SqliteOptions};
use super::reads::Reads;
use super::{file, schema};

/// How much of an empty log is laid out at once. A commit that makes the file longer takes half as long again, because
/// the file system has to write that too.
pub(super) const LAID: u64 = 1 << 20;

/// How much room a commit should find laid out.
const ROOM: u64 = 256 << 10;

/// To how many times its configured length the log may grow.
pub(super) const MOST_TIMES: u8 = 4;

/// How long new reads wait at most so that the log can begin again.
const MOMENT: Duration = Duration::from_millis(10);

/// How long a read may take to end after it was asked to.
const ENDS: Duration = Duration::from_millis(100);

/// How long to wait before the next attempt to begin a full log again.
const AGAIN: Duration = Duration::from_millis(100);

/// The mover's handle. Dropping it joins the thread.
pub(super) struct Checkpointer {
    nudges: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    log: Arc<Log>,
    reads: Arc<Reads>,
    in_place: Arc<InPlace>,
    /// From this many pages on the log is moved.
    most: i32,
    /// Before this many pages the log does not begin again, after a reader was in the way.
    not_before: i32,
    /// When that was last tried.
    tried: Instant,
    folder: PathBuf,
    page: u64,
    ahead: Option<Ahead>,
}

impl Checkpointer {
    pub(super) fn start(
        path: &Path,
        writer: &mut Connection,
        (file, mark): (&Arc<File>, Mark),
        options: &SqliteOptions,
        (reads, in_place): (Arc<Reads>, Arc<InPlace>),
    ) -> Result<Self, Fault> {
        let durability = options.durability;
        let page: u32 = writer.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let log = Arc::new(Log::of(path, page, mark));
        // SQLite cuts a log that is longer than this. A shorter one keeps its place on the disk for the next writes,
        // which is cheaper than asking for room again.
        let kept = i64::try_from(options.log.saturating_mul(2)).unwrap_or(i64::MAX);
        writer.pragma_update(None, "journal_size_limit", kept)?;
        let most = i32::try_from(options.log / u64::from(page)).unwrap_or(i32::MAX).max(1);
        let (counted, seen) = (Arc::clone(&log), Arc::clone(&in_place));
        writer.wal_hook(Some(move |_: &mut _, pages| {
            seen.note_commit();
            counted.moving.set_pages(pages);
            Ok(())
        }))?;
        // What need not survive does not have to be synced.
        let file = (durability != Durability::Off).then(|| Arc::clone(file));
        let ahead = if durability == Durability::Full { Some(Ahead::of(path, log.frame)) } else { None };
        let connection = schema::moving(path, durability)?;
        // The mover never waits for a lock.
        connection.busy_timeout(Duration::ZERO)?;
        let mover = Mover {
            connection,
            path: path.to_owned(),
            file,
            log: Arc::clone(&log),
            in_place: Arc::clone(&in_place),
        };
        let (nudges, queue) = sync_channel(1);
        let thread = Builder::new()
            .name("scim-store-checkpointer".into())
            .spawn(move || mover.log.moving.work(&queue, &mover))
            .map_err(Fault::Thread)?;
        let folder = file::folder(path).to_owned();
        let (nudges, thread, page) = (Some(nudges), Some(thread), u64::from(page));
        let tried = Instant::now();
        Ok(Self { nudges, thread, log, reads, in_place, most, not_before: 0, tried, folder, page, ahead })
    }

    pub(super) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Called after a commit on `writer`. Lays out room, and has the log moved if it is long.
    pub(super) fn nudge(&mut self, writer: &Connection) {
        if self.log.has_failed() {
            return;
        }
        let pages = self.log.moving.pages();
        let is_full = pages >= FEW && !self.has_room_for(pages);
        if let Some(ahead) = self.ahead.as_mut().filter(|_| !is_full) {
            ahead.lay_out(pages, &self.log);
        }
        let is_long = pages >= self.most || is_full;
        if !is_long {
            self.not_before = 0;
        }
        let is_too_long = pages / 2 >= self.most || is_full;
        let length = Length { is_long, is_too_long, may_begin: pages >= self.not_before };
        let log = Arc::clone(&self.log);
        let is_wanted = log.moving.after_commit(length, || self.begin_anew(writer, pages, is_full));
        if let Some(nudges) = self.nudges.as_ref().filter(|_| is_wanted) {
            // One waiting nudge is enough.
            let _ = nudges.try_send(());
        }
    }

    /// While the log is full and nothing can be committed, tries now and then to begin it again.
    pub(super) fn make_room(&mut self, writer: &Connection) {
        if self.tried.elapsed() >= AGAIN {
            self.begin_anew(writer, self.log.moving.pages(), false);
        }
    }

    /// Moves what is left in the log, so that the next commit begins it again. It waits for the mover, but only briefly
    /// for reads. If it fails, it is tried again when the log is longer.
    fn begin_anew(&mut self, writer: &Connection, pages: i32, is_full: bool) {
        let Some(_moving) = self.log.hold() else { return };
        self.not_before = pages.saturating_add(if is_full { 1 } else { (self.most / 8).max(1) });
        self.tried = Instant::now();
        let is_at_end = self.times(pages) >= MOST_TIMES.into();
        let _ = writer.busy_timeout(Duration::ZERO);
        match self.log.while_moving(writer, || self.try_to_begin_anew(writer, pages, is_full)) {
            Ok(true) => self.log.begin_anew(),
            Err(_) if self.log.has_failed() => read_from_log(&self.log, &self.in_place, writer),
            _ => self.log.moving.set_full(is_at_end),
        }
        if let Some(ahead) = self.ahead.as_mut().filter(|_| is_full) {
            ahead.length = 0;
        }
        let _ = writer.busy_timeout(schema::PATIENCE);
    }

    /// Returns how many times the configured length the log has.
    fn times(&self, pages: i32) -> i32 {
        pages / self.most
    }

    fn try_to_begin_anew(&self, writer: &Connection, pages: i32, is_full: bool) -> Result<bool, Fault> {
        let (times, most_times) = (self.times(pages), i32::from(MOST_TIMES));
        // A transaction that goes on with an old state would keep the rest from being moved.
        self.in_place.let_go();
        // Most of the log is moved while reads go on. Only then do reads have to wait, and only briefly.
        if !schema::move_log(writer, "PASSIVE")?.all {
            if times >= most_times - 1 {
                // The log cannot be moved beyond the state of the oldest read. The rest is moved before the log is
                // full.
                self.reads.end_oldest();
            }
            if times < most_times && !is_full {
                return Ok(false);
            }
        }
        let reads = self.reads.close();
        let mut none = reads.wait(MOMENT);
        while !none && times >= most_times && self.reads.end_oldest() {
            none = reads.wait(ENDS);
        }
        self.in_place.let_go();
        // If the disk is full, the file may need the room that the log takes.
        let mode = if is_full { "TRUNCATE" } else { "RESTART" };
        Ok(schema::move_log(writer, mode)?.done)
    }

    /// Returns whether the disk has room for so many more pages. The file may grow by them when they are moved.
    fn has_room_for(&self, pages: i32) -> bool {
        let used = u64::try_from(pages).unwrap_or_default() * self.page;
        // If the free room is unknown, the move will show it.
        fs4::available_space(&self.folder).map_or(true, |room| room >= used + LAID)
    }
}

/// The log's file, with the room that is laid out in it.
struct Ahead {
    log: PathBuf,
    frame: u64,
    length: u64,
}

impl Ahead {
    fn of(path: &Path, frame: u64) -> Self {
        Self { log: file::beside(path, "-wal"), frame, length: 0 }
    }

    /// Lays out room behind this many pages, if there is too little. The thread that commits calls it between two
    /// commits. It writes only behind the end of the file, and SQLite ignores every page that it did not write itself.
    fn lay_out(&mut self, pages: i32, log: &Log) {
        let used = u64::try_from(pages).unwrap_or_default() * self.frame;
        if used + ROOM <= self.length {
            return;
        }
        let lay = || {
            let mut file = OpenOptions::new().append(true).open(&self.log)?;
            if file.metadata()?.len() < used + ROOM
                && let Err(error) = io::copy(&mut io::repeat(0).take(LAID), &mut file)
                && !is_full(&error)
            {
                log.fail(&Fault::File { path: self.log.clone(), error });
            }
            Ok::<_, io::Error>(file.metadata()?.len())
        };
        // Without the room, commits only take longer.
        self.length = lay().unwrap_or(used + LAID);
    }
}

/// Returns whether room was missing, on the disk or for this user.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.nudges = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// After the disk failed, makes all reads use the log for what was already moved.
fn read_from_log(log: &Log, in_place: &InPlace, connection: &Connection) {
    log.make_index_anew(connection);
    in_place.note_commit();
    in_place.let_go();
}

/// What the mover owns.
struct Mover {
    connection: Connection,
    path: PathBuf,
    file: Option<Arc<File>>,
    log: Arc<Log>,
    in_place: Arc<InPlace>,
}

impl Moves for Mover {
    /// Checks whether the reads that kept the log full have ended, because no write does so meanwhile.
    fn make_room(&self) {
        let Some(_moving) = self.log.hold() else { return };
        self.in_place.let_go();
        let work = || schema::move_log(&self.connection, "RESTART");
        if self.log.while_moving(&self.connection, work).is_ok_and(|moved| moved.done) {
            self.log.begin_anew();
        }
    }

    /// Moves what there is and syncs the file, because SQLite syncs only when it moves the last page.
    fn round(&self) -> bool {
        let Some(_moving) = self.log.hold() else { return false };
        self.in_place.let_go();
        let work = || schema::move_log(&self.connection, "PASSIVE").and_then(|_| self.sync());
        let moved = self.log.while_moving(&self.connection, work);
        match moved {
            Ok(()) => self.log.note_moved(),
            Err(_) if self.log.has_failed() => read_from_log(&self.log, &self.in_place, &self.connection),
            Err(_) => {}
        }
        // Reads that begin now read from the file, so that the next commit can begin the log again.
        self.in_place.let_go();
        moved.is_ok()
    }
}

impl Mover {
    fn sync(&self) -> Result<(), Fault> {
        let Some(file) = &self.file else { return Ok(()) };
        file.sync_data().map_err(|error| Fault::Sync { path: self.path.clone(), error })
    }
}

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    /// Linux forgets data that it could not write, and reports it once. The next sync would succeed, and the log would
    /// begin again over the only copy.
    #[test]
    fn after_a_failed_sync_the_log_stays_and_is_all_that_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scim.db");
        let options = SqliteOptions::default().with_log(1 << 16);
        let mark = || Mark::find(&path, &options).unwrap();
        let mut writer = schema::writing(&path, &options, &mark()).unwrap();
        let length = |path| std::fs::metadata(path).unwrap().len();
        let made = length(path.clone());
        // No disk is behind this file, so syncing it fails.
        let file = Arc::new(OpenOptions::new().write(true).open("/dev/null").unwrap());
        assert!(file.sync_data().is_err());
        let reading = (Arc::new(Reads::new(0)), Arc::new(InPlace::new(&path, &options)));
        let mut checkpointer =
            Checkpointer::start(&path, &mut writer, (&file, mark()), &options, reading).unwrap();
        writer.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, x TEXT)").unwrap();
        let write = |number: i64| {
            writer.execute("INSERT INTO t VALUES (?1, ?2)", (number, "x".repeat(2_000))).unwrap();
        };
        (0..20).for_each(write);
        // A reader keeps the mover from the end of the log, so that SQLite itself syncs nothing.
        let reader = schema::reading(&path, true).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
        (20..40).for_each(write);
        let begun = Instant::now();
        while !checkpointer.log.has_failed() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the failure is passed over");
            checkpointer.nudge(&writer);
            std::thread::yield_now();
        }
        let log = std::fs::read(file::beside(&path, "-wal")).unwrap();
        reader.execute_batch("ROLLBACK").unwrap();
        checkpointer.nudge(&writer);
        assert!(matches!(checkpointer.log.check(), Err(Fault::Refused(_))));
        assert!(checkpointer.log.health(true).failed.unwrap().contains("could not be brought to the disk"));

        // The store does not rely on what was moved. A power cut may leave this of it.
        let count = |connection: &Connection| {
            connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap()
        };
        drop((checkpointer, writer));
        assert_eq!(std::fs::read(file::beside(&path, "-wal")).unwrap(), log, "not even when it is closed");
        assert!(length(path.clone()) > made + 8 * 4_096);
        let void = OpenOptions::new().write(true).open(&path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&void, &vec![0xAA; 8 * 4_096], made).unwrap();
        std::mem::forget(void);
        assert_eq!(count(&reader), 40);
        drop(reader);
        let again = schema::writing(&path, &options, &mark()).unwrap();
        assert_eq!(count(&again), 40);
    }
}
