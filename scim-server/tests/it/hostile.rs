//! What strangers send: the right status, a SCIM error that names the fault, and the server goes on.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::request::Parts;
use http::{Method, Request};
use http_body_util::{Full, StreamBody};
use scim_server::Server;
use scim_server_traits::{AuthError, Authenticator, Context};
use scim_store::MemoryStore;
use serde_json::json;
use tower_service::Service;

use crate::client::{get, patch, request, send, server, user};

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

#[tokio::test]
async fn a_body_past_the_limit_is_413() {
    let mut server = server();
    let body = Full::new(Bytes::from(vec![b' '; 50 << 20]));
    let request = Request::post("/scim/v2/Users").header("authorization", "Bearer one").body(body).unwrap();
    let response = server.call(request).await.unwrap();
    assert_eq!(response.status(), 413);
    let body: serde_json::Value =
        serde_json::from_slice(&response.into_body().into_bytes().await.unwrap()).unwrap();
    assert!(body["detail"].as_str().unwrap().contains("8388608"));
    assert_eq!(get(&server, "/Users").await.status, 200);
}

#[tokio::test]
async fn too_many_operations_are_413() {
    let server = server();
    let ada = user(&server, "ada").await;
    let operations = vec![json!({"op": "add", "path": "title", "value": "t"}); 1_001];
    patch(&server, &format!("/Users/{ada}"), json!(operations)).await.refused(413, "");
}

/// Lets nobody in, and notes how much of the body had been read by then.
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
