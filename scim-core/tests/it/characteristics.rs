//! The effect of an attribute's characteristics: mutability, returned, caseExact, canonicalValues — RFC 7643 §7 and
//! tables G.4, G.5 of the requirements.

use scim_core::{AttrRef, Leniency, ResourceType, Schema, Uniqueness, check_required, urn};
use serde_json::{Value, json};

use crate::support::{
    ROBOT, WHEELS, create, document, refused, render, replace, resource_type, robot, robot_of, user_of,
};

fn body(extra: Value) -> Value {
    let mut body = json!({"schemas": [ROBOT], "model": "R2"});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn core_080_the_case_that_was_sent_is_kept() {
    for name in ["label", "plain", "serial"] {
        let read = robot_of(json!({name: "AbC"})).unwrap();
        assert_eq!(render(&robot(), &read, &[], &[])[name], "AbC", "{name}");
    }
    let label = robot().resolve("label").unwrap();
    assert!(label.leaf().compares_exactly());
    assert!(!robot().resolve("plain").unwrap().leaf().compares_exactly());
    assert!(robot().resolve("key").unwrap().leaf().compares_exactly());
}

#[test]
fn core_081_mutability_on_create() {
    let read = robot_of(json!({
        "plain": "a", "serial": "b", "secret": "c", "seen": "d",
        "part": {"name": "e", "serial": "f", "seen": "g"},
    }))
    .unwrap();
    let expected =
        body(json!({"plain": "a", "serial": "b", "secret": "c", "part": {"name": "e", "serial": "f"}}));
    assert_eq!(document(&read), expected);
}

#[test]
fn core_081_mutability_on_replace() {
    let before = robot_of(json!({
        "plain": "a", "serial": "b", "secret": "c", "part": {"name": "e", "serial": "f"},
    }))
    .unwrap();
    let after = |extra: Value| replace(&robot(), &before, &body(extra)).map(|read| document(&read));
    let kept = body(json!({"serial": "b", "secret": "c"}));
    assert_eq!(after(json!({})), Ok(kept), "readWrite is cleared; immutable and writeOnly stay");
    let same = after(json!({"serial": "b", "secret": "n"})).unwrap();
    assert_eq!((&same["serial"], &same["secret"]), (&json!("b"), &json!("n")));
    refused(after(json!({"serial": "B"})), "mutability", "serial");
    refused(after(json!({"part": {"serial": "F"}})), "mutability", "part.serial");
    assert_eq!(after(json!({"part": {"name": "x"}})).unwrap()["part"], json!({"name": "x", "serial": "f"}));
    assert_eq!(after(json!({"seen": "x"})).unwrap().get("seen"), None);
    let unset = robot_of(json!({})).unwrap();
    let set = replace(&robot(), &unset, &body(json!({"serial": "b"}))).unwrap();
    assert_eq!(set.text("serial"), Some("b"), "an immutable attribute may be set while it is unset");
}

#[test]
fn core_081_what_the_service_provider_set_survives_a_replace() {
    let mut before = robot_of(json!({})).unwrap();
    before.as_map_mut().insert("seen".into(), json!("by us"));
    let after = replace(&robot(), &before, &body(json!({"seen": "by them"}))).unwrap();
    assert_eq!(after.text("seen"), Some("by us"));
}

#[test]
fn core_082_the_table_of_returned() {
    let read = robot_of(json!({
        "badge": "always", "plain": "default", "hidden": "request", "never": "never", "secret": "never",
        "part": {"name": "default", "tag": "always", "note": "request", "code": "never"},
    }))
    .unwrap();
    let shown = |attributes: &[&str], excluded: &[&str]| {
        let mut body = render(&robot(), &read, attributes, excluded);
        for name in ["schemas", "id", "meta"] {
            body.as_object_mut().unwrap().remove(name);
        }
        body
    };
    let part = json!({"name": "default", "tag": "always"});
    let all = json!({"model": "R2", "badge": "always", "plain": "default", "part": part});
    assert_eq!(shown(&[], &[]), all);
    let named = |names: &[&str]| shown(names, &[]);
    assert_eq!(named(&["plain"]), json!({"badge": "always", "plain": "default"}));
    assert_eq!(named(&["hidden"]), json!({"badge": "always", "hidden": "request"}));
    assert_eq!(named(&["never", "secret"]), json!({"badge": "always"}));
    assert_eq!(named(&["part.code"]), json!({"badge": "always", "part": {"tag": "always"}}));
    assert_eq!(named(&["part"]), json!({"badge": "always", "part": part}));
    assert_eq!(
        named(&["part.note"]),
        json!({"badge": "always", "part": {"tag": "always", "note": "request"}})
    );
    assert_eq!(
        shown(&[], &["badge", "plain", "hidden", "part.name", "part.tag", "model"]),
        json!({"badge": "always", "part": {"tag": "always"}})
    );
}

#[test]
fn core_083_unique_attributes_follow_from_the_schemas() {
    let unique = |resource_type: &ResourceType| {
        resource_type.unique().iter().map(AttrRef::to_string).collect::<Vec<_>>()
    };
    assert_eq!(unique(&ResourceType::user()), ["userName"]);
    assert_eq!(unique(&ResourceType::group()), [""; 0]);
    assert_eq!(unique(&robot()), ["model"]);
    assert_eq!(Schema::user().attribute("userName").unwrap().uniqueness, Uniqueness::Server);
}

#[test]
fn core_084_canonical_values_are_suggestions() {
    let phones = json!([{"value": "1", "type": "satellite"}]);
    assert_eq!(user_of(json!({"phoneNumbers": phones})).unwrap().as_map()["phoneNumbers"], phones);
    assert_eq!(robot_of(json!({"parts": [{"type": "wing"}]})).unwrap().as_map()["parts"][0]["type"], "wing");
}

#[test]
fn core_075_a_required_extension_comes_with_its_required_attributes() {
    let strict = scim_core::Leniency::STRICT;
    let wheeled = crate::support::wheeled_robot();
    refused(create(&wheeled, &strict, &body(json!({}))), "invalidValue", WHEELS);
    let with = |wheels: Value| {
        let mut body = body(json!({}));
        body["schemas"] = json!([ROBOT, WHEELS]);
        body[WHEELS] = wheels;
        body
    };
    refused(create(&wheeled, &strict, &with(json!({}))), "invalidValue", WHEELS);
    refused(create(&wheeled, &strict, &with(json!({"model": "w"}))), "invalidValue", "number");
    assert!(create(&wheeled, &strict, &with(json!({"number": 4}))).is_ok());
    assert!(robot_of(json!({})).is_ok(), "an extension that is not required may be left out");
    refused(create(&robot(), &strict, &with(json!({"model": "w"}))), "invalidValue", "number");
    let user = json!({"schemas": [urn::USER, urn::ENTERPRISE_USER], "userName": "a"});
    assert!(create(&ResourceType::user(), &strict, &user).is_ok());
}

#[test]
fn core_075_what_a_client_cannot_give_is_not_asked_of_it() {
    let seen = json!({"name": "seen", "type": "dateTime", "required": true, "mutability": "readOnly"});
    let attributes = json!([
        {"name": "model", "required": true},
        {"name": "serial", "required": true, "mutability": "readOnly"},
        {"name": "born", "type": "complex", "required": true, "subAttributes": [seen]},
        {"name": "parts", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "required": true}, seen,
        ]},
    ]);
    // The extension is required too.
    let resource_type = resource_type(attributes, json!([seen]), true).unwrap();
    let body = json!({"schemas": [ROBOT], "model": "R2", "parts": [{"value": "arm"}]});
    let mut made = create(&resource_type, &Leniency::STRICT, &body).unwrap().resource;
    check_required(&resource_type, made.as_map()).unwrap();
    // What the service provider has assigned stays, and may still be missing.
    made.as_map_mut().insert("serial".into(), json!("7"));
    let replaced = replace(&resource_type, &made, &body).unwrap();
    assert_eq!(replaced.text("serial"), Some("7"));
    // A client must give what it can give.
    refused(create(&resource_type, &Leniency::STRICT, &json!({"schemas": [ROBOT]})), "invalidValue", "model");
}
