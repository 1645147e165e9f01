//! Laws for every request: nothing is half done, immutable and required attributes stay, work is bounded.

use std::sync::Arc;

use scim_core::{
    Error, Lenience, Leniency, Resource, ResourceType, ResourceTypeDocument, Schema, ScimType, urn,
};
use scim_patch::{Changed, PatchRequest};
use serde_json::{Value, json};

fn document(value: Value) -> Resource {
    Resource::from_canonical(value.as_object().unwrap().clone())
}

fn apply(
    resource_type: &Arc<ResourceType>,
    leniency: &Leniency,
    resource: &mut Resource,
    operations: Value,
) -> Result<Changed, Error> {
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    Ok(PatchRequest::from_value(body, &mut Lenience::new(*leniency))?
        .compile(resource_type, &mut Lenience::new(*leniency))?
        .apply(resource)?)
}

fn ada() -> Resource {
    document(json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER], "userName": "ada", "name": {"familyName": "L"},
        "emails": [{"value": "a", "type": "work"}],
        urn::ENTERPRISE_USER: {"department": "R&D", "manager": {"value": "u9"}},
    }))
}

#[test]
fn patch_014_a_late_failure_undoes_everything_before_it() {
    let fails = json!({"op": "replace", "path": "emails[type eq \"none\"].value", "value": "x"});
    for first in [
        json!([{"op": "add", "path": "title", "value": "t"}, {"op": "replace", "path": "title", "value": "u"}]),
        json!([{"op": "remove", "path": "name.familyName"}, {"op": "add", "path": "name.givenName", "value": "A"}]),
        json!([{"op": "remove", "path": "emails"}, {"op": "add", "path": "emails", "value": [{"value": "z"}]}]),
        json!([{"op": "remove", "path": urn::ENTERPRISE_USER},
            {"op": "add", "path": format!("{}:costCenter", urn::ENTERPRISE_USER), "value": "1"}]),
    ] {
        let mut operations = first.as_array().unwrap().clone();
        operations.push(fails.clone());
        let mut resource = ada();
        let error =
            apply(&ResourceType::user(), &Leniency::STRICT, &mut resource, json!(operations)).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::NoTarget));
        assert_eq!(resource, ada(), "{first}");
    }
}

#[test]
fn patch_014_an_extension_that_was_not_there_is_not_there_after_a_failure() {
    let bare = || document(json!({"schemas": [urn::USER], "userName": "ada"}));
    let mut resource = bare();
    let operations = json!([
        {"op": "add", "path": format!("{}:costCenter", urn::ENTERPRISE_USER), "value": "1"},
        {"op": "replace", "path": "userName", "value": " "},
    ]);
    assert!(apply(&ResourceType::user(), &Leniency::STRICT, &mut resource, operations).is_err(), "PATCH-036");
    assert_eq!(resource, bare());
}

#[test]
fn patch_021_a_net_change_of_nothing_is_none() {
    let mut resource = ada();
    let operations = json!([
        {"op": "replace", "path": "name.familyName", "value": "X"},
        {"op": "replace", "path": "name.familyName", "value": "L"},
    ]);
    assert_eq!(apply(&ResourceType::user(), &Leniency::STRICT, &mut resource, operations), Ok(Changed::No));
}

#[test]
fn q_37_q_48_a_value_of_which_nothing_is_left_changes_nothing() {
    let manager = format!("{}:manager", urn::ENTERPRISE_USER);
    for (op, path, value) in [
        ("replace", manager.as_str(), json!({"displayName": "Boss"})),
        ("add", &manager, json!({"displayName": "Boss"})),
        ("replace", "name", json!({"nick": "x"})),
        ("add", "name", json!({})),
    ] {
        let mut resource = ada();
        let operations = json!([{"op": op, "path": path, "value": value}]);
        let changed = apply(&ResourceType::user(), &Leniency::INTEROP, &mut resource, operations);
        assert_eq!((changed, resource), (Ok(Changed::No), ada()), "{op} {path}");
    }
}

/// Makes a type with immutable attributes of every shape, and extensions with required attributes.
pub(crate) fn badges() -> Arc<ResourceType> {
    let subs = json!([{"name": "value", "mutability": "immutable"}, {"name": "note"}]);
    let base = json!({"id": "urn:b", "attributes": [
        {"name": "serial", "mutability": "immutable"},
        {"name": "badge", "type": "complex", "mutability": "immutable", "subAttributes": [{"name": "a"}]},
        {"name": "keys", "type": "complex", "multiValued": true, "mutability": "immutable",
         "subAttributes": [{"name": "value"}, {"name": "note"}]},
        {"name": "cards", "type": "complex", "multiValued": true, "subAttributes": subs}]});
    let needed = json!({"id": "urn:needed", "attributes": [{"name": "opt"}]});
    let inner = json!({"id": "urn:inner", "attributes": [{"name": "req", "required": true}, {"name": "opt"},
        {"name": "many", "type": "complex", "multiValued": true, "subAttributes": [{"name": "value"}]}]});
    let document = ResourceTypeDocument::new("Badge", "/Badges", "urn:b")
        .extension("urn:needed", true)
        .extension("urn:inner", false);
    let schemas = [base, needed, inner].map(|schema| Arc::new(Schema::from_json(schema).unwrap()));
    let builder =
        schemas.into_iter().fold(ResourceType::builder(document), scim_core::ResourceTypeBuilder::schema);
    Arc::new(builder.build().unwrap())
}

/// Makes a resource type of this one schema.
pub(crate) fn one_schema(schema: Value) -> Arc<ResourceType> {
    let schema = Schema::from_json(schema).unwrap();
    let document = ResourceTypeDocument::new("Thing", "/Things", schema.id().to_string());
    Arc::new(ResourceType::builder(document).schema(schema.into()).build().unwrap())
}

fn badge() -> Resource {
    document(json!({
        "schemas": ["urn:b", "urn:needed"], "serial": "1", "badge": {"a": "1"},
        "keys": [{"value": "k", "note": "n"}], "cards": [{"value": "c", "note": "n"}], "urn:needed": {"opt": "o"},
    }))
}

#[test]
fn core_081_patch_012_immutable_attributes_stay() {
    for operation in [
        json!({"op": "replace", "path": "serial", "value": "2"}),
        json!({"op": "remove", "path": "serial"}),
        json!({"op": "replace", "path": "badge", "value": {"a": "2"}}),
        json!({"op": "replace", "path": "badge.a", "value": "2"}),
        json!({"op": "remove", "path": "badge.a"}),
        json!({"op": "add", "path": "keys", "value": [{"value": "l"}]}),
        json!({"op": "remove", "path": "keys[value eq \"k\"]"}),
        json!({"op": "replace", "path": "keys[value eq \"k\"].note", "value": "m"}),
        json!({"op": "replace", "path": "cards[note eq \"n\"].value", "value": "d"}),
        json!({"op": "remove", "path": "cards[note eq \"n\"].value"}),
        json!({"op": "replace", "path": "cards[note eq \"n\"]", "value": {"value": "d"}}),
    ] {
        let mut resource = badge();
        let error = apply(&badges(), &Leniency::STRICT, &mut resource, json!([operation])).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::Mutability), "{operation}");
        assert_eq!(resource, badge());
    }
    for operation in [
        json!({"op": "replace", "path": "serial", "value": "1"}),
        json!({"op": "replace", "path": "cards[note eq \"n\"].value", "value": "c"}),
    ] {
        let changed = apply(&badges(), &Leniency::STRICT, &mut badge(), json!([operation]));
        assert_eq!(changed, Ok(Changed::No), "row 17: the same value again");
    }
    let mut fresh = document(json!({"schemas": ["urn:b", "urn:needed"], "urn:needed": {"opt": "o"}}));
    let operations = json!([{"op": "add", "path": "serial", "value": "9"}]);
    assert!(apply(&badges(), &Leniency::STRICT, &mut fresh, operations).is_ok(), "row 16");
}

#[test]
fn core_075_required_extensions_stay_and_optional_ones_may_be_absent() {
    let mut resource = badge();
    let operations = json!([{"op": "remove", "path": "urn:needed:opt"}]);
    assert!(apply(&badges(), &Leniency::STRICT, &mut resource, operations).is_err());
    assert_eq!(resource, badge());
    for operations in [
        json!([{"op": "remove", "path": "urn:inner:many[value eq \"w\"]"}]),
        json!([{"op": "add", "path": "urn:inner:opt", "value": "x"}, {"op": "remove", "path": "urn:inner:opt"}]),
    ] {
        assert_eq!(apply(&badges(), &Leniency::STRICT, &mut badge(), operations), Ok(Changed::No));
    }
}

#[test]
fn core_026_the_same_value_is_once_whichever_is_primary() {
    let mut resource = ada();
    let operations =
        json!([{"op": "add", "path": "emails", "value": [{"value": "a", "type": "work", "primary": true}]}]);
    apply(&ResourceType::user(), &Leniency::STRICT, &mut resource, operations).unwrap();
    assert_eq!(resource.as_map()["emails"], json!([{"value": "a", "type": "work", "primary": true}]));
}

#[test]
fn patch_014_members_that_are_nobody_are_still_named_when_steps_are_joined() {
    let operations = json!([
        {"op": "add", "path": "members", "value": [{"value": "nobody"}]},
        {"op": "remove", "path": "members"},
    ]);
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    let plan = PatchRequest::from_value(body, &mut Lenience::strict())
        .unwrap()
        .compile(&ResourceType::group(), &mut Lenience::strict())
        .unwrap();
    assert_eq!(plan.relations().len(), 2);
}

#[test]
fn row_14_removing_an_extension_removes_all_its_attributes() {
    let schema = json!({"id": "urn:e", "attributes": [{"name": "seen", "mutability": "readOnly"},
        {"name": "note", "required": true}]});
    let schema = Schema::from_json(schema).unwrap();
    let resource_type = ResourceType::user().with_extension(schema.into(), false).unwrap().into();
    let user = |extension: Value| {
        document(json!({"schemas": [urn::USER, "urn:e"], "userName": "ada", "urn:e": extension}))
    };
    let mut resource = user(json!({"seen": "1", "note": "n"}));
    let remove = json!([{"op": "remove", "path": "urn:e"}]);
    let changed = apply(&resource_type, &Leniency::STRICT, &mut resource, remove);
    assert_eq!(changed, Ok(Changed::Yes(vec!["urn:e:note".into(), "urn:e:seen".into()])));
    assert_eq!(resource, document(json!({"schemas": [urn::USER], "userName": "ada"})));
}

#[test]
fn patch_014_an_empty_extension_that_was_there_is_there_after_a_failure() {
    let before = json!({"schemas": [urn::USER], "userName": "ada", urn::ENTERPRISE_USER: {}});
    let mut resource = document(before.clone());
    let operations = json!([
        {"op": "add", "path": format!("{}:department", urn::ENTERPRISE_USER), "value": "d"},
        {"op": "replace", "path": "emails[type eq \"x\"].value", "value": "y"},
    ]);
    assert!(apply(&ResourceType::user(), &Leniency::STRICT, &mut resource, operations).is_err());
    assert_eq!(resource, document(before));
}
