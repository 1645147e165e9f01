//! Drops what must never be stored: attributes that clients write and that are never returned.

use std::sync::Arc;

use scim_core::{Attribute, Mutability, Resource, ResourceType, Returned};
use serde_json::{Map, Value};

/// Drops write-only, never-returned attributes such as `password` before anything is stored, wherever they are in the
/// resource.
///
/// This service provider checks no passwords (`changePassword` is not supported), so it is safest not to keep any.
// CORE-052
pub(crate) fn discard(resource_type: &ResourceType, resource: &mut Resource) {
    let document = resource.as_map_mut();
    discard_from(resource_type.schema().attributes(), document);
    let mut emptied = false;
    for extension in resource_type.extensions() {
        let urn = &**extension.schema.id();
        let Some(Value::Object(values)) = document.get_mut(urn) else { continue };
        discard_from(extension.schema.attributes(), values);
        if values.is_empty() {
            document.remove(urn);
            emptied = true;
        }
    }
    if emptied {
        let schemas: Value = resource_type.schemas_in_use(document).collect();
        document.insert("schemas".into(), schemas);
    }
}

fn discard_from(attributes: &[Arc<Attribute>], values: &mut Map<String, Value>) {
    for attribute in attributes {
        if attribute.mutability == Mutability::WriteOnly && attribute.returned == Returned::Never {
            values.remove(&attribute.name);
            continue;
        }
        let subs = &attribute.sub_attributes;
        let emptied = match values.get_mut(&attribute.name) {
            Some(Value::Object(object)) => {
                discard_from(subs, object);
                object.is_empty()
            }
            Some(Value::Array(elements)) => {
                elements
                    .iter_mut()
                    .filter_map(Value::as_object_mut)
                    .for_each(|object| discard_from(subs, object));
                elements.retain(|element| element.as_object().is_none_or(|object| !object.is_empty()));
                elements.is_empty()
            }
            _ => false,
        };
        if emptied {
            values.remove(&attribute.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim_core::{ResourceTypeDocument, Schema};
    use serde_json::json;

    #[test]
    fn core_052_secrets_are_found_wherever_they_are() {
        let pin = json!({"name": "pin", "mutability": "writeOnly", "returned": "never"});
        let subs = json!([pin, {"name": "value"}]);
        let schema = |id: &str| {
            let attributes = json!([pin, {"name": "one", "type": "complex", "subAttributes": subs},
                {"name": "many", "type": "complex", "multiValued": true, "subAttributes": subs}]);
            Arc::new(Schema::from_json(json!({"id": id, "attributes": attributes})).unwrap())
        };
        let document = ResourceTypeDocument::new("T", "/T", "urn:t").extension("urn:e", false);
        let resource_type =
            ResourceType::builder(document).schema(schema("urn:t")).schema(schema("urn:e")).build().unwrap();
        let secret =
            json!({"pin": "1", "one": {"pin": "1"}, "many": [{"pin": "1"}, {"pin": "1", "value": "v"}]});
        let mut before = secret.as_object().unwrap().clone();
        before.insert("urn:e".into(), json!({"pin": "1"}));
        before.insert("schemas".into(), json!(["urn:t", "urn:e"]));
        let mut resource = Resource::from_canonical(before);
        discard(&resource_type, &mut resource);
        assert_eq!(
            Value::Object(resource.into_map()),
            json!({"schemas": ["urn:t"], "many": [{"value": "v"}]})
        );
    }
}
