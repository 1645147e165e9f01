//! Which tenant a request is for — RFC 7644 §6.

use async_trait::async_trait;
use http::request::Parts;

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
    /// The tenant; `None` when the request names none.
    async fn resolve(&self, request: &Parts) -> Option<TenantId>;
}

#[async_trait]
impl<F: Fn(&Parts) -> Option<TenantId> + Send + Sync> TenantResolver for F {
    async fn resolve(&self, request: &Parts) -> Option<TenantId> {
        self(request)
    }
}
