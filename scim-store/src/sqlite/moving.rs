//! What the writer and the mover tell each other.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::sync::{
    AtomicBool, AtomicI32, Mutex, MutexGuard, Nudges, Ordering::SeqCst, PoisonError, RecvTimeoutError,
};

/// Up to this many pages may stay in the log for good, because reads hardly notice them.
pub(super) const FEW: i32 = 256;

/// In how many rounds a long log is moved. Each round moves what was committed during the one before, and the writer
/// moves the rest.
const ROUNDS: usize = 2;

/// How long without a commit before a log that is not long yet is moved too, because reads are cheaper then.
const QUIET: Duration = Duration::from_secs(1);

/// How long the mover leaves the disk to others between two rounds.
const PAUSE: Duration = Duration::from_millis(100);

/// The state of the log that both threads share.
#[derive(Debug)]
pub(super) struct Moving {
    /// How many pages the log had after the last commit.
    pages: AtomicI32,
    /// Whether the log was moved since the writer last began it again.
    moved: AtomicBool,
    /// Whether the mover waits for the next commit, however small.
    rests: AtomicBool,
    /// Whether the log has its greatest length, and a read that cannot be ended is in the way.
    full: AtomicBool,
    /// What failed first, and how.
    failed: OnceLock<String>,
    /// Held while the log is moved.
    alone: Mutex<()>,
}

/// What the writer knows about the log after a commit.
#[derive(Clone, Copy)]
pub(super) struct Length {
    /// The log should be moved.
    pub(super) is_long: bool,
    /// The log must begin again, whether it was moved or not.
    pub(super) is_too_long: bool,
    /// An attempt to begin it again is allowed.
    pub(super) may_begin: bool,
}

/// The work of the mover.
pub(super) trait Moves {
    /// Moves what there is and syncs the file. Returns whether that succeeded.
    fn round(&self) -> bool;

    /// Checks whether the reads that kept the log full have ended, because no write does so meanwhile.
    fn make_room(&self);
}

impl Moving {
    pub(super) fn new() -> Self {
        Self {
            pages: AtomicI32::new(0),
            moved: AtomicBool::new(false),
            // The first nudge waits in the queue until the thread of the mover runs.
            rests: AtomicBool::new(true),
            full: AtomicBool::new(false),
            failed: OnceLock::new(),
            alone: Mutex::new(()),
        }
    }

    pub(super) fn pages(&self) -> i32 {
        self.pages.load(SeqCst)
    }

    /// Records how many pages are in the log after a commit.
    pub(super) fn set_pages(&self, pages: i32) {
        self.pages.store(pages, SeqCst);
    }

    /// Waits until the log is not being moved, and keeps others from moving it. Returns `None` if the disk failed,
    /// because then the log stays as it is.
    pub(super) fn hold(&self) -> Option<MutexGuard<'_, ()>> {
        let held = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        self.failed().is_none().then_some(held)
    }

    /// Returns what the disk failed at.
    pub(super) fn failed(&self) -> Option<&String> {
        self.failed.get()
    }

    /// Records that the disk failed. Returns whether this is the first failure.
    pub(super) fn fail(&self, error: String) -> bool {
        self.failed.set(error).is_ok()
    }

    pub(super) fn is_full(&self) -> bool {
        self.full.load(SeqCst)
    }

    pub(super) fn set_full(&self, full: bool) {
        self.full.store(full, SeqCst);
    }

    /// Records that all of the log is moved, so that the next commit begins it again.
    pub(super) fn begin_anew(&self) {
        self.set_pages(0);
        // From here on the writer commits again.
        self.set_full(false);
    }

    /// Called by the writer after each commit. May begin the log again. Returns whether to tell the mover.
    pub(super) fn after_commit(&self, length: Length, begin_anew: impl FnOnce()) -> bool {
        if !length.is_long {
            // It was the log before this one that was moved.
            self.moved.store(false, SeqCst);
        }
        if length.is_long && length.may_begin && (self.moved.swap(false, SeqCst) || length.is_too_long) {
            // A mover that waits for a pause would never let the log begin again under steady writes. What is left to
            // move was committed while the rest was moved.
            begin_anew();
            // If that failed, perhaps nothing is written any more, and only the mover can try again.
            return self.pages() > 0;
        }
        length.is_long || self.rests.load(SeqCst)
    }

    /// Runs the mover. It moves the log whenever it is told to, and if nothing was committed for a while, until the
    /// writer is gone.
    pub(super) fn work(&self, nudges: &Nudges, mover: &impl Moves) {
        while nudges.recv().is_ok() {
            self.rests.store(false, SeqCst);
            loop {
                let before = self.pages();
                match nudges.recv_timeout(QUIET) {
                    Ok(()) => {
                        // A round that finds no room is tried again after the next commit.
                        if (0..ROUNDS).all(|_| mover.round()) {
                            self.moved.store(true, SeqCst);
                        }
                        pause(nudges);
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) if self.pages() == before => {
                        // A commit after this tells the mover; what was committed before is moved now.
                        self.rests.store(true, SeqCst);
                        if self.pages() > FEW {
                            mover.round();
                        }
                        if !self.is_full() {
                            break;
                        }
                        self.rests.store(false, SeqCst);
                        mover.make_room();
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
        }
    }
}

/// Leaves the disk to others for a while. Ends early if nothing more will have to be done.
fn pause(nudges: &Nudges) {
    let until = Instant::now() + PAUSE;
    loop {
        match nudges.recv_timeout(until.saturating_duration_since(Instant::now())) {
            // The next commit asks again.
            Ok(()) => {}
            Err(_) => return,
        }
    }
}
