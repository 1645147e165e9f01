//! Bearer tokens — RFC 6750, RFC 7644 §2.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use http::header;
use http::request::Parts;
use scim_core::Timestamp;
use scim_server_traits::{
    Access, AuthError, Authenticator, Clock, Context, Principal, SystemClock, TenantId,
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A set of bearer tokens that keeps only their SHA-256 digests. Several are valid at a time, and the set may change
/// while a server uses it.
///
/// ```
/// use std::time::Duration;
/// use scim_server::{BearerTokens, Grant};
/// use scim_server_traits::TenantId;
/// let grant = Grant::new(TenantId::new("octo"), "entra").limited_to("read write:Group".parse().unwrap());
/// let tokens = BearerTokens::new().with("s3cret", grant);
/// assert!(!format!("{tokens:?}").contains("s3cret"));
/// let fresh = tokens.rotate("s3cret", Duration::from_secs(3_600));
/// assert!(fresh.is_some_and(|fresh| fresh.len() == 64));
/// ```
pub struct BearerTokens {
    grants: RwLock<HashMap<[u8; 32], Grant>>,
    clock: Box<dyn Clock>,
    schemes: Vec<String>,
}

/// What a token grants.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Grant {
    /// The tenant that it opens.
    pub tenant: TenantId,
    /// Who holds it.
    pub principal: Principal,
    /// When it expires.
    pub expires: Option<Timestamp>,
}

impl Grant {
    /// Creates a grant for this tenant and the principal of this name. It allows everything and does not expire.
    pub fn new(tenant: TenantId, principal: impl Into<String>) -> Self {
        Self { tenant, principal: Principal::new(principal), expires: None }
    }

    /// Sets scopes in the words of another system, which a policy can check.
    #[must_use]
    pub fn with_scopes<I: IntoIterator<Item: Into<String>>>(mut self, scopes: I) -> Self {
        self.principal = self.principal.with_scopes(scopes);
        self
    }

    /// Limits what the token allows.
    #[must_use]
    pub fn limited_to(mut self, access: Access) -> Self {
        self.principal.access = access;
        self
    }

    /// Sets when the token expires.
    #[must_use]
    pub fn until(mut self, expires: Timestamp) -> Self {
        self.expires = Some(expires);
        self
    }
}

impl BearerTokens {
    /// Creates a set without tokens.
    pub fn new() -> Self {
        Self { grants: RwLock::default(), clock: Box::new(SystemClock), schemes: vec!["Bearer".into()] }
    }

    /// Sets the clock that decides when tokens expire.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Accepts tokens under a further scheme, as in `Authorization: token s3cret`.
    ///
    /// Schemes are compared without regard to case (RFC 9110 §11.1).
    #[must_use]
    pub fn with_scheme(mut self, scheme: impl Into<String>) -> Self {
        self.schemes.push(scheme.into());
        self
    }

    /// Adds a token.
    #[must_use]
    pub fn with(self, token: &str, grant: Grant) -> Self {
        self.add(token, grant);
        self
    }

    /// Adds a token by its SHA-256 digest, such as from a file that holds no secrets.
    #[must_use]
    pub fn with_digest(self, digest: [u8; 32], grant: Grant) -> Self {
        self.put(digest, grant);
        self
    }

    /// Returns a new token: 244 random bits in 64 hexadecimal digits.
    pub fn mint() -> String {
        format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
    }

    /// Returns the digest by which a token is known.
    pub fn digest(token: &str) -> [u8; 32] {
        Sha256::digest(token.as_bytes()).into()
    }

    /// Adds a token that is valid from now on.
    pub fn add(&self, token: &str, grant: Grant) {
        self.put(Self::digest(token), grant);
    }

    /// Revokes a token at once. Returns whether it was known.
    pub fn revoke(&self, token: &str) -> bool {
        self.grants.write().unwrap_or_else(PoisonError::into_inner).remove(&Self::digest(token)).is_some()
    }

    /// Returns a new token with the grant of a known one. The known one expires after `overlap` at the latest.
    pub fn rotate(&self, token: &str, overlap: Duration) -> Option<String> {
        let now = self.clock.now().as_millis();
        let overlap = i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX);
        let ends = Timestamp::from_millis(now.saturating_add(overlap));
        let fresh = Self::mint();
        let mut grants = self.grants.write().unwrap_or_else(PoisonError::into_inner);
        let old = grants.get_mut(&Self::digest(token))?;
        let grant = old.clone();
        old.expires = Some(old.expires.map_or(ends, |expires| expires.min(ends)));
        grants.insert(Self::digest(&fresh), grant);
        Some(fresh)
    }

    /// Returns the grant of the token that a request carries.
    ///
    /// # Errors
    ///
    /// [`AuthError::Missing`] without a token, and [`AuthError::Invalid`] if the token is unknown, malformed or
    /// expired.
    pub fn grant(&self, request: &Parts) -> Result<Grant, AuthError> {
        let value = request.headers.get(header::AUTHORIZATION).ok_or(AuthError::Missing)?;
        let (scheme, token) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(AuthError::Invalid)?;
        if !self.schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            // RFC 6750 §3.1: a client that uses another scheme has sent no token.
            return Err(AuthError::Missing);
        }
        // Looked up by digest, so a stranger can time the table of digests, but not the token.
        let wanted = Self::digest(token.trim());
        let grants = self.grants.read().unwrap_or_else(PoisonError::into_inner);
        let (known, grant) = grants.get_key_value(&wanted).ok_or(AuthError::Invalid)?;
        let same: bool = known.ct_eq(&wanted).into();
        let alive = grant.expires.is_none_or(|expires| self.clock.now() < expires);
        if same && alive { Ok(grant.clone()) } else { Err(AuthError::Invalid) }
    }

    fn put(&self, digest: [u8; 32], grant: Grant) {
        self.grants.write().unwrap_or_else(PoisonError::into_inner).insert(digest, grant);
    }
}

impl Default for BearerTokens {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for BearerTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerTokens")
            .field("tokens", &self.grants.read().map_or(0, |grants| grants.len()))
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Authenticator for BearerTokens {
    async fn authenticate(&self, request: &Parts) -> Result<Context, AuthError> {
        let grant = self.grant(request)?;
        Ok(Context::new(grant.tenant).with_principal(grant.principal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim_server_traits::ManualClock;
    use std::sync::Arc;

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
        for none in [None, Some("Basic good"), Some("token good")] {
            assert_eq!(tokens.grant(&parts(none)).unwrap_err(), AuthError::Missing, "{none:?}");
        }
        for bad in ["Bearer bad", "Bearer", "non-token"] {
            assert_eq!(tokens.grant(&parts(Some(bad))).unwrap_err(), AuthError::Invalid, "{bad}");
        }
        let tokens = tokens.with_scheme("token");
        for good in ["token good", "Token good", "TOKEN  good", "BEARER good", "Bearer good"] {
            assert!(tokens.grant(&parts(Some(good))).is_ok(), "{good}");
        }
        for none in ["Basic good", "tokens good"] {
            assert_eq!(tokens.grant(&parts(Some(none))).unwrap_err(), AuthError::Missing, "{none}");
        }
        for bad in ["tokengood", "token", "token bad"] {
            assert_eq!(tokens.grant(&parts(Some(bad))).unwrap_err(), AuthError::Invalid, "{bad}");
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(tokens.grant(&parts(Some("Bearer good"))).unwrap_err(), AuthError::Invalid);
    }

    #[test]
    fn sec_007_tokens_are_rotated_and_revoked() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
        let grant = Grant::new(TenantId::new("t"), "p").limited_to(Access::read());
        let tokens = BearerTokens::new()
            .with_clock(Arc::clone(&clock))
            .with_digest(BearerTokens::digest("old"), grant);
        assert_eq!(tokens.rotate("none", Duration::ZERO), None);
        let fresh = tokens.rotate("old", Duration::from_secs(60)).unwrap();
        let grant = |token: &str| tokens.grant(&parts(Some(&format!("Bearer {token}"))));
        assert!(grant("old").is_ok());
        assert_eq!(grant(&fresh).unwrap().principal.access, Access::read());
        clock.advance(Duration::from_secs(60));
        assert_eq!(grant("old").unwrap_err(), AuthError::Invalid);
        assert!(grant(&fresh).is_ok() && tokens.revoke(&fresh) && !tokens.revoke(&fresh));
        assert_eq!(grant(&fresh).unwrap_err(), AuthError::Invalid);
    }

    #[test]
    fn sec_007_minted_tokens_are_long_and_differ() {
        assert!(BearerTokens::mint().len() == 64 && BearerTokens::mint() != BearerTokens::mint());
    }
}
