//! Authentication: personal access tokens with a scope.

// E-6 to E-8

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use http::header;
use http::request::Parts;
use scim_core::{ResourceType, Timestamp};
use scim_server::{BearerTokens, Grant};
use scim_server_traits::{AuthError, Authenticator, Clock, Context, Get, Store, TenantId};

use crate::account::is_active;

/// The scopes that allow a token to provision.
// E-7
const SCOPES: [&str; 2] = ["scim:enterprise", "admin:enterprise"];

/// The scheme that GitHub accepts in addition to `Bearer`, and that its own clients send.
// E-81
const SCHEME: &str = "token";

/// A classic personal access token. Only its digest is kept.
#[derive(Clone)]
pub struct Token {
    digest: [u8; 32],
    scopes: Vec<String>,
    expires: Option<Timestamp>,
    owner: Option<String>,
}

impl Token {
    /// Makes a token of the setup user with the scope `scim:enterprise`, which does not expire.
    pub fn new(secret: impl AsRef<str>) -> Self {
        Self::from_digest(BearerTokens::digest(secret.as_ref()))
    }

    /// Makes a token from its SHA-256 digest, for hosts that do not know the token itself.
    ///
    /// ```
    /// let digest = scim_server::BearerTokens::digest("s3cret");
    /// let token = scim_emu::Token::from_digest(digest).with_scopes(["admin:enterprise"]);
    /// ```
    pub fn from_digest(digest: [u8; 32]) -> Self {
        Self { digest, scopes: vec![SCOPES[0].into()], expires: None, owner: None }
    }

    /// Sets the scopes.
    #[must_use]
    pub fn with_scopes<I: IntoIterator<Item: Into<String>>>(mut self, scopes: I) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets when the token expires.
    #[must_use]
    pub fn until(mut self, expires: Timestamp) -> Self {
        self.expires = Some(expires);
        self
    }

    /// Makes a provisioned user the owner. The token ends when that user is suspended or deleted.
    // E-8
    #[must_use]
    pub fn owned_by(mut self, user_id: impl Into<String>) -> Self {
        self.owner = Some(user_id.into());
        self
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// The tokens of an enterprise. Only digests are kept.
pub(crate) struct Tokens {
    tokens: BearerTokens,
    owners: HashMap<String, String>,
    users: Arc<ResourceType>,
    store: Arc<dyn Store>,
}

impl Tokens {
    pub(crate) fn new(
        tokens: Vec<Token>,
        tenant: &TenantId,
        users: Arc<ResourceType>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut owners = HashMap::new();
        let mut bearer = BearerTokens::new().with_clock(clock).with_scheme(SCHEME);
        for (number, token) in tokens.into_iter().enumerate() {
            let principal = format!("token-{}", number + 1);
            if let Some(owner) = token.owner {
                owners.insert(principal.clone(), owner);
            }
            let mut grant = Grant::new(tenant.clone(), principal).with_scopes(token.scopes);
            grant.expires = token.expires;
            bearer = bearer.with_digest(token.digest, grant);
        }
        Self { tokens: bearer, owners, users, store }
    }

    async fn owner_is_active(&self, context: &Context) -> Result<bool, AuthError> {
        let Some(owner) = self.owners.get(&context.principal().name) else { return Ok(true) };
        let get = Get::new(Arc::clone(&self.users), owner);
        let owner = self.store.get(context, get).await.map_err(|_| AuthError::Invalid)?;
        Ok(owner.is_some_and(|owner| is_active(&owner.resource)))
    }
}

#[async_trait]
impl Authenticator for Tokens {
    async fn authenticate(&self, request: &Parts) -> Result<Context, AuthError> {
        // E-9: GitHub refuses every request that has no `User-Agent`, with a token or without.
        if request.headers.get(header::USER_AGENT).is_none_or(header::HeaderValue::is_empty) {
            let detail = "the request has no `User-Agent`: name your application in it";
            return Err(AuthError::Forbidden(detail.to_owned()));
        }
        let context = self.tokens.authenticate(request).await?;
        if !self.owner_is_active(&context).await? {
            return Err(AuthError::Invalid);
        }
        if !context.principal().scopes.iter().any(|scope| SCOPES.contains(&scope.as_str())) {
            return Err(AuthError::Forbidden(format!("the token needs the scope `{}`", SCOPES[0])));
        }
        Ok(context)
    }
}
