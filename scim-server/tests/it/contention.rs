//! Many writers of one resource at once: each succeeds, or gets 412.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use http::Method;
use scim_server::Server;
use scim_store::SqliteStore;
use serde_json::{Value, json};

use crate::client::{Reply, USER, call, get, group, on, patch, request, send, user, yielding};

/// Many more than there are attempts without a turn.
const WRITERS: usize = 100;

/// Every other writer replaces the user, the rest add an e-mail address each.
async fn write(server: &Server, path: &str, number: usize) -> Reply {
    if number.is_multiple_of(2) {
        let title = format!("title {number}");
        return call(
            server,
            Method::PUT,
            path,
            Some(json!({"schemas": [USER], "userName": "ada", "title": title})),
        )
        .await;
    }
    let address = json!([{"value": format!("{number}@example.com")}]);
    patch(server, path, json!([{"op": "add", "path": "emails", "value": address}])).await
}

async fn all_succeed(server: &Server) {
    let path = format!("/Users/{}", user(server, "ada").await);
    let replies = join_all((0..WRITERS).map(|number| write(server, &path, number))).await;
    for reply in &replies {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    let tag = format!("W/\"{}\"", WRITERS + 1);
    assert_eq!(get(server, &path).await.header("etag"), tag, "each write is one version");
}

async fn none_is_lost(server: &Server) {
    let path = format!("/Users/{}", user(server, "bob").await);
    let replies = join_all((0..WRITERS).map(|number| write(server, &path, 2 * number + 1))).await;
    assert!(replies.iter().all(|reply| reply.status == 200), "{replies:?}");
    let body = get(server, &path).await.body;
    assert_eq!(body["emails"].as_array().map(Vec::len), Some(WRITERS));
}

/// Of writers that name one version, exactly one succeeds.
async fn one_of_those_who_name_a_version(server: &Server) {
    let path = format!("/Users/{}", user(server, "eve").await);
    let write = |number: usize| {
        let body = json!({"schemas": [USER], "userName": "eve", "title": format!("title {number}")});
        let request = request(Method::PUT, &path, Some(&body)).header("if-match", "W/\"1\"");
        send(server, request.body(Bytes::from(body.to_string())).unwrap())
    };
    let replies = join_all((0..WRITERS).map(write)).await;
    let made = replies.iter().filter(|reply| reply.status == 200).count();
    let stale = replies.iter().filter(|reply| reply.status == 412).count();
    assert_eq!((made, stale), (1, WRITERS - 1));
}

/// Members are added and removed without a read of the group, so they take no turns. A writer of its document gets
/// through.
async fn beside_members(server: &Server) {
    let member = user(server, "mia").await;
    let path = format!("/Groups/{}", group(server, "all", &[]).await);
    let write = |number: usize| {
        let (path, member) = (path.clone(), member.clone());
        async move {
            let operation: Value = match number % 3 {
                0 => json!({"op": "add", "path": "members", "value": [{"value": member}]}),
                1 => json!({"op": "remove", "path": format!("members[value eq \"{member}\"]")}),
                _ => json!({"op": "replace", "path": "displayName", "value": format!("name {number}")}),
            };
            patch(server, &path, json!([operation])).await
        }
    };
    let replies = join_all((0..WRITERS).map(write)).await;
    for reply in &replies {
        assert!(reply.status.is_success(), "{reply:?}");
    }
}

async fn check(server: &Server) {
    all_succeed(server).await;
    none_is_lost(server).await;
    one_of_those_who_name_a_version(server).await;
    beside_members(server).await;
}

#[tokio::test]
async fn x2_contention_ends_in_success_or_412_in_memory() {
    check(&yielding()).await;
}

#[tokio::test]
async fn x2_contention_ends_in_success_or_412_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("scim.db")).unwrap();
    check(&on(Arc::new(store)).build().unwrap()).await;
}
