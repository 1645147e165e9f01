//! The PATCH requirements (PATCH-…) of `docs/requirements/scim-requirements.md`, except the matrix.

use scim_core::{
    Leniency, Quirk, Relation, ResourceType, ResourceTypeDocument, Schema, ScimType, UnknownAttributes, urn,
};
use serde_json::{Map, Value, json};

use crate::fixtures::{patch, patch_whole};

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn request(operations: Value) -> Value {
    json!({"schemas": [urn::PATCH_OP], "Operations": operations})
}

fn user(leniency: Leniency, before: Value, operations: Value) -> Result<Value, ScimType> {
    let mut document = map(json!({"schemas": [urn::USER], "userName": "ada"}));
    document.extend(map(before));
    patch(&ResourceType::user(), &leniency, &document, &request(operations))
        .map(|(after, _)| Value::Object(after))
        .map_err(|error| error.scim_type.unwrap())
}

fn strict(before: Value, operation: Value) -> Result<Value, ScimType> {
    user(Leniency::STRICT, before, json!([operation]))
}

/// Returns the links of a group after one operation, and whether anything changed.
fn members(before: Value, operation: Value) -> Result<(Value, bool), ScimType> {
    let group = map(json!({"schemas": [urn::GROUP], "displayName": "g", "members": before}));
    patch_whole(&ResourceType::group(), &Leniency::STRICT, &group, &request(json!([operation])))
        .map(|patched| (patched.document.get("members").cloned().unwrap_or_default(), patched.changed))
        .map_err(|error| error.scim_type.unwrap())
}

#[test]
fn patch_006_a_path_is_optional_but_for_remove() {
    let value = json!({"title": "t"});
    for op in ["add", "replace"] {
        assert_eq!(strict(json!({}), json!({"op": op, "value": value})).unwrap()["title"], "t");
        assert_eq!(strict(json!({}), json!({"op": op, "path": null, "value": value})).unwrap()["title"], "t");
    }
    assert_eq!(strict(json!({}), json!({"op": "remove"})), Err(ScimType::NoTarget));
    for path in [json!(1), json!(["title"]), json!({})] {
        let operation = json!({"op": "add", "path": path, "value": "t"});
        assert_eq!(strict(json!({}), operation), Err(ScimType::InvalidSyntax));
    }
}

#[test]
fn core_030_adding_null_says_nothing_and_replacing_by_it_clears() {
    let before =
        json!({"title": "t", "name": {"givenName": "A"}, "emails": [{"value": "a", "type": "work"}]});
    for path in
        ["title", "name.givenName", "name", "emails", "emails[value eq \"a\"].type", "emails[value eq \"a\"]"]
    {
        let at = |op: &str| strict(before.clone(), json!({"op": op, "path": path, "value": null})).unwrap();
        let mut kept = at("add");
        kept.as_object_mut().unwrap().retain(|name, _| before.get(name).is_some());
        assert_eq!(kept, before, "{path}");
        assert_ne!(at("replace"), at("add"), "{path}");
    }
}

#[test]
fn patch_008_what_a_path_does_not_yield_cannot_be_changed() {
    let before = json!({"emails": [{"value": "a", "type": "home"}]});
    for (op, path, value) in [
        ("replace", "emails[type eq \"work\"]", json!({"value": "b"})),
        ("replace", "emails[type eq \"work\"].value", json!("b")),
        ("add", "emails[type eq \"work\"]", json!({"value": "b"})),
        ("add", "addresses[type eq \"work\"].region", json!("b")),
        ("replace", "phoneNumbers.value", json!("b")),
    ] {
        let operation = json!({"op": op, "path": path, "value": value});
        assert_eq!(strict(before.clone(), operation), Err(ScimType::NoTarget), "{op} {path}");
    }
}

#[test]
fn patch_009_paths_in_any_case_with_or_without_urn() {
    for path in [
        "USERNAME",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName",
        "URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:USERNAME",
    ] {
        let after = strict(json!({}), json!({"op": "replace", "path": path, "value": "bob"})).unwrap();
        assert_eq!(after["userName"], "bob", "{path}");
    }
    let path = "EMAILS[TYPE EQ \"Work\"].VALUE";
    let before = json!({"emails": [{"value": "a", "type": "work"}]});
    let after = strict(before, json!({"op": "replace", "path": path, "value": "b"})).unwrap();
    assert_eq!(after["emails"], json!([{"value": "b", "type": "work"}]));
    let path = "URN:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:User:COSTCENTER";
    let after = strict(json!({}), json!({"op": "add", "path": path, "value": "1"})).unwrap();
    assert_eq!(after[urn::ENTERPRISE_USER], json!({"costCenter": "1"}));
}

#[test]
fn patch_011_values_fit_type_and_cardinality() {
    for (path, value) in [
        ("active", json!("yes")),
        ("active", json!(1)),
        ("title", json!(true)),
        ("title", json!(["a"])),
        ("title", json!({"value": "a"})),
        ("name", json!("Ada")),
        ("name", json!([{"givenName": "A"}, {"givenName": "B"}])),
        ("emails", json!("a@x")),
        ("emails", json!([null])),
        ("emails", json!([["a@x"]])),
        ("emails[value eq \"a\"].primary", json!("no")),
        ("meta.created", json!("yesterday")),
    ] {
        for op in ["add", "replace"] {
            let operation = json!({"op": op, "path": path, "value": value});
            let error = strict(json!({"emails": [{"value": "a"}]}), operation).unwrap_err();
            let expected =
                if path.starts_with("meta") { ScimType::Mutability } else { ScimType::InvalidValue };
            assert_eq!(error, expected, "{op} {path} {value}");
        }
    }
}

#[test]
fn patch_015_every_refusal_is_a_scim_error() {
    let user = map(json!({"schemas": [urn::USER], "userName": "ada"}));
    for operation in [
        json!({"op": "remove"}),
        json!({"op": "remove", "path": "userName"}),
        json!({"op": "add", "path": "nope", "value": 1}),
        json!({"op": "replace", "path": "emails[type eq \"x\"].value", "value": "x"}),
    ] {
        let error =
            patch(&ResourceType::user(), &Leniency::STRICT, &user, &request(json!([operation]))).unwrap_err();
        let body = serde_json::to_value(&error).unwrap();
        assert_eq!((&body["schemas"], &body["status"]), (&json!([urn::ERROR]), &json!("400")), "{operation}");
        assert!(body["scimType"].is_string() && body["detail"].is_string(), "{body}");
    }
}

#[test]
fn patch_017_row_20_schemas() {
    let known = json!(urn::ENTERPRISE_USER);
    let department =
        json!({urn::ENTERPRISE_USER: {"department": "R&D"}, "schemas": [urn::USER, urn::ENTERPRISE_USER]});
    let (urns, urn) = (json!([urn::USER, urn::ENTERPRISE_USER]), urn::ENTERPRISE_USER);
    let after = |before: &Value, operations: Value| user(Leniency::STRICT, before.clone(), operations);
    // Naming a known schema is allowed and changes nothing, because `schemas` follows from the content.
    for value in [json!([known]), known.clone(), urns.clone()] {
        let added = after(&json!({}), json!([{"op": "add", "path": "schemas", "value": value}])).unwrap();
        assert_eq!(added["schemas"], json!([urn::USER]));
    }
    // Later operations see the change: an attribute of the extension adds its URN, and removing the URN removes the
    // extension.
    let operations = json!([
        {"op": "add", "path": format!("{urn}:costCenter"), "value": "1"},
        {"op": "remove", "path": format!("schemas[value eq \"{urn}\"]")},
        {"op": "add", "path": format!("{urn}:division"), "value": "2"},
    ]);
    let both = after(&department, operations).unwrap();
    assert_eq!((&both["schemas"], &both[urn]), (&urns, &json!({"division": "2"})));
    let gone = after(&department, json!([{"op": "remove", "path": format!("schemas[value eq \"{urn}\"]")}]))
        .unwrap();
    assert_eq!((&gone["schemas"], gone.get(urn)), (&json!([urn::USER]), None));
    let kept =
        after(&department, json!([{"op": "replace", "path": "schemas", "value": [urn::USER]}])).unwrap();
    assert_eq!(kept["schemas"], urns);
    for (operation, expected) in [
        (json!({"op": "remove", "path": "schemas"}), ScimType::Mutability),
        (
            json!({"op": "remove", "path": format!("schemas[value eq \"{}\"]", urn::USER)}),
            ScimType::Mutability,
        ),
        (json!({"op": "replace", "path": "schemas", "value": [urn]}), ScimType::InvalidValue),
        (json!({"op": "add", "path": "schemas", "value": ["urn:nobody"]}), ScimType::InvalidValue),
        (json!({"op": "add", "path": "schemas", "value": 1}), ScimType::InvalidValue),
    ] {
        assert_eq!(after(&department, json!([operation])), Err(expected), "{operation}");
    }
}

#[test]
fn patch_020_q_46_two_primaries_in_one_value() {
    let two = json!([{"value": "b", "primary": true}, {"value": "c", "primary": true}]);
    let before = json!({"emails": [{"value": "a", "primary": true}]});
    for operation in [
        json!({"op": "add", "path": "emails", "value": two}),
        json!({"op": "replace", "path": "emails", "value": two}),
        json!({"op": "replace", "value": {"emails": two}}),
    ] {
        assert_eq!(strict(before.clone(), operation.clone()), Err(ScimType::InvalidValue), "{operation}");
        let after = user(Leniency::INTEROP, before.clone(), json!([operation])).unwrap();
        let primaries = after["emails"].as_array().unwrap().iter().filter(|email| email["primary"] == true);
        assert_eq!(primaries.count(), 1, "{operation}");
    }
}

#[test]
fn patch_025_q_5_keys_of_a_value_are_paths_only_where_that_is_allowed() {
    let value = json!({"name.givenName": "A", "emails[type eq \"work\"].value": "b"});
    let operation = json!([{"op": "replace", "value": value}]);
    assert_eq!(user(Leniency::STRICT, json!({}), operation.clone()), Err(ScimType::InvalidValue));
    let lenient = Leniency::STRICT.allow(Quirk::PathKeys);
    let before = json!({"emails": [{"value": "a", "type": "work"}]});
    let after = user(lenient, before, operation).unwrap();
    assert_eq!(after["name"], json!({"givenName": "A"}));
    assert_eq!(after["emails"], json!([{"value": "b", "type": "work"}]));
}

#[test]
fn patch_036_what_is_required_is_there_at_the_end() {
    let badge = json!({"id": "urn:b", "attributes": [{"name": "serial", "required": true}, {"name": "note"},
        {"name": "keys", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "required": true}, {"name": "note"}]}]});
    let badge = crate::laws::one_schema(badge);
    let run = |operations: Value| {
        let before = map(json!({"schemas": ["urn:b"], "serial": "1", "keys": [{"value": "k", "note": "n"}]}));
        patch(&badge, &Leniency::STRICT, &before, &request(operations)).map(|(after, _)| Value::Object(after))
    };
    // Each operation is checked by itself, so removing and adding in one request is refused too (PATCH-022).
    let both = json!([{"op": "remove", "path": "serial"}, {"op": "add", "path": "serial", "value": "2"}]);
    assert_eq!(run(both).unwrap_err().scim_type, Some(ScimType::Mutability));
    assert_eq!(run(json!([{"op": "replace", "path": "serial", "value": "2"}])).unwrap()["serial"], "2");
    let key = |operation: Value| run(json!([operation])).map(|after| after["keys"].clone());
    for operation in [
        json!({"op": "remove", "path": "keys[value eq \"k\"].value"}),
        json!({"op": "replace", "path": "keys[value eq \"k\"].value", "value": null}),
        json!({"op": "remove", "path": "keys.value"}),
    ] {
        assert_eq!(key(operation.clone()).unwrap_err().scim_type, Some(ScimType::Mutability), "{operation}");
    }
    assert!(key(json!({"op": "replace", "path": "keys[value eq \"k\"]", "value": {"note": "m"}})).is_err());
    assert!(key(json!({"op": "add", "path": "keys", "value": [{"note": "m"}]})).is_err());
    assert_eq!(
        key(json!({"op": "add", "path": "keys[value eq \"k\"]", "value": {"note": "m"}})),
        Ok(json!([{"value": "k", "note": "m"}]))
    );
}

#[test]
fn patch_037_the_examples_of_the_rfc() {
    let (babs, james) = ("2819c223-7f76-453a-919d-413861904646", "08e1d05d-121c-4561-8b96-473d93df9210");
    let babs_member = json!({"display": "Babs Jensen", "$ref": "https://example.com/v2/Users/2819c223...413861904646", "value": babs});
    let james_member = json!({"display": "James Smith", "$ref": "https://example.com/v2/Users/08e1d05d...473d93df9210", "value": james});
    let link = |id: &str, display: &str| json!({"value": id, "display": display});
    let (babs_link, james_link) = (link(babs, "Babs Jensen"), link(james, "James Smith"));
    let group = |before: Value, operations: Value| {
        let group = map(json!({"schemas": [urn::GROUP], "displayName": "g", "members": before}));
        let lenient = Leniency::STRICT.allow(Quirk::NoSpaceBeforeQuote);
        patch(&ResourceType::group(), &lenient, &group, &request(operations))
            .map(|(after, _)| after.get("members").cloned().unwrap_or_default())
            .unwrap()
    };
    let add = |members: Value| json!({"op": "add", "path": "members", "value": members});
    assert_eq!(group(json!([]), json!([add(json!([babs_member]))])), json!([babs_link]));
    assert_eq!(
        group(json!([babs_link]), json!([{"op": "remove", "path": format!("members[value eq \"{babs}\"]")}])),
        json!(null)
    );
    assert_eq!(
        group(json!([babs_link, james_link]), json!([{"op": "remove", "path": "members"}])),
        json!(null)
    );
    // The RFC omits the space before this quote. X13 reads that as a quirk.
    let exchange =
        json!([{"op": "remove", "path": format!("members[value eq\"{babs}\"]")}, add(json!([james_member]))]);
    assert_eq!(group(json!([babs_link]), exchange), json!([james_link]));
    let all = json!([{"op": "remove", "path": "members"}, add(json!([babs_member, james_member]))]);
    assert_eq!(group(json!([james_link]), all), json!([babs_link, james_link]));
    let set = json!([{"op": "replace", "path": "members", "value": [babs_member, james_member]}]);
    assert_eq!(group(json!([link("x", "X")]), set), json!([babs_link, james_link]));

    let home = json!({"value": "babs@jensen.org", "type": "home"});
    let after =
        strict(json!({}), json!({"op": "add", "value": {"emails": [home], "nickname": "Babs"}})).unwrap();
    assert_eq!((&after["emails"], &after["nickName"]), (&json!([home]), &json!("Babs")));
    let work = json!({"value": "bjensen@example.com", "type": "work", "primary": true});
    let both = json!({"emails": [work, home]});
    let path = "emails[type eq \"work\" and value ew \"example.com\"]";
    let after = strict(both.clone(), json!({"op": "remove", "path": path})).unwrap();
    assert_eq!(after["emails"], json!([home]));
    let after = strict(
        json!({"emails": [home]}),
        json!({"op": "replace", "value": {"emails": [work, home], "nickname": "Babs"}}),
    );
    assert_eq!(after.unwrap()["emails"], both["emails"]);
    let addresses =
        json!({"addresses": [{"type": "work", "region": "BE"}, {"type": "home", "primary": true}]});
    let hollywood = json!({"type": "work", "streetAddress": "911 Universal City Plaza", "locality": "Hollywood",
        "region": "CA", "postalCode": "91608", "country": "US",
        "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US", "primary": true});
    let path = "addresses[type eq \"work\"]";
    let after =
        strict(addresses.clone(), json!({"op": "replace", "path": path, "value": hollywood})).unwrap();
    assert_eq!(after["addresses"], json!([hollywood, {"type": "home", "primary": false}]), "PATCH-035");
    let street =
        json!({"op": "replace", "path": format!("{path}.streetAddress"), "value": "1010 Broadway Ave"});
    let after = strict(addresses, street).unwrap();
    assert_eq!(
        after["addresses"][0],
        json!({"type": "work", "region": "BE", "streetAddress": "1010 Broadway Ave"})
    );
}

#[test]
fn patch_038_the_keyword_of_each_refusal() {
    for (operation, expected) in [
        (json!({"op": "add", "path": "emails[type zz 1]", "value": {}}), ScimType::InvalidFilter),
        (json!({"op": "add", "path": "emails[", "value": {}}), ScimType::InvalidPath),
        (json!({"op": "add", "path": "nope", "value": 1}), ScimType::InvalidPath),
        (json!({"op": "add", "path": "id", "value": "1"}), ScimType::Mutability),
        (json!({"op": "remove", "path": "userName"}), ScimType::Mutability),
        (json!({"op": "remove"}), ScimType::NoTarget),
        (json!({"op": "replace", "path": "emails[type eq \"x\"].value", "value": "y"}), ScimType::NoTarget),
        (json!({"op": "add", "path": "active", "value": "x"}), ScimType::InvalidValue),
        (json!({"op": "add", "path": "title"}), ScimType::InvalidSyntax),
        (json!({"op": "move", "path": "title"}), ScimType::InvalidSyntax),
    ] {
        assert_eq!(strict(json!({}), operation.clone()), Err(expected), "{operation}");
    }
}

#[test]
fn row_8_a_sub_attribute_of_every_element() {
    let before = json!({"emails": [{"value": "a", "type": "work"}, {"value": "b"}]});
    for op in ["add", "replace"] {
        let after =
            strict(before.clone(), json!({"op": op, "path": "emails.type", "value": "home"})).unwrap();
        assert_eq!(after["emails"], json!([{"value": "a", "type": "home"}, {"value": "b", "type": "home"}]));
    }
    let after = strict(before.clone(), json!({"op": "remove", "path": "emails.type"})).unwrap();
    assert_eq!(after["emails"], json!([{"value": "a"}, {"value": "b"}]));
    let after = strict(before, json!({"op": "remove", "path": "emails.value"})).unwrap();
    assert_eq!(after["emails"], json!([{"type": "work"}]), "row 11: what is left empty vanishes");
    assert!(strict(json!({}), json!({"op": "remove", "path": "emails.type"})).is_ok());
}

#[test]
fn rows_16_17_immutable_parts_of_an_element() {
    let badge = json!({"id": "urn:b", "attributes": [{"name": "cards", "type": "complex", "multiValued": true,
        "subAttributes": [{"name": "value"}, {"name": "serial", "mutability": "immutable"}]}]});
    let badge = crate::laws::one_schema(badge);
    let run = |card: Value, op: &str, value: &str| {
        let before = map(json!({"schemas": ["urn:b"], "cards": [card]}));
        let operation = json!({"op": op, "path": "cards[value eq \"a\"].serial", "value": value});
        patch(&badge, &Leniency::STRICT, &before, &request(json!([operation])))
            .map(|(after, _)| after["cards"].clone())
            .map_err(|error| error.scim_type.unwrap())
    };
    for op in ["add", "replace"] {
        let whole = json!({"value": "a", "serial": "1"});
        assert_eq!(run(json!({"value": "a"}), op, "1"), Ok(json!([whole])), "row 16");
        assert_eq!(run(whole.clone(), op, "1"), Ok(json!([whole])), "row 17");
        assert_eq!(run(whole, op, "2"), Err(ScimType::Mutability), "row 17");
    }
}

#[test]
fn row_18_a_password_is_set_and_unset() {
    for op in ["add", "replace"] {
        let after = strict(json!({}), json!({"op": op, "path": "password", "value": "x"})).unwrap();
        assert_eq!(after["password"], "x");
    }
    let after = strict(json!({"password": "x"}), json!({"op": "remove", "path": "password"})).unwrap();
    assert_eq!(after.get("password"), None);
}

#[test]
fn patch_021_row_21_members_again_and_members_that_are_none() {
    let (a, b) = (json!({"value": "a"}), json!({"value": "b"}));
    let both = json!([a, b]);
    for (operation, expected) in [
        (json!({"op": "add", "path": "members", "value": [a]}), (both.clone(), false)),
        (json!({"op": "remove", "path": "members[value eq \"nobody\"]"}), (both.clone(), false)),
        (json!({"op": "replace", "path": "members", "value": both}), (both.clone(), false)),
        (json!({"op": "replace", "path": "members", "value": [b]}), (json!([b]), true)),
        (json!({"op": "replace", "path": "members", "value": []}), (Value::Null, true)),
        (
            json!({"op": "add", "path": "members", "value": {"value": "c"}}),
            (json!([a, b, {"value": "c"}]), true),
        ),
        (json!({"op": "remove", "path": "members[value sw \"a\"]"}), (json!([b]), true)),
    ] {
        assert_eq!(members(both.clone(), operation.clone()), Ok(expected), "{operation}");
    }
    for operation in [
        json!({"op": "replace", "path": "members[value eq \"a\"]", "value": {"value": "c"}}),
        json!({"op": "add", "path": "members[value eq \"a\"]", "value": {"value": "c"}}),
        json!({"op": "remove", "path": "members.value"}),
    ] {
        assert_eq!(members(both.clone(), operation.clone()), Err(ScimType::Mutability), "{operation}");
    }
    for value in [json!([{"display": "x"}]), json!([{"value": ""}]), json!("x"), json!([1])] {
        let operation = json!({"op": "add", "path": "members", "value": value});
        assert_eq!(members(both.clone(), operation), Err(ScimType::InvalidValue), "{value}");
    }
}

#[test]
fn q_80_replacing_members_by_one_leaves_that_one() {
    let operation = json!({"op": "replace", "path": "members", "value": [{"value": "new"}]});
    assert_eq!(members(json!([{"value": "a"}]), operation), Ok((json!([{"value": "new"}]), true)));
}

#[test]
fn patch_019_only_primary_is_primary() {
    let lamps = crate::laws::one_schema(json!({"id": "urn:l", "attributes": [
        {"name": "lamps", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value"}, {"name": "lit", "type": "boolean"}, {"name": "primary", "type": "boolean"}]}]}));
    let before =
        map(json!({"schemas": ["urn:l"], "lamps": [{"value": "a", "primary": true}, {"value": "b"}]}));
    let operation = json!({"op": "add", "path": "lamps[value eq \"b\"].lit", "value": true});
    let (after, _) = patch(&lamps, &Leniency::STRICT, &before, &request(json!([operation]))).unwrap();
    assert_eq!(after["lamps"], json!([{"value": "a", "primary": true}, {"value": "b", "lit": true}]));
}

/// Makes a schema with shapes that RFC 7643 does not use: lists and read-only parts inside complex values.
fn boxes() -> std::sync::Arc<ResourceType> {
    let subs = json!([{"name": "value"}, {"name": "type"}, {"name": "primary", "type": "boolean"},
        {"name": "tags", "multiValued": true}, {"name": "seal", "mutability": "immutable"},
        {"name": "weight", "mutability": "readOnly"}]);
    crate::laws::one_schema(json!({"id": "urn:b", "attributes": [
        {"name": "boxes", "type": "complex", "multiValued": true, "subAttributes": subs},
        {"name": "crate", "type": "complex", "subAttributes": subs},
        {"name": "codes", "multiValued": true, "required": true}]}))
}

fn boxed(leniency: &Leniency, before: Value, operations: Value) -> Result<Value, ScimType> {
    let mut document = map(json!({"schemas": ["urn:b"], "codes": ["c"]}));
    document.extend(map(before));
    patch(&boxes(), leniency, &document, &request(operations))
        .map(|(after, _)| Value::Object(after))
        .map_err(|error| error.scim_type.unwrap())
}

#[test]
fn patch_028_row_9_adding_to_a_list_inside_a_value_appends() {
    let thing = json!({"value": "a", "tags": ["x"]});
    let before = json!({"boxes": [thing, {"value": "b"}], "crate": thing});
    let run = |operation: Value| boxed(&Leniency::STRICT, before.clone(), json!([operation])).unwrap();
    let add = |path: &str, value: Value| run(json!({"op": "add", "path": path, "value": value}));
    for after in [
        add("boxes[value eq \"a\"].tags", json!(["y", "x"])),
        add("boxes[value eq \"a\"].tags", json!("y")),
        add("boxes[value eq \"a\"]", json!({"tags": ["y"]})),
    ] {
        assert_eq!(after["boxes"][0]["tags"], json!(["x", "y"]));
        assert_eq!(after["boxes"][1], json!({"value": "b"}));
    }
    let after = add("boxes.tags", json!(["y"]));
    assert_eq!((&after["boxes"][0]["tags"], &after["boxes"][1]["tags"]), (&json!(["x", "y"]), &json!(["y"])));
    for after in [
        add("crate.tags", json!(["y"])),
        add("crate", json!({"tags": ["y"]})),
        run(json!({"op": "add", "value": {"crate": {"tags": ["y"]}}})),
    ] {
        assert_eq!(after["crate"]["tags"], json!(["x", "y"]));
    }
    // CORE-030: adding an unassigned value changes nothing, and replacing by one clears.
    for (op, left) in [("add", Some(&json!(["x"]))), ("replace", None)] {
        for nothing in [json!(null), json!([])] {
            let after = run(json!({"op": op, "path": "crate", "value": {"tags": nothing}}));
            assert_eq!(after["crate"].get("tags"), left, "{op} {nothing}");
        }
    }
}

#[test]
fn q_10_remove_with_a_value_inside_a_value() {
    let before = json!({"boxes": [{"value": "a", "tags": ["x", "y"]}], "crate": {"tags": ["x", "y"]}});
    for path in ["boxes[value eq \"a\"].tags", "boxes.tags", "crate.tags"] {
        let remove = |value: Value| json!([{"op": "remove", "path": path, "value": value}]);
        let strictly = boxed(&Leniency::STRICT, before.clone(), remove(json!(["X"])));
        assert_eq!(strictly, Err(ScimType::InvalidValue), "{path}");
        let at = |after: Value| match path {
            "crate.tags" => after["crate"].get("tags").cloned(),
            _ => after["boxes"][0].get("tags").cloned(),
        };
        let left = |value: Value| at(boxed(&Leniency::INTEROP, before.clone(), remove(value)).unwrap());
        assert_eq!(left(json!(["X"])), Some(json!(["y"])), "{path}: letters are folded as in a filter");
        assert_eq!(left(json!(["z"])), Some(json!(["x", "y"])), "{path}");
        assert_eq!(left(json!(["x", "y"])), None, "{path}");
    }
}

#[test]
fn row_15_what_is_read_only_stays_when_the_value_around_it_is_replaced() {
    let heavy = json!({"value": "a", "weight": "9", "type": "t"});
    let before = json!({"boxes": [heavy, {"value": "b"}]});
    let run = |operation: Value| boxed(&Leniency::STRICT, before.clone(), json!([operation])).unwrap();
    let one = json!({"op": "replace", "path": "boxes[value eq \"a\"]", "value": {"value": "c"}});
    assert_eq!(run(one)["boxes"], json!([{"value": "c", "weight": "9"}, {"value": "b"}]));
    let all = json!({"op": "replace", "path": "boxes", "value": [{"value": "d"}, {"value": "a", "type": "t", "primary": true}]});
    let kept = json!({"value": "a", "type": "t", "primary": true, "weight": "9"});
    assert_eq!(run(all)["boxes"], json!([{"value": "d"}, kept]));
    let again = json!({"op": "add", "path": "boxes", "value": [{"value": "a", "type": "t"}]});
    assert_eq!(run(again)["boxes"], before["boxes"], "CORE-026: what is read-only makes no other value");
    let same = json!({"op": "replace", "path": "boxes.value", "value": "c"});
    let both = json!({"boxes": [{"value": "a", "weight": "1"}, {"value": "b", "weight": "2"}]});
    let after = boxed(&Leniency::STRICT, both, json!([same])).unwrap();
    let two = json!([{"value": "c", "weight": "1"}, {"value": "c", "weight": "2"}]);
    assert_eq!(after["boxes"], two, "what the service provider tells apart is not merged");
}

#[test]
fn row_11_an_add_to_a_simple_value_takes_nothing_away() {
    let before = json!({"codes": ["c"]});
    let at = |op: &str| json!([{"op": op, "path": "codes[value eq \"c\"]", "value": "d"}]);
    assert_eq!(boxed(&Leniency::STRICT, before.clone(), at("add")), Err(ScimType::InvalidValue));
    assert_eq!(boxed(&Leniency::INTEROP, before, at("add")), Err(ScimType::InvalidValue));
}

#[test]
fn row_17_what_is_immutable_in_a_single_value_does_not_go_with_it() {
    let before = json!({"crate": {"value": "a", "seal": "s"}, "boxes": [{"value": "a", "seal": "s"}]});
    let run = |operation: Value| boxed(&Leniency::STRICT, before.clone(), json!([operation]));
    for operation in [
        json!({"op": "remove", "path": "crate"}),
        json!({"op": "replace", "path": "crate", "value": null}),
        json!({"op": "replace", "path": "crate", "value": {"seal": null}}),
        json!({"op": "remove", "path": "crate.seal"}),
    ] {
        assert_eq!(run(operation.clone()), Err(ScimType::Mutability), "{operation}");
    }
    // An element may be removed as a whole, as a member may (RFC 7643 §4.2).
    assert_eq!(run(json!({"op": "remove", "path": "boxes[value eq \"a\"]"})).unwrap().get("boxes"), None);
    let kept = json!({"op": "replace", "path": "crate", "value": {"seal": "s", "type": "t"}});
    assert_eq!(run(kept).unwrap()["crate"], json!({"value": "a", "seal": "s", "type": "t"}));
}

#[test]
fn patch_022_the_last_value_of_what_is_required_stays() {
    for operation in [
        json!({"op": "remove", "path": "codes[value eq \"c\"]"}),
        json!({"op": "remove", "path": "codes"}),
        json!({"op": "replace", "path": "codes", "value": []}),
    ] {
        let refused = boxed(&Leniency::STRICT, json!({}), json!([operation]));
        assert_eq!(refused, Err(ScimType::Mutability), "{operation}");
    }
    let exchanged = json!([{"op": "remove", "path": "codes[value eq \"c\"]"},
        {"op": "add", "path": "codes", "value": "d"}]);
    assert_eq!(boxed(&Leniency::STRICT, json!({}), exchanged).unwrap()["codes"], json!(["d"]), "PATCH-036");
}

#[test]
fn patch_022_a_required_relation_is_not_emptied_and_does_not_hinder() {
    let mut document = Schema::group().document().clone();
    for attribute in document["attributes"].as_array_mut().unwrap() {
        if attribute["name"] == "members" {
            attribute["required"] = json!(true);
        }
    }
    let document = Schema::from_json(document).unwrap();
    let group = ResourceType::builder(ResourceTypeDocument::new("Group", "/Groups", urn::GROUP))
        .schema(document.into())
        .relation(Relation::own("members", ["User"]))
        .build()
        .unwrap()
        .into();
    let before = map(json!({"schemas": [urn::GROUP], "displayName": "g", "members": [{"value": "a"}]}));
    let run = |operation: Value| {
        patch_whole(&group, &Leniency::STRICT, &before, &request(json!([operation])))
            .map(|patched| Value::Object(patched.document))
            .map_err(|error| error.scim_type.unwrap())
    };
    assert_eq!(
        run(json!({"op": "replace", "path": "displayName", "value": "h"})).unwrap()["displayName"],
        "h"
    );
    for operation in [
        json!({"op": "remove", "path": "members"}),
        json!({"op": "replace", "path": "members", "value": []}),
        json!({"op": "replace", "value": {"members": null}}),
    ] {
        assert_eq!(run(operation.clone()), Err(ScimType::Mutability), "{operation}");
    }
}

#[test]
fn patch_010_two_spellings_of_one_name_are_refused() {
    let user = |value: Value| user(Leniency::INTEROP, json!({}), json!([{"op": "add", "value": value}]));
    let urn = urn::ENTERPRISE_USER;
    for value in [
        json!({"title": "a", "Title": "b"}),
        json!({"emails": [{"value": "a"}], "EMAILS": null}),
        json!({"userName": "a", (format!("{}:userName", urn::USER)): "b"}),
        json!({urn: {"costCenter": "1", "COSTCENTER": "2"}}),
        json!({urn: {"costCenter": "1"}, (format!("{urn}:costCenter")): "2"}),
        json!({"name.givenName": "a", "name.GivenName": "b"}),
    ] {
        assert_eq!(user(value.clone()), Err(ScimType::InvalidValue), "{value}");
    }
    let both = user(json!({"name": {"givenName": "a"}, "name.familyName": "b"})).unwrap();
    assert_eq!(both["name"], json!({"givenName": "a", "familyName": "b"}));
}

#[test]
fn patch_010_unknown_and_misspelt_names_in_a_value() {
    let strict = Leniency::STRICT;
    let ignore = strict.with_unknown_attributes(UnknownAttributes::Ignore);
    let keep = strict.with_unknown_attributes(UnknownAttributes::Keep);
    let run = |leniency: Leniency, op: &str, before: Value, value: Value| {
        user(leniency, before, json!([{"op": op, "value": value}]))
    };
    for leniency in [strict, Leniency::INTEROP, keep.allow(Quirk::PathKeys), ignore.allow(Quirk::PathKeys)] {
        for key in ["emails[type eq", "emails[]", "shoe[x eq 1]"] {
            let refused = run(leniency, "add", json!({}), json!({key: "x"}));
            assert_eq!(refused, Err(ScimType::InvalidValue), "{key}");
        }
    }
    let unknown = json!({"title": "t", "shoe": 38});
    assert_eq!(run(strict, "add", json!({}), unknown.clone()), Err(ScimType::InvalidValue));
    assert_eq!(run(ignore, "add", json!({}), unknown.clone()).unwrap().get("shoe"), None);
    assert_eq!(run(ignore, "add", json!({}), json!({"name.givenName": "a"})), Err(ScimType::InvalidValue));

    let kept = run(keep, "add", json!({}), unknown).unwrap();
    assert_eq!((&kept["title"], &kept["shoe"]), (&json!("t"), &json!(38)));
    let again = run(keep, "replace", json!({"shoe": 38}), json!({"SHOE": 39})).unwrap();
    assert_eq!((&again["shoe"], again.get("SHOE")), (&json!(39), None), "under the spelling it has");
    let gone = run(keep, "replace", json!({"shoe": 38}), json!({"shoe": null})).unwrap();
    assert_eq!(gone.get("shoe"), None);
    let stays = run(keep, "add", json!({"shoe": 38}), json!({"shoe": null})).unwrap();
    assert_eq!(stays["shoe"], 38);
    assert_eq!(run(keep, "add", json!({}), json!({"shoe": 1, "Shoe": 2})), Err(ScimType::InvalidValue));

    // A PATCH without a path keeps what a body keeps.
    for name in [
        "favourite colour",
        "app.role",
        "_x",
        "a[b",
        "größe",
        "urn:ietf:params:scim:schemas:core:2.0:UserProfile",
    ] {
        let kept = run(keep, "add", json!({}), json!({name: 1})).unwrap();
        assert_eq!(kept[name], 1, "{name}");
        let gone = run(keep, "replace", json!({name: 1}), json!({name: null})).unwrap();
        assert_eq!(gone.get(name), None, "{name}");
    }
    let extension = run(keep, "add", json!({}), json!({"urn:x": {"a": 1}})).unwrap();
    assert_eq!(
        (&extension["urn:x"], &extension["schemas"]),
        (&json!({"a": 1}), &json!([urn::USER, "urn:x"]))
    );
    let within = json!({urn::ENTERPRISE_USER: {"badge": 1, "department": "d"}});
    let within = run(keep, "add", json!({}), within).unwrap();
    assert_eq!(within[urn::ENTERPRISE_USER], json!({"badge": 1, "department": "d"}));
    let part = run(keep, "add", json!({"name": {"nick": "a"}}), json!({"name": {"nick": "b"}})).unwrap();
    assert_eq!(part["name"], json!({"nick": "b"}));
    let at_path = |before: Value, op: &str, path: &str, value: Value| {
        user(keep, before, json!([{"op": op, "path": path, "value": value}]))
    };
    let nick = json!({"name": {"nick": "a", "givenName": "g"}});
    let other = at_path(nick.clone(), "replace", "name", json!({"NICK": "b"})).unwrap();
    assert_eq!(other["name"], json!({"nick": "b", "givenName": "g"}), "names are one in any case");
    let gone = at_path(nick.clone(), "replace", "name", json!({"NICK": null})).unwrap();
    assert_eq!(gone["name"], json!({"givenName": "g"}));
    let twice = at_path(nick, "replace", "name", json!({"NICK": null, "nick": "q"}));
    assert_eq!(twice, Err(ScimType::InvalidValue));
    let email = json!({"emails": [{"value": "a", "x": 1}]});
    let email = at_path(email, "add", "emails[value eq \"a\"]", json!({"X": 2})).unwrap();
    assert_eq!(email["emails"], json!([{"value": "a", "x": 2}]));
}

#[test]
fn row_20_schemas_takes_urns_only() {
    let enterprise = urn::ENTERPRISE_USER;
    let before = json!({"schemas": [urn::USER, enterprise], enterprise: {"department": "d"}});
    let run = |operation: Value| strict(before.clone(), operation);
    for op in ["add", "replace"] {
        for value in [json!([1, {}, urn::USER]), json!({"junk": 1})] {
            let operation = json!({"op": op, "path": "schemas", "value": value});
            assert_eq!(run(operation), Err(ScimType::InvalidValue), "{op}");
            let path = format!("schemas[value eq \"{}\"]", urn::USER);
            let operation = json!({"op": op, "path": path, "value": value});
            assert_eq!(run(operation), Err(ScimType::InvalidValue), "{op}");
        }
    }
    assert_eq!(
        run(json!({"op": "add", "path": "schemas", "value": null})).unwrap()["schemas"],
        before["schemas"]
    );
    let by_value = json!({"op": "remove", "path": "schemas", "value": [enterprise]});
    assert_eq!(run(by_value.clone()), Err(ScimType::InvalidValue), "strictly, a remove takes no value");
    assert_eq!(user(Leniency::INTEROP, before.clone(), json!([by_value])).unwrap().get(enterprise), None);
    let with = |filter: &str| run(json!({"op": "remove", "path": format!("schemas[{filter}]")}));
    assert_eq!(with("value sw \"zzz\"").unwrap()[enterprise], before[enterprise], "the filter decides");
    assert_eq!(with("value co \"extension\"").unwrap().get(enterprise), None);
    assert_eq!(with("value pr"), Err(ScimType::Mutability));
    let keep = Leniency::STRICT.with_unknown_attributes(UnknownAttributes::Keep);
    let kept = json!({"schemas": [urn::USER, "urn:x"], "urn:x": {"a": 1}});
    let gone = json!([{"op": "remove", "path": "schemas", "value": ["URN:X"]}]);
    for (unknown, left) in
        [(UnknownAttributes::Keep, None), (UnknownAttributes::Ignore, Some(&kept["urn:x"]))]
    {
        let leniency = Leniency::INTEROP.with_unknown_attributes(unknown);
        assert_eq!(user(leniency, kept.clone(), gone.clone()).unwrap().get("urn:x"), left);
    }
    assert_eq!(run(json!({"op": "replace", "path": "schemas", "value": null})), Err(ScimType::InvalidValue));
    let whole = json!([{"op": "replace", "value": {"schemas": [urn::USER, "urn:x"], "urn:x": {"a": 2}}}]);
    assert_eq!(user(keep, kept.clone(), whole).unwrap()["urn:x"], json!({"a": 2}));
}

#[test]
fn core_025_primary_false_is_what_it_is_without() {
    let before = json!({"emails": [{"value": "a", "type": "work"}]});
    let again =
        json!({"op": "add", "path": "emails", "value": [{"value": "a", "type": "work", "primary": false}]});
    assert_eq!(strict(before.clone(), again).unwrap()["emails"], before["emails"]);
}

#[test]
fn patch_036_what_a_client_cannot_give_is_not_asked_of_it() {
    let serial = json!({"name": "serial", "required": true, "mutability": "readOnly"});
    let schema = json!({"id": "urn:x", "attributes": [
        {"name": "label"}, serial,
        {"name": "parts", "type": "complex", "multiValued": true, "subAttributes": [{"name": "value"}, serial]},
    ]});
    let thing = crate::laws::one_schema(schema);
    let apply = |operation: Value| {
        let before = map(json!({"schemas": ["urn:x"], "parts": [{"value": "arm"}]}));
        let patched = patch_whole(&thing, &Leniency::STRICT, &before, &request(json!([operation])));
        patched.map(|patched| Value::Object(patched.document))
    };
    let replaced = apply(json!({"op": "replace", "path": "label", "value": "l"})).unwrap();
    assert_eq!(replaced["label"], "l");
    let added = apply(json!({"op": "add", "path": "parts", "value": [{"value": "leg"}]})).unwrap();
    assert_eq!(added["parts"], json!([{"value": "arm"}, {"value": "leg"}]));
}
