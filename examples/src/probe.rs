//! Tells programs that start a server or send it requests whether it is alive, and whether it can do its work.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use scim_core::Error;
use scim_server::Body;
use scim_store::SqliteStore;
use tower_service::Service;

use crate::host::Refuse;

/// What the help of the servers says of these endpoints.
pub const PROBE_HELP: &str = "Without a token, and without detail:
  GET /healthz   200 while the server is alive
  GET /readyz    200 while it can write, 503 after its disk failed or while its log is full";

/// A service that answers `/healthz` and `/readyz` itself.
#[derive(Clone, Debug)]
pub struct Probed<S> {
    service: S,
    store: Option<SqliteStore>,
}

impl<S> Probed<S> {
    /// Wraps a service. Its store is a file, or `None` if it is in memory.
    pub fn new(service: S, store: Option<SqliteStore>) -> Self {
        Self { service, store }
    }

    /// Returns the answer, if the request is for one of these endpoints.
    fn probe(&self, method: &Method, path: &str) -> Option<StatusCode> {
        let health = || self.store.as_ref().map(SqliteStore::health);
        let is_well = match path {
            "/healthz" => health().is_none_or(|health| health.alive),
            "/readyz" => health().is_none_or(|health| health.takes_writes()),
            _ => return None,
        };
        Some(match (method, is_well) {
            (&Method::GET | &Method::HEAD, true) => StatusCode::OK,
            (&Method::GET | &Method::HEAD, false) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::METHOD_NOT_ALLOWED,
        })
    }
}

impl<S, B> Service<Request<B>> for Probed<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.probe(request.method(), request.uri().path()) {
            Some(status) => Box::pin(std::future::ready(Ok(answer(status)))),
            None => Box::pin(self.service.call(request)),
        }
    }
}

impl<S: Refuse> Refuse for Probed<S> {
    fn refuse(&self, error: Error) -> Response<Body> {
        self.service.refuse(error)
    }
}

fn answer(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use scim_core::{Resource, ResourceType, Timestamp};
    use scim_server_traits::{Batch, Context, Insert, Store as _, TenantId};
    use scim_store::SqliteOptions;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_server_whose_log_is_full_is_alive_and_not_ready() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scim.db");
        let store = SqliteStore::open_with(&path, SqliteOptions::default().with_log(64 << 10)).unwrap();
        let probed = Probed::new((), Some(store.clone()));
        let states = || ["/healthz", "/readyz", "/other"].map(|path| probed.probe(&Method::GET, path));
        assert_eq!(states(), [Some(StatusCode::OK), Some(StatusCode::OK), None]);
        assert_eq!(probed.probe(&Method::POST, "/readyz"), Some(StatusCode::METHOD_NOT_ALLOWED));

        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("BEGIN; SELECT count(*) FROM scim_resource").unwrap();
        for number in 0..1_000 {
            let document = json!({"userName": format!("u{number}"), "title": "t".repeat(3_000)});
            let resource = Resource::from_canonical(document.as_object().unwrap().clone());
            let insert = Insert::new(ResourceType::user(), format!("u{number}"), resource);
            let batch = Batch::new(Timestamp::from_millis(0)).insert(insert);
            if store.commit(&Context::new(TenantId::new("t")), batch).await.is_err() {
                break;
            }
        }
        assert_eq!(states(), [Some(StatusCode::OK), Some(StatusCode::SERVICE_UNAVAILABLE), None]);
    }
}
