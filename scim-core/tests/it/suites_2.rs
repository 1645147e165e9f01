//! The cases of `suites-2/` that concern bodies. `readings-2.json` lists where we differ, by reason.

use scim_core::Leniency;
use scim_testdata::{Differences, Outcome, described, suite_2};
use serde_json::{Map, Value};

use crate::support::{create, document};

#[test]
fn bodies_of_suites_2() {
    let mut differences = Differences::new(include_str!("../readings-2.json"));
    for name in ["sdk-ingest", "ping-ingest"] {
        let Some(cases) = suite_2(name) else { return };
        differences.judge(&cases, Leniency::STRICT, outcome);
    }
    differences.settle();
}

fn outcome(case: &Value, leniency: Leniency) -> Outcome {
    let expected = match (&case["valid"], &case["after"]) {
        (Value::Bool(true), Value::Object(after)) => Some(Some(clean(after))),
        (Value::Bool(true), _) => Some(None),
        _ => None,
    };
    let ours = create(&described(&case["schema"]), &leniency, &case["document"]);
    let (agrees, word) = match (&ours, &expected) {
        (Err(_), None) => (true, "refused"),
        (Err(_), Some(_)) => (false, "refused"),
        (Ok(_), Some(None)) => (true, "accepted"),
        (Ok(read), Some(Some(after))) if clean(read.resource.as_map()) == *after => (true, "accepted"),
        (Ok(_), Some(Some(_))) => (false, "otherwise"),
        (Ok(_), None) => (false, "accepted"),
    };
    let shown = ours.map_or_else(|error| error.to_string(), |read| document(&read.resource).to_string());
    Outcome { agrees, word: word.to_owned(), detail: shown }
}

/// Removes `schemas`, which follows from the rest, and what the service provider assigns.
fn clean(members: &Map<String, Value>) -> Map<String, Value> {
    let mut members = members.clone();
    members.retain(|name, _| !["schemas", "id", "meta"].contains(&name.as_str()));
    members
}
