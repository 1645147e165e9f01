//! The way of every request: authenticate → route → authorise → operate → respond.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use scim_core::{
    AttrRef, Error, Lenience, Leniency, Limits, PaginationMethod, Registry, Relation, ResourceType,
    ServiceProviderConfig, UnknownAttributes, Work,
};
use scim_server_traits::{
    AuthError, Authenticator, Clock, Context, Get, IdSource, MeResolver, Policy, Store, TenantId,
};
use tracing::Instrument;

use crate::body::{self, Body};
use crate::call::Call;
use crate::config::{PatchResponse, ServerBuilder};
use crate::cursor::Cursors;
use crate::dispatch;
use crate::elements::Places;
use crate::error_body::ErrorBody;
use crate::negotiate::{self, MediaTypes};
use crate::observe::{self, Observed};
use crate::op::{self, bulk::BulkLimits};
use crate::parameters::Parameters;
use crate::passed_over;
use crate::respond::{self, Answer};
use crate::route::{Route, RouteError, route};
use crate::single;
use crate::turns::Turns;

/// A SCIM service provider that turns an HTTP request into a response. Cheap to clone.
///
/// It is also a [`tower_service::Service`], so that axum, hyper and others can host it.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) policy: Arc<dyn Policy>,
    /// The only tenant that is served, if the server is confined to one.
    pub(crate) tenant: Option<TenantId>,
    pub(crate) base: String,
    /// The paths below which requests are answered: the base URL's, and perhaps another one.
    pub(crate) base_paths: Vec<String>,
    /// Whether `/openapi.json` is answered without credentials.
    pub(crate) open_api_description: bool,
    pub(crate) places: Places,
    pub(crate) registry: Registry,
    pub(crate) leniency: Leniency,
    pub(crate) limits: Limits,
    /// The largest body of a request that may name no links, in bytes.
    pub(crate) plain_body: usize,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) default_page: u64,
    pub(crate) max_page: u64,
    pub(crate) scan_limit: u64,
    pub(crate) sensitive: Vec<AttrRef>,
    pub(crate) sorting: bool,
    pub(crate) patching: bool,
    pub(crate) cursors: Option<Cursors>,
    pub(crate) default_paging: PaginationMethod,
    pub(crate) bulk: Option<BulkLimits>,
    pub(crate) me: Option<Arc<dyn MeResolver>>,
    pub(crate) patch_response: PatchResponse,
    pub(crate) media_types: MediaTypes,
    pub(crate) names_passed_over: bool,
    pub(crate) errors: ErrorBody,
    pub(crate) config: ServiceProviderConfig,
    pub(crate) turns: Turns,
}

impl Inner {
    /// Returns the rules for reading one request.
    pub(crate) fn lenience(&self) -> Lenience {
        Lenience::new(self.leniency).with_texts(self.limits.texts)
    }

    /// Creates the read of a resource, with this server's rules.
    pub(crate) fn get(&self, resource_type: &Arc<ResourceType>, id: &str) -> Get {
        let mut get = Get::new(Arc::clone(resource_type), id);
        get.keeps_unknown = self.keeps_unknown();
        get
    }

    /// Returns whether documents may hold attributes that no schema has.
    pub(crate) fn keeps_unknown(&self) -> bool {
        self.leniency.unknown_attributes() == UnknownAttributes::Keep
    }

    /// Returns how many bytes the body of a request on this route may have.
    fn body_limit(&self, route: &Route) -> usize {
        let of_type = |resource_type: &ResourceType| {
            let holds_links = resource_type.relations().iter().any(Relation::is_own);
            if holds_links { self.limits.bytes } else { self.plain_body.min(self.limits.bytes) }
        };
        match route {
            // The operation itself checks the limit of a bulk request, and whether bulk is offered.
            Route::Bulk => self.bulk.map_or(0, |limits| limits.payload).max(self.plain_body),
            Route::Change(target) if target.takes_body() => of_type(target.resource_type()),
            // The resource is found later. Most often it is a user.
            Route::Me(_) => self
                .me
                .as_ref()
                .and_then(|resolver| self.registry.by_name(resolver.makes()))
                .map_or(self.plain_body.min(self.limits.bytes), |resource_type| of_type(resource_type)),
            _ => self.plain_body.min(self.limits.bytes),
        }
    }
}

impl Server {
    /// Starts to build a server on this store, for clients that this authenticator admits.
    pub fn builder(store: Arc<dyn Store>, authenticator: Arc<dyn Authenticator>) -> ServerBuilder {
        ServerBuilder::new(store, authenticator)
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    /// Returns the base URL, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.inner.base
    }

    /// Answers a request whose body is complete. Never fails: every refusal is a SCIM error response.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Body> {
        self.serve(request.map(Full::new)).await
    }

    /// Answers a request whose body is still to come. The body is read, within the limits, only after the head was
    /// authenticated and routed, so that a stranger fills no memory. Never fails, like [`handle`](Self::handle).
    pub async fn serve<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: fmt::Display + 'static,
    {
        let (parts, body) = request.into_parts();
        let mut observed = Observed::new(&parts);
        let span = observed.span.clone();
        let answer = match self.inner.media_types.answer(&parts.headers) {
            Ok(media_type) => {
                let answer = self.answer(&parts, body, &mut observed).instrument(span).await;
                answer.unwrap_or_else(|answer| *answer).media_type(media_type)
            }
            Err(error) => Answer::error(error),
        };
        let response = observed.respond(answer, &self.inner.errors, &self.inner.registry);
        if parts.method == Method::HEAD { respond::without_body(response) } else { response }
    }

    /// Creates a SCIM error response, for layers around the server.
    pub fn refuse(&self, error: Error) -> Response<Body> {
        Answer::error(error).into_response(&self.inner.errors)
    }

    async fn admit(&self, parts: &Parts) -> Result<Context, AuthError> {
        let context = self.inner.authenticator.authenticate(parts).await?;
        match &self.inner.tenant {
            Some(only) if only != context.tenant() => Err(AuthError::Invalid),
            _ => Ok(context),
        }
    }

    async fn answer<B>(&self, parts: &Parts, body: B, observed: &mut Observed) -> Result<Answer, Box<Answer>>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: fmt::Display + 'static,
    {
        let inner = &*self.inner;
        let body = pin!(body);
        if let Err(error) = single::check(&parts.headers) {
            body::discard(body, &parts.headers).await;
            return Err(Answer::boxed(error));
        }
        let routed = route(&inner.registry, &inner.base_paths, &parts.method, parts.uri.path());
        if inner.open_api_description && matches!(routed, Ok(Route::OpenApi)) {
            observed.routed(&Route::OpenApi);
            body::discard(body, &parts.headers).await;
            return op::openapi::run(inner).map_err(Answer::boxed);
        }
        let (context, route) = match self.head(parts, routed, observed).await {
            Ok(led) => led,
            Err(answer) => {
                body::discard(body, &parts.headers).await;
                return Err(answer);
            }
        };
        let body = body::read(body, inner.body_limit(&route), parts).await.map_err(Answer::boxed)?;
        if !body.is_empty() {
            inner.media_types.check_content(&parts.headers).map_err(Answer::boxed)?;
            let coded = |error| Box::new(Answer::error(error).header(header::ACCEPT_ENCODING, "identity"));
            negotiate::check_coding(&parts.headers).map_err(coded)?;
        }
        let parameters = Parameters::parse(parts.uri.query());
        // Work that is still going on ends if the client leaves, or if the host gives the request up.
        let work = Waiting(inner.limits.work());
        let context = context.with_work(work.0.clone()).with_request(observed.id());
        let call = Call::new(inner, context, parameters);
        let answer = dispatch::answer(&call, route, &parts.headers, body).await.map_err(Answer::boxed);
        let lenience = call.into_lenience();
        observe::report(&lenience);
        let named = passed_over::header(lenience.passed_over()).filter(|_| inner.names_passed_over);
        answer.map(|answer| match named {
            Some(names) => answer.header(passed_over::HEADER, names),
            None => answer,
        })
    }

    /// Authenticates, routes and authorises a request by its head alone.
    async fn head(
        &self,
        parts: &Parts,
        routed: Result<Route, RouteError>,
        observed: &mut Observed,
    ) -> Result<(Context, Route), Box<Answer>> {
        let inner = &*self.inner;
        let admitted = self.admit(parts).await;
        let context =
            admitted.map_err(|error| Box::new(not_admitted(&error, inner.authenticator.challenge())))?;
        observed.admitted(&context);
        let route = routed.map_err(|error| {
            let (error, allow) = error.into_parts(&parts.method, parts.uri.path(), inner.patching);
            let answer = Answer::error(error);
            Box::new(match allow {
                Some(allow) => answer.header(header::ALLOW, allow),
                None => answer,
            })
        })?;
        observed.routed(&route);
        // Before the body is read. Only for `/Me` and within a bulk request more has to be known first.
        let decided = inner.policy.authorize(&context, &route.action());
        decided.map_err(|error| Box::new(not_admitted(&error, inner.authenticator.challenge())))?;
        Ok((context, route))
    }
}

/// The account of a request, which is abandoned when this is dropped.
pub(crate) struct Waiting(pub(crate) Work);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Returns the answer to a client that is not admitted.
// SEC-001
pub(crate) fn not_admitted(error: &AuthError, challenge: &str) -> Answer {
    match error {
        AuthError::Forbidden(detail) => Answer::error(Error::new(StatusCode::FORBIDDEN, detail)),
        AuthError::Scope(scope) => {
            let code = format!("error=\"insufficient_scope\", scope=\"{scope}\"");
            Answer::error(Error::new(StatusCode::FORBIDDEN, error.to_string()))
                .header(header::WWW_AUTHENTICATE, with_code(challenge, &code))
        }
        error => {
            // RFC 6750 §3.1: a client that sent no token is told no error code.
            let challenge = match error {
                AuthError::Invalid => with_code(challenge, "error=\"invalid_token\""),
                _ => challenge.to_owned(),
            };
            Answer::error(Error::new(StatusCode::UNAUTHORIZED, error.to_string()))
                .header(header::WWW_AUTHENTICATE, challenge)
        }
    }
}

/// Adds parameters to a challenge, which RFC 6750 defines for the scheme `Bearer` only.
fn with_code(challenge: &str, code: &str) -> String {
    let (scheme, parameters) = challenge.trim().split_once(' ').unwrap_or((challenge.trim(), ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return challenge.to_owned();
    }
    let separator = if parameters.is_empty() { "" } else { ", " };
    format!("{scheme} {parameters}{separator}{code}")
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("base_url", &self.inner.base).finish_non_exhaustive()
    }
}
