//! What must hold for any bytes, one function for each fuzz target. If it does not, the function panics.

mod bulk;
mod cursor;
mod requests;
mod route;
mod served;

pub use bulk::bulk;
pub use cursor::cursor;
pub use requests::requests;
pub use route::route;

use std::cmp::Ordering;
use std::str;
use std::sync::Arc;

use scim_core::{
    DateTime, Ingested, Lenience, Leniency, Limits, Meta, Projection, Quirk, Reference, Representation,
    Resource, ResourceType, Timestamp, UnknownAttributes, ingest as read, urn,
};
use scim_filter::{BoundPath, Entry, Filter, Path};
use scim_patch::{Changed, PatchRequest};
use serde_json::{Map, Value, json};

const VERSION: &str = "W/\"1\"";

/// The leniency that everything written must satisfy: strict, except that a reference that is not a URI is kept.
const WRITTEN: Leniency = Leniency::STRICT.allow(Quirk::NonUriReference);

const LENIENCIES: [Leniency; 2] = [Leniency::STRICT, Leniency::INTEROP];

/// Checks that what is read as a resource is canonical: written and read again strictly, it is equal.
pub fn ingest(data: &[u8]) {
    let keep = Leniency::INTEROP.with_unknown_attributes(UnknownAttributes::Keep);
    for (resource_type, sample) in samples() {
        for leniency in [Leniency::STRICT, Leniency::INTEROP, keep] {
            for previous in [None, Some(&sample)] {
                let Ok(ingested) =
                    read(data, &resource_type, previous, &mut Lenience::new(leniency), &Limits::default())
                else {
                    continue;
                };
                assert_canonical(&resource_type, &ingested, &leniency);
                represent(&resource_type, &ingested);
            }
        }
    }
}

#[path = "../../scim-filter/tests/it/naive.rs"]
mod naive;
#[path = "../../scim-filter/tests/it/thing.rs"]
mod thing;

/// Checks that a parsed filter is equal after it is written and read, and agrees with a naive evaluator.
pub fn filter(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    for leniency in &LENIENCIES {
        let Ok(filter) = Filter::parse_with(text, &mut Lenience::new(*leniency)) else { continue };
        let written = filter.to_string();
        assert_eq!(written.parse::<Filter>().as_ref(), Ok(&filter), "{written}");
        for (resource_type, resource) in asked() {
            let mut document = Value::Object(resource.as_map().clone());
            document["id"] = "1".into();
            document["meta"] = json!({
                "resourceType": resource_type.name(),
                "created": Timestamp::default(),
                "lastModified": Timestamp::default(),
                "version": VERSION,
            });
            for bound in [
                filter.bind(&resource_type, &mut Lenience::new(*leniency)),
                filter.bind_at_root(&resource_type, &mut Lenience::new(*leniency)),
            ] {
                let Ok(bound) = bound else { continue };
                let matches = bound.matches(&Entry {
                    version: &VERSION,
                    ..Entry::new(resource_type.name(), "1", &resource)
                });
                let expected = naive::matches(&filter, &resource_type, leniency, &document);
                assert!(expected.is_none_or(|expected| expected == matches), "{written} {document}");
            }
        }
    }
}

/// Checks that a parsed path is equal after it is written and read, and that using it does not panic.
pub fn path(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    for leniency in &LENIENCIES {
        let Ok(path) = Path::parse_with(text, &mut Lenience::new(*leniency)) else { continue };
        let written = path.to_string();
        assert_eq!(written.parse::<Path>().as_ref(), Ok(&path), "{written}");
        for (resource_type, resource) in samples() {
            if let Ok(BoundPath::Attribute { attr, filter: Some(filter) }) =
                path.bind(&resource_type, &mut (*leniency).into())
            {
                attr.without_sub().for_each(resource.as_map(), &mut |value| {
                    filter.matches(value);
                });
            }
        }
    }
}

/// Checks that a PATCH is all or nothing, reports truly whether it changed anything, and leaves a canonical document.
pub fn patch(data: &[u8]) {
    for leniency in &LENIENCIES {
        let Ok(request) = PatchRequest::parse(data, &mut Lenience::new(*leniency), &Limits::default()) else {
            continue;
        };
        for (resource_type, before) in samples() {
            let Ok(plan) = request.clone().compile(&resource_type, &mut Lenience::new(*leniency)) else { continue };
            let mut after = before.clone();
            match plan.apply(&mut after) {
                Err(_) | Ok(Changed::No) => assert_eq!(after, before),
                Ok(Changed::Yes(_)) => {
                    assert_ne!(after, before);
                    assert_no_empty_value(after.as_map().values());
                    let bytes = serde_json::to_vec(after.as_map()).unwrap();
                    let again =
                        read(&bytes, &resource_type, None, &mut Lenience::new(WRITTEN), &Limits::default());
                    assert_eq!(again.unwrap().resource, after);
                }
            }
        }
    }
}

/// Checks that a dateTime is equal to itself, and that a timestamp is read as it was written.
pub fn date_time(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    let parsed = text.parse::<DateTime>();
    if let Ok(moment) = &parsed {
        assert_eq!(moment.cmp(moment), Ordering::Equal);
        assert_eq!(Some(moment), text.parse().ok().as_ref());
    }
    if let Ok(stamp) = serde_json::from_value::<Timestamp>(text.into()) {
        assert!(parsed.is_ok());
        assert_eq!(serde_json::from_value::<Timestamp>(stamp.to_string().into()).ok(), Some(stamp));
    }
}

fn assert_canonical(resource_type: &ResourceType, ingested: &Ingested, leniency: &Leniency) {
    let mut document = ingested.resource.as_map().clone();
    assert_no_empty_value(
        document.values().filter(|_| leniency.unknown_attributes() != UnknownAttributes::Keep),
    );
    for (relation, links) in &ingested.relations {
        document.insert(relation.clone(), links.iter().map(element).collect());
    }
    let bytes = serde_json::to_vec(&document).unwrap();
    let mut lenience = Lenience::new(WRITTEN.with_unknown_attributes(leniency.unknown_attributes()));
    let again = read(&bytes, resource_type, None, &mut lenience, &Limits::default()).unwrap();
    let used = lenience.used().without(Quirk::NonUriReference);
    assert!(used.is_empty() && lenience.passed_over().is_empty(), "{lenience:?}");
    assert_eq!(again.resource, ingested.resource);
    assert_eq!(again.relations, ingested.relations);
}

fn assert_no_empty_value<'a>(values: impl Iterator<Item = &'a Value>) {
    for value in values {
        match value {
            Value::Null => panic!("null"),
            Value::Array(elements) => {
                assert!(!elements.is_empty(), "empty array");
                assert_no_empty_value(elements.iter());
            }
            Value::Object(members) => {
                assert!(!members.is_empty(), "empty object");
                assert_no_empty_value(members.values());
            }
            _ => {}
        }
    }
}

fn element(link: &Reference) -> Value {
    let mut element = Map::from_iter([("value".to_owned(), link.value.as_str().into())]);
    element.extend(link.r#type.as_deref().map(|text| ("type".to_owned(), text.into())));
    element.extend(link.display.as_deref().map(|text| ("display".to_owned(), text.into())));
    element.into()
}

fn represent(resource_type: &ResourceType, ingested: &Ingested) {
    let lists: [(&[&str], &[&str]); 3] = [
        (&[], &[]),
        (&["userName", "emails.value", "x.y", urn::ENTERPRISE_USER], &[]),
        (&[], &["name", "x"]),
    ];
    for (only, except) in lists {
        let projection = Projection::new(resource_type, only, except).unwrap();
        let bytes = serde_json::to_vec(&Representation {
            resource_type,
            id: "1",
            resource: &ingested.resource,
            meta: &Meta::new(
                resource_type.name(),
                Timestamp::default(),
                Timestamp::default(),
                "/1",
                "W/\"1\"",
            ),
            computed: &[],
            projection: &projection,
        });
        scim_core::parse_json(&bytes.unwrap(), &Limits { bytes: usize::MAX, ..Limits::default() }).unwrap();
    }
}

/// Returns the resources that filters are evaluated on, including some with attributes of every type.
fn asked() -> Vec<(Arc<ResourceType>, Resource)> {
    let full = json!({
        "s": "Ab", "x": "Ab", "n": 5, "d": 0.5, "t": "2024-01-01T00:00:00.5Z", "b": true, "y": "YWI=",
        "r": "https://example.com/a", "tags": ["Ab", "c"], "c": {"s": "Ab", "n": -1},
        "m": [{"value": "a", "type": "Ab", "primary": true}, {"value": "b"}],
    });
    let things = [full, json!({"m": [{"type": "b"}], "n": 9_007_199_254_740_993_i64})];
    let resource = |document: &Value| Resource::from_canonical(document.as_object().unwrap().clone());
    let mut asked = samples().to_vec();
    asked.extend(things.iter().map(|document| (thing::thing(), resource(document))));
    asked
}

fn samples() -> [(Arc<ResourceType>, Resource); 2] {
    let user = json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER],
        "externalId": "e-1",
        "userName": "mira@example.com",
        "name": {"givenName": "Mira", "familyName": "Okafor"},
        "active": true,
        "password": "secret",
        "emails": [
            {"value": "mira@example.com", "type": "work", "primary": true},
            {"value": "mira@home.example", "type": "home"},
        ],
        "roles": [{"value": "analyst"}],
        "x509Certificates": [{"value": "YWI="}],
        urn::ENTERPRISE_USER: {"department": "Finance", "manager": {"value": "u-2"}},
    });
    let group = json!({"schemas": [urn::GROUP], "displayName": "Analysts"});
    [(ResourceType::user(), user), (ResourceType::group(), group)].map(|(resource_type, document)| {
        let Value::Object(document) = document else { panic!("an object") };
        (resource_type, Resource::from_canonical(document))
    })
}
