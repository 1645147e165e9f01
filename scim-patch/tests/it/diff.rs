//! What `diff` writes, case by case. That it leads where it should is a law in `sequences`.

use scim_core::{Reference, Resource, ResourceType, urn};
use scim_patch::{PatchRequest, diff, diff_relation};
use serde_json::{Value, json};

fn written(from: Value, to: Value) -> Value {
    let user = |extra: Value| {
        let mut user = json!({"schemas": [urn::USER], "userName": "ada"}).as_object().unwrap().clone();
        user.extend(extra.as_object().unwrap().clone());
        Resource::from_canonical(user)
    };
    serde_json::to_value(diff(&ResourceType::user(), &user(from), &user(to)).operations()).unwrap()
}

fn remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}

fn replace(path: &str, value: Value) -> Value {
    json!({"op": "replace", "path": path, "value": value})
}

#[test]
fn a_request_with_operations_is_not_empty() {
    assert!(PatchRequest::new().is_empty());
    assert!(!PatchRequest::new().remove("title").is_empty());
}

#[test]
fn single_values() {
    assert_eq!(written(json!({"title": "a"}), json!({"title": "a"})), json!([]));
    assert_eq!(
        written(json!({}), json!({"title": "a"})),
        json!([{"op": "add", "path": "title", "value": "a"}])
    );
    assert_eq!(written(json!({"title": "a"}), json!({"title": "b"})), json!([replace("title", json!("b"))]));
    assert_eq!(written(json!({"title": "a"}), json!({})), json!([remove("title")]));
    assert_eq!(written(json!({}), json!({"externalId": "a"}))[0]["path"], "externalId");
}

#[test]
fn sub_attributes_of_a_complex_value() {
    let name = |name: Value| json!({"name": name});
    let before = || name(json!({"familyName": "L", "givenName": "A"}));
    assert_eq!(
        written(before(), name(json!({"familyName": "M", "givenName": "A"}))),
        json!([replace("name.familyName", json!("M"))])
    );
    assert_eq!(
        written(before(), name(json!({"familyName": "M", "middleName": "B"}))),
        json!([remove("name.givenName"), replace("name", json!({"familyName": "M", "middleName": "B"}))])
    );
    assert_eq!(written(before(), name(json!({"givenName": "A"}))), json!([remove("name.familyName")]));
    assert_eq!(written(before(), json!({})), json!([remove("name")]));
}

#[test]
fn elements_that_can_be_named() {
    let emails = |emails: Value| json!({"emails": emails});
    let (work, home) = (json!({"value": "a", "type": "work"}), json!({"value": "b", "type": "home"}));
    let both = || emails(json!([work, home]));
    assert_eq!(
        written(both(), emails(json!([{"value": "c", "type": "work"}, home]))),
        json!([replace("emails[type eq \"work\"].value", json!("c"))])
    );
    assert_eq!(
        written(both(), emails(json!([{"value": "a"}, home]))),
        json!([remove("emails[type eq \"work\"].type")])
    );
    assert_eq!(written(both(), emails(json!([home]))), json!([remove("emails[type eq \"work\"]")]));
    assert_eq!(
        written(both(), emails(json!([work, home, {"value": "d"}]))),
        json!([{"op": "add", "path": "emails", "value": [{"value": "d"}]}])
    );
    let three = emails(json!([work, home, {"value": "c", "type": "other"}]));
    assert_eq!(
        written(three, emails(json!([work, home]))),
        json!([remove("emails[type eq \"other\"]")]),
        "one of three"
    );
    let quoted = emails(json!([{"value": "a\"b", "type": "x\"y"}, home]));
    assert_eq!(written(quoted, emails(json!([home]))), json!([remove("emails[type eq \"x\\\"y\"]")]));
}

#[test]
fn elements_that_cannot_be_named_are_replaced_with_their_list() {
    let emails = |emails: Value| json!({"emails": emails});
    for (before, after) in [
        (json!([{"display": "x"}, {"value": "a"}]), json!([{"value": "a"}])),
        (json!([{"value": "a"}, {"value": "A", "type": "x"}]), json!([{"value": "A", "type": "x"}])),
        (json!([{"value": "a"}, {"value": "b"}]), json!([{"value": "b"}, {"value": "a"}])),
        (json!([{"value": "a"}]), json!([{"value": "b"}])),
    ] {
        let operations = written(emails(before), emails(after.clone()));
        assert_eq!(operations, json!([replace("emails", after)]));
    }
}

#[test]
fn patch_018_extensions_by_their_urn() {
    let urn = urn::ENTERPRISE_USER;
    let extended = |values: Value| json!({urn: values, "schemas": [urn::USER, urn]});
    let path = |name: &str| format!("{urn}:{name}");
    assert_eq!(
        written(json!({}), extended(json!({"department": "R&D"}))),
        json!([{"op": "add", "path": path("department"), "value": "R&D"}])
    );
    let before = || extended(json!({"department": "R&D", "manager": {"value": "u1", "displayName": "B"}}));
    assert_eq!(written(before(), json!({})), json!([remove(urn)]));
    assert_eq!(
        written(
            before(),
            extended(json!({"department": "R&D", "manager": {"value": "u2", "displayName": "C"}}))
        ),
        json!([replace(&path("manager.value"), json!("u2"))]),
        "what is read-only is left out"
    );
    assert_eq!(
        written(before(), extended(json!({"department": "R&D", "manager": {"value": "u1"}}))),
        json!([])
    );
}

#[test]
fn q_53_links_in_chunks() {
    let links = |ids: &[&str]| ids.iter().map(|id| Reference::new(*id)).collect::<Vec<_>>();
    let written = |from: &[&str], to: &[&str], chunk: usize| {
        serde_json::to_value(diff_relation("members", &links(from), &links(to), chunk).operations()).unwrap()
    };
    assert_eq!(written(&["a", "b"], &["b", "a", "a"], 10), json!([]));
    assert_eq!(
        written(&["a", "b", "c"], &["c", "d", "e"], 1),
        json!([
            remove("members[value eq \"a\"]"),
            remove("members[value eq \"b\"]"),
            {"op": "add", "path": "members", "value": [{"value": "d"}]},
            {"op": "add", "path": "members", "value": [{"value": "e"}]},
        ])
    );
    assert_eq!(
        written(&["a", "b"], &["d"], 2),
        json!([
            remove("members[value eq \"a\" or value eq \"b\"]"),
            {"op": "add", "path": "members", "value": [{"value": "d"}]},
        ])
    );
    assert_eq!(written(&[], &["a", "b"], 0).as_array().unwrap().len(), 2);
}
