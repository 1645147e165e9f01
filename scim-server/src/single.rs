//! Headers that a request may have only once.

use http::{HeaderMap, header};
use scim_core::Error;

/// Two of these contradict each other, and a proxy may have used the other one than the server would. `Content-Length`
/// is not listed, because the HTTP stack refuses two of it. Conditions and `Accept` are lists.
static SINGLE: [header::HeaderName; 3] = [header::AUTHORIZATION, header::CONTENT_TYPE, header::HOST];

/// Fails with 400 if a request has one of them twice (RFC 9110 §5.3), even with equal values.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Error> {
    for name in &SINGLE {
        if headers.get_all(name).iter().nth(1).is_some() {
            return Err(Error::invalid_syntax(format!("the header `{name}` must not come twice")));
        }
    }
    Ok(())
}
