//! Several tenants in one process, each with a server of its own — RFC 7644 §6.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, header};
use http_body_util::Full;
use scim_core::{Error, Registry, shorten};
use scim_server_traits::{AuthError, Authenticator, TenantId, TenantResolver};

use crate::body::{self, Body};
use crate::config::{ConfigError, ServerBuilder};
use crate::error_body::ErrorBody;
use crate::observe::Observed;
use crate::respond::{Answer, without_body};
use crate::server::{Server, not_admitted};
use crate::single;

/// Tenants that share a process, and most often a store. Each has its own registry, leniency, limits and credentials.
/// Its server admits only principals that its authenticator assigns to this tenant. Cheap to clone; a
/// [`tower_service::Service`] like [`Server`].
///
/// ```
/// use std::sync::Arc;
/// use scim_core::Leniency;
/// use scim_server::{BearerTokens, ByPath, Grant, Server, Tenants};
/// use scim_server_traits::{Store, TenantId};
/// use scim_store::MemoryStore;
///
/// # fn main() -> Result<(), scim_server::ConfigError> {
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let mut tenants = Tenants::new(ByPath::below("/t"));
/// for (name, token) in [("acme", "a-token"), ("octo", "o-token")] {
///     let tenant = TenantId::new(name);
///     let tokens = BearerTokens::new().with(token, Grant::new(tenant.clone(), "entra"));
///     let server = Server::builder(Arc::clone(&store), Arc::new(tokens))
///         .base_url(format!("https://example.com/t/{name}/scim/v2"))
///         .leniency(if name == "acme" { Leniency::STRICT } else { Leniency::INTEROP });
///     tenants = tenants.with(tenant, server)?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Tenants {
    resolver: Arc<dyn TenantResolver>,
    servers: Arc<RwLock<HashMap<TenantId, Server>>>,
    source: Option<Arc<dyn TenantSource>>,
}

/// Knows tenants that are not in the set, for example from a table of customers.
///
/// ```
/// use std::collections::HashMap;
/// use async_trait::async_trait;
/// use scim_server::{Server, TenantSource};
/// use scim_server_traits::TenantId;
///
/// /// Servers that were built before, by the name of their tenant.
/// struct Known(HashMap<String, Server>);
///
/// #[async_trait]
/// impl TenantSource for Known {
///     async fn server(&self, tenant: &TenantId) -> Result<Option<Server>, scim_core::Error> {
///         Ok(self.0.get(tenant.as_str()).cloned())
///     }
/// }
/// ```
#[async_trait]
pub trait TenantSource: Send + Sync {
    /// Returns the server of a tenant; `None` if there is no such tenant, which becomes 404.
    ///
    /// It is asked for each request whose tenant is not in the set, before the client is authenticated, so it should
    /// answer quickly and keep the servers that it has built. The server must be confined to the tenant
    /// ([`ServerBuilder::tenant`]); any other one is not used, and the answer is 500.
    ///
    /// # Errors
    ///
    /// Any error becomes the answer, such as 503 if the source cannot be reached.
    async fn server(&self, tenant: &TenantId) -> Result<Option<Server>, Error>;
}

impl Tenants {
    /// Creates a set without tenants. The resolver finds the tenant of each request.
    pub fn new(resolver: impl TenantResolver + 'static) -> Self {
        Self { resolver: Arc::new(resolver), servers: Arc::default(), source: None }
    }

    /// Sets who is asked for tenants that are not in the set.
    #[must_use]
    pub fn with_source(mut self, source: impl TenantSource + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// Adds a tenant with its server, which is confined to it. Clones made before do not see it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], as for [`ServerBuilder::build`].
    pub fn with(mut self, tenant: TenantId, server: ServerBuilder) -> Result<Self, ConfigError> {
        let servers = self.servers.read().unwrap_or_else(PoisonError::into_inner).clone();
        self.servers = Arc::new(RwLock::new(servers));
        self.put(tenant, server)?;
        Ok(self)
    }

    /// Adds a tenant with its server, or gives it another one, while requests are answered. Clones of this set see it
    /// too. A request under way is answered by the server that it began with.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], as for [`ServerBuilder::build`]. Nothing changes then.
    pub fn put(&self, tenant: TenantId, server: ServerBuilder) -> Result<(), ConfigError> {
        let server = server.tenant(tenant.clone()).build()?;
        self.servers.write().unwrap_or_else(PoisonError::into_inner).insert(tenant, server);
        Ok(())
    }

    /// Removes a tenant from the set while requests are answered. Returns whether it was there. Its data stays. A source
    /// is asked for it again from then on.
    pub fn remove(&self, tenant: &TenantId) -> bool {
        self.servers.write().unwrap_or_else(PoisonError::into_inner).remove(tenant).is_some()
    }

    /// Returns the server of a tenant in the set.
    pub fn server(&self, tenant: &TenantId) -> Option<Server> {
        self.servers.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    /// Returns the server of a tenant, from the set or from the source.
    async fn find(&self, tenant: &TenantId) -> Result<Option<Server>, Error> {
        if let Some(server) = self.server(tenant) {
            return Ok(Some(server));
        }
        let Some(source) = &self.source else { return Ok(None) };
        let found = source.server(tenant).await?;
        if found.as_ref().is_some_and(|server| server.inner().tenant.as_ref() != Some(tenant)) {
            tracing::error!(%tenant, "the source gave a server that is not confined to this tenant");
            return Err(Error::internal("the server of this tenant is not set up"));
        }
        Ok(found)
    }

    /// Answers one request by the server of its tenant, like [`Server::handle`]. If it has no tenant the answer is 404;
    /// if the resolver did not admit it, 401 or 403.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Body> {
        self.serve(request.map(Full::new)).await
    }

    /// Answers a request whose body is still to come, like [`Server::serve`].
    pub async fn serve<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: fmt::Display + 'static,
    {
        let (parts, body) = request.into_parts();
        // A resolver may use one of these headers, and must not see another value than the tenant's server does.
        let resolved = match single::check(&parts.headers) {
            Ok(()) => self.resolver.resolve(&parts).await,
            Err(error) => return self.refuse(parts, body, Answer::error(error)).await,
        };
        let found = match resolved {
            Ok(Some(tenant)) => self.find(&tenant).await,
            Ok(None) => Ok(None),
            Err(error) => {
                let answer = not_admitted(&error, self.resolver.challenge());
                return self.refuse(parts, body, answer).await;
            }
        };
        let answer = match found {
            Ok(Some(server)) => return server.serve(Request::from_parts(parts, body)).await,
            Ok(None) => {
                let detail = format!("there is no endpoint `{}`", shorten(parts.uri.path()));
                Answer::error(Error::not_found(detail))
            }
            Err(error) => Answer::error(error),
        };
        self.refuse(parts, body, answer).await
    }

    /// Answers a request that reached no tenant's server.
    async fn refuse<B: http_body::Body>(&self, parts: Parts, body: B, answer: Answer) -> Response<Body> {
        let observed = Observed::new(&parts);
        body::discard(pin!(body), &parts.headers).await;
        let response = observed.respond(answer, &ErrorBody::default(), &Registry::standard());
        if parts.method == Method::HEAD { without_body(response) } else { response }
    }
}

impl fmt::Debug for Tenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenants = self.servers.read().map_or(0, |servers| servers.len());
        f.debug_struct("Tenants").field("tenants", &tenants).finish_non_exhaustive()
    }
}

/// Finds the tenant by the path: below `/t`, the path `/t/acme/scim/v2/Users` belongs to `acme`.
#[derive(Clone, Debug)]
pub struct ByPath {
    prefix: String,
}

impl ByPath {
    /// Creates a resolver that takes the first segment below this path as the tenant.
    pub fn below(path: &str) -> Self {
        Self { prefix: format!("{}/", path.trim_end_matches('/')) }
    }
}

#[async_trait]
impl TenantResolver for ByPath {
    async fn resolve(&self, request: &Parts) -> Result<Option<TenantId>, AuthError> {
        let below = request.uri.path().strip_prefix(&self.prefix);
        let segment = below.and_then(|rest| rest.split('/').next()).filter(|segment| !segment.is_empty());
        Ok(segment.map(TenantId::new))
    }
}

/// Finds the tenant by the host of the request, without port.
#[derive(Clone, Debug, Default)]
pub struct ByHost {
    tenants: HashMap<String, TenantId>,
}

impl ByHost {
    /// Creates a resolver without hosts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a host, such as `acme.example.com`.
    #[must_use]
    pub fn with(mut self, host: &str, tenant: TenantId) -> Self {
        self.tenants.insert(host.to_ascii_lowercase(), tenant);
        self
    }
}

#[async_trait]
impl TenantResolver for ByHost {
    async fn resolve(&self, request: &Parts) -> Result<Option<TenantId>, AuthError> {
        // HTTP/2 has the host in the URI, HTTP/1.1 in a header.
        let named = || request.headers.get(header::HOST)?.to_str().ok()?.parse().ok();
        let authority: Option<http::uri::Authority> = request.uri.authority().cloned().or_else(named);
        let host = authority.map(|authority| authority.host().to_ascii_lowercase());
        Ok(host.and_then(|host| self.tenants.get(&host).cloned()))
    }
}

/// Finds the tenant by the principal, with an authenticator that knows the principals of all tenants.
pub struct ByPrincipal(Arc<dyn Authenticator>);

impl ByPrincipal {
    /// Creates a resolver that uses this authenticator.
    pub fn new(authenticator: Arc<dyn Authenticator>) -> Self {
        Self(authenticator)
    }
}

impl fmt::Debug for ByPrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ByPrincipal").finish_non_exhaustive()
    }
}

#[async_trait]
impl TenantResolver for ByPrincipal {
    async fn resolve(&self, request: &Parts) -> Result<Option<TenantId>, AuthError> {
        let context = self.0.authenticate(request).await?;
        Ok(Some(context.tenant().clone()))
    }

    fn challenge(&self) -> &str {
        self.0.challenge()
    }
}
