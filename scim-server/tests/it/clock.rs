//! A clock that goes back, and one that shows a time before 1970.

use std::sync::Arc;
use std::time::Duration;

use scim_core::Timestamp;
use scim_server_traits::ManualClock;
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::client::{USER, call, get, on, patch, post, user};

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn core_041_last_modified_never_goes_back() {
    let now = 1_800_000_000_000;
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(now)));
    let server = on(Arc::new(MemoryStore::new())).clock(clock.clone()).build().unwrap();
    let path = format!("/Users/{}", user(&server, "ada").await);
    let made = get(&server, &path).await.body["meta"].clone();
    assert_eq!(made["created"], "2027-01-15T08:00:00.000Z");
    clock.set(Timestamp::from_millis(now - 86_400_000));
    let title = json!([{"op": "add", "path": "title", "value": "Countess"}]);
    let meta = patch(&server, &path, title).await.body["meta"].clone();
    let times = |meta: &Value| (meta["created"].clone(), meta["lastModified"].clone());
    assert_eq!(times(&meta), times(&made), "a day back");
    clock.set(Timestamp::from_millis(now));
    clock.advance(DAY);
    let whole = json!({"schemas": [USER], "userName": "ada"});
    let meta = call(&server, http::Method::PUT, &path, Some(whole)).await.body["meta"].clone();
    assert_eq!(meta["lastModified"], "2027-01-16T08:00:00.000Z");
}

#[tokio::test]
async fn core_016_a_clock_before_1970_is_a_moment_like_others() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(-1)));
    let server = on(Arc::new(MemoryStore::new())).clock(clock.clone()).build().unwrap();
    for name in ["ada", "bob"] {
        let reply = post(&server, "/Users", json!({"schemas": [USER], "userName": name})).await;
        assert_eq!(reply.body["meta"]["created"], "1969-12-31T23:59:59.999Z");
        clock.set(Timestamp::from_millis(-1));
    }
    let first = get(&server, "/Users?count=1&cursor&sortBy=meta.created").await;
    assert_eq!(first.status, 200, "{first:?}");
    let next =
        format!("/Users?count=1&sortBy=meta.created&cursor={}", first.body["nextCursor"].as_str().unwrap());
    assert_eq!(get(&server, &next).await.body["Resources"][0]["userName"], "bob");
    clock.set(Timestamp::from_millis(-86_400_000));
    assert_eq!(get(&server, &next).await.status, 200);
    for (filter, found) in [("lt%20%221970-01-01T00:00:00Z%22", 2), ("gt%20%221970-01-01T00:00:00Z%22", 0)] {
        let list = get(&server, &format!("/Users?filter=meta.created%20{filter}")).await;
        assert_eq!(list.body["totalResults"], found, "{filter}");
    }
}
