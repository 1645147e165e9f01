//! What the data model requires of changing values (RFC 7643 §4, §7, table G.4 of the requirements).

use std::sync::Arc;

use scim_core::{Lenience, Leniency, Registry, ResourceType, ResourceTypeDocument, urn};
use scim_patch::PatchRequest;
use serde_json::{Map, Value, json};

use crate::fixtures::patch;

fn robot() -> Arc<ResourceType> {
    let registry = Registry::builder()
        .schema_json(json!({"id": "urn:example:robot", "name": "Robot", "attributes": [
            {"name": "model", "required": true},
            {"name": "plain"},
            {"name": "serial", "mutability": "immutable"},
            {"name": "seen", "mutability": "readOnly"},
            {"name": "secret", "mutability": "writeOnly", "returned": "never"},
        ]}))
        .unwrap()
        .resource_type_document(ResourceTypeDocument::new("Robot", "/Robots", "urn:example:robot"))
        .build()
        .unwrap();
    Arc::clone(registry.by_name("Robot").unwrap())
}

fn document(extra: Value) -> Map<String, Value> {
    let mut document = json!({"schemas": ["urn:example:robot"], "model": "R2"});
    for (name, value) in extra.as_object().unwrap() {
        document[name] = value.clone();
    }
    document.as_object().unwrap().clone()
}

/// Returns the attribute after one operation, or the `scimType` with which it is refused.
fn outcome(before: Value, op: &str, name: &str) -> Result<Value, String> {
    let mut operation = json!({"op": op, "path": name});
    if op != "remove" {
        operation["value"] = json!("new");
    }
    let request = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
    match patch(&robot(), &Leniency::STRICT, &document(before), &request) {
        Ok((after, _)) => Ok(after.get(name).cloned().unwrap_or_default()),
        Err(error) => Err(error.scim_type.map_or(String::new(), |kind| kind.as_str().to_owned())),
    }
}

#[test]
fn core_081_the_table_of_mutability() {
    let mutability = || Err("mutability".to_owned());
    let new = || Ok(json!("new"));
    let gone = || Ok(Value::Null);
    for (name, old, add, replace, remove) in [
        ("plain", Some("old"), new(), new(), gone()),
        ("plain", None, new(), new(), gone()),
        ("secret", Some("old"), new(), new(), gone()),
        ("seen", Some("old"), mutability(), mutability(), mutability()),
        ("seen", None, mutability(), mutability(), mutability()),
        ("serial", None, new(), new(), Ok(Value::Null)),
        ("serial", Some("old"), mutability(), mutability(), mutability()),
        ("model", Some("old"), new(), new(), mutability()),
    ] {
        let before = || old.map_or(json!({}), |old| json!({name: old}));
        for (op, expected) in [("add", add), ("replace", replace), ("remove", remove)] {
            assert_eq!(outcome(before(), op, name), expected, "{op} {name}, which was {old:?}");
        }
    }
}

#[test]
fn core_065_the_parts_of_a_member_are_immutable() {
    let group = json!({"schemas": [urn::GROUP], "displayName": "g"}).as_object().unwrap().clone();
    for sub in ["value", "type", "display", "$ref"] {
        let path = format!("members[value eq \"a\"].{sub}");
        let request = json!({"schemas": [urn::PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": "b"}]});
        let error = patch(&ResourceType::group(), &Leniency::STRICT, &group, &request).unwrap_err();
        assert_eq!(error.scim_type, Some(scim_core::ScimType::Mutability), "{path}: {error}");
    }
}

#[test]
fn core_067_a_managers_display_name_is_read_only() {
    let user = json!({"schemas": [urn::USER], "userName": "a"}).as_object().unwrap().clone();
    let path = format!("{}:manager.displayName", urn::ENTERPRISE_USER);
    for operation in [
        json!({"op": "add", "path": path, "value": "x"}),
        json!({"op": "replace", "path": path, "value": "x"}),
        json!({"op": "remove", "path": path}),
    ] {
        let request = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
        let error = patch(&ResourceType::user(), &Leniency::STRICT, &user, &request).unwrap_err();
        assert_eq!(error.scim_type, Some(scim_core::ScimType::Mutability), "{operation}: {error}");
    }
}

#[test]
fn core_088_core_092_the_patch_message() {
    let written = serde_json::to_value(PatchRequest::new().replace("active", false)).unwrap();
    assert_eq!(
        written,
        json!({"schemas": [urn::PATCH_OP], "Operations": [{"op": "replace", "path": "active", "value": false}]})
    );
    let read = |body: Value| PatchRequest::from_value(body, &mut Lenience::strict()).map(drop);
    assert_eq!(read(written), Ok(()));
    let operations = |operations: Value| json!({"schemas": [urn::PATCH_OP], "Operations": operations});
    for body in [
        operations(json!([])),
        operations(json!({"op": "remove", "path": "title"})),
        operations(json!([{"path": "title", "value": "x"}])),
        operations(json!([{"op": "move", "path": "title"}])),
        json!({"schemas": [urn::PATCH_OP]}),
        json!({"schemas": [urn::USER], "Operations": [{"op": "remove", "path": "title"}]}),
    ] {
        let error = scim_core::Error::from(read(body.clone()).unwrap_err());
        assert_eq!(error.scim_type, Some(scim_core::ScimType::InvalidSyntax), "{body}: {error}");
    }
}
