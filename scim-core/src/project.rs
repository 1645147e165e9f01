//! What of a resource is returned: `returned`, `attributes`, `excludedAttributes` — RFC 7644 §3.9,
//! RFC 7643 §7. One function for every verb.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};

use crate::date_time::Timestamp;
use crate::error::Error;
use crate::leniency::{Leniency, Quirks};
use crate::resource::Resource;
use crate::resource_type::{AttrRef, Resolved, ResourceType};
use crate::schema::{Attribute, Returned};

/// Which attributes an answer holds.
///
/// ```
/// use scim_core::{Projection, ResourceType};
/// let user = ResourceType::user();
/// let only = Projection::new(&user, &["userName", "NAME.givenName"], &[]).unwrap();
/// assert!(only.wants("userName") && !only.wants("emails"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    mode: Mode,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Mode {
    #[default]
    Default,
    Only(Vec<Resolved>),
    Except(Vec<Resolved>),
}

impl Projection {
    /// From the names of `attributes` or of `excludedAttributes`. Names that lead nowhere select nothing
    /// (SRV-030).
    ///
    /// Both lists at once are 400 `invalidValue` (decision X15).
    pub fn new<S: AsRef<str>>(
        resource_type: &ResourceType,
        attributes: &[S],
        excluded: &[S],
    ) -> Result<Self, Error> {
        let resolve = |names: &[S]| {
            let names = names.iter().map(|name| name.as_ref().trim()).filter(|name| !name.is_empty());
            names
                .filter_map(|name| {
                    resource_type.resolve_with(name, &Leniency::INTEROP, &mut Quirks::default()).ok()
                })
                .collect::<Vec<_>>()
        };
        let mode = match (attributes.is_empty(), excluded.is_empty()) {
            (true, true) => Mode::Default,
            (false, true) => Mode::Only(resolve(attributes)),
            (true, false) => Mode::Except(resolve(excluded)),
            (false, false) => {
                return Err(Error::invalid_value(
                    "`attributes` and `excludedAttributes` exclude each other: give one of them",
                ));
            }
        };
        Ok(Self { mode })
    }

    /// Whether it is the default: no list was given.
    pub fn is_default(&self) -> bool {
        self.mode == Mode::Default
    }

    /// Whether a top-level attribute may appear in the answer at all, for deciding whether to load it.
    pub fn wants(&self, name: &str) -> bool {
        let is = |resolved: &Resolved, whole: bool| match resolved {
            Resolved::Attribute(path) => {
                path.extension().is_none()
                    && path.attribute().name == name
                    && (!whole || path.sub().is_none())
            }
            Resolved::Extension(_) => false,
        };
        match &self.mode {
            Mode::Default => true,
            Mode::Only(list) => list.iter().any(|resolved| is(resolved, false)),
            Mode::Except(list) => !list.iter().any(|resolved| is(resolved, true)),
        }
    }

    /// How much of one attribute is returned.
    fn selection<'a>(&'a self, extension: Option<&str>, attribute: &Attribute) -> Selection<'a> {
        match attribute.returned {
            Returned::Never => return Selection::Nothing,
            Returned::Always => return Selection::All,
            Returned::Default | Returned::Request => {}
        }
        let on_request = attribute.returned == Returned::Request;
        let matches = |path: &AttrRef| {
            path.extension().map(|urn| &**urn) == extension && path.attribute().name == attribute.name
        };
        match &self.mode {
            Mode::Default if on_request => Selection::Nothing,
            Mode::Default => Selection::All,
            Mode::Only(list) => {
                let mut subs = Vec::new();
                for resolved in list {
                    match resolved {
                        Resolved::Extension(urn) if Some(&**urn) == extension && !on_request => {
                            return Selection::All;
                        }
                        Resolved::Attribute(path) if matches(path) => match path.sub() {
                            None => return Selection::All,
                            Some(sub) => subs.push(sub.name.as_str()),
                        },
                        _ => {}
                    }
                }
                if subs.is_empty() { Selection::Nothing } else { Selection::Only(subs) }
            }
            Mode::Except(_) if on_request => Selection::Nothing,
            Mode::Except(list) => {
                let mut subs = Vec::new();
                for resolved in list {
                    match resolved {
                        Resolved::Extension(urn) if Some(&**urn) == extension => return Selection::Nothing,
                        Resolved::Attribute(path) if matches(path) => match path.sub() {
                            None => return Selection::Nothing,
                            Some(sub) => subs.push(sub.name.as_str()),
                        },
                        _ => {}
                    }
                }
                if subs.is_empty() { Selection::All } else { Selection::Except(subs) }
            }
        }
    }
}

enum Selection<'a> {
    Nothing,
    All,
    Only(Vec<&'a str>),
    Except(Vec<&'a str>),
}

impl Selection<'_> {
    fn wants_sub(&self, sub: &Attribute) -> bool {
        match sub.returned {
            Returned::Always => true,
            Returned::Never => false,
            Returned::Request => matches!(self, Self::Only(names) if names.contains(&sub.name.as_str())),
            Returned::Default => match self {
                Self::Nothing => false,
                Self::All => true,
                Self::Only(names) => names.contains(&sub.name.as_str()),
                Self::Except(names) => !names.contains(&sub.name.as_str()),
            },
        }
    }

    /// Whether the value can be written as it stands.
    fn takes_everything(&self, attribute: &Attribute) -> bool {
        matches!(self, Self::All)
            && attribute
                .sub_attributes
                .iter()
                .all(|sub| matches!(sub.returned, Returned::Always | Returned::Default))
    }
}

/// `meta` — RFC 7643 §3.1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// The resource type's name.
    pub resource_type: String,
    /// When the resource was made.
    pub created: Timestamp,
    /// When it last really changed.
    pub last_modified: Timestamp,
    /// Its URI.
    pub location: String,
    /// Its entity tag, exactly as in the `ETag` header.
    pub version: String,
}

impl Meta {
    /// All of it.
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

/// A resource as it is answered: document, what the server owns, computed attributes, and the
/// projection. Serialising it writes the JSON; nothing is copied on the way.
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
    /// Relations and other computed attributes, by name, each an array of elements.
    pub computed: &'a [(&'a str, Value)],
    /// What is returned.
    pub projection: &'a Projection,
}

impl Serialize for Representation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        let document = self.resource.as_map();
        if let Some(schemas) = document.get("schemas") {
            out.serialize_entry("schemas", schemas)?;
        }
        out.serialize_entry("id", self.id)?;
        if let Some(attribute) = self.resource_type.attribute("externalId") {
            self.entry(&mut out, attribute, document.get("externalId"))?;
        }
        for attribute in self.resource_type.schema().attributes() {
            let computed = self.computed.iter().find(|(name, _)| *name == attribute.name);
            let value = computed.map(|(_, value)| value).or_else(|| document.get(&attribute.name));
            self.entry(&mut out, attribute, value)?;
        }
        for extension in self.resource_type.extensions() {
            let urn = &**extension.schema.id();
            let Some(values) = document.get(urn).and_then(Value::as_object) else { continue };
            let extension = ExtensionView {
                urn,
                attributes: extension.schema.attributes(),
                values,
                projection: self.projection,
            };
            if !extension.is_empty() {
                out.serialize_entry(urn, &extension)?;
            }
        }
        if let Some(attribute) = self.resource_type.attribute("meta") {
            let meta = serde_json::json!({
                "resourceType": self.meta.resource_type,
                "created": self.meta.created,
                "lastModified": self.meta.last_modified,
                "location": self.meta.location,
                "version": self.meta.version,
            });
            self.entry(&mut out, attribute, Some(&meta))?;
        }
        out.end()
    }
}

impl Representation<'_> {
    fn entry<M: SerializeMap>(
        &self,
        out: &mut M,
        attribute: &Attribute,
        value: Option<&Value>,
    ) -> Result<(), M::Error> {
        let Some(value) = value else { return Ok(()) };
        write_entry(out, attribute, value, &self.projection.selection(None, attribute))
    }
}

struct ExtensionView<'a> {
    urn: &'a str,
    attributes: &'a [std::sync::Arc<Attribute>],
    values: &'a Map<String, Value>,
    projection: &'a Projection,
}

impl ExtensionView<'_> {
    fn is_empty(&self) -> bool {
        !self.attributes.iter().any(|attribute| {
            let selection = self.projection.selection(Some(self.urn), attribute);
            self.values
                .get(&attribute.name)
                .is_some_and(|value| !View { attribute, value, selection: &selection }.is_empty())
        })
    }
}

impl Serialize for ExtensionView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        for attribute in self.attributes {
            if let Some(value) = self.values.get(&attribute.name) {
                write_entry(
                    &mut out,
                    attribute,
                    value,
                    &self.projection.selection(Some(self.urn), attribute),
                )?;
            }
        }
        out.end()
    }
}

fn write_entry<M: SerializeMap>(
    out: &mut M,
    attribute: &Attribute,
    value: &Value,
    selection: &Selection<'_>,
) -> Result<(), M::Error> {
    let view = View { attribute, value, selection };
    if view.is_empty() { Ok(()) } else { out.serialize_entry(&attribute.name, &view) }
}

/// One value under a selection.
struct View<'a> {
    attribute: &'a Attribute,
    value: &'a Value,
    selection: &'a Selection<'a>,
}

impl View<'_> {
    fn is_empty(&self) -> bool {
        if matches!(self.selection, Selection::Nothing) {
            return true;
        }
        if self.selection.takes_everything(self.attribute) {
            return false;
        }
        match self.value {
            Value::Array(elements) => {
                elements.iter().all(|element| View { value: element, ..*self }.is_empty())
            }
            Value::Object(object) => !self.subs(object).any(|_| true),
            _ => false,
        }
    }

    fn subs<'b>(&'b self, object: &'b Map<String, Value>) -> impl Iterator<Item = (&'b str, &'b Value)> {
        self.attribute
            .sub_attributes
            .iter()
            .filter(|sub| self.selection.wants_sub(sub))
            .filter_map(|sub| object.get(&sub.name).map(|value| (sub.name.as_str(), value)))
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.selection.takes_everything(self.attribute) {
            return self.value.serialize(serializer);
        }
        match self.value {
            Value::Array(elements) => {
                let mut out = serializer.serialize_seq(None)?;
                for element in elements {
                    let view = View { value: element, ..*self };
                    if !view.is_empty() {
                        out.serialize_element(&view)?;
                    }
                }
                out.end()
            }
            Value::Object(object) => serializer.collect_map(self.subs(object)),
            simple => simple.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urn;
    use serde_json::json;

    fn render(attributes: &[&str], excluded: &[&str]) -> Value {
        let user = ResourceType::user();
        let resource = Resource::from_canonical(
            json!({
                "schemas": [urn::USER, urn::ENTERPRISE_USER],
                "externalId": "e",
                "userName": "ada",
                "password": "secret",
                "name": {"givenName": "Ada", "familyName": "L"},
                "emails": [{"value": "a@x", "type": "work"}, {"type": "home"}],
                urn::ENTERPRISE_USER: {"department": "R&D", "manager": {"value": "u9"}},
            })
            .as_object()
            .unwrap()
            .clone(),
        );
        let meta = Meta::new("User", Timestamp::default(), Timestamp::default(), "/Users/u1", "W/\"1\"");
        let projection = Projection::new(&user, attributes, excluded).unwrap();
        let computed = [("groups", json!([{"value": "g1", "display": "G"}]))];
        serde_json::to_value(Representation {
            resource_type: &user,
            id: "u1",
            resource: &resource,
            meta: &meta,
            computed: &computed,
            projection: &projection,
        })
        .unwrap()
    }

    #[test]
    fn core_052_srv_024_srv_029_default_set() {
        let body = render(&[], &[]);
        assert!(body.get("password").is_none());
        assert_eq!(body["groups"][0]["value"], "g1");
        assert_eq!(body["meta"]["version"], "W/\"1\"");
        assert_eq!(render(&["password"], &[]).get("password"), None);
    }

    #[test]
    fn srv_025_srv_027_srv_028_attributes() {
        assert_eq!(
            render(&["USERNAME", "name.familyName"], &[]),
            json!({
                "schemas": [urn::USER, urn::ENTERPRISE_USER], "id": "u1",
                "userName": "ada", "name": {"familyName": "L"},
            })
        );
        let only = format!("{}:department", urn::ENTERPRISE_USER);
        assert_eq!(render(&[&only], &[])[urn::ENTERPRISE_USER], json!({"department": "R&D"}));
        assert!(render(&[urn::ENTERPRISE_USER], &[])[urn::ENTERPRISE_USER]["manager"].is_object());
        assert_eq!(render(&["emails.value"], &[])["emails"], json!([{"value": "a@x"}]));
    }

    #[test]
    fn srv_026_excluded_attributes() {
        let body = render(&[], &["id", "userName", "emails.value", urn::ENTERPRISE_USER]);
        assert_eq!(body["id"], "u1");
        assert!(body.get("userName").is_none() && body.get(urn::ENTERPRISE_USER).is_none());
        assert_eq!(body["emails"], json!([{"type": "work"}, {"type": "home"}]));
    }

    #[test]
    fn srv_030_srv_031_unknown_names_and_both_lists() {
        assert_eq!(render(&["nope"], &[]).as_object().unwrap().len(), 2);
        assert!(Projection::new(&ResourceType::user(), &["a"], &["b"]).is_err());
    }
}
