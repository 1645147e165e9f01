//! Attribute names and the attribute notation — RFC 7643 §2.1, RFC 7644 §3.10.

use std::fmt;

/// Whether `name` is a legal attribute name: a letter or `$`, then letters, digits, `-`, `_`, `$`.
///
/// RFC 7643 §2.1 does not allow the leading `$`, but `$ref` needs it.
// decision X12
pub fn is_attribute_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'$')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'$'))
}

/// Whether two names are equal ignoring case.
///
/// Most names have the schema's spelling, and comparing bytes is faster than comparing letters.
pub(crate) fn same_name(known: &str, name: &str) -> bool {
    known.len() == name.len() && (known == name || known.eq_ignore_ascii_case(name))
}

/// The parts of an attribute path, which has not been looked up: `[urn:]name[.sub]`.
///
/// ```
/// use scim_core::AttrPath;
/// let path = AttrPath::parse("urn:ietf:params:scim:schemas:core:2.0:User:name.givenName").unwrap();
/// assert_eq!((path.name, path.sub), ("name", Some("givenName")));
/// assert!(AttrPath::parse("name..givenName").is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttrPath<'a> {
    /// The schema's URN, if the path is qualified.
    pub urn: Option<&'a str>,
    /// The attribute.
    pub name: &'a str,
    /// The sub-attribute.
    pub sub: Option<&'a str>,
}

impl<'a> AttrPath<'a> {
    /// Splits at the last `:` and then at the `.` after it, so that `2.0` in a URN is never read as a sub-attribute.
    ///
    /// # Errors
    ///
    /// [`AttrPathError`] if `text` does not have the form of RFC 7644 §3.10.
    // D8
    pub fn parse(text: &'a str) -> Result<Self, AttrPathError> {
        let refuse = |what| AttrPathError { text: text.to_owned(), what };
        let (urn, rest) = match text.rfind(':') {
            Some(at) => (Some(&text[..at]), &text[at + 1..]),
            None => (None, text),
        };
        if let Some(urn) = urn
            && (urn.is_empty() || urn.bytes().any(|byte| byte <= b' ' || matches!(byte, b'"' | b'[' | b']')))
        {
            return Err(refuse("a schema URN before the last `:`"));
        }
        let (name, sub) = match rest.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (rest, None),
        };
        if !is_attribute_name(name) {
            return Err(refuse("an attribute name"));
        }
        if let Some(sub) = sub
            && !is_attribute_name(sub)
        {
            return Err(refuse("one sub-attribute name after the `.`"));
        }
        Ok(Self { urn, name, sub })
    }
}

impl fmt::Display for AttrPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(self.name)?;
        if let Some(sub) = self.sub {
            write!(f, ".{sub}")?;
        }
        Ok(())
    }
}

/// The error for a text that is not an attribute path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an attribute path: expected {what}")]
pub struct AttrPathError {
    text: String,
    what: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_001_names() {
        for good in ["userName", "a$b-c_1", "$ref", "x"] {
            assert!(is_attribute_name(good), "{good}");
        }
        for bad in ["", "1abc", "a b", "-a", "ä", "a.b"] {
            assert!(!is_attribute_name(bad), "{bad}");
        }
    }

    #[test]
    fn filt_022_d8_urns_split_at_the_last_colon() {
        let path = AttrPath::parse("urn:x:2.0:User:manager.$ref").unwrap();
        assert_eq!((path.urn, path.name, path.sub), (Some("urn:x:2.0:User"), "manager", Some("$ref")));
        assert_eq!(path.to_string(), "urn:x:2.0:User:manager.$ref");
        assert!(AttrPath::parse("a.b.c").is_err(), "D14: one sub-attribute only");
        assert!(AttrPath::parse(":a").is_err());
    }
}
