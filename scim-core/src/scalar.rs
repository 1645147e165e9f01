//! Simple values: which JSON fits which type, and what is forgiven — RFC 7643 §2.3.

use iri_string::types::UriReferenceStr;
use serde_json::Value;

use crate::at::At;
use crate::base64;
use crate::canonical::Presence;
use crate::date_time::DateTime;
use crate::error::Error;
use crate::lenience::Lenience;
use crate::leniency::Quirk;
use crate::schema::{Attribute, Type};
use crate::shorten::shorten;

/// Checks one simple value and makes it canonical in place.
pub(crate) fn canonicalize(
    at: &At<'_>,
    attribute: &Attribute,
    lenience: &mut Lenience,
    value: &mut Value,
) -> Result<Presence, Error> {
    if let Value::String(text) = value {
        lenience.texts().check(at, attribute, text)?;
    }
    match (attribute.r#type, &*value) {
        (_, Value::Null) => return Ok(Presence::Unassigned),
        (Type::String, Value::String(_))
        | (Type::Boolean, Value::Bool(_))
        | (Type::Decimal, Value::Number(_)) => {}
        (Type::Boolean, Value::String(text)) => {
            let boolean =
                boolean(text).ok_or_else(|| at.expected(attribute, &format!("`{}`", shorten(text))))?;
            if !lenience.uses(Quirk::StringBooleans) {
                return Err(at.expected(attribute, "a string"));
            }
            *value = Value::Bool(boolean);
        }
        (Type::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {}
        (Type::Integer, Value::Number(number)) => {
            return Err(Error::invalid_value(format!(
                "`{at}`: `{number}` is no integer of at most 64 bits without fraction and exponent"
            )));
        }
        (Type::DateTime, Value::String(text)) => {
            if let Err(error) = text.parse::<DateTime>() {
                return Err(Error::invalid_value(format!("`{at}`: {error}")));
            }
        }
        (Type::Binary, Value::String(text)) => {
            if let Err(error) = base64::check(text) {
                return Err(Error::invalid_value(format!("`{at}` is not base64: {error}")));
            }
        }
        (Type::Reference, Value::String(text)) => {
            if !is_reference(text) && !lenience.uses(Quirk::NonUriReference) {
                let text = shorten(text);
                return Err(Error::invalid_value(format!(
                    "`{at}`: `{text}` is no URI, absolute or relative: percent-encode what a URI cannot hold"
                )));
            }
        }
        (_, other) => return Err(at.expected(attribute, json_kind(other))),
    }
    Ok(Presence::Assigned)
}

/// Whether a stored value has this type, which must not be complex.
pub(crate) fn is_of_type(r#type: Type, value: &Value) -> bool {
    match (r#type, value) {
        (Type::String | Type::Reference, Value::String(_))
        | (Type::Boolean, Value::Bool(_))
        | (Type::Decimal, Value::Number(_)) => true,
        (Type::Integer, Value::Number(number)) => number.is_i64() || number.is_u64(),
        (Type::DateTime, Value::String(text)) => text.parse::<DateTime>().is_ok(),
        (Type::Binary, Value::String(text)) => base64::check(text).is_ok(),
        _ => false,
    }
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Whether it is a URI or a relative reference as in RFC 3986.
// CORE-019
fn is_reference(text: &str) -> bool {
    is_plain_reference(text) || UriReferenceStr::new(text).is_ok()
}

/// Whether a reference is a path of letters, digits and `-._~`, possibly after a plain host.
///
/// Such a reference is always valid. This test is faster than parsing the references of a group of 100,000 members.
fn is_plain_reference(text: &str) -> bool {
    let path = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte))
}

/// Names the kind of a JSON value, for messages that must not show the value.
///
/// ```
/// assert_eq!(scim_core::json_kind(&"s3cret".into()), "a string");
/// ```
pub fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn core_019_the_usual_references_are_plain() {
        for plain in ["https://example.com/v2/Users/1", "../Users/1", "Users/1", "/Users/1", ""] {
            assert!(is_plain_reference(plain), "{plain}");
        }
        for odd in ["https://h:1/", "urn:x", "/Users/1?a=b#c", "https://exa mple.com", "a%20b", "\\", "é"] {
            assert!(!is_plain_reference(odd), "{odd}");
        }
    }

    #[test]
    fn core_019_references_are_uris() {
        for uri in [
            "https://[::1]:8443/v2/Users/1?a=b#c",
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "mailto:ada@example.com",
            "//h/a%20b",
            "?q",
            "a/b:c",
        ] {
            assert!(is_reference(uri), "{uri}");
        }
        for odd in ["rtp:\\", "http://[", "https://exa mple.com", "https://h/é", "%zz", "1:2", "a\\b", "<a>"]
        {
            assert!(!is_reference(odd), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn core_019_a_plain_reference_is_a_uri(text in "(https?:/{0,3})?[a-z0-9.:/?#@%\\[\\]~\\\\ -]{0,16}") {
            prop_assert!(!is_plain_reference(&text) || UriReferenceStr::new(&text).is_ok(), "{}", text);
        }
    }
}
