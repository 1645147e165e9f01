//! What the thread that writes and the one that moves the log tell each other.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::sync::{
    AtomicBool, AtomicI32, Mutex, MutexGuard, Nudges, Ordering::SeqCst, PoisonError, RecvTimeoutError,
};

/// So few pages may stay in the log for good: hardly a read notices.
pub(super) const FEW: i32 = 256;

/// In how many rounds a long log is moved: each moves what came during the one before, and the writer itself what came
/// during the last.
const ROUNDS: usize = 2;

/// How long nothing is to be committed before a log that is not long yet is moved too: reading is cheaper then.
const QUIET: Duration = Duration::from_secs(1);

/// How long to leave the disk to others between two rounds.
const PAUSE: Duration = Duration::from_millis(100);

/// The state of the log that both share.
#[derive(Debug)]
pub(super) struct Moving {
    /// How many pages it had after the last commit.
    pages: AtomicI32,
    /// Whether it was moved since the writer last began it again.
    moved: AtomicBool,
    /// Whether the mover waits for the next commit, however little it is.
    rests: AtomicBool,
    /// Whether it is as long as it may be, and somebody reads who cannot be ended.
    full: AtomicBool,
    /// What failed first, and how.
    failed: OnceLock<String>,
    /// Held while it is moved.
    alone: Mutex<()>,
}

/// What the writer thinks of the log after a commit.
#[derive(Clone, Copy)]
pub(super) struct Length {
    /// It is to be moved.
    pub(super) is_long: bool,
    /// It is to begin again, whether it was moved or not.
    pub(super) is_too_long: bool,
    /// An attempt to begin it again is allowed.
    pub(super) may_begin: bool,
}

/// What the mover does.
pub(super) trait Moves {
    /// Moves what there is, and brings it to the disk; whether it could.
    fn round(&self) -> bool;

    /// Looks whether those who read the full log are gone, for nobody writes who would.
    fn make_room(&self);
}

impl Moving {
    pub(super) fn new() -> Self {
        Self {
            pages: AtomicI32::new(0),
            moved: AtomicBool::new(false),
            // Before its thread runs the first nudge waits for it.
            rests: AtomicBool::new(true),
            full: AtomicBool::new(false),
            failed: OnceLock::new(),
            alone: Mutex::new(()),
        }
    }

    pub(super) fn pages(&self) -> i32 {
        self.pages.load(SeqCst)
    }

    /// So many pages are in the log after a commit.
    pub(super) fn set_pages(&self, pages: i32) {
        self.pages.store(pages, SeqCst);
    }

    /// Waits until nobody moves it, and keeps others from it. `None` when the disk failed: then it stays as it is.
    pub(super) fn hold(&self) -> Option<MutexGuard<'_, ()>> {
        let held = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        self.failed().is_none().then_some(held)
    }

    /// What the disk failed at.
    pub(super) fn failed(&self) -> Option<&String> {
        self.failed.get()
    }

    /// The disk failed; whether it had not before.
    pub(super) fn fail(&self, error: String) -> bool {
        self.failed.set(error).is_ok()
    }

    pub(super) fn is_full(&self) -> bool {
        self.full.load(SeqCst)
    }

    pub(super) fn set_full(&self, full: bool) {
        self.full.store(full, SeqCst);
    }

    /// All of it is moved, and the next commit begins it again.
    pub(super) fn begin_anew(&self) {
        self.set_pages(0);
        // The writer commits again from here on.
        self.set_full(false);
    }

    /// For the writer after each commit: whether the mover is to be told.
    pub(super) fn after_commit(&self, length: Length, begin_anew: impl FnOnce()) -> bool {
        if !length.is_long {
            // What was moved was the log before this one.
            self.moved.store(false, SeqCst);
        }
        if length.is_long && length.may_begin && (self.moved.swap(false, SeqCst) || length.is_too_long) {
            // One that never pauses would otherwise never let the log begin anew. What is left to be moved came while
            // the rest was.
            begin_anew();
            // Where that failed, perhaps nothing is written any more, and the mover alone can try again.
            return self.pages() > 0;
        }
        length.is_long || self.rests.load(SeqCst)
    }

    /// For the mover: moves the log whenever it is told to, and when nothing has been committed for a while; until the
    /// writer is gone.
    pub(super) fn work(&self, nudges: &Nudges, mover: &impl Moves) {
        while nudges.recv().is_ok() {
            self.rests.store(false, SeqCst);
            loop {
                let before = self.pages();
                match nudges.recv_timeout(QUIET) {
                    Ok(()) => {
                        // What finds no room now is tried again after the next commit.
                        if (0..ROUNDS).all(|_| mover.round()) {
                            self.moved.store(true, SeqCst);
                        }
                        pause(nudges);
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) if self.pages() == before => {
                        // Whoever commits after this tells the mover; what was committed before is moved now.
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

/// Leaves the disk to others for a while; ends early when there will be nothing more to do.
fn pause(nudges: &Nudges) {
    let until = Instant::now() + PAUSE;
    loop {
        match nudges.recv_timeout(until.saturating_duration_since(Instant::now())) {
            // Whoever commits next asks again.
            Ok(()) => {}
            Err(_) => return,
        }
    }
}
