//! What one service provider serves: its schemas and resource types — RFC 7643 §6, §7.

use std::sync::Arc;

use serde_json::Value;

use crate::message::ResourceTypeDocument;
use crate::resource_type::{ResourceType, ResourceTypeError};
use crate::schema::{Schema, SchemaError};

/// The schemas and resource types of a service provider.
///
/// ```
/// use scim_core::Registry;
/// let registry = Registry::standard();
/// assert_eq!(registry.by_endpoint("/Groups").unwrap().name(), "Group");
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    schemas: Vec<Arc<Schema>>,
    resource_types: Vec<Arc<ResourceType>>,
}

impl Registry {
    /// `User` with the enterprise extension, and `Group`.
    pub fn standard() -> Self {
        Self {
            schemas: vec![Schema::user(), Schema::group(), Schema::enterprise_user()],
            resource_types: vec![ResourceType::user(), ResourceType::group()],
        }
    }

    /// Begins an empty registry.
    pub fn builder() -> RegistryBuilder {
        RegistryBuilder::default()
    }

    /// The resource types, in the order they were given.
    pub fn resource_types(&self) -> &[Arc<ResourceType>] {
        &self.resource_types
    }

    /// The resource type at this endpoint, such as `/Users`. Endpoints are case-sensitive (E-3).
    pub fn by_endpoint(&self, endpoint: &str) -> Option<&Arc<ResourceType>> {
        self.resource_types.iter().find(|resource_type| resource_type.endpoint() == endpoint)
    }

    /// The resource type of this name.
    pub fn by_name(&self, name: &str) -> Option<&Arc<ResourceType>> {
        self.resource_types.iter().find(|resource_type| resource_type.name() == name)
    }

    /// The schemas that resources are made of.
    pub fn schemas(&self) -> &[Arc<Schema>] {
        &self.schemas
    }
}

/// Puts a [`Registry`] together from documents and ready-made types.
#[derive(Clone, Debug, Default)]
pub struct RegistryBuilder {
    schemas: Vec<Arc<Schema>>,
    resource_types: Vec<Arc<ResourceType>>,
    documents: Vec<ResourceTypeDocument>,
}

impl RegistryBuilder {
    /// Adds a schema document.
    pub fn schema_json(mut self, document: Value) -> Result<Self, RegistryError> {
        self.schemas.push(Arc::new(Schema::from_json(document)?));
        Ok(self)
    }

    /// Adds a resource type document; its schemas must be added too, in any order.
    #[must_use]
    pub fn resource_type_document(mut self, document: ResourceTypeDocument) -> Self {
        self.documents.push(document);
        self
    }

    /// Adds a resource type, and with it its schemas.
    #[must_use]
    pub fn resource_type(mut self, resource_type: Arc<ResourceType>) -> Self {
        let extensions = resource_type.extensions().iter().map(|extension| &extension.schema);
        for schema in std::iter::once(resource_type.schema()).chain(extensions) {
            if !self.schemas.iter().any(|known| known.id() == schema.id()) {
                self.schemas.push(Arc::clone(schema));
            }
        }
        self.resource_types.push(resource_type);
        self
    }

    /// Checks that no id, name or endpoint stands twice and that every URN leads to a schema.
    pub fn build(self) -> Result<Registry, RegistryError> {
        let Self { schemas, mut resource_types, documents } = self;
        for document in documents {
            let builder = schemas
                .iter()
                .fold(ResourceType::builder(document), |builder, schema| builder.schema(Arc::clone(schema)));
            resource_types.push(Arc::new(builder.build()?));
        }
        for (at, schema) in schemas.iter().enumerate() {
            if schemas[..at].iter().any(|other| other.id().eq_ignore_ascii_case(schema.id())) {
                return Err(RegistryError::Duplicate { what: "schema", text: schema.id().to_string() });
            }
        }
        for (at, resource_type) in resource_types.iter().enumerate() {
            for other in &resource_types[..at] {
                if other.name() == resource_type.name() {
                    let text = resource_type.name().to_owned();
                    return Err(RegistryError::Duplicate { what: "resource type", text });
                }
                if other.endpoint() == resource_type.endpoint() {
                    let text = resource_type.endpoint().to_owned();
                    return Err(RegistryError::Duplicate { what: "endpoint", text });
                }
            }
        }
        Ok(Registry { schemas, resource_types })
    }
}

/// What is wrong with a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// A schema document is not sound.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A resource type is not sound.
    #[error(transparent)]
    ResourceType(#[from] ResourceTypeError),
    /// Something stands twice.
    #[error("the {what} `{text}` is defined twice")]
    Duplicate {
        /// What.
        what: &'static str,
        /// Its id, name or endpoint.
        text: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_registry_from_documents() {
        let document: ResourceTypeDocument =
            serde_json::from_value(json!({"name": "Robot", "endpoint": "/Robots", "schema": "urn:r"}))
                .unwrap();
        let builder = Registry::builder()
            .resource_type_document(document.clone())
            .schema_json(json!({"id": "urn:r", "attributes": [{"name": "model", "required": true}]}))
            .unwrap();
        assert!(builder.clone().build().unwrap().by_endpoint("/Robots").is_some());
        let twice = builder.resource_type_document(document).build();
        assert!(matches!(twice, Err(RegistryError::Duplicate { what: "resource type", .. })));
    }
}
