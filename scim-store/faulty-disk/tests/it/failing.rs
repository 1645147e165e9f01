//! Each read, write, sync and truncation fails once, and the power is cut at any moment.

use scim_faulty_disk::{Kind, Plan};
use scim_store::Durability;

use super::points::{each, look, wanted};
use super::run::{Outcome, Run, run};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Returns the ways in which a call can fail.
fn ways(kind: Kind) -> Vec<Plan> {
    let plan = |errno, for_good, torn| Plan { kind, nth: 0, errno, for_good, torn };
    match kind {
        Kind::Read => vec![plan(EIO, false, false)],
        Kind::Write => vec![plan(EIO, false, false), plan(EIO, true, true), plan(ENOSPC, false, true)],
        Kind::Sync => vec![plan(EIO, false, false), plan(EIO, true, false), plan(ENOSPC, false, false)],
        Kind::Truncate => vec![plan(EIO, false, false)],
    }
}

/// Returns slightly more calls than one run has, because runs differ.
fn calls(durability: Durability, kind: Kind, with_reader: bool) -> u64 {
    let nothing = Plan { kind, nth: u64::MAX, errno: EIO, for_good: false, torn: false };
    let run = run(durability, Some(nothing), with_reader);
    let kept = run.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Kept).count();
    assert!(run.opened && kept > 18, "{with_reader}: {:?}", run.attempts);
    run.disk.count(kind) * 21 / 20
}

#[test]
fn whatever_fails_and_whenever_power_is_cut_what_was_answered_is_there() {
    fail(Durability::Full, wanted());
}

/// With `Normal`, a power cut may lose the last batches that were answered. No batch is partly there, none is missing
/// before one that is there, and the file opens. That is not taken for a deleted log.
#[test]
fn with_less_durability_what_a_power_cut_leaves_is_what_was_answered_first() {
    fail(Durability::Normal, wanted() / 4);
}

/// Checks `wanted` points.
fn fail(durability: Durability, wanted: usize) {
    let mut plans = Vec::new();
    for with_reader in [false, true] {
        for kind in Kind::ALL {
            for nth in 1..=calls(durability, kind, with_reader) {
                plans.extend(ways(kind).into_iter().map(|way| (Plan { nth, ..way }, with_reader)));
            }
        }
    }
    // Half of the points follow failures, at least 2 after each. With few points, only some calls fail.
    fastrand::Rng::with_seed(7).shuffle(&mut plans);
    plans.truncate(wanted / 3);
    let images = (wanted / 2).div_ceil(plans.len()).max(2);
    let begun = std::time::Instant::now();
    let failed = each(&plans, |number, (plan, with_reader)| {
        let run = run(durability, Some(*plan), *with_reader);
        let what = (plan, with_reader);
        judge(&run, plan);
        let end = run.disk.now();
        look(&run, end, None, &what);
        for image in 1..images {
            let seed = (number * images + image) as u64;
            // Most images are of the end of the run, the others of any moment.
            let moment = if image % 3 == 0 { moment(seed, end) } else { end };
            look(&run, moment, Some(seed), &what);
        }
        images
    });
    println!("{} plans, {failed} points in {:?}", plans.len(), begun.elapsed());

    let runs: Vec<usize> = (0..wanted.saturating_sub(failed).div_ceil(PER_RUN)).collect();
    let cut = each(&runs, |number, _| {
        let run = run(durability, None, number % 2 == 1);
        let end = run.disk.now();
        for image in 0..PER_RUN {
            let seed = (number * PER_RUN + image) as u64;
            let after = if image % 10 == 0 { None } else { Some(seed) };
            look(&run, moment(seed, end), after, &"nothing failed");
        }
        PER_RUN
    });
    println!("{} points after power cuts alone, {:?} in all", cut, begun.elapsed());
}

/// How often the power is cut in one run.
const PER_RUN: usize = 50;

/// Returns any moment up to the end.
fn moment(seed: u64, end: usize) -> usize {
    (seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % (end + 1)
}

/// Checks that the store handled the failure as it has to.
fn judge(run: &Run, plan: &Plan) {
    let unknown = run.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Unknown).count();
    // A read may be tried again, and there may be room later.
    if plan.kind == Kind::Read || (plan.kind == Kind::Write && plan.errno == ENOSPC) {
        assert_eq!(unknown, 0, "{plan:?} is not final: {:?}", run.attempts);
    }
    if unknown > 0 {
        assert!(run.has_log, "{plan:?}: the log, which may have the only copy, is gone");
    }
}
