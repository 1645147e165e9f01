//! What the quirks of PATCH do beyond the fixtures.

use scim_core::{
    Error, Lenience, Leniency, Quirk, Relation, ResourceType, ResourceTypeDocument, Schema, ScimType, urn,
};
use scim_patch::{PatchErrorKind, PatchRequest, RelationStep};
use serde_json::{Map, Value, json};

use crate::fixtures::{patch, patch_whole};

fn user(leniency: &Leniency, before: Value, operation: Value) -> Result<Value, ScimType> {
    let mut document: Map<String, Value> = Map::new();
    document.insert("schemas".into(), json!([urn::USER, urn::ENTERPRISE_USER]));
    document.insert("userName".into(), json!("ada"));
    document.extend(before.as_object().unwrap().clone());
    let request = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
    patch(&ResourceType::user(), leniency, &document, &request)
        .map(|(mut after, _)| {
            after.retain(|name, _| name != "schemas" && name != "userName");
            Value::Object(after)
        })
        .map_err(|error| error.scim_type.unwrap())
}

fn interop(before: Value, operation: Value) -> Result<Value, ScimType> {
    user(&Leniency::INTEROP, before, operation)
}

#[test]
fn q_16_a_value_path_sees_a_single_value_as_a_list_of_one() {
    let boss = json!({urn::ENTERPRISE_USER: {"manager": {"value": "u9", "$ref": "../Users/u9"}}});
    let at = |op: &str, path: &str, value: Value| {
        let mut operation = json!({"op": op, "path": path});
        if op != "remove" {
            operation["value"] = value;
        }
        interop(boss.clone(), operation).map(|after| after[urn::ENTERPRISE_USER]["manager"].clone())
    };
    let (fits, other) = ("manager[value eq \"u9\"]", "manager[value eq \"u1\"]");
    let stays = json!({"value": "u9", "$ref": "../Users/u9"});
    assert_eq!(at("remove", fits, json!(null)), Ok(Value::Null));
    assert_eq!(at("remove", other, json!(null)), Ok(stays.clone()));
    assert_eq!(at("remove", &format!("{fits}.$ref"), json!(null)), Ok(json!({"value": "u9"})));
    assert_eq!(at("remove", &format!("{other}.$ref"), json!(null)), Ok(stays));
    // A `$ref` that names another resource than the new `value` is dropped.
    let moved = Ok(json!({"value": "u2"}));
    for op in ["add", "replace"] {
        assert_eq!(at(op, &format!("{fits}.value"), json!("u2")), moved);
        assert_eq!(at(op, fits, json!({"value": "u2"})), moved);
        assert_eq!(at(op, fits, json!([{"value": "u2"}])), moved);
        assert_eq!(at(op, &format!("{other}.value"), json!("u2")), Err(ScimType::NoTarget));
        assert_eq!(at(op, other, json!({"value": "u2"})), Err(ScimType::NoTarget));
    }
    let operation = json!({"op": "replace", "path": format!("{other}.value"), "value": "u1"});
    assert_eq!(
        interop(json!({}), operation),
        Ok(json!({urn::ENTERPRISE_USER: {"manager": {"value": "u1"}}}))
    );
    for path in [fits.to_owned(), format!("{fits}.value")] {
        assert_eq!(interop(json!({}), json!({"op": "remove", "path": path})), Ok(json!({})));
    }
}

#[test]
fn q_15_q_34_what_clears_a_complex_attribute() {
    let before = json!({"name": {"familyName": "L"}, urn::ENTERPRISE_USER: {"manager": {"value": "u9"}}});
    let (manager, cleared) =
        (format!("{}:manager", urn::ENTERPRISE_USER), json!({"name": {"familyName": "L"}}));
    for (op, value, clears) in [
        ("replace", json!(""), true),
        ("add", json!(""), true),
        ("replace", json!({"value": ""}), true),
        ("add", json!({"VALUE": ""}), true),
        ("replace", json!([{"value": ""}]), true),
        ("replace", json!(null), true),
        ("add", json!(null), false),
        // RFC 7644 §3.5.2.3: what is not named stays.
        ("replace", json!({}), false),
        ("add", json!({}), false),
        ("replace", json!([]), true),
        ("add", json!([]), false),
        ("replace", json!({"nope": ""}), false),
    ] {
        let after = interop(before.clone(), json!({"op": op, "path": manager, "value": value}));
        assert_eq!(after, Ok(if clears { cleared.clone() } else { before.clone() }), "{op} {value}");
    }
    let null = json!({"op": "add", "path": "name", "value": {"familyName": null, "givenName": "A"}});
    let after = interop(before.clone(), null).unwrap();
    assert_eq!(after["name"], json!({"familyName": "L", "givenName": "A"}), "an added null says nothing");
    let null = json!({"op": "replace", "path": "name", "value": {"familyName": null, "givenName": "A"}});
    assert_eq!(interop(before, null).unwrap()["name"], json!({"givenName": "A"}));
}

#[test]
fn q_5_the_primary_element_else_the_first_else_a_new_one() {
    let two = json!([{"value": "a"}, {"value": "b", "primary": true}]);
    let set = json!({"op": "replace", "path": "emails.value", "value": "x"});
    let after = |emails: Value, operation: &Value| {
        interop(json!({"emails": emails}), operation.clone())
            .map(|after| after.get("emails").cloned().unwrap_or_default())
    };
    assert_eq!(after(two.clone(), &set), Ok(json!([{"value": "a"}, {"value": "x", "primary": true}])));
    assert_eq!(
        after(json!([{"value": "a"}, {"value": "b"}]), &set),
        Ok(json!([{"value": "x"}, {"value": "b"}]))
    );
    assert_eq!(interop(json!({}), set), Ok(json!({"emails": [{"value": "x"}]})));
    // A remove still takes it from each of them.
    let remove = json!({"op": "remove", "path": "emails.value"});
    assert_eq!(
        after(json!([{"value": "a", "display": "A"}, {"value": "b", "display": "B"}]), &remove),
        Ok(json!([{"display": "A"}, {"display": "B"}]))
    );
}

#[test]
fn q_7_what_is_made_may_be_primary() {
    let before = json!({"emails": [{"value": "a", "type": "home", "primary": true}]});
    let path = "emails[type eq \"work\" and primary eq true].value";
    let after = interop(before.clone(), json!({"op": "add", "path": path, "value": "b"})).unwrap();
    assert_eq!(
        after["emails"],
        json!([{"value": "a", "type": "home", "primary": false}, {"value": "b", "type": "work", "primary": true}])
    );
    let two = json!({"emails": [{"value": "a", "primary": true}, {"value": "b"}]});
    for (primary, expected) in [(true, json!([false, true])), (false, json!([true, false]))] {
        let set = json!({"op": "add", "path": "emails[value eq \"b\"]", "value": {"primary": primary}});
        let after = interop(two.clone(), set).unwrap();
        assert_eq!(json!([after["emails"][0]["primary"], after["emails"][1]["primary"]]), expected);
    }
    // A change that does not name `primary` leaves it unchanged.
    let path = "emails[type eq \"home\"]";
    let after = interop(before, json!({"op": "add", "path": path, "value": {"display": "x"}})).unwrap();
    assert_eq!(after["emails"][0]["primary"], true);
}

#[test]
fn q_33_an_element_of_which_only_the_type_is_left_goes() {
    let emails = json!({"emails": [{"value": "a", "type": "work", "primary": true}, {"value": "b"}]});
    let remove = |sub: &str| json!({"op": "remove", "path": format!("emails[type eq \"work\"].{sub}")});
    let left = |leniency: &Leniency, sub: &str| {
        user(leniency, emails.clone(), remove(sub)).unwrap()["emails"][0].clone()
    };
    assert_eq!(left(&Leniency::INTEROP, "value"), json!({"value": "b"}));
    assert_eq!(left(&Leniency::STRICT, "value"), json!({"type": "work", "primary": true}));
    assert_eq!(left(&Leniency::INTEROP, "type"), json!({"value": "a", "primary": true}));
    // It was hollow before, and nothing was removed from it.
    let hollow = json!({"emails": [{"type": "work"}]});
    assert_eq!(interop(hollow.clone(), remove("value")), Ok(hollow));
}

#[test]
fn q_10_q_12_what_names_no_member_removes_nobody() {
    let group =
        json!({"schemas": [urn::GROUP], "displayName": "g", "members": [{"value": "a"}, {"value": "b"}]});
    let members = |value: Value| {
        let request = json!({"schemas": [urn::PATCH_OP], "Operations": [{"op": "remove", "path": "members", "value": value}]});
        let patched =
            patch_whole(&ResourceType::group(), &Leniency::INTEROP, group.as_object().unwrap(), &request)?;
        Ok::<_, Error>((patched.document.get("members").cloned().unwrap_or_default(), patched.changed))
    };
    let both = json!([{"value": "a"}, {"value": "b"}]);
    for value in [json!([]), json!("nobody")] {
        assert_eq!(members(value.clone()).unwrap(), (both.clone(), false), "{value}");
    }
    let hollow = [
        json!([{"value": null}]),
        json!([{}]),
        json!([{"id": "a"}]),
        json!({}),
        json!(""),
        json!(7),
        json!([[]]),
    ];
    for value in hollow {
        assert_eq!(members(value.clone()).unwrap_err().scim_type, Some(ScimType::InvalidValue), "{value}");
    }
    let names = [
        json!("a"),
        json!(["a"]),
        json!({"VALUE": "a"}),
        json!([{"value": "a", "display": "x"}]),
        json!({"members": [{"value": "a"}]}),
        json!([{"$ref": "https://example.com/v2/Users/a"}]),
    ];
    for value in names {
        assert_eq!(members(value.clone()).unwrap(), (json!([{"value": "b"}]), true), "{value}");
    }
}

#[test]
fn q_12_q_49_steps_that_do_nothing_are_left_out() {
    for (operation, steps) in [
        (json!({"op": "add", "path": "members", "value": []}), 0),
        (json!({"op": "remove", "path": "members", "value": []}), 0),
        (json!({"op": "replace", "path": "members", "value": []}), 1),
        (json!({"op": "remove", "path": "members"}), 1),
    ] {
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
        let request = PatchRequest::from_value(body, &mut Lenience::new(Leniency::INTEROP)).unwrap();
        let plan = request.compile(&ResourceType::group(), &mut Lenience::new(Leniency::INTEROP)).unwrap();
        assert_eq!((plan.relations().len(), plan.touches_document()), (steps, false), "{operation}");
        assert!(plan.relations().iter().all(|edit| edit.step == RelationStep::Clear), "{operation}");
    }
}

#[test]
fn q_17_unknown_names_in_a_value_are_passed_over() {
    let operation = |value: Value| json!({"op": "add", "value": value});
    let title = json!({"title": "t"});
    assert_eq!(interop(json!({}), operation(json!({"title": "t", "nope": 1}))), Ok(title.clone()));
    let paths = Leniency::STRICT.allow(Quirk::PathKeys);
    assert_eq!(user(&paths, json!({}), operation(json!({"title": "t", "nope": null}))), Ok(title));
    assert_eq!(user(&paths, json!({}), operation(json!({"nope": 1}))), Err(ScimType::InvalidValue));
}

#[test]
fn row_14_an_extension_as_a_path() {
    let urn = urn::ENTERPRISE_USER;
    let before = json!({urn: {"department": "R&D"}});
    let at = |op: &str, value: Value| {
        user(&Leniency::STRICT, before.clone(), json!({"op": op, "path": urn, "value": value}))
    };
    assert_eq!(at("add", json!(null)), Ok(before.clone()));
    assert_eq!(at("replace", json!(null)), Ok(json!({})));
    assert_eq!(at("remove", json!(null)), Ok(json!({})));
    assert_eq!(
        at("replace", json!({"costCenter": "1"})),
        Ok(json!({urn: {"costCenter": "1", "department": "R&D"}}))
    );
    assert_eq!(at("add", json!("x")), Err(ScimType::InvalidValue));
    assert_eq!(at("add", json!({"nope": 1})), Err(ScimType::InvalidValue));
}

#[test]
fn core_075_a_required_extension_cannot_be_removed() {
    let badge = crate::laws::badges();
    for op in ["remove", "replace"] {
        let operation = json!({"op": op, "path": "urn:needed", "value": null});
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
        let error = PatchRequest::from_value(body, &mut Lenience::strict())
            .unwrap()
            .compile(&badge, &mut Lenience::strict());
        assert!(
            error.is_err_and(|error| error.kind == PatchErrorKind::Required && error.path == "urn:needed"),
            "{op}"
        );
    }
}

#[test]
fn row_9_a_value_path_takes_one_element_alone_or_in_an_array() {
    let before = json!({"emails": [{"value": "a"}]});
    let at = |value: Value| {
        user(
            &Leniency::STRICT,
            before.clone(),
            json!({"op": "replace", "path": "emails[value eq \"a\"]", "value": value}),
        )
    };
    assert_eq!(at(json!([{"value": "b"}])), Ok(json!({"emails": [{"value": "b"}]})));
    assert_eq!(at(json!([{"value": "b"}, {"value": "c"}])), Err(ScimType::InvalidValue));
    assert_eq!(at(json!([])), Err(ScimType::InvalidValue));
}

#[test]
fn srv_029_what_a_plan_writes() {
    let user = ResourceType::user();
    let plan = |operation: Value| {
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
        PatchRequest::from_value(body, &mut Lenience::strict())
            .unwrap()
            .compile(&user, &mut Lenience::strict())
            .unwrap()
    };
    let writes = |operation: Value, path: &str| plan(operation).writes(&user.resolve(path).unwrap());
    let set = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
    let cost_center = format!("{}:costCenter", urn::ENTERPRISE_USER);
    for (operation, path, expected) in [
        (set("title", json!("t")), "title", true),
        (set("title", json!("t")), "nickName", false),
        (set("name.givenName", json!("A")), "name", true),
        (set("name.givenName", json!("A")), "name.givenName", true),
        (set("name.givenName", json!("A")), "name.familyName", false),
        (set("name", json!({"givenName": "A"})), "name.givenName", true),
        (set("name", json!({"givenName": "A"})), "name.familyName", false),
        (set("emails", json!([{"value": "a"}])), "emails.value", true),
        (set("emails", json!([{"value": "a"}])), "emails.type", false),
        (json!({"op": "add", "path": "emails", "value": [{"value": "a"}]}), "emails.value", true),
        (json!({"op": "add", "path": "emails", "value": [{"value": "a"}]}), "phoneNumbers.value", false),
        (json!({"op": "add", "path": "emails", "value": [{"value": "a"}]}), "emails.display", false),
        (set("emails[type eq \"work\"].value", json!("a")), "emails.value", true),
        (set("emails[type eq \"work\"].value", json!("a")), "emails.type", false),
        (set("emails[type eq \"work\"]", json!({"value": "a"})), "emails.value", true),
        (set("emails[type eq \"work\"]", json!({"value": "a"})), "emails.type", false),
        (
            json!({"op": "add", "path": "emails[type eq \"work\"]", "value": {"value": "a"}}),
            "emails.value",
            true,
        ),
        (
            json!({"op": "add", "path": "emails[type eq \"work\"]", "value": {"value": "a"}}),
            "emails.type",
            false,
        ),
        (json!({"op": "remove", "path": "emails[type eq \"work\"]"}), "emails", false),
        (json!({"op": "remove", "path": "title"}), "title", false),
        (set("emails[type eq \"work\"].value", json!("a")), "phoneNumbers.value", false),
        (set("title", json!("t")), "groups", false),
        (json!({"op": "remove", "path": "emails[type eq \"work\"].value"}), "emails.value", false),
        (set(&cost_center, json!("1")), &cost_center, true),
        (set(&cost_center, json!("1")), "title", false),
        (json!({"op": "remove", "path": urn::ENTERPRISE_USER}), &cost_center, false),
    ] {
        assert_eq!(writes(operation.clone(), path), expected, "{operation} {path}");
        assert!(plan(operation).touches_document());
    }
}

#[test]
fn srv_029_what_a_plan_writes_of_links() {
    let group = ResourceType::group();
    let body = json!({"schemas": [urn::PATCH_OP], "Operations": [
        {"op": "add", "path": "members", "value": [{"value": "a"}]}]});
    let request = PatchRequest::from_value(body, &mut Lenience::strict()).unwrap();
    let plan = request.compile(&group, &mut Lenience::strict()).unwrap();
    for (path, written) in [("members", true), ("members.value", true), ("displayName", false)] {
        assert_eq!(plan.writes(&group.resolve(path).unwrap()), written, "{path}");
    }
}

#[test]
fn q_68_steps_of_one_kind_on_one_relation_are_joined() {
    let schema = json!({"id": "urn:t", "attributes": [
        {"name": "leads", "type": "complex", "multiValued": true, "subAttributes": [{"name": "value"}]},
        {"name": "staff", "type": "complex", "multiValued": true, "subAttributes": [{"name": "value"}]}]});
    let document = ResourceTypeDocument::new("Team", "/Teams", "urn:t");
    let team = ResourceType::builder(document)
        .schema(Schema::from_json(schema).unwrap().into())
        .relation(Relation::own("leads", ["User"]))
        .relation(Relation::own("staff", ["User"]))
        .build()
        .unwrap();
    let team = std::sync::Arc::new(team);
    let add = |relation: &str, id: &str| json!({"op": "add", "path": relation, "value": [{"value": id}]});
    let remove =
        |relation: &str, id: &str| json!({"op": "remove", "path": format!("{relation}[value eq \"{id}\"]")});
    let clear = || json!({"op": "remove", "path": "staff"});
    let steps = |operations: Value| {
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": operations});
        let request = PatchRequest::from_value(body, &mut Lenience::strict()).unwrap();
        request.compile(&team, &mut Lenience::strict()).unwrap().to_string()
    };
    let added = |relation: &str, ids: &str| format!("add to `{relation}`, unless there already, {ids}");
    assert_eq!(steps(json!([add("staff", "a"), add("staff", "b")])), added("staff", "`a`, `b`"));
    assert_eq!(
        steps(json!([add("staff", "a"), add("leads", "b")])),
        format!("{}\n{}", added("staff", "`a`"), added("leads", "`b`"))
    );
    assert_eq!(steps(json!([remove("staff", "a"), remove("staff", "b")])), "remove from `staff` `a`, `b`");
    assert_eq!(steps(json!([remove("staff", "a"), clear()])), "remove all `staff`");
    assert_eq!(
        steps(json!([remove("staff", "a"), add("staff", "a")])),
        format!("remove from `staff` `a`\n{}", added("staff", "`a`"))
    );
    assert_eq!(
        steps(json!([clear(), add("staff", "a")])),
        format!("remove all `staff`\n{}", added("staff", "`a`"))
    );
}

#[test]
fn q_7_what_is_made_is_canonical_and_never_read_only() {
    let schema = json!({"id": "urn:b", "attributes": [{"name": "boxes", "type": "complex", "multiValued": true,
        "subAttributes": [{"name": "value"}, {"name": "note"}, {"name": "tags", "multiValued": true},
            {"name": "weight", "mutability": "readOnly"}]}]});
    let boxes = crate::laws::one_schema(schema);
    let before = json!({"schemas": ["urn:b"]}).as_object().unwrap().clone();
    let run = |filter: &str| {
        let operation = json!({"op": "add", "path": format!("boxes[{filter}].note"), "value": "n"});
        let request = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
        patch(&boxes, &Leniency::INTEROP, &before, &request)
            .map(|(after, _)| after["boxes"].clone())
            .map_err(|error| error.scim_type.unwrap())
    };
    assert_eq!(run("value eq \"a\""), Ok(json!([{"value": "a", "note": "n"}])));
    assert_eq!(run("tags eq \"a\""), Ok(json!([{"tags": ["a"], "note": "n"}])), "a list is a list");
    for filter in ["weight eq \"9\"", "value eq \"a\" and weight eq \"9\""] {
        assert_eq!(run(filter), Err(ScimType::NoTarget), "{filter}");
    }
}

#[test]
fn q_10_everything_that_a_value_names_has_to_agree() {
    let (work, home) =
        (json!({"value": "a", "type": "work"}), json!({"value": "a", "type": "home", "primary": true}));
    let before = json!({"emails": [work, home]});
    let left = |value: Value| {
        let operation = json!({"op": "remove", "path": "emails", "value": value});
        interop(before.clone(), operation).unwrap().get("emails").cloned().unwrap_or_default()
    };
    assert_eq!(left(json!([{"value": "a", "type": "work"}])), json!([home]));
    assert_eq!(
        left(json!([{"value": "A", "type": "Work"}])),
        json!([home]),
        "letters are folded as in a filter"
    );
    assert_eq!(left(json!([{"value": "a", "type": "other"}])), before["emails"]);
    assert_eq!(left(json!([{"value": "a"}])), Value::Null);
    // Next to a `value`, `display` and `primary` are ignored.
    assert_eq!(
        left(json!([{"value": "a", "type": "home", "display": "x", "primary": false}])),
        json!([work])
    );
    assert_eq!(left(json!([{"primary": true}])), json!([work]));
    assert_eq!(left(json!([{"value": "a", "type": null}])), Value::Null, "null names nothing");
}

#[test]
fn q_5_what_one_operation_says_of_a_value_is_done_at_once() {
    let urn = urn::ENTERPRISE_USER;
    let before = json!({urn: {"manager": {"value": "u9", "$ref": "../Users/u9"}}});
    for key in ["manager.$ref", "MANAGER.$REF"] {
        let value = json!({format!("{urn}:{key}"): "../Users/x", urn: {"manager": {"value": "u2"}}});
        let after = interop(before.clone(), json!({"op": "add", "value": value})).unwrap();
        assert_eq!(after[urn]["manager"], json!({"value": "u2", "$ref": "../Users/x"}), "{key}");
        let undone = json!({format!("{urn}:{key}"): "../Users/x", urn: {"manager": {"value": ""}}});
        let operation = json!({"op": "add", "value": undone});
        assert_eq!(interop(before.clone(), operation), Err(ScimType::InvalidValue), "{key}");
    }
}

#[test]
fn q_15_an_empty_value_clears_the_manager_where_nothing_else_is_said() {
    let boss = json!({urn::ENTERPRISE_USER: {"manager": {"value": "u9", "$ref": "../Users/u9"}}});
    let path = format!("{}:manager", urn::ENTERPRISE_USER);
    for op in ["add", "replace"] {
        for (path, value) in [
            (path.clone(), json!({"value": "", "$ref": ""})),
            (path.clone(), json!({"value": "", "displayName": "x"})),
            (path.clone(), json!([{"value": "", "$ref": null}])),
            (format!("{path}.value"), json!("")),
        ] {
            let operation = json!({"op": op, "path": path, "value": value});
            assert_eq!(interop(boss.clone(), operation.clone()), Ok(json!({})), "{operation}");
        }
        let operation = json!({"op": op, "path": path, "value": {"value": "", "$ref": "../Users/u1"}});
        let left = json!({urn::ENTERPRISE_USER: {"manager": {"$ref": "../Users/u1"}}});
        assert_eq!(interop(boss.clone(), operation.clone()), Ok(left), "{operation}");
    }
    let operation = json!({"op": "replace", "path": path, "value": {"value": "", "displayName": "x"}});
    let request = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
    let mut lenience = Lenience::new(Leniency::INTEROP);
    let request = PatchRequest::from_value(request, &mut lenience).unwrap();
    request.compile(&ResourceType::user(), &mut lenience).unwrap();
    assert_eq!(lenience.passed_over().names().collect::<Vec<_>>(), [format!("{path}.displayName")]);
}

#[test]
fn an_empty_list_below_its_own_name_clears_as_it_does_without() {
    let boss = json!({urn::ENTERPRISE_USER: {"manager": {"value": "u9"}}});
    for value in [json!({"emails": []}), json!({"EMAILS": []})] {
        let before = json!({"emails": [{"value": "a"}]});
        let operation = json!({"op": "replace", "path": "emails", "value": value});
        assert_eq!(interop(before, operation), Ok(json!({})));
    }
    let path = format!("{}:manager", urn::ENTERPRISE_USER);
    let operation = json!({"op": "replace", "path": path, "value": {"value": []}});
    assert_eq!(interop(boss, operation), Ok(json!({})), "by another quirk");
}

#[test]
fn row_14_an_extension_is_cleared_as_a_complex_attribute_is() {
    let before = json!({urn::ENTERPRISE_USER: {"department": "R&D"}});
    for (op, value, left) in [
        ("replace", json!({}), before.clone()),
        ("replace", json!(null), json!({})),
        ("add", json!({}), before.clone()),
        ("add", json!(null), before.clone()),
    ] {
        let operation = json!({"op": op, "path": urn::ENTERPRISE_USER, "value": value});
        assert_eq!(interop(before.clone(), operation.clone()), Ok(left), "{operation}");
    }
}

#[test]
fn q_7_only_a_sub_attribute_makes_an_element_and_what_is_made_fits_the_filter() {
    let home = json!({"value": "z", "type": "home", "primary": true});
    let made = |op: &str, path: &str, value: Value| {
        let operation = json!({"op": op, "path": path, "value": value});
        interop(json!({"emails": [home]}), operation).map(|after| after["emails"].clone())
    };
    let work = "emails[type eq \"work\"]";
    for op in ["add", "replace"] {
        assert_eq!(
            made(op, &format!("{work}.value"), json!("a")),
            Ok(json!([home, {"value": "a", "type": "work"}]))
        );
        for value in
            [json!({"value": "a"}), json!({"value": "a", "type": "work"}), json!([{"type": "other"}])]
        {
            assert_eq!(made(op, work, value.clone()), Err(ScimType::NoTarget), "{value}");
        }
        assert_eq!(made(op, &format!("{work}.type"), json!("other")), Err(ScimType::NoTarget));
        let primary = "emails[type eq \"work\" and primary eq true].primary";
        assert_eq!(made(op, primary, json!(false)), Err(ScimType::NoTarget));
    }
    let request = PatchRequest::new().replace("emails[type eq \"work\"].value", "a");
    for (leniency, makes) in [(Leniency::INTEROP, true), (Leniency::STRICT, false)] {
        let mut lenience = Lenience::new(leniency);
        request.clone().compile(&ResourceType::user(), &mut lenience).unwrap();
        assert_eq!(lenience.used().contains(Quirk::ValuePathCreate), makes);
    }
}

#[test]
fn srv_029_removing_links_gives_no_value() {
    let members = ResourceType::group().resolve("members").unwrap();
    for operation in [
        json!({"op": "remove", "path": "members"}),
        json!({"op": "remove", "path": "members[value eq \"x\"]"}),
        json!({"op": "remove", "path": "members[value sw \"x\"]"}),
        json!({"op": "replace", "path": "members", "value": []}),
    ] {
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
        let request = PatchRequest::from_value(body, &mut Lenience::strict()).unwrap();
        let plan = request.compile(&ResourceType::group(), &mut Lenience::strict()).unwrap();
        assert!(!plan.writes(&members), "{operation}");
    }
}

#[test]
fn q_10_values_agree_as_a_filter_compares_them() {
    let schema = json!({"id": "urn:t", "attributes": [
        {"name": "numbers", "type": "decimal", "multiValued": true},
        {"name": "times", "type": "dateTime", "multiValued": true},
        {"name": "codes", "multiValued": true, "caseExact": true},
        {"name": "boxes", "type": "complex", "multiValued": true,
         "subAttributes": [{"name": "label"}, {"name": "tags", "multiValued": true}]}]});
    let things = crate::laws::one_schema(schema);
    let left = |name: &str, stored: Value, value: Value| {
        let before = json!({"schemas": ["urn:t"], name: stored}).as_object().unwrap().clone();
        let operation = json!({"op": "remove", "path": name, "value": value});
        let request = json!({"schemas": [urn::PATCH_OP], "Operations": [operation]});
        patch(&things, &Leniency::INTEROP, &before, &request).unwrap().0.get(name).cloned()
    };
    assert_eq!(left("numbers", json!([1.0, 2]), json!([1])), Some(json!([2])));
    let times = json!(["2024-01-01T00:00:00Z"]);
    assert_eq!(left("times", times, json!(["2024-01-01T01:00:00+01:00"])), None);
    assert_eq!(left("codes", json!(["a", "A"]), json!(["A"])), Some(json!(["a"])));
    assert_eq!(left("boxes", json!([{"tags": ["a", "b"]}]), json!([{"tags": ["B", "a"]}])), None);
    let other = json!([{"tags": ["a", "b"]}]);
    assert_eq!(left("boxes", other.clone(), json!([{"tags": ["a"]}])), Some(other));
}

#[test]
fn row_5_what_null_and_empty_do_not_clear() {
    let name = |name: Value| json!({"name": name});
    let replace = |path: &str, value: Value| json!({"op": "replace", "path": path, "value": value});
    let after =
        interop(name(json!({"givenName": "a"})), replace("name", json!({"value": "", "givenName": "b"})));
    assert_eq!(after, Ok(name(json!({"givenName": "b"}))), "Q-15: a name has no `value` to be empty");
    let after = interop(name(json!({"nick": "n"})), replace("name", json!({"nick": null, "givenName": "b"})));
    assert_eq!(
        after,
        Ok(name(json!({"nick": "n", "givenName": "b"}))),
        "what nobody knows is not the client's"
    );
    let manager = |manager: Value| json!({urn::ENTERPRISE_USER: {"manager": manager}});
    let path = format!("{}:manager", urn::ENTERPRISE_USER);
    let before = manager(json!({"value": "u1", "displayName": "Boss"}));
    let after = interop(before, replace(&path, json!({"value": "u2", "displayName": null})));
    assert_eq!(after, Ok(manager(json!({"value": "u2", "displayName": "Boss"}))), "row 15");
    let crates = crate::laws::one_schema(json!({"id": "urn:c", "attributes": [
        {"name": "crate", "type": "complex", "subAttributes": [{"name": "label", "required": true}, {"name": "note"}]}]}));
    let before = json!({"schemas": ["urn:c"], "crate": {"label": "l"}}).as_object().unwrap().clone();
    let request =
        json!({"schemas": [urn::PATCH_OP], "Operations": [replace("crate", json!({"label": null}))]});
    let refused = patch(&crates, &Leniency::STRICT, &before, &request).unwrap_err();
    assert_eq!(refused.scim_type, Some(ScimType::Mutability), "PATCH-022");
}

#[test]
fn row_2_no_member_of_a_value_undoes_what_another_one_says() {
    let before = json!({"name": {"familyName": "L", "givenName": "A"}, "emails": [{"value": "a", "type": "work"}],
        urn::ENTERPRISE_USER: {"department": "d", "manager": {"value": "u9"}}});
    let upper = urn::ENTERPRISE_USER.to_uppercase();
    let work = "emails[type eq \"work\"].value";
    for value in [
        json!({"department": "x", urn::ENTERPRISE_USER: null}),
        json!({(format!("{upper}:department")): "x", urn::ENTERPRISE_USER: null}),
        json!({upper.clone(): {"department": "x"}, urn::ENTERPRISE_USER: null}),
        json!({"name": {"givenName": "x"}, "name.givenName": "y"}),
        json!({"NAME.givenName": "x", "name": {"givenName": "y"}}),
        json!({"NAME.givenName": "x", "name": null}),
        json!({"MANAGER.value": "x", urn::ENTERPRISE_USER: {"manager": null}}),
        json!({"EMAILS[type eq \"work\"].value": "x", "emails": [{"value": "y"}]}),
        json!({"EMAILS[type eq \"work\"].value": "x", work: "y"}),
    ] {
        let refused = interop(before.clone(), json!({"op": "replace", "value": value}));
        assert_eq!(refused, Err(ScimType::InvalidValue), "{value}");
    }
    let strict = json!({"op": "replace", "value": {upper: {"department": "x"}, urn::ENTERPRISE_USER: null}});
    assert_eq!(user(&Leniency::STRICT, before.clone(), strict), Err(ScimType::InvalidValue));
    for value in [
        json!({"name": {"givenName": "x"}, "name.familyName": "y"}),
        json!({"name.givenName": "x", "name.familyName": "y", work: "z", "emails[type eq \"work\"].display": "Z"}),
        json!({"department": "x", urn::ENTERPRISE_USER: {"manager": null}}),
    ] {
        let taken = interop(before.clone(), json!({"op": "replace", "value": value}));
        assert!(taken.is_ok(), "{value}: {taken:?}");
    }
}

#[test]
fn q_38_a_remove_that_is_not_understood_takes_nothing_away() {
    let before = json!({"title": "t", "emails": [{"value": "a", "type": "work"}, {"value": "b"}]});
    let remove = |path: &str, name: &str| {
        interop(before.clone(), json!({"op": "remove", "path": path, name: [{"value": "a"}]}))
    };
    for path in ["emails", "emails.value"] {
        assert_eq!(remove(path, "values"), Err(ScimType::InvalidValue), "{path}");
    }
    assert_eq!(remove("emails.value", "value"), Err(ScimType::InvalidValue), "which of them?");
    let rest = json!({"title": "t", "emails": [{"value": "b"}]});
    assert_eq!(remove("emails", "VALUE"), Ok(rest.clone()));
    assert_eq!(remove("emails[value eq \"a\"]", "values"), Ok(rest));
    assert_eq!(remove("title", "values"), Ok(json!({"emails": before["emails"]})));
    let members = json!({"schemas": [urn::PATCH_OP], "Operations": [
        {"op": "remove", "path": "members", "values": [{"value": "u1"}]}]});
    let mut lenience = Lenience::new(Leniency::INTEROP);
    let refused = PatchRequest::from_value(members, &mut lenience)
        .unwrap()
        .compile(&ResourceType::group(), &mut lenience);
    assert!(refused.is_err());
}

#[test]
fn a_reference_stays_where_only_its_value_is_removed() {
    let boss = json!({urn::ENTERPRISE_USER: {"manager": {"value": "u9", "$ref": "../Users/u9"}}});
    let left = json!({urn::ENTERPRISE_USER: {"manager": {"$ref": "../Users/u9"}}});
    let path = format!("{}:manager", urn::ENTERPRISE_USER);
    for operation in [
        json!({"op": "remove", "path": format!("{path}.value")}),
        json!({"op": "replace", "path": path, "value": {"value": null}}),
    ] {
        assert_eq!(user(&Leniency::STRICT, boss.clone(), operation.clone()), Ok(left.clone()), "{operation}");
    }
}
