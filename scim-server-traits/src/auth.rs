//! Turns a request's credentials into a context (RFC 7644 §2).

use async_trait::async_trait;
use http::request::Parts;

use crate::context::Context;

/// Decides who sends a request, and for which tenant.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Returns the context in which the request acts.
    ///
    /// # Errors
    ///
    /// [`AuthError::Missing`] and [`AuthError::Invalid`] become 401 with `WWW-Authenticate`. [`AuthError::Scope`] and
    /// [`AuthError::Forbidden`] become 403.
    async fn authenticate(&self, request: &Parts) -> Result<Context, AuthError>;

    /// Returns the challenge for `WWW-Authenticate`: a scheme with at least one parameter (RFC 6750 §3).
    ///
    /// If the error is [`AuthError::Invalid`], the server adds `error="invalid_token"` to a `Bearer` challenge.
    fn challenge(&self) -> &str {
        r#"Bearer realm="SCIM""#
    }
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The request has no credentials, or those of a scheme that is not supported.
    #[error("no credentials: send `Authorization: Bearer <token>`")]
    Missing,
    /// The credentials are unknown, malformed or expired. The client does not learn which.
    #[error("the credentials are not accepted: the token is unknown, malformed or expired")]
    Invalid,
    /// The credentials are known, but lack a scope: 403 with a challenge that names it (RFC 6750 §3.1).
    #[error("the token lacks the scope `{0}`")]
    Scope(String),
    /// The client is known, but may not do this.
    #[error("{0}")]
    Forbidden(String),
}
