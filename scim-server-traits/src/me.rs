//! Finds a principal's own resource (RFC 7644 §3.11).

use async_trait::async_trait;

use crate::context::Context;
use crate::error::StoreError;

/// Decides which resource `/Me` is.
///
/// A closure from the context can be a resolver if no look-up is needed:
///
/// ```
/// use scim_server_traits::{Context, Me, MeResolver};
/// fn takes(_: impl MeResolver) {}
/// takes(|context: &Context| Some(Me::new("User", context.principal().name.as_str())));
/// ```
#[async_trait]
pub trait MeResolver: Send + Sync {
    /// Returns the principal's own resource; `None` if it has none.
    async fn resolve(&self, context: &Context) -> Result<Option<Me>, StoreError>;

    /// Returns the name of the resource type that `POST /Me` creates.
    // ME-004
    fn makes(&self) -> &str {
        "User"
    }
}

/// The principal's own resource.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Me {
    /// The name of the resource type.
    pub resource_type: String,
    /// The identifier.
    pub id: String,
}

impl Me {
    /// Makes a `Me` from a type and an id.
    pub fn new(resource_type: impl Into<String>, id: impl Into<String>) -> Self {
        Self { resource_type: resource_type.into(), id: id.into() }
    }
}

#[async_trait]
impl<F: Fn(&Context) -> Option<Me> + Send + Sync> MeResolver for F {
    async fn resolve(&self, context: &Context) -> Result<Option<Me>, StoreError> {
        Ok(self(context))
    }
}
