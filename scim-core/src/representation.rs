//! Writes a resource into an answer without copying it.

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};

use crate::date_time::Timestamp;
use crate::project::{Chosen, Parts, Pick, Projection, Selection};
use crate::resource::Resource;
use crate::resource_type::ResourceType;
use crate::schema::Attribute;

/// `meta` — RFC 7643 §3.1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// The resource type's name.
    pub resource_type: String,
    /// When the resource was created.
    pub created: Timestamp,
    /// When the resource last actually changed.
    pub last_modified: Timestamp,
    /// Its URI.
    pub location: String,
    /// Its entity tag, exactly as in the `ETag` header.
    pub version: String,
}

impl Meta {
    /// Makes a `meta` with all its members.
    pub fn new(
        resource_type: impl Into<String>,
        created: Timestamp,
        last_modified: Timestamp,
        location: impl Into<String>,
        version: impl Into<String>,
    ) -> Self {
        Self {
            resource_type: resource_type.into(),
            created,
            last_modified,
            location: location.into(),
            version: version.into(),
        }
    }
}

/// A resource in an answer: document, `id`, `meta`, computed attributes and the projection.
///
/// Serialising it writes the JSON without copying values.
#[derive(Clone, Copy, Debug)]
pub struct Representation<'a> {
    /// The resource type.
    pub resource_type: &'a ResourceType,
    /// The identifier.
    pub id: &'a str,
    /// The document.
    pub resource: &'a Resource,
    /// `meta`.
    pub meta: &'a Meta,
    /// Relations and other computed attributes by name. Each one is an array of elements.
    pub computed: &'a [(&'a str, Value)],
    /// The projection.
    pub projection: &'a Projection,
}

impl Serialize for Representation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let chosen = self.projection.chosen(self.resource_type);
        let document = self.resource.as_map();
        let mut out = serializer.serialize_map(None)?;
        if let Some(schemas) = document.get("schemas") {
            out.serialize_entry("schemas", schemas)?;
        }
        out.serialize_entry("id", self.id)?;
        let mut met = usize::from(document.contains_key("schemas"));
        for pick in &chosen.document.picks {
            let name = &pick.attribute.name;
            let kept = document.get(name);
            met += usize::from(kept.is_some());
            let computed = self.computed.iter().find(|(computed, _)| computed == name);
            if let Some(value) = computed.map(|(_, value)| value).or(kept) {
                write_entry(&mut out, pick, value)?;
            }
        }
        for (urn, selection) in &chosen.extensions {
            let Some(values) = document.get(&**urn).and_then(Value::as_object) else { continue };
            met += 1;
            let extension = ExtensionView { values, selection };
            if !extension.is_empty() {
                out.serialize_entry(&**urn, &extension)?;
            }
        }
        for (key, value) in unknown(document, &chosen.document, met) {
            let elsewhere = key == "schemas" || chosen.extensions.iter().any(|(urn, _)| **urn == **key);
            if !elsewhere {
                out.serialize_entry(key, value)?;
            }
        }
        if let Some(meta) = MetaView::new(self.meta, chosen) {
            out.serialize_entry("meta", &meta)?;
        }
        out.end()
    }
}

/// Returns the members that are written although no schema knows them.
///
/// `met` counts the known members. It usually equals the number of members, and then nothing is searched.
fn unknown<'a>(
    values: &'a Map<String, Value>,
    selection: &'a Selection,
    met: usize,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let silent = || selection.silent.iter().filter(|attribute| values.contains_key(&attribute.name)).count();
    let none = selection.unknown.takes_nothing() || met + silent() == values.len();
    let members = (!none).then(|| values.iter());
    members.into_iter().flatten().filter(|(key, _)| selection.unknown.takes(key) && !selection.knows(key))
}

struct ExtensionView<'a> {
    values: &'a Map<String, Value>,
    selection: &'a Selection,
}

impl<'a> ExtensionView<'a> {
    fn is_empty(&self) -> bool {
        self.known().all(|(pick, value)| View { pick, value }.is_empty()) && self.unknown().next().is_none()
    }

    fn known(&self) -> impl Iterator<Item = (&'a Pick, &'a Value)> {
        let Self { values, selection } = *self;
        selection.picks.iter().filter_map(|pick| Some((pick, values.get(&pick.attribute.name)?)))
    }

    fn unknown(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        unknown(self.values, self.selection, self.known().count())
    }
}

impl Serialize for ExtensionView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        for (pick, value) in self.known() {
            write_entry(&mut out, pick, value)?;
        }
        for (key, value) in self.unknown() {
            out.serialize_entry(key, value)?;
        }
        out.end()
    }
}

fn write_entry<M: SerializeMap>(out: &mut M, pick: &Pick, value: &Value) -> Result<(), M::Error> {
    let view = View { pick, value };
    if view.is_empty() { Ok(()) } else { out.serialize_entry(&pick.attribute.name, &view) }
}

/// The part of a value that is written.
pub(crate) struct View<'a> {
    pub(crate) pick: &'a Pick,
    pub(crate) value: &'a Value,
}

impl<'a> View<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        let Some(parts) = &self.pick.parts else { return false };
        match self.value {
            Value::Array(elements) => elements.iter().all(|value| Self { value, ..*self }.is_empty()),
            Value::Object(object) => self.members(parts, object).next().is_none(),
            _ => false,
        }
    }

    fn members(
        &self,
        parts: &'a Parts,
        object: &'a Map<String, Value>,
    ) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let attribute = &self.pick.attribute;
        let subs = parts.subs.iter().filter_map(|sub| object.get_key_value(&sub.name));
        let others = (!parts.unknown.takes_nothing()).then(|| object.iter());
        let others = others.into_iter().flatten();
        subs.chain(others.filter(|(key, _)| {
            parts.unknown.takes(key) && attribute.sub_attributes.iter().all(|sub| sub.name != **key)
        }))
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(parts) = &self.pick.parts else { return self.value.serialize(serializer) };
        match self.value {
            Value::Array(elements) => {
                let mut out = serializer.serialize_seq(None)?;
                for value in elements {
                    let view = View { value, ..*self };
                    if !view.is_empty() {
                        out.serialize_element(&view)?;
                    }
                }
                out.end()
            }
            Value::Object(object) => serializer.collect_map(self.members(parts, object)),
            simple => simple.serialize(serializer),
        }
    }
}

pub(crate) struct MetaView<'a> {
    meta: &'a Meta,
    pick: &'a Pick,
}

impl<'a> MetaView<'a> {
    /// Returns `None` if no part of `meta` is written.
    pub(crate) fn new(meta: &'a Meta, chosen: &'a Chosen) -> Option<Self> {
        let view = Self { meta, pick: chosen.meta.as_ref()? };
        (!view.subs().is_empty()).then_some(view)
    }

    fn subs(&self) -> &[Arc<Attribute>] {
        self.pick.parts.as_ref().map_or(&self.pick.attribute.sub_attributes, |parts| &parts.subs)
    }
}

impl Serialize for MetaView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let meta = self.meta;
        let mut out = serializer.serialize_map(None)?;
        for sub in self.subs() {
            match sub.name.as_str() {
                "resourceType" => out.serialize_entry("resourceType", &meta.resource_type)?,
                "created" => out.serialize_entry("created", &meta.created)?,
                "lastModified" => out.serialize_entry("lastModified", &meta.last_modified)?,
                "location" => out.serialize_entry("location", &meta.location)?,
                "version" => out.serialize_entry("version", &meta.version)?,
                _ => {}
            }
        }
        out.end()
    }
}
