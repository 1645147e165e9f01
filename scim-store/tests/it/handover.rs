//! What threads hand over, in thousands of the orders in which they can run: the files of the store are compiled anew
//! with locks and numbers that try these, drawn at random.
//!
//! Every order is one of whole steps, each seen by all at once. What a processor may do to weaker orderings than
//! `SeqCst` does not show, and no wait runs out of time: whoever is not woken fails the test as a deadlock.

use std::time::Duration;

use shuttle::sync::atomic::AtomicUsize;
use shuttle::sync::{Arc, Mutex as Held};
use shuttle::{check_pct, check_random, thread};

use sync::Ordering::SeqCst;

#[path = "../../src/sqlite/epoch.rs"]
mod epoch;
#[path = "../../src/sqlite/reads.rs"]
mod reads;

mod sync {
    pub(super) use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    pub(super) use shuttle::sync::{Condvar, Mutex, MutexGuard, RwLock};
    pub(super) use std::sync::PoisonError;
}

/// Runs this in so many orders in which each step is anybody's, and in as many in which threads are seldom interrupted,
/// but for long.
fn in_many_orders(round: impl Fn() + Copy + Send + Sync + 'static) {
    const ORDERS: usize = 2_000;
    check_random(round, ORDERS);
    check_pct(round, ORDERS, 3);
}

const LONG: Duration = Duration::from_secs(3_600);

/// A reader finds in memory what is in the file that its transaction sees, whatever others note and change meanwhile.
#[test]
fn a_name_in_memory_is_that_of_the_file() {
    let round = || {
        let epoch = Arc::new(epoch::Epoch::new());
        let (file, memory) = (Arc::new(Held::new(0)), Arc::new(Held::new(None)));
        let mut threads = Vec::new();
        for _ in 0..2 {
            let (epoch, file, memory) = (epoch.clone(), file.clone(), memory.clone());
            threads.push(thread::spawn(move || {
                for _ in 0..2 {
                    let moment = epoch.now();
                    // What a transaction sees is settled when it first looks.
                    let seen = *file.lock().unwrap();
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
            *memory.lock().unwrap() = None;
            epoch.end();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    };
    in_many_orders(round);
}

/// Nobody reads while reads are closed and were waited for, nobody waits for ever, and all go on afterwards.
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

/// The oldest is asked to end first, each is asked once, and the next read in its place is another one.
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
