//! A small client for an enterprise in the same process.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use scim_emu::{Enterprise, EnterpriseBuilder, Token};
use scim_store::MemoryStore;
use serde_json::{Value, json};

pub(crate) const USER: &str = scim_core::urn::USER;
pub(crate) const GROUP: &str = scim_core::urn::GROUP;
pub(crate) const BASE: &str = "/scim/v2/enterprises/octo";

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn id(&self) -> String {
        assert_eq!(self.status, 201, "{self:?}");
        self.body["id"].as_str().unwrap().to_owned()
    }

    /// Checks that the refusal is a SCIM error with GitHub's members.
    // E-71, E-82
    #[track_caller]
    pub(crate) fn refused(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.body["schemas"], json!([scim_core::urn::ERROR]));
        assert_eq!(self.body["status"], status.to_string());
        let detail = self.body["detail"].as_str().unwrap();
        assert_eq!(self.body["message"], detail);
        let page = self.body["documentation_url"].as_str().unwrap();
        assert!(page.starts_with("https://docs.github.com/") && page.ends_with("/scim"), "{page}");
        detail
    }
}

pub(crate) fn builder() -> EnterpriseBuilder {
    Enterprise::builder("octo").host_url("https://api.example.com").token(Token::new("good"))
}

pub(crate) fn enterprise() -> Enterprise {
    builder().build(Arc::new(MemoryStore::new())).unwrap()
}

pub(crate) fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", "Bearer good")
        .header("user-agent", "test")
        .header("content-type", "application/json")
}

pub(crate) async fn send(enterprise: &Enterprise, request: Request<Bytes>) -> Reply {
    let (parts, body) = enterprise.handle(request).await.into_parts();
    let bytes = body.into_bytes().await.unwrap();
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    Reply { status: parts.status, headers: parts.headers, body }
}

pub(crate) async fn call(enterprise: &Enterprise, method: Method, path: &str, body: Value) -> Reply {
    let bytes = if body.is_null() { String::new() } else { body.to_string() };
    let request = request(method, &format!("{BASE}{path}")).body(Bytes::from(bytes)).unwrap();
    send(enterprise, request).await
}

pub(crate) async fn get(enterprise: &Enterprise, path: &str) -> Reply {
    call(enterprise, Method::GET, path, Value::Null).await
}

pub(crate) async fn post(enterprise: &Enterprise, path: &str, body: Value) -> Reply {
    call(enterprise, Method::POST, path, body).await
}

pub(crate) async fn patch(enterprise: &Enterprise, path: &str, operations: Value) -> Reply {
    let body = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": operations});
    call(enterprise, Method::PATCH, path, body).await
}

/// Returns a body with everything that GitHub requires.
pub(crate) fn person(user_name: &str) -> Value {
    json!({"schemas": [USER], "externalId": format!("ext-{user_name}"), "userName": user_name,
        "displayName": user_name, "active": true,
        "emails": [{"value": format!("{user_name}@corp.example"), "type": "work", "primary": true}]})
}

pub(crate) async fn user(enterprise: &Enterprise, user_name: &str) -> String {
    post(enterprise, "/Users", person(user_name)).await.id()
}

pub(crate) async fn group(enterprise: &Enterprise, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let body = json!({"schemas": [GROUP], "externalId": format!("ext-{name}"), "displayName": name, "members": members});
    post(enterprise, "/Groups", body).await.id()
}

pub(crate) async fn members(enterprise: &Enterprise, id: &str) -> Vec<String> {
    let body = get(enterprise, &format!("/Groups/{id}")).await.body;
    let members = body["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}
