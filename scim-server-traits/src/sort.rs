//! The order of a query and positions in it (RFC 7644 §3.4.2.3, RFC 9865).

use std::cmp::Ordering;

use scim_core::{AttrRef, Error, Lenience, Resolved, Resource, ResourceType, Timestamp, Type};
use scim_filter::sort_key;
use serde_json::{Map, Value};

use crate::query::{Query, Seek};

/// The order of a query.
///
/// In ascending order, resources without a value come last, and equal ones are in order of creation. Descending order
/// is the exact reverse.
// FILT-033
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Sort {
    /// The key that is compared.
    pub by: SortBy,
    /// Whether the greatest comes first.
    pub descending: bool,
}

/// The key by which resources are compared.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum SortBy {
    /// No key: the order of creation applies.
    #[default]
    Creation,
    /// The identifier.
    Id,
    /// `meta.created`.
    Created,
    /// `meta.lastModified`.
    LastModified,
    /// `meta.version`.
    Version,
    /// A simple attribute or sub-attribute of the document. If it has several values, that of the primary element
    /// counts, else the first.
    // FILT-031
    Attribute(AttrRef),
}

impl Sort {
    /// Makes an ascending order by this key.
    pub fn ascending(by: SortBy) -> Self {
        Self { by, descending: false }
    }

    /// Makes a descending order by this key.
    pub fn descending(by: SortBy) -> Self {
        Self { by, descending: true }
    }
}

impl SortBy {
    /// Resolves a `sortBy` for a resource type. A complex attribute is sorted by its `value`.
    ///
    /// # Errors
    ///
    /// 400 `invalidPath` if the path is malformed, if the type does not have it, or if it has no order. A complex
    /// attribute without `value`, an extension, links and an attribute that is never returned have no order.
    // FILT-032
    pub fn bind(path: &str, resource_type: &ResourceType, lenience: &mut Lenience) -> Result<Self, Error> {
        let refused = |what: &str| Error::invalid_path(format!("`sortBy`: `{path}` {what}"));
        let attribute = match resource_type.resolve_with(path, lenience) {
            Ok(Resolved::Attribute(attribute)) => attribute,
            Ok(Resolved::Extension(_)) => return Err(refused("is an extension: name one of its attributes")),
            Err(error) => return Err(Error::invalid_path(format!("`sortBy`: {error}"))),
        };
        if attribute.extension().is_none() {
            let sub = attribute.sub().map(|sub| sub.name.as_str());
            match (attribute.attribute().name.as_str(), sub) {
                ("id", None) | ("meta", Some("location")) => return Ok(Self::Id),
                ("meta", Some("created")) => return Ok(Self::Created),
                ("meta", Some("lastModified")) => return Ok(Self::LastModified),
                ("meta", Some("version")) => return Ok(Self::Version),
                // Equal for all resources of the type.
                ("meta", Some("resourceType")) | ("schemas", None) => return Ok(Self::Creation),
                (name, _) if resource_type.relation(name).is_some() => {
                    return Err(refused("is a set of links, which has no order"));
                }
                _ => {}
            }
        }
        if attribute.attribute().is_never_returned() || attribute.leaf().is_never_returned() {
            return Err(refused("is never returned, and neither is its order"));
        }
        if !attribute.leaf().is_complex() {
            return Ok(Self::Attribute(attribute));
        }
        match attribute.attribute().value_sub_attribute() {
            Some(value) if attribute.sub().is_none() => {
                Ok(Self::Attribute(attribute.with_sub(value.clone())))
            }
            _ => Err(refused("is complex: name one of its sub-attributes")),
        }
    }

    /// Whether the document has to be read for the key.
    pub fn is_in_document(&self) -> bool {
        matches!(self, Self::Attribute(_))
    }

    /// Returns the attribute whose [index keys](crate::index_keys) are the keys of this order.
    ///
    /// It is indexed and has at most one value.
    pub fn indexed(&self, resource_type: &ResourceType) -> Option<String> {
        let Self::Attribute(attribute) = self else { return None };
        let single = !attribute.attribute().multi_valued && !attribute.leaf().multi_valued;
        let is_kept = matches!(attribute.leaf().r#type, Type::String | Type::Boolean);
        let mut keys = resource_type.indexed().iter().chain(resource_type.unique());
        (single && is_kept && keys.any(|known| known == attribute)).then(|| attribute.to_string())
    }

    /// Returns the key of a resource, in a form that sorts as text; `None` if it has no value.
    pub fn key(
        &self,
        id: &str,
        version: u64,
        created: Timestamp,
        modified: Timestamp,
        resource: Option<&Resource>,
    ) -> Option<String> {
        let moment = |at: Timestamp| format!("{:016x}", at.as_millis().cast_unsigned() ^ (1 << 63));
        match self {
            Self::Creation => None,
            Self::Id => Some(id.to_owned()),
            Self::Created => Some(moment(created)),
            Self::LastModified => Some(moment(modified)),
            Self::Version => Some(format!("{version:016x}")),
            Self::Attribute(attribute) => key_in(attribute, resource?.as_map()),
        }
    }
}

fn key_in(attribute: &AttrRef, document: &Map<String, Value>) -> Option<String> {
    let value = match attribute.get(document)? {
        Value::Array(elements) => {
            let primary = elements.iter().find(|element| element.get("primary") == Some(&Value::Bool(true)));
            primary.or_else(|| elements.first())?
        }
        single => single,
    };
    let value = match attribute.sub() {
        Some(sub) => value.get(&sub.name)?,
        None => value,
    };
    let value = if let Value::Array(values) = value { values.first()? } else { value };
    sort_key(attribute.leaf(), value)
}

/// The position of a resource in the order of a query, whether the resource still exists or not.
///
/// A resource without a key is greater than one with a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Position {
    /// The key by which it is sorted, as [`SortBy::key`] returns it.
    pub key: Option<String>,
    /// Its place in the store's order of creation. A resource keeps its place. No two resources of a type have equal
    /// places, and a later resource has a greater one.
    pub place: i64,
}

impl Position {
    /// Makes the position of this key and place.
    pub fn new(key: Option<String>, place: i64) -> Self {
        Self { key, place }
    }

    /// Compares the keys alone.
    pub fn cmp_key(&self, other: &Self) -> Ordering {
        match (&self.key, &other.key) {
            (Some(key), Some(other)) => key.cmp(other),
            (key, other) => key.is_none().cmp(&other.is_none()),
        }
    }
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cmp_key(other).then(self.place.cmp(&other.place))
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Query {
    /// Whether the greatest come first while the query is answered: descending forwards, or ascending backwards.
    pub fn walks_down(&self) -> bool {
        self.sort.descending != matches!(self.seek, Seek::Before(_))
    }

    /// Returns the page among the positions of all matches, which may be in any order.
    ///
    /// It serves stores that have no index of the order.
    pub fn page_of(&self, mut positions: Vec<Position>) -> Vec<Position> {
        let down = self.walks_down();
        if let Some(at) = self.seek.position() {
            positions.retain(|position| if down { position < at } else { position > at });
        }
        let along = |a: &Position, b: &Position| if down { b.cmp(a) } else { a.cmp(b) };
        let count = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let end = count(self.offset.saturating_add(self.limit));
        if end < positions.len() {
            positions.select_nth_unstable_by(end, along);
            positions.truncate(end);
        }
        positions.sort_unstable_by(along);
        let mut page = positions.split_off(count(self.offset).min(positions.len()));
        if matches!(self.seek, Seek::Before(_)) {
            page.reverse();
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filt_032_what_has_no_order_is_refused() {
        let user = ResourceType::user();
        let bind = |path: &str| SortBy::bind(path, &user, &mut Lenience::strict());
        for path in [
            "name",
            "meta",
            "groups",
            "groups.value",
            "password",
            "nope",
            "name.nope",
            scim_core::urn::USER,
            "",
        ] {
            let error = bind(path).unwrap_err();
            assert_eq!(error.scim_type, Some(scim_core::ScimType::InvalidPath), "{path}");
        }
        assert_eq!(bind("emails"), bind("EMAILS.value"));
        assert_eq!(bind(&format!("{}:userName", scim_core::urn::USER)), bind("username"));
        assert_eq!(bind("meta.created"), Ok(SortBy::Created));
    }

    #[test]
    fn filt_033_what_has_no_key_is_greatest() {
        let [a, b, none] = [(Some("a"), 9), (Some("b"), 1), (None, 0)]
            .map(|(key, place)| Position::new(key.map(str::to_owned), place));
        let other = Position::new(None, 1);
        assert!(a < b && b < none && none < other);
    }
}
