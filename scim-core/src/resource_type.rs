//! A resource type: its schema, its extensions, its relations, and the road from a name to an
//! attribute — RFC 7643 §6.

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

use crate::leniency::{Leniency, Quirk, Quirks};
use crate::message::ResourceTypeDocument;
use crate::name::AttrPath;
use crate::schema::{Attribute, Schema, Uniqueness};
use crate::urn;

/// A resource type bound to its schemas: what ingest, filters, PATCH, projection and stores work with.
///
/// ```
/// use scim_core::ResourceType;
/// let user = ResourceType::user();
/// let path = user.resolve("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department").unwrap();
/// assert_eq!(path.leaf().name, "department");
/// assert!(user.resolve("nope").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct ResourceType {
    document: ResourceTypeDocument,
    common: Arc<Schema>,
    base: Arc<Schema>,
    extensions: Vec<Extension>,
    relations: Vec<Relation>,
    unique: Vec<AttrRef>,
    indexed: Vec<AttrRef>,
}

/// The attributes kept as index keys when a resource type names none of its own.
const DEFAULT_INDEXED: &[&str] =
    &["userName", "externalId", "displayName", "active", "emails.value", "name.familyName", "name.givenName"];

impl ResourceType {
    /// `User` with the enterprise extension, `groups` computed from the groups' members.
    pub fn user() -> Arc<Self> {
        static USER: LazyLock<Arc<ResourceType>> = LazyLock::new(|| {
            let document = ResourceTypeDocument::new("User", "/Users", urn::USER)
                .description("User Account")
                .extension(urn::ENTERPRISE_USER, false);
            built(
                ResourceType::builder(document)
                    .schema(Schema::user())
                    .schema(Schema::enterprise_user())
                    .relation(Relation::reverse("groups", "members", "Group")),
            )
        });
        Arc::clone(&USER)
    }

    /// `Group`, with `members` as a relation to users and groups.
    pub fn group() -> Arc<Self> {
        static GROUP: LazyLock<Arc<ResourceType>> = LazyLock::new(|| {
            let document = ResourceTypeDocument::new("Group", "/Groups", urn::GROUP).description("Group");
            built(
                ResourceType::builder(document)
                    .schema(Schema::group())
                    .relation(Relation::own("members", ["User", "Group"])),
            )
        });
        Arc::clone(&GROUP)
    }

    /// Begins a resource type from its document.
    pub fn builder(document: ResourceTypeDocument) -> ResourceTypeBuilder {
        ResourceTypeBuilder {
            document,
            schemas: Vec::new(),
            relations: Vec::new(),
            unique: Vec::new(),
            indexed: None,
        }
    }

    /// The same resource type with one extension more, such as `User` with an extension of one's own.
    pub fn with_extension(&self, schema: Arc<Schema>, required: bool) -> Result<Self, ResourceTypeError> {
        if self.base.id().eq_ignore_ascii_case(schema.id()) || self.extension(schema.id()).is_some() {
            return Err(ResourceTypeError::Duplicate {
                name: self.name().to_owned(),
                urn: schema.id().to_string(),
            });
        }
        let mut extended = self.clone();
        extended.document = extended.document.extension(&**schema.id(), required);
        extended.unique.extend(unique_of(&schema, Some(schema.id())));
        extended.extensions.push(Extension { schema, required });
        Ok(extended)
    }

    /// The document served at `/ResourceTypes`.
    pub fn document(&self) -> &ResourceTypeDocument {
        &self.document
    }

    /// The name, as in `meta.resourceType`.
    pub fn name(&self) -> &str {
        &self.document.name
    }

    /// The endpoint below the base URL, such as `/Users`.
    pub fn endpoint(&self) -> &str {
        &self.document.endpoint
    }

    /// The base schema.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.base
    }

    /// The extensions.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// The relations: attributes whose values are links and no part of the document.
    pub fn relations(&self) -> &[Relation] {
        &self.relations
    }

    /// The relation kept under this attribute name.
    pub fn relation(&self, attribute: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.name == attribute)
    }

    /// The attributes whose values no two resources of the type may share.
    pub fn unique(&self) -> &[AttrRef] {
        &self.unique
    }

    /// The attributes that stores keep index keys for.
    pub fn indexed(&self) -> &[AttrRef] {
        &self.indexed
    }

    /// The extension with this URN, without regard to case.
    pub fn extension(&self, urn: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| extension.schema.id().eq_ignore_ascii_case(urn))
    }

    /// The common attributes: `schemas`, `id`, `externalId`, `meta`.
    pub fn common_attributes(&self) -> &[Arc<Attribute>] {
        self.common.attributes()
    }

    /// The top-level attribute of that name: common ones first (CORE-032), then the base schema's.
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.common.attribute(name).or_else(|| self.base.attribute(name))
    }

    /// Finds the attribute a path names, strictly: RFC 7644 §3.10.
    pub fn resolve(&self, path: &str) -> Result<AttrRef, ResolveError> {
        match self.resolve_with(path, &Leniency::STRICT, &mut Quirks::default())? {
            Resolved::Attribute(attribute) => Ok(attribute),
            Resolved::Extension(_) => {
                Err(ResolveError::Unknown { path: path.into(), resource_type: self.name().into() })
            }
        }
    }

    /// Finds what a path names: an attribute, or a whole extension by its bare URN (D9).
    ///
    /// With [`Quirk::UnqualifiedExtension`], a plain name that the base schema lacks and exactly one
    /// extension has means that extension's attribute (Q-14). Quirks used are added to `used`.
    pub fn resolve_with(
        &self,
        path: &str,
        leniency: &Leniency,
        used: &mut Quirks,
    ) -> Result<Resolved, ResolveError> {
        let unknown = || ResolveError::Unknown { path: path.into(), resource_type: self.name().into() };
        if let Some(extension) = self.extension(path) {
            return Ok(Resolved::Extension(Arc::clone(extension.schema.id())));
        }
        let parsed = AttrPath::parse(path).map_err(|error| ResolveError::Syntax(error.to_string()))?;
        let (extension, attribute) = match parsed.urn {
            None => match self.attribute(parsed.name) {
                Some(attribute) => (None, attribute),
                None => self.unqualified(parsed.name, leniency, used).ok_or_else(unknown)?,
            },
            Some(urn) if self.base.id().eq_ignore_ascii_case(urn) => {
                (None, self.attribute(parsed.name).ok_or_else(unknown)?)
            }
            Some(urn) => {
                let extension = self.extension(urn).ok_or_else(unknown)?;
                let attribute = extension.schema.attribute(parsed.name).ok_or_else(unknown)?;
                (Some(extension.schema.id()), attribute)
            }
        };
        let sub = match parsed.sub {
            None => None,
            Some(name) => Some(attribute.sub_attribute(name).ok_or_else(unknown)?),
        };
        Ok(Resolved::Attribute(AttrRef {
            extension: extension.cloned(),
            attribute: Arc::clone(attribute),
            sub: sub.cloned(),
        }))
    }

    fn unqualified(
        &self,
        name: &str,
        leniency: &Leniency,
        used: &mut Quirks,
    ) -> Option<(Option<&Arc<str>>, &Arc<Attribute>)> {
        if !leniency.allows(Quirk::UnqualifiedExtension) {
            return None;
        }
        let mut found = self.extensions.iter().filter_map(|extension| {
            extension.schema.attribute(name).map(|attribute| (Some(extension.schema.id()), attribute))
        });
        let first = found.next()?;
        if found.next().is_some() {
            return None;
        }
        used.insert(Quirk::UnqualifiedExtension);
        Some(first)
    }
}

#[allow(clippy::expect_used, reason = "built from the crate's own documents; tests build both")]
fn built(builder: ResourceTypeBuilder) -> Arc<ResourceType> {
    Arc::new(builder.build().expect("built-in resource type is sound"))
}

/// Puts a [`ResourceType`] together and checks it.
#[derive(Clone, Debug)]
pub struct ResourceTypeBuilder {
    document: ResourceTypeDocument,
    schemas: Vec<Arc<Schema>>,
    relations: Vec<Relation>,
    unique: Vec<String>,
    indexed: Option<Vec<String>>,
}

impl ResourceTypeBuilder {
    /// Adds a schema the document may name; ones it does not name are ignored.
    #[must_use]
    pub fn schema(mut self, schema: Arc<Schema>) -> Self {
        self.schemas.push(schema);
        self
    }

    /// Declares an attribute to be a relation.
    #[must_use]
    pub fn relation(mut self, relation: Relation) -> Self {
        self.relations.push(relation);
        self
    }

    /// Declares an attribute unique beyond what its schema says (EMU: `externalId`).
    #[must_use]
    pub fn unique(mut self, path: impl Into<String>) -> Self {
        self.unique.push(path.into());
        self
    }

    /// Names the attributes that stores index, in place of the default set.
    #[must_use]
    pub fn indexed<I: IntoIterator<Item: Into<String>>>(mut self, paths: I) -> Self {
        self.indexed = Some(paths.into_iter().map(Into::into).collect());
        self
    }

    /// Checks that each URN and each name leads somewhere.
    pub fn build(self) -> Result<ResourceType, ResourceTypeError> {
        let document = self.document;
        if document.name.is_empty() {
            return Err(ResourceTypeError::Name { endpoint: document.endpoint });
        }
        if !document.endpoint.starts_with('/') || document.endpoint.len() < 2 {
            return Err(ResourceTypeError::Endpoint { name: document.name, endpoint: document.endpoint });
        }
        let find = |urn: &str| {
            self.schemas.iter().find(|schema| schema.id().eq_ignore_ascii_case(urn)).cloned().ok_or_else(
                || ResourceTypeError::UnknownSchema { name: document.name.clone(), urn: urn.to_owned() },
            )
        };
        let base = find(&document.schema)?;
        let extensions = document
            .schema_extensions
            .iter()
            .map(|extension| Ok(Extension { schema: find(&extension.schema)?, required: extension.required }))
            .collect::<Result<Vec<_>, ResourceTypeError>>()?;
        for (at, extension) in extensions.iter().enumerate() {
            let known = std::iter::once(&base).chain(extensions[..at].iter().map(|known| &known.schema));
            if known.into_iter().any(|known| known.id().eq_ignore_ascii_case(extension.schema.id())) {
                let urn = extension.schema.id().to_string();
                return Err(ResourceTypeError::Duplicate { name: document.name, urn });
            }
        }
        let mut resource_type = ResourceType {
            document,
            common: Schema::common(),
            base,
            extensions,
            relations: Vec::new(),
            unique: Vec::new(),
            indexed: Vec::new(),
        };
        for relation in self.relations {
            let attribute = resource_type.resolve(&relation.name)?;
            let fits = attribute.extension.is_none()
                && attribute.sub.is_none()
                && attribute.attribute.multi_valued
                && attribute.attribute.value_sub_attribute().is_some();
            if !fits {
                return Err(ResourceTypeError::Relation { name: relation.name });
            }
            resource_type.relations.push(relation);
        }
        let mut unique = Vec::new();
        for path in &self.unique {
            unique.push(resource_type.resolve(path)?);
        }
        unique.extend(unique_of(&resource_type.base, None));
        for extension in &resource_type.extensions {
            unique.extend(unique_of(&extension.schema, Some(extension.schema.id())));
        }
        resource_type.unique = unique;
        resource_type.indexed = match self.indexed {
            Some(paths) => {
                paths.iter().map(|path| resource_type.resolve(path)).collect::<Result<Vec<_>, _>>()?
            }
            // A type that lacks some of the usual attributes indexes the rest.
            None => DEFAULT_INDEXED.iter().filter_map(|path| resource_type.resolve(path).ok()).collect(),
        };
        Ok(resource_type)
    }
}

/// The attributes of a schema whose values no two resources may share.
fn unique_of<'a>(schema: &'a Schema, extension: Option<&'a Arc<str>>) -> impl Iterator<Item = AttrRef> + 'a {
    let is_unique = |attribute: &&Arc<Attribute>| {
        attribute.uniqueness != Uniqueness::None && !attribute.multi_valued && !attribute.is_complex()
    };
    schema.attributes().iter().filter(is_unique).map(move |attribute| AttrRef {
        extension: extension.cloned(),
        attribute: Arc::clone(attribute),
        sub: None,
    })
}

/// An extension of a resource type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Extension {
    /// Its schema.
    pub schema: Arc<Schema>,
    /// Whether each resource must have it (CORE-075).
    pub required: bool,
}

/// An attribute whose values are links between resources, kept as rows and never in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relation {
    /// The attribute's name.
    pub name: String,
    /// Whether this type owns the links, or sees those of another from behind.
    pub side: Side,
}

/// Which end of a link a relation is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Side {
    /// The resource owns the links and clients write them (`Group.members`).
    Own {
        /// The names of the resource types that may be linked to.
        targets: Vec<String>,
    },
    /// The links are another type's, shown from behind and read-only (`User.groups`).
    Reverse {
        /// The relation whose links are shown.
        of: String,
        /// The resource type that owns it.
        owner: String,
    },
}

impl Relation {
    /// A relation this type owns.
    pub fn own<I: IntoIterator<Item: Into<String>>>(name: impl Into<String>, targets: I) -> Self {
        Self { name: name.into(), side: Side::Own { targets: targets.into_iter().map(Into::into).collect() } }
    }

    /// The relation `of` of type `owner`, seen from the target.
    pub fn reverse(name: impl Into<String>, of: impl Into<String>, owner: impl Into<String>) -> Self {
        Self { name: name.into(), side: Side::Reverse { of: of.into(), owner: owner.into() } }
    }

    /// Whether clients write it.
    pub fn is_own(&self) -> bool {
        matches!(self.side, Side::Own { .. })
    }
}

/// What a path was found to name.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// An attribute or sub-attribute.
    Attribute(AttrRef),
    /// All of an extension.
    Extension(Arc<str>),
}

/// A reference to an attribute that has been looked up: cheap to clone and free of lifetimes.
#[derive(Clone, Debug, PartialEq)]
pub struct AttrRef {
    extension: Option<Arc<str>>,
    attribute: Arc<Attribute>,
    sub: Option<Arc<Attribute>>,
}

impl AttrRef {
    /// The URN of the extension it lives in; `None` for the top level.
    pub fn extension(&self) -> Option<&Arc<str>> {
        self.extension.as_ref()
    }

    /// The attribute.
    pub fn attribute(&self) -> &Arc<Attribute> {
        &self.attribute
    }

    /// The sub-attribute, when the path names one.
    pub fn sub(&self) -> Option<&Arc<Attribute>> {
        self.sub.as_ref()
    }

    /// The sub-attribute if there is one, else the attribute.
    pub fn leaf(&self) -> &Arc<Attribute> {
        self.sub.as_ref().unwrap_or(&self.attribute)
    }

    /// The same attribute with this sub-attribute.
    #[must_use]
    pub fn with_sub(&self, sub: Arc<Attribute>) -> Self {
        Self { sub: Some(sub), ..self.clone() }
    }

    /// The same attribute without its sub-attribute.
    #[must_use]
    pub fn without_sub(&self) -> Self {
        Self { sub: None, ..self.clone() }
    }

    /// The attribute's value in a canonical document; the sub-attribute is not followed.
    pub fn get<'a>(&self, document: &'a Map<String, Value>) -> Option<&'a Value> {
        let container = match &self.extension {
            None => document,
            Some(urn) => document.get(&**urn)?.as_object()?,
        };
        container.get(&self.attribute.name)
    }

    /// Calls `visit` with each simple or complex value the reference leads to: elements of arrays one
    /// by one, the sub-attribute followed.
    pub fn for_each<'a>(&self, document: &'a Map<String, Value>, visit: &mut dyn FnMut(&'a Value)) {
        let Some(value) = self.get(document) else { return };
        let mut leaf = |value: &'a Value| match &self.sub {
            None => visit(value),
            Some(sub) => match value.get(&sub.name) {
                Some(Value::Array(values)) => values.iter().for_each(&mut *visit),
                Some(value) => visit(value),
                None => {}
            },
        };
        match value {
            Value::Array(elements) => elements.iter().for_each(&mut leaf),
            single => leaf(single),
        }
    }
}

impl fmt::Display for AttrRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.extension {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.attribute.name)?;
        match &self.sub {
            Some(sub) => write!(f, ".{}", sub.name),
            None => Ok(()),
        }
    }
}

/// A path that names nothing in a resource type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// It is no attribute path at all.
    #[error("{0}")]
    Syntax(String),
    /// The resource type has no such attribute.
    #[error("`{path}` is no attribute of {resource_type}")]
    Unknown {
        /// The path as it was written.
        path: String,
        /// The resource type's name.
        resource_type: String,
    },
}

/// What is wrong with a resource type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceTypeError {
    /// The endpoint is no path below the base URL.
    #[error("resource type `{name}`: endpoint `{endpoint}` must begin with `/` and name a segment")]
    Endpoint {
        /// The resource type.
        name: String,
        /// Its endpoint.
        endpoint: String,
    },
    /// It has no name.
    #[error("the resource type at `{endpoint}` has no name")]
    Name {
        /// Its endpoint.
        endpoint: String,
    },
    /// A schema is named twice.
    #[error("resource type `{name}` names schema `{urn}` twice")]
    Duplicate {
        /// The resource type.
        name: String,
        /// The URN.
        urn: String,
    },
    /// A URN leads nowhere (CORE-074).
    #[error("resource type `{name}` names schema `{urn}`, which is not among the schemas given")]
    UnknownSchema {
        /// The resource type.
        name: String,
        /// The URN.
        urn: String,
    },
    /// An attribute cannot be a relation.
    #[error("relation `{name}` must be a multi-valued complex attribute of the base schema with a `value`")]
    Relation {
        /// The attribute.
        name: String,
    },
    /// A name leads nowhere.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filt_022_names_and_urns_are_case_insensitive() {
        let user = ResourceType::user();
        let path = user.resolve("URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:Name.GIVENNAME").unwrap();
        assert_eq!(path.to_string(), "name.givenName");
        let path =
            user.resolve("urn:ietf:params:scim:schemas:extension:enterprise:2.0:user:MANAGER.value").unwrap();
        assert_eq!(path.to_string(), format!("{}:manager.value", urn::ENTERPRISE_USER));
    }

    #[test]
    fn core_031_common_attributes_belong_to_every_type() {
        let group = ResourceType::group();
        for path in ["id", "externalId", "meta.created", "schemas"] {
            assert!(group.resolve(path).is_ok(), "{path}");
        }
    }

    #[test]
    fn q_14_unqualified_names_only_when_allowed() {
        let user = ResourceType::user();
        assert!(user.resolve("manager").is_err());
        let mut used = Quirks::NONE;
        let found = user.resolve_with("Manager", &Leniency::INTEROP, &mut used).unwrap();
        assert!(matches!(found, Resolved::Attribute(path) if path.extension().is_some()));
        assert!(used.contains(Quirk::UnqualifiedExtension));
    }

    #[test]
    fn d9_a_bare_urn_is_the_extension() {
        let found = ResourceType::user().resolve_with(
            urn::ENTERPRISE_USER,
            &Leniency::STRICT,
            &mut Quirks::default(),
        );
        assert_eq!(found, Ok(Resolved::Extension(urn::ENTERPRISE_USER.into())));
    }

    #[test]
    fn core_074_a_dangling_urn_is_refused() {
        let document = ResourceTypeDocument::new("User", "/Users", urn::USER).extension("urn:none", false);
        let error = ResourceType::builder(document).schema(Schema::user()).build().unwrap_err();
        assert!(error.to_string().contains("urn:none"));
    }

    #[test]
    fn core_073_core_005_a_type_has_a_name_and_each_schema_once() {
        let build = |document| {
            ResourceType::builder(document).schema(Schema::user()).schema(Schema::enterprise_user()).build()
        };
        let nameless = build(ResourceTypeDocument::new("", "/Users", urn::USER));
        assert!(matches!(nameless, Err(ResourceTypeError::Name { .. })));
        let twice = ResourceTypeDocument::new("User", "/Users", urn::USER)
            .extension(urn::ENTERPRISE_USER, false)
            .extension(urn::ENTERPRISE_USER.to_uppercase(), true);
        assert!(matches!(build(twice), Err(ResourceTypeError::Duplicate { .. })));
        let own = ResourceTypeDocument::new("User", "/Users", urn::USER).extension(urn::USER, false);
        assert!(matches!(build(own), Err(ResourceTypeError::Duplicate { .. })));
        for endpoint in ["Users", "/", ""] {
            let document = ResourceTypeDocument::new("User", endpoint, urn::USER);
            assert!(matches!(build(document), Err(ResourceTypeError::Endpoint { .. })), "{endpoint}");
        }
    }
}
