//! The `http` fixtures of `testdata/idp/` that a server answers: identity providers' requests as they are
//! on the wire.

use std::collections::HashMap;

use bytes::Bytes;
use http::Request;
use scim_server::{PatchResponse, Server};
use serde_json::{Value, json};

use crate::client::{Reply, builder, post, send};

/// Cases that need what this server does not offer, with the reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("H002", "list_unserved_type_as_empty is not offered"),
    ("H038", "rate limits are scim-emu's; see scim-emu/src/rate_limit.rs"),
    ("H040", "Okta's entitlement types are not part of the standard registry"),
];

#[tokio::test]
async fn q_17_to_q_83_http_fixtures() {
    let cases = scim_testdata::idp_fixtures("http");
    let mut failures = Vec::new();
    let mut count = 0;
    for case in cases.iter().filter(|case| case["role"] != "client") {
        let id = case["id"].as_str().unwrap();
        if LEFT_OUT.iter().any(|(left_out, _)| *left_out == id) {
            continue;
        }
        count += 1;
        if let Err(message) = check(case).await {
            failures.push(format!("{id} {}: {message}", case["title"]));
        }
    }
    assert!(count >= 24, "only {count} cases found");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}

async fn check(case: &Value) -> Result<(), String> {
    let quiet = case["before"]["config"]["group_patch_response"] == "204";
    let response = if quiet { PatchResponse::None } else { PatchResponse::Auto };
    let server = builder().patch_response(response).build().unwrap();
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

/// Makes what the case starts from; gives the real id of each of its names.
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
        let fits = wanted.strip_suffix('*').map_or(got == wanted, |prefix| got.starts_with(prefix));
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

/// A dotted path; a full URN comes first as one key.
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
