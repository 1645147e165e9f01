//! The exchanges over HTTP of `suites-2/`, each with a server of its own. `readings-2.json` lists where we differ, by
//! reason.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use scim_core::{Leniency, Registry, ResourceType};
use scim_server::{BulkLimits, Server};
use scim_testdata::{Differences, Outcome, described, suite_2};
use serde_json::Value;

use crate::client::{Reply, builder, send};

#[tokio::test]
async fn exchanges_of_suites_2() {
    let mut differences = Differences::new(include_str!("../readings-2.json"));
    for name in ["http", "http-rfc"] {
        let Some(cases) = suite_2(name) else { return };
        for case in &cases {
            let result = exchange(case).await;
            let word = if result.is_ok() { "agrees" } else { "differs" };
            let detail = result.err().unwrap_or_default();
            differences.judge_one(case, &Outcome { detail, ..Outcome::new("agrees", word) });
        }
    }
    differences.settle();
}

/// Sends the requests of a case, until an answer is not as expected.
async fn exchange(case: &Value) -> Result<(), String> {
    let server = server(case);
    let mut captured = BTreeMap::new();
    for step in case["steps"].as_array().unwrap() {
        let reply = send(&server, request(step, &captured)).await;
        let expected = filled_in(&step["expect"], &captured);
        judge(&expected, &reply)
            .map_err(|message| format!("{} {}: {message}: {reply:?}", step["method"], step["path"]))?;
        for (name, place) in step["capture"].as_object().into_iter().flatten() {
            let place = place.as_str().unwrap();
            let value = match place.strip_prefix("header:") {
                Some(header) => reply.header(header).to_owned(),
                None => reply.body.pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned(),
            };
            captured.insert(name.clone(), value);
        }
    }
    Ok(())
}

fn server(case: &Value) -> Server {
    let leniency = case["preset"].as_str().map_or(Leniency::STRICT, |preset| preset.parse().unwrap());
    let mut builder = builder().leniency(leniency);
    if let Some(types) = case["types"].as_array() {
        let registry = types.iter().fold(Registry::builder(), |registry, one| {
            registry.resource_type(match one.as_str() {
                Some("User") => ResourceType::user(),
                Some("Group") => ResourceType::group(),
                _ => described(one),
            })
        });
        builder = builder.registry(registry.build().unwrap());
    }
    if let Some(most) = case["max_page"].as_u64() {
        builder = builder.pages(most, most);
    }
    if let Some(limits) = case["bulk"].as_object() {
        let size = |name: &str, default: usize| {
            limits.get(name).and_then(Value::as_u64).map_or(default, |size| usize::try_from(size).unwrap())
        };
        let usual = BulkLimits::default();
        let operations = size("max_operations", usual.operations);
        builder = builder.bulk(Some(BulkLimits::new(operations, size("max_payload", usual.payload))));
    }
    builder.build().unwrap()
}

fn request(step: &Value, captured: &BTreeMap<String, String>) -> Request<Bytes> {
    let body = match (step["raw"].as_str(), &step["body"]) {
        (Some(raw), _) => raw.to_owned(),
        (None, Value::Null) => String::new(),
        (None, body) => filled_in(body, captured).to_string(),
    };
    let path = filled(step["path"].as_str().unwrap(), captured);
    let mut builder = Request::builder()
        .method(step["method"].as_str().unwrap())
        .uri(format!("/scim/v2{path}"))
        .header("authorization", "Bearer one")
        .header("content-type", "application/scim+json");
    for (name, value) in step["headers"].as_object().into_iter().flatten() {
        builder = builder.header(name, filled(value.as_str().unwrap(), captured));
    }
    builder.body(Bytes::from(body)).unwrap()
}

/// Replaces each name in braces in a text by what was captured.
fn filled(text: &str, captured: &BTreeMap<String, String>) -> String {
    captured.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Replaces each name in braces in all strings of a JSON value by what was captured.
fn filled_in(value: &Value, captured: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => filled(text, captured).into(),
        Value::Array(values) => values.iter().map(|value| filled_in(value, captured)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), filled_in(value, captured))).collect()
        }
        other => other.clone(),
    }
}

fn judge(expected: &Value, reply: &Reply) -> Result<(), String> {
    let status = Value::from(reply.status.as_u16());
    let fits = match &expected["status"] {
        Value::Array(statuses) => statuses.contains(&status),
        one => *one == status,
    };
    if !fits {
        return Err(format!("expected {}", expected["status"]));
    }
    if let Some(scim_type) = expected["scimType"].as_str()
        && reply.body["scimType"] != scim_type
    {
        return Err(format!("expected {scim_type}"));
    }
    if expected.get("body").is_some_and(|body| *body != reply.body) {
        return Err(format!("expected the body {}", expected["body"]));
    }
    for (name, wanted) in expected["headers"].as_object().into_iter().flatten() {
        let found = reply.header(name);
        if found.is_empty() || (wanted != "*" && wanted != found) {
            return Err(format!("{name}: expected {wanted}"));
        }
    }
    for (path, wanted) in expected["values"].as_object().into_iter().flatten() {
        let found = each(&reply.body, path);
        if found != *wanted {
            return Err(format!("{path}: {found}, expected {wanted}"));
        }
    }
    let paths = |name: &str| expected[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(path) = paths("body_has").find(|path| at(&reply.body, path).is_none()) {
        return Err(format!("{path} is missing"));
    }
    if let Some(path) = paths("body_lacks").find(|path| at(&reply.body, path).is_some()) {
        return Err(format!("{path} is there"));
    }
    Ok(())
}

/// Returns what is at a pointer. If the pointer has a `*`, returns an array with what each element has.
fn each(body: &Value, pointer: &str) -> Value {
    match pointer.split_once("/*") {
        None => body.pointer(pointer).cloned().unwrap_or_default(),
        Some((before, rest)) => {
            let elements = body.pointer(before).and_then(Value::as_array);
            elements.into_iter().flatten().map(|element| each(element, rest)).collect()
        }
    }
}

/// Returns what is at a pointer or a dotted path. The URN of an extension is one step.
fn at<'a>(body: &'a Value, path: &str) -> Option<&'a Value> {
    if path.starts_with('/') {
        return body.pointer(path);
    }
    let urn = body.as_object()?.keys().find(|key| key.contains(':') && path.starts_with(key.as_str()));
    match urn {
        Some(urn) if path.len() == urn.len() => body.get(urn),
        Some(urn) => body.get(urn)?.get(path.get(urn.len() + 1..)?),
        None => path.split('.').try_fold(body, |value, key| value.get(key)),
    }
}
