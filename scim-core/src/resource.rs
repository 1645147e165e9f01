//! A resource's document in canonical form.

use serde_json::{Map, Value};

use crate::resource_type::AttrRef;
use crate::weight::weight;

/// The document of one resource, in canonical form and bound to a schema.
///
/// It does not contain relations, `id` or `meta`. [`ingest`](crate::ingest) and every PATCH guarantee that:
///
/// * keys are in the schema's spelling, extension attributes sit under their URN;
/// * there is no `null`, no empty array and no empty object;
/// * scalars have the JSON type of their attribute;
/// * `schemas` names exactly the schemas in use.
///
/// With [`UnknownAttributes::Keep`](crate::UnknownAttributes::Keep), it also holds attributes that no schema knows, as
/// they were sent.
///
/// Read it with [`Resource::get`] or [`Resource::as_map`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    attributes: Map<String, Value>,
}

impl Resource {
    /// Takes a map that is already canonical, such as one that a store wrote or a PATCH computed.
    pub fn from_canonical(attributes: Map<String, Value>) -> Self {
        Self { attributes }
    }

    /// The document.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// The document, for changes in place by code that keeps it canonical.
    pub fn as_map_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.attributes
    }

    /// The [approximate](crate::weight) size of the document in bytes.
    pub fn weight(&self) -> usize {
        self.attributes.iter().map(|(name, value)| name.len() + weight(value)).sum()
    }

    /// The document, by value.
    pub fn into_map(self) -> Map<String, Value> {
        self.attributes
    }

    /// Returns the value of an attribute. The sub-attribute of `path` is followed if the attribute is single-valued.
    pub fn get(&self, path: &AttrRef) -> Option<&Value> {
        let value = path.get(&self.attributes)?;
        match path.sub() {
            Some(sub) => value.get(&sub.name),
            None => Some(value),
        }
    }

    /// Returns the string value of a top-level attribute, by its exact name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_str()
    }

    /// The schemas the resource uses.
    pub fn schemas(&self) -> impl Iterator<Item = &str> {
        self.attributes
            .get("schemas")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }
}
