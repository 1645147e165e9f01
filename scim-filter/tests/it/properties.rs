use std::collections::BTreeSet;

use proptest::prelude::*;
use scim_core::{AttrRef, Lenience, Leniency, Relation, ResourceType, ResourceTypeDocument, Schema, urn};
use scim_filter::{CompareOp, Filter, Literal, Narrow, Path, index_key};
use serde_json::{Value, json};

use crate::support::Stored;

const PATHS: [&str; 9] = [
    "userName",
    "externalId",
    "title",
    "id",
    "emails",
    "emails.value",
    "emails.type",
    "name.familyName",
    "groups",
];

fn literal() -> impl Strategy<Value = Literal<'static>> {
    prop_oneof![
        4 => "[abAB\"\\\\é]{0,2}".prop_map(Literal::from),
        1 => Just(Literal::Null),
        1 => any::<bool>().prop_map(Literal::from),
        1 => any::<i64>().prop_map(Literal::from),
        1 => any::<f64>().prop_filter_map("finite", |float| serde_json::Number::from_f64(float).map(Literal::from)),
    ]
}

fn text_literal() -> impl Strategy<Value = Literal<'static>> {
    prop_oneof![6 => "[abAB]{0,2}".prop_map(Literal::from), 1 => Just(Literal::Null)]
}

fn op() -> impl Strategy<Value = CompareOp> {
    prop::sample::select(CompareOp::ALL.to_vec())
}

pub(crate) fn joined(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.and(right)),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.or(right)),
            inner.prop_map(Filter::not),
        ]
    })
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let leaf = || {
        ("[a-z$][a-z0-9_$-]{0,3}(\\.[a-z$]{1,2})?", op(), prop::option::of(literal())).prop_map(
            |(path, op, value)| match value {
                Some(value) => Filter::compare(&path, op, value).unwrap(),
                None => Filter::present(&path).unwrap(),
            },
        )
    };
    let value_path = (joined(leaf()), "[a-z]{1,3}").prop_map(|(inner, path)| inner.within(&path).unwrap());
    joined(prop_oneof![3 => leaf().boxed(), 1 => value_path.boxed()])
}

fn user_filter() -> impl Strategy<Value = Filter> {
    let plain = (prop::sample::select(PATHS.to_vec()), op(), prop::option::of(text_literal()));
    let plain = plain.prop_map(|(path, op, value)| match value {
        Some(value) => Filter::compare(path, op, value).unwrap(),
        None => Filter::present(path).unwrap(),
    });
    let sub = (prop::sample::select(vec!["value", "type"]), op(), text_literal());
    let sub = sub.prop_map(|(path, op, value)| Filter::compare(path, op, value).unwrap());
    let active = (prop::sample::select(vec!["active", "emails.primary"]), any::<bool>())
        .prop_map(|(path, truth)| Filter::eq(path, truth).unwrap());
    let primary = any::<bool>().prop_map(|truth| Filter::eq("primary", truth).unwrap());
    let sub = joined(prop_oneof![4 => sub.boxed(), 1 => primary.boxed()]);
    let element = sub.prop_map(|inner| inner.within("emails").unwrap());
    joined(prop_oneof![5 => plain.boxed(), 1 => active.boxed(), 2 => element.boxed()])
}

fn user() -> impl Strategy<Value = Value> {
    let text = || prop::option::of("[abAB]{0,2}");
    let email = (text(), text(), prop::option::of(any::<bool>()))
        .prop_map(|(value, kind, primary)| json!({"value": value, "type": kind, "primary": primary}));
    (text(), text(), text(), prop::collection::vec(email, 0..3), prop::option::of(any::<bool>()), text(), "[ab]{1,2}", text())
        .prop_map(|(user_name, external_id, title, emails, active, family_name, id, group)| {
            let groups: Vec<_> = group.into_iter().map(|id| json!({"value": id})).collect();
            json!({"id": id, "userName": user_name, "externalId": external_id, "title": title, "emails": emails,
                "active": active, "name": {"familyName": family_name}, "groups": groups})
        })
}

/// Makes the user type with an index on attributes that can be absent and still be asked for.
fn indexed_user() -> ResourceType {
    let indexed = ["userName", "active", "emails.value", "emails.type", "emails.primary"];
    let document = ResourceTypeDocument::new("User", "/Users", urn::USER);
    let builder = ResourceType::builder(document).schema(Schema::user()).indexed(indexed);
    builder.relation(Relation::reverse("groups", "Group", "members")).build().unwrap()
}

/// Whether a store with correct indexes would find the resource.
fn is_candidate(user: &ResourceType, narrow: &Narrow, stored: &Stored) -> bool {
    match narrow {
        Narrow::All => true,
        Narrow::Ids(ids) => ids.contains(&stored.id),
        Narrow::Key { attribute, probe } => {
            let attr: AttrRef = user.resolve(attribute).unwrap();
            let mut keys = BTreeSet::new();
            attr.for_each(stored.resource.as_map(), &mut |value| keys.extend(index_key(attr.leaf(), value)));
            keys.iter().any(|key| probe.takes(key))
        }
        Narrow::Link { relation, target } => stored.links.0.contains(&(relation.clone(), target.clone())),
        Narrow::Linked { relation } => stored.links.0.iter().any(|(name, _)| name == relation),
        Narrow::And(branches) => branches.iter().all(|branch| is_candidate(user, branch, stored)),
        Narrow::Or(branches) => branches.iter().any(|branch| is_candidate(user, branch, stored)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn display_then_parse_gives_the_same_filter(filter in any_filter()) {
        let text = filter.to_string();
        let parsed: Filter = text.parse().unwrap();
        prop_assert_eq!(&parsed, &filter, "{}", text);
        let mut lenience = Lenience::new(Leniency::INTEROP);
        let lenient = Filter::parse_with(&text, &mut lenience).unwrap();
        prop_assert!(lenience.used().is_empty());
        prop_assert_eq!(lenient.to_string(), text);
        let json = serde_json::to_value(&filter).unwrap();
        prop_assert_eq!(json.as_str(), Some(&*filter.to_string()));
        prop_assert_eq!(serde_json::from_value::<Filter>(json).unwrap(), filter);
    }

    #[test]
    fn filt_005_plans_are_sound(
        filter in user_filter(), users in prop::collection::vec(user(), 1..12), own_indexes in any::<bool>()
    ) {
        let user = if own_indexes { indexed_user().into() } else { ResourceType::user() };
        if let Ok(bound) = filter.bind(&user, &mut Lenience::strict()) {
            let complement = filter.clone().not().bind(&user, &mut Lenience::strict()).unwrap();
            let plan = bound.plan();
            for document in users {
                let stored = Stored::new(&user, document);
                let matches = bound.matches(&stored.entry());
                let candidate = is_candidate(&user, &plan.narrow, &stored);
                prop_assert!(candidate || !matches, "{filter}: {plan:?} misses {:?}", stored.resource);
                prop_assert!(!plan.exact || candidate == matches, "{filter}: {plan:?} inexact on {:?}", stored.resource);
                prop_assert_eq!(complement.matches(&stored.entry()), !matches, "{}", filter);
            }
        }
    }

    #[test]
    fn d8_filters_take_the_paths_that_are_attribute_paths(text in "(urn:)?[ab1$_.:-]{1,8}") {
        let taken = format!("{text} pr").parse::<Filter>().is_ok();
        prop_assert_eq!(taken, scim_core::AttrPath::parse(&text).is_ok(), "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}") {
        check(&text);
    }

    #[test]
    fn no_text_that_looks_like_a_filter_makes_it_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "userName", "emails", "members", "value", "type", "active", "eq", "ne", "pr", "gt", "and", "or", "not",
            "(", ")", "[", "]", ".", " ", " ", " ", "\"x\"", "'x'", "\"", "true", "True", "1", "null", "\\", "é", ":", "urn:",
        ]), 0..16)
    ) {
        check(&words.concat());
        check(&words.join(" "));
    }
}

fn check(text: &str) {
    let user = ResourceType::user();
    let group = ResourceType::group();
    let stored = Stored::new(&user, json!({"id": "1", "userName": "x", "emails": [{"value": "x"}]}));
    for leniency in [Leniency::STRICT, Leniency::INTEROP] {
        match Filter::parse_with(text, &mut Lenience::new(leniency)) {
            Ok(filter) => {
                assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter, "{text}");
                for resource_type in [&user, &group] {
                    match filter.bind(resource_type, &mut Lenience::new(leniency)) {
                        Ok(bound) => {
                            let _ = (bound.matches(&stored.entry()), bound.plan());
                        }
                        Err(error) => drop(error.render(text)),
                    }
                    let _ = filter.bind_at_root(resource_type, &mut Lenience::new(leniency));
                }
            }
            Err(error) => drop(error.render(text)),
        }
        match Path::parse_with(text, &mut Lenience::new(leniency)) {
            Ok(path) => {
                assert_eq!(path.to_string().parse::<Path>().unwrap(), path, "{text}");
                let _ = path.bind(&user, &mut leniency.into());
                let _ = path.bind(&group, &mut leniency.into());
            }
            Err(error) => drop(error.fault().render(text)),
        }
    }
}
