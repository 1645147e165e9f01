//! Cases kept outside the crate: our fixtures of identity providers, and other projects' suites, of which only ids are
//! written here.

use std::sync::Arc;

use scim_core::{Lenience, Leniency, ResourceType, ResourceTypeDocument, Schema};
use scim_filter::{Filter, FilterError, Path};
use scim_testdata::{inferred, suite};
use serde_json::{Value, json};

use crate::support::Stored;

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_default()
}

/// Returns the outcome of a case, in the words of `readings.json`.
fn outcome_of<T, E>(outcome: &Result<T, E>, truth: impl Fn(&T) -> Option<bool>) -> &'static str {
    match outcome.as_ref().map(truth) {
        Err(_) => "refused",
        Ok(None) => "accepted",
        Ok(Some(true)) => "matches",
        Ok(Some(false)) => "differs",
    }
}

/// Fails unless every case has the outcome of its suite or of `readings.json`.
fn settle(cases: &[Value], expected: impl Fn(&Value) -> &'static str, ours: impl Fn(&Value) -> &'static str) {
    // The cases without a single right answer, and those that we fail because they have no schema.
    let readings = scim_testdata::readings(include_str!("../readings.json"));
    let (mut wrong, mut needless, mut disputed, mut missing) = (Vec::new(), Vec::new(), 0, 0);
    for case in cases {
        let (id, ours, expected) = (text(case, "id"), ours(case), expected(case));
        let is_disputed = case["disputed"] == true;
        match readings.get(id) {
            Some((outcome, _)) if outcome != ours => wrong.push(format!("{id}: {ours}, read as {outcome}")),
            Some(_) if is_disputed => disputed += 1,
            Some(_) if ours == expected => needless.push(id),
            Some((_, reading)) if reading.contains("without a schema") => missing += 1,
            Some((_, reading)) => wrong.push(format!("{id}: undisputed, but read: {reading}")),
            None if is_disputed => wrong.push(format!("{id}: {ours}, disputed and without a reading")),
            None if ours != expected => wrong.push(format!("{id}: {ours}, expected {expected}: {case}")),
            None => {}
        }
    }
    println!("{} cases: {disputed} disputed, {missing} differ for want of a schema", cases.len());
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
    assert!(needless.is_empty(), "readings of cases that agree: {needless:?}");
}

fn valid(case: &Value) -> &'static str {
    if case["valid"] == true { "accepted" } else { "refused" }
}

#[test]
fn filt_002_filters_of_other_suites() {
    let Some(cases) = suite("suites/filters.json") else { return };
    let mut document = Schema::user().document().clone();
    document["attributes"].as_array_mut().unwrap().push(json!({"name": "bin", "type": "binary"}));
    let user = user_type(Schema::from_json(document).unwrap().into());
    settle(&cases, valid, |case| {
        let parsed = text(case, "filter").parse::<Filter>();
        let outcome = match parsed {
            Ok(filter) if case["level"] == "semantic" => {
                filter.bind(&user, &mut Lenience::strict()).map(drop)
            }
            other => other.map(drop),
        };
        outcome_of(&outcome, |()| None)
    });
    for canonical in cases.iter().filter(|case| case["disputed"] != true && case["canonical"].is_string()) {
        assert!(text(canonical, "canonical").parse::<Filter>().is_ok(), "{}", text(canonical, "id"));
    }
}

#[test]
fn paths_of_other_suites() {
    let Some(cases) = suite("suites/paths.json") else { return };
    let user = ResourceType::user();
    settle(&cases, valid, |case| {
        let outcome = text(case, "path").parse::<Path>().and_then(|path| {
            if case["level"] == "semantic" {
                path.bind(&user, &mut Lenience::strict())?;
            }
            Ok(())
        });
        outcome_of(&outcome, |()| None)
    });
}

#[test]
fn filt_007_evaluations_of_other_suites() {
    let Some(cases) = suite("suites/filter_eval.json") else { return };
    let expected = |case: &Value| match case["match"].as_bool() {
        Some(true) => "matches",
        Some(false) => "differs",
        None => "refused",
    };
    settle(&cases, expected, |case| {
        let resource = case["resource"].clone();
        let resource_type = match text(case, "schema") {
            "none" => inferred(&[&resource], false),
            "all strings caseExact" => inferred(&[&resource], true),
            _ => ResourceType::user(),
        };
        let outcome = text(case, "filter").parse::<Filter>().and_then(|filter| {
            // These suites ask one resource at a time, as at the root: an attribute that the resource cannot have has
            // no value (FILT-019). Attributes that no schema has, or sub-attributes that an attribute cannot have, are
            // different.
            let bound = match filter.bind(&resource_type, &mut Lenience::strict()) {
                Err(FilterError::UnknownAttribute { path, .. })
                    if text(case, "schema") == "none"
                        || scim_core::AttrPath::parse(&path).is_ok_and(|path| path.sub.is_none()) =>
                {
                    filter.bind_at_root(&resource_type, &mut Lenience::strict())
                }
                bound => bound,
            }?;
            Ok(bound.matches(&Stored::new(&resource_type, resource).entry()))
        });
        outcome_of(&outcome, |matched| Some(*matched))
    });
}

#[test]
fn fixtures_of_identity_providers() {
    let mut count = 0;
    for fixture in scim_testdata::idp_fixtures("filter") {
        let id = text(&fixture, "id");
        let resource_type = match text(&fixture["request"], "endpoint") {
            "/Users" => ResourceType::user(),
            "/Groups" => ResourceType::group(),
            other => panic!("{id}: {other}"),
        };
        let filter =
            Filter::parse_with(text(&fixture["request"], "filter"), &mut Lenience::new(Leniency::INTEROP))
                .unwrap();
        let bound = filter.bind(&resource_type, &mut Lenience::new(Leniency::INTEROP)).unwrap();
        let resources = fixture["before"]["resources"].as_array().unwrap();
        let found: Vec<Value> = resources
            .iter()
            .map(|resource| Stored::new(&resource_type, resource.clone()))
            .filter(|stored| bound.matches(&stored.entry()))
            .map(|stored| stored.id.into())
            .collect();
        assert_eq!(Value::Array(found), fixture["expected"]["ids"], "{id}");
        count += 1;
    }
    assert!(count > 0);
}

fn user_type(schema: Arc<Schema>) -> ResourceType {
    let document = ResourceTypeDocument::new("User", "/Users", schema.id().to_string());
    ResourceType::builder(document).schema(schema).build().unwrap()
}
