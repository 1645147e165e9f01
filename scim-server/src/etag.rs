//! Entity tags, and the conditions of requests — RFC 7644 §3.14, RFC 9110 §13.
//!
//! The tag of a representation is the stored version, such as `W/"7"`. If something in the representation is computed,
//! a fingerprint of the computed values follows: `W/"7-0011223344556677"`.

use std::fmt;

use http::{HeaderMap, HeaderName, StatusCode, header};
use scim_core::Error;
use scim_server_traits::{EntityTag, Precondition};

use crate::respond::Answer;

/// The tag of one representation, as in `ETag` and `meta.version`.
// CORE-043
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// The stored version.
    pub(crate) version: u64,
    /// The fingerprint of what is computed in the representation, if anything is.
    pub(crate) computed: Option<Fingerprint>,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.computed {
            None => EntityTag(self.version).fmt(f),
            Some(Fingerprint(hash)) => write!(f, "W/\"{}-{hash:016x}\"", self.version),
        }
    }
}

impl Tag {
    /// Reads the text between the quotes. Returns `None` for a tag that this server never sends.
    fn read(opaque: &str) -> Option<Self> {
        let (version, computed) = match opaque.split_once('-') {
            None => (opaque, None),
            Some((version, hash)) => (version, Some(Fingerprint(u64::from_str_radix(hash, 16).ok()?))),
        };
        let tag = Self { version: version.parse().ok()?, computed };
        // Another spelling of the numbers is not a tag of ours.
        (tag.to_string().strip_prefix("W/\"")?.strip_suffix('"')? == opaque).then_some(tag)
    }
}

/// Returns the tag of the stored version alone, for a tag with a fingerprint; `None` for any other text.
pub(crate) fn of_version(tag: &str) -> Option<String> {
    let opaque = tag.strip_prefix("W/\"")?.strip_suffix('"')?;
    let tag = Tag::read(opaque).filter(|tag| tag.computed.is_some())?;
    Some(EntityTag(tag.version).to_string())
}

/// A hash of computed values. It stays the same over restarts and releases, because clients keep tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint before any value is added.
    pub(crate) const EMPTY: Self = Self(0);

    /// Adds one value. It matters where values end: `ab`, `c` is not `a`, `bc`.
    pub(crate) fn add(&mut self, value: &str) {
        self.0 = twox_hash::XxHash3_64::oneshot_with_seed(self.0, value.as_bytes());
    }
}

/// What `If-Match` or `If-None-Match` names.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    /// The header is missing.
    None,
    /// `*`: any representation.
    Any,
    /// These tags. A tag that is not one of ours matches nothing, so it is left out.
    Tags(Vec<Tag>),
}

impl Condition {
    fn read(headers: &HeaderMap, name: HeaderName) -> Self {
        let mut tags = Vec::new();
        let mut is_there = false;
        for value in headers.get_all(name) {
            is_there = true;
            match Self::of(value.to_str().unwrap_or_default()) {
                Self::Tags(more) => tags.extend(more),
                any => return any,
            }
        }
        if is_there { Self::Tags(tags) } else { Self::None }
    }

    /// Reads the value of one header: `*`, or tags.
    fn of(mut text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        let mut tags = Vec::new();
        // Decision X9: weak comparison, so the prefix does not matter. A tag may hold a comma and a star.
        while let Some((_, quoted)) = text.split_once('"')
            && let Some((opaque, more)) = quoted.split_once('"')
        {
            tags.extend(Tag::read(opaque));
            text = more;
        }
        Self::Tags(tags)
    }
}

/// The conditions in the headers of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Conditions {
    if_match: Condition,
    if_none_match: Condition,
}

/// What a condition that is not met leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unmet {
    /// 412.
    Failed(&'static str),
    /// 304: the client has the representation.
    NotModified,
}

impl Conditions {
    /// Reads `If-Match` and `If-None-Match`. Others do not apply, because nothing here has a `Last-Modified` or ranges.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        Self {
            if_match: Condition::read(headers, header::IF_MATCH),
            if_none_match: Condition::read(headers, header::IF_NONE_MATCH),
        }
    }

    /// Reads the `version` of a bulk operation like `If-Match`. A text that could not be in a header names no tag.
    pub(crate) fn of_version(version: &str) -> Precondition {
        let is_plain = version.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        let if_match = Condition::of(if is_plain { version } else { "" });
        Self { if_match, if_none_match: Condition::None }.precondition()
    }

    /// Checks whether a representation may be returned, in the order of RFC 9110 §13.2.2. `If-Match` compares the
    /// version, `If-None-Match` the whole tag.
    ///
    /// `is_exact` says whether the tag covers everything that is computed. A tag that does not is never the client's.
    pub(crate) fn check_read(&self, tag: Tag, is_exact: bool) -> Result<(), Unmet> {
        if let Condition::Tags(tags) = &self.if_match
            && !tags.iter().any(|known| known.version == tag.version)
        {
            return Err(Unmet::Failed("`If-Match` names no tag of the resource as it is"));
        }
        match &self.if_none_match {
            Condition::Any => Err(Unmet::NotModified),
            Condition::Tags(tags) if is_exact && tags.contains(&tag) => Err(Unmet::NotModified),
            _ => Ok(()),
        }
    }

    /// Checks the conditions for something that has no tag. It is read, such as a list or a discovery document, or it
    /// is the collection that a POST adds to. It exists, so `*` names it and no tag does.
    pub(crate) fn check_untagged(&self, is_read: bool) -> Result<(), Unmet> {
        match (&self.if_match, &self.if_none_match) {
            (Condition::Tags(_), _) => Err(Unmet::Failed("`If-Match` names a tag, and there is none here")),
            (_, Condition::Any) if is_read => Err(Unmet::NotModified),
            (_, Condition::Any) => {
                Err(Unmet::Failed("`If-None-Match: *` on a collection, which is there: leave it out"))
            }
            _ => Ok(()),
        }
    }

    /// Checks the conditions for something that is created and does not exist yet.
    pub(crate) fn check_missing(&self) -> Result<(), Error> {
        match self.if_match {
            Condition::None => Ok(()),
            _ => Err(failed("`If-Match` asks for a resource that is there already, and there is none")),
        }
    }

    /// Returns what a write requires of the version that it changes. Both headers compare the version, because a write
    /// does not change what is computed.
    pub(crate) fn precondition(&self) -> Precondition {
        let versions = |tags: &[Tag]| tags.iter().map(|tag| tag.version).collect::<Vec<u64>>();
        match (&self.if_match, &self.if_none_match) {
            (_, Condition::Any) => Precondition::Match(Vec::new()),
            (Condition::Tags(tags), Condition::Tags(others)) => {
                let (mut wanted, others) = (versions(tags), versions(others));
                wanted.retain(|version| !others.contains(version));
                Precondition::Match(wanted)
            }
            (Condition::Tags(tags), Condition::None) => Precondition::Match(versions(tags)),
            (_, Condition::Tags(others)) => Precondition::NoneMatch(versions(others)),
            (_, Condition::None) => Precondition::None,
        }
    }
}

impl Unmet {
    /// Returns the answer or the error.
    pub(crate) fn answer(self) -> Result<Answer, Error> {
        match self {
            Self::Failed(detail) => Err(failed(detail)),
            Self::NotModified => Ok(Answer::empty(StatusCode::NOT_MODIFIED)),
        }
    }
}

fn failed(detail: &str) -> Error {
    Error::new(StatusCode::PRECONDITION_FAILED, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(text: &'static str) -> Condition {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, HeaderValue::from_static(text));
        Condition::read(&headers, header::IF_MATCH)
    }

    fn plain(version: u64) -> Tag {
        Tag { version, computed: None }
    }

    #[test]
    fn etag_006_etag_007_weak_and_lists() {
        let seven = Tag { version: 7, computed: Some(Fingerprint(0xab)) };
        assert_eq!(read("W/\"1\", \"2\""), Condition::Tags(vec![plain(1), plain(2)]));
        assert_eq!(read("W/\"7-00000000000000ab\""), Condition::Tags(vec![seven]));
        assert_eq!(read("*"), Condition::Any);
        let none_of_ours = [
            "\"elsewhere\"",
            "",
            "1",
            "\"",
            "\"7-ab\"",
            "\"07\"",
            "\"x-00000000000000ab\"",
            "\"7-+00000000000000ab\"",
        ];
        for none_of_ours in none_of_ours {
            let read = read(none_of_ours);
            assert_eq!(read, Condition::Tags(vec![]), "{none_of_ours}");
        }
        assert_eq!(read("\"a,*,b\", \"a,3,\",W/\"4\""), Condition::Tags(vec![plain(4)]));
        assert_eq!(Condition::read(&HeaderMap::new(), header::IF_MATCH), Condition::None);
        assert_eq!(seven.to_string(), "W/\"7-00000000000000ab\"");
        assert_eq!(of_version(&seven.to_string()).as_deref(), Some("W/\"7\""));
        assert_eq!(of_version("W/\"7\""), None);
    }

    #[test]
    fn etag_005_both_headers_are_one_precondition() {
        let conditions = |if_match: Option<&'static str>, if_none_match: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            let named = [(header::IF_MATCH, if_match), (header::IF_NONE_MATCH, if_none_match)];
            for (name, value) in named.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                headers.insert(name, HeaderValue::from_static(value));
            }
            Conditions::read(&headers).precondition()
        };
        let with_hash = "\"1-00000000000000ab\", \"2\"";
        assert_eq!(conditions(None, None), Precondition::None);
        assert_eq!(conditions(Some("*"), None), Precondition::None);
        assert_eq!(conditions(Some(with_hash), None), Precondition::Match(vec![1, 2]));
        assert_eq!(conditions(Some("*"), Some(with_hash)), Precondition::NoneMatch(vec![1, 2]));
        assert_eq!(conditions(Some(with_hash), Some("\"2\"")), Precondition::Match(vec![1]));
        assert_eq!(conditions(Some(with_hash), Some("*")), Precondition::Match(vec![]));
    }

    #[test]
    fn a_fingerprint_is_the_same_in_every_release() {
        let mut print = Fingerprint::EMPTY;
        print.add("groups");
        print.add("0199c2a4-7d1e-7c55-8f6a-2b9d1f0c3e11");
        let mut other = Fingerprint::EMPTY;
        other.add("groups0");
        other.add("199c2a4-7d1e-7c55-8f6a-2b9d1f0c3e11");
        assert_ne!(print, other);
        assert_eq!(print, Fingerprint(9_862_636_699_483_727_136));
    }
}
