//! Entity tags — RFC 7644 §3.14.

use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::client::{USER, get, group, request, send, server, user, yielding};

#[tokio::test]
async fn etag_004_etag_008_if_none_match() {
    let server = server();
    let ada = user(&server, "ada").await;
    let plain = format!("/Users/{ada}?excludedAttributes=groups");
    let tag = get(&server, &plain).await.header("etag").to_owned();
    let conditional = |path: &str, tag: &str| {
        request(Method::GET, path, None).header("if-none-match", tag).body(Bytes::new()).unwrap()
    };
    let same = send(&server, conditional(&plain, &tag)).await;
    assert_eq!((same.status.as_u16(), same.header("etag"), &same.body), (304, tag.as_str(), &json!(null)));
    assert_eq!(send(&server, conditional(&plain, "*")).await.status, 304);
    assert_eq!(send(&server, conditional(&plain, "W/\"99\"")).await.status, 200);
    // `groups` is computed: joining one changes the answer, but not the user's version.
    let shown = format!("/Users/{ada}");
    group(&server, "Team", &[&ada]).await;
    assert_eq!(send(&server, conditional(&shown, &tag)).await.status, 200);
    assert_eq!(get(&server, &shown).await.header("etag"), tag);
}

#[tokio::test]
async fn etag_005_srv_080_if_match() {
    let server = server();
    let ada = user(&server, "ada").await;
    let path = format!("/Users/{ada}");
    let body = json!({"schemas": [USER], "userName": "ada", "title": "t"}).to_string();
    let patch = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "u"}]}).to_string();
    let with = |method: Method, tag: &str, body: &str| {
        request(method, &path, None).header("if-match", tag).body(Bytes::from(body.to_owned())).unwrap()
    };
    for (method, body) in [(Method::PUT, body.as_str()), (Method::PATCH, &patch), (Method::DELETE, "")] {
        send(&server, with(method.clone(), "W/\"9\"", body)).await.refused(412, "");
        send(&server, with(method, "\"other\"", body)).await.refused(412, "");
    }
    assert_eq!(send(&server, with(Method::PUT, "\"1\"", &body)).await.status, 200, "X9: weak comparison");
    assert_eq!(send(&server, with(Method::PATCH, "*", &patch)).await.status, 200);
    assert_eq!(send(&server, with(Method::DELETE, "W/\"2\", W/\"3\"", "")).await.status, 204);
}

#[tokio::test]
async fn etag_005_a_replace_never_overwrites_what_it_has_not_read() {
    let server = yielding();
    let ada = user(&server, "ada").await;
    let path = format!("/Users/{ada}");
    let replace = json!({"schemas": [USER], "userName": "ada", "title": "t"}).to_string();
    let suspend = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [{"op": "add", "path": "active", "value": false}]}).to_string();
    let replace = request(Method::PUT, &path, None)
        .header("if-match", "\"1\", \"2\"")
        .body(Bytes::from(replace))
        .unwrap();
    let suspend = request(Method::PATCH, &path, None).body(Bytes::from(suspend)).unwrap();
    // Both read version 1; the replace then finds version 2, which it named, and must read again.
    let (suspended, replaced) = tokio::join!(send(&server, suspend), send(&server, replace));
    assert_eq!((suspended.status.as_u16(), replaced.status.as_u16()), (200, 200));
    let body = get(&server, &path).await.body;
    assert_eq!(
        (&body["active"], &body["title"]),
        (&json!(false), &json!("t")),
        "Q-51: PUT without `active` keeps it"
    );
}
