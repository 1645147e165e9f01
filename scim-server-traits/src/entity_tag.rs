use std::fmt;

/// The entity tag of a version, as in `ETag` and `meta.version` — RFC 7644 §3.14, RFC 7643 §3.1. It is weak: what
/// an answer computes, such as a user's groups, belongs to no version.
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
