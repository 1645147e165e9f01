//! What threads hand over, in thousands of the orders in which they can run: the files of the store are compiled anew
//! with locks and numbers that try these, drawn at random.
//!
//! Every order is one of whole steps, each seen by all at once. What a processor may do to weaker orderings than
//! `SeqCst` does not show, and no wait runs out of time: whoever is not woken fails the test as a deadlock.

use shuttle::sync::{Arc, Mutex as Held};
use shuttle::{check_pct, check_random, thread};

#[path = "../../src/sqlite/epoch.rs"]
mod epoch;

mod sync {
    pub(super) use shuttle::sync::RwLock;
    pub(super) use shuttle::sync::atomic::{AtomicU64, Ordering};
    pub(super) use std::sync::PoisonError;
}

/// Runs this in so many orders in which each step is anybody's, and in as many in which threads are seldom interrupted,
/// but for long.
fn in_many_orders(round: impl Fn() + Copy + Send + Sync + 'static) {
    const ORDERS: usize = 2_000;
    check_random(round, ORDERS);
    check_pct(round, ORDERS, 3);
}

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
