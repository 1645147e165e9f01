//! The `patch` fixtures of `testdata/idp/`: real identity providers' requests (Q-…).

use std::collections::BTreeMap;
use std::sync::Arc;

use scim_core::{Error, Leniency, Quirks, Resource, ResourceType};
use scim_patch::{Changed, PatchRequest, RelationStep};
use serde_json::{Map, Value};

/// Cases that do not hold, with the reason.
const DEVIATIONS: &str = include_str!("../deviations.json");

#[test]
fn q_1_to_q_85_patch_fixtures() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/idp/idp-fixtures.json");
    let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let deviations: BTreeMap<String, String> = serde_json::from_str(DEVIATIONS).unwrap();
    let mut failures = Vec::new();
    let mut count = 0;
    for case in cases.iter().filter(|case| case["kind"] == "patch") {
        count += 1;
        let id = case["id"].as_str().unwrap();
        let outcome = check(case);
        match (outcome, deviations.contains_key(id)) {
            (Err(message), false) => failures.push(format!("{id} {}: {message}", case["title"])),
            (Ok(()), true) => failures.push(format!("{id} is listed as a deviation, but holds")),
            _ => {}
        }
    }
    assert!(count >= 57, "only {count} cases found");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}

fn check(case: &Value) -> Result<(), String> {
    let group = case["resource"] == "Group";
    let resource_type = if group { ResourceType::group() } else { ResourceType::user() };
    let leniency = if case["idp"] == "okta" { Leniency::OKTA } else { Leniency::INTEROP };
    let before = case["before"].as_object().unwrap();
    let result = patch(&resource_type, &leniency, before, &case["request"]);
    match (case.get("after"), result) {
        (Some(after), Ok((result, _))) => {
            let (result, after) = (normal(&Value::Object(result)), normal(after));
            if result == after { Ok(()) } else { Err(format!("\n  got      {result}\n  expected {after}")) }
        }
        (None, Err(error)) => {
            let expected = &case["expected"];
            let scim_type = error.scim_type.as_ref().map(|scim_type| scim_type.as_str().to_owned());
            let fits = expected["status"] == error.status.as_u16()
                && (expected["scimType"] == scim_type.clone().unwrap_or_default());
            if fits { Ok(()) } else { Err(format!("refused with {error}, expected {expected}")) }
        }
        (None, Ok((result, _))) => Err(format!("accepted as {}", Value::Object(result))),
        (Some(_), Err(error)) => Err(format!("refused with {error}")),
    }
}

/// Runs a request the way a server and its store do: the document through the plan, the members through
/// the steps.
pub(crate) fn patch(
    resource_type: &Arc<ResourceType>,
    leniency: &Leniency,
    before: &Map<String, Value>,
    request: &Value,
) -> Result<(Map<String, Value>, Quirks), Error> {
    let Patched { document, quirks, .. } = patch_whole(resource_type, leniency, before, request)?;
    Ok((document, quirks))
}

/// What came of a request.
pub(crate) struct Patched {
    pub(crate) document: Map<String, Value>,
    /// Whether the document or a relation is different now.
    pub(crate) changed: bool,
    pub(crate) quirks: Quirks,
}

/// [`patch`], and whether anything is different.
pub(crate) fn patch_whole(
    resource_type: &Arc<ResourceType>,
    leniency: &Leniency,
    before: &Map<String, Value>,
    request: &Value,
) -> Result<Patched, Error> {
    let mut document = before.clone();
    let owned = ["id", "meta"].map(|name| (name, document.remove(name)));
    let has_links = resource_type.relation("members").is_some();
    let mut members: Vec<Value> = match has_links.then(|| document.remove("members")).flatten() {
        Some(Value::Array(members)) => members,
        _ => Vec::new(),
    };
    let members_before = members.clone();
    let plan = PatchRequest::from_value(request.clone(), leniency)?.compile(resource_type, leniency)?;
    let mut resource = Resource::from_canonical(document);
    let untouched = resource.clone();
    let changed = plan.apply(&mut resource).inspect_err(|_| {
        assert_eq!(resource, untouched, "PATCH-014: a refused request leaves everything as it was");
    })?;
    assert_eq!(changed == Changed::No, resource == untouched, "PATCH-021");
    for edit in plan.relations() {
        match &edit.step {
            RelationStep::Clear => members.clear(),
            RelationStep::Remove(ids) => {
                members.retain(|member| !ids.iter().any(|id| member["value"] == *id));
            }
            RelationStep::RemoveWhere(filter) => members.retain(|member| !filter.matches(member)),
            RelationStep::Set(references) => {
                members = references.iter().map(element).collect();
            }
            RelationStep::Add(references) => {
                for reference in references {
                    if !members.iter().any(|member| member["value"] == reference.value) {
                        members.push(element(reference));
                    }
                }
            }
        }
    }
    let mut result = resource.into_map();
    if !members.is_empty() {
        result.insert("members".into(), Value::Array(members.clone()));
    }
    for (name, value) in owned {
        if let Some(value) = value {
            result.insert(name.into(), value);
        }
    }
    let changed = changed != Changed::No || members != members_before;
    Ok(Patched { document: result, changed, quirks: plan.quirks() })
}

fn element(reference: &scim_core::Reference) -> Value {
    let mut element = Map::from_iter([("value".to_owned(), Value::from(reference.value.clone()))]);
    if let Some(display) = &reference.display {
        element.insert("display".into(), display.clone().into());
    }
    if let Some(kind) = &reference.r#type {
        element.insert("type".into(), kind.clone().into());
    }
    Value::Object(element)
}

/// `meta` and the order of `schemas` do not matter.
fn normal(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(object) = value.as_object_mut() {
        object.remove("meta");
        if let Some(Value::Array(schemas)) = object.get_mut("schemas") {
            schemas.sort_by_key(ToString::to_string);
        }
    }
    value
}
