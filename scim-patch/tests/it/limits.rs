//! What a request may cost: 413 past each limit, and not a step before it.

use std::sync::Arc;

use scim_core::{Error, Leniency, Limits, ResourceType, urn};
use scim_patch::{PatchError, PatchPlan, PatchRequest};
use serde_json::{Map, Value, json};

fn compile(operations: Value, limits: &Limits) -> Result<PatchPlan, PatchError> {
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations}).to_string();
    let leniency = Leniency::INTEROP;
    PatchRequest::parse(body.as_bytes(), &leniency, limits)?.compile(&ResourceType::user(), &leniency)
}

#[track_caller]
fn too_large(operations: Value, limits: &Limits, word: &str) {
    let error = compile(operations, limits).unwrap_err();
    assert!(matches!(error, PatchError::TooLarge { .. }), "{error:?}");
    assert_eq!(Error::from(error.clone()).status, 413);
    assert!(error.to_string().contains(word), "{error}");
}

fn titles(many: usize) -> Value {
    (0..many).map(|at| json!({"op": "add", "path": "title", "value": at.to_string()})).collect()
}

#[test]
fn operations_are_counted() {
    let limits = Limits { operations: 3, ..Limits::default() };
    assert!(compile(titles(3), &limits).is_ok());
    too_large(titles(4), &limits, "at most 3");
    assert!(compile(titles(1_000), &Limits::default()).is_ok());
    too_large(titles(1_001), &Limits::default(), "at most 1000");
}

#[test]
fn changes_are_counted_wherever_they_come_from() {
    let limits = Limits { changes: 3, ..Limits::default() };
    assert!(compile(titles(3), &limits).is_ok());
    too_large(titles(4), &limits, "more than 3 changes");
    let emails = |many: usize| -> Map<String, Value> {
        (0..many).map(|at| (format!("emails[type eq \"t{at}\"].value"), json!("x"))).collect()
    };
    assert!(compile(json!([{"op": "add", "value": emails(3)}]), &limits).is_ok());
    too_large(json!([{"op": "add", "value": emails(4)}]), &limits, "changes");
    too_large(json!([{"op": "add", "value": emails(1_001)}]), &Limits::default(), "more than 1000 changes");
    let names = json!({"nickName": "a", "title": "b", "locale": "c", "displayName": "d"});
    too_large(json!([{"op": "replace", "value": names}]), &limits, "changes");
}

/// Each set of sub-attributes that values name is one look at every element; each filter one at every member.
#[test]
fn q_10_looks_at_elements_and_members_are_counted() {
    let limits = Limits { changes: 3, ..Limits::default() };
    let compile = |resource_type: &Arc<ResourceType>, operations: Value| {
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
        let request = PatchRequest::parse(body.to_string().as_bytes(), &Leniency::INTEROP, &limits).unwrap();
        request.compile(resource_type, &Leniency::INTEROP)
    };
    let remove = |value: Value| json!([{"op": "remove", "path": "addresses", "value": value}]);
    let alike: Value = (0..100).map(|at| json!({"locality": at.to_string(), "country": "x"})).collect();
    assert!(compile(&ResourceType::user(), remove(alike)).is_ok());
    let shapes = json!([{"locality": "a"}, {"region": "b"}, {"country": "c"}, {"type": "d"}]);
    let error = compile(&ResourceType::user(), remove(shapes)).unwrap_err();
    assert!(matches!(error, PatchError::TooLarge { .. }), "{error:?}");
    let filters = |many: usize| -> Value {
        (0..many).map(|at| json!({"op": "remove", "path": format!("members[value sw \"{at}\"]")})).collect()
    };
    assert!(compile(&ResourceType::group(), filters(3)).is_ok());
    let error = compile(&ResourceType::group(), filters(4)).unwrap_err();
    assert!(matches!(error, PatchError::TooLarge { .. }), "{error:?}");
}

#[test]
fn values_are_bounded_by_the_body() {
    let title = |text: String| json!([{"op": "add", "path": "title", "value": text}]);
    let limits = Limits { bytes: 1_000, ..Limits::default() };
    assert!(compile(title("x".repeat(500)), &limits).is_ok());
    too_large(title("x".repeat(1_000)), &limits, "1000 bytes");
    let emails: Value = (0..100).map(|at| json!({"value": at.to_string()})).collect();
    let operation = json!([{"op": "add", "path": "emails", "value": emails}]);
    assert!(compile(operation.clone(), &Limits { elements: 300, ..Limits::default() }).is_ok());
    let error = compile(operation, &Limits { elements: 200, ..Limits::default() }).unwrap_err();
    assert!(matches!(error, PatchError::InvalidSyntax { .. }), "{error:?}");
    let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
    let error = compile(json!([{"op": "add", "path": "emails", "value": deep}]), &Limits::default());
    assert!(matches!(error.unwrap_err(), PatchError::InvalidSyntax { .. }));
}

#[test]
fn members_do_not_count_as_changes() {
    let members: Value = (0..5_000).map(|at| json!({"value": at.to_string()})).collect();
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": [{"op": "add", "path": "members", "value": members}]});
    let request = PatchRequest::from_value(body, &Leniency::STRICT).unwrap();
    let plan = request.compile(&ResourceType::group(), &Leniency::STRICT).unwrap();
    assert!(!plan.touches_document());
    assert_eq!(plan.relations().len(), 1);
}
