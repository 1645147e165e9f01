//! The client of a call, and its tenant.

use std::fmt;
use std::sync::Arc;

use scim_core::Work;

use crate::access::Access;

/// The tenant whose data a call may see. Without one, nothing can be read or written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// Makes a tenant with this name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identity of an authenticated client (RFC 7644 §2: the security subject).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Principal {
    /// A name for logs; never a secret.
    pub name: String,
    /// The scopes that the client was granted, in the words of the system that granted them.
    pub scopes: Vec<String>,
    /// What it may do here.
    pub access: Access,
}

impl Principal {
    /// Makes a principal with this name, without scopes, that may do everything.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Limits what the principal may do. By default it may do everything.
    #[must_use]
    pub fn limited_to(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Sets the scopes.
    #[must_use]
    pub fn with_scopes<I: IntoIterator<Item: Into<String>>>(mut self, scopes: I) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }
}

/// The context of one call: tenant, principal, request, and what the call may cost.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    tenant: TenantId,
    principal: Principal,
    request: Arc<str>,
    work: Work,
    /// Data that one layer passes to the layers below.
    pub extensions: http::Extensions,
}

impl Context {
    /// Makes a context for this tenant, with an anonymous principal.
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            principal: Principal::default(),
            request: Arc::default(),
            work: Work::unlimited(),
            extensions: http::Extensions::new(),
        }
    }

    /// Sets the principal.
    #[must_use]
    pub fn with_principal(mut self, principal: Principal) -> Self {
        self.principal = principal;
        self
    }

    /// Sets the identifier of the request.
    #[must_use]
    pub fn with_request(mut self, id: impl Into<Arc<str>>) -> Self {
        self.request = id.into();
        self
    }

    /// Sets the account of the call.
    #[must_use]
    pub fn with_work(mut self, work: Work) -> Self {
        self.work = work;
        self
    }

    /// Returns the account of the call: what it may still cost, and until when.
    ///
    /// A store charges everything that a request can make expensive, such as evaluating a filter. If nothing is left,
    /// it ends with [`StoreError::Exhausted`](crate::StoreError::Exhausted). Work that is merely proportional to the
    /// target of the call, such as reading the links of a group, is not charged.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// Returns the tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Returns the identifier of the request, as its answer and the logs show it; empty if there is none.
    pub fn request(&self) -> &str {
        &self.request
    }

    /// Returns the principal.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
}
