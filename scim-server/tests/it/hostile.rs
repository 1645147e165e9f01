//! What strangers send: the server returns the right status and a SCIM error that names the fault, and goes on.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use http_body_util::{Full, StreamBody};
use scim_core::Error;
use scim_server::{Reservation, Reserve, Server};
use scim_server_traits::{AuthError, Authenticator, Context};
use scim_store::MemoryStore;
use serde_json::json;
use tower_service::Service;

use crate::client::{builder, get, patch, request, send, server, user};

#[tokio::test]
async fn sec_011_malformed_bodies_and_media_types() {
    let server = server();
    for body in ["", "{", "{\"a\":1,\"a\":2}", "\"x\"", "\u{feff}{}", "nul"] {
        let request =
            request(Method::POST, "/Users", Some(&json!(0))).body(Bytes::from(body.to_owned())).unwrap();
        send(&server, request).await.refused(400, "invalidSyntax");
    }
    let bytes = Bytes::from_static(&[b'{', b'"', 0xff, b'"', b':', b'1', b'}']);
    send(&server, request(Method::POST, "/Users", None).body(bytes).unwrap())
        .await
        .refused(400, "invalidSyntax");
    let text = Request::post("/scim/v2/Users")
        .header("authorization", "Bearer one")
        .header("content-type", "text/plain");
    send(&server, text.body(Bytes::from_static(b"{}")).unwrap()).await.refused(415, "");
    let html = request(Method::GET, "/Users", None).header("accept", "text/html").body(Bytes::new()).unwrap();
    send(&server, html).await.refused(406, "");
}

#[tokio::test]
async fn sec_011_a_filter_ten_thousand_deep_is_refused() {
    let server = server();
    let filter = format!("{}userName%20pr{}", "(".repeat(10_000), ")".repeat(10_000));
    get(&server, &format!("/Users?filter={filter}")).await.refused(400, "invalidFilter");
    let deep = "[".repeat(100_000);
    let request = request(Method::POST, "/Users", None).body(Bytes::from(deep)).unwrap();
    send(&server, request).await.refused(400, "invalidSyntax");
    assert_eq!(get(&server, "/Users").await.status, 200);
}

/// Only a body that may name links may be large.
#[tokio::test]
async fn a_body_past_the_limit_of_its_type_is_413() {
    let mut server = server();
    for (path, limit) in
        [("/Users", 1 << 20), ("/Users/.search", 1 << 20), ("/Groups", 8 << 20), ("/Bulk", 8 << 20)]
    {
        for (length, status) in [(limit, 400), (limit + 1, 413), (50 << 20, 413)] {
            let body = Full::new(Bytes::from(vec![b' '; length]));
            let request = request(Method::POST, path, None).body(body).unwrap();
            let response = server.call(request).await.unwrap();
            assert_eq!(response.status(), status, "{path}, {length} bytes");
            let body = response.into_body().into_bytes().await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let detail = body["detail"].as_str().unwrap();
            let names_it = detail.contains(&format!("larger than the {limit} bytes"));
            assert_eq!(names_it, status == 413, "{path}: {detail}");
        }
    }
    assert_eq!(get(&server, "/Users").await.status, 200);
    let mut raised = builder().plain_body(2 << 20).build().unwrap();
    let body = Full::new(Bytes::from(vec![b' '; 2 << 20]));
    let response = raised.call(request(Method::POST, "/Users", None).body(body).unwrap()).await.unwrap();
    assert_eq!(response.status(), 400, "taken, and no JSON");
}

/// Has room for this many bytes.
struct Room(AtomicUsize);

impl Reserve for Room {
    fn reserve(&self, bytes: usize) -> Result<(), Error> {
        let take = |room: usize| room.checked_sub(bytes);
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            Ok(_) => Ok(()),
            Err(_) => {
                let mut error = Error::new(StatusCode::SERVICE_UNAVAILABLE, "no room");
                error.retry_after = Some(Duration::from_secs(7));
                Err(error)
            }
        }
    }
}

/// A body of parts with 1,000 bytes each.
fn parts_of_a_thousand(parts: usize) -> impl http_body::Body<Data = Bytes, Error = Infallible> + Send {
    let part = |_| Ok(http_body::Frame::data(Bytes::from_static(&[b' '; 1_000])));
    StreamBody::new(futures_util::stream::iter(0..parts).map(part))
}

#[tokio::test]
async fn sec_011_a_host_counts_what_is_kept_of_a_body_and_nothing_else() {
    let mut server = server();
    for (token, parts, status, left) in
        [("one", 3, 400, 1_000), ("one", 9, 503, 0), ("wrong", 9, 401, 4_000), ("one", 2_000, 503, 0)]
    {
        let room = Arc::new(Room(AtomicUsize::new(4_000)));
        let mut request = Request::post("/scim/v2/Users")
            .header("authorization", format!("Bearer {token}"))
            .body(parts_of_a_thousand(parts))
            .unwrap();
        let counted: Arc<dyn Reserve> = Arc::clone(&room) as _;
        request.extensions_mut().insert(Reservation::new(counted));
        let response = server.call(request).await.unwrap();
        assert_eq!(response.status(), status, "{parts} parts");
        let retry = response.headers().get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(retry, (status == 503).then_some("7"));
        assert_eq!(room.0.load(Ordering::Relaxed), left, "{parts} parts");
    }
}

/// The answer is the error with which a host gives a body up.
#[tokio::test]
async fn a_body_that_fails_with_an_error_is_answered_with_it() {
    let mut server = server();
    let slow = || Error::new(StatusCode::REQUEST_TIMEOUT, "too slow");
    let frames =
        futures_util::stream::iter([Ok(http_body::Frame::data(Bytes::from_static(b"{"))), Err(slow())]);
    let request = request(Method::POST, "/Users", None).body(StreamBody::new(frames)).unwrap();
    assert_eq!(server.call(request).await.unwrap().status(), 408);
    let frames = futures_util::stream::iter([Err::<http_body::Frame<Bytes>, _>("a broken pipe")]);
    let request = self::request(Method::POST, "/Users", None).body(StreamBody::new(frames)).unwrap();
    assert_eq!(server.call(request).await.unwrap().status(), 400);
}

/// A proxy could use one of two such headers, and the server the other.
#[tokio::test]
async fn sec_011_a_header_that_is_one_must_not_come_twice() {
    let server = server();
    let ada = user(&server, "ada").await;
    let path = format!("/Users/{ada}");
    let twice = |name: &'static str, values: [&'static str; 2]| {
        let mut request = request(Method::GET, &path, None).header("host", "h.example");
        if name == "content-type" {
            request = request.header(name, values[0]);
        }
        request.header(name, values[1]).body(Bytes::new()).unwrap()
    };
    for (name, values) in [
        ("authorization", ["Bearer one", "Bearer one"]),
        ("authorization", ["Bearer one", "Bearer two"]),
        ("authorization", ["Bearer one", "Bearer wrong"]),
        ("content-type", ["application/scim+json", "application/scim+json"]),
        ("host", ["h.example", "other.example"]),
    ] {
        let reply = send(&server, twice(name, values)).await;
        assert!(reply.refused(400, "invalidSyntax").contains(name), "{reply:?}");
    }
    // A list may be sent in parts.
    let listed = request(Method::GET, &path, None)
        .header("if-match", "W/\"8\"")
        .header("if-match", "W/\"1\"")
        .header("accept", "text/html")
        .header("accept", "*/*");
    assert_eq!(send(&server, listed.body(Bytes::new()).unwrap()).await.status, 200);
}

#[tokio::test]
async fn too_many_operations_are_413() {
    let server = server();
    let ada = user(&server, "ada").await;
    let operations = vec![json!({"op": "add", "path": "title", "value": "t"}); 1_001];
    patch(&server, &format!("/Users/{ada}"), json!(operations)).await.refused(413, "");
}

/// Admits no request, and notes how much of the body had been read by then.
struct Refusing {
    read: Arc<AtomicUsize>,
    noted: Arc<AtomicUsize>,
}

#[async_trait]
impl Authenticator for Refusing {
    async fn authenticate(&self, _: &Parts) -> Result<Context, AuthError> {
        self.noted.store(self.read.load(Ordering::Relaxed), Ordering::Relaxed);
        Err(AuthError::Invalid)
    }
}

#[tokio::test]
async fn sec_011_nothing_is_read_from_whom_the_head_does_not_let_in() {
    let (read, noted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(usize::MAX)));
    let refusing = Refusing { read: Arc::clone(&read), noted: Arc::clone(&noted) };
    let mut server = Server::builder(Arc::new(MemoryStore::new()), Arc::new(refusing)).build().unwrap();
    let seen = Arc::clone(&read);
    let frames = futures_util::stream::iter(0..32).map(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Infallible>(http_body::Frame::data(Bytes::from_static(b" ")))
    });
    let request = Request::post("/scim/v2/Users").body(StreamBody::new(frames)).unwrap();
    assert_eq!(server.call(request).await.unwrap().status(), 401);
    assert_eq!(noted.load(Ordering::Relaxed), 0, "frames read before it was known who asks");
    assert_eq!(read.load(Ordering::Relaxed), 32, "the client that is still sending gets to see the refusal");
}
