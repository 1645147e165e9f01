//! What browsers and proxies may keep of an answer, and how they may interpret it.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::client::{GROUP, Reply, USER, builder, call, get, patch, post, request, send, user};

#[track_caller]
fn is_private(reply: &Reply) {
    assert_eq!(reply.header("cache-control"), "no-store", "{reply:?}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{reply:?}");
}

#[tokio::test]
async fn sec_008_answers_about_people_are_kept_by_nobody() {
    let server = builder().me(|_: &scim_server_traits::Context| None).build().unwrap();
    let made = post(&server, "/Users", json!({"schemas": [USER], "userName": "ada"})).await;
    let path = format!("/Users/{}", made.id());
    is_private(&made);
    is_private(&post(&server, "/Groups", json!({"schemas": [GROUP], "displayName": "g"})).await);
    for at in [&path, "/Users", "/Groups", "/", "/Me", "/Users/none", "/Nothing", "/Users?filter=x"] {
        is_private(&get(&server, at).await);
        is_private(&call(&server, Method::HEAD, at, None).await);
    }
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
    is_private(&post(&server, "/Users/.search", search).await);
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        {"method": "DELETE", "path": "/Users/none"},
    ]});
    is_private(&post(&server, "/Bulk", bulk).await);
    is_private(&patch(&server, &path, json!([{"op": "replace", "path": "title", "value": "t"}])).await);
    let body = json!({"schemas": [USER], "userName": "ada"});
    is_private(&call(&server, Method::PUT, &path, Some(body)).await);

    // RFC 9110 §15.4.5: 304 has the cache headers that 200 would have.
    let tag = get(&server, &path).await.header("etag").to_owned();
    let conditional = request(Method::GET, &path, None).header("if-none-match", tag);
    let same = send(&server, conditional.body(Bytes::new()).unwrap()).await;
    assert_eq!((same.status.as_u16(), &same.body), (304, &Value::Null));
    is_private(&same);

    let deleted = call(&server, Method::DELETE, &path, None).await;
    assert_eq!(deleted.status, 204);
    is_private(&deleted);
    let stranger = Request::builder().uri("/scim/v2/Users").body(Bytes::new()).unwrap();
    is_private(&send(&server, stranger).await);
    let refused = server.refuse(scim_core::Error::internal("x"));
    assert_eq!(refused.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn what_describes_the_service_may_be_kept() {
    let server = builder().build().unwrap();
    user(&server, "ada").await;
    for path in
        ["/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas", "/openapi.json"]
    {
        let reply = get(&server, path).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (200, ""), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        // An error may repeat what a client sent.
        is_private(&get(&server, &format!("{path}/none")).await);
    }
}
