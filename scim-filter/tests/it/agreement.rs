//! Compares the evaluator with the naive one, on random filters and resources of a type with attributes of every kind.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use scim_core::{Lenience, Leniency, ResourceType};
use scim_filter::{CompareOp, Filter, Literal};
use serde_json::{Value, json};

use crate::naive;
use crate::support::Stored;
use crate::thing::thing;

const PATHS: [&str; 15] =
    ["id", "s", "x", "n", "d", "t", "b", "y", "r", "tags", "c.s", "c.n", "m", "m.type", "m.primary"];

/// Makes every kind of operand that has a meaning for some attribute.
fn literal() -> impl Strategy<Value = Literal<'static>> {
    let number = |text: &str| Literal::Number(serde_json::from_str(text).unwrap());
    let numbers = ["0", "-1", "1.0", "1e2", "9007199254740993", "9007199254740992.0", "0.1", "-0.0", "1e300"];
    prop_oneof![
        6 => text().prop_map(Literal::from),
        2 => moment().prop_map(Literal::from),
        1 => Just(Literal::Null),
        1 => any::<bool>().prop_map(Literal::from),
        4 => prop::sample::select(numbers.map(number).to_vec()),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[abABéÉß]{0,2}", Just("YQ".to_owned()), Just("YR==".to_owned()), Just("ｂ".to_owned())]
}

fn moment() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01T01:00:00+01:00",
        "2024-01-01T00:00:00.000Z",
        "2024-01-01T00:00:00.5Z",
        "2023-12-31T24:00:00Z",
        "-0044-03-15T12:00:00Z",
    ])
    .prop_map(str::to_owned)
}

fn filter() -> impl Strategy<Value = Filter> {
    let term = |paths: &[&'static str]| {
        let parts =
            (prop::sample::select(paths.to_vec()), any::<prop::sample::Index>(), option::of(literal()));
        parts.prop_map(|(path, op, value)| match value {
            Some(value) => Filter::compare(path, CompareOp::ALL[op.index(9)], value).unwrap(),
            None => Filter::present(path).unwrap(),
        })
    };
    let joined = |leaf: BoxedStrategy<Filter>| {
        leaf.prop_recursive(3, 12, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(left, right)| left.and(right)),
                (inner.clone(), inner.clone()).prop_map(|(left, right)| left.or(right)),
                inner.prop_map(Filter::not),
            ]
        })
    };
    let element = |path: &'static str, subs: &[&'static str]| {
        joined(term(subs).boxed()).prop_map(move |inner| inner.within(path).unwrap())
    };
    let leaf = prop_oneof![
        6 => term(&PATHS),
        2 => element("m", &["value", "type", "primary"]),
        1 => element("tags", &["value"]),
        1 => element("c", &["s", "n"]),
    ];
    joined(leaf.boxed())
}

fn resource() -> impl Strategy<Value = Value> {
    let element = (option::of(text()), option::of(text()), option::of(any::<bool>()))
        .prop_map(|(value, kind, primary)| json!({"value": value, "type": kind, "primary": primary}));
    let whole = prop::sample::select(vec![0, -1, 1, 100, 9_007_199_254_740_993_i64]);
    let decimal = prop::sample::select(vec![0.1, 1.0, 100.5, -1.0, 9_007_199_254_740_992.0, 1e300]);
    let binary = prop::sample::select(vec!["YQ==", "YQ", "YWI=", "-_-_", "+/+/"]);
    let simple = (
        option::of(text()),
        option::of(text()),
        option::of(whole.clone()),
        option::of(decimal),
        option::of(moment()),
        option::of(any::<bool>()),
        option::of(binary),
    );
    let rest = (
        "[ab]",
        option::of(text()),
        vec(text(), 0..3),
        option::of(text()),
        option::of(whole),
        vec(element, 0..3),
    );
    (simple, rest).prop_map(|((s, x, n, d, t, b, y), (id, r, tags, cs, cn, m))| {
        json!({"id": id, "s": s, "x": x, "n": n, "d": d, "t": t, "b": b, "y": y, "r": r, "tags": tags,
            "c": {"s": cs, "n": cn}, "m": m})
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn filt_005_the_evaluator_agrees_with_a_naive_one(filter in filter(), resources in vec(resource(), 1..8)) {
        let thing: Arc<ResourceType> = thing();
        if let Ok(bound) = filter.bind(&thing, &mut Lenience::new(Leniency::INTEROP)) {
            for resource in resources {
                let stored = Stored::new(&thing, resource);
                let mut resource = Value::Object(stored.resource.as_map().clone());
                resource["id"] = stored.id.as_str().into();
                let expected = naive::matches(&filter, &thing, &Leniency::INTEROP, &resource);
                let matches = bound.matches(&stored.entry());
                prop_assert_eq!(Some(matches), expected, "{} {}", filter, resource);
            }
        }
    }
}
