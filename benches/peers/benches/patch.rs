//! PATCH requests, compared with copying the resource, and with the crate that can carry some of them out.
//!
//! After criterion's figures, each ratio is measured. The 2 competitors take turns, so that a busy machine slows both.
//! The run fails if a ratio does not hold. The benchmark `allocations` counts allocations.

#![allow(missing_docs, reason = "a benchmark")]

use std::hint::black_box;
use std::process::ExitCode;

use criterion::Criterion;
use scim_peers::measure::{self, Table, ratio, ratio_of, time};
use scim_peers::patch::{OurStore, OurUser, SIZES, TheirStore, TheirUser, group, user};

const REPLACE: &str = "replace displayName";
const MEMBER: &str = "1 of 1,000 members";
const MOST_REPLACE: f64 = 1.0 / 3.0;
const MOST_MEMBER: f64 = 0.1;
/// How much more one member of the largest group may cost than one of the smallest. The indexes of 1,000 times as many
/// users have a few more levels, and do not fit into the caches.
const MOST_GROWTH: f64 = 2.0;

fn main() -> ExitCode {
    let mut criterion = measure::criterion();
    let mut table = Table::default();
    replacing(&mut criterion, &mut table);
    one_member(&mut criterion, &mut table);
    criterion.final_summary();
    growth(&mut table);
    table.print()
}

fn replacing(criterion: &mut Criterion, table: &mut Table) {
    let (mut ours, mut theirs) = (OurUser::new(), TheirUser::new());
    let (mut our_store, mut their_store) = (OurStore::user(), TheirStore::user());
    let user = user();
    assert!(ours.apply() && ours.request() && theirs.apply());
    assert!(our_store.request() && their_store.request());
    let mut bench = |name: &str, work: &mut dyn FnMut() -> bool| {
        criterion.bench_function(&format!("replace/{name}"), |b| b.iter(&mut *work));
    };
    bench("clone", &mut || black_box(black_box(&user).clone()).is_object());
    bench("apply", &mut || ours.apply());
    bench("parse, compile, apply", &mut || ours.request());
    bench("parse, compile, get, apply, commit", &mut || our_store.request());
    bench("scim-server, operation", &mut || theirs.apply());
    bench("scim-server, request", &mut || their_store.request());

    let clone = || black_box(&user).clone();
    table.add(REPLACE, "clone", Some(ratio(|| ours.apply(), clone)), Some(MOST_REPLACE));
    table.add("  from the body", "clone", Some(ratio(|| ours.request(), clone)), None);
    table.add(REPLACE, "scim-server's operation", Some(ratio(|| ours.apply(), || theirs.apply())), None);
    let stored = ratio(|| our_store.request(), || their_store.request());
    table.add("  from the body, stored", "scim-server", Some(stored), None);
}

fn one_member(criterion: &mut Criterion, table: &mut Table) {
    let (mut ours, mut theirs) = (OurStore::group(1_000), TheirStore::group(1_000));
    let group = group(1_000);
    assert!(ours.apply() && ours.apply() && ours.request() && ours.request() && theirs.request());
    let mut bench = |name: &str, work: &mut dyn FnMut() -> bool| {
        criterion.bench_function(&format!("one_member/{name}"), |b| b.iter(&mut *work));
    };
    bench("clone", &mut || black_box(black_box(&group).clone()).is_object());
    bench("commit", &mut || ours.apply());
    bench("parse, compile, commit", &mut || ours.request());
    bench("scim-server, request", &mut || theirs.request());

    let clone = || black_box(&group).clone();
    table.add(MEMBER, "clone", Some(ratio(|| ours.apply(), clone)), Some(MOST_MEMBER));
    table.add("  from the body", "clone", Some(ratio(|| ours.request(), clone)), Some(MOST_MEMBER));
    let request = ratio_of(100, || ours.request(), || theirs.request());
    table.add("  from the body", "scim-server", Some(request), Some(MOST_MEMBER));
}

/// Measures one member from the body to the store, by the size of the group.
fn growth(table: &mut Table) {
    println!("{:>10} {:>12} {:>12} {:>12}", "members", "ours", "clone", "scim-server");
    let mut rows = Vec::new();
    for size in SIZES {
        let (mut ours, mut theirs) = (OurStore::group(size), TheirStore::group(size));
        let group = group(size);
        let row = [
            time(|| ours.request()),
            time(|| black_box(group.clone()).is_object()),
            time(|| theirs.request()),
        ]
        .map(|time| time.as_secs_f64() * 1e6);
        println!("{size:10} {:9.1} µs {:9.1} µs {:9.1} µs", row[0], row[1], row[2]);
        rows.push((size, row));
    }
    draw(&rows);
    let (mut small, mut large) = (OurStore::group(SIZES[0]), OurStore::group(SIZES[SIZES.len() - 1]));
    let growth = ratio(|| large.request(), || small.request());
    table.add("1 of 100,000 members", "1 of 100, ours", Some(growth), Some(MOST_GROWTH));
}

/// Draws the times as a picture with 2 rows for each power of 10.
fn draw(rows: &[(usize, [f64; 3])]) {
    let height = |micros: f64| (micros.log10() * 2.0).round() as i32;
    let heights = || rows.iter().flat_map(|(_, times)| times.map(height));
    let (lowest, highest) = (heights().min().unwrap_or(0), heights().max().unwrap_or(0));
    for at in (lowest.min(0)..=highest).rev() {
        let label = if at % 2 == 0 { format!("{} µs", 10_f64.powi(at / 2)) } else { String::new() };
        let marks = rows.iter().map(|(_, times)| {
            let marks: String = times
                .iter()
                .zip("ocs".chars())
                .filter(|(time, _)| height(**time) == at)
                .map(|(_, c)| c)
                .collect();
            format!("{marks:^10}")
        });
        println!("{label:>12} |{}", marks.collect::<String>().trim_end());
    }
    let sizes: String = rows.iter().map(|(size, _)| format!("{size:^10}")).collect();
    println!("{:>12} +{}\n{:>12}  {}", "", "-".repeat(10 * rows.len()), "members", sizes.trim_end());
    println!("o ours, c serde_json::Value::clone of the group, s scim-server");
}
