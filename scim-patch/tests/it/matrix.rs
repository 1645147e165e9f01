//! The 21 rows of the PATCH matrix (`docs/requirements/scim-requirements.md`, D.2), strictly.

use scim_core::{Lenience, Leniency, Quirk, ResourceType, urn};
use serde_json::{Map, Value, json};

use crate::fixtures::patch;

fn user(extra: Value) -> Map<String, Value> {
    let mut user = json!({"schemas": [urn::USER], "userName": "ada"});
    for (name, value) in extra.as_object().unwrap() {
        user[name] = value.clone();
    }
    user.as_object().unwrap().clone()
}

fn request(operations: Value) -> Value {
    json!({"schemas": [urn::PATCH_OP], "Operations": operations})
}

/// Applies one operation strictly. Returns the result without `schemas` and `userName`, or the `scimType`.
#[track_caller]
fn run(before: Value, operation: Value) -> Result<Value, String> {
    run_all(&Leniency::STRICT, before, json!([operation]))
}

fn run_all(leniency: &Leniency, before: Value, operations: Value) -> Result<Value, String> {
    match patch(&ResourceType::user(), leniency, &user(before), &request(operations)) {
        Ok((mut result, _)) => {
            result.remove("schemas");
            if result.get("userName") == Some(&json!("ada")) {
                result.remove("userName");
            }
            Ok(Value::Object(result))
        }
        Err(error) => Err(error.scim_type.map_or(String::new(), |scim_type| scim_type.to_string())),
    }
}

fn refused(scim_type: &str) -> Result<Value, String> {
    Err(scim_type.to_owned())
}

#[test]
fn patch_026_row_1_add_and_replace_need_a_value() {
    for op in ["add", "replace"] {
        assert_eq!(run(json!({}), json!({"op": op, "path": "title"})), refused("invalidSyntax"));
    }
}

#[test]
fn patch_029_row_2_without_path() {
    assert_eq!(run(json!({}), json!({"op": "remove"})), refused("noTarget"));
    let before = json!({"title": "t", "name": {"familyName": "L"}, "emails": [{"value": "a"}]});
    let value = json!({"title": "u", "name": {"givenName": "A"}, "emails": [{"value": "b"}]});
    assert_eq!(
        run(before.clone(), json!({"op": "add", "value": value})),
        Ok(
            json!({"title": "u", "name": {"familyName": "L", "givenName": "A"}, "emails": [{"value": "a"}, {"value": "b"}]})
        )
    );
    assert_eq!(
        run(before, json!({"op": "replace", "value": value})),
        Ok(json!({"title": "u", "name": {"familyName": "L", "givenName": "A"}, "emails": [{"value": "b"}]}))
    );
}

#[test]
fn patch_030_patch_033_rows_3_4_single_simple() {
    for op in ["add", "replace"] {
        for before in [json!({}), json!({"title": "t"})] {
            assert_eq!(
                run(before, json!({"op": op, "path": "TITLE", "value": "u"})),
                Ok(json!({"title": "u"}))
            );
        }
    }
    assert_eq!(run(json!({"title": "t"}), json!({"op": "remove", "path": "title"})), Ok(json!({})));
    assert_eq!(run(json!({}), json!({"op": "remove", "path": "title"})), Ok(json!({})));
}

#[test]
fn patch_032_rows_5_6_single_complex_merges() {
    let before = json!({"name": {"familyName": "L"}});
    for op in ["add", "replace"] {
        let operation = json!({"op": op, "path": "name", "value": {"givenName": "A"}});
        assert_eq!(
            run(before.clone(), operation),
            Ok(json!({"name": {"familyName": "L", "givenName": "A"}}))
        );
        let operation = json!({"op": op, "path": "name.givenName", "value": "A"});
        assert_eq!(run(json!({}), operation), Ok(json!({"name": {"givenName": "A"}})));
    }
    assert_eq!(run(before, json!({"op": "remove", "path": "name.familyName"})), Ok(json!({})));
}

#[test]
fn patch_027_row_7_multi_valued() {
    let before = json!({"emails": [{"value": "a"}]});
    let add = |value: Value| json!({"op": "add", "path": "emails", "value": value});
    assert_eq!(run(before.clone(), add(json!([{"value": "a"}]))), Ok(before.clone()));
    assert_eq!(
        run(before.clone(), add(json!([{"value": "b"}]))),
        Ok(json!({"emails": [{"value": "a"}, {"value": "b"}]}))
    );
    assert_eq!(run(before.clone(), json!({"op": "replace", "path": "emails", "value": []})), Ok(json!({})));
    assert_eq!(run(before, json!({"op": "remove", "path": "emails"})), Ok(json!({})));
}

#[test]
fn patch_028_row_7_what_is_added_may_stand_alone() {
    let before = json!({"emails": [{"value": "a"}]});
    let both = json!({"emails": [{"value": "a"}, {"value": "b"}]});
    let alone = json!({"value": "b"});
    assert_eq!(run(before.clone(), json!({"op": "add", "path": "emails", "value": alone})), Ok(both.clone()));
    assert_eq!(run(before.clone(), json!({"op": "add", "value": {"emails": alone}})), Ok(both));
    assert_eq!(
        run(before.clone(), json!({"op": "add", "path": "emails", "value": null})),
        Ok(before.clone())
    );
    assert_eq!(
        run(before, json!({"op": "replace", "path": "emails", "value": alone})),
        refused("invalidValue"),
        "all values are replaced, by an array"
    );
}

/// No schema of the RFC has a multi-valued sub-attribute, but the RFC does not forbid one.
#[test]
fn patch_028_patch_030_row_7_inside_a_complex_attribute() {
    let schema = json!({"id": "urn:t", "attributes": [{"name": "box", "type": "complex", "subAttributes": [
        {"name": "tags", "multiValued": true}, {"name": "label"}]}]});
    let thing = crate::laws::one_schema(schema);
    let tags = |tags: Value, op: &str, value: Option<Value>| {
        let mut before = json!({"schemas": ["urn:t"], "box": {"tags": tags}});
        if before["box"]["tags"] == json!([]) {
            before.as_object_mut().unwrap().remove("box");
        }
        let mut operation = json!({"op": op, "path": "box.tags"});
        if let Some(value) = value {
            operation["value"] = value;
        }
        let lenient = Leniency::STRICT.allow(Quirk::RemoveWithValue);
        let after = patch(&thing, &lenient, before.as_object().unwrap(), &request(json!([operation])));
        after.map(|(after, _)| after.get("box").cloned().unwrap_or_default()).map_err(|error| error.detail)
    };
    assert_eq!(tags(json!(["a"]), "add", Some(json!(["b", "a"]))), Ok(json!({"tags": ["a", "b"]})));
    assert_eq!(tags(json!([]), "add", Some(json!("b"))), Ok(json!({"tags": ["b"]})));
    assert_eq!(tags(json!(["a"]), "replace", Some(json!(["b"]))), Ok(json!({"tags": ["b"]})));
    assert_eq!(tags(json!(["a", "b"]), "remove", Some(json!(["a"]))), Ok(json!({"tags": ["b"]})));
    assert_eq!(tags(json!(["a"]), "remove", Some(json!(["a"]))), Ok(Value::Null), "row 6");
    assert_eq!(tags(json!([]), "remove", Some(json!(["a"]))), Ok(Value::Null));
    assert_eq!(tags(json!(["a"]), "remove", None), Ok(Value::Null));
}

#[test]
fn core_026_patch_027_what_a_change_makes_the_same_is_one_value() {
    let before =
        json!({"emails": [{"value": "a", "type": "work"}, {"value": "b", "type": "work", "display": "B"}]});
    let replace = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
    let once = json!({"emails": [{"value": "c", "type": "work"}]});
    let whole = json!({"value": "c", "type": "work"});
    assert_eq!(run(before.clone(), replace("emails[value pr]", whole)), Ok(once));
    let described = json!({"emails": [{"value": "c", "type": "work", "display": "B"}]});
    assert_eq!(run(before.clone(), replace("emails[type eq \"work\"].value", json!("c"))), Ok(described));
    let add =
        json!({"op": "add", "path": "emails", "value": [{"value": "b", "type": "work", "display": "C"}]});
    let mut renamed = before.clone();
    renamed["emails"][1]["display"] = json!("C");
    assert_eq!(run(before, add), Ok(renamed));
}

#[test]
fn patch_031_patch_034_rows_9_to_12_value_paths() {
    let before = json!({"emails": [{"value": "a@x", "type": "work"}, {"value": "b@y", "type": "home"}]});
    let at = |op: &str, path: &str, value: Value| {
        run(before.clone(), json!({"op": op, "path": path, "value": value}))
    };
    assert_eq!(
        run(before.clone(), json!({"op": "remove", "path": "emails[type eq \"work\" and value ew \"@x\"]"})),
        Ok(json!({"emails": [{"value": "b@y", "type": "home"}]}))
    );
    assert_eq!(
        at("replace", "emails[type eq \"work\"]", json!({"value": "c"})),
        Ok(json!({"emails": [{"value": "c"}, {"value": "b@y", "type": "home"}]})),
    );
    assert_eq!(at("replace", "emails[type eq \"other\"]", json!({"value": "c"})), refused("noTarget"));
    assert_eq!(at("replace", "emails[type eq \"other\"].value", json!("c")), refused("noTarget"));
    assert_eq!(at("add", "emails[type eq \"other\"].value", json!("c")), refused("noTarget"));
    assert_eq!(
        run(before.clone(), json!({"op": "remove", "path": "emails[type eq \"other\"]"})),
        Ok(before.clone())
    );
    assert_eq!(
        at("replace", "emails[type eq \"home\"].value", json!("c")),
        Ok(json!({"emails": [{"value": "a@x", "type": "work"}, {"value": "c", "type": "home"}]}))
    );
    assert_eq!(at("replace", "name[familyName eq \"L\"]", json!({})), refused("invalidPath"), "row 13");
}

#[test]
fn patch_018_row_14_extensions() {
    let urn = urn::ENTERPRISE_USER;
    let added = run(json!({}), json!({"op": "add", "path": urn, "value": {"department": "R&D"}}));
    assert_eq!(added, Ok(json!({urn: {"department": "R&D"}})));
    let path = format!("{urn}:employeeNumber");
    let set = patch(
        &ResourceType::user(),
        &Leniency::STRICT,
        &user(json!({})),
        &request(json!([{"op": "add", "path": path, "value": "1"}])),
    );
    let schemas = set.unwrap().0["schemas"].clone();
    assert_eq!(schemas, json!([urn::USER, urn]));
    let mut before = user(json!({urn: {"department": "R&D"}}));
    before["schemas"] = json!([urn::USER, urn]);
    let gone = patch(
        &ResourceType::user(),
        &Leniency::STRICT,
        &before,
        &request(json!([{"op": "remove", "path": urn}])),
    );
    assert_eq!(gone.unwrap().0, user(json!({})));
}

#[test]
fn patch_012_patch_022_rows_15_19_what_may_not_change() {
    for path in ["id", "meta", "meta.created", "groups"] {
        assert_eq!(
            run(json!({}), json!({"op": "replace", "path": path, "value": "x"})),
            refused("mutability"),
            "{path}"
        );
    }
    assert_eq!(run(json!({}), json!({"op": "remove", "path": "userName"})), refused("mutability"));
    assert_eq!(run(json!({}), json!({"op": "replace", "value": {"id": "x"}})), refused("mutability"));
    let manager = format!("{}:manager", urn::ENTERPRISE_USER);
    let operation = json!({"op": "replace", "path": manager, "value": {"value": "u", "displayName": "x"}});
    assert_eq!(run(json!({}), operation), refused("mutability"), "CORE-067");
}

#[test]
fn patch_019_patch_035_one_primary() {
    let before = json!({"emails": [{"value": "a", "primary": true}]});
    let add = json!({"op": "add", "path": "emails", "value": [{"value": "b", "primary": true}]});
    assert_eq!(
        run(before.clone(), add),
        Ok(json!({"emails": [{"value": "a", "primary": false}, {"value": "b", "primary": true}]}))
    );
    let two = json!([{"value": "b", "primary": true}, {"value": "c", "primary": true}]);
    assert_eq!(
        run(before, json!({"op": "add", "path": "emails", "value": two})),
        refused("invalidValue"),
        "PATCH-020"
    );
}

#[test]
fn patch_002_patch_003_patch_004_the_envelope() {
    let parse = |body: Value| {
        scim_core::Error::from(
            scim_patch::PatchRequest::from_value(body, &mut Lenience::strict()).unwrap_err(),
        )
    };
    for body in [
        json!([]),
        json!({"Operations": [{"op": "remove", "path": "title"}]}),
        json!({"schemas": [urn::PATCH_OP]}),
        json!({"schemas": [urn::PATCH_OP], "Operations": []}),
        request(json!([{"op": "move", "path": "title"}])),
        request(json!([{"op": "Remove", "path": "title"}])),
        request(json!([{"op": "remove", "path": 1}])),
    ] {
        assert_eq!(parse(body.clone()).scim_type, Some(scim_core::ScimType::InvalidSyntax), "{body}");
    }
}

#[test]
fn patch_005_patch_007_patch_010_paths() {
    for path in ["emails[", "a..b", "", "emails[0]", "nope", "name.nope"] {
        assert_eq!(
            run(json!({}), json!({"op": "add", "path": path, "value": "x"})),
            refused("invalidPath"),
            "{path}"
        );
    }
    let operation = json!({"op": "add", "path": "emails[type zz \"work\"]", "value": {"value": "x"}});
    assert_eq!(run(json!({}), operation), refused("invalidFilter"));
    assert_eq!(run(json!({}), json!({"op": "add", "value": {"nope": 1}})), refused("invalidValue"));
}

#[test]
fn patch_013_operations_see_each_other() {
    let operations = json!([
        {"op": "add", "path": "title", "value": "a"},
        {"op": "replace", "path": "title", "value": "b"},
    ]);
    assert_eq!(run_all(&Leniency::STRICT, json!({}), operations), Ok(json!({"title": "b"})));
}

#[test]
fn q_5_q_16_e_50_quirks_are_reported() {
    let used = |leniency: &Leniency, operation: Value| {
        patch(&ResourceType::user(), leniency, &user(json!({})), &request(json!([operation]))).unwrap().1
    };
    let dotted = json!({"op": "Replace", "value": {"name.givenName": "A"}});
    let quirks = used(&Leniency::INTEROP, dotted);
    assert!(quirks.contains(Quirk::PathKeys) && quirks.contains(Quirk::OpAnyCase));
    let strict_doc = Leniency::INTEROP.allow(Quirk::ValuePathNoEffect);
    let operation = json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "x"});
    assert!(used(&strict_doc, operation).contains(Quirk::ValuePathNoEffect));
}

#[test]
fn patch_003_patch_006_a_member_in_another_case_is_refused_not_passed_over() {
    let before = json!({"emails": [{"value": "a"}, {"value": "b"}]});
    let remove = json!({"op": "remove", "path": "emails", "Value": [{"value": "a"}]});
    assert_eq!(run(before.clone(), remove), refused("invalidSyntax"));
    let replace = json!({"op": "replace", "Path": "name", "value": {"title": "x"}});
    assert_eq!(run(before, replace), refused("invalidSyntax"));
}
