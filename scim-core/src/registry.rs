//! The schemas and resource types that one service provider serves — RFC 7643 §6, §7.

mod builder;
mod lint;

use std::sync::Arc;

pub use builder::{RegistryBuilder, RegistryError};
pub use lint::Lint;

use crate::resource_type::ResourceType;
use crate::schema::Schema;

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
    /// Makes a registry with `User`, its enterprise extension, and `Group`.
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

    /// The resource type at this endpoint, such as `/Users`. Endpoints are case-sensitive.
    // E-3
    pub fn by_endpoint(&self, endpoint: &str) -> Option<&Arc<ResourceType>> {
        self.resource_types.iter().find(|resource_type| resource_type.endpoint() == endpoint)
    }

    /// Returns the resource type with this name.
    pub fn by_name(&self, name: &str) -> Option<&Arc<ResourceType>> {
        self.resource_types.iter().find(|resource_type| resource_type.name() == name)
    }

    /// The schemas of the resources.
    pub fn schemas(&self) -> &[Arc<Schema>] {
        &self.schemas
    }

    /// Returns advice for authors of schemas: what works but should be changed.
    pub fn lints(&self) -> Vec<Lint> {
        lint::lints(self)
    }
}
