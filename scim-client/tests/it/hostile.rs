//! Servers that send too much, never end a list, or send control characters for the terminal.

use std::error::Error;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::Response;
use scim_client::{Client, ClientBuilder, ClientError, Query, Transport, filter_eq, transport_fn};
use scim_core::User;
use serde_json::{Value, json};

use crate::script::{BASE, Script, json};

fn raw(body: String) -> Response<Bytes> {
    Response::new(body.into())
}

/// A page with `{}` this many times.
fn blanks(count: usize) -> Response<Bytes> {
    raw(format!(r#"{{"totalResults": 1, "Resources": [{}]}}"#, vec!["{}"; count].join(",")))
}

/// An error with all its sources.
fn chain(error: &dyn Error) -> String {
    let source = error.source().map(chain);
    source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[tokio::test]
async fn a_response_holds_a_bounded_number_of_values() {
    let client = Script::new((0..4).map(|_| blanks(1_000_000))).client();
    let users = client.users();
    for error in [
        users.get("1").await.unwrap_err(),
        users.list(&Query::new()).await.unwrap_err(),
        users.find("userName pr").await.unwrap_err(),
        users.all(&Query::new().count(2_000_000)).await.unwrap_err(),
    ] {
        assert!(matches!(error, ClientError::Decode { .. }), "{error}");
        assert!(chain(&error).contains("too many values"), "{}", chain(&error));
    }
}

#[tokio::test]
async fn the_bound_of_values_can_be_set() {
    let list = || Script::new([blanks(10)]).builder();
    let read = async |builder: ClientBuilder| {
        let client = builder.build().unwrap();
        client.at::<Value>("/Users").list(&Query::new()).await.map(|page| page.resources.len())
    };
    // The page, its total, its array and 10 resources.
    assert_eq!(read(list().max_response_values(13)).await.unwrap(), 10);
    assert!(matches!(read(list().max_response_values(12)).await, Err(ClientError::Decode { .. })));
}

#[tokio::test]
async fn values_of_an_error_are_bounded_too() {
    let body = format!(r#"{{"detail": "x", "more": [{}]}}"#, vec!["0"; 1_000_000].join(","));
    let refusal = Response::builder().status(400).body(Bytes::from(body)).unwrap();
    let error = Script::new([refusal]).client().users().get("1").await.unwrap_err();
    assert!(error.scim().is_none(), "it is kept as bytes");
}

#[tokio::test]
async fn depth_is_bounded_and_fits_pages_of_the_deepest_resources() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    // The server accepts resources of 32 levels. The object is one of them.
    let page = |levels| raw(format!(r#"{{"totalResults": 1, "Resources": [{{"x": {}}}]}}"#, nested(levels)));
    let client = Script::new([page(31), page(32), page(1_000_000), raw(nested(1_000_000))]).client();
    let list = async || client.at::<Value>("/Users").list(&Query::new()).await;
    assert!(list().await.is_ok());
    for _ in 0..3 {
        assert!(matches!(list().await, Err(ClientError::Decode { .. })));
    }
}

#[tokio::test]
async fn a_key_that_stands_twice_is_refused() {
    let user = || raw(r#"{"id": "1", "userName": "ada", "active": true, "active": false}"#.into());
    let error = Script::new([user()]).client().at::<Value>("/Users").get("1").await.unwrap_err();
    assert!(chain(&error).contains("`active` stands twice"), "{}", chain(&error));
}

#[tokio::test]
async fn a_page_holds_at_most_what_was_asked_for() {
    let client = Script::new([blanks(2), blanks(3), blanks(3), blanks(3), blanks(100_001)]).client();
    let users = client.at::<Value>("/Users");
    let two = Query::new().count(2);
    assert_eq!(users.list(&two).await.unwrap().resources.len(), 2);
    let too_large = |error: ClientError| match error {
        ClientError::PageTooLarge { found, limit } => (found, limit),
        other => panic!("{other}"),
    };
    assert_eq!(too_large(users.list(&two).await.unwrap_err()), (3, 2));
    assert_eq!(too_large(users.search(&two).await.unwrap_err()), (3, 2));
    assert_eq!(too_large(users.all(&two).await.unwrap_err()), (3, 2));
    assert_eq!(too_large(users.list(&Query::new()).await.unwrap_err()), (100_001, 100_000));
}

/// A server whose n-th answer, counted from 0, is made by a function, and the number of requests it got.
fn endless(answer: impl Fn(u64) -> Value + Send + Sync + 'static) -> (Arc<dyn Transport>, Arc<AtomicU64>) {
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let transport =
        transport_fn(move |_| ready(Ok(json(200, answer(count.fetch_add(1, Ordering::Relaxed))))));
    (Arc::new(transport), asked)
}

/// Reads all pages. Returns how many requests that took, and the error at the end.
async fn walk(answer: impl Fn(u64) -> Value + Send + Sync + 'static) -> (u64, ClientError) {
    let (transport, asked) = endless(answer);
    let client = Client::builder(BASE).transport(transport).max_resources(500).build().unwrap();
    let error = client.at::<Value>("/Users").all(&Query::new()).await.unwrap_err();
    (asked.load(Ordering::Relaxed), error)
}

fn same() -> Value {
    json!([{"id": "1"}])
}

#[tokio::test]
async fn cli_015_pages_that_only_repeat_resources_end_the_walk() {
    let (requests, error) = walk(|_| json!({"totalResults": 400, "Resources": same()})).await;
    assert_eq!(requests, 11, "ten repeated the first");
    assert!(matches!(error, ClientError::EndlessPages { pages: 11, fruitless: 10 }), "{error}");
}

#[tokio::test]
async fn cli_019_cursors_that_alternate_end_the_walk() {
    let answer =
        |n: u64| json!({"Resources": same(), "nextCursor": if n.is_multiple_of(2) { "a" } else { "b" }});
    let (requests, error) = walk(answer).await;
    assert_eq!(requests, 11);
    assert!(matches!(error, ClientError::EndlessPages { pages: 11, fruitless: 10 }), "{error}");
}

#[tokio::test]
async fn cli_019_empty_pages_with_fresh_cursors_end_the_walk() {
    let (requests, error) = walk(|n| json!({"Resources": [], "nextCursor": n.to_string()})).await;
    assert_eq!(requests, 1_000);
    assert!(matches!(error, ClientError::EndlessPages { pages: 1_000, fruitless: 1_000 }), "{error}");
}

#[tokio::test]
async fn a_walk_has_a_bounded_number_of_pages() {
    // Something new comes often enough, so that only the number of pages ends it.
    let answer = |n: u64| {
        let resources = if n.is_multiple_of(400) { json!([{"id": n.to_string()}]) } else { json!([]) };
        json!({"Resources": resources, "nextCursor": n.to_string()})
    };
    let (requests, error) = walk(answer).await;
    assert_eq!(requests, 100_000);
    assert!(matches!(error, ClientError::EndlessPages { pages: 100_000, fruitless: 399 }), "{error}");
}

#[tokio::test]
async fn a_total_that_lies_ends_the_walk() {
    for total in [501, 1 << 63, u64::MAX] {
        let (requests, error) =
            walk(move |n| json!({"totalResults": total, "Resources": [{"id": n.to_string()}]})).await;
        assert_eq!(requests, 1, "the first page shows it");
        let ClientError::ListTooLong { resources, limit: 500 } = error else { panic!("{error}") };
        assert_eq!(resources, total);
    }
    // A total that grows with each page, and no total at all.
    let growing = |n: u64| json!({"totalResults": n + 2, "Resources": [{"id": n.to_string()}]});
    let silent = |n: u64| json!({"Resources": [{"id": n.to_string()}], "nextCursor": n.to_string()});
    let nameless = |n: u64| json!({"Resources": [{}], "nextCursor": n.to_string()});
    for (requests, error) in [walk(growing).await, walk(silent).await, walk(nameless).await] {
        assert!((500..=501).contains(&requests), "{requests}");
        assert!(matches!(error, ClientError::ListTooLong { resources: 501, limit: 500 }), "{error}");
    }
}

#[tokio::test]
async fn what_lies_before_the_first_page_does_not_count() {
    let page = json!({"totalResults": 600, "startIndex": 600, "Resources": same()});
    let script = Script::new([json(200, page.clone()), json(200, page)]);
    let client = script.builder().max_resources(500).build().unwrap();
    let walk = async |position| client.at::<Value>("/Users").all(&Query::new().start_index(position)).await;
    assert_eq!(walk(600).await.unwrap().len(), 1);
    assert_eq!(walk(u64::MAX).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_walk_that_was_ended_stays_ended() {
    let (transport, asked) = endless(|_| json!({"totalResults": 400, "Resources": same()}));
    let client = Client::builder(BASE).transport(transport).build().unwrap();
    let mut pages = client.at::<Value>("/Users").pages(&Query::new());
    for _ in 0..11 {
        assert!(pages.next_page().await.unwrap().is_some(), "every page is returned before the error");
    }
    assert!(matches!(pages.next_page().await, Err(ClientError::EndlessPages { .. })));
    assert!(pages.next_page().await.unwrap().is_none());
    assert_eq!(asked.load(Ordering::Relaxed), 11);
}

const STEERING: &str = "\u{1b}]0;owned\u{7}\u{9b}31mred\r\nWARN forged\u{202e}";
const SHOWN: &str = r"\u{1b}]0;owned\u{7}\u{9b}31mred\r\nWARN forged\u{202e}";

#[tokio::test]
async fn control_characters_of_an_error_are_shown_escaped() {
    let answer = |status, body: Value| json(status, body);
    let script = Script::new([
        answer(400, json!({"detail": STEERING, "scimType": STEERING})),
        answer(400, json!({"message": STEERING})),
        Response::builder().status(500).body(STEERING.into()).unwrap(),
    ]);
    let client = script.client();
    let get = async || client.users().get("1").await.unwrap_err();
    let error = get().await;
    assert_eq!(error.to_string(), format!("the server answered 400 Bad Request: {SHOWN}: {SHOWN}"));
    assert_eq!(error.scim().unwrap().detail, STEERING, "the value is kept as it came");
    assert_eq!(error.scim().unwrap().to_string(), format!("400 {SHOWN}: {SHOWN}"));
    for _ in 0..2 {
        plain(&get().await.to_string());
    }
}

#[tokio::test]
async fn control_characters_of_an_answer_are_shown_escaped() {
    let twice = serde_json::to_string(STEERING).unwrap();
    let schema = json!({"id": STEERING, "attributes": [{"name": STEERING, "type": STEERING}]});
    let script = Script::new([
        raw(format!("{{{twice}: 1, {twice}: 2}}")),
        json(200, json!({"userName": {STEERING: 1}, "active": STEERING})),
        json(200, json!({"totalResults": 1, "Resources": [schema]})),
        json(200, json!({"totalResults": 2, "Resources": [{}, {}]})),
    ]);
    let client = script.client();
    for error in [
        client.users().get("1").await.unwrap_err(),
        client.users().get("1").await.unwrap_err(),
        client.schemas().await.unwrap_err(),
        client.users().find(filter_eq("userName", "x") + STEERING).await.unwrap_err(),
        client.at::<User>(STEERING).get("..").await.unwrap_err(),
        ClientError::InvalidId { id: STEERING.into() },
        ClientError::Location { location: STEERING.into() },
        ClientError::Url { url: STEERING.into() },
    ] {
        plain(&chain(&error));
    }
}

#[tokio::test]
async fn a_detail_is_shown_up_to_a_length() {
    let detail = "é".repeat(100_000);
    let error =
        Script::new([json(400, json!({"detail": detail}))]).client().users().get("1").await.unwrap_err();
    let shown = error.to_string();
    assert_eq!(shown.matches('é').count(), 1_000);
    assert!(shown.ends_with("é…"));
}

#[track_caller]
fn plain(shown: &str) {
    assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{shown:?}");
}
