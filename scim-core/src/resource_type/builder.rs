//! Building a resource type.

use std::iter;
use std::sync::Arc;

use super::{AttrRef, Extension, Relation, ResolveError, ResourceType};
use crate::message::ResourceTypeDocument;
use crate::outdated;
use crate::project::Chosen;
use crate::schema::{Attribute, Returned, Schema, Uniqueness};
use crate::unique::UniqueProfile;

/// The attributes that stores index if a resource type names no others.
const DEFAULT_INDEXED: &[&str] =
    &["userName", "externalId", "displayName", "active", "emails.value", "name.familyName", "name.givenName"];

/// Builds a [`ResourceType`] and checks it.
#[derive(Clone, Debug)]
pub struct ResourceTypeBuilder {
    document: ResourceTypeDocument,
    schemas: Vec<Arc<Schema>>,
    relations: Vec<Relation>,
    unique: Vec<String>,
    indexed: Option<Vec<String>>,
}

impl ResourceTypeBuilder {
    pub(super) fn new(document: ResourceTypeDocument) -> Self {
        Self { document, schemas: Vec::new(), relations: Vec::new(), unique: Vec::new(), indexed: None }
    }

    /// Adds a schema that the document may name. Other schemas are ignored.
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

    /// Declares an attribute unique although its schema does not (EMU: `externalId`).
    #[must_use]
    pub fn unique(mut self, path: impl Into<String>) -> Self {
        self.unique.push(path.into());
        self
    }

    /// Names the attributes that stores index, instead of the default ones.
    #[must_use]
    pub fn indexed<I: IntoIterator<Item: Into<String>>>(mut self, paths: I) -> Self {
        self.indexed = Some(paths.into_iter().map(Into::into).collect());
        self
    }

    /// Checks that each URN and each name can be resolved.
    ///
    /// # Errors
    ///
    /// [`ResourceTypeError`], the first that is found.
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
        // CORE-032: the attributes common to all types are defined once. What a schema says about them is dropped.
        let (common, base) = (Schema::common(), find(&document.schema)?);
        let redefines = base.attributes().iter().any(|attribute| common.attribute(&attribute.name).is_some());
        let base = if redefines { Arc::new(base.without(&common)) } else { base };
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
            common,
            base,
            extensions,
            relations: Vec::new(),
            unique: Vec::new(),
            indexed: Vec::new(),
            returned_on_request: Vec::new(),
            returned_by_default: Chosen::default(),
            fingerprint: 0,
            unique_profile: UniqueProfile::default(),
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
            // A type that lacks some of the default attributes indexes the others.
            None => DEFAULT_INDEXED.iter().filter_map(|path| resource_type.resolve(path).ok()).collect(),
        };
        resource_type.returned_by_default = Chosen::by_default(&resource_type);
        resource_type.returned_on_request = returned_on_request(&resource_type);
        resource_type.fingerprint = outdated::fingerprint(&resource_type);
        Ok(resource_type)
    }
}

/// Returns the attributes of a schema whose values no two resources may share.
pub(super) fn unique_of<'a>(
    schema: &'a Schema,
    extension: Option<&'a Arc<str>>,
) -> impl Iterator<Item = AttrRef> + 'a {
    let is_unique = |attribute: &&Arc<Attribute>| {
        attribute.uniqueness != Uniqueness::None && !attribute.multi_valued && !attribute.is_complex()
    };
    schema.attributes().iter().filter(is_unique).map(move |attribute| AttrRef {
        extension: extension.cloned(),
        attribute: Arc::clone(attribute),
        sub: None,
    })
}

/// Returns the attributes and sub-attributes with `returned: request`.
pub(super) fn returned_on_request(resource_type: &ResourceType) -> Vec<AttrRef> {
    let extensions = resource_type.extensions.iter().map(|extension| &extension.schema);
    let schemas = iter::once((None, &resource_type.base))
        .chain(extensions.map(|schema| (Some(Arc::clone(schema.id())), schema)));
    let attributes = schemas.flat_map(|(extension, schema)| {
        let whole = move |attribute: &Arc<Attribute>| AttrRef {
            extension: extension.clone(),
            attribute: Arc::clone(attribute),
            sub: None,
        };
        schema.attributes().iter().map(whole)
    });
    let with_subs = attributes.flat_map(|path| {
        let subs: Vec<AttrRef> =
            path.attribute.sub_attributes.iter().map(|sub| path.with_sub(Arc::clone(sub))).collect();
        iter::once(path).chain(subs)
    });
    with_subs.filter(|path| path.leaf().returned == Returned::Request).collect()
}

/// What is wrong with a resource type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceTypeError {
    /// The endpoint is not a path below the base URL.
    #[error("resource type `{name}`: endpoint `{endpoint}` must begin with `/` and name a segment")]
    Endpoint {
        /// The resource type.
        name: String,
        /// Its endpoint.
        endpoint: String,
    },
    /// The resource type has no name.
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
    /// A URN is not the id of a known schema.
    // CORE-074
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
    /// A name cannot be resolved.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urn;

    #[test]
    fn core_074_a_dangling_urn_is_refused() {
        let document = ResourceTypeDocument::new("User", "/Users", urn::USER).extension("urn:none", false);
        let error = ResourceType::builder(document).schema(Schema::user()).build().unwrap_err();
        assert!(error.to_string().contains("urn:none"));
    }

    #[test]
    fn core_073_a_type_has_a_name_and_each_schema_once() {
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
