//! Checks of schema documents, and their errors.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::attribute::{Attribute, Type};
use crate::name::is_attribute_name;
use crate::urn;

/// What is wrong with a schema document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The document is not a schema document.
    #[error("not a schema document: {0}")]
    Document(String),
    /// An attribute's definition cannot be read.
    #[error("schema `{schema}`: attribute `{path}`: {what}")]
    Attribute {
        /// The schema.
        schema: String,
        /// The attribute.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// A name violates RFC 7643 §2.1.
    #[error(
        "schema `{schema}`: `{path}` is not an attribute name (a letter, then letters, digits, `-`, `_`, `$`)"
    )]
    Name {
        /// The schema.
        schema: String,
        /// The attribute.
        path: String,
    },
    /// A name is used twice.
    #[error("schema `{schema}`: attribute `{path}` is defined twice")]
    Duplicate {
        /// The schema.
        schema: String,
        /// The attribute.
        path: String,
    },
    /// A complex attribute inside a complex attribute.
    #[error("schema `{schema}`: `{path}` is complex inside a complex attribute (RFC 7643 section 2.3.8)")]
    Nested {
        /// The schema.
        schema: String,
        /// The attribute.
        path: String,
    },
    /// Sub-attributes in an attribute that is not complex.
    #[error("schema `{schema}`: `{path}` has sub-attributes but is not complex")]
    SimpleWithSubAttributes {
        /// The schema.
        schema: String,
        /// The attribute.
        path: String,
    },
    /// More than one thing is wrong.
    #[error("{}", crate::wire::sentence(.0))]
    Several(Vec<SchemaError>),
}

/// Checks the attributes of a schema and reports everything that is wrong with them.
pub(super) fn check(schema: &str, attributes: &[Arc<Attribute>]) -> Result<(), SchemaError> {
    let mut faults = Vec::new();
    check_names(schema, "", attributes, &mut faults);
    check_nesting(schema, attributes, &mut faults);
    all(faults).map_or(Ok(()), Err)
}

/// Names the attributes that serde cannot read, or repeats serde's error if there are none.
pub(super) fn explain(document: &Value, error: &serde_json::Error) -> SchemaError {
    let schema = document["id"].as_str().unwrap_or_default();
    let mut faults = Vec::new();
    if let Some(attributes) = document["attributes"].as_array() {
        check_definitions(schema, "", attributes, &mut faults);
    }
    all(faults).unwrap_or_else(|| SchemaError::Document(error.to_string()))
}

fn all(mut faults: Vec<SchemaError>) -> Option<SchemaError> {
    if faults.len() > 1 { Some(SchemaError::Several(faults)) } else { faults.pop() }
}

fn check_definitions(schema: &str, parent: &str, attributes: &[Value], faults: &mut Vec<SchemaError>) {
    for (at, attribute) in attributes.iter().enumerate() {
        let path = match attribute["name"].as_str() {
            Some(name) => format!("{parent}{name}"),
            None => format!("{parent}{at}"),
        };
        let before = faults.len();
        if let Some(subs) = attribute["subAttributes"].as_array() {
            check_definitions(schema, &format!("{path}."), subs, faults);
        }
        // An error in a sub-attribute makes its parents unreadable too: report it once.
        if faults.len() == before
            && let Err(error) = Attribute::deserialize(attribute)
        {
            faults.push(SchemaError::Attribute { schema: schema.into(), path, what: error.to_string() });
        }
    }
}

fn check_names(schema: &str, parent: &str, attributes: &[Arc<Attribute>], faults: &mut Vec<SchemaError>) {
    for (at, attribute) in attributes.iter().enumerate() {
        let path = format!("{parent}{}", attribute.name);
        check_names(schema, &format!("{path}."), &attribute.sub_attributes, faults);
        if !is_attribute_name(&attribute.name) {
            faults.push(SchemaError::Name { schema: schema.into(), path });
        } else if attributes[..at].iter().any(|other| other.name.eq_ignore_ascii_case(&attribute.name)) {
            faults.push(SchemaError::Duplicate { schema: schema.into(), path });
        }
    }
}

fn check_nesting(schema: &str, attributes: &[Arc<Attribute>], faults: &mut Vec<SchemaError>) {
    for attribute in attributes {
        if attribute.r#type != Type::Complex && !attribute.sub_attributes.is_empty() {
            let path = attribute.name.clone();
            faults.push(SchemaError::SimpleWithSubAttributes { schema: schema.into(), path });
        }
        // The Schema schema describes itself, so it is the one exception (RFC 7643 §2.3.8, §7).
        if schema == urn::SCHEMA {
            continue;
        }
        for sub in attribute.sub_attributes.iter().filter(|sub| sub.r#type == Type::Complex) {
            let path = format!("{}.{}", attribute.name, sub.name);
            faults.push(SchemaError::Nested { schema: schema.into(), path });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Schema;
    use super::*;
    use serde_json::json;

    fn refusal(attributes: Value) -> SchemaError {
        Schema::from_json(json!({"id": "urn:x", "attributes": attributes})).unwrap_err()
    }

    #[test]
    fn core_001_core_021_core_023_unsound_schemas_are_refused() {
        assert!(matches!(refusal(json!([{"name": "1a"}])), SchemaError::Name { .. }));
        assert!(matches!(refusal(json!([{"name": "a"}, {"name": "A"}])), SchemaError::Duplicate { .. }));
        assert!(matches!(
            refusal(json!([{"name": "a", "subAttributes": [{"name": "b"}]}])),
            SchemaError::SimpleWithSubAttributes { .. }
        ));
        let nested =
            json!([{"name": "a", "type": "complex", "subAttributes": [{"name": "b", "type": "complex"}]}]);
        assert!(matches!(refusal(nested), SchemaError::Nested { .. }));
    }

    #[test]
    fn core_010_an_attribute_that_cannot_be_read_is_named() {
        let sub = json!({"name": "b", "type": "complex", "subAttributes": [{"name": "c", "type": "uuid"}]});
        let error = refusal(json!([{"name": "a"}, sub]));
        assert!(matches!(&error, SchemaError::Attribute { path, .. } if path == "b.c"), "{error}");
        assert!(error.to_string().contains("`uuid`"));
        let error = refusal(json!([{"name": "a", "required": "yes"}, {"type": "string"}]));
        assert!(matches!(&error, SchemaError::Several(faults) if faults.len() == 2), "{error}");
        assert!(error.to_string().contains("`a`") && error.to_string().contains("`1`"), "{error}");
    }

    #[test]
    fn core_001_core_023_everything_that_is_wrong_is_said_at_once() {
        let error = refusal(
            json!([{"name": "1a"}, {"name": "b"}, {"name": "B", "subAttributes": [{"name": "c d"}]}]),
        );
        let text = error.to_string();
        for fault in ["`1a`", "`B.c d`", "attribute `B` is defined twice", "`B` has sub-attributes"] {
            assert!(text.contains(fault), "{fault}: {text}");
        }
        assert!(Schema::from_json(json!({"attributes": []})).is_err());
        assert!(Schema::from_json(json!({"id": ""})).is_err());
        assert!(Schema::from_json(json!([])).is_err());
    }
}
