//! A resource type with an attribute of every kind, and shortcuts for ingest and rendering.

use std::sync::{Arc, LazyLock};

use scim_core::{
    Error, Ingested, Lenience, Leniency, Limits, Meta, Projection, Registry, Representation, Resource,
    ResourceType, ResourceTypeDocument, Timestamp, ingest, parse_json,
};
use serde_json::{Value, json};

pub(crate) const ROBOT: &str = "urn:example:robot";
pub(crate) const WHEELS: &str = "urn:example:wheels";

/// Makes a resource type from a schema's attributes, with an extension.
pub(crate) fn resource_type(
    attributes: Value,
    extension: Value,
    required: bool,
) -> Result<Arc<ResourceType>, scim_core::RegistryError> {
    let document = ResourceTypeDocument::new("Robot", "/Robots", ROBOT).extension(WHEELS, required);
    let registry = Registry::builder()
        .schema_json(json!({"id": ROBOT, "name": "Robot", "attributes": attributes}))?
        .schema_json(json!({"id": WHEELS, "name": "Wheels", "attributes": extension}))?
        .resource_type_document(document)
        .build()?;
    Ok(Arc::clone(registry.by_name("Robot").unwrap()))
}

fn robot_with(required: bool) -> Arc<ResourceType> {
    let attributes = json!([
        {"name": "model", "required": true, "uniqueness": "server"},
        {"name": "label", "caseExact": true},
        {"name": "count", "type": "integer"},
        {"name": "counts", "type": "integer", "multiValued": true},
        {"name": "ratio", "type": "decimal"},
        {"name": "key", "type": "binary", "caseExact": true},
        {"name": "home", "type": "reference", "referenceTypes": ["external"], "caseExact": true},
        {"name": "born", "type": "dateTime"},
        {"name": "on", "type": "boolean"},
        {"name": "serial", "mutability": "immutable"},
        {"name": "seen", "mutability": "readOnly"},
        {"name": "secret", "mutability": "writeOnly", "returned": "never"},
        {"name": "badge", "returned": "always"},
        {"name": "plain"},
        {"name": "hidden", "returned": "request"},
        {"name": "never", "returned": "never"},
        {"name": "part", "type": "complex", "subAttributes": [
            {"name": "name"},
            {"name": "size", "type": "integer"},
            {"name": "serial", "mutability": "immutable"},
            {"name": "seen", "mutability": "readOnly"},
            {"name": "tag", "returned": "always"},
            {"name": "note", "returned": "request"},
            {"name": "code", "returned": "never"},
        ]},
        {"name": "parts", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value"}, {"name": "type", "canonicalValues": ["arm", "leg"]},
            {"name": "primary", "type": "boolean"},
        ]},
    ]);
    let extension = json!([{"name": "number", "type": "integer", "required": true}, {"name": "model"}]);
    resource_type(attributes, extension, required).unwrap()
}

/// The robot, whose extension is optional.
pub(crate) fn robot() -> Arc<ResourceType> {
    static ROBOT: LazyLock<Arc<ResourceType>> = LazyLock::new(|| robot_with(false));
    Arc::clone(&ROBOT)
}

/// The robot that requires the extension with wheels.
pub(crate) fn wheeled_robot() -> Arc<ResourceType> {
    static ROBOT: LazyLock<Arc<ResourceType>> = LazyLock::new(|| robot_with(true));
    Arc::clone(&ROBOT)
}

/// Reads the body of a create from bytes.
pub(crate) fn create(
    resource_type: &ResourceType,
    leniency: &Leniency,
    body: &Value,
) -> Result<Ingested, Error> {
    ingest(
        body.to_string().as_bytes(),
        resource_type,
        None,
        &mut Lenience::new(*leniency),
        &Limits::default(),
    )
}

/// Reads the body of a replace from bytes, strictly.
pub(crate) fn replace(
    resource_type: &ResourceType,
    before: &Resource,
    body: &Value,
) -> Result<Resource, Error> {
    let bytes = body.to_string();
    ingest(bytes.as_bytes(), resource_type, Some(before), &mut Lenience::strict(), &Limits::default())
        .map(|read| read.resource)
}

/// Reads a robot with these attributes, strictly.
pub(crate) fn robot_of(extra: Value) -> Result<Resource, Error> {
    let mut body = json!({"schemas": [ROBOT], "model": "R2"});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    create(&robot(), &Leniency::STRICT, &body).map(|read| read.resource)
}

/// Reads a user with these attributes, strictly.
pub(crate) fn user_of(extra: Value) -> Result<Resource, Error> {
    let mut body = json!({"schemas": [scim_core::urn::USER], "userName": "ada"});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    create(&ResourceType::user(), &Leniency::STRICT, &body).map(|read| read.resource)
}

/// The document, for comparisons.
pub(crate) fn document(resource: &Resource) -> Value {
    Value::Object(resource.as_map().clone())
}

/// The representation as a client reads it: JSON text without duplicate keys.
pub(crate) fn render_with(
    resource_type: &ResourceType,
    resource: &Resource,
    computed: &[(&str, Value)],
    projection: &Projection,
) -> Value {
    let moment = Timestamp::from_millis(1_264_222_582_000);
    let location = format!("https://h.example/v2{}/id-1", resource_type.endpoint());
    let meta = Meta::new(resource_type.name(), moment, moment, location, "W/\"1\"");
    let shown = Representation { resource_type, id: "id-1", resource, meta: &meta, computed, projection };
    parse_json(serde_json::to_string(&shown).unwrap().as_bytes(), &Limits::default()).unwrap()
}

/// The representation with `attributes` and `excludedAttributes`, without computed attributes.
pub(crate) fn render(
    resource_type: &ResourceType,
    resource: &Resource,
    attributes: &[&str],
    excluded: &[&str],
) -> Value {
    let projection = Projection::new(resource_type, attributes, excluded).unwrap();
    render_with(resource_type, resource, &[], &projection)
}

/// Checks the `scimType` of a refusal, and that its detail names the attribute.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Error>, scim_type: &str, names: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.status, 400, "{error}");
    assert_eq!(error.scim_type.as_ref().map_or("", scim_core::ScimType::as_str), scim_type, "{error}");
    assert!(error.detail.contains(names), "{error}");
}
