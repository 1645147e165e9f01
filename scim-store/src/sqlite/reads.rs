//! Lists the reads under way, because the log can begin again only if there is none.

use std::time::{Duration, Instant};

use super::sync::{AtomicBool, AtomicU64, Condvar, Mutex, MutexGuard, Ordering, PoisonError};

/// The reads of one store. Each connection that reads has a place of its own, with one read at a time.
#[derive(Debug)]
pub(super) struct Reads {
    places: Vec<Place>,
    /// The number of the newest read.
    last: AtomicU64,
    /// Whether no read may begin.
    closed: AtomicBool,
    changes: Mutex<()>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Place {
    /// The number of the read; 0 if there is none.
    number: AtomicU64,
    /// The number of a read that should end.
    to_end: AtomicU64,
}

impl Reads {
    pub(super) fn new(places: usize) -> Self {
        Self {
            places: (0..places).map(|_| Place::default()).collect(),
            last: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            changes: Mutex::new(()),
            changed: Condvar::new(),
        }
    }

    /// Begins a read in this place, unless no read may begin.
    pub(super) fn begin(&self, place: usize) -> Option<UnderWay<'_>> {
        if self.closed.load(Ordering::SeqCst) {
            return None;
        }
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(place) = self.places.get(place) {
            place.number.store(number, Ordering::SeqCst);
        }
        let under_way = UnderWay { reads: self, place, number };
        // `close` sets the flag before the places are read, so one of the two sees the other.
        (!self.closed.load(Ordering::SeqCst)).then_some(under_way)
    }

    /// Begins a read in this place as soon as reads may begin.
    pub(super) fn begin_in_time(&self, place: usize) -> UnderWay<'_> {
        loop {
            if let Some(under_way) = self.begin(place) {
                return under_way;
            }
            let mut changes = self.changes();
            while self.closed.load(Ordering::SeqCst) {
                changes = self.changed.wait(changes).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Returns whether the read of this number was asked to end.
    pub(super) fn is_to_end(&self, place: usize, number: u64) -> bool {
        self.places.get(place).is_some_and(|place| place.to_end.load(Ordering::Relaxed) == number)
    }

    /// Keeps reads from beginning until the returned guard is dropped. One caller at a time.
    pub(super) fn close(&self) -> Closed<'_> {
        self.closed.store(true, Ordering::SeqCst);
        Closed { reads: self }
    }

    /// Asks the oldest read that was not asked yet to end. Returns whether there was one.
    pub(super) fn end_oldest(&self) -> bool {
        let not_asked = |(place, number): &(&Place, u64)| place.to_end.load(Ordering::Relaxed) != *number;
        let oldest = self.numbers().filter(not_asked).min_by_key(|(_, number)| *number);
        if let Some((place, number)) = oldest {
            place.to_end.store(number, Ordering::Relaxed);
        }
        oldest.is_some()
    }

    fn numbers(&self) -> impl Iterator<Item = (&Place, u64)> {
        let places = self.places.iter();
        places.map(|place| (place, place.number.load(Ordering::SeqCst))).filter(|(_, number)| *number > 0)
    }

    fn changes(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        // After this, no thread is between checking and waiting.
        drop(self.changes());
        self.changed.notify_all();
    }
}

/// A read under way, until it is dropped.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    reads: &'a Reads,
    place: usize,
    number: u64,
}

impl UnderWay<'_> {
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.reads.places.get(self.place) {
            place.number.store(0, Ordering::SeqCst);
        }
        if self.reads.closed.load(Ordering::SeqCst) {
            self.reads.tell();
        }
    }
}

/// No read begins while this exists.
#[derive(Debug)]
pub(super) struct Closed<'a> {
    reads: &'a Reads,
}

impl Closed<'_> {
    /// Waits, at most this long, until no read is under way. Returns whether there is none.
    pub(super) fn wait(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut changes = self.reads.changes();
        loop {
            if self.reads.numbers().next().is_none() {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.reads.changed.wait_timeout(changes, left);
            changes = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.reads.closed.store(false, Ordering::SeqCst);
        self.reads.tell();
    }
}
