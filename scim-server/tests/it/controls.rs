//! Control characters in unique values: refused from clients, and no obstacle if they are already stored.

use std::sync::Arc;

use http::Method;
use scim_core::{Registry, Resource, ResourceType, ResourceTypeDocument, Schema, Timestamp};
use scim_server::Server;
use scim_server_traits::{Batch, Context, Insert, Store as _, TenantId};
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::client::{PATCH_OP, Reply, USER, call, get, on, patch, post, server, user};

/// The first and the last of both ranges, and one within the second.
const CONTROLS: [char; 5] = ['\0', '\u{1f}', '\u{7f}', '\u{80}', '\u{9f}'];

#[track_caller]
fn names(reply: &Reply, path: &str, control: char) {
    let detail = reply.refused(400, "invalidValue");
    let character = format!("U+{:04X}", u32::from(control));
    assert!(detail.contains(&format!("`{path}`")) && detail.contains(&character), "{detail}");
}

#[tokio::test]
async fn sec_011_control_characters_in_user_name_are_refused_by_every_operation() {
    let server = server();
    let path = format!("/Users/{}", user(&server, "ada").await);
    for control in CONTROLS {
        let name = format!("a{control}da");
        let body = json!({"schemas": [USER], "userName": name});
        names(&post(&server, "/Users", body.clone()).await, "userName", control);
        names(&call(&server, Method::PUT, &path, Some(body.clone())).await, "userName", control);
        for operation in [
            json!({"op": "replace", "path": "userName", "value": name}),
            json!({"op": "add", "value": {"userName": name}}),
            json!({"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:USERNAME", "value": name}),
        ] {
            names(&patch(&server, &path, json!([operation])).await, "userName", control);
        }
        let operations = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            {"method": "POST", "path": "/Users", "bulkId": "1", "data": body},
            {"method": "PATCH", "path": path, "data": {"schemas": [PATCH_OP], "Operations": [
                {"op": "replace", "path": "userName", "value": name},
            ]}},
        ]});
        let bulk = post(&server, "/Bulk", operations).await;
        for result in bulk.body["Operations"].as_array().unwrap() {
            assert_eq!(result["status"], "400", "{result}");
            assert_eq!(result["response"]["scimType"], "invalidValue", "{result}");
        }
    }
    let reply = get(&server, "/Users").await;
    assert_eq!(
        (&reply.body["totalResults"], &reply.body["Resources"][0]["userName"]),
        (&json!(1), &json!("ada"))
    );
}

#[tokio::test]
async fn what_is_not_unique_may_hold_any_character() {
    let server = server();
    let body = json!({"schemas": [USER], "userName": "Ünï\u{a0}🦀", "title": "a\0\u{85}b"});
    assert_eq!(post(&server, "/Users", body).await.body["title"], "a\0\u{85}b");
}

/// A server of robots with a unique sub-attribute and one in an extension, declared in two ways.
fn robots() -> Server {
    let schema = json!({"id": "urn:r", "attributes": [
        {"name": "model"},
        {"name": "badges", "type": "complex", "multiValued": true, "subAttributes": [{"name": "value"}, {"name": "type"}]},
    ]});
    let extension = json!({"id": "urn:e", "attributes": [{"name": "serial", "uniqueness": "global"}]});
    let robot = ResourceType::builder(
        ResourceTypeDocument::new("Robot", "/Robots", "urn:r").extension("urn:e", false),
    )
    .schema(Arc::new(Schema::from_json(schema).unwrap()))
    .schema(Arc::new(Schema::from_json(extension).unwrap()))
    .unique("badges.value")
    .build()
    .unwrap();
    let registry = Registry::builder().resource_type(Arc::new(robot)).build().unwrap();
    on(Arc::new(MemoryStore::new())).registry(registry).build().unwrap()
}

#[tokio::test]
async fn whatever_is_unique_is_held_to_the_same() {
    let server = robots();
    let robot = |badge: &str, serial: &str| json!({"schemas": ["urn:r", "urn:e"], "badges": [{"value": "b0"}, {"value": badge}], "urn:e": {"serial": serial}});
    names(&post(&server, "/Robots", robot("b\n", "s")).await, "badges.value", '\n');
    names(&post(&server, "/Robots", robot("b", "s\t")).await, "urn:e:serial", '\t');
    let path = format!("/Robots/{}", post(&server, "/Robots", robot("b", "s")).await.id());
    for (operation, attribute) in [
        (json!({"op": "add", "path": "badges", "value": [{"value": "c\n"}]}), "badges.value"),
        (json!({"op": "replace", "path": "badges[value eq \"b\"].value", "value": "c\n"}), "badges.value"),
        (json!({"op": "add", "path": "urn:e:serial", "value": "t\n"}), "urn:e:serial"),
        (json!({"op": "replace", "value": {"urn:e": {"serial": "t\n"}}}), "urn:e:serial"),
    ] {
        names(&patch(&server, &path, json!([operation])).await, attribute, '\n');
    }
}

#[tokio::test]
async fn a_stored_value_of_before_is_shown_and_the_rest_can_be_changed() {
    let store = Arc::new(MemoryStore::new());
    let Value::Object(document) = json!({"schemas": [USER], "userName": "ad\0a", "title": "t"}) else {
        panic!()
    };
    let insert = Insert::new(ResourceType::user(), "u1", Resource::from_canonical(document));
    let context = Context::new(TenantId::new("one"));
    store.commit(&context, Batch::new(Timestamp::from_millis(0)).insert(insert)).await.unwrap();
    let server = on(store).build().unwrap();
    assert_eq!(get(&server, "/Users/u1").await.body["userName"], "ad\0a");

    let title = json!([{"op": "replace", "path": "title", "value": "by PATCH"}]);
    assert_eq!(patch(&server, "/Users/u1", title).await.body["title"], "by PATCH");
    let same = json!([{"op": "replace", "value": {"userName": "ad\0a", "title": "with the name"}}]);
    assert_eq!(patch(&server, "/Users/u1", same).await.body["title"], "with the name");
    let body = json!({"schemas": [USER], "userName": "ad\0a", "title": "by PUT"});
    assert_eq!(call(&server, Method::PUT, "/Users/u1", Some(body)).await.body["title"], "by PUT");

    let other = json!([{"op": "replace", "path": "userName", "value": "ad\0b"}]);
    names(&patch(&server, "/Users/u1", other).await, "userName", '\0');
    let clean = json!([{"op": "replace", "path": "userName", "value": "ada"}]);
    assert_eq!(patch(&server, "/Users/u1", clean).await.body["userName"], "ada");
}
