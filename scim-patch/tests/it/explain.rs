//! Plans in sentences, without secrets.

use scim_core::{Lenience, Leniency, Quirk, ResourceType, UnknownAttributes, urn};
use scim_patch::PatchRequest;
use serde_json::{Value, json};

fn explained(resource_type: &std::sync::Arc<ResourceType>, leniency: &Leniency, operation: Value) -> String {
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
    PatchRequest::from_value(body, &mut Lenience::new(*leniency))
        .unwrap()
        .compile(resource_type, &mut Lenience::new(*leniency))
        .unwrap()
        .to_string()
}

#[test]
fn every_kind_of_edit_and_step_has_its_sentence() {
    let user = |operation: Value| explained(&ResourceType::user(), &Leniency::STRICT, operation);
    let lenient = |operation: Value| explained(&ResourceType::user(), &Leniency::INTEROP, operation);
    let group = |operation: Value| explained(&ResourceType::group(), &Leniency::INTEROP, operation);
    let set = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
    let add = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
    let remove = |path: &str| json!({"op": "remove", "path": path});
    for (sentence, expected) in [
        (user(set("TITLE", json!("x"))), "set `title` to \"x\""),
        (user(set("name", json!({"givenName": "A"}))), "in `name`, set `givenName` to \"A\""),
        (
            user(add("emails", json!([{"value": "a"}, {"value": "b"}]))),
            "add to `emails`, unless there already, (`value` = \"a\"), (`value` = \"b\")",
        ),
        (user(remove("title")), "remove `title`"),
        (
            lenient(json!({"op": "remove", "path": "emails", "value": [{"value": "a"}]})),
            "remove from `emails` what agrees with (`value` = \"a\")",
        ),
        (
            user(set("emails[type eq \"work\"].value", json!("a"))),
            "in each value of `emails` with `type eq \"work\"`, set `value` to \"a\"",
        ),
        (
            lenient(set("emails[type eq \"work\"].value", json!("a"))),
            "in each value of `emails` with `type eq \"work\"`, set `value` to \"a\", making one if there is none",
        ),
        (
            lenient(set("emails.value", json!("a"))),
            "in the primary or else the first value of `emails`, set `value` to \"a\", making one if there is none",
        ),
        (user(remove("emails.type")), "in each value of `emails`, remove `type`"),
        (
            user(add("emails[value pr]", json!({"display": "x"}))),
            "in each value of `emails` with `value pr`, set `display` to \"x\"",
        ),
        (
            user(set("emails[value pr]", json!({"display": "x"}))),
            "replace each value of `emails` with `value pr` by (`display` = \"x\")",
        ),
        (user(remove("emails[value pr]")), "remove each value of `emails` with `value pr`"),
        (
            user(remove(urn::ENTERPRISE_USER)),
            "remove every attribute of `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`",
        ),
        (group(add("members", json!([{"value": "a"}]))), "add to `members`, unless there already, `a`"),
        (group(set("members", json!([{"value": "a"}, {"value": "b"}]))), "let `members` be exactly `a`, `b`"),
        (group(remove("members")), "remove all `members`"),
        (group(remove("members[value eq \"a\"]")), "remove from `members` `a`"),
        (group(remove("members[value sw \"a\"]")), "remove the `members` with `value sw \"a\"`"),
        (group(add("members", json!([]))), "change nothing"),
    ] {
        assert_eq!(sentence, expected);
    }
}

#[test]
fn core_052_secrets_are_not_shown() {
    let leniency = Leniency::STRICT.allow(Quirk::RemoveWithValue);
    let secretive = crate::laws::one_schema(json!({"id": "urn:s", "attributes": [
        {"name": "pin", "mutability": "writeOnly", "returned": "never"},
        {"name": "token", "returned": "never"},
        {"name": "vault", "type": "complex", "mutability": "writeOnly", "returned": "never",
         "subAttributes": [{"name": "value"}, {"name": "words", "multiValued": true}]},
        {"name": "locks", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value"}, {"name": "code", "mutability": "writeOnly", "returned": "never"}]}]}));
    for operation in [
        json!({"op": "add", "path": "pin", "value": "s3cret"}),
        json!({"op": "add", "path": "token", "value": "s3cret"}),
        json!({"op": "add", "value": {"pin": "s3cret", "token": "s3cret"}}),
        json!({"op": "add", "path": "vault", "value": {"value": "s3cret"}}),
        json!({"op": "add", "path": "vault.value", "value": "s3cret"}),
        json!({"op": "add", "path": "vault.words", "value": ["s3cret"]}),
        json!({"op": "remove", "path": "vault.words", "value": ["s3cret"]}),
        json!({"op": "remove", "path": "locks", "value": [{"code": "s3cret"}]}),
        json!({"op": "add", "path": "locks", "value": [{"value": "a", "code": "s3cret"}]}),
        json!({"op": "replace", "path": "locks[value eq \"a\"]", "value": {"value": "a", "code": "s3cret"}}),
        json!({"op": "add", "path": "locks[value eq \"a\"]", "value": {"code": "s3cret"}}),
        json!({"op": "replace", "path": "locks[value eq \"a\"].code", "value": "s3cret"}),
    ] {
        let told = explained(&secretive, &leniency, operation.clone());
        assert!(!told.contains("s3cret") && told.contains("not shown"), "{operation}: {told}");
    }
    let password = json!({"op": "replace", "value": {"password": "s3cret", "title": "t"}});
    let told = explained(&ResourceType::user(), &Leniency::STRICT, password);
    assert_eq!(told, "set `password` to what is not shown\nset `title` to \"t\"");
}

#[test]
fn core_052_debug_shows_no_values() {
    let request = PatchRequest::new().replace("password", "s3cret").replace("title", "t");
    assert!(!format!("{request:?}").contains("s3cret"), "{request:?}");
    let operation = &request.operations()[1];
    assert_eq!(format!("{operation:?}"), "Operation { op: Replace, path: Some(\"title\"), value: a string }");
    let plan = request.compile(&ResourceType::user(), &mut Lenience::strict()).unwrap();
    assert_eq!(format!("{plan:?}"), format!("PatchPlan({plan})"));
    assert!(!format!("{plan:?}").contains("s3cret"), "{plan:?}");
}

/// A client that sends a request cannot write lines of the log.
#[test]
fn what_was_sent_stays_between_its_quotes() {
    let forged = "a`\nset `active` to true\u{2028}\u{202e}";
    let keep = Leniency::INTEROP.with_unknown_attributes(UnknownAttributes::Keep);
    let user = |operation| explained(&ResourceType::user(), &keep, operation);
    let group = |operation| explained(&ResourceType::group(), &keep, operation);
    for sentence in [
        group(json!({"op": "add", "path": "members", "value": [{"value": forged}]})),
        group(json!({"op": "remove", "path": "members", "value": [{"value": forged}]})),
        user(json!({"op": "replace", "path": "title", "value": forged})),
        user(json!({"op": "remove", "path": format!("emails[value eq {}]", json!(forged))})),
        user(json!({"op": "replace", "path": "name", "value": {forged: "x"}})),
        user(json!({"op": "add", "path": "emails", "value": [{"value": "a", forged: "x"}]})),
    ] {
        assert!(sentence.chars().all(|c| !c.is_control() && !"\u{2028}\u{202e}".contains(c)), "{sentence}");
        assert!(!sentence.contains("a`\n") && sentence.contains("\\n"), "{sentence}");
    }
    let id = json!([{"value": "a`, `b"}]);
    assert_eq!(
        group(json!({"op": "remove", "path": "members", "value": id})),
        "remove from `members` `a\\`, \\`b`"
    );
}
