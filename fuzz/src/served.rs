//! Servers that get requests without a socket, and their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_executor::block_on;
use http::request::Parts;
use http::{HeaderMap, Method, Request};
use scim_core::{Leniency, Timestamp};
use scim_server::Server;
use scim_server_traits::{AuthError, Authenticator, Context, IdSource, ManualClock, Store, TenantId};
use serde_json::Value;

/// Lets everybody in, to one tenant.
struct Everybody(TenantId);

#[async_trait]
impl Authenticator for Everybody {
    async fn authenticate(&self, _: &Parts) -> Result<Context, AuthError> {
        Ok(Context::new(self.0.clone()))
    }
}

/// Issues the ids `r1`, `r2`, …, so that servers that get equal requests create equal resources.
#[derive(Default)]
struct Counted(AtomicU64);

impl IdSource for Counted {
    fn next_id(&self) -> String {
        format!("r{}", self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

/// A server with a clock, ids and a cursor key of its own, which are equal in all such servers.
pub(crate) struct Served {
    server: Server,
    clock: Arc<ManualClock>,
}

/// The answer of a server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: Bytes,
    /// The body, or `Null` if there is none.
    pub(crate) body: Value,
}

impl Served {
    pub(crate) fn new(store: Arc<dyn Store>, tenant: &str, leniency: Leniency) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_700_000_000_000)));
        let server = Server::builder(store, Arc::new(Everybody(TenantId::new(tenant))))
            .base_url("https://h.example/v2")
            .ids(Arc::new(Counted::default()))
            .clock(clock.clone())
            .cursor_key([7; 32])
            .leniency(leniency)
            .build();
        Self { server: server.unwrap(), clock }
    }

    /// Sends a request, one second after the previous one.
    ///
    /// `path` begins below the base URL. Returns `None` if a request cannot have such a path or header.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Option<Answer> {
        self.clock.advance(Duration::from_secs(1));
        let mut request = Request::builder().method(method).uri(format!("/v2{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.into();
        if !body.is_empty() {
            request = request.header("content-type", "application/scim+json");
        }
        let request = request.body(body).ok()?;
        let is_head = request.method() == Method::HEAD;
        let (parts, body) = block_on(self.server.handle(request)).into_parts();
        let text = block_on(body.into_bytes()).unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_slice(&text).unwrap() };
        let answer = Answer { status: parts.status.as_u16(), headers: parts.headers, text, body };
        answer.check(is_head);
        Some(answer)
    }
}

impl Answer {
    /// Checks that there is no internal error, and that a refusal is a SCIM error.
    fn check(&self, is_head: bool) {
        assert!(self.status < 500 || self.status == 501, "{self:?}");
        if is_head {
            assert!(self.text.is_empty());
        } else if self.status >= 400 {
            assert_eq!(self.body["schemas"][0], scim_core::urn::ERROR, "{self:?}");
            assert_eq!(self.body["status"], self.status.to_string(), "{self:?}");
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
