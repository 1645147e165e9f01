//! Decides what an authenticated client may do, after its request was routed.

use std::fmt;

use scim_core::ResourceType;

use crate::access::{Right, Scope};
use crate::auth::AuthError;
use crate::context::Context;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// `POST` to an endpoint.
    Create,
    /// `PUT`.
    Replace,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// `GET` of one resource.
    Read,
    /// `GET` of an endpoint, or of all.
    List,
    /// `POST` to `.search`.
    Search,
    /// `POST` to `/Bulk`. Each of its operations is decided by itself too.
    Bulk,
    /// `/Me`. Once the person's resource is known, the operation on it is decided by itself.
    Me,
    /// The configuration, the resource types and the schemas.
    Discovery,
}

impl Operation {
    /// Returns the name, for logs, metrics and causes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Read => "read",
            Self::List => "list",
            Self::Search => "search",
            Self::Bulk => "bulk",
            Self::Me => "me",
            Self::Discovery => "discovery",
        }
    }

    /// Returns the right that the operation needs; `None` for `/Me`, where another operation follows.
    pub fn right(self) -> Option<Right> {
        match self {
            Self::Create | Self::Replace | Self::Patch | Self::Delete | Self::Bulk => Some(Right::Write),
            Self::Read | Self::List | Self::Search | Self::Discovery => Some(Right::Read),
            Self::Me => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is to be decided.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Action<'a> {
    /// The operation.
    pub operation: Operation,
    /// The resource type. A list of all types, a bulk request and discovery have none.
    pub resource_type: Option<&'a ResourceType>,
    /// The identifier of the resource, if the request names one.
    pub id: Option<&'a str>,
}

impl<'a> Action<'a> {
    /// Makes an action.
    pub fn new(operation: Operation, resource_type: Option<&'a ResourceType>, id: Option<&'a str>) -> Self {
        Self { operation, resource_type, id }
    }
}

/// Decides whether a client may do what its request asks for.
///
/// It sees what the request means and not how it is written, so no spelling of a URL gets around it.
pub trait Policy: Send + Sync {
    /// Decides.
    ///
    /// # Errors
    ///
    /// [`AuthError::Scope`] and [`AuthError::Forbidden`] become 403.
    fn authorize(&self, context: &Context, action: &Action<'_>) -> Result<(), AuthError>;
}

/// The policy that goes by the [`Access`](crate::Access) of the principal.
///
/// A list of all types needs the right to read all of them. Discovery needs the right to read any, and a bulk request
/// the right to write any.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByAccess;

impl Policy for ByAccess {
    fn authorize(&self, context: &Context, action: &Action<'_>) -> Result<(), AuthError> {
        let Some(right) = action.operation.right() else { return Ok(()) };
        let access = &context.principal().access;
        let resource_type = action.resource_type.map(ResourceType::name);
        let allowed = match action.operation {
            Operation::Bulk | Operation::Discovery => access.allows_some(right),
            _ => access.allows(right, resource_type),
        };
        if allowed {
            return Ok(());
        }
        // The wider scope of two that would do is not named.
        let narrow = access.allows_some(right).then_some(resource_type).flatten();
        let scope = Scope { right, resource_type: narrow.map(str::to_owned) };
        Err(AuthError::Scope(scope.to_string()))
    }
}
