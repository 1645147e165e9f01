//! Which attributes are returned: `returned`, `attributes` and `excludedAttributes` — RFC 7644 §3.9, RFC 7643 §7.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use crate::error::Error;
use crate::lenience::Lenience;
use crate::leniency::Leniency;
use crate::name::AttrPath;
use crate::representation::View;
use crate::resource_type::{AttrRef, Resolved, ResourceType};
use crate::schema::{Attribute, Returned};

/// The attributes that an answer holds, for resources of one type.
///
/// ```
/// use scim_core::{Projection, ResourceType};
/// let user = ResourceType::user();
/// let only = Projection::new(&user, &["userName", "NAME.givenName"], &[]).unwrap();
/// assert!(only.wants("userName") && !only.wants("emails"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    chosen: Option<Chosen>,
}

impl Projection {
    /// Makes a projection from the names of `attributes` or of `excludedAttributes`.
    ///
    /// A name that matches no attribute selects nothing, unless a resource keeps an unknown attribute with that name.
    ///
    /// # Errors
    ///
    /// 400 `invalidValue` if both lists are given.
    // SRV-030
    pub fn new<S: AsRef<str>>(
        resource_type: &ResourceType,
        attributes: &[S],
        excluded: &[S],
    ) -> Result<Self, Error> {
        Self::after_write(resource_type, attributes, excluded, &[])
    }

    /// Makes a projection for the answer to a write.
    ///
    /// It works like [`Projection::new`], but also returns the attributes in `written` that are otherwise returned only
    /// on request. The lists take precedence (RFC 7643 §7).
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    // SRV-029
    pub fn after_write<S: AsRef<str>>(
        resource_type: &ResourceType,
        attributes: &[S],
        excluded: &[S],
        written: &[AttrRef],
    ) -> Result<Self, Error> {
        let named = |names: &[S]| {
            let names = names.iter().map(|name| name.as_ref().trim()).filter(|name| !name.is_empty());
            names.map(|name| Named::find(resource_type, name)).collect::<Vec<_>>()
        };
        let list = match (attributes.is_empty(), excluded.is_empty()) {
            (true, true) if written.is_empty() => return Ok(Self::default()),
            (false, true) => List::Only(named(attributes)),
            (true, _) => List::Except { named: named(excluded), written },
            (false, false) => {
                return Err(Error::invalid_value(
                    "`attributes` and `excludedAttributes` exclude each other: give one of them",
                ));
            }
        };
        Ok(Self { chosen: Some(list.choose(resource_type)) })
    }

    /// Whether no list was given.
    pub fn is_default(&self) -> bool {
        self.chosen.is_none()
    }

    /// Whether a top-level attribute may appear in the answer, and so has to be loaded.
    pub fn wants(&self, name: &str) -> bool {
        self.chosen.as_ref().is_none_or(|chosen| chosen.wants(name))
    }

    /// Whether an attribute is written unchanged, with all its sub-attributes.
    pub fn takes_whole(&self, resource_type: &ResourceType, name: &str) -> bool {
        let mut picks = self.chosen(resource_type).document.picks.iter();
        picks.any(|pick| pick.attribute.name == name && pick.parts.is_none())
    }

    /// Returns the part of an element of a multi-valued attribute that is written, or `None` if nothing is written.
    pub fn part(&self, resource_type: &ResourceType, name: &str, element: &Value) -> Option<Value> {
        let chosen = self.chosen(resource_type);
        let pick = chosen.document.picks.iter().find(|pick| pick.attribute.name == name)?;
        let view = View { pick, value: element };
        if view.is_empty() { None } else { serde_json::to_value(&view).ok() }
    }

    pub(crate) fn chosen<'a>(&'a self, resource_type: &'a ResourceType) -> &'a Chosen {
        self.chosen.as_ref().unwrap_or_else(|| resource_type.returned_by_default())
    }
}

/// A resolved projection, which is computed once for all resources of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Chosen {
    pub(crate) document: Selection,
    pub(crate) extensions: Vec<(Arc<str>, Selection)>,
    pub(crate) meta: Option<Pick>,
    /// The names that are not returned by default, in quotes as in JSON text. Empty in other projections.
    pub(crate) hidden: Vec<String>,
}

impl Chosen {
    /// Makes the projection for a request that names no attributes.
    pub(crate) fn by_default(resource_type: &ResourceType) -> Self {
        let mut chosen = List::Except { named: Vec::new(), written: &[] }.choose(resource_type);
        let extensions = chosen.extensions.iter().map(|(_, selection)| selection);
        let hidden = std::iter::once(&chosen.document).chain(extensions).flat_map(Selection::hidden);
        chosen.hidden = hidden.map(|attribute| format!("\"{}\"", attribute.name)).collect();
        chosen
    }

    fn wants(&self, name: &str) -> bool {
        self.document.picks.iter().chain(&self.meta).any(|pick| pick.attribute.name == name)
    }
}

/// The members of one object that are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selection {
    pub(crate) picks: Vec<Pick>,
    /// Attributes of the schema that are not written.
    pub(crate) silent: Vec<Arc<Attribute>>,
    pub(crate) unknown: Unknown,
}

impl Selection {
    /// Returns the attributes and sub-attributes that are not written.
    fn hidden(&self) -> impl Iterator<Item = &Arc<Attribute>> {
        let parts = self.picks.iter().filter_map(|pick| Some((pick, pick.parts.as_ref()?)));
        let subs = parts.flat_map(|(pick, parts)| {
            let is_hidden = |sub: &&Arc<Attribute>| !parts.subs.contains(*sub);
            pick.attribute.sub_attributes.iter().filter(is_hidden)
        });
        self.silent.iter().chain(subs)
    }

    /// Whether a schema knows the attribute. The names in documents have the schema's spelling.
    pub(crate) fn knows(&self, name: &str) -> bool {
        let picked = self.picks.iter().map(|pick| &pick.attribute);
        picked.chain(&self.silent).any(|attribute| attribute.name == name)
    }
}

/// What is written of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pick {
    pub(crate) attribute: Arc<Attribute>,
    /// The sub-attributes of a complex value that are written. `None` if the value is written unchanged.
    pub(crate) parts: Option<Parts>,
}

impl Pick {
    fn new(attribute: &Arc<Attribute>, wants: impl Fn(&Attribute) -> bool, unknown: Unknown) -> Self {
        let subs = &attribute.sub_attributes;
        let wants = |sub: &&Arc<Attribute>| !sub.is_never_returned() && wants(sub);
        let everything = unknown == Unknown::all() && subs.iter().all(|sub| wants(&sub));
        let parts =
            (!everything).then(|| Parts { subs: subs.iter().filter(wants).cloned().collect(), unknown });
        Self { attribute: Arc::clone(attribute), parts }
    }
}

/// The sub-attributes that are written of a complex value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    pub(crate) subs: Vec<Arc<Attribute>>,
    pub(crate) unknown: Unknown,
}

/// The attributes unknown to the schema that are written, by lower-case name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unknown {
    Only(BTreeSet<String>),
    Except(BTreeSet<String>),
}

impl Default for Unknown {
    fn default() -> Self {
        Self::nothing()
    }
}

impl Unknown {
    const fn all() -> Self {
        Self::Except(BTreeSet::new())
    }

    const fn nothing() -> Self {
        Self::Only(BTreeSet::new())
    }

    pub(crate) fn takes(&self, name: &str) -> bool {
        match self {
            Self::Only(names) => !names.is_empty() && names.contains(&name.to_ascii_lowercase()),
            Self::Except(names) => names.is_empty() || !names.contains(&name.to_ascii_lowercase()),
        }
    }

    pub(crate) fn takes_nothing(&self) -> bool {
        matches!(self, Self::Only(names) if names.is_empty())
    }
}

/// What one name in a list refers to.
enum Named {
    Extension(Arc<str>),
    Attribute(AttrRef),
    Unknown { extension: Option<Arc<str>>, name: String },
    UnknownSub { parent: AttrRef, name: String },
}

impl Named {
    fn find(resource_type: &ResourceType, text: &str) -> Self {
        let resolve = |text| resource_type.resolve_with(text, &mut Lenience::new(Leniency::INTEROP));
        let whole = || Self::Unknown { extension: None, name: text.to_ascii_lowercase() };
        match resolve(text) {
            Ok(Resolved::Extension(urn)) => return Self::Extension(urn),
            Ok(Resolved::Attribute(path)) => return Self::Attribute(path),
            Err(_) => {}
        }
        let Ok(path) = AttrPath::parse(text) else { return whole() };
        if let (Some(sub), Some((parent, _))) = (path.sub, text.rsplit_once('.')) {
            return match resolve(parent) {
                Ok(Resolved::Attribute(parent)) => {
                    Self::UnknownSub { parent, name: sub.to_ascii_lowercase() }
                }
                _ => whole(),
            };
        }
        let name = path.name.to_ascii_lowercase();
        match path.urn {
            Some(urn) if resource_type.schema().id().eq_ignore_ascii_case(urn) => {
                Self::Unknown { extension: None, name }
            }
            Some(urn) => match resource_type.extension(urn) {
                Some(extension) => Self::Unknown { extension: Some(Arc::clone(extension.schema.id())), name },
                None => whole(),
            },
            None => whole(),
        }
    }
}

enum List<'a> {
    Only(Vec<Named>),
    Except { named: Vec<Named>, written: &'a [AttrRef] },
}

impl List<'_> {
    fn choose(&self, resource_type: &ResourceType) -> Chosen {
        let common = |name| resource_type.attribute(name).filter(|attribute| attribute.name == name);
        let base = common("externalId").into_iter().chain(resource_type.schema().attributes());
        let extensions = resource_type.extensions().iter().map(|extension| {
            let urn = extension.schema.id();
            (Arc::clone(urn), self.select(Some(urn), extension.schema.attributes().iter()))
        });
        Chosen {
            document: self.select(None, base),
            extensions: extensions.collect(),
            meta: common("meta").and_then(|meta| self.pick(None, meta)),
            hidden: Vec::new(),
        }
    }

    fn select<'a>(
        &self,
        extension: Option<&Arc<str>>,
        attributes: impl Iterator<Item = &'a Arc<Attribute>>,
    ) -> Selection {
        let mut selection = Selection { unknown: self.unknown(extension), ..Selection::default() };
        for attribute in attributes {
            match self.pick(extension, attribute) {
                Some(pick) => selection.picks.push(pick),
                None => selection.silent.push(Arc::clone(attribute)),
            }
        }
        selection
    }

    fn unknown(&self, extension: Option<&Arc<str>>) -> Unknown {
        let (list, only) = match self {
            Self::Only(list) => (list, true),
            Self::Except { named, .. } => (named, false),
        };
        if list.iter().any(|named| matches!(named, Named::Extension(urn) if Some(urn) == extension)) {
            return if only { Unknown::all() } else { Unknown::nothing() };
        }
        let names = list.iter().filter_map(|named| match named {
            Named::Unknown { extension: place, name } if place.as_ref() == extension => Some(name.clone()),
            _ => None,
        });
        if only { Unknown::Only(names.collect()) } else { Unknown::Except(names.collect()) }
    }

    /// Returns what is written of one attribute, or `None` for nothing.
    fn pick(&self, extension: Option<&Arc<str>>, attribute: &Arc<Attribute>) -> Option<Pick> {
        let is = |path: &AttrRef| path.extension() == extension && path.attribute().name == attribute.name;
        let written = |sub: Option<&Attribute>| match self {
            Self::Except { written, .. } => written.iter().any(|path| {
                is(path) && path.sub().map(|sub| sub.name.as_str()) == sub.map(|sub| sub.name.as_str())
            }),
            Self::Only(_) => false,
        };
        let shown = |sub: &Attribute| sub.returned != Returned::Request || written(Some(sub));
        let whole = Pick::new(attribute, shown, Unknown::all());
        match attribute.returned {
            _ if attribute.is_never_returned() => return None,
            Returned::Always => return Some(whole),
            _ => {}
        }
        let on_request = attribute.returned == Returned::Request;
        let (list, only) = match self {
            Self::Only(list) => (list, true),
            Self::Except { .. } if on_request && !written(None) => return None,
            Self::Except { named, .. } => (named, false),
        };
        let (mut subs, mut unknown) = (Vec::new(), BTreeSet::new());
        for named in list {
            match named {
                Named::Extension(urn) if Some(urn) == extension && !(only && on_request) => {
                    return only.then_some(whole);
                }
                Named::Attribute(path) if is(path) => match path.sub() {
                    None => return only.then_some(whole),
                    Some(sub) => subs.push(sub.name.as_str()),
                },
                Named::UnknownSub { parent, name } if is(parent) => {
                    unknown.insert(name.clone());
                }
                _ => {}
            }
        }
        let named = |sub: &Attribute| subs.contains(&sub.name.as_str());
        match (subs.is_empty() && unknown.is_empty(), only) {
            (true, true) => None,
            (true, false) => Some(whole),
            (false, true) => Some(Pick::new(
                attribute,
                |sub| sub.returned == Returned::Always || named(sub),
                Unknown::Only(unknown),
            )),
            (false, false) => Some(Pick::new(
                attribute,
                |sub| match sub.returned {
                    Returned::Always => true,
                    _ => shown(sub) && !named(sub),
                },
                Unknown::Except(unknown),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date_time::Timestamp;
    use crate::representation::{Meta, Representation};
    use crate::resource::Resource;
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
