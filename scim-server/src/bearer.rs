//! Bearer tokens — RFC 6750, RFC 7644 §2.

use std::collections::HashMap;
use std::fmt;

use async_trait::async_trait;
use http::header;
use http::request::Parts;
use scim_core::Timestamp;
use scim_server_traits::{AuthError, Authenticator, Clock, Context, Principal, SystemClock, TenantId};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A set of bearer tokens, of which only SHA-256 digests are kept.
///
/// ```
/// use scim_server::{BearerTokens, Grant};
/// use scim_server_traits::TenantId;
/// let tokens = BearerTokens::new().with("s3cret", Grant::new(TenantId::new("octo"), "entra"));
/// assert!(!format!("{tokens:?}").contains("s3cret"));
/// ```
pub struct BearerTokens {
    grants: HashMap<[u8; 32], Grant>,
    clock: Box<dyn Clock>,
}

/// What a token stands for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Grant {
    /// The tenant it opens.
    pub tenant: TenantId,
    /// Who holds it.
    pub principal: Principal,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

impl Grant {
    /// A token for this tenant, held by the principal of this name, without end.
    pub fn new(tenant: TenantId, principal: impl Into<String>) -> Self {
        Self { tenant, principal: Principal::new(principal), expires: None }
    }

    /// The same, with these scopes.
    #[must_use]
    pub fn with_scopes<I: IntoIterator<Item: Into<String>>>(mut self, scopes: I) -> Self {
        self.principal = self.principal.with_scopes(scopes);
        self
    }

    /// The same, ending at this moment.
    #[must_use]
    pub fn until(mut self, expires: Timestamp) -> Self {
        self.expires = Some(expires);
        self
    }
}

impl BearerTokens {
    /// No token yet.
    pub fn new() -> Self {
        Self { grants: HashMap::new(), clock: Box::new(SystemClock) }
    }

    /// The same, telling expiry by this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Adds a token. Several may be valid at once, for rotation.
    #[must_use]
    pub fn with(mut self, token: &str, grant: Grant) -> Self {
        self.grants.insert(digest(token), grant);
        self
    }

    /// A fresh token: 256 random bits.
    pub fn mint() -> String {
        format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
    }

    /// The grant of the token a request carries.
    pub fn grant(&self, request: &Parts) -> Result<&Grant, AuthError> {
        let value = request.headers.get(header::AUTHORIZATION).ok_or(AuthError::Missing)?;
        let (scheme, token) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(AuthError::Invalid)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(AuthError::Invalid);
        }
        // Looked up by digest, so what a stranger can time is the digest's table, not the token.
        let wanted = digest(token.trim());
        let (known, grant) = self.grants.get_key_value(&wanted).ok_or(AuthError::Invalid)?;
        let same: bool = known.ct_eq(&wanted).into();
        let alive = grant.expires.is_none_or(|expires| self.clock.now() < expires);
        if same && alive { Ok(grant) } else { Err(AuthError::Invalid) }
    }
}

impl Default for BearerTokens {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BearerTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerTokens").field("tokens", &self.grants.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Authenticator for BearerTokens {
    async fn authenticate(&self, request: &Parts) -> Result<Context, AuthError> {
        let grant = self.grant(request)?;
        Ok(Context::new(grant.tenant.clone()).with_principal(grant.principal.clone()))
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim_server_traits::ManualClock;
    use std::sync::Arc;
    use std::time::Duration;

    fn parts(authorization: Option<&str>) -> Parts {
        let mut request = http::Request::builder();
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn e_6_e_8_unknown_missing_and_expired_tokens() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
        let grant = Grant::new(TenantId::new("t"), "p").until(Timestamp::from_millis(1_000));
        let tokens = BearerTokens::new().with_clock(Arc::clone(&clock)).with("good", grant);
        assert!(tokens.grant(&parts(Some("bearer good"))).is_ok());
        assert_eq!(tokens.grant(&parts(None)).unwrap_err(), AuthError::Missing);
        for bad in ["Bearer bad", "Bearer", "Basic good", "non-token"] {
            assert_eq!(tokens.grant(&parts(Some(bad))).unwrap_err(), AuthError::Invalid, "{bad}");
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(tokens.grant(&parts(Some("Bearer good"))).unwrap_err(), AuthError::Invalid);
    }

    #[test]
    fn minted_tokens_are_long_and_differ() {
        assert!(BearerTokens::mint().len() == 64 && BearerTokens::mint() != BearerTokens::mint());
    }
}
