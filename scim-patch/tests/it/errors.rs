//! How a Rust caller can tell one refusal from another.

use std::sync::Arc;

use scim_core::{Error, Lenience, Resource, ResourceType, ScimType, urn};
use scim_patch::{PatchError, PatchErrorKind, PatchRequest};
use serde_json::{Value, json};

use crate::model::BADGE;
use crate::sequences::USER_TYPE;

fn refusal(resource_type: &Arc<ResourceType>, before: Value, operation: Value) -> PatchError {
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
    let mut resource = Resource::from_canonical(before.as_object().unwrap().clone());
    PatchRequest::from_value(body, &mut Lenience::strict())
        .and_then(|request| request.compile(resource_type, &mut Lenience::strict()))
        .and_then(|plan| plan.apply(&mut resource))
        .unwrap_err()
}

fn user(operation: Value) -> PatchError {
    let before = json!({"schemas": [urn::USER], "userName": "ada", "emails": [{"value": "a"}]});
    refusal(&ResourceType::user(), before, operation)
}

#[test]
fn patch_038_each_kind_has_its_keyword_and_path() {
    let set = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
    let (bad_path, bad_filter) = ("emails[", "emails[type zz 1]");
    for (operation, keyword, path) in [
        (json!({"op": "move"}), ScimType::InvalidSyntax, ""),
        (set(bad_path, json!(1)), ScimType::InvalidPath, bad_path),
        (set("nope", json!(1)), ScimType::InvalidPath, "nope"),
        (set("userName", json!("a\0b")), ScimType::InvalidValue, "userName"),
        (set(bad_filter, json!(1)), ScimType::InvalidFilter, bad_filter),
        (json!({"op": "remove"}), ScimType::NoTarget, ""),
        (set("EMAILS[type eq \"x\"].value", json!("y")), ScimType::NoTarget, "emails.value"),
        (set("emails[type eq \"x\"]", json!({"value": "y"})), ScimType::NoTarget, "emails"),
        (
            json!({"op": "add", "path": "emails[type eq \"x\"]", "value": {"value": "y", "display": "z"}}),
            ScimType::NoTarget,
            "emails",
        ),
        (set("userName", json!(" ")), ScimType::InvalidValue, "userName"),
        (set("ID", json!("1")), ScimType::Mutability, "id"),
        (set("userName", json!(null)), ScimType::Mutability, "userName"),
        (set("active", json!("x")), ScimType::InvalidValue, "active"),
        (json!({"op": "add", "path": "title"}), ScimType::InvalidSyntax, ""),
        (json!({"op": "add", "value": {"nope": 1}}), ScimType::InvalidValue, "nope"),
        (set("schemas", json!([urn::ENTERPRISE_USER])), ScimType::InvalidValue, "schemas"),
    ] {
        let error = user(operation.clone());
        assert_eq!(error.path, path, "{operation}: {error:?}");
        let detail = error.to_string();
        let wire = Error::from(error);
        assert_eq!((wire.status.as_u16(), wire.scim_type), (400, Some(keyword)), "{operation}");
        assert_eq!(wire.detail, detail);
    }
}

#[test]
fn core_081_read_only_immutable_and_required_are_told_apart() {
    assert!((user(json!({"op": "remove", "path": "meta.created"}))).kind == PatchErrorKind::ReadOnly);
    assert!((user(json!({"op": "remove", "path": "userName"}))).kind == PatchErrorKind::Required);
    let manager = format!("{}:manager", urn::ENTERPRISE_USER);
    let error = user(json!({"op": "add", "path": manager, "value": {"displayName": "x"}}));
    assert!((error).kind == PatchErrorKind::ReadOnly, "{error:?}");
    let badge = crate::laws::one_schema(json!({"id": "urn:b", "attributes": [
        {"name": "serial", "mutability": "immutable"},
        {"name": "box", "type": "complex", "subAttributes": [{"name": "seal", "mutability": "immutable"}]},
        {"name": "cards", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "mutability": "immutable"}]}]}));
    let before =
        json!({"schemas": ["urn:b"], "serial": "1", "box": {"seal": "1"}, "cards": [{"value": "1"}]});
    for (path, named) in
        [("serial", "serial"), ("box.seal", "box.seal"), ("cards[value eq \"1\"].value", "cards.value")]
    {
        let error = refusal(&badge, before.clone(), json!({"op": "replace", "path": path, "value": "2"}));
        assert!((error).kind == PatchErrorKind::Immutable, "{path}: {error:?}");
        assert_eq!(error.path, named);
    }
    let group = json!({"schemas": [urn::GROUP], "displayName": "g"});
    let error = refusal(&ResourceType::group(), group, json!({"op": "remove", "path": "members.value"}));
    assert!((error).kind == PatchErrorKind::Immutable, "{error:?}");
}

#[test]
fn a_document_that_is_not_its_schemas_is_nobodys_request() {
    let broken = json!({"schemas": [urn::USER], "userName": "ada", "emails": "a", urn::ENTERPRISE_USER: 1});
    for (stored, path) in [
        (json!({"name": "a"}), "name.givenName"),
        (json!({"name": [{"givenName": "a"}]}), "name.givenName"),
        (json!({"emails": {"value": "a"}}), "emails[value eq \"a\"].type"),
        (json!({"emails": ["a"]}), "emails.type"),
    ] {
        let mut document = json!({"schemas": [urn::USER], "userName": "ada"});
        document.as_object_mut().unwrap().extend(stored.as_object().unwrap().clone());
        let operation = json!({"op": "add", "path": path, "value": "b"});
        assert_eq!(Error::from(refusal(&ResourceType::user(), document, operation)).status, 500, "{stored}");
    }
    let cost_center = format!("{}:costCenter", urn::ENTERPRISE_USER);
    for (path, value) in [("emails", json!([{"value": "b"}])), (cost_center.as_str(), json!("1"))] {
        let error = refusal(
            &ResourceType::user(),
            broken.clone(),
            json!({"op": "add", "path": path, "value": value}),
        );
        assert_eq!((error.path.as_str(), Error::from(error.clone()).status.as_u16()), (path, 500));
    }
}

#[test]
fn refusals_say_which_operation_and_repeat_little() {
    let ada = json!({"schemas": [urn::USER], "userName": "ada"});
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": [
        {"op": "add", "path": "title", "value": "t"},
        {"op": "replace", "path": "emails[type eq \"x\"].value", "value": "y"}]});
    let request = PatchRequest::from_value(body, &mut Lenience::strict()).unwrap();
    let plan = request.compile(&ResourceType::user(), &mut Lenience::strict()).unwrap();
    let mut resource = Resource::from_canonical(ada.as_object().unwrap().clone());
    let error = plan.apply(&mut resource).unwrap_err();
    assert!(error.to_string().starts_with("Operations[1]: "), "{error}");
    let long = "x".repeat(100_000);
    for operation in [
        json!({"op": long, "path": "title"}),
        json!({"op": "add", "path": "schemas", "value": [long]}),
        json!({"op": "add", "path": long, "value": 1}),
        json!({"op": "add", "value": {(long.clone()): 1}}),
        json!({"op": "add", "path": format!("emails[{long} eq 1]"), "value": 1}),
        json!({"op": "add", "path": "active", "value": long}),
    ] {
        let told = user(operation).to_string();
        assert!(told.len() < 500, "{}: {}", told.len(), &told[..500]);
    }
}

#[test]
fn patch_022_an_extension_that_is_gone_is_not_to_blame() {
    let user = json!({"schemas": [urn::USER, BADGE], "userName": "ada",
        BADGE: {"code": "c", "pins": [{"value": "p"}]}});
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": [
        {"op": "remove", "path": BADGE}, {"op": "replace", "path": "userName", "value": " "}]});
    let request = PatchRequest::from_value(body, &mut Lenience::strict()).unwrap();
    let plan = request.compile(&USER_TYPE, &mut Lenience::strict()).unwrap();
    let mut resource = Resource::from_canonical(user.as_object().unwrap().clone());
    let error = plan.apply(&mut resource).unwrap_err();
    assert_eq!((error.kind, error.path.as_str()), (PatchErrorKind::InvalidValue, "userName"), "{error:?}");
}
