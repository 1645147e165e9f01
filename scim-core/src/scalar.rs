//! Simple values: which JSON fits which type, and what a type forgives — RFC 7643 §2.3.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::at::At;
use crate::canonical::Presence;
use crate::date_time::DateTime;
use crate::error::Error;
use crate::lenience::Lenience;
use crate::leniency::Quirk;
use crate::schema::{Attribute, Type};

/// Checks one simple value where it stands.
pub(crate) fn canonicalize(
    at: &At<'_>,
    attribute: &Attribute,
    lenience: &mut Lenience,
    value: &mut Value,
) -> Result<Presence, Error> {
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
            if let Err(error) = BASE64.decode(text) {
                return Err(Error::invalid_value(format!("`{at}` is not base64: {error}")));
            }
        }
        (Type::Reference, Value::String(text)) => {
            if !is_plain_reference(text)
                && let Err(error) = url::Url::options().base_url(ANY_BASE.as_ref()).parse(text)
            {
                let text = shorten(text);
                return Err(Error::invalid_value(format!("`{at}`: `{text}` is no URI: {error}")));
            }
        }
        (_, other) => return Err(at.expected(attribute, json_kind(other))),
    }
    Ok(Presence::Assigned)
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

/// Padding may be left out (CORE-017).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// References may be relative (CORE-019); any base shows whether they can be resolved.
static ANY_BASE: LazyLock<Option<url::Url>> =
    LazyLock::new(|| url::Url::parse("https://base.example/v2/").ok());

/// Whether a reference is of the usual sort in which nothing can be wrong, so that a group of 100,000 members
/// need not be resolved 100,000 times: a path, or a path behind `https://` and a plain host name.
fn is_plain_reference(text: &str) -> bool {
    if !text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return false;
    }
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return !text.starts_with("//") && !text.contains(':');
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A last label that begins with a letter cannot be part of an IPv4 address; `xn--` must decode.
    host.rsplit('.').next().is_some_and(|label| label.starts_with(|c: char| c.is_ascii_lowercase()))
        && host
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
        && !host.contains("xn--")
}

/// What a JSON value is, for messages that must not show it.
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

/// A text from outside as an error may repeat it: its first 64 characters.
///
/// ```
/// assert_eq!(scim_core::shorten(&"x".repeat(1_000)).len(), 64);
/// ```
pub fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn core_019_the_usual_references_are_plain() {
        for plain in ["https://example.com/v2/Users/1", "../Users/1", "Users/1", "/Users/1?a=b#c", ""] {
            assert!(is_plain_reference(plain), "{plain}");
        }
        for odd in [
            "https://127.0.0.1/",
            "https://exa mple.com",
            "//host:x/",
            "urn:x",
            "https://xn--a.example",
            "https://h:1/",
        ] {
            assert!(!is_plain_reference(odd), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn core_019_a_plain_reference_resolves(text in "(https?://)?[a-z0-9.:/?#@%\\[\\]-]{0,16}") {
            let resolved = url::Url::options().base_url(ANY_BASE.as_ref()).parse(&text);
            prop_assert!(!is_plain_reference(&text) || resolved.is_ok(), "{:?}", resolved);
        }
    }
}
