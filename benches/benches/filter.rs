//! Parses, binds and evaluates filters, without any other crate. A run takes a minute.
//!
//! `benches/peers` compares these filters with other crates.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use scim_benches::user;
use scim_core::{Lenience, ResourceType};
use scim_filter::{BoundFilter, Entry, Filter};
use serde_json::Value;

/// What is parsed and bound, and what is evaluated on the user of about 1 kB.
const SHAPES: [&str; 5] = ["simple", "complex", "or50", "urn", "nest50"];
const EVALUATED: [(&str, bool); 3] =
    [("eval_simple", true), ("eval_value_path", true), ("eval_three_way", false)];

fn parse(text: &str) -> Filter {
    text.parse().expect("a filter")
}

fn bind(filter: &Filter) -> BoundFilter {
    filter.bind(&ResourceType::user(), &mut Lenience::strict()).expect("a filter for users")
}

fn filters(criterion: &mut Criterion) {
    let filters: Value = serde_json::from_str(include_str!("../data/filters.json")).expect("JSON");
    let text = |name: &str| filters[name].as_str().expect("a filter of that name");
    for shape in SHAPES {
        let text = text(shape);
        criterion
            .bench_function(&format!("parse/{shape}"), |bencher| bencher.iter(|| parse(black_box(text))));
    }
    for shape in SHAPES {
        let filter = parse(text(shape));
        criterion
            .bench_function(&format!("bind/{shape}"), |bencher| bencher.iter(|| bind(black_box(&filter))));
    }
    let user = user::ingest(user::BODY).resource;
    let entry = Entry::new("User", "2819c223-7f76-453a-919d-413861904646", &user);
    for (shape, holds) in EVALUATED {
        let bound = bind(&parse(text(shape)));
        assert_eq!(bound.matches(&entry), holds, "{shape}");
        criterion.bench_function(&format!("evaluate/{shape}"), |bencher| {
            bencher.iter(|| bound.matches(black_box(&entry)));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = filters
}
criterion_main!(benches);
