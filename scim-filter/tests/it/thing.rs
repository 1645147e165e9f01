//! A resource type with an attribute of every kind, under short names that random text soon hits.

use std::sync::Arc;

use scim_core::{ResourceType, ResourceTypeDocument, Schema};
use serde_json::json;

pub(crate) fn thing() -> Arc<ResourceType> {
    let subs = json!([
        {"name": "value"}, {"name": "type", "caseExact": true}, {"name": "primary", "type": "boolean"},
    ]);
    let schema = json!({"id": "urn:example:Thing", "attributes": [
        {"name": "s"},
        {"name": "x", "caseExact": true},
        {"name": "n", "type": "integer"},
        {"name": "d", "type": "decimal"},
        {"name": "t", "type": "dateTime"},
        {"name": "b", "type": "boolean"},
        {"name": "y", "type": "binary", "caseExact": true},
        {"name": "r", "type": "reference", "referenceTypes": ["external"], "caseExact": true},
        {"name": "tags", "multiValued": true},
        {"name": "c", "type": "complex", "subAttributes": [{"name": "s"}, {"name": "n", "type": "integer"}]},
        {"name": "m", "type": "complex", "multiValued": true, "subAttributes": subs},
    ]});
    let document = ResourceTypeDocument::new("Thing", "/Things", "urn:example:Thing");
    let schema = Schema::from_json(schema).unwrap();
    ResourceType::builder(document).schema(schema.into()).build().unwrap().into()
}
