//! What `diff` writes, case by case. That the result is right is a law in `sequences`.

use scim_core::{Lenience, Leniency, Limits, Reference, Resource, ResourceType, UnknownAttributes, urn};
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
    assert_eq!(
        written(both(), emails(json!([{"type": "work"}, home]))),
        json!([replace("emails[type eq \"work\"]", json!({"type": "work"}))]),
        "Q-33: what only has a type is dropped by some where a value is removed"
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
        let requests = diff_relation("members", &links(from), &links(to), chunk);
        let operations = |request: &PatchRequest| serde_json::to_value(request.operations()).unwrap();
        requests.iter().map(operations).collect::<Value>()
    };
    assert_eq!(written(&["a", "b"], &["b", "a", "a"], 10), json!([]));
    let add = |ids: &[&str]| {
        let value: Value = ids.iter().map(|id| json!({"value": id})).collect();
        json!({"op": "add", "path": "members", "value": value})
    };
    assert_eq!(
        written(&["a", "b", "c"], &["c", "d", "e"], 1),
        json!([
            [remove("members[value eq \"a\"]")],
            [remove("members[value eq \"b\"]")],
            [add(&["d"])],
            [add(&["e"])],
        ])
    );
    assert_eq!(
        written(&["a", "b"], &["d", "e"], 3),
        json!([[remove("members[value eq \"a\" or value eq \"b\"]"), add(&["d"])], [add(&["e"])]])
    );
    assert_eq!(written(&[], &["a", "b"], 0).as_array().unwrap().len(), 2);
    let named = Reference::from_element(&json!({"value": "a", "type": "User", "display": "A"})).unwrap();
    let requests = diff_relation("members", &[], &[named], 1);
    let value = requests[0].operations()[0].value.clone();
    assert_eq!(value, Some(json!([{"value": "a", "type": "User", "display": "A"}])), "nothing is lost");
}

#[test]
fn q_53_many_links_stay_within_what_a_service_provider_parses() {
    let links: Vec<Reference> = (0..5_000).map(|at| Reference::new(format!("id-{at}"))).collect();
    let requests = diff_relation("members", &links, &[], usize::MAX);
    assert_eq!(requests.len(), 5);
    for request in requests {
        let body = serde_json::to_vec(&request).unwrap();
        let request = PatchRequest::parse(&body, &mut Lenience::strict(), &Limits::default()).unwrap();
        assert!(request.compile(&ResourceType::group(), &mut Lenience::strict()).is_ok());
    }
}

#[test]
fn elements_are_named_by_type_or_value_or_both() {
    let emails = |emails: Value| json!({"emails": emails});
    let both =
        || emails(json!([{"value": "a", "type": "work"}, {"value": "b", "type": "work"}, {"value": "a"}]));
    assert_eq!(
        written(both(), emails(json!([{"value": "b", "type": "work"}, {"value": "a"}]))),
        json!([remove("emails[type eq \"work\" and value eq \"a\"]")])
    );
    assert_eq!(
        written(both(), emails(json!([{"value": "a", "type": "work"}, {"value": "a"}]))),
        json!([remove("emails[value eq \"b\"]")])
    );
    let one = |element: Value| emails(json!([element, {"value": "b", "type": "home"}]));
    let work = json!({"value": "a", "type": "work", "display": "A"});
    let moved = json!({"value": "c", "type": "work", "display": "C"});
    assert_eq!(
        written(one(work), one(moved.clone())),
        json!([replace("emails[type eq \"work\"]", moved)]),
        "what changes in several sub-attributes is one operation"
    );
}

#[test]
fn many_elements_are_compared_in_linear_time_and_replaced_with_their_list() {
    let emails = |what: &str| -> Value {
        let all: Value = (0..20_000).map(|at| json!({"value": format!("{what}{at}")})).collect();
        json!({"emails": all})
    };
    let operations = written(emails("a"), emails("b"));
    assert_eq!(operations.as_array().unwrap().len(), 1);
    assert_eq!(operations[0]["path"], "emails");
    let first = |from: usize| -> Value {
        let all: Value = (from..200).map(|at| json!({"value": format!("a{at}")})).collect();
        json!({"emails": all})
    };
    assert_eq!(written(first(0), first(64)).as_array().unwrap().len(), 64, "one by one");
    assert_eq!(written(first(0), first(65)).as_array().unwrap().len(), 1, "the list");
}

#[test]
fn simple_elements_are_named_by_their_value() {
    let words = crate::laws::one_schema(
        json!({"id": "urn:w", "attributes": [{"name": "words", "multiValued": true}]}),
    );
    let thing = |words: &[&str]| {
        Resource::from_canonical(json!({"schemas": ["urn:w"], "words": words}).as_object().unwrap().clone())
    };
    let operations = diff(&words, &thing(&["a", "b", "c"]), &thing(&["a", "c", "d"]));
    assert_eq!(
        serde_json::to_value(operations.operations()).unwrap(),
        json!([remove("words[value eq \"b\"]"), {"op": "add", "path": "words", "value": ["d"]}])
    );
}

/// No path leads to an attribute that no schema knows. Read-only attributes belong to the service provider.
#[test]
fn unknown_and_read_only_attributes() {
    let keep = Leniency::STRICT.with_unknown_attributes(UnknownAttributes::Keep);
    let urn = urn::ENTERPRISE_USER;
    let resource = |json: Value| Resource::from_canonical(json.as_object().unwrap().clone());
    let from = resource(json!({"schemas": [urn::USER, urn], "userName": "ada", "shoe": 38, "hat": {"a": 1},
        "name": {"familyName": "L", "nick": "A", "old": "x"}, "emails": [{"value": "a", "x": 1}],
        urn: {"badge": 1, "manager": {"value": "u1", "displayName": "B"}}}));
    let to = resource(
        json!({"schemas": [urn::USER, urn, "urn:x"], "userName": "ada", "shoe": 39, "urn:x": {"a": 1},
        "name": {"familyName": "M", "nick": "B"}, "emails": [{"value": "a", "x": 2}],
        urn: {"badge": 2, "manager": {"displayName": "B"}}}),
    );
    let request = diff(&ResourceType::user(), &from, &to);
    let mut patched = from.clone();
    let plan = request.compile(&ResourceType::user(), &mut Lenience::new(keep)).unwrap();
    plan.apply(&mut patched).unwrap();
    let mut patched = patched.into_map();
    let sorted = |value: &Value| {
        let mut urns: Vec<String> = value.as_array().unwrap().iter().map(Value::to_string).collect();
        urns.sort();
        urns
    };
    assert_eq!(sorted(&patched["schemas"]), sorted(&to.as_map()["schemas"]));
    patched.insert("schemas".into(), to.as_map()["schemas"].clone());
    assert_eq!(&patched, to.as_map());
    let renamed = resource(json!({"schemas": [urn::USER], "userName": "ada", "Shoe": 38}));
    let same = resource(json!({"schemas": [urn::USER], "userName": "ada", "shoe": 38}));
    assert!(diff(&ResourceType::user(), &renamed, &same).is_empty(), "names are one in any case");
    let gone = resource(json!({"schemas": [urn::USER], "userName": "ada"}));
    let request = diff(&ResourceType::user(), &from, &gone);
    assert!(request.operations().iter().any(|operation| operation.path.as_deref() == Some(urn)));
}

#[test]
fn row_15_read_only_parts_of_elements_are_left_out_and_stay() {
    let pins = crate::laws::one_schema(json!({"id": "urn:p", "attributes": [
        {"name": "pins", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value"}, {"name": "note"}, {"name": "seen", "mutability": "readOnly"}]}]}));
    let thing = |pins: &Value| {
        let json = json!({"schemas": ["urn:p"], "pins": pins});
        Resource::from_canonical(json.as_object().unwrap().clone())
    };
    for (from, to) in [
        (json!([{"seen": "1"}, {"value": "a", "note": "a"}]), json!([{"seen": "1"}])),
        (
            json!([{"seen": "1", "value": "x", "note": "d"}, {"value": "a"}]),
            json!([{"value": "a"}, {"seen": "1", "value": "x", "note": "e"}]),
        ),
        (json!([{"seen": "1", "value": "x"}]), json!([{"seen": "1", "value": "x", "note": "e"}])),
    ] {
        let request = diff(&pins, &thing(&from), &thing(&to));
        let mut patched = thing(&from);
        request.clone().compile(&pins, &mut Lenience::strict()).unwrap().apply(&mut patched).unwrap();
        assert_eq!(patched, thing(&to), "{}", serde_json::to_string(&request).unwrap());
    }
}
