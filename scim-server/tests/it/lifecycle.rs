//! Create, read, replace, delete — RFC 7644 §3.3, §3.4.1, §3.5.1, §3.6.

use http::Method;
use serde_json::json;

use crate::client::{GROUP, USER, call, get, group, post, server, strict, user};

#[tokio::test]
async fn srv_016_srv_018_core_033_core_041_create() {
    let server = server();
    let body = json!({"schemas": [USER], "userName": "Ada", "id": "mine", "password": "s3cret",
        "meta": {"resourceType": "Group"}, "groups": [{"value": "g"}]});
    let reply = post(&server, "/Users", body).await;
    assert_eq!(reply.status, 201);
    let id = reply.id();
    assert_ne!(id, "mine");
    let location = format!("https://h.example/scim/v2/Users/{id}");
    assert_eq!(reply.header("location"), location);
    assert_eq!(reply.body["meta"]["location"], location);
    assert_eq!(reply.body["meta"]["resourceType"], "User");
    assert_eq!(reply.body["meta"]["created"], reply.body["meta"]["lastModified"]);
    assert_eq!(reply.header("etag"), reply.body["meta"]["version"]);
    assert!(reply.body.get("password").is_none() && reply.body.get("groups").is_none());
    let read = get(&server, &format!("/Users/{id}?attributes=password,userName")).await;
    assert_eq!(read.body, json!({"schemas": [USER], "id": id, "userName": "Ada"}), "SEC-014, SRV-025");
}

#[tokio::test]
async fn srv_019_core_045_user_names_are_unique_without_case() {
    let server = server();
    user(&server, "ada").await;
    let reply = post(&server, "/Users", json!({"schemas": [USER], "userName": "ADA"})).await;
    assert!(reply.refused(409, "uniqueness").contains("userName"));
}

#[tokio::test]
async fn srv_020_bad_bodies() {
    let server = strict();
    let refused = async |body| post(&server, "/Users", body).await;
    refused(json!([])).await.refused(400, "invalidSyntax");
    refused(json!({"schemas": [USER]})).await.refused(400, "invalidValue");
    let wrong = refused(json!({"schemas": [USER], "userName": "a", "active": "yes"})).await;
    assert!(wrong.refused(400, "invalidValue").contains("active"));
}

#[tokio::test]
async fn srv_023_srv_077_srv_078_srv_022_gone_is_gone() {
    let server = server();
    let id = user(&server, "ada").await;
    let path = format!("/Users/{id}");
    let reply = call(&server, Method::DELETE, &path, None).await;
    assert_eq!((reply.status.as_u16(), reply.body), (204, json!(null)));
    get(&server, &path).await.refused(404, "");
    call(&server, Method::DELETE, &path, None).await.refused(404, "");
    let body = json!({"schemas": [USER], "userName": "ada"});
    call(&server, Method::PUT, &path, Some(body)).await.refused(404, "");
    assert_ne!(user(&server, "ada").await, id, "CORE-034: ids are never used again");
}

#[tokio::test]
async fn srv_069_srv_072_replace() {
    let server = server();
    let body = json!({"schemas": [USER], "userName": "ada", "title": "t", "active": false});
    let id = post(&server, "/Users", body).await.id();
    let path = format!("/Users/{id}");
    let body = json!({"schemas": [USER], "userName": "ada", "id": "other", "nickName": "a"});
    let reply = call(&server, Method::PUT, &path, Some(body)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["id"], id);
    assert!(reply.body.get("title").is_none());
    assert_eq!(reply.body["active"], false, "Q-51");
    call(&server, Method::PUT, &path, Some(json!({"schemas": [USER]}))).await.refused(400, "invalidValue");
}

#[tokio::test]
async fn srv_076_a_replace_that_changes_nothing_moves_no_version() {
    let server = server();
    let body = json!({"schemas": [USER], "userName": "ada", "title": "t"});
    let before = post(&server, "/Users", body.clone()).await;
    let after = call(&server, Method::PUT, &format!("/Users/{}", before.id()), Some(body)).await;
    assert_eq!(before.body["meta"], after.body["meta"]);
}

#[tokio::test]
async fn core_061_core_066_groups_and_members_are_two_sides_of_a_link() {
    let server = server();
    let (ada, bob) = (user(&server, "ada").await, user(&server, "bob").await);
    let id = group(&server, "Team", &[&ada, &bob]).await;
    let read = get(&server, &format!("/Groups/{id}")).await;
    let members = read.body["members"].as_array().unwrap();
    assert_eq!(members.len(), 2);
    assert_eq!(members[0]["$ref"], format!("https://h.example/scim/v2/Users/{ada}"));
    assert_eq!((&members[0]["type"], &members[0]["display"]), (&json!("User"), &json!("ada")));
    let groups = get(&server, &format!("/Users/{ada}")).await.body["groups"].clone();
    assert_eq!(groups[0]["value"], id);
    assert_eq!((&groups[0]["display"], &groups[0]["type"]), (&json!("Team"), &json!("direct")));
    // SRV-081: a deleted resource leaves every group, and the group has changed.
    call(&server, Method::DELETE, &format!("/Users/{ada}"), None).await;
    let after = get(&server, &format!("/Groups/{id}")).await;
    assert_eq!(after.body["members"].as_array().unwrap().len(), 1);
    assert_ne!(after.header("etag"), read.header("etag"));
    // E-42: a replace that leaves out the members empties the group.
    let body = json!({"schemas": [GROUP], "displayName": "Team"});
    let emptied = call(&server, Method::PUT, &format!("/Groups/{id}"), Some(body)).await;
    assert!(emptied.body.get("members").is_none());
}

#[tokio::test]
async fn core_066_a_member_that_is_not_there_is_named() {
    let server = server();
    let body = json!({"schemas": [GROUP], "displayName": "g", "members": [{"value": "nobody"}]});
    assert!(post(&server, "/Groups", body).await.refused(400, "invalidValue").contains("nobody"));
    assert_eq!(get(&server, "/Groups").await.body["totalResults"], 0, "nothing is half done");
}

#[tokio::test]
async fn srv_021_srv_031_projection_on_writes() {
    let server = server();
    let body = json!({"schemas": [USER], "userName": "ada", "title": "t"});
    let reply = post(&server, "/Users?attributes=userName", body.clone()).await;
    assert_eq!(reply.body.as_object().unwrap().len(), 3);
    get(&server, "/Users?attributes=a&excludedAttributes=b").await.refused(400, "invalidValue");
}
