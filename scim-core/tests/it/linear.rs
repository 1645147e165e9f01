//! Bodies with 100,000 elements, each made to cause work for every pair of its elements. A quadratic step would happen
//! 10,000 million times, and the test would not end. Unit tests in `members.rs` and `element.rs` count what can be
//! counted.

use scim_core::{Ingested, Lenience, Leniency, Limits, ResourceType, UnknownAttributes, ingest, urn};
use serde_json::{Map, Value, json};

const MANY: usize = 100_000;

fn user(leniency: Leniency, mut body: Value) -> Ingested {
    body["schemas"] = json!([urn::USER]);
    body["userName"] = json!("ada");
    read(leniency, &ResourceType::user(), &body)
}

fn read(leniency: Leniency, resource_type: &ResourceType, body: &Value) -> Ingested {
    let limits = Limits { bytes: usize::MAX, ..Limits::default() };
    ingest(body.to_string().as_bytes(), resource_type, None, &mut Lenience::new(leniency), &limits).unwrap()
}

fn count(read: &Ingested, name: &str) -> usize {
    read.resource.as_map()[name].as_array().map_or(0, Vec::len)
}

#[test]
fn core_026_elements_that_are_nearly_the_same() {
    let elements: Vec<Value> = (0..MANY)
        .map(|at| json!({"display": "the same", "type": "work", "value": (at / 2).to_string()}))
        .collect();
    let read = user(Leniency::STRICT, json!({"emails": elements}));
    assert_eq!(count(&read, "emails"), MANY / 2);
}

#[test]
fn core_025_every_element_primary() {
    let elements: Vec<Value> =
        (0..MANY).map(|at| json!({"primary": true, "value": at.to_string()})).collect();
    let read = user(Leniency::INTEROP, json!({"emails": elements}));
    let elements = read.resource.as_map()["emails"].as_array().unwrap();
    assert_eq!(elements.len(), MANY);
    assert_eq!(elements.iter().filter(|element| element["primary"] == true).count(), 1);
}

#[test]
fn members_by_the_hundred_thousand() {
    let members: Vec<Value> =
        (0..MANY).map(|at| json!({"VALUE": at.to_string(), "$ref": format!("../Users/{at}")})).collect();
    let body = json!({"schemas": [urn::GROUP], "displayName": "all", "members": members});
    assert_eq!(read(Leniency::STRICT, &ResourceType::group(), &body).relations["members"].len(), MANY);
}

#[test]
fn unknown_attributes_by_the_hundred_thousand() {
    let unknown: Map<String, Value> = (0..MANY).map(|at| (format!("unknown{at}"), json!(at))).collect();
    for (policy, left) in [(UnknownAttributes::Ignore, 2), (UnknownAttributes::Keep, MANY + 2)] {
        let leniency = Leniency::INTEROP.with_unknown_attributes(policy);
        let read = user(leniency, unknown.clone().into());
        assert_eq!(read.resource.as_map().len(), left);
    }
    let leniency = Leniency::STRICT.with_unknown_attributes(UnknownAttributes::Keep);
    let read = user(leniency, json!({"name": unknown}));
    assert_eq!(read.resource.as_map()["name"].as_object().unwrap().len(), MANY);
}

#[test]
fn unknown_extensions_by_the_hundred_thousand() {
    let urns: Vec<String> = (0..MANY).map(|at| format!("urn:x:{at}")).collect();
    let mut body: Map<String, Value> = urns.iter().map(|urn| (urn.clone(), json!({"a": 1}))).collect();
    body.insert("userName".into(), "ada".into());
    body.insert(
        "schemas".into(),
        std::iter::once(urn::USER).chain(urns.iter().map(String::as_str)).collect(),
    );
    let keep = Leniency::STRICT.with_unknown_attributes(UnknownAttributes::Keep);
    assert_eq!(count(&read(keep, &ResourceType::user(), &body.clone().into()), "schemas"), MANY + 1);
    assert_eq!(count(&read(Leniency::INTEROP, &ResourceType::user(), &body.into()), "schemas"), 1);
}

#[test]
fn nesting_ends_at_the_limit_and_costs_nothing_twice() {
    let keep = Leniency::INTEROP.with_unknown_attributes(UnknownAttributes::Keep);
    let depth = Limits::default().depth - 1;
    let nested = format!("{}1{}", r#"{"x":["#.repeat(depth / 2), "]}".repeat(depth / 2));
    let body = format!(r#"{{"userName": "ada", "a": {nested}}}"#);
    let read = |body: &str| {
        ingest(body.as_bytes(), &ResourceType::user(), None, &mut Lenience::new(keep), &Limits::default())
    };
    assert!(read(&body).is_ok());
    let deeper = body.replace('1', &"[".repeat(MANY));
    assert!(read(&deeper).unwrap_err().detail.contains("deep"));
}
