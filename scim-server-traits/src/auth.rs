//! From a request's credentials to a context — RFC 7644 §2.

use async_trait::async_trait;
use http::request::Parts;

use crate::context::Context;

/// Decides who sends a request, and for which tenant.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// The context the request acts in.
    ///
    /// Errors: [`AuthError::Missing`] and [`AuthError::Invalid`] become 401 with `WWW-Authenticate`,
    /// [`AuthError::Scope`] and [`AuthError::Forbidden`] 403.
    async fn authenticate(&self, request: &Parts) -> Result<Context, AuthError>;

    /// The challenge for `WWW-Authenticate`: a scheme with at least one parameter (RFC 6750 §3). The server adds
    /// `error="invalid_token"` to a `Bearer` challenge that answers [`AuthError::Invalid`].
    fn challenge(&self) -> &str {
        r#"Bearer realm="SCIM""#
    }
}

/// Why a request is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// It carries no credentials, or those of a scheme that is not supported.
    #[error("no credentials: send `Authorization: Bearer <token>`")]
    Missing,
    /// Its credentials are unknown, malformed or expired; which of these is not told.
    #[error("the credentials are not accepted: the token is unknown, malformed or expired")]
    Invalid,
    /// They are known, but do not reach so far: 403 with a challenge that names the scope (RFC 6750 §3.1).
    #[error("the token lacks the scope `{0}`")]
    Scope(String),
    /// It is known, but may not do this.
    #[error("{0}")]
    Forbidden(String),
}
