//! PATCH over HTTP — RFC 7644 §3.5.2.

use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::client::{
    GROUP, PATCH_OP, USER, builder, get, group, patch, post, request, send, server, user, yielding,
};
use scim_core::{Leniency, Quirk};
use scim_server::PatchResponse;

#[tokio::test]
async fn patch_016_q_31_answers() {
    let server = server();
    let (ada, bob) = (user(&server, "ada").await, user(&server, "bob").await);
    let team = group(&server, "Team", &[&ada]).await;
    let path = format!("/Groups/{team}");
    let add = json!([{"op": "add", "path": "members", "value": [{"value": bob}]}]);
    let reply = patch(&server, &path, add.clone()).await;
    assert_eq!((reply.status.as_u16(), reply.header("etag")), (204, "W/\"2\""));
    let again = patch(&server, &path, add.clone()).await;
    assert_eq!(again.header("etag"), "W/\"2\"", "PATCH-021: nothing changed, so the version stays");
    let with_attributes = patch(&server, &format!("{path}?attributes=displayName"), add).await;
    assert_eq!(with_attributes.status, 200);
    assert!(with_attributes.body.get("members").is_none());
    let rename = patch(&server, &path, json!([{"op": "replace", "path": "displayName", "value": "T"}])).await;
    assert_eq!(rename.status, 204, "a group may have many members");
    let title = json!([{"op": "add", "path": "title", "value": "t"}]);
    assert_eq!(patch(&server, &format!("/Users/{ada}"), title).await.body["title"], "t");
    let quiet = builder().patch_response(PatchResponse::None).build().unwrap();
    let eve = user(&quiet, "eve").await;
    let reply =
        patch(&quiet, &format!("/Users/{eve}"), json!([{"op": "add", "path": "title", "value": "t"}])).await;
    assert_eq!(reply.status, 204);
}

#[tokio::test]
async fn patch_014_patch_023_all_or_nothing() {
    let server = server();
    user(&server, "ada").await;
    let bob = user(&server, "bob").await;
    let path = format!("/Users/{bob}");
    let before = get(&server, &path).await.body;
    let operations = json!([{"op": "add", "path": "title", "value": "t"}, {"op": "replace", "path": "userName", "value": "ADA"}]);
    patch(&server, &path, operations).await.refused(409, "uniqueness");
    let team = group(&server, "Team", &[]).await;
    let operations = json!([{"op": "replace", "path": "displayName", "value": "x"}, {"op": "add", "path": "members", "value": [{"value": "nobody"}]}]);
    patch(&server, &format!("/Groups/{team}"), operations).await.refused(400, "invalidValue");
    assert_eq!(get(&server, &path).await.body, before);
    assert_eq!(get(&server, &format!("/Groups/{team}")).await.body["displayName"], "Team");
}

#[tokio::test]
async fn patch_of_nothing_is_404_and_details_name_the_operation() {
    let server = server();
    patch(&server, "/Users/nobody", json!([{"op": "add", "path": "title", "value": "t"}]))
        .await
        .refused(404, "");
    let ada = user(&server, "ada").await;
    let reply =
        patch(&server, &format!("/Users/{ada}"), json!([{"op": "add", "path": "nope", "value": 1}])).await;
    let detail = reply.refused(400, "invalidPath");
    assert!(detail.contains("Operations[0]") && detail.contains("nope"), "{detail}");
}

#[tokio::test]
async fn core_052_q_50_a_password_is_taken_and_kept_nowhere() {
    let server = server();
    let body = json!({"schemas": [USER], "userName": "ada", "password": "s3cret"});
    let id = post(&server, "/Users", body).await.id();
    let path = format!("/Users/{id}");
    let reply = patch(&server, &path, json!([{"op": "replace", "value": {"password": "n3w"}}])).await;
    assert_eq!(reply.status, 200);
    assert!(!reply.body.to_string().contains("n3w"));
    assert_eq!(reply.header("etag"), "W/\"1\"");
}

#[tokio::test]
async fn x2_concurrent_writers_without_if_match_all_succeed() {
    let server = yielding();
    let ada = user(&server, "ada").await;
    let path = format!("/Users/{ada}");
    let set = |name: &str| json!([{"op": "add", "path": name, "value": "x"}]);
    let replies = tokio::join!(
        patch(&server, &path, set("title")),
        patch(&server, &path, set("nickName")),
        patch(&server, &path, set("locale")),
    );
    for reply in [replies.0, replies.1, replies.2] {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    let body = get(&server, &path).await.body;
    assert_eq!((&body["title"], &body["nickName"], &body["locale"]), (&json!("x"), &json!("x"), &json!("x")));
}

#[tokio::test]
async fn patch_001_patch_is_offered() {
    let config = get(&server(), "/ServiceProviderConfig").await.body;
    assert_eq!(config["patch"], json!({"supported": true}));
}

#[tokio::test]
async fn patch_001_srv_010_patch_can_be_left_out() {
    let server = builder().patching(false).build().unwrap();
    let config = get(&server, "/ServiceProviderConfig").await.body;
    assert_eq!(config["patch"], json!({"supported": false}));
    let path = format!("/Users/{}", user(&server, "ada").await);
    let allowed = post(&server, &path, json!({})).await;
    assert_eq!((allowed.status.as_u16(), allowed.header("allow")), (405, "GET, HEAD, PUT, DELETE"));
    let title = json!([{"op": "add", "path": "title", "value": "t"}]);
    patch(&server, &path, title.clone()).await.refused(501, "");
    let data = json!({"schemas": [PATCH_OP], "Operations": title});
    let operations = json!([{"method": "PATCH", "path": path, "data": data}]);
    let bulk = json!({"schemas": [scim_core::urn::BULK_REQUEST], "Operations": operations});
    assert_eq!(post(&server, "/Bulk", bulk).await.body["Operations"][0]["status"], "501");
    assert!(get(&server, "/openapi.json").await.body["paths"]["/Users/{id}"].get("patch").is_none());
}

#[tokio::test]
async fn patch_015_patch_038_refusals_on_the_wire() {
    let server = server();
    let path = format!("/Users/{}", user(&server, "ada").await);
    for (operation, keyword) in [
        (json!({"op": "move", "path": "title"}), "invalidSyntax"),
        (json!({"op": "add", "path": "emails[type zz 1]", "value": {}}), "invalidFilter"),
        (json!({"op": "add", "path": "emails[", "value": {}}), "invalidPath"),
        (json!({"op": "remove"}), "noTarget"),
        (json!({"op": "replace", "path": "id", "value": "x"}), "mutability"),
        (json!({"op": "replace", "path": "userName", "value": {}}), "invalidValue"),
    ] {
        let reply = patch(&server, &path, json!([operation])).await;
        reply.refused(400, keyword);
        assert_eq!(reply.body["schemas"], json!([scim_core::urn::ERROR]), "{operation}");
    }
}

#[tokio::test]
async fn patch_024_a_stale_tag_changes_nothing() {
    let server = server();
    let ada = user(&server, "ada").await;
    let (person, team) = (format!("/Users/{ada}"), format!("/Groups/{}", group(&server, "Team", &[]).await));
    for (path, operation) in [
        (&person, json!({"op": "add", "path": "title", "value": "t"})),
        (&team, json!({"op": "add", "path": "members", "value": [{"value": ada}]})),
    ] {
        let before = get(&server, path).await;
        let body = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [operation]}).to_string();
        let tagged = |tag: &str| {
            let request = request(Method::PATCH, path, None).header("if-match", tag);
            send(&server, request.body(Bytes::from(body.clone())).unwrap())
        };
        tagged("W/\"9\"").await.refused(412, "");
        let after = get(&server, path).await;
        assert_eq!((after.header("etag"), &after.body), (before.header("etag"), &before.body));
        assert!(tagged(before.header("etag")).await.status.is_success(), "{path}");
    }
}

#[tokio::test]
async fn core_066_unknown_members_are_refused_or_passed_over() {
    let add = |ids: &[&str]| {
        let value: Vec<_> = ids.iter().map(|id| json!({"value": id})).collect();
        json!([{"op": "add", "path": "members", "value": value}])
    };
    for (leniency, members) in [(Leniency::INTEROP, 1), (Leniency::INTEROP.allow(Quirk::UnknownTargets), 2)] {
        let server = builder().leniency(leniency).patch_response(PatchResponse::Body).build().unwrap();
        let (ada, bob) = (user(&server, "ada").await, user(&server, "bob").await);
        let path = format!("/Groups/{}", group(&server, "Team", &[&ada]).await);
        let reply = patch(&server, &path, add(&["nobody", &bob, "none"])).await;
        if members == 1 {
            let detail = reply.refused(400, "invalidValue");
            assert!(detail.contains("nobody"), "{detail}");
        } else {
            assert_eq!(reply.status, 200);
        }
        let shown = get(&server, &path).await.body;
        assert_eq!(shown["members"].as_array().map(Vec::len), Some(members));
        let body = json!({"schemas": [GROUP], "displayName": "New", "members": [{"value": "nobody"}]});
        let made = post(&server, "/Groups", body).await;
        assert_eq!(made.status, if members == 1 { 400 } else { 201 });
    }
}
