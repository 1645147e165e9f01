//! Finds the tenant of a request (RFC 7644 §6).

use async_trait::async_trait;
use http::request::Parts;

use crate::auth::AuthError;
use crate::context::TenantId;

/// Finds the tenant of a request, before the client is authenticated.
///
/// A closure can be a resolver if it does not need to wait:
///
/// ```
/// use scim_server_traits::{TenantId, TenantResolver};
/// fn takes(_: impl TenantResolver) {}
/// takes(|request: &http::request::Parts| {
///     let name = request.headers.get("x-tenant")?.to_str().ok()?;
///     Some(TenantId::new(name))
/// });
/// ```
#[async_trait]
pub trait TenantResolver: Send + Sync {
    /// Returns the tenant; `None` if the request names none, which becomes 404.
    ///
    /// # Errors
    ///
    /// A resolver that tells tenants apart by credentials refuses unknown ones, as
    /// [`Authenticator::authenticate`](crate::Authenticator::authenticate) does.
    async fn resolve(&self, request: &Parts) -> Result<Option<TenantId>, AuthError>;

    /// Returns the challenge for `WWW-Authenticate` if that error is 401, as
    /// [`Authenticator::challenge`](crate::Authenticator::challenge) does.
    fn challenge(&self) -> &str {
        r#"Bearer realm="SCIM""#
    }
}

#[async_trait]
impl<F: Fn(&Parts) -> Option<TenantId> + Send + Sync> TenantResolver for F {
    async fn resolve(&self, request: &Parts) -> Result<Option<TenantId>, AuthError> {
        Ok(self(request))
    }
}
