//! Entity tags — RFC 7644 §3.14. A version `7` is the weak tag `W/"7"`.

use http::{HeaderMap, header};
use scim_server_traits::EntityTag;

/// The tag of a version, as in `ETag` and `meta.version` (CORE-043).
pub(crate) fn tag(version: u64) -> String {
    EntityTag(version).to_string()
}

/// What `If-Match` or `If-None-Match` asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The header is not there.
    None,
    /// `*`: any version.
    Any,
    /// These versions; tags that are none of ours match nothing.
    Versions(Vec<u64>),
}

impl Condition {
    /// Reads `If-Match`.
    pub(crate) fn if_match(headers: &HeaderMap) -> Self {
        Self::read(headers, &header::IF_MATCH)
    }

    /// Reads `If-None-Match`.
    pub(crate) fn if_none_match(headers: &HeaderMap) -> Self {
        Self::read(headers, &header::IF_NONE_MATCH)
    }

    /// Whether this version is one of those named.
    pub(crate) fn names(&self, version: u64) -> bool {
        match self {
            Self::None => false,
            Self::Any => true,
            Self::Versions(versions) => versions.contains(&version),
        }
    }

    fn read(headers: &HeaderMap, name: &header::HeaderName) -> Self {
        let mut versions = Vec::new();
        let mut there = false;
        for value in headers.get_all(name) {
            there = true;
            for part in value.to_str().unwrap_or_default().split(',') {
                let part = part.trim();
                if part == "*" {
                    return Self::Any;
                }
                // Decision X9: weak comparison, the prefix does not matter.
                let opaque = part.strip_prefix("W/").unwrap_or(part);
                let inner = opaque.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
                versions.extend(inner.and_then(|text| text.parse::<u64>().ok()));
            }
        }
        if there { Self::Versions(versions) } else { Self::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Condition {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, http::HeaderValue::from_static(text));
        Condition::if_match(&headers)
    }

    #[test]
    fn etag_006_etag_007_weak_and_lists() {
        assert_eq!(read("W/\"1\", \"2\""), Condition::Versions(vec![1, 2]));
        assert_eq!(read("*"), Condition::Any);
        assert_eq!(read("\"elsewhere\""), Condition::Versions(vec![]));
        assert_eq!(Condition::if_match(&HeaderMap::new()), Condition::None);
    }
}
