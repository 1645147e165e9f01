//! What operators see of a request: a span, one line at `info`, metrics, and an id that leads from an answer to the
//! logs. None of it contains a secret, a filter or a value of a resource.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use scim_core::{Lenience, Quirk, Registry, ResourceType};
use scim_server_traits::{Batch, Context, Get, Page, Query, Store, StoreError, Stored, Written};
use tracing::field::Empty;
use tracing::{Level, Span};

use crate::body::Body;
use crate::error_body::ErrorBody;
use crate::masked::masked;
use crate::respond::Answer;
use crate::route::Route;

/// The header that carries a request's id, both ways.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// One request while it is answered.
pub(crate) struct Observed {
    id: HeaderValue,
    pub(crate) span: Span,
    started: Instant,
    operation: &'static str,
    resource_type: Option<Arc<ResourceType>>,
}

impl Observed {
    pub(crate) fn new(request: &Parts) -> Self {
        let id = id(&request.headers);
        let span = tracing::info_span!(
            "scim",
            request_id = id.to_str().unwrap_or_default(),
            method = request.method.as_str(),
            // Without the query, because it may contain a filter.
            path = request.uri.path(),
            tenant = Empty,
            principal = Empty,
            operation = Empty,
            resource_type = Empty,
            id = Empty,
            status = Empty,
            scim_type = Empty,
        );
        Self { id, span, started: Instant::now(), operation: "none", resource_type: None }
    }

    /// Returns the identifier of the request.
    pub(crate) fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    pub(crate) fn admitted(&self, context: &Context) {
        self.span.record("tenant", context.tenant().as_str());
        self.span.record("principal", context.principal().name.as_str());
    }

    pub(crate) fn routed(&mut self, route: &Route) {
        self.operation = route.operation().as_str();
        self.resource_type = route.resource_type().cloned();
        self.span.record("operation", self.operation);
        if let Some(resource_type) = &self.resource_type {
            self.span.record("resource_type", resource_type.name());
        }
        if let Some(id) = route.id() {
            self.span.record("id", id);
        }
    }

    /// Ends the request. The registry says which names in an error's sentence may be logged.
    pub(crate) fn respond(self, answer: Answer, errors: &ErrorBody, registry: &Registry) -> Response<Body> {
        self.answered(&answer, registry);
        let mut response = answer.into_response(errors);
        response.headers_mut().insert(REQUEST_ID, self.id);
        response
    }

    fn answered(&self, answer: &Answer, registry: &Registry) {
        let status = answer.status().as_u16();
        self.span.record("status", status);
        if let Some(scim_type) = answer.scim_type() {
            self.span.record("scim_type", scim_type.as_str());
        }
        if self.operation == "create"
            && let Some((_, id)) = answer.get(&header::LOCATION).and_then(|url| url.rsplit_once('/'))
        {
            self.span.record("id", id);
        }
        self.span.in_scope(|| match answer.detail() {
            Some(detail) if tracing::enabled!(Level::INFO) => {
                tracing::info!(detail = masked(detail, registry), "refused");
            }
            _ => tracing::info!("answered"),
        });
        let resource_type = self.resource_type.as_ref().map_or("", |resource_type| resource_type.name());
        metrics::counter!(
            "scim_requests_total",
            "operation" => self.operation,
            "resource_type" => resource_type.to_owned(),
            "status" => status.to_string(),
        )
        .increment(1);
        metrics::histogram!("scim_request_seconds", "operation" => self.operation)
            .record(self.started.elapsed());
    }
}

/// Returns the client's id if logs can show it as it is, otherwise a new one.
fn id(headers: &HeaderMap) -> HeaderValue {
    let is_plain = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
        (1..=128).contains(&bytes.len()) && bytes.iter().all(plain)
    };
    let fresh = || HeaderValue::from_str(&uuid::Uuid::now_v7().to_string());
    let given = headers.get(REQUEST_ID).filter(is_plain).cloned();
    given.or_else(|| fresh().ok()).unwrap_or(HeaderValue::from_static("none"))
}

/// Reports what reading a request has used, so that everything forgiven or passed over can be seen.
pub(crate) fn report(lenience: &Lenience) {
    lenience.used().iter().for_each(forgiven);
    let passed_over = lenience.passed_over();
    if !passed_over.is_empty() {
        let names: Vec<&str> = passed_over.names().collect();
        tracing::info!(names = names.join(" "), more = passed_over.more(), "passed over");
    }
}

/// Reports a quirk that reading the request has used.
pub(crate) fn forgiven(quirk: Quirk) {
    tracing::info!(quirk = quirk.name(), "forgiven");
    metrics::counter!("scim_quirks_total", "quirk" => quirk.name()).increment(1);
}

/// Measures the time of a store's calls, and counts conflicts.
pub(crate) struct Measured(pub(crate) Arc<dyn Store>);

fn measured<T>(
    call: &'static str,
    started: Instant,
    outcome: Result<T, StoreError>,
) -> Result<T, StoreError> {
    metrics::histogram!("scim_store_seconds", "call" => call).record(started.elapsed());
    let conflict = match &outcome {
        Err(StoreError::Precondition { .. }) => Some("version"),
        Err(StoreError::Uniqueness { .. } | StoreError::Claimed { .. }) => Some("uniqueness"),
        Err(error @ StoreError::StaleIndex { .. }) => {
            tracing::error!(%error, call, "the store refuses");
            None
        }
        Err(StoreError::Backend(error)) => {
            // The client is told nothing about it.
            tracing::error!(%error, call, "the store failed");
            None
        }
        _ => None,
    };
    if let Some(kind) = conflict {
        metrics::counter!("scim_conflicts_total", "kind" => kind).increment(1);
    }
    outcome
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for Measured {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        let started = Instant::now();
        measured("get", started, self.0.get(context, get).await)
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        let started = Instant::now();
        measured("query", started, self.0.query(context, query).await)
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        let started = Instant::now();
        measured("commit", started, self.0.commit(context, batch).await)
    }
}
