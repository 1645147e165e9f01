//! An enterprise: registry, rules, tokens and protocol together.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use scim_core::{Error, Leniency, Limits, Quirk, RegistryError, ResourceType};
use scim_server::{Body, ConfigError, ErrorMember, PatchResponse, Server};
use scim_server_traits::{Clock, Context, Get, Query, Store, StoreError, SystemClock, TenantId};
use tower_service::Service;

use crate::account::Account;
use crate::member_keys::{self, MemberKeys};
use crate::product::{HandleConflict, IdentityProvider, Product, ShortCode, ShortCodeError};
use crate::rate_limit::RateLimits;
use crate::registry::{USER, registry};
use crate::store::EmuStore;
use crate::token::{Token, Tokens};

/// How many resources a page has without `count`, and at most.
// E-12
const PAGES: (u64, u64) = (30, 100);

/// An Enterprise Managed Users enterprise on a store. It is cheap to clone, and it is a tower service.
#[derive(Clone)]
pub struct Enterprise {
    inner: Arc<Inner>,
}

struct Inner {
    server: Server,
    store: Arc<dyn Store>,
    users: Arc<ResourceType>,
    tenant: TenantId,
    product: Product,
    code: ShortCode,
    idp: IdentityProvider,
    member_keys: MemberKeys,
}

impl Enterprise {
    /// Begins an enterprise with this slug.
    pub fn builder(slug: impl Into<String>) -> EnterpriseBuilder {
        EnterpriseBuilder {
            slug: slug.into(),
            product: Product::GHEC,
            short_code: "octo".into(),
            host_url: "http://localhost".into(),
            tokens: Vec::new(),
            clock: Arc::new(SystemClock),
            idp: IdentityProvider::default(),
            conflict: HandleConflict::default(),
            member_keys: MemberKeys::default(),
            value_paths: true,
            names_passed_over: true,
            numeric_error_status: false,
            rate_limits: false,
            limits: Limits::default(),
        }
    }

    /// Returns the SCIM base URL to give to an identity provider, without a slash at the end.
    pub fn base_url(&self) -> &str {
        self.inner.server.base_url()
    }

    /// Answers one request whose body is complete.
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Body> {
        self.serve(request.map(Full::new)).await
    }

    /// Answers one request whose body is still to be read; see [`Server::serve`].
    pub async fn serve<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: fmt::Display + 'static,
    {
        let answer = self.inner.server.serve(request).await;
        if self.inner.member_keys == MemberKeys::Schema {
            // The answer is already in this spelling. It may be streamed, so it is not read.
            return answer;
        }
        let (mut parts, body) = answer.into_parts();
        // The length of an answer to HEAD is that of the other spelling.
        parts.headers.remove(header::CONTENT_LENGTH);
        match body.into_bytes().await {
            Ok(bytes) => Response::from_parts(parts, Body::from(member_keys::as_in_examples(bytes))),
            Err(error) => self.refuse(error.into()),
        }
    }

    /// Makes an error response in the enterprise's form, for layers around it.
    pub fn refuse(&self, error: Error) -> Response<Body> {
        self.inner.server.refuse(error)
    }

    /// Returns the account of an identity, or `None` if there is no such identity.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store fails.
    pub async fn account(&self, id: &str) -> Result<Option<Account>, StoreError> {
        let get = Get::new(Arc::clone(&self.inner.users), id);
        let stored = self.inner.store.get(&self.context(), get).await?;
        stored.map(|stored| self.account_of(&stored.id, &stored.resource)).transpose()
    }

    /// Returns all accounts, in order of creation.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store fails.
    pub async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        const PAGE: u64 = 1_000;
        let mut accounts = Vec::new();
        loop {
            let query = Query::new(Arc::clone(&self.inner.users)).page(accounts.len() as u64, PAGE);
            let page = self.inner.store.query(&self.context(), query).await?;
            for stored in page.resources() {
                accounts.push(self.account_of(&stored.id, &stored.resource)?);
            }
            if page.matches.is_empty() || accounts.len() as u64 >= page.total {
                return Ok(accounts);
            }
        }
    }

    fn account_of(&self, id: &str, user: &scim_core::Resource) -> Result<Account, StoreError> {
        let inner = &self.inner;
        Account::of(id, user, &inner.product, &inner.code, inner.idp).map_err(StoreError::backend)
    }

    fn context(&self) -> Context {
        Context::new(self.inner.tenant.clone())
    }
}

impl fmt::Debug for Enterprise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enterprise").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for Enterprise
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: fmt::Display + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let enterprise = self.clone();
        Box::pin(async move { Ok(enterprise.serve(request).await) })
    }
}

/// Builds an [`Enterprise`].
#[derive(Clone)]
pub struct EnterpriseBuilder {
    slug: String,
    product: Product,
    short_code: String,
    host_url: String,
    tokens: Vec<Token>,
    clock: Arc<dyn Clock>,
    idp: IdentityProvider,
    conflict: HandleConflict,
    member_keys: MemberKeys,
    value_paths: bool,
    names_passed_over: bool,
    numeric_error_status: bool,
    rate_limits: bool,
    limits: Limits,
}

impl fmt::Debug for EnterpriseBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterpriseBuilder").field("slug", &self.slug).finish_non_exhaustive()
    }
}

impl EnterpriseBuilder {
    /// Sets the product. The default is [`Product::GHEC`].
    #[must_use]
    pub fn product(mut self, product: Product) -> Self {
        self.product = product;
        self
    }

    /// Sets the short code at the end of each handle. The default is `octo`.
    #[must_use]
    pub fn short_code(mut self, code: impl Into<String>) -> Self {
        self.short_code = code.into();
        self
    }

    /// Sets the URL at which clients reach the host, such as `https://api.example.com`, without the SCIM path.
    ///
    /// It may have a path, such as that of a proxy. Requests are answered with that path and without it.
    #[must_use]
    pub fn host_url(mut self, url: impl Into<String>) -> Self {
        self.host_url = url.into();
        self
    }

    /// Adds a token.
    #[must_use]
    pub fn token(mut self, token: Token) -> Self {
        self.tokens.push(token);
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the identity provider that people sign in with.
    // E-33
    #[must_use]
    pub fn identity_provider(mut self, idp: IdentityProvider) -> Self {
        self.idp = idp;
        self
    }

    /// Sets the answer to a handle that is taken.
    // E-22
    #[must_use]
    pub fn handle_conflict(mut self, conflict: HandleConflict) -> Self {
        self.conflict = conflict;
        self
    }

    /// Sets how members are spelled in answers.
    // E-48
    #[must_use]
    pub fn member_keys(mut self, keys: MemberKeys) -> Self {
        self.member_keys = keys;
        self
    }

    /// Accepts PATCH paths with a value filter, such as `emails[type eq "work"].value`, without any effect.
    ///
    /// GitHub's prose says so; its example contradicts it.
    // E-50
    #[must_use]
    pub fn value_paths_without_effect(mut self) -> Self {
        self.value_paths = false;
        self
    }

    /// Writes `status` in error bodies as an integer, as GitHub's schema has it.
    // E-71
    #[must_use]
    pub fn numeric_error_status(mut self) -> Self {
        self.numeric_error_status = true;
        self
    }

    /// Leaves the names of attributes that were passed over out of answers, as GitHub does.
    #[must_use]
    pub fn without_passed_over_names(mut self) -> Self {
        self.names_passed_over = false;
        self
    }

    /// Turns GitHub's provisioning limits on or off.
    // E-52
    #[must_use]
    pub fn rate_limits(mut self, on: bool) -> Self {
        self.rate_limits = on;
        self
    }

    /// Sets what a request may cost, as for a server.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Makes the enterprise on this store.
    ///
    /// # Errors
    ///
    /// [`EnterpriseError`] for a slug, a short code, a registry or a base URL that cannot be used.
    pub fn build(self, store: Arc<dyn Store>) -> Result<Enterprise, EnterpriseError> {
        let slug_fits = !self.slug.is_empty()
            && self.slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !slug_fits {
            return Err(EnterpriseError::Slug(self.slug));
        }
        let code: ShortCode = self.short_code.parse()?;
        let tenant = TenantId::new(self.slug.as_str());
        let registry = registry()?;
        let users = registry.by_name(USER).cloned().ok_or(EnterpriseError::NoUsers)?;
        let tokens = Tokens::new(
            self.tokens,
            &tenant,
            Arc::clone(&users),
            Arc::clone(&store),
            Arc::clone(&self.clock),
        );
        let ruled = EmuStore {
            inner: Arc::clone(&store),
            product: self.product,
            code: code.clone(),
            conflict: self.conflict,
            limits: self.rate_limits.then(|| RateLimits::new(Arc::clone(&self.clock))),
        };
        // A replace must name everything (E-29), so `active` is not kept for a client that omits it. `schemas` is
        // required, not inferred (E-17, E-39).
        let mut leniency = Leniency::INTEROP.deny(Quirk::PutKeepsActive).deny(Quirk::InferSchemas);
        if !self.value_paths {
            leniency = leniency.allow(Quirk::ValuePathNoEffect);
        }
        let base_path = self.product.base_path(&self.slug);
        let mut server = Server::builder(Arc::new(ruled), Arc::new(tokens))
            .base_url(format!("{}{base_path}", self.host_url.trim_end_matches('/')))
            .also_at(base_path)
            .registry(registry)
            .leniency(leniency)
            .limits(self.limits)
            .clock(self.clock)
            .pages(PAGES.0, PAGES.1)
            .patch_response(PatchResponse::Body)
            .also_accept("application/vnd.github+json")
            .also_accept("application/vnd.github.v3+json")
            .always_scim_json()
            // GitHub's clients print these members of an error (E-82).
            .error_member("message", ErrorMember::Detail)
            .error_member("documentation_url", ErrorMember::Text(self.product.documentation_url.into()))
            // GitHub's pages mention neither sorting nor cursors nor bulk requests.
            .sorting(false)
            .cursors(None)
            .bulk(None);
        if !self.names_passed_over {
            server = server.without_passed_over_names();
        }
        if self.numeric_error_status {
            server = server.numeric_error_status();
        }
        let inner = Inner {
            server: server.build()?,
            store,
            users,
            tenant,
            product: self.product,
            code,
            idp: self.idp,
            member_keys: self.member_keys,
        };
        Ok(Enterprise { inner: Arc::new(inner) })
    }
}

/// Why an enterprise cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnterpriseError {
    /// The slug is not valid.
    #[error("`{0}` is no enterprise slug: use letters, digits and dashes")]
    Slug(String),
    /// The short code is not valid.
    #[error(transparent)]
    ShortCode(#[from] ShortCodeError),
    /// The base URL cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The built-in schemas are not valid.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The registry has no users.
    #[error("the registry has no resource type `User`")]
    NoUsers,
}
