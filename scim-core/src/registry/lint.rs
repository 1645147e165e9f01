//! Advice on valid schemas that should be improved.

use std::fmt;
use std::sync::Arc;

use super::Registry;
use crate::resource_type::{ResourceType, Side};
use crate::schema::{Attribute, Schema, Type};
use crate::urn;

/// Something in a registry that works but should be changed. Found by [`Registry::lints`].
///
/// ```
/// use scim_core::Registry;
/// use serde_json::json;
/// let registry = Registry::builder()
///     .schema_json(json!({"id": "urn:ietf:params:scim:schemas:core:2.0:Robot", "description": "Robots"}))?
///     .build()?;
/// assert!(registry.lints()[0].to_string().contains("a URN of one's own"));
/// # Ok::<(), scim_core::RegistryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lint {
    /// An extension has an attribute with the name of one of the resource's own attributes (RFC 7643 §3.3).
    // CORE-008
    Redefined {
        /// The resource type.
        resource_type: String,
        /// The extension.
        extension: String,
        /// The attribute.
        attribute: String,
    },
    /// A custom schema has a URN that only an RFC may assign (RFC 7643 §10.3).
    // CORE-087
    ReservedUrn {
        /// The schema.
        schema: String,
    },
    /// A schema has an id that is not a URN (RFC 7643 §7).
    // CORE-086
    NotUrn {
        /// The schema.
        schema: String,
    },
    /// A complex attribute has no sub-attributes (RFC 7643 §7).
    // CORE-079
    NoSubAttributes {
        /// The schema.
        schema: String,
        /// The attribute.
        path: String,
    },
    /// `referenceTypes` is missing, or is given where it has no meaning (RFC 7643 §7).
    // CORE-085
    ReferenceTypes {
        /// The schema.
        schema: String,
        /// The attribute.
        path: String,
    },
    /// A reference names a resource type that is not served (RFC 7643 §7).
    // CORE-085
    UnknownTarget {
        /// The schema or resource type.
        of: String,
        /// The attribute.
        path: String,
        /// The resource type that is missing.
        target: String,
    },
    /// Something has no human-readable description (RFC 7643 §6, §7).
    // CORE-095
    Undescribed {
        /// The schema or resource type.
        of: String,
        /// The attribute, unless the schema or resource type itself is meant.
        path: Option<String>,
    },
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redefined { resource_type, extension, attribute } => {
                write!(
                    f,
                    "extension `{extension}` of `{resource_type}` redefines the attribute `{attribute}`"
                )
            }
            Self::ReservedUrn { schema } => {
                write!(f, "schema `{schema}`: only an RFC may give such a URN; take a URN of one's own")
            }
            Self::NotUrn { schema } => write!(f, "schema `{schema}`: the id should be a URN"),
            Self::NoSubAttributes { schema, path } => {
                write!(f, "schema `{schema}`: `{path}` is complex but has no sub-attributes")
            }
            Self::ReferenceTypes { schema, path } => write!(
                f,
                "schema `{schema}`: `{path}`: a reference should have `referenceTypes`, and nothing else may"
            ),
            Self::UnknownTarget { of, path, target } => {
                write!(f, "`{of}`: `{path}` refers to resources of type `{target}`, which is not served")
            }
            Self::Undescribed { of, path: None } => write!(f, "`{of}` has no description"),
            Self::Undescribed { of, path: Some(path) } => write!(f, "`{of}`: `{path}` has no description"),
        }
    }
}

pub(super) fn lints(registry: &Registry) -> Vec<Lint> {
    let mut found = Vec::new();
    for schema in registry.schemas() {
        of_schema(registry, schema, &mut found);
    }
    for resource_type in registry.resource_types() {
        of_resource_type(registry, resource_type, &mut found);
    }
    found
}

fn of_schema(registry: &Registry, schema: &Schema, found: &mut Vec<Lint>) {
    let id = schema.id().to_string();
    if is_reserved(&id) {
        found.push(Lint::ReservedUrn { schema: id.clone() });
    }
    if !id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) {
        found.push(Lint::NotUrn { schema: id.clone() });
    }
    if schema.document()["description"].as_str().is_none_or(str::is_empty) {
        found.push(Lint::Undescribed { of: id, path: None });
    }
    for attribute in schema.attributes() {
        of_attribute(registry, schema, "", attribute, found);
    }
}

/// Whether a URN has a prefix reserved for RFCs, but is not one of RFC 7643, or of RFC 9944's devices.
fn is_reserved(id: &str) -> bool {
    const REGISTERED: &[&str] = &[
        urn::USER,
        urn::GROUP,
        urn::SERVICE_PROVIDER_CONFIG,
        urn::RESOURCE_TYPE,
        urn::SCHEMA,
        "urn:ietf:params:scim:schemas:core:2.0:Device",
        "urn:ietf:params:scim:schemas:core:2.0:EndpointApp",
    ];
    let lower = id.to_ascii_lowercase();
    let is_taken = ["urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:api:"]
        .iter()
        .any(|prefix| lower.starts_with(prefix));
    is_taken && !REGISTERED.iter().any(|registered| registered.eq_ignore_ascii_case(id))
}

fn of_attribute(
    registry: &Registry,
    schema: &Schema,
    parent: &str,
    attribute: &Arc<Attribute>,
    found: &mut Vec<Lint>,
) {
    let of = || schema.id().to_string();
    let path = format!("{parent}{}", attribute.name);
    if attribute.is_complex() && attribute.sub_attributes.is_empty() {
        found.push(Lint::NoSubAttributes { schema: of(), path: path.clone() });
    }
    if (attribute.r#type == Type::Reference) == attribute.reference_types.is_empty() {
        found.push(Lint::ReferenceTypes { schema: of(), path: path.clone() });
    }
    for target in &attribute.reference_types {
        let is_known = matches!(&**target, "uri" | "external") || registry.by_name(target).is_some();
        if !is_known {
            found.push(Lint::UnknownTarget { of: of(), path: path.clone(), target: target.clone() });
        }
    }
    if attribute.description.is_empty() {
        found.push(Lint::Undescribed { of: of(), path: Some(path.clone()) });
    }
    for sub in &attribute.sub_attributes {
        of_attribute(registry, schema, &format!("{path}."), sub, found);
    }
}

fn of_resource_type(registry: &Registry, resource_type: &ResourceType, found: &mut Vec<Lint>) {
    let name = resource_type.name();
    if resource_type.document().description.as_deref().is_none_or(str::is_empty) {
        found.push(Lint::Undescribed { of: name.to_owned(), path: None });
    }
    for extension in resource_type.extensions() {
        let clashes =
            extension.schema.attributes().iter().filter(|own| resource_type.attribute(&own.name).is_some());
        found.extend(clashes.map(|own| Lint::Redefined {
            resource_type: name.to_owned(),
            extension: extension.schema.id().to_string(),
            attribute: own.name.clone(),
        }));
    }
    for relation in resource_type.relations() {
        let targets = match &relation.side {
            Side::Own { targets } => targets.iter().collect(),
            Side::Reverse { owner, .. } => vec![owner],
        };
        let missing = targets.into_iter().filter(|target| registry.by_name(target).is_none());
        found.extend(missing.map(|target| Lint::UnknownTarget {
            of: name.to_owned(),
            path: relation.name.clone(),
            target: target.clone(),
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(attributes: Value) -> Vec<Lint> {
        let schema = json!({"id": "urn:x", "description": "d", "attributes": attributes});
        Registry::builder().schema_json(schema).unwrap().build().unwrap().lints()
    }

    #[test]
    fn core_008_an_extension_that_redefines_an_attribute_is_linted() {
        let registry = Registry::builder()
            .schema_json(json!({"id": "urn:r", "description": "d", "attributes": [{"name": "model", "description": "d"}]}))
            .unwrap()
            .schema_json(json!({"id": "urn:e", "description": "d", "attributes": [
                {"name": "MODEL", "description": "d"}, {"name": "externalId", "description": "d"},
                {"name": "fine", "description": "d"}]}))
            .unwrap()
            .resource_type_json(json!({"name": "R", "endpoint": "/R", "schema": "urn:r", "description": "d",
                "schemaExtensions": [{"schema": "urn:e", "required": false}]}))
            .unwrap()
            .build()
            .unwrap();
        let texts: Vec<_> = registry.lints().iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "extension `urn:e` of `R` redefines the attribute `MODEL`",
                "extension `urn:e` of `R` redefines the attribute `externalId`"
            ]
        );
    }

    #[test]
    fn core_086_core_087_urns_of_rfcs_are_not_ones_own() {
        let lints = |id: &str| {
            let builder = Registry::builder().schema_json(json!({"id": id, "description": "d"})).unwrap();
            builder.build().unwrap().lints()
        };
        for id in ["urn:ietf:params:scim:schemas:core:2.0:Robot", "urn:ietf:params:scim:api:messages:2.0:Own"]
        {
            assert_eq!(lints(id), [Lint::ReservedUrn { schema: id.into() }]);
        }
        for id in ["urn:example:Robot", "urn:ietf:params:scim:schemas:core:2.0:Device", urn::ENTERPRISE_USER]
        {
            assert_eq!(lints(id), []);
        }
        assert_eq!(lints("Robot"), [Lint::NotUrn { schema: "Robot".into() }]);
    }

    #[test]
    fn core_079_core_085_core_095_attributes_are_linted() {
        let found = of(json!([
            {"name": "a", "type": "complex", "description": "d"},
            {"name": "b", "type": "reference", "description": "d"},
            {"name": "c", "referenceTypes": ["uri"], "description": "d"},
            {"name": "d", "type": "reference", "referenceTypes": ["external", "Ghost"], "description": "d"},
            {"name": "e", "type": "complex", "description": "d", "subAttributes": [{"name": "f"}]},
        ]));
        let (schema, of) = ("urn:x".to_owned(), "urn:x".to_owned());
        assert_eq!(
            found,
            [
                Lint::NoSubAttributes { schema: schema.clone(), path: "a".into() },
                Lint::ReferenceTypes { schema: schema.clone(), path: "b".into() },
                Lint::ReferenceTypes { schema, path: "c".into() },
                Lint::UnknownTarget { of: of.clone(), path: "d".into(), target: "Ghost".into() },
                Lint::Undescribed { of, path: Some("e.f".into()) },
            ]
        );
        assert!(found.iter().all(|lint| lint.to_string().contains("`urn:x`")));
    }

    #[test]
    fn core_085_relations_to_types_that_are_not_served_are_linted() {
        let registry = Registry::builder().resource_type(ResourceType::group()).build().unwrap();
        let text = "`Group`: `members` refers to resources of type `User`, which is not served";
        assert!(registry.lints().iter().any(|lint| lint.to_string() == text));
    }

    #[test]
    fn core_095_the_standard_registry_needs_no_advice() {
        assert_eq!(Registry::standard().lints(), []);
    }
}
