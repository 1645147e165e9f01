//! Runs what threads hand over in thousands of the orders that are possible. The files of the store are compiled again,
//! with locks and atomics that try these orders, drawn at random.
//!
//! Each order consists of whole steps, which all threads see at once. Orderings weaker than `SeqCst` do not show what a
//! processor may do to them. A thread that is not woken fails the test as a deadlock, because locks wait without end
//! here.

use std::time::Duration;

use shuttle::rand::{Rng as _, thread_rng};
use shuttle::sync::atomic::AtomicUsize;
use shuttle::sync::{Arc, Mutex as Held};
use shuttle::{check_pct, check_random, thread};

use moving::{FEW, Length, Moves, Moving};
use nudges::Nudges;
use sync::Ordering::SeqCst;

#[path = "../../src/sqlite/epoch.rs"]
mod epoch;
#[path = "../../src/sqlite/moving.rs"]
mod moving;
#[path = "../../src/sqlite/queue.rs"]
mod queue;
#[path = "../../src/sqlite/reads.rs"]
mod reads;

mod channel;
mod writing;

mod sync {
    pub(super) use std::sync::PoisonError;
    pub(super) use std::sync::mpsc::RecvTimeoutError;

    pub(super) use shuttle::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
    pub(super) use shuttle::sync::{Condvar, Mutex, MutexGuard, RwLock};
    pub(super) use shuttle::thread::yield_now;

    pub(super) use super::channel::{Receiver, Sender, bounded, oneshot};
    pub(super) use super::nudges::Nudges;
}

/// Runs this in so many orders in which any thread may take the next step. It runs as many again in which threads are
/// seldom interrupted, but for long.
fn in_many_orders(round: impl Fn() + Copy + Send + Sync + 'static) {
    const ORDERS: usize = 1_500;
    check_random(round, ORDERS);
    check_pct(round, ORDERS, 3);
}

const LONG: Duration = Duration::from_secs(3_600);

/// Readers look for a name in memory and in the file, in the order of a read in place: first they take the moment, then
/// they check for commits. With `goes_on`, a transaction goes on as long as nothing is committed.
fn names_are_those_of_the_file(goes_on: bool) {
    let epoch = Arc::new(epoch::Epoch::new());
    let (file, memory) = (Arc::new(Held::new(0)), Arc::new(Held::new(None)));
    let commits = Arc::new(AtomicUsize::new(0));
    let mut threads = Vec::new();
    for _ in 0..2 {
        let (epoch, file, memory, commits) = (epoch.clone(), file.clone(), memory.clone(), commits.clone());
        threads.push(thread::spawn(move || {
            let mut transaction = None;
            for _ in 0..3 {
                let moment = epoch.now();
                let now = commits.load(SeqCst);
                let seen = match transaction.filter(|_| goes_on) {
                    Some((then, seen)) if then == now => seen,
                    // The first read of a transaction decides what it sees.
                    _ => *file.lock().unwrap(),
                };
                transaction = Some((now, seen));
                assert!(seen >= now, "older than what was committed");
                let found = *memory.lock().unwrap();
                match found.filter(|_| epoch.holds(moment)) {
                    Some(found) => assert_eq!(found, seen, "the name of another state"),
                    None => epoch.note(moment, || *memory.lock().unwrap() = Some(seen)),
                }
            }
        }));
    }
    for name in 1..=2 {
        epoch.begin();
        *file.lock().unwrap() = name;
        commits.fetch_add(1, SeqCst);
        *memory.lock().unwrap() = None;
        epoch.end();
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// A reader finds in memory what is in the file as its transaction sees it, whatever others note and change meanwhile.
#[test]
fn a_name_in_memory_is_that_of_the_file() {
    in_many_orders(|| names_are_those_of_the_file(false));
}

#[test]
fn a_name_in_memory_is_that_of_a_transaction_that_goes_on() {
    in_many_orders(|| names_are_those_of_the_file(true));
}

/// No thread reads after reads were closed and waited for. No thread waits for ever, and all go on afterwards.
#[test]
fn no_read_is_under_way_when_the_log_is_begun_anew() {
    let round = || {
        let (reads, reading) = (Arc::new(reads::Reads::new(2)), Arc::new(AtomicUsize::new(0)));
        let threads: Vec<_> = (0..2)
            .map(|place| {
                let (reads, reading) = (reads.clone(), reading.clone());
                thread::spawn(move || {
                    for _ in 0..2 {
                        let under_way = reads.begin_in_time(place);
                        reading.fetch_add(1, SeqCst);
                        reading.fetch_sub(1, SeqCst);
                        drop(under_way);
                    }
                })
            })
            .collect();
        for _ in 0..2 {
            let closed = reads.close();
            if closed.wait(LONG) {
                assert_eq!(reading.load(SeqCst), 0, "somebody reads");
                thread::yield_now();
                assert_eq!(reading.load(SeqCst), 0, "somebody began to read");
            }
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    };
    in_many_orders(round);
}

/// The oldest read is asked to end first, each is asked once, and the next read in its place is another one.
#[test]
fn the_oldest_read_ends_first() {
    let round = || {
        let reads = reads::Reads::new(3);
        let [first, second] = [2, 0].map(|place| reads.begin(place).unwrap());
        let [one, other] = [first.number(), second.number()];
        let closed = reads.close();
        assert!(reads.begin(1).is_none());
        assert!(!closed.wait(Duration::ZERO));
        assert!(reads.end_oldest());
        assert!(reads.is_to_end(2, one) && !reads.is_to_end(0, other));
        drop(first);
        assert!(reads.end_oldest() && reads.is_to_end(0, other));
        assert!(!reads.end_oldest());
        drop(second);
        assert!(closed.wait(Duration::ZERO));
        drop(closed);
        let next = reads.begin(0).unwrap();
        assert!(!reads.is_to_end(0, next.number()));
    };
    check_random(round, 1);
}

/// A channel for one nudge. A wait in it may time out at any moment.
mod nudges {
    use std::sync::mpsc::{RecvError, RecvTimeoutError};
    use std::time::Duration;

    use shuttle::sync::{Arc, Condvar, Mutex};
    use shuttle::thread;

    #[derive(Clone)]
    pub(super) struct Nudges(Arc<(Mutex<State>, Condvar)>);

    #[derive(Default)]
    struct State {
        is_nudged: bool,
        is_closed: bool,
        /// A thread waits without end.
        rests: bool,
    }

    impl Nudges {
        pub(super) fn new() -> Self {
            Self(Arc::new((Mutex::new(State::default()), Condvar::new())))
        }

        pub(super) fn nudge(&self) {
            self.0.0.lock().unwrap().is_nudged = true;
            self.0.1.notify_all();
        }

        pub(super) fn close(&self) {
            self.0.0.lock().unwrap().is_closed = true;
            self.0.1.notify_all();
        }

        /// Waits until another thread waits without end, with nothing to wake it.
        pub(super) fn wait_for_rest(&self) {
            let state = self.0.0.lock().unwrap();
            drop(self.0.1.wait_while(state, |state| !state.rests || state.is_nudged).unwrap());
        }

        pub(super) fn recv(&self) -> Result<(), RecvError> {
            let mut state = self.0.0.lock().unwrap();
            state.rests = true;
            self.0.1.notify_all();
            state = self.0.1.wait_while(state, |state| !state.is_nudged && !state.is_closed).unwrap();
            state.rests = false;
            if std::mem::take(&mut state.is_nudged) { Ok(()) } else { Err(RecvError) }
        }

        pub(super) fn recv_timeout(&self, _: Duration) -> Result<(), RecvTimeoutError> {
            thread::yield_now();
            let mut state = self.0.0.lock().unwrap();
            match (std::mem::take(&mut state.is_nudged), state.is_closed) {
                (true, _) => Ok(()),
                (false, true) => Err(RecvTimeoutError::Disconnected),
                (false, false) => Err(RecvTimeoutError::Timeout),
            }
        }
    }
}

/// From this many pages on the log is long.
const LONG_LOG: i32 = 600;

/// A file with its log, as SQLite moves it, as numbers of pages.
#[derive(Default)]
struct Pages {
    log: i32,
    /// How many of them are in the file.
    moved: i32,
    /// How many of them are synced to the disk, in the file.
    synced: i32,
    /// Another program reads the file in its state before the log.
    is_read: bool,
    /// The next sync fails once, and the pages are lost.
    fails: bool,
    is_lost: bool,
}

impl Pages {
    /// SQLite syncs what it moves itself, and nothing else.
    fn move_log(&mut self) {
        if !self.is_read && self.moved < self.log {
            (self.moved, self.synced) = (self.log, self.log);
        }
    }

    /// Returns whether the log begins again.
    fn restart(&mut self) -> bool {
        if self.is_read {
            return false;
        }
        self.move_log();
        assert!(!self.is_lost && self.synced == self.log, "begun again over the only copy");
        (self.log, self.moved, self.synced) = (0, 0, 0);
        true
    }
}

/// What the writer and the mover share.
struct Shared {
    moving: Moving,
    pages: Held<Pages>,
}

impl Shared {
    fn new(pages: Pages) -> Arc<Self> {
        Arc::new(Self { moving: Moving::new(), pages: Held::new(pages) })
    }

    fn pages(&self) -> shuttle::sync::MutexGuard<'_, Pages> {
        self.pages.lock().unwrap()
    }

    /// Does what the writer does between two commits.
    fn begin_anew(&self) {
        let Some(_moving) = self.moving.hold() else { return };
        self.pages().move_log();
        let is_anew = self.pages().restart();
        if is_anew {
            self.moving.begin_anew();
        } else {
            self.moving.set_full(self.moving.pages() >= 4 * LONG_LOG);
        }
    }

    /// Commits this many pages, unless that is refused.
    fn commit(&self, pages: i32, nudges: &Nudges) {
        if self.moving.is_full() || self.moving.failed().is_some() {
            return;
        }
        let pages = {
            let mut of_file = self.pages();
            of_file.log += pages;
            of_file.log
        };
        self.moving.set_pages(pages);
        let length =
            Length { is_long: pages >= LONG_LOG, is_too_long: pages >= 2 * LONG_LOG, may_begin: true };
        if self.moving.after_commit(length, || self.begin_anew()) {
            nudges.nudge();
        }
    }
}

impl Moves for Arc<Shared> {
    fn round(&self) -> bool {
        let Some(_moving) = self.moving.hold() else { return false };
        let moved = {
            let mut pages = self.pages();
            if !pages.is_read {
                pages.moved = pages.log;
            }
            pages.moved
        };
        let mut pages = self.pages();
        if std::mem::take(&mut pages.fails) {
            pages.is_lost = true;
            self.moving.fail("the disk".to_owned());
            return false;
        }
        pages.synced = moved;
        true
    }

    fn make_room(&self) {
        let Some(_moving) = self.moving.hold() else { return };
        let is_anew = self.pages().restart();
        if is_anew {
            self.moving.begin_anew();
        }
    }
}

/// Commits this many pages each while the log is moved, then runs `last`. Returns the state when the mover rests.
fn at_rest(pages: Pages, commits: &[i32], last: impl FnOnce(&Shared, &Nudges)) -> Arc<Shared> {
    let (shared, nudges) = (Shared::new(pages), Nudges::new());
    let mover = {
        let (shared, nudges) = (shared.clone(), nudges.clone());
        thread::spawn(move || shared.moving.work(&nudges, &shared))
    };
    commits.iter().for_each(|pages| shared.commit(*pages, &nudges));
    last(&shared, &nudges);
    nudges.wait_for_rest();
    nudges.close();
    mover.join().unwrap();
    shared
}

/// When commits stop, what was committed is moved, although no nudge says so. The known length of the log is right.
#[test]
fn the_log_is_moved_when_the_store_is_quiet() {
    in_many_orders(|| {
        let many = thread_rng().gen_range(1..=5);
        let shared = at_rest(Pages::default(), &[300, 100, 300, 100, 300][..many], |_, _| ());
        let pages = shared.pages();
        assert_eq!(shared.moving.pages(), pages.log);
        assert!(pages.log <= FEW || pages.synced == pages.log, "{} of {}", pages.synced, pages.log);
    });
}

/// The log gives up only what is synced to the disk, and nothing after a failed sync.
#[test]
fn the_log_is_begun_anew_over_nothing_that_is_not_on_the_disk() {
    in_many_orders(|| {
        let pages = Pages { fails: thread_rng().gen_bool(0.5), ..Pages::default() };
        at_rest(pages, &[400, 300, 700, 1_300], |_, _| ());
    });
}

/// Another program reads until the log is full, and ends when hardly anything is written any more.
#[test]
fn a_full_log_is_begun_anew_though_nobody_writes() {
    in_many_orders(|| {
        let pages = Pages { is_read: true, ..Pages::default() };
        let shared = at_rest(pages, &[300, 2_200, 300], |shared, nudges| {
            shared.pages().is_read = false;
            (0..2).for_each(|_| shared.commit(100, nudges));
        });
        assert!(!shared.moving.is_full(), "nobody takes note");
        assert_eq!(shared.moving.pages(), shared.pages().log);
    });
}
