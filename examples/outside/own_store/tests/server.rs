//! A server on the store answers requests.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use own_store::OwnStore;
use scim_core::urn;
use scim_server::{BearerTokens, Grant, Server};
use scim_server_traits::TenantId;
use serde_json::{Value, json};

/// Sends a request, and returns the status and the body of the answer.
async fn send(server: &Server, method: Method, path: &str, body: Value) -> (u16, Value) {
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let request = Request::builder().method(method).uri(format!("/scim/v2/{path}"));
    let request = request.header("authorization", "Bearer s3cret").body(body).unwrap();
    let (head, body) = server.handle(request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn answers_requests() {
    let tokens = BearerTokens::new().with("s3cret", Grant::new(TenantId::new("acme"), "identity provider"));
    let server = Server::builder(Arc::new(OwnStore::default()), Arc::new(tokens));
    let server = server.base_url("https://example.com/scim/v2").build().unwrap();

    let ada = json!({"schemas": [urn::USER], "userName": "ada"});
    let (status, ada) = send(&server, Method::POST, "Users", ada).await;
    assert_eq!((status, &ada["userName"]), (201, &json!("ada")));
    let staff = json!({"schemas": [urn::GROUP], "displayName": "Staff"});
    let (status, staff) = send(&server, Method::POST, "Groups", staff).await;
    assert_eq!((status, &staff["displayName"]), (201, &json!("Staff")));

    let found = send(&server, Method::GET, "Users?filter=userName%20eq%20%22ADA%22", Value::Null).await;
    assert_eq!((found.0, &found.1["Resources"][0]["id"]), (200, &ada["id"]));

    let path = format!("Groups/{}", staff["id"].as_str().unwrap());
    let add = json!({"op": "add", "path": "members", "value": [{"value": ada["id"]}]});
    let patch = json!({"schemas": [urn::PATCH_OP], "Operations": [add]});
    assert_eq!(send(&server, Method::PATCH, &path, patch).await.0, 204);
    let (status, staff) = send(&server, Method::GET, &path, Value::Null).await;
    assert_eq!((status, &staff["members"][0]["value"]), (200, &ada["id"]));
}
