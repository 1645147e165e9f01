//! The resource that describes a resource type.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::typed::ResourceMeta;
use crate::urn;
use crate::wire::or_default;

/// The `ResourceType` resource — RFC 7643 §6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResourceTypeDocument {
    /// Always the `ResourceType` URN.
    #[serde(default = "schemas")]
    pub schemas: Vec<String>,
    /// The identifier, most often the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name, as in `meta.resourceType`.
    pub name: String,
    /// The endpoint below the base URL.
    pub endpoint: String,
    /// A human-readable description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The URN of the base schema.
    pub schema: String,
    /// The extensions.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub schema_extensions: Vec<SchemaExtension>,
    /// The service provider's data about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<ResourceMeta>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ResourceTypeDocument {
    /// Makes a document with the required attributes. Its `id` is the name.
    pub fn new(name: impl Into<String>, endpoint: impl Into<String>, schema: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            schemas: schemas(),
            id: Some(name.clone()),
            name,
            endpoint: endpoint.into(),
            description: None,
            schema: schema.into(),
            schema_extensions: Vec::new(),
            meta: None,
            other: Map::new(),
        }
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Adds an extension.
    #[must_use]
    pub fn extension(mut self, schema: impl Into<String>, required: bool) -> Self {
        self.schema_extensions.push(SchemaExtension::new(schema, required));
        self
    }
}

fn schemas() -> Vec<String> {
    vec![urn::RESOURCE_TYPE.to_owned()]
}

/// One entry of `schemaExtensions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SchemaExtension {
    /// The extension's URN.
    pub schema: String,
    /// Whether each resource must have it.
    #[serde(default)]
    pub required: bool,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl SchemaExtension {
    /// The extension of this URN.
    pub fn new(schema: impl Into<String>, required: bool) -> Self {
        Self { schema: schema.into(), required, other: Map::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn core_073_resource_types_are_read_losslessly() {
        let body = json!({
            "schemas": [urn::RESOURCE_TYPE], "id": "User", "name": "User", "endpoint": "/Users",
            "description": "d", "schema": urn::USER,
            "schemaExtensions": [{"schema": urn::ENTERPRISE_USER, "required": true, "note": "n"}],
            "meta": {"resourceType": "ResourceType", "location": "/v2/ResourceTypes/User"}, "vendor": {"a": 1},
        });
        let read: ResourceTypeDocument = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), body);
        for missing in ["name", "endpoint", "schema"] {
            let mut body = body.clone();
            body.as_object_mut().unwrap().remove(missing);
            let error = serde_json::from_value::<ResourceTypeDocument>(body).unwrap_err();
            assert!(error.to_string().contains(&format!("`{missing}`")));
        }
    }
}
