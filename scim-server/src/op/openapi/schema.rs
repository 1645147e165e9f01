//! JSON Schemas of requests and responses.

use std::collections::BTreeSet;
use std::sync::Arc;

use scim_core::{Attribute, Mutability, ResourceType, Type, UnknownAttributes, urn};
use serde_json::{Map, Value, json};

use super::reference;
use crate::server::Inner;

pub(super) fn components(server: &Inner) -> Value {
    let mut schemas = messages(server);
    let types = server.registry.resource_types();
    for resource_type in types {
        let name = resource_type.name();
        schemas.insert(name.to_owned(), resource(server, resource_type));
        schemas.insert(format!("{name}Input"), input(resource_type));
        schemas.insert(format!("{name}List"), list(server, &reference(name)));
    }
    let any: Vec<_> = types.iter().map(|known| reference(known.name())).collect();
    schemas.insert("ListResponse".into(), list(server, &json!({"anyOf": any})));
    let bearer = json!({"type": "http", "scheme": "bearer"});
    json!({"schemas": schemas, "securitySchemes": {"bearer": bearer}})
}

/// Describes a resource in a response. Attributes that `attributes` leaves out may be missing; `schemas` and `id` never
/// are.
fn resource(server: &Inner, resource_type: &ResourceType) -> Value {
    let attributes = resource_type.common_attributes().iter().chain(resource_type.schema().attributes());
    let mut properties = properties(attributes.filter(|attribute| !attribute.is_never_returned()), &answered);
    let urns: Vec<&str> = std::iter::once(&**resource_type.schema().id())
        .chain(resource_type.extensions().iter().map(|extension| &**extension.schema.id()))
        .collect();
    for extension in resource_type.extensions() {
        let attributes =
            extension.schema.attributes().iter().filter(|attribute| !attribute.is_never_returned());
        let value = closed(&self::properties(attributes, &answered));
        properties.insert(extension.schema.id().to_string(), value);
    }
    let open = server.leniency.unknown_attributes() == UnknownAttributes::Keep;
    let urn = if open { json!({"type": "string"}) } else { json!({"enum": urns}) };
    properties
        .insert("schemas".into(), json!({"type": "array", "items": urn, "minItems": 1, "uniqueItems": true}));
    properties.insert("meta".into(), meta(resource_type));
    json!({
        "type": "object",
        "required": ["schemas", "id"],
        "properties": properties,
        "additionalProperties": open,
    })
}

fn meta(resource_type: &ResourceType) -> Value {
    let mut meta = closed(&Map::new());
    meta["properties"] = json!({
        "resourceType": {"const": resource_type.name()},
        "created": {"type": "string", "format": "date-time"},
        "lastModified": {"type": "string", "format": "date-time"},
        "location": {"type": "string", "format": "uri"},
        "version": {"type": "string", "pattern": "^W/\"[0-9]+(-[0-9a-f]{16})?\"$"},
    });
    meta
}

/// Describes a resource in a request. Read-only attributes are ignored and therefore not described.
fn input(resource_type: &ResourceType) -> Value {
    let writable = |attribute: &&Arc<Attribute>| attribute.mutability != Mutability::ReadOnly;
    let attributes = resource_type.common_attributes().iter().chain(resource_type.schema().attributes());
    let attributes: Vec<_> = attributes.filter(writable).collect();
    let required = attributes.iter().filter(|attribute| attribute.required).map(|attribute| &*attribute.name);
    let required: BTreeSet<&str> = required.chain(["schemas"]).collect();
    let mut properties = properties(attributes.iter().copied(), &sent);
    let urn = &**resource_type.schema().id();
    properties.insert(
        "schemas".into(),
        json!({"type": "array", "items": {"const": urn}, "minItems": 1, "maxItems": 1}),
    );
    let mut object = closed(&properties);
    object["required"] = json!(required);
    object
}

fn properties<'a>(
    attributes: impl Iterator<Item = &'a Arc<Attribute>>,
    describe: &dyn Fn(&Attribute) -> Value,
) -> Map<String, Value> {
    attributes.map(|attribute| (attribute.name.clone(), describe(attribute))).collect()
}

fn closed(properties: &Map<String, Value>) -> Value {
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

fn answered(attribute: &Attribute) -> Value {
    let subs = attribute.sub_attributes.iter().filter(|sub| !sub.is_never_returned());
    let value = match attribute.r#type {
        Type::Complex => closed(&properties(subs, &answered)),
        kind => json!({"type": plain(kind)}),
    };
    described(attribute, value)
}

fn sent(attribute: &Attribute) -> Value {
    let writable = |sub: &&Arc<Attribute>| sub.mutability != Mutability::ReadOnly;
    let value = match attribute.r#type {
        Type::Complex => {
            let subs: Vec<_> = attribute.sub_attributes.iter().filter(writable).collect();
            let required: Vec<_> = subs.iter().filter(|sub| sub.required).map(|sub| &sub.name).collect();
            let mut value = closed(&properties(subs.iter().copied(), &sent));
            value["required"] = json!(required);
            value
        }
        Type::DateTime => json!({"type": "string", "format": "date-time"}),
        Type::Binary => json!({"type": "string", "pattern": "^([A-Za-z0-9+/]{4})*$"}),
        Type::Reference => json!({"type": "string", "pattern": "^https://[a-z]{1,20}/[a-z]{0,20}$"}),
        Type::String if attribute.required => json!({"type": "string", "minLength": 1}),
        kind => json!({"type": plain(kind)}),
    };
    described(attribute, value)
}

fn described(attribute: &Attribute, mut value: Value) -> Value {
    if attribute.multi_valued {
        value = json!({"type": "array", "items": value});
    }
    if !attribute.description.is_empty() {
        value["description"] = json!(attribute.description);
    }
    value
}

fn plain(kind: Type) -> &'static str {
    match kind {
        Type::Boolean => "boolean",
        Type::Decimal => "number",
        Type::Integer => "integer",
        Type::Complex => "object",
        _ => "string",
    }
}

fn list(server: &Inner, resource: &Value) -> Value {
    let count = json!({"type": "integer", "minimum": 0});
    let mut list = json!({
        "type": "object",
        "required": ["schemas", "totalResults", "itemsPerPage", "Resources"],
        "properties": {
            "schemas": {"const": [urn::LIST_RESPONSE]},
            "totalResults": count,
            "itemsPerPage": count,
            "startIndex": {"type": "integer", "minimum": 1},
            "Resources": {"type": "array", "items": resource},
        },
        "additionalProperties": false,
    });
    if server.cursors.is_some() {
        for name in ["nextCursor", "previousCursor"] {
            list["properties"][name] = json!({"type": "string", "pattern": "^[A-Za-z0-9._~-]+$"});
        }
    }
    list
}

/// Describes the messages of RFC 7644.
fn messages(server: &Inner) -> Map<String, Value> {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": text});
    let number = json!({"type": "integer"});
    let status = if server.errors.numeric_status {
        json!({"type": "integer", "minimum": 400, "maximum": 599})
    } else {
        json!({"type": "string", "pattern": "^[45][0-9]{2}$"})
    };
    let mut error = json!({
        "type": "object",
        "required": ["schemas", "status", "detail"],
        "properties": {
            "schemas": {"const": [urn::ERROR]},
            "status": status,
            "scimType": {"enum": [
                "invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath", "noTarget",
                "invalidValue", "invalidVers", "sensitive", "invalidCursor", "expiredCursor", "invalidCount",
            ]},
            "detail": text,
        },
        "additionalProperties": false,
    });
    for (name, schema) in server.errors.schemas() {
        if error["properties"].get(&name).is_none() {
            error["properties"][name] = schema;
        }
    }
    let mut search = json!({
        "type": "object",
        "required": ["schemas"],
        "properties": {
            "schemas": {"const": [urn::SEARCH_REQUEST]},
            "attributes": texts, "excludedAttributes": texts, "filter": text, "startIndex": number,
            "count": number,
        },
    });
    if server.sorting {
        search["properties"]["sortBy"] = text.clone();
        search["properties"]["sortOrder"] = json!({"enum": ["ascending", "descending"]});
    }
    if server.cursors.is_some() {
        search["properties"]["cursor"] = text.clone();
    }
    let patch = json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": {"const": [urn::PATCH_OP]},
            "Operations": {"type": "array", "minItems": 1, "items": {
                "type": "object",
                "required": ["op"],
                "properties": {"op": {"enum": ["add", "remove", "replace"]}, "path": text, "value": {}},
            }},
        },
    });
    let method = json!({"enum": ["POST", "PUT", "PATCH", "DELETE"]});
    let bulk_request = json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": {"const": [urn::BULK_REQUEST]},
            "failOnErrors": {"type": "integer", "minimum": 1},
            "Operations": {"type": "array", "items": {
                "type": "object",
                "required": ["method", "path"],
                "properties": {
                    "method": method, "path": text, "bulkId": text, "version": text, "data": {"type": "object"},
                },
            }},
        },
    });
    let bulk_response = json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": {"const": [urn::BULK_RESPONSE]},
            "Operations": {"type": "array", "items": {
                "type": "object",
                "required": ["method", "status"],
                "properties": {
                    "method": text, "bulkId": text, "version": text,
                    "location": {"type": "string", "format": "uri"},
                    "status": {"type": "string", "pattern": "^[2-5][0-9]{2}$"},
                    "response": reference("Error"),
                },
                "additionalProperties": false,
            }},
        },
        "additionalProperties": false,
    });
    [
        ("Error", error),
        ("SearchRequest", search),
        ("PatchOp", patch),
        ("BulkRequest", bulk_request),
        ("BulkResponse", bulk_response),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), schema))
    .collect()
}
