use std::fmt;

/// The entity tag of a stored version (RFC 7644 §3.14, RFC 7643 §3.1).
///
/// Filters compare `meta.version` with it. A server may return a longer tag that also covers what it computed for the
/// response, such as a user's groups. It shortens such a tag before a filter reaches a store.
///
/// ```
/// assert_eq!(scim_server_traits::EntityTag(7).to_string(), "W/\"7\"");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntityTag(pub u64);

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "W/\"{}\"", self.0)
    }
}
