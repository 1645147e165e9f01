//! Ratios of 2 competitors that take turns, so that a busy machine slows both, and the table of ratios.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::Criterion;

/// Makes a `Criterion` with short runs, because its figures only accompany the ratios.
pub fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args()
}

const ROUND: Duration = Duration::from_micros(200);

/// Measures the median ratio over many rounds.
///
/// A round is so long that each competitor warms the caches and the heap for itself, and so short that a disturbance
/// spoils only one round.
pub fn ratio<A, B>(ours: impl FnMut() -> A, theirs: impl FnMut() -> B) -> f64 {
    ratio_of(300, ours, theirs)
}

/// Measures the median ratio over this many rounds.
pub fn ratio_of<A, B>(rounds: usize, mut ours: impl FnMut() -> A, mut theirs: impl FnMut() -> B) -> f64 {
    let (ours_often, theirs_often) = (how_often(&mut ours), how_often(&mut theirs));
    median((0..rounds).map(|_| seconds(&mut ours, ours_often) / seconds(&mut theirs, theirs_often)).collect())
}

/// Measures the median time over rounds of half a second in total, but at least 5 and at most 300 rounds.
pub fn time(mut work: impl FnMut() -> bool) -> Duration {
    let often = how_often(&mut work);
    let one = f64::from(often) * seconds(&mut work, often);
    let rounds = (0.5 / one).clamp(5.0, 300.0) as usize;
    Duration::from_secs_f64(median((0..rounds).map(|_| seconds(&mut work, often)).collect()))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn how_often<T>(work: &mut impl FnMut() -> T) -> u32 {
    // Work that takes much longer than a round is not measured again.
    if seconds(work, 1).max(seconds(work, 1)) > 10.0 * ROUND.as_secs_f64() {
        return 1;
    }
    // The fastest of several is used, because the first ones find cold caches.
    let one = (0..20).map(|_| seconds(work, 20)).fold(f64::INFINITY, f64::min);
    (ROUND.as_secs_f64() / one).ceil() as u32
}

/// Returns the average time of one call.
fn seconds<T>(work: &mut impl FnMut() -> T, often: u32) -> f64 {
    let started = Instant::now();
    for _ in 0..often {
        black_box(work());
    }
    started.elapsed().as_secs_f64() / f64::from(often)
}

/// The ratios of a run, and how many of them do not hold.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<String>,
    broken: usize,
}

impl Table {
    /// Adds a ratio of our time to a peer's, which is `None` if the peer rejects the work, and its limit.
    pub fn add(&mut self, what: &str, peer: &str, ratio: Option<f64>, most: Option<f64>) {
        let ratio_text = ratio.map_or("rejected".to_owned(), |ratio| format!("{ratio:.3}"));
        let most_text = most.map_or("–".to_owned(), |most| format!("{most:.2}"));
        // A ratio with a limit must have been measured.
        let holds = most.is_none_or(|most| ratio.is_some_and(|ratio| ratio <= most));
        self.broken += usize::from(!holds);
        let verdict = if holds { "" } else { "does not hold" };
        self.rows.push(format!("{what:24} {peer:24} {ratio_text:>9} {most_text:>8}  {verdict}"));
    }

    /// Prints the table. It returns a failure if a ratio does not hold.
    pub fn print(&self) -> ExitCode {
        println!("{:24} {:24} {:>9} {:>8}", "", "ours to", "ratio", "at most");
        self.rows.iter().for_each(|row| println!("{row}"));
        match self.broken {
            0 => ExitCode::SUCCESS,
            broken => {
                eprintln!("{broken} ratios do not hold");
                ExitCode::FAILURE
            }
        }
    }
}
