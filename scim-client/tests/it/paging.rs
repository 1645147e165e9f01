//! Reading lists page by page.

use bytes::Bytes;
use http::Response;
use scim_client::{ClientError, Query};
use serde_json::{Value, json};

use crate::script::{Script, empty, json};

fn page(total: u64, ids: &[&str], more: Value) -> Response<Bytes> {
    let resources: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
    let mut body = json!({"totalResults": total, "Resources": resources});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    json(200, body)
}

async fn ids(script: &std::sync::Arc<Script>, query: Query) -> String {
    let all = script.client().at::<Value>("/Users").all(&query).await.unwrap();
    all.iter().map(|user| user["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn cli_016_the_next_page_begins_behind_what_was_returned() {
    let script = Script::new([
        page(5, &["a", "b"], json!({"itemsPerPage": 3, "startIndex": 1})),
        page(5, &["c", "d"], json!({"startIndex": 3})),
        page(5, &["e"], json!({"startIndex": 5})),
    ]);
    assert_eq!(ids(&script, Query::new().filter("active eq true").count(3)).await, "abcde");
    assert_eq!(
        script.lines(),
        [
            "GET /Users?filter=active%20eq%20true&count=3",
            "GET /Users?filter=active%20eq%20true&startIndex=3&count=3",
            "GET /Users?filter=active%20eq%20true&startIndex=5&count=3"
        ]
    );
}

#[tokio::test]
async fn cli_015_inconsistent_pages_end_and_repeat_nothing() {
    let script = Script::new([
        page(9, &["a", "b"], json!({})),
        page(9, &["b", "c"], json!({})),
        page(9, &[], json!({})),
    ]);
    assert_eq!(ids(&script, Query::new()).await, "abc");
    // A server without `startIndex` returns the first page again and again.
    let script = Script::new((0..3).map(|_| page(6, &["a", "b"], json!({"startIndex": 1}))));
    assert_eq!(ids(&script, Query::new()).await, "ab");
}

#[tokio::test]
async fn cli_018_cursors_are_followed_with_everything_else_unchanged() {
    let script = Script::new([
        page(3, &["a"], json!({"nextCursor": "x y"})),
        page(3, &[], json!({"nextCursor": "z"})),
        page(3, &["b", "c"], json!({})),
    ]);
    assert_eq!(ids(&script, Query::new().count(2)).await, "abc");
    assert_eq!(
        script.lines(),
        ["GET /Users?count=2", "GET /Users?count=2&cursor=x%20y", "GET /Users?count=2&cursor=z"]
    );
    let script = Script::new((0..2).map(|_| page(9, &["a"], json!({"nextCursor": "same"}))));
    assert_eq!(ids(&script, Query::new()).await, "a", "a cursor that repeats is the end");
}

#[tokio::test]
async fn a_page_that_failed_can_be_read_again() {
    let script = Script::new([page(2, &["a"], json!({})), empty(503), page(2, &["b"], json!({}))]);
    let client = script.client();
    let mut pages = client.at::<Value>("/Users").pages(&Query::new());
    assert_eq!(pages.next_page().await.unwrap().unwrap().len(), 1);
    assert!(matches!(pages.next_page().await, Err(ClientError::Status { .. })));
    assert_eq!(pages.next_page().await.unwrap().unwrap().len(), 1);
    assert!(pages.next_page().await.unwrap().is_none());
}

#[tokio::test]
async fn x14_any_object_is_no_page() {
    let script = Script::new([json(200, json!({"message": "welcome"})), json(200, json!({}))]);
    for _ in 0..2 {
        let error = script.client().users().find("userName pr").await.unwrap_err();
        assert!(matches!(error, ClientError::Decode { .. }), "{error}");
    }
}
