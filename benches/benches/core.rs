//! Reads and writes one user of about 1 kB, compared with work that cannot be avoided.
//!
//! That work is parsing the user's bytes into a JSON value, and serialising the whole resource.
//!
//! After the figures, the 2 ratios that must hold are measured. The competitors take turns, so that a busy machine
//! slows both. The run fails if a ratio does not hold. The benchmark `allocations` counts allocations.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use scim_benches::user::{self, Rendering};
use serde_json::Value;

const MOST_INGEST: f64 = 1.8;
const MOST_THREE_ATTRIBUTES: f64 = 0.5;

fn main() {
    let mut criterion = Criterion::default().measurement_time(Duration::from_secs(3)).configure_from_args();
    let rendering = Rendering::new();
    criterion.bench_function("core/from_slice", |bencher| bencher.iter(from_slice));
    criterion.bench_function("core/ingest", |bencher| bencher.iter(ingest));
    criterion.bench_function("core/whole", |bencher| bencher.iter(|| rendering.whole()));
    criterion
        .bench_function("core/three_attributes", |bencher| bencher.iter(|| rendering.three_attributes()));
    criterion.final_summary();
    let ingest_holds = hold("ingest / from_slice::<Value>", ingest, from_slice, MOST_INGEST);
    let projection_holds = hold(
        "three attributes / whole",
        || rendering.three_attributes(),
        || rendering.whole(),
        MOST_THREE_ATTRIBUTES,
    );
    assert!(ingest_holds && projection_holds, "a ratio does not hold");
}

fn from_slice() -> Value {
    serde_json::from_slice(black_box(user::BODY)).expect("JSON")
}

fn ingest() -> scim_core::Ingested {
    user::ingest(black_box(user::BODY))
}

/// Measures the median ratio over many rounds, and returns whether it holds.
///
/// A round is so long that each competitor warms the caches and the heap for itself, and so short that a disturbance
/// spoils only one round.
fn hold<A, B>(what: &str, ours: impl Fn() -> A, theirs: impl Fn() -> B, most: f64) -> bool {
    let mut ratios: Vec<f64> =
        (0..200).map(|_| time(&ours).as_secs_f64() / time(&theirs).as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    println!("{what}: {ratio:.2} (at most {most})");
    ratio <= most
}

fn time<T>(work: &impl Fn() -> T) -> Duration {
    let started = Instant::now();
    for _ in 0..2_000 {
        black_box(work());
    }
    started.elapsed()
}
