//! Reads untrusted JSON: without duplicate keys, and with limits for depth and number of values.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::Error;
use crate::limits::Limits;
use crate::shorten::shorten;

/// Reads one JSON text and refuses what other parsers silently accept.
///
/// These are duplicate keys, whose meaning RFC 8259 leaves open, more than [`Limits::depth`] levels, and more than
/// [`Limits::elements`] values.
///
/// # Errors
///
/// 400 `invalidSyntax` with line and column, or 413 for more than [`Limits::bytes`].
pub fn parse_json(bytes: &[u8], limits: &Limits) -> Result<Value, Error> {
    if bytes.len() > limits.bytes {
        let detail = format!("the body is larger than the {} bytes that are taken", limits.bytes);
        return Err(Error::new(http::StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let budget = Cell::new(limits.elements);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Tree { depth: limits.depth, budget: &budget }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| Error::invalid_syntax(format!("the body is not acceptable JSON: {error}")))
}

#[derive(Clone, Copy)]
struct Tree<'a> {
    depth: usize,
    budget: &'a Cell<usize>,
}

impl Tree<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("nested too deep"))?;
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.budget.get().checked_sub(1) {
            Some(rest) => self.budget.set(rest),
            None => return Err(D::Error::custom("too many values")),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key_seed(Key)? {
            // `insert` reports a duplicate, which saves a lookup for each key. The borrowed key is kept for the
            // message.
            let value = access.next_value_seed(inner)?;
            if map.insert(String::from(&*key), value).is_some() {
                let key = shorten(&key);
                return Err(A::Error::custom(format_args!("the key `{key}` stands twice in one object")));
            }
        }
        Ok(Value::Object(map))
    }
}

/// A key, which is borrowed unless it contains escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_75_malformed_json_says_where() {
        let error = parse_json(b"{\"a\": }", &Limits::default()).unwrap_err();
        assert_eq!(error.status, 400);
        assert!(error.detail.contains("column 7"), "{}", error.detail);
        assert!(parse_json(b"{} x", &Limits::default()).is_err());
    }

    #[test]
    fn duplicate_keys_depth_and_size_are_bounded() {
        let limits = Limits::default();
        for twice in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":null}"#] {
            assert!(parse_json(twice.as_bytes(), &limits).unwrap_err().detail.contains("`a`"));
        }
        let deep = "[".repeat(10_000);
        assert!(parse_json(deep.as_bytes(), &limits).is_err());
        let small = Limits { elements: 3, ..Limits::default() };
        assert!(parse_json(b"[1,2]", &small).is_ok());
        assert!(parse_json(b"[1,2,3]", &small).unwrap_err().detail.contains("too many"));
        let short = Limits { bytes: 2, ..Limits::default() };
        assert_eq!(parse_json(b"[1]", &short).unwrap_err().status, 413);
    }
}
