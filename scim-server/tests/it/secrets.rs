//! Values that clients write and that are never returned are not stored — RFC 7643 §9.2.

use scim_core::{Registry, ResourceTypeDocument};
use scim_server::{BearerTokens, Grant, Server};
use scim_server_traits::{Context, Get, Store as _, TenantId};
use serde_json::{Value, json};

use crate::client::{builder, patch, post};

fn serve(attributes: Value) -> Server {
    let registry = Registry::builder()
        .schema_json(json!({"id": "urn:r", "name": "R", "attributes": attributes}))
        .unwrap()
        .resource_type_document(ResourceTypeDocument::new("Robot", "/Robots", "urn:r"))
        .build()
        .unwrap();
    builder().registry(registry).build().unwrap()
}

#[tokio::test]
async fn core_081_a_required_secret_does_not_block_patches() {
    let server = serve(json!([
        {"name": "model"},
        {"name": "pin", "required": true, "mutability": "writeOnly", "returned": "never"},
    ]));
    let body = json!({"schemas": ["urn:r"], "model": "m", "pin": "1234"});
    let path = format!("/Robots/{}", post(&server, "/Robots", body).await.id());
    let reply = patch(&server, &path, json!([{"op": "replace", "path": "model", "value": "n"}])).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test]
async fn core_052_sec_014_secrets_of_extensions_and_parts_are_stored_nowhere() {
    let document = ResourceTypeDocument::new("Robot", "/Robots", "urn:r").extension("urn:e", false);
    let secret = json!({"name": "pin", "mutability": "writeOnly", "returned": "never"});
    let registry = Registry::builder()
        .schema_json(json!({"id": "urn:r", "attributes": [
            {"name": "lock", "type": "complex", "subAttributes": [secret, {"name": "kind"}]},
        ]}))
        .unwrap()
        .schema_json(json!({"id": "urn:e", "attributes": [secret]}))
        .unwrap()
        .resource_type_document(document)
        .build()
        .unwrap();
    let robots = std::sync::Arc::clone(registry.by_name("Robot").unwrap());
    let store = std::sync::Arc::new(scim_store::MemoryStore::new());
    let tokens = BearerTokens::new().with("one", Grant::new(TenantId::new("one"), "a"));
    let server = Server::builder(store.clone(), std::sync::Arc::new(tokens))
        .base_url("https://h.example/scim/v2")
        .registry(registry)
        .build()
        .unwrap();
    let body = json!({
        "schemas": ["urn:r", "urn:e"], "lock": {"pin": "s3cret", "kind": "k"}, "urn:e": {"pin": "s3cret"},
    });
    let id = post(&server, "/Robots", body).await.id();
    let context = Context::new(TenantId::new("one"));
    let stored = store.get(&context, Get::new(robots, &id)).await.unwrap().unwrap();
    assert!(!format!("{:?}", stored.resource).contains("s3cret"), "{:?}", stored.resource);
}
