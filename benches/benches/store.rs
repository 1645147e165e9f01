//! Adds one member, and finds one user by name, in stores of 1,000 and 100,000 people.
//!
//! Neither time may grow with the size of the store. `synchronous=OFF` is measured too, so that the disk hides nothing.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use scim_benches::{Filled, name, now};
use scim_core::{Lenience, Reference};
use scim_filter::Filter;
use scim_patch::{RelationEdit, RelationStep};
use scim_server_traits::{Batch, Query, Store, Update};
use scim_store::Durability;
use tokio::runtime::{Builder, Runtime};

const SIZES: [usize; 2] = [1_000, 100_000];

fn stores(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    for (label, durability) in [("off", Durability::Off), ("full", Durability::Full)] {
        let filled: Vec<Filled> =
            SIZES.iter().map(|people| runtime.block_on(Filled::new(*people, durability))).collect();
        let mut group = c.benchmark_group(format!("add_member/{label}"));
        for store in &filled {
            group.bench_with_input(BenchmarkId::from_parameter(store.people), store, |bencher, store| {
                bencher.iter_custom(|times| add_member(&runtime, store, times));
            });
        }
        group.finish();
        if durability == Durability::Off {
            let mut group = c.benchmark_group("user_name_eq");
            for store in &filled {
                group.bench_with_input(BenchmarkId::from_parameter(store.people), store, |bencher, store| {
                    let mut number = 0;
                    bencher.iter(|| {
                        number = (number + 7_919) % store.people;
                        find(&runtime, store, number);
                    });
                });
            }
            group.finish();
        }
    }
}

/// Adds the outsider to the group and removes them again. Only adding is timed.
fn add_member(runtime: &Runtime, filled: &Filled, times: u64) -> Duration {
    let step = |step: RelationStep| {
        let update = Update::new(Arc::clone(&filled.groups), Filled::GROUP)
            .with_relations(vec![RelationEdit::new("members", step)]);
        filled.store.commit(&filled.context, Batch::new(now()).update(update))
    };
    let mut elapsed = Duration::ZERO;
    for _ in 0..times {
        let add = RelationStep::Add(vec![Reference::new(Filled::OUTSIDER)]);
        let started = Instant::now();
        let written = runtime.block_on(step(add)).expect("added");
        elapsed += started.elapsed();
        assert!(written[0].changed);
        runtime.block_on(step(RelationStep::Remove(vec![Filled::OUTSIDER.to_owned()]))).expect("removed");
    }
    elapsed
}

fn find(runtime: &Runtime, filled: &Filled, number: usize) {
    let filter = Filter::eq("userName", name(number).as_str()).expect("a filter");
    let filter = filter.bind(&filled.users, &mut Lenience::strict()).expect("bound");
    let query = Query::new(Arc::clone(&filled.users)).with_filter(filter);
    let page = runtime.block_on(filled.store.query(&filled.context, query)).expect("a page");
    assert_eq!(black_box(page).total, 1);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(5));
    targets = stores
}
criterion_main!(benches);
