//! Ratios of two competitors in turn, so that a busy machine slows both, and the table of them.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::Criterion;

/// Criterion with what these benchmarks take: short runs, for its figures are beside the ratios.
pub fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args()
}

const ROUND: Duration = Duration::from_micros(200);

/// The median over many rounds. A round is long enough for both to find the caches and the heap as they leave
/// them, and short enough for a disturbance to spoil one round only.
pub fn ratio<A, B>(ours: impl FnMut() -> A, theirs: impl FnMut() -> B) -> f64 {
    ratio_of(300, ours, theirs)
}

/// The median over so many rounds.
pub fn ratio_of<A, B>(rounds: usize, mut ours: impl FnMut() -> A, mut theirs: impl FnMut() -> B) -> f64 {
    let (ours_often, theirs_often) = (how_often(&mut ours), how_often(&mut theirs));
    median((0..rounds).map(|_| seconds(&mut ours, ours_often) / seconds(&mut theirs, theirs_often)).collect())
}

/// How long it takes, the median over rounds that take half a second together or are five.
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
    // What takes longer than a round by itself is not tried out any further.
    if seconds(work, 1).max(seconds(work, 1)) > 10.0 * ROUND.as_secs_f64() {
        return 1;
    }
    // The fastest of some, for the first ones find everything cold.
    let one = (0..20).map(|_| seconds(work, 20)).fold(f64::INFINITY, f64::min);
    (ROUND.as_secs_f64() / one).ceil() as u32
}

/// How long it takes once, on average.
fn seconds<T>(work: &mut impl FnMut() -> T, often: u32) -> f64 {
    let started = Instant::now();
    for _ in 0..often {
        black_box(work());
    }
    started.elapsed().as_secs_f64() / f64::from(often)
}

/// The ratios of a run, and how many do not hold.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<String>,
    broken: usize,
}

impl Table {
    /// Notes what ours takes of a peer's time, `None` where the peer rejects the work, and the most it may take.
    pub fn add(&mut self, what: &str, peer: &str, ratio: Option<f64>, most: Option<f64>) {
        let ratio_text = ratio.map_or("rejected".to_owned(), |ratio| format!("{ratio:.3}"));
        let most_text = most.map_or("–".to_owned(), |most| format!("{most:.2}"));
        // What a limit was set for must be there to be compared with.
        let holds = most.is_none_or(|most| ratio.is_some_and(|ratio| ratio <= most));
        self.broken += usize::from(!holds);
        let verdict = if holds { "" } else { "does not hold" };
        self.rows.push(format!("{what:24} {peer:24} {ratio_text:>9} {most_text:>8}  {verdict}"));
    }

    /// Prints them; fails when one does not hold.
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
