//! A stored document written through as it is, with what the server owns set in: nothing is parsed.

use serde_json::to_writer;

use crate::representation::{Meta, MetaView};
use crate::resource_type::ResourceType;

/// The JSON text of a canonical document on its way into an answer that names no attributes.
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
    /// The document, as a store wrote it.
    pub text: &'a str,
    /// `meta`.
    pub meta: &'a Meta,
}

impl Verbatim<'_> {
    /// The JSON object; `None` when the document may hold something that is not returned by default, so that only a
    /// [`Representation`](crate::Representation) can tell.
    pub fn to_vec(&self) -> Option<Vec<u8>> {
        let Self { resource_type, id, text, meta } = *self;
        let chosen = resource_type.returned_by_default();
        // A name that is not there cannot be hidden; one that is may still be part of a value.
        if chosen.hidden.iter().any(|name| text.contains(name)) {
            return None;
        }
        let members = text.strip_prefix('{')?.strip_suffix('}')?;
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
