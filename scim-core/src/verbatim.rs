//! Copies a stored document into an answer without parsing it, and adds `id` and `meta`.

use serde_json::to_writer;

use crate::representation::{Meta, MetaView};
use crate::resource_type::ResourceType;

/// The JSON text of a canonical document, for an answer to a request that names no attributes.
///
/// ```
/// use scim_core::{Meta, ResourceType, Timestamp, Verbatim};
/// let user = ResourceType::user();
/// let now = Timestamp::default();
/// let meta = Meta::new("User", now, now, "https://example.com/v2/Users/u1", "W/\"1\"");
/// let answer = |text| Verbatim { resource_type: &user, id: "u1", text, meta: &meta }.to_vec();
/// assert!(answer(r#"{"userName":"ada"}"#).is_some_and(|json| json.starts_with(br#"{"id":"u1","userName":"ada","meta""#)));
/// assert_eq!(answer(r#"{"password":"secret","userName":"ada"}"#), None);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Verbatim<'a> {
    /// The resource type.
    pub resource_type: &'a ResourceType,
    /// The identifier.
    pub id: &'a str,
    /// The document, as the store has it.
    pub text: &'a str,
    /// `meta`.
    pub meta: &'a Meta,
}

impl Verbatim<'_> {
    /// Returns the JSON object, or `None` if the text may contain something that must not be copied.
    ///
    /// This is an attribute that is not returned by default, or a computed one. A
    /// [`Representation`](crate::Representation) then has to be written instead.
    pub fn to_vec(&self) -> Option<Vec<u8>> {
        let Self { resource_type, id, text, meta } = *self;
        let chosen = resource_type.returned_by_default();
        // A hidden attribute is in the document only if its name is in the text. The name may also be part of a value:
        // then the fast path is skipped without need. A relation is computed, but an old document may still hold it.
        let relations = resource_type.relations();
        if chosen.hidden.iter().any(|name| text.contains(name))
            || relations.iter().any(|relation| text.contains(&relation.name))
        {
            return None;
        }
        let members = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        let mut out = Vec::with_capacity(text.len() + 512);
        out.extend(br#"{"id":"#);
        to_writer(&mut out, id).ok()?;
        if !members.is_empty() {
            out.push(b',');
            out.extend(members.as_bytes());
        }
        if let Some(view) = MetaView::new(meta, chosen) {
            out.extend(br#","meta":"#);
            to_writer(&mut out, &view).ok()?;
        }
        out.push(b'}');
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn what_is_not_shown_as_it_stands_is_left_to_others() {
        let (user, now) = (ResourceType::user(), Timestamp::default());
        let meta = Meta::new("User", now, now, "https://example.com/v2/Users/u1", "W/\"1\"");
        let answer = |text| Verbatim { resource_type: &user, id: "u1", text, meta: &meta }.to_vec();
        let relation = answer(r#"{"groups":[{"value":"g1"}],"userName":"ada"}"#);
        assert_eq!(relation, None, "what the document keeps of a relation is not what is linked");
        for empty in ["{}", "{ }", " {\n}\n"] {
            let json: serde_json::Value = serde_json::from_slice(&answer(empty).unwrap()).unwrap();
            assert_eq!(json.as_object().map(serde_json::Map::len), Some(2), "{empty:?}");
        }
    }
}
