//! The builder of a server.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use scim_core::{
    AttrRef, AuthenticationScheme, Leniency, Limits, PaginationMethod, PaginationSupport, Registry,
    ServiceProviderConfig,
};
use scim_server_traits::{
    Authenticator, ByAccess, Clock, IdSource, MeResolver, Policy, Store, SystemClock, TenantId,
};
use url::Url;

use crate::cursor::Cursors;
use crate::elements::Places;
use crate::error_body::{ErrorBody, ErrorMember};
use crate::id::UuidSource;
use crate::negotiate::MediaTypes;
use crate::observe::Measured;
use crate::op::bulk::BulkLimits;
use crate::server::{Inner, Server};
use crate::turns::Turns;

/// The response to a PATCH.
// PATCH-016, Q-31
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PatchResponse {
    /// 204 for a type with relations of its own, such as a group, which may have many members. 200 with the resource
    /// for every other type.
    #[default]
    Auto,
    /// 200 with the resource.
    Body,
    /// 204.
    None,
}

/// Builds a [`Server`]. [`Server::builder`] creates it.
pub struct ServerBuilder {
    store: Arc<dyn Store>,
    authenticator: Arc<dyn Authenticator>,
    policy: Arc<dyn Policy>,
    tenant: Option<TenantId>,
    base_url: String,
    also_at: Option<String>,
    open_api_description: bool,
    registry: Registry,
    leniency: Leniency,
    limits: Limits,
    plain_body: usize,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    default_page: u64,
    max_page: u64,
    scan_limit: u64,
    sensitive: Vec<String>,
    sorting: bool,
    patching: bool,
    cursors: Option<Duration>,
    cursor_key: Option<[u8; 32]>,
    default_paging: PaginationMethod,
    bulk: Option<BulkLimits>,
    me: Option<Arc<dyn MeResolver>>,
    patch_response: PatchResponse,
    media_types: MediaTypes,
    names_passed_over: bool,
    errors: ErrorBody,
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl ServerBuilder {
    pub(crate) fn new(store: Arc<dyn Store>, authenticator: Arc<dyn Authenticator>) -> Self {
        Self {
            store,
            authenticator,
            policy: Arc::new(ByAccess),
            tenant: None,
            base_url: "http://localhost/scim/v2".into(),
            also_at: None,
            open_api_description: false,
            registry: Registry::standard(),
            leniency: Leniency::default(),
            limits: Limits::default(),
            plain_body: 1 << 20,
            clock: Arc::new(SystemClock),
            ids: Arc::new(UuidSource),
            default_page: 100,
            max_page: 1_000,
            scan_limit: 100_000,
            sensitive: Vec::new(),
            sorting: true,
            patching: true,
            cursors: Some(Duration::from_secs(3_600)),
            cursor_key: None,
            default_paging: PaginationMethod::Index,
            bulk: Some(BulkLimits::default()),
            me: None,
            patch_response: PatchResponse::default(),
            media_types: MediaTypes::default(),
            names_passed_over: true,
            errors: ErrorBody::default(),
        }
    }

    /// Sets the URL at which clients reach the server, such as `https://example.com/scim/v2`. Requests below its path
    /// are answered, and locations begin with it.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// Sets who may do what. The default, [`ByAccess`], goes by the access of the principal.
    ///
    /// The policy is asked once for each request, before its body is read. It is asked again for each operation of a bulk
    /// request, perhaps more than once, and for what `/Me` stands for after the person's resource was found.
    #[must_use]
    pub fn policy(mut self, policy: Arc<dyn Policy>) -> Self {
        self.policy = policy;
        self
    }

    /// Adds a path below which requests are answered, such as `/scim/v2`. It is meant for a proxy that removes a prefix
    /// from the path of the base URL. Locations still begin with the base URL.
    ///
    /// A request is read below the base URL's path if that matches, otherwise below this one.
    #[must_use]
    pub fn also_at(mut self, path: impl Into<String>) -> Self {
        self.also_at = Some(path.into());
        self
    }

    /// Sets whether `/openapi.json` below the base URL is answered without credentials, for tools that send none. The
    /// default is no. The description says which types and attributes are served, and nothing about a resource.
    #[must_use]
    pub fn open_api_description(mut self, open: bool) -> Self {
        self.open_api_description = open;
        self
    }

    /// Serves only this tenant. Principals of other tenants are not admitted.
    #[must_use]
    pub fn tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Sets the resource types and schemas that are served. The default is [`Registry::standard`].
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Sets what is forgiven. The default is [`Leniency::INTEROP`].
    #[must_use]
    pub fn leniency(mut self, leniency: Leniency) -> Self {
        self.leniency = leniency;
        self
    }

    /// Sets what a body may cost. Its [`bytes`](Limits::bytes) are those of a body that may name links, such as a
    /// group's. [`plain_body`](Self::plain_body) is for other bodies, [`bulk`](Self::bulk) for bulk requests.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how many bytes a body may have if it names no links. That is the body of a type without relations that
    /// clients write, such as users, or of a search. The default is 1 MiB. It is never more than
    /// [`limits`](Self::limits) allow.
    #[must_use]
    pub fn plain_body(mut self, bytes: usize) -> Self {
        self.plain_body = bytes;
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the source of identifiers.
    #[must_use]
    pub fn ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = ids;
        self
    }

    /// Sets how many resources a page holds without `count`, and how many at most. The defaults are 100 and 1,000.
    #[must_use]
    pub fn pages(mut self, default: u64, max: u64) -> Self {
        self.default_page = default.min(max);
        self.max_page = max;
        self
    }

    /// Sets how many resources one query may scan if no index answers its filter in its order. The default is 100,000.
    /// Beyond it the answer is 400 `tooMany`.
    // FILT-025
    #[must_use]
    pub fn scan_limit(mut self, resources: u64) -> Self {
        self.scan_limit = resources;
        self
    }

    /// Names an attribute whose values must not be in URLs, such as `phoneNumbers`. A GET that filters on it is 403
    /// `sensitive`; a `.search` is answered (RFC 7644 §7.5.2).
    #[must_use]
    pub fn sensitive(mut self, attribute: impl Into<String>) -> Self {
        self.sensitive.push(attribute.into());
        self
    }

    /// Sets whether `sortBy` is offered. The default is yes. If it is not offered, asking for it is 501.
    #[must_use]
    pub fn sorting(mut self, offered: bool) -> Self {
        self.sorting = offered;
        self
    }

    /// Sets whether PATCH is offered. The default is yes. If it is not offered, it is 501.
    // PATCH-001
    #[must_use]
    pub fn patching(mut self, offered: bool) -> Self {
        self.patching = offered;
        self
    }

    /// Sets how long a cursor is valid; `None` offers no paging by cursor (RFC 9865). The default is 1 hour.
    #[must_use]
    pub fn cursors(mut self, lifetime: Option<Duration>) -> Self {
        self.cursors = lifetime;
        self
    }

    /// Sets the key that signs cursors, such as the secret of a `SqliteStore`. Cursors stay valid over a restart only
    /// if the key stays the same. The default is a random key.
    #[must_use]
    pub fn cursor_key(mut self, key: [u8; 32]) -> Self {
        self.cursor_key = Some(key);
        self
    }

    /// Sets how a list is paged if a client names neither `startIndex` nor `cursor` (RFC 9865 §2.4). The default is by
    /// index.
    #[must_use]
    pub fn default_paging(mut self, method: PaginationMethod) -> Self {
        self.default_paging = method;
        self
    }

    /// Sets the limits of a bulk request; `None` offers none. The default is [`BulkLimits::default`].
    #[must_use]
    pub fn bulk(mut self, limits: Option<BulkLimits>) -> Self {
        self.bulk = limits;
        self
    }

    /// Sets how the resource of `/Me` is found. Without it `/Me` is 501.
    #[must_use]
    pub fn me(mut self, resolver: impl MeResolver + 'static) -> Self {
        self.me = Some(Arc::new(resolver));
        self
    }

    /// Sets the response to a PATCH.
    #[must_use]
    pub fn patch_response(mut self, response: PatchResponse) -> Self {
        self.patch_response = response;
        self
    }

    /// Adds a media type that clients may name in `Accept` and `Content-Type`.
    #[must_use]
    pub fn also_accept(mut self, media_type: impl Into<String>) -> Self {
        self.media_types.also.push(media_type.into().to_ascii_lowercase());
        self
    }

    /// Answers `application/scim+json` even to a client that names only `application/json`.
    // E-4
    #[must_use]
    pub fn always_scim_json(mut self) -> Self {
        self.media_types.scim_only = true;
        self
    }

    /// Leaves out of answers the names of what was not understood in a request.
    ///
    /// Without this, such an answer has a header `SCIM-Passed-Over`. It lists names of attributes and of members of the
    /// message, never values, in at most 4 KiB. Each result of a bulk request has a member `passedOver` instead.
    /// [`Leniency::STRICT`] passes nothing over, so it has neither.
    #[must_use]
    pub fn without_passed_over_names(mut self) -> Self {
        self.names_passed_over = false;
        self
    }

    /// Writes `status` in error bodies as a number, as some service providers do, not as the string of RFC 7644.
    // E-71
    #[must_use]
    pub fn numeric_error_status(mut self) -> Self {
        self.errors.numeric_status = true;
        self
    }

    /// Adds a member to every error body, in addition to `schemas`, `status`, `scimType` and `detail`.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use scim_server::{BearerTokens, ErrorMember, Server};
    /// # use scim_store::MemoryStore;
    /// let server = Server::builder(Arc::new(MemoryStore::new()), Arc::new(BearerTokens::new()))
    ///     .error_member("message", ErrorMember::Detail)
    ///     .error_member("documentation_url", ErrorMember::Text("https://example.com/scim".into()));
    /// # let _ = server.build();
    /// ```
    #[must_use]
    pub fn error_member(mut self, name: impl Into<String>, member: ErrorMember) -> Self {
        self.errors.members.push((name.into(), member));
        self
    }

    /// Checks the base URL and the sensitive attributes, and creates the server.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the base URL or a sensitive attribute does not fit.
    pub fn build(self) -> Result<Server, ConfigError> {
        let url = Url::parse(&self.base_url)
            .map_err(|error| ConfigError::BaseUrl { url: self.base_url.clone(), what: error.to_string() })?;
        // CORE-096: a base URI has no query.
        let unfit = match (url.scheme(), url.query().or(url.fragment()), url.username()) {
            ("http" | "https", None, "") => None,
            ("http" | "https", Some(_), _) => Some("it must have no query and no fragment"),
            ("http" | "https", None, _) => Some("it must hold no credentials"),
            _ => Some("it must be http or https"),
        };
        if let Some(what) = unfit {
            return Err(ConfigError::BaseUrl { url: self.base_url, what: what.into() });
        }
        let resolve = |name: &String| {
            let types = self.registry.resource_types().iter();
            let found: Vec<_> = types.filter_map(|known| known.resolve(name).ok()).collect();
            if found.is_empty() { Err(ConfigError::Sensitive { name: name.clone() }) } else { Ok(found) }
        };
        let sensitive: Vec<Vec<AttrRef>> = self.sensitive.iter().map(resolve).collect::<Result<_, _>>()?;
        let sensitive = sensitive.into_iter().flatten().collect();
        let mut config = ServiceProviderConfig::default();
        config.patch.supported = self.patching;
        config.filter.supported = true;
        config.filter.max_results = self.max_page;
        config.etag.supported = true;
        if let Some(limits) = self.bulk {
            config.bulk.supported = true;
            config.bulk.max_operations = limits.operations as u64;
            config.bulk.max_payload_size = limits.payload as u64;
        }
        config.sort.supported = self.sorting;
        // Without cursors it adds nothing to RFC 7643, and some clients take it as a sign that there are cursors.
        config.pagination = self.cursors.map(|lifetime| {
            let mut pagination = PaginationSupport::new(true, true);
            pagination.default_pagination_method = Some(self.default_paging.clone());
            pagination.default_page_size = Some(self.default_page);
            pagination.max_page_size = Some(self.max_page);
            pagination.cursor_timeout = Some(lifetime.as_secs());
            pagination
        });
        let key = self.cursor_key.unwrap_or_else(random_key);
        let cursors = self.cursors.map(|lifetime| Cursors::new(key, lifetime));
        config.authentication_schemes = vec![AuthenticationScheme::bearer_token()];
        let base_paths = [Some(url.path()), self.also_at.as_deref()].into_iter().flatten();
        let base_paths = base_paths.map(|path| path.trim_end_matches('/').to_owned()).collect();
        let base = url.as_str().trim_end_matches('/').to_owned();
        let store: Arc<dyn Store> = Arc::new(Measured(self.store));
        Ok(Server::new(Inner {
            places: Places::new(&base, &self.registry),
            store,
            authenticator: self.authenticator,
            policy: self.policy,
            tenant: self.tenant,
            base_paths,
            open_api_description: self.open_api_description,
            base,
            registry: self.registry,
            leniency: self.leniency,
            limits: self.limits,
            plain_body: self.plain_body,
            clock: self.clock,
            ids: self.ids,
            default_page: self.default_page,
            max_page: self.max_page,
            scan_limit: self.scan_limit,
            sensitive,
            sorting: self.sorting,
            patching: self.patching,
            cursors,
            default_paging: self.default_paging,
            bulk: self.bulk,
            me: self.me,
            patch_response: self.patch_response,
            media_types: self.media_types,
            names_passed_over: self.names_passed_over,
            errors: self.errors,
            config,
            turns: Turns::default(),
        }))
    }
}

/// Returns 32 random bytes of the system, from version 4 UUIDs: 244 of the bits are random.
fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    for half in key.chunks_mut(16) {
        half.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    }
    key
}

/// Why a server cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A sensitive attribute is in no resource type.
    #[error("the sensitive attribute `{name}` is in no resource type that is served")]
    Sensitive {
        /// Its name.
        name: String,
    },
    /// The base URL does not fit.
    #[error("the base URL `{url}` does not fit: {what}")]
    BaseUrl {
        /// The URL.
        url: String,
        /// What is wrong.
        what: String,
    },
}
