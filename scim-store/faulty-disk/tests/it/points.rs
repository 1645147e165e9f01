//! How many points are checked, and on how many threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::run::{Run, folder};
use super::verify;

/// Returns how many power cuts and restarts are checked: far fewer in a debug build, which is slow.
pub(crate) fn wanted() -> usize {
    let usual = if cfg!(debug_assertions) { 1_500 } else { 20_000 };
    std::env::var("FAULT_POINTS").ok().map_or(usual, |text| text.parse().unwrap())
}

/// Processes all items on a few threads. Each call returns how many points it checked; returns the sum.
pub(crate) fn each<T: Sync>(work: &[T], of: impl Fn(usize, &T) -> usize + Sync) -> usize {
    let (next, points) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = work.get(number) else { return };
                    points.fetch_add(of(number, item), Ordering::Relaxed);
                }
            });
        }
    });
    points.into_inner()
}

/// Opens and checks what is left after a power cut at a moment. Without a seed, the process ended instead.
pub(crate) fn look(run: &Run, moment: usize, seed: Option<u64>, what: &dyn std::fmt::Debug) {
    let folder = folder();
    run.disk.image(moment, seed, folder.path()).unwrap();
    if let Err(wrong) = verify::check(folder.path(), &run.at(moment, seed.is_some())) {
        panic!("{what:?}, cut after {moment} of {} changes with {seed:?}: {wrong}", run.disk.now());
    }
}
