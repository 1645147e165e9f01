//! A resource type for cases that have no schema.

use std::sync::Arc;

use scim_core::{ResourceType, ResourceTypeDocument, Schema};
use serde_json::{Map, Value, json};

/// A resource type that fits these resources: what their values look like is what its attributes are.
pub fn inferred(resources: &[&Value], case_exact: bool) -> Arc<ResourceType> {
    const COMMON: [&str; 4] = ["id", "externalId", "schemas", "meta"];
    let urn = resources[0]["schemas"][0].as_str().unwrap_or("urn:example:Thing");
    let mut document = ResourceTypeDocument::new("Thing", "/Things", urn);
    let mut base = Vec::new();
    let mut schemas = Vec::new();
    for (name, values) in members(resources) {
        if name.contains(':') {
            schemas.push(json!({"id": name, "attributes": attributes(&values, case_exact)}));
            document = document.extension(name, false);
        } else if !COMMON.iter().any(|common| common.eq_ignore_ascii_case(&name)) {
            base.extend(attribute(&name, &values, case_exact));
        }
    }
    schemas.push(json!({"id": urn, "attributes": base}));
    let mut builder = ResourceType::builder(document);
    for schema in schemas {
        builder = builder.schema(Schema::from_json(schema).unwrap().into());
    }
    builder.build().unwrap().into()
}

/// The members of objects, with every value each of them has.
fn members<'a>(objects: &[&'a Value]) -> Vec<(String, Vec<&'a Value>)> {
    let mut found: Vec<(String, Vec<&Value>)> = Vec::new();
    for (name, value) in objects.iter().filter_map(|object| object.as_object()).flatten() {
        match found.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => found.push((name.clone(), vec![value])),
        }
    }
    found
}

fn attributes(objects: &[&Value], case_exact: bool) -> Vec<Map<String, Value>> {
    members(objects).iter().filter_map(|(name, values)| attribute(name, values, case_exact)).collect()
}

fn attribute(name: &str, values: &[&Value], case_exact: bool) -> Option<Map<String, Value>> {
    // Of `null` nobody knows what it could have been.
    if !scim_core::is_attribute_name(name) || values.iter().all(|value| value.is_null()) {
        return None;
    }
    let multi_valued = values.iter().any(|value| value.is_array());
    let single: Vec<&Value> = values
        .iter()
        .flat_map(|value| match value {
            Value::Array(values) => values.iter().collect(),
            single => vec![*single],
        })
        .filter(|value| !value.is_null())
        .collect();
    let kind = match single.first() {
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) if single.iter().all(|value| value.is_i64()) => "integer",
        Some(Value::Number(_)) => "decimal",
        Some(Value::Object(_)) => "complex",
        _ => "string",
    };
    // No sub-attribute has sub-attributes (RFC 7643 §2.3.8).
    let subs = attributes(&single, case_exact)
        .into_iter()
        .filter(|sub| sub["type"] != "complex")
        .collect::<Vec<_>>();
    let described = json!({"name": name, "type": kind, "multiValued": multi_valued, "caseExact": case_exact, "subAttributes": subs});
    described.as_object().cloned()
}
