//! Who caused a change, and by what.

use crate::context::Context;

/// Who caused a batch, by which request, and what they asked for. An empty text means that it is not known.
///
/// It is kept with each change and each record of the batch, so it holds no secret.
///
/// ```
/// use scim_server_traits::{Cause, Context, Principal, TenantId};
/// let context = Context::new(TenantId::new("octo")).with_principal(Principal::new("okta")).with_request("r-1");
/// let cause = Cause::of(&context, "patch");
/// assert_eq!((&*cause.principal, &*cause.request, &*cause.operation), ("okta", "r-1", "patch"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Cause {
    /// The name of the principal.
    pub principal: String,
    /// The identifier of the request, as an answer and the logs show it.
    pub request: String,
    /// What was asked for. The server writes `create`, `replace`, `patch` and `delete`.
    pub operation: String,
}

impl Cause {
    /// Makes the cause of a batch that the call of this context commits.
    pub fn of(context: &Context, operation: impl Into<String>) -> Self {
        Self {
            principal: context.principal().name.clone(),
            request: context.request().to_owned(),
            operation: operation.into(),
        }
    }

    /// Makes a cause without a request, such as a job that runs at night.
    pub fn new(principal: impl Into<String>, operation: impl Into<String>) -> Self {
        Self { principal: principal.into(), request: String::new(), operation: operation.into() }
    }
}
