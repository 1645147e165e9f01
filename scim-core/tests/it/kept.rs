//! `UnknownAttributes::Keep`.

use scim_core::{
    Error, Ingested, Lenience, Leniency, Limits, Meta, Projection, Representation, ResourceType, Timestamp,
    UnknownAttributes, ingest, ingest_value, urn,
};
use serde_json::{Value, json};

const KEEP: Leniency = Leniency::STRICT.with_unknown_attributes(UnknownAttributes::Keep);
const EXTENSION: &str = "urn:x-example:schemas:badge";

fn read(leniency: &Leniency, body: &Value) -> Result<Ingested, Error> {
    ingest(
        body.to_string().as_bytes(),
        &ResourceType::user(),
        None,
        &mut Lenience::new(*leniency),
        &Limits::default(),
    )
}

fn body() -> Value {
    json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER, EXTENSION],
        "userName": "ada",
        "shoeSize": {"left": 38, "right": [null, 39]},
        "name": {"givenName": "Ada", "spelling": "A-d-a"},
        "emails": [{"value": "a@x", "verified": true}],
        urn::ENTERPRISE_USER: {"department": "R&D", "desk": "4.12"},
        EXTENSION: {"number": 7},
    })
}

fn render(attributes: &[&str], excluded: &[&str]) -> Value {
    let resource_type = ResourceType::user();
    serde_json::to_value(Representation {
        resource_type: &resource_type,
        id: "1",
        resource: &read(&KEEP, &body()).unwrap().resource,
        meta: &Meta::new("User", Timestamp::default(), Timestamp::default(), "/Users/1", "W/\"1\""),
        computed: &[],
        projection: &Projection::new(&resource_type, attributes, excluded).unwrap(),
    })
    .unwrap()
}

#[test]
fn unknown_attributes_are_kept_as_they_were_sent() {
    let mut lenience = Lenience::new(KEEP);
    let read = ingest_value(body(), &ResourceType::user(), None, &mut lenience).unwrap();
    assert_eq!(Value::Object(read.resource.into_map()), body());
    assert!(lenience.used().is_empty() && lenience.passed_over().is_empty());
}

#[test]
fn unknown_attributes_are_refused_or_left_out_by_the_other_policies() {
    let strict = read(&Leniency::STRICT, &body()).unwrap_err();
    assert!(strict.detail.contains('`'), "{strict}");
    let rest = read(&Leniency::INTEROP, &body()).unwrap().resource;
    assert_eq!(
        Value::Object(rest.into_map()),
        json!({
            "schemas": [urn::USER, urn::ENTERPRISE_USER],
            "userName": "ada",
            "name": {"givenName": "Ada"},
            "emails": [{"value": "a@x"}],
            urn::ENTERPRISE_USER: {"department": "R&D"},
        })
    );
}

#[test]
fn an_extension_no_schema_describes_is_named_in_schemas() {
    let mut silent = body();
    silent["schemas"] = json!([urn::USER, urn::ENTERPRISE_USER]);
    assert!(read(&KEEP, &silent).is_err());
    let inferring = Leniency::INTEROP.with_unknown_attributes(UnknownAttributes::Keep);
    let read = read(&inferring, &silent).unwrap();
    assert_eq!(read.resource.as_map()["schemas"], body()["schemas"]);
}

#[test]
fn core_030_kept_attributes_without_a_value_are_unassigned() {
    let empty =
        json!({"schemas": [urn::USER], "userName": "a", "x": null, "y": [], "z": {}, "name": {"q": []}});
    assert_eq!(read(&KEEP, &empty).unwrap().resource.as_map().len(), 2);
}

#[test]
fn kept_names_that_differ_only_in_case_are_refused() {
    for twice in [
        json!({"schemas": [urn::USER], "userName": "a", "x": 1, "X": 2}),
        json!({"schemas": [urn::USER], "userName": "a", "name": {"x": 1, "X": 2}}),
    ] {
        assert!(read(&KEEP, &twice).unwrap_err().detail.contains("twice"));
    }
}

#[test]
fn kept_attributes_count_against_the_limits() {
    let limits = Limits { elements: 16, ..Limits::default() };
    let body = json!({"userName": "a", "x": vec![0; 16]}).to_string();
    let error =
        ingest(body.as_bytes(), &ResourceType::user(), None, &mut Lenience::new(KEEP), &limits).unwrap_err();
    assert!(error.detail.contains("too many"), "{error}");
}

#[test]
fn srv_024_kept_attributes_are_returned() {
    let mut all = render(&[], &[]);
    let shown = all.as_object_mut().unwrap();
    assert!(shown.remove("id").is_some() && shown.remove("meta").is_some());
    assert_eq!(all, body());
}

#[test]
fn srv_025_kept_attributes_are_returned_when_named() {
    let nested = format!("{}:desk", urn::ENTERPRISE_USER);
    let named = render(&["SHOESIZE", "emails.Verified", &nested, EXTENSION], &[]);
    assert_eq!(
        named,
        json!({
            "schemas": body()["schemas"], "id": "1",
            "shoeSize": {"left": 38, "right": [null, 39]},
            "emails": [{"verified": true}],
            urn::ENTERPRISE_USER: {"desk": "4.12"},
            EXTENSION: {"number": 7},
        })
    );
    let others = render(&["userName", "name.givenName"], &[]);
    assert_eq!(others.as_object().unwrap().len(), 4);
    assert_eq!(others["name"], json!({"givenName": "Ada"}));
    assert_eq!(render(&["name"], &[])["name"], body()["name"]);
}

#[test]
fn srv_026_kept_attributes_are_excluded_when_named() {
    let nested = format!("{}:desk", urn::ENTERPRISE_USER);
    let rest = render(&[], &["shoeSize", "NAME.spelling", "emails.value", &nested, EXTENSION]);
    assert!(rest.get("shoeSize").is_none() && rest.get(EXTENSION).is_none());
    assert_eq!(rest["name"], json!({"givenName": "Ada"}));
    assert_eq!(rest["emails"], json!([{"verified": true}]));
    assert_eq!(rest[urn::ENTERPRISE_USER], json!({"department": "R&D"}));
    assert!(render(&[], &[urn::ENTERPRISE_USER]).get(urn::ENTERPRISE_USER).is_none());
}
