//! Names, `schemas` and common attributes — RFC 7643 §2.1, §2.2, §3.

use scim_core::{
    Lenience, Leniency, Mutability, Registry, Resource, ResourceType, Returned, Schema, SchemaError, Type,
    Uniqueness, urn,
};
use serde_json::{Value, json};

use crate::support::{
    ROBOT, WHEELS, create, document, refused, render, replace, resource_type, robot, robot_of, user_of,
};

#[test]
fn core_001_names_in_schemas() {
    let schema = |name: &str| Schema::from_json(json!({"id": "urn:x", "attributes": [{"name": name}]}));
    for good in ["a", "a$b-c_1", "$ref", "Z9"] {
        assert!(schema(good).is_ok(), "{good}");
    }
    for bad in ["1abc", "a b", "", "a.b", "a:b", "_a", "é"] {
        assert!(matches!(schema(bad), Err(SchemaError::Name { .. })), "{bad}");
    }
}

#[test]
fn core_002_names_in_any_case_at_every_level() {
    let read = robot_of(json!({"LABEL": "x", "Part": {"NAME": "arm"}, "PARTS": [{"Value": "v"}]})).unwrap();
    let expected = json!({"schemas": [ROBOT], "model": "R2", "label": "x", "part": {"name": "arm"}, "parts": [{"value": "v"}]});
    assert_eq!(document(&read), expected);
}

#[test]
fn core_003_every_representation_has_schemas() {
    for (resource_type, body) in [
        (ResourceType::user(), json!({"userName": "ada"})),
        (ResourceType::group(), json!({"displayName": "g"})),
        (robot(), json!({"model": "R2"})),
    ] {
        let read = create(&resource_type, &Leniency::INTEROP, &body).unwrap().resource;
        for (attributes, excluded) in [(vec![], vec![]), (vec!["meta"], vec![]), (vec![], vec!["schemas"])] {
            let body = render(&resource_type, &read, &attributes, &excluded);
            assert_eq!(body["schemas"], json!([resource_type.schema().id()]), "{}", resource_type.name());
        }
    }
}

#[test]
fn core_004_order_and_repetition_in_schemas_mean_nothing() {
    let with = |schemas: Value| {
        let body = json!({"schemas": schemas, "userName": "a", urn::ENTERPRISE_USER: {"division": "d"}});
        document(&create(&ResourceType::user(), &Leniency::STRICT, &body).unwrap().resource)
    };
    let plain = with(json!([urn::USER, urn::ENTERPRISE_USER]));
    assert_eq!(plain, with(json!([urn::ENTERPRISE_USER, urn::USER])));
    assert_eq!(plain, with(json!([urn::USER, urn::USER, urn::ENTERPRISE_USER, urn::ENTERPRISE_USER])));
    assert_eq!(plain["schemas"], json!([urn::USER, urn::ENTERPRISE_USER]));
    let empty = json!({"schemas": [], "userName": "a"});
    refused(create(&ResourceType::user(), &Leniency::STRICT, &empty), "invalidValue", "schemas");
}

#[test]
fn core_006_the_base_schema_is_always_named() {
    let body = json!({"schemas": [WHEELS], "model": "R2", WHEELS: {"number": 4}});
    refused(create(&robot(), &Leniency::STRICT, &body), "invalidValue", ROBOT);
    let read = create(&robot(), &Leniency::INTEROP, &body).unwrap().resource;
    assert_eq!(read.schemas().collect::<Vec<_>>(), [ROBOT, WHEELS]);
}

#[test]
fn core_007_an_extension_attribute_at_the_top_is_not_recognised() {
    let misplaced = json!({"schemas": [urn::USER], "userName": "a", "department": "R&D"});
    refused(create(&ResourceType::user(), &Leniency::STRICT, &misplaced), "invalidValue", "department");
}

#[test]
fn core_008_an_extension_never_redefines_a_standard_attribute() {
    let body = json!({"schemas": [ROBOT, WHEELS], "model": "base", WHEELS: {"number": 1, "model": "own"}});
    let read = create(&robot(), &Leniency::INTEROP, &body).unwrap().resource;
    assert_eq!((read.text("model"), &read.as_map()[WHEELS]["model"]), (Some("base"), &json!("own")));
    let model = robot().resolve("model").unwrap();
    assert!(model.extension().is_none() && model.leaf().required);
    assert!(robot().resolve(&format!("{WHEELS}:model")).unwrap().extension().is_some());
}

#[test]
fn core_022_order_of_members_means_nothing() {
    let forward = format!(
        r#"{{"schemas":["{ROBOT}","{WHEELS}"],"model":"R2","part":{{"name":"a","size":1}},"{WHEELS}":{{"number":4,"model":"w"}}}}"#
    );
    let backward = format!(
        r#"{{"{WHEELS}":{{"model":"w","number":4}},"part":{{"size":1,"name":"a"}},"model":"R2","schemas":["{ROBOT}","{WHEELS}"]}}"#
    );
    let read = |text: &str| {
        scim_core::ingest(
            text.as_bytes(),
            &robot(),
            None,
            &mut Lenience::strict(),
            &scim_core::Limits::default(),
        )
        .unwrap()
    };
    assert_eq!(read(&forward), read(&backward));
}

#[test]
fn core_031_a_type_of_ones_own_has_the_common_attributes() {
    for path in ["id", "externalId", "meta.lastModified"] {
        let found = robot().resolve(path).unwrap();
        assert!(found.extension().is_none(), "{path}");
        assert!(robot().schema().attribute(&found.attribute().name).is_none(), "they are in no schema");
    }
    let body = render(&robot(), &robot_of(json!({"externalId": "e"})).unwrap(), &[], &[]);
    assert_eq!((&body["id"], &body["externalId"]), (&json!("id-1"), &json!("e")));
    assert_eq!(body["meta"]["resourceType"], "Robot");
}

#[test]
fn core_032_common_characteristics_win_over_a_schemas_listing() {
    let listing =
        json!([{"name": "id", "mutability": "readWrite", "returned": "default"}, {"name": "model"}]);
    let own = resource_type(listing, json!([]), false).unwrap();
    let id = own.resolve("id").unwrap();
    assert_eq!((id.leaf().mutability, id.leaf().returned), (Mutability::ReadOnly, Returned::Always));
    let read =
        create(&own, &Leniency::STRICT, &json!({"schemas": [ROBOT], "id": "mine", "model": "m"})).unwrap();
    assert!(read.resource.text("id").is_none());
    assert_eq!(render(&own, &read.resource, &[], &["id"])["id"], "id-1");
}

#[test]
fn core_033_core_035_an_id_from_the_client_is_ignored() {
    let read = robot_of(json!({"id": "mine", "meta": {"location": "x"}})).unwrap();
    assert_eq!(document(&read), json!({"schemas": [ROBOT], "model": "R2"}));
    let after =
        replace(&robot(), &read, &json!({"schemas": [ROBOT], "model": "R2", "id": {"not": "even a string"}}));
    assert_eq!(after.unwrap(), read);
}

#[test]
fn core_037_core_039_characteristics_of_the_identifiers() {
    for resource_type in Registry::standard().resource_types() {
        let leaf = |path: &str| resource_type.resolve(path).unwrap().leaf().clone();
        let (id, external) = (leaf("id"), leaf("externalId"));
        assert!(id.case_exact && id.mutability == Mutability::ReadOnly && id.returned == Returned::Always);
        assert!(!id.multi_valued && id.r#type == Type::String);
        assert!(external.case_exact && external.mutability == Mutability::ReadWrite && !external.required);
        assert_eq!((external.uniqueness, external.returned), (Uniqueness::None, Returned::Default));
    }
    assert_eq!(user_of(json!({"externalId": "AbC"})).unwrap().text("externalId"), Some("AbC"));
}

#[test]
fn core_040_core_041_meta_is_the_service_providers() {
    let meta = robot().resolve("meta").unwrap().attribute().clone();
    assert!(!meta.multi_valued && meta.mutability == Mutability::ReadOnly);
    let types = ["resourceType", "created", "lastModified", "location", "version"].map(|name| {
        let sub = meta.sub_attribute(name).unwrap();
        assert_eq!((sub.mutability, sub.returned), (Mutability::ReadOnly, Returned::Default), "{name}");
        (sub.r#type, sub.case_exact)
    });
    let expected = [
        (Type::String, true),
        (Type::DateTime, false),
        (Type::DateTime, false),
        (Type::Reference, true),
        (Type::String, true),
    ];
    assert_eq!(types, expected);
    let sent = json!({"meta": {"created": "not even a date", "resourceType": "Group"}});
    assert!(robot_of(sent).unwrap().as_map().get("meta").is_none());
}

#[test]
fn core_041_a_fresh_resource_shows_one_moment_twice() {
    let body = render(&robot(), &Resource::default(), &[], &[]);
    assert_eq!(body["meta"]["created"], body["meta"]["lastModified"]);
    let text = body["meta"]["created"].as_str().unwrap();
    assert!(text.parse::<scim_core::DateTime>().is_ok(), "{text}");
}
