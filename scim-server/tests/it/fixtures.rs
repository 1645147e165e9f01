//! The `http` fixtures of `testdata/idp/` that a server answers: requests of identity providers as they are on the
//! wire.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use scim_core::{Error, Leniency, Registry, ResourceType, ResourceTypeDocument, Schema};
use scim_server::{PatchResponse, Server};
use scim_server_traits::{Batch, Context, Get, Page, Query, Store, StoreError, Stored, Written};
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::client::{Reply, on, post, send};

#[tokio::test]
async fn q_17_to_q_83_q_23_q_78_http_fixtures() {
    let cases = scim_testdata::idp_fixtures("http");
    let mut failures = Vec::new();
    let mut count = 0;
    for case in cases.iter().filter(|case| case["role"] != "client") {
        let id = case["id"].as_str().unwrap();
        count += 1;
        if let Err(message) = check(case).await {
            failures.push(format!("{id} {}: {message}", case["title"]));
        }
    }
    assert!(count >= 27, "only {count} cases found");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}

async fn check(case: &Value) -> Result<(), String> {
    let quiet = case["before"]["config"]["group_patch_response"] == "204";
    let response = if quiet { PatchResponse::None } else { PatchResponse::Auto };
    let leniency = preset(case["idp"].as_str().unwrap());
    let server = on(store(&case["before"]["config"])).registry(registry(&case["before"]));
    let server = server.leniency(leniency).patch_response(response).build().unwrap();
    let names = prepare(&server, &case["before"]).await;
    let request = &case["request"];
    let body = match &request["body_template"] {
        Value::Null => request["body"].clone(),
        template => {
            let members: Vec<Value> = (0..template["value_count"].as_u64().unwrap())
                .map(|n| json!({"value": format!("bulk-{n}")}))
                .collect();
            json!({"schemas": [scim_core::urn::PATCH_OP], "Operations":
                [{"op": template["op"], "path": template["path"], "value": members}]})
        }
    };
    let rename = |text: &str| {
        names.iter().fold(text.to_owned(), |text, (fixture, real)| {
            text.replace(&format!("/{fixture}"), &format!("/{real}"))
                .replace(&format!("\"{fixture}\""), &format!("\"{real}\""))
        })
    };
    let path = rename(request["path"].as_str().unwrap());
    let query = request["query"].as_str().map(|query| format!("?{query}")).unwrap_or_default();
    let mut builder =
        Request::builder().method(request["method"].as_str().unwrap()).uri(format!("/scim/v2{path}{query}"));
    let headers = request["headers"].as_object().cloned().unwrap_or_default();
    if !headers.contains_key("Authorization") {
        builder = builder.header("authorization", "Bearer one");
    }
    for (name, value) in &headers {
        builder = builder.header(name, value.as_str().unwrap());
    }
    let bytes = if body.is_null() { String::new() } else { rename(&body.to_string()) };
    let reply = send(&server, builder.body(Bytes::from(bytes)).unwrap()).await;
    judge(&case["expected"], &reply, &names)?;
    if let Some(after) = case["expected"]["store_after"].as_object() {
        for (id, expected) in after {
            let read = crate::client::get(&server, &format!("/Groups/{}", names[id])).await;
            let members = read.body["members"].as_array().map_or(0, Vec::len);
            let wanted = expected["member_count"].as_u64().map_or_else(
                || expected["members"].as_array().map_or(0, Vec::len),
                |count| usize::try_from(count).unwrap(),
            );
            if members != wanted {
                return Err(format!("{members} members, expected {wanted}"));
            }
        }
    }
    Ok(())
}

/// Returns the preset of an identity provider. One without a preset of its own gets the general one.
fn preset(idp: &str) -> Leniency {
    match idp {
        "entra" | "entra-flag" => Leniency::ENTRA,
        "okta" => Leniency::OKTA,
        "pingfederate" => Leniency::PING,
        "onelogin" => Leniency::ONELOGIN,
        _ => Leniency::INTEROP,
    }
}

/// Returns the registry of the case.
fn registry(before: &Value) -> Registry {
    let mut registry = Registry::builder().resource_type(ResourceType::user());
    let served = before["resource_types"].as_array();
    if served.is_none_or(|names| names.contains(&json!("Group"))) {
        registry = registry.resource_type(ResourceType::group());
    }
    if before["config"]["okta_entitlements"] == true {
        for (name, endpoint) in [("Role", "/Roles"), ("Entitlement", "/Entitlements")] {
            let urn = format!("urn:okta:scim:schemas:core:1.0:{name}");
            let schema = json!({"id": urn, "name": name, "attributes": [
                {"name": "displayName", "type": "string", "multiValued": false, "required": true},
            ]});
            let schema: Schema = serde_json::from_value(schema).unwrap();
            let document = ResourceTypeDocument::new(name, endpoint, &urn);
            let resource_type = ResourceType::builder(document).schema(Arc::new(schema)).build().unwrap();
            registry = registry.resource_type(Arc::new(resource_type));
        }
    }
    registry.build().unwrap()
}

/// Returns a store, behind a layer that throttles if the case asks for that.
fn store(config: &Value) -> Arc<dyn Store> {
    let store = MemoryStore::new();
    if config["over_limit"] == true { Arc::new(Throttled(store)) } else { Arc::new(store) }
}

/// Answers no query.
struct Throttled(MemoryStore);

#[async_trait]
impl Store for Throttled {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        self.0.get(context, get).await
    }

    async fn query(&self, _: &Context, _: Query) -> Result<Page, StoreError> {
        let mut error = Error::new(http::StatusCode::TOO_MANY_REQUESTS, "too many requests");
        error.retry_after = Some(Duration::from_secs(7));
        Err(StoreError::Rejected(error))
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        self.0.commit(context, batch).await
    }
}

/// Creates what the case starts from. Returns the real id of each of its names.
async fn prepare(server: &Server, before: &Value) -> HashMap<String, String> {
    let mut names = HashMap::new();
    let count = before["users_count"].as_u64().unwrap_or(0);
    let bulk = (0..count).map(|number| json!(format!("bulk-{number}")));
    for user in before["users"].as_array().cloned().unwrap_or_default().into_iter().chain(bulk) {
        let mut body = if user.is_string() { json!({"id": user, "userName": user}) } else { user };
        let id = body["id"].as_str().unwrap().to_owned();
        body["schemas"] = json!([scim_core::urn::USER]);
        names.insert(id, post(server, "/Users", body).await.id());
    }
    for mut body in before["groups"].as_array().cloned().unwrap_or_default() {
        let id = body["id"].as_str().unwrap().to_owned();
        body["schemas"] = json!([scim_core::urn::GROUP]);
        for member in body["members"].as_array_mut().into_iter().flatten() {
            let user = member["value"].as_str().unwrap().to_owned();
            if !names.contains_key(&user) {
                let made =
                    post(server, "/Users", json!({"schemas": [scim_core::urn::USER], "userName": user}))
                        .await;
                names.insert(user.clone(), made.id());
            }
            member["value"] = json!(names[&user]);
        }
        names.insert(id, post(server, "/Groups", body).await.id());
    }
    names
}

fn judge(expected: &Value, reply: &Reply, names: &HashMap<String, String>) -> Result<(), String> {
    let statuses: Vec<u64> = match &expected["status"] {
        Value::Array(statuses) => statuses.iter().filter_map(Value::as_u64).collect(),
        status => status.as_u64().into_iter().collect(),
    };
    if !statuses.contains(&u64::from(reply.status.as_u16())) {
        return Err(format!("{reply:?}, expected {statuses:?}"));
    }
    for (name, wanted) in expected["headers"].as_object().into_iter().flatten() {
        let wanted = wanted.as_str().unwrap();
        let got = reply.header(name);
        // The only pattern stands for whole seconds.
        let fits = match wanted {
            "^[0-9]+$" => !got.is_empty() && got.bytes().all(|byte| byte.is_ascii_digit()),
            _ => wanted.strip_suffix('*').map_or(got == wanted, |prefix| got.starts_with(prefix)),
        };
        if !fits {
            return Err(format!("{name}: `{got}`, expected `{wanted}`"));
        }
    }
    for (path, wanted) in expected["body_contains"].as_object().into_iter().flatten() {
        let wanted = match wanted.as_str().and_then(|text| names.get(text)) {
            Some(real) => json!(real),
            None => wanted.clone(),
        };
        let mut got = at(&reply.body, path).cloned().unwrap_or_default();
        if let (Some(object), Some(value)) = (wanted.as_object(), got.as_object_mut()) {
            value.retain(|name, _| object.contains_key(name));
        }
        if got != wanted && !same_reference(&got, &wanted, names) {
            return Err(format!("{path}: {got}, expected {wanted}"));
        }
    }
    for wanted in expected["resources_include"].as_array().into_iter().flatten() {
        let wanted = wanted.as_object().unwrap();
        let fits = |one: &Value| wanted.iter().all(|(name, value)| one[name] == *value);
        if !reply.body["Resources"].as_array().is_some_and(|all| all.iter().any(fits)) {
            return Err(format!("{wanted:?} is not among {}", reply.body["Resources"]));
        }
    }
    for path in expected["body_has"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if at(&reply.body, path).is_none() {
            return Err(format!("{path} is missing"));
        }
    }
    for path in expected["body_lacks"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if at(&reply.body, path).is_some() {
            return Err(format!("{path} is there"));
        }
    }
    Ok(())
}

fn same_reference(got: &Value, wanted: &Value, names: &HashMap<String, String>) -> bool {
    match (got["value"].as_str(), wanted["value"].as_str()) {
        (Some(got), Some(wanted)) => names.get(wanted).is_some_and(|real| real == got),
        _ => false,
    }
}

/// Finds a value by a dotted path. A full URN comes first, as one key.
fn at<'a>(body: &'a Value, path: &str) -> Option<&'a Value> {
    let urns = body.as_object()?.keys().filter(|key| key.contains(':'));
    for urn in urns {
        if let Some(rest) = path.strip_prefix(urn.as_str()) {
            return rest.strip_prefix('.').map_or(body.get(urn), |rest| at(body.get(urn)?, rest));
        }
    }
    path.split('.').try_fold(body, |value, key| match key.parse::<usize>() {
        Ok(index) => value.get(index),
        Err(_) => value.get(key),
    })
}
