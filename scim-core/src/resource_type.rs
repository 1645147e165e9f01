//! A resource type: its schema, extensions and relations, and how a name resolves to an attribute — RFC 7643 §6.

mod attr_ref;
mod builder;

use std::sync::{Arc, LazyLock};

use serde_json::{Map, Value};

pub use attr_ref::AttrRef;
pub use builder::{ResourceTypeBuilder, ResourceTypeError};

use crate::lenience::Lenience;
use crate::leniency::Quirk;
use crate::message::ResourceTypeDocument;
use crate::name::{AttrPath, same_name};
use crate::outdated;
use crate::project::Chosen;
use crate::resource::Resource;
use crate::schema::{Attribute, Schema};
use crate::unique::UniqueProfile;
use crate::urn;

/// A resource type bound to its schemas. Ingest, filters, PATCH, projection and stores use it.
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
    returned_on_request: Vec<AttrRef>,
    returned_by_default: Chosen,
    fingerprint: u64,
    unique_profile: UniqueProfile,
}

impl ResourceType {
    /// `User` with the enterprise extension, and with `groups` computed from the groups' members.
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
        ResourceTypeBuilder::new(document)
    }

    /// Returns this resource type with one more extension, such as `User` with a custom extension.
    ///
    /// # Errors
    ///
    /// [`ResourceTypeError::Duplicate`] if the type already has this schema.
    pub fn with_extension(&self, schema: Arc<Schema>, required: bool) -> Result<Self, ResourceTypeError> {
        if self.base.id().eq_ignore_ascii_case(schema.id()) || self.extension(schema.id()).is_some() {
            return Err(ResourceTypeError::Duplicate {
                name: self.name().to_owned(),
                urn: schema.id().to_string(),
            });
        }
        let mut extended = self.clone();
        extended.document = extended.document.extension(&**schema.id(), required);
        extended.unique.extend(builder::unique_of(&schema, Some(schema.id())));
        extended.extensions.push(Extension { schema, required });
        extended.returned_by_default = Chosen::by_default(&extended);
        extended.returned_on_request = builder::returned_on_request(&extended);
        extended.fingerprint = outdated::fingerprint(&extended);
        Ok(extended)
    }

    /// Returns the `schemas` of a document: the base schema and each extension in use.
    ///
    /// Extensions are stored under their URN, and no attribute name contains a colon (RFC 7643 §2.1).
    pub fn schemas_in_use<'a>(&'a self, document: &'a Map<String, Value>) -> impl Iterator<Item = &'a str> {
        let urns = document.keys().map(String::as_str).filter(|key| key.contains(':'));
        std::iter::once(&**self.base.id()).chain(urns)
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

    /// The relations: attributes whose values are links and not part of the document.
    pub fn relations(&self) -> &[Relation] {
        &self.relations
    }

    /// Returns the relation with this attribute name.
    pub fn relation(&self, attribute: &str) -> Option<&Relation> {
        self.relations.iter().find(|relation| relation.name == attribute)
    }

    /// The attributes whose values no two resources of the type may share.
    pub fn unique(&self) -> &[AttrRef] {
        &self.unique
    }

    /// The rules for values of unique attributes.
    pub fn unique_profile(&self) -> UniqueProfile {
        self.unique_profile
    }

    /// Returns this resource type with these rules for values of unique attributes.
    #[must_use]
    pub fn with_unique_profile(&self, profile: UniqueProfile) -> Self {
        Self { unique_profile: profile, ..self.clone() }
    }

    /// The attributes that stores keep index keys for.
    pub fn indexed(&self) -> &[AttrRef] {
        &self.indexed
    }

    /// The attributes and sub-attributes with `returned: request` (RFC 7643 §7).
    ///
    /// They are returned only if a request asks for them, or in the answer to the request that wrote them.
    pub fn returned_on_request(&self) -> &[AttrRef] {
        &self.returned_on_request
    }

    /// A hash of the definition.
    ///
    /// A document that was written under a definition with this fingerprint fits the present one. The hash does not
    /// change between releases, so stores can keep it with each document.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Removes what does not fit this type from a document that was written under another definition of it.
    ///
    /// Values of another type are removed. So are attributes that the type does not have, unless unknown attributes are
    /// kept ([`UnknownAttributes::Keep`](crate::UnknownAttributes::Keep)).
    ///
    /// ```
    /// use scim_core::{Resource, ResourceType, urn};
    /// use serde_json::json;
    /// let stored = json!({"schemas": [urn::USER], "userName": "ada", "badge": 7, "active": "yes"});
    /// let mut document = Resource::from_canonical(stored.as_object().cloned().unwrap_or_default());
    /// ResourceType::user().fit(&mut document, false);
    /// assert_eq!(json!(document.as_map()), json!({"schemas": [urn::USER], "userName": "ada"}));
    /// ```
    pub fn fit(&self, document: &mut Resource, keeps_unknown: bool) {
        outdated::fit(self, keeps_unknown, document);
    }

    pub(crate) fn returned_by_default(&self) -> &Chosen {
        &self.returned_by_default
    }

    /// Returns the extension with this URN, ignoring case.
    pub fn extension(&self, urn: &str) -> Option<&Extension> {
        self.extensions.iter().find(|extension| same_name(extension.schema.id(), urn))
    }

    /// The common attributes: `schemas`, `id`, `externalId`, `meta`.
    pub fn common_attributes(&self) -> &[Arc<Attribute>] {
        self.common.attributes()
    }

    /// Returns the top-level attribute with this name. Common attributes come before those of the base schema.
    // CORE-032
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        self.common.attribute(name).or_else(|| self.base.attribute(name))
    }

    /// Finds the attribute that a path names, strictly — RFC 7644 §3.10.
    ///
    /// # Errors
    ///
    /// [`ResolveError`] if the path is malformed or names no attribute of the type.
    pub fn resolve(&self, path: &str) -> Result<AttrRef, ResolveError> {
        match self.resolve_with(path, &mut Lenience::strict())? {
            Resolved::Attribute(attribute) => Ok(attribute),
            Resolved::Extension(_) => {
                Err(ResolveError::Unknown { path: path.into(), resource_type: self.name().into() })
            }
        }
    }

    /// Finds what a path names: an attribute, or a whole extension by its bare URN.
    ///
    /// With [`Quirk::UnqualifiedExtension`], a plain name can mean an extension's attribute. The base schema must lack
    /// the name, and exactly one extension must have it.
    ///
    /// # Errors
    ///
    /// As for [`resolve`](Self::resolve), unless a quirk forgives it.
    // Q-14, D9
    pub fn resolve_with(&self, path: &str, lenience: &mut Lenience) -> Result<Resolved, ResolveError> {
        let unknown = || ResolveError::Unknown { path: path.into(), resource_type: self.name().into() };
        if let Some(extension) = self.extension(path) {
            return Ok(Resolved::Extension(Arc::clone(extension.schema.id())));
        }
        let parsed = AttrPath::parse(path).map_err(|error| ResolveError::Syntax(error.to_string()))?;
        let (extension, attribute) = match parsed.urn {
            None => match self.attribute(parsed.name) {
                Some(attribute) => (None, attribute),
                None => self.unqualified(parsed.name, lenience).ok_or_else(unknown)?,
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
        lenience: &mut Lenience,
    ) -> Option<(Option<&Arc<str>>, &Arc<Attribute>)> {
        if !lenience.allows(Quirk::UnqualifiedExtension) {
            return None;
        }
        let mut found = self.extensions.iter().filter_map(|extension| {
            extension.schema.attribute(name).map(|attribute| (Some(extension.schema.id()), attribute))
        });
        let first = found.next()?;
        if found.next().is_some() {
            return None;
        }
        lenience.uses(Quirk::UnqualifiedExtension);
        Some(first)
    }
}

#[allow(clippy::expect_used, reason = "built from the crate's own documents; tests build both")]
fn built(builder: ResourceTypeBuilder) -> Arc<ResourceType> {
    Arc::new(builder.build().expect("built-in resource type is sound"))
}

/// An extension of a resource type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Extension {
    /// Its schema.
    pub schema: Arc<Schema>,
    /// Whether each resource must have it.
    // CORE-075
    pub required: bool,
}

/// An attribute whose values are links between resources, kept as rows and never in the document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relation {
    /// The attribute's name.
    pub name: String,
    /// Whether this type owns the links or shows those of another type.
    pub side: Side,
}

/// The end of a link that a relation belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Side {
    /// The resource owns the links and clients write them (`Group.members`).
    Own {
        /// The names of the resource types that links may point to.
        targets: Vec<String>,
    },
    /// The links belong to another type, and are shown from their targets, read-only (`User.groups`).
    Reverse {
        /// The relation whose links are shown.
        of: String,
        /// The resource type that owns it.
        owner: String,
    },
}

impl Relation {
    /// Makes a relation that this type owns.
    pub fn own<I: IntoIterator<Item: Into<String>>>(name: impl Into<String>, targets: I) -> Self {
        Self { name: name.into(), side: Side::Own { targets: targets.into_iter().map(Into::into).collect() } }
    }

    /// Makes a relation that shows the relation `of` of type `owner` from its target.
    pub fn reverse(name: impl Into<String>, of: impl Into<String>, owner: impl Into<String>) -> Self {
        Self { name: name.into(), side: Side::Reverse { of: of.into(), owner: owner.into() } }
    }

    /// Whether clients write it.
    pub fn is_own(&self) -> bool {
        matches!(self.side, Side::Own { .. })
    }
}

/// What a path names.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// An attribute or sub-attribute.
    Attribute(AttrRef),
    /// All of an extension.
    Extension(Arc<str>),
}

/// The error for a path that names nothing in a resource type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The text is not an attribute path.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leniency::Leniency;

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
        let mut lenience = Lenience::new(Leniency::INTEROP);
        let found = user.resolve_with("Manager", &mut lenience).unwrap();
        assert!(matches!(found, Resolved::Attribute(path) if path.extension().is_some()));
        assert!(lenience.used().contains(Quirk::UnqualifiedExtension));
    }

    #[test]
    fn d9_a_bare_urn_is_the_extension() {
        let found = ResourceType::user().resolve_with(urn::ENTERPRISE_USER, &mut Lenience::strict());
        assert_eq!(found, Ok(Resolved::Extension(urn::ENTERPRISE_USER.into())));
    }
}
