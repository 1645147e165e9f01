//! The PATCH cases of `suites-2/`. `readings-2.json` lists where we differ, by reason.

use scim_core::{Leniency, ResourceType, SchemaError, UnknownAttributes, urn};
use scim_testdata::{Differences, described_with, suite_2};
use serde_json::{Value, json};
use std::sync::Arc;

use crate::fixtures::{self, Patched};
use crate::suites::{Outcome, clean, normal, refused, without_missing_requirements};

#[test]
fn cases_of_suites_2() {
    let mut differences = Differences::new(include_str!("../readings-2.json"));
    for name in ["sdk-patch", "ping-patch", "elimity-patch"] {
        let Some(cases) = suite_2(name) else { return };
        differences.judge(&cases, Leniency::STRICT, |case, strict| {
            // Some cases are for a server that is configured for Entra.
            let preset = case["preset"].as_str().map_or(strict, |name| name.parse().unwrap());
            let mut leniency = if strict == Leniency::STRICT { preset } else { strict };
            if case["sdk_config"]["ignoreUnknownAttributes"] == true {
                leniency = leniency.with_unknown_attributes(UnknownAttributes::Ignore);
            }
            let (expected, ours) = (expected(case), outcome(case, leniency));
            let agrees = match &expected {
                Some(expected) => *expected == ours,
                None => matches!(ours, Outcome::Refused(_)) == (case["error"] == true),
            };
            let word = ours.word(expected.as_ref().unwrap_or(&Outcome::Accepted));
            scim_testdata::Outcome { agrees, word, detail: ours.to_string() }
        });
    }
    differences.settle();
}

/// Returns what the suite expects; `None` if it only says whether the request is refused.
fn expected(case: &Value) -> Option<Outcome> {
    match (&case["error"], &case["after"]) {
        (Value::String(keyword), _) => Some(Outcome::Refused(keyword.clone())),
        (_, Value::Object(_)) => {
            let changed = case["changed"].as_bool();
            Some(Outcome::Resource { after: unordered(normal(&case["after"], case)), changed })
        }
        _ => None,
    }
}

fn outcome(case: &Value, leniency: Leniency) -> Outcome {
    let request = json!({"schemas": [urn::PATCH_OP], "Operations": case["ops"]});
    let before = clean(case["before"].as_object().cloned().unwrap_or_default());
    let Ok(resource_type) = resource_type(case) else { return Outcome::Refused("the schema".to_owned()) };
    match fixtures::patch_whole(&resource_type, &leniency, &before, &request) {
        Err(error) => refused(&error),
        Ok(Patched { document, changed, .. }) => Outcome::Resource {
            after: unordered(normal(&Value::Object(document), case)),
            changed: case["changed"].as_bool().map(|_| changed),
        },
    }
}

/// Removes `schemas`, which follows from the content, and sorts all values, because they have no order.
fn unordered(mut resource: Value) -> Value {
    fn sort(value: &mut Value) {
        match value {
            Value::Array(values) => {
                values.iter_mut().for_each(sort);
                values.sort_by_key(Value::to_string);
            }
            Value::Object(members) => members.values_mut().for_each(sort),
            _ => {}
        }
    }
    resource.as_object_mut().unwrap().remove("schemas");
    sort(&mut resource);
    resource
}

/// Returns the resource type of the case, without requirements that its resource does not meet.
fn resource_type(case: &Value) -> Result<Arc<ResourceType>, SchemaError> {
    match &case["schema"] {
        Value::String(_) => Ok(crate::suites::resource_type(case)),
        schema => described_with(schema, |document| without_missing_requirements(document, case)),
    }
}
