//! Cases kept outside the crate: our fixtures of identity providers, and other projects' suites, of which
//! nothing but ids is written down here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use scim_core::{Leniency, Quirks, ResourceType, ResourceTypeDocument, Schema};
use scim_filter::{Filter, Path};
use serde_json::{Map, Value, json};

use crate::support::{Stored, case_file, read};

fn text<'a>(case: &'a Value, name: &str) -> &'a str {
    case[name].as_str().unwrap_or_default()
}

/// Cases that we decide otherwise, by id, each with the reason.
fn deviations() -> BTreeMap<String, String> {
    let list: BTreeMap<String, Vec<String>> =
        serde_json::from_str(include_str!("../deviations.json")).unwrap();
    list.into_iter().flat_map(|(reason, ids)| ids.into_iter().map(move |id| (id, reason.clone()))).collect()
}

/// Fails unless exactly the known deviations failed.
fn settle(cases: &[Value], failed: BTreeMap<String, String>) {
    let known = deviations();
    let ours: BTreeSet<&str> = cases.iter().map(|case| text(case, "id")).collect();
    let new: Vec<_> = failed.iter().filter(|(id, _)| !known.contains_key(*id)).collect();
    assert!(new.is_empty(), "{} new deviations: {new:#?}", new.len());
    let gone: Vec<_> =
        known.keys().filter(|id| ours.contains(id.as_str()) && !failed.contains_key(*id)).collect();
    assert!(gone.is_empty(), "no longer deviations: {gone:?}");
}

fn undisputed(name: &str) -> Option<Vec<Value>> {
    let mut cases = case_file(name)?;
    cases.retain(|case| case["disputed"] != true);
    Some(cases)
}

#[test]
fn filt_002_filters_of_other_suites() {
    let Some(cases) = undisputed("suites/filters.json") else { return };
    let mut document = Schema::user().document().clone();
    document["attributes"].as_array_mut().unwrap().push(json!({"name": "bin", "type": "binary"}));
    let user = user_type(Schema::from_json(document).unwrap().into());
    let mut failed = BTreeMap::new();
    for case in &cases {
        let parsed = text(case, "filter").parse::<Filter>();
        let outcome = match parsed {
            Ok(filter) if case["level"] == "semantic" => filter.bind(&user, &Leniency::STRICT).map(drop),
            other => other.map(drop),
        };
        if outcome.is_ok() != (case["valid"] == true) {
            failed.insert(text(case, "id").to_owned(), format!("{outcome:?}"));
        }
        if let Some(canonical) = case["canonical"].as_str() {
            let (filter, other) = (text(case, "filter").parse::<Filter>(), canonical.parse::<Filter>());
            assert!(filter.is_ok() && other.is_ok(), "{}", text(case, "id"));
        }
    }
    println!("{} cases, {} deviate", cases.len(), failed.len());
    settle(&cases, failed);
}

#[test]
fn paths_of_other_suites() {
    let Some(cases) = undisputed("suites/paths.json") else { return };
    let user = ResourceType::user();
    let mut failed = BTreeMap::new();
    for case in &cases {
        let outcome = text(case, "path").parse::<Path>().and_then(|path| {
            if case["level"] == "semantic" {
                path.bind(&user, &Leniency::STRICT, &mut Quirks::default())?;
            }
            Ok(())
        });
        if outcome.is_ok() != (case["valid"] == true) {
            failed.insert(text(case, "id").to_owned(), format!("{outcome:?}"));
        }
    }
    println!("{} cases, {} deviate", cases.len(), failed.len());
    settle(&cases, failed);
}

#[test]
fn filt_007_evaluations_of_other_suites() {
    let Some(cases) = undisputed("suites/filter_eval.json") else { return };
    let mut failed = BTreeMap::new();
    for case in &cases {
        let resource = case["resource"].clone();
        let resource_type = match text(case, "schema") {
            "none" => inferred(&resource, false),
            "all strings caseExact" => inferred(&resource, true),
            _ => ResourceType::user(),
        };
        // Suites without a schema take an attribute that is not there for one without value.
        let bound = text(case, "filter").parse::<Filter>().and_then(|filter| match text(case, "schema") {
            "none" => filter.bind_at_root(&resource_type, &Leniency::STRICT),
            _ => filter.bind(&resource_type, &Leniency::STRICT),
        });
        let outcome = bound.map(|bound| bound.matches(&Stored::new(&resource_type, resource).entry()));
        let agrees = match (&outcome, case["match"].as_bool()) {
            (Ok(matched), Some(expected)) => *matched == expected,
            (Err(_), None) => true,
            _ => false,
        };
        if !agrees {
            failed.insert(
                text(case, "id").to_owned(),
                format!("{outcome:?} {} {}", case["filter"], case["resource"]),
            );
        }
    }
    println!("{} cases, {} deviate", cases.len(), failed.len());
    settle(&cases, failed);
}

#[test]
fn fixtures_of_identity_providers() {
    let Some(fixtures) = fixtures() else { return };
    let mut count = 0;
    for fixture in fixtures.iter().filter(|fixture| fixture["kind"] == "filter") {
        let id = text(fixture, "id");
        let resource_type = match text(&fixture["request"], "endpoint") {
            "/Users" => ResourceType::user(),
            "/Groups" => ResourceType::group(),
            other => panic!("{id}: {other}"),
        };
        let filter = Filter::parse_with(text(&fixture["request"], "filter"), &Leniency::INTEROP).unwrap();
        let bound = filter.bind(&resource_type, &Leniency::INTEROP).unwrap();
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

/// Ours: from `SCIM_CASES`, else from the workspace.
fn fixtures() -> Option<Vec<Value>> {
    let kept = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/idp/idp-fixtures.json");
    match std::env::var_os("SCIM_CASES") {
        Some(folder) => Some(read(PathBuf::from(folder).join("idp/idp-fixtures.json"))),
        None if kept.exists() => Some(read(kept)),
        None => case_file("idp/idp-fixtures.json"),
    }
}

fn user_type(schema: Arc<Schema>) -> ResourceType {
    let document = ResourceTypeDocument::new("User", "/Users", schema.id().to_string());
    ResourceType::builder(document).schema(schema).build().unwrap()
}

/// A resource type that fits the resource: what its values look like is what its attributes are.
fn inferred(resource: &Value, case_exact: bool) -> Arc<ResourceType> {
    const COMMON: [&str; 4] = ["id", "externalId", "schemas", "meta"];
    let mut document = ResourceTypeDocument::new("Thing", "/Things", "urn:example:Thing");
    let mut base = Vec::new();
    let mut schemas = Vec::new();
    for (name, value) in resource.as_object().unwrap() {
        match value {
            Value::Object(members) if name.contains(':') => {
                let attributes: Vec<_> =
                    members.iter().filter_map(|(name, value)| attribute(name, value, case_exact)).collect();
                schemas.push(json!({"id": name, "attributes": attributes}));
                document = document.extension(name.as_str(), false);
            }
            _ if COMMON.iter().any(|common| common.eq_ignore_ascii_case(name)) => {}
            _ => base.extend(attribute(name, value, case_exact)),
        }
    }
    schemas.push(json!({"id": "urn:example:Thing", "attributes": base}));
    let mut builder = ResourceType::builder(document);
    for schema in schemas {
        builder = builder.schema(Schema::from_json(schema).unwrap().into());
    }
    builder.build().unwrap().into()
}

fn attribute(name: &str, value: &Value, case_exact: bool) -> Option<Value> {
    if !scim_core::is_attribute_name(name) {
        return None;
    }
    let (multi_valued, values): (bool, Vec<&Value>) = match value {
        Value::Array(values) => (true, values.iter().collect()),
        single => (false, vec![single]),
    };
    let mut members: Map<String, Value> = Map::new();
    for (name, value) in values.iter().filter_map(|value| value.as_object()).flatten() {
        if !value.is_object() && !members.contains_key(name) {
            members.insert(name.clone(), value.clone());
        }
    }
    let kind = match values.iter().find(|value| !value.is_null())? {
        Value::Bool(_) => "boolean",
        Value::Number(_) if values.iter().all(|value| value.is_i64()) => "integer",
        Value::Number(_) => "decimal",
        Value::Object(_) => "complex",
        _ => "string",
    };
    let subs: Vec<_> = members
        .iter()
        .filter_map(|(name, value)| attribute(name, value, case_exact))
        .filter(|sub| sub["type"] != "complex")
        .collect();
    Some(
        json!({"name": name, "type": kind, "multiValued": multi_valued, "caseExact": case_exact, "subAttributes": subs}),
    )
}
