//! Parses and evaluates filters, compared with other crates that can do so.
//!
//! After criterion's figures, each ratio is measured. The 2 competitors take turns, so that a busy machine slows both.
//! The run fails if a ratio does not hold. The benchmark `allocations` counts allocations.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

use std::hint::black_box;
use std::process::ExitCode;

use criterion::Criterion;
use scim_core::{Lenience, Resource, ResourceType};
use scim_filter::{BoundFilter, Entry, Filter};
use scim_peers::measure::{self, Table, ratio};
use scim_peers::{EVALUATED, PEERS, Parse, SHAPES, USER, filter, ours, serde_json_words, words};
use serde_json::Value;

/// How much of a peer's time our parser may take, by shape. It is `None` if the peer rejects the shape, or if nothing
/// is promised.
const MOST: [(&str, [Option<f64>; SHAPES.len()]); 3] = [
    ("scim_proto", [Some(0.30), Some(0.20), Some(0.10), None, Some(0.15)]),
    ("rustauth-scim", [Some(0.30), None, Some(0.10), Some(0.30), Some(0.25)]),
    ("serde_json words", [Some(0.45), Some(0.35), None, Some(0.45), None]),
];
const MOST_EVALUATION: f64 = 0.2;

fn main() -> ExitCode {
    let mut criterion = measure::criterion();
    let mut table = Table::default();
    parsing(&mut criterion, &mut table);
    evaluating(&mut criterion, &mut table);
    criterion.final_summary();
    table.print()
}

fn parsing(criterion: &mut Criterion, table: &mut Table) {
    for (column, shape) in SHAPES.into_iter().enumerate() {
        let text = filter(shape);
        let words = words(text);
        assert!(ours(text), "{shape}");
        criterion.bench_function(&format!("{shape}/ours"), |b| b.iter(|| ours(black_box(text))));
        let mut against = |peer: &str, theirs: Parse, text_of_theirs: &str| {
            if theirs(text_of_theirs) {
                criterion.bench_function(&format!("{shape}/{peer}"), |b| {
                    b.iter(|| theirs(black_box(text_of_theirs)))
                });
                let ratio = ratio(|| ours(black_box(text)), || theirs(black_box(text_of_theirs)));
                let most = MOST.iter().find(|(name, _)| *name == peer).and_then(|(_, most)| most[column]);
                table.add(shape, peer, Some(ratio), most);
            } else {
                table.add(shape, peer, None, None);
            }
        };
        for (peer, theirs) in PEERS {
            against(peer, theirs, text);
        }
        against("serde_json words", serde_json_words, &words);
    }
}

fn evaluating(criterion: &mut Criterion, table: &mut Table) {
    let user: Value = serde_json::from_str(USER).expect("JSON");
    let resource = Resource::from_canonical(user.as_object().expect("an object").clone());
    let entry = Entry::new("User", "2819c223-7f76-453a-919d-413861904646", &resource);
    for shape in EVALUATED {
        let bound = bind(filter(shape));
        let (_, peer) = peer_scim_filter::parser::filter(filter(shape)).expect("a filter");
        assert_eq!(Some(bound.matches(&entry)), peer.r#match(&user).ok(), "{shape}");
        let ours = || bound.matches(black_box(&entry));
        let theirs = || peer.r#match(black_box(&user)).is_ok_and(|holds| holds);
        criterion.bench_function(&format!("{shape}/ours"), |b| b.iter(ours));
        criterion.bench_function(&format!("{shape}/scim-filter 0.2"), |b| b.iter(theirs));
        table.add(shape, "scim-filter 0.2", Some(ratio(ours, theirs)), Some(MOST_EVALUATION));
    }
}

fn bind(text: &str) -> BoundFilter {
    let filter: Filter = text.parse().expect("a filter");
    filter.bind(&ResourceType::user(), &mut Lenience::strict()).expect("a filter for users")
}
