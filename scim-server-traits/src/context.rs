//! Who is asking, and for which tenant.

use std::fmt;
use std::sync::Arc;

use scim_core::Work;

/// The tenant whose data a call may see. Nothing can be read or written without one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// A tenant by its name.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an authenticated client is known as (RFC 7644 §2: the security subject).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Principal {
    /// A name for logs; never a secret.
    pub name: String,
    /// What it was granted.
    pub scopes: Vec<String>,
}

impl Principal {
    /// A principal of this name, without scopes.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), scopes: Vec::new() }
    }

    /// Sets the scopes.
    #[must_use]
    pub fn with_scopes<I: IntoIterator<Item: Into<String>>>(mut self, scopes: I) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }
}

/// The circumstances of one call: tenant, principal, and what the call may cost.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    tenant: TenantId,
    principal: Principal,
    work: Work,
    /// What a layer above wants a layer below to know.
    pub extensions: http::Extensions,
}

impl Context {
    /// A context for this tenant, with an anonymous principal.
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            principal: Principal::default(),
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

    /// Sets the account that the call draws on.
    #[must_use]
    pub fn with_work(mut self, work: Work) -> Self {
        self.work = work;
        self
    }

    /// What the call may still cost, and until when: a store charges it for all that a request can make dear, such as
    /// what a filter is asked of, and ends with [`StoreError::Exhausted`](crate::StoreError::Exhausted) where nothing
    /// is left. What is merely proportional to what the call is about, such as the links of a group that is read, is
    /// not charged.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The principal.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
}
