//! Which tenant a request is for — RFC 7644 §6.

use async_trait::async_trait;
use http::request::Parts;

use crate::auth::AuthError;
use crate::context::TenantId;

/// Tells from a request which tenant it is for, before anybody is let in.
///
/// A closure is one, when nothing has to be waited for:
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
    /// The tenant; `None` when the request names none, which becomes 404.
    ///
    /// Errors: who tells tenants apart by credentials refuses those it does not know, as
    /// [`Authenticator::authenticate`](crate::Authenticator::authenticate) does.
    async fn resolve(&self, request: &Parts) -> Result<Option<TenantId>, AuthError>;

    /// The challenge for `WWW-Authenticate` where that error is 401, as
    /// [`Authenticator::challenge`](crate::Authenticator::challenge).
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
