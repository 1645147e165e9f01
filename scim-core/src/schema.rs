//! Schema documents and attribute characteristics — RFC 7643 §2, §7.

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::name::is_attribute_name;

/// A schema: its attributes, ready to be looked up, and the document that is served for it.
///
/// ```
/// use scim_core::Schema;
/// let user = Schema::user();
/// let attribute = user.attribute("USERNAME").unwrap();
/// assert!(attribute.required && !attribute.case_exact);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    id: Arc<str>,
    name: String,
    attributes: Vec<Arc<Attribute>>,
    document: Value,
}

impl Schema {
    /// Reads a schema document and checks it: names (CORE-001), no complex attribute inside another
    /// (CORE-021), sub-attributes only in complex ones (CORE-023), no name twice.
    pub fn from_json(document: Value) -> Result<Self, SchemaError> {
        #[derive(Deserialize)]
        struct Parsed {
            id: String,
            #[serde(default)]
            name: String,
            #[serde(default)]
            attributes: Vec<Arc<Attribute>>,
        }
        let parsed =
            Parsed::deserialize(&document).map_err(|error| SchemaError::Document(error.to_string()))?;
        if parsed.id.is_empty() {
            return Err(SchemaError::Document("`id` is empty".into()));
        }
        check_names(&parsed.id, "", &parsed.attributes)?;
        for attribute in &parsed.attributes {
            check_nesting(&parsed.id, attribute)?;
        }
        Ok(Self { id: parsed.id.into(), name: parsed.name, attributes: parsed.attributes, document })
    }

    /// The `User` schema of RFC 7643 §4.1 with its errata.
    pub fn user() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| builtin(include_str!("schema/user.json")));
        Arc::clone(&SCHEMA)
    }

    /// The `Group` schema of RFC 7643 §4.2 with its errata.
    pub fn group() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| builtin(include_str!("schema/group.json")));
        Arc::clone(&SCHEMA)
    }

    /// The enterprise extension of RFC 7643 §4.3 with its errata.
    pub fn enterprise_user() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> =
            LazyLock::new(|| builtin(include_str!("schema/enterprise_user.json")));
        Arc::clone(&SCHEMA)
    }

    /// The `ServiceProviderConfig` schema of RFC 7643 §5 with its errata.
    pub fn service_provider_config() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> =
            LazyLock::new(|| builtin(include_str!("schema/service_provider_config.json")));
        Arc::clone(&SCHEMA)
    }

    /// The `ResourceType` schema of RFC 7643 §6 with its errata.
    pub fn resource_type() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> =
            LazyLock::new(|| builtin(include_str!("schema/resource_type.json")));
        Arc::clone(&SCHEMA)
    }

    /// The `Schema` schema of RFC 7643 §7 with its errata.
    #[allow(clippy::self_named_constructors, reason = "it is the schema of schemas")]
    pub fn schema() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| builtin(include_str!("schema/schema.json")));
        Arc::clone(&SCHEMA)
    }

    /// `schemas`, `id`, `externalId` and `meta`: what every resource has (RFC 7643 §3.1), in no
    /// schema that is served.
    pub(crate) fn common() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| builtin(include_str!("schema/common.json")));
        Arc::clone(&SCHEMA)
    }

    /// The URN.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The attributes, in the document's order.
    pub fn attributes(&self) -> &[Arc<Attribute>] {
        &self.attributes
    }

    /// The attribute of that name, without regard to case (CORE-002).
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        find(&self.attributes, name)
    }

    /// The document as it is served, with `meta.location` still relative.
    pub fn document(&self) -> &Value {
        &self.document
    }
}

#[allow(clippy::expect_used, reason = "the documents are part of the crate; a test reads each")]
fn builtin(text: &str) -> Arc<Schema> {
    let document = serde_json::from_str(text).expect("built-in schema is JSON");
    Arc::new(Schema::from_json(document).expect("built-in schema is sound"))
}

fn find<'a>(attributes: &'a [Arc<Attribute>], name: &str) -> Option<&'a Arc<Attribute>> {
    attributes
        .iter()
        .find(|attribute| attribute.name == name)
        .or_else(|| attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name)))
}

fn check_names(schema: &str, parent: &str, attributes: &[Arc<Attribute>]) -> Result<(), SchemaError> {
    for (at, attribute) in attributes.iter().enumerate() {
        let path = format!("{parent}{}", attribute.name);
        if !is_attribute_name(&attribute.name) {
            return Err(SchemaError::Name { schema: schema.into(), path });
        }
        if attributes[..at].iter().any(|other| other.name.eq_ignore_ascii_case(&attribute.name)) {
            return Err(SchemaError::Duplicate { schema: schema.into(), path });
        }
        check_names(schema, &format!("{path}."), &attribute.sub_attributes)?;
    }
    Ok(())
}

fn check_nesting(schema: &str, attribute: &Attribute) -> Result<(), SchemaError> {
    let path = attribute.name.clone();
    if attribute.r#type != Type::Complex && !attribute.sub_attributes.is_empty() {
        return Err(SchemaError::SimpleWithSubAttributes { schema: schema.into(), path });
    }
    // The Schema schema describes itself and is the one exception (RFC 7643 §2.3.8, §7).
    if schema == crate::urn::SCHEMA {
        return Ok(());
    }
    match attribute.sub_attributes.iter().find(|sub| sub.r#type == Type::Complex) {
        Some(sub) => Err(SchemaError::Nested { schema: schema.into(), path: format!("{path}.{}", sub.name) }),
        None => Ok(()),
    }
}

/// One attribute of a schema with its characteristics (RFC 7643 §2.2, §7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Attribute {
    /// The name, in the schema's spelling.
    pub name: String,
    /// The data type.
    #[serde(default)]
    pub r#type: Type,
    /// Whether it holds an array of values.
    #[serde(default)]
    pub multi_valued: bool,
    /// What it means, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether a value must be there.
    #[serde(default)]
    pub required: bool,
    /// Suggested values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Whether case matters when comparing.
    #[serde(default)]
    pub case_exact: bool,
    /// Who may change it, and when.
    #[serde(default)]
    pub mutability: Mutability,
    /// When it is returned.
    #[serde(default)]
    pub returned: Returned,
    /// How far its values must be unique.
    #[serde(default)]
    pub uniqueness: Uniqueness,
    /// What a reference may point at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// The sub-attributes of a complex attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Arc<Attribute>>,
}

impl Attribute {
    /// The sub-attribute of that name, without regard to case.
    pub fn sub_attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        find(&self.sub_attributes, name)
    }

    /// The `value` sub-attribute, which stands for the whole in comparisons (decision X10).
    pub fn value_sub_attribute(&self) -> Option<&Arc<Attribute>> {
        self.sub_attributes.iter().find(|sub| sub.name == "value")
    }

    /// Whether it is complex.
    pub fn is_complex(&self) -> bool {
        self.r#type == Type::Complex
    }

    /// Whether two of its strings are compared with regard to case. Binary values and references
    /// always are (RFC 7643 §2.3.6, §2.3.7).
    pub fn compares_exactly(&self) -> bool {
        self.case_exact || matches!(self.r#type, Type::Binary | Type::Reference)
    }
}

/// The data types of RFC 7643 §2.3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Type {
    /// Unicode text.
    #[default]
    String,
    /// `true` or `false`.
    Boolean,
    /// A real number.
    Decimal,
    /// A whole number of at most 64 bits.
    Integer,
    /// An `xsd:dateTime`.
    DateTime,
    /// Base64 text.
    Binary,
    /// A URI.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "a string",
            Self::Boolean => "a boolean",
            Self::Decimal => "a decimal number",
            Self::Integer => "an integer",
            Self::DateTime => "a dateTime string such as \"2008-01-23T04:56:22Z\"",
            Self::Binary => "a base64 string",
            Self::Reference => "a URI string",
            Self::Complex => "an object",
        })
    }
}

/// Who may change an attribute (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// Only the service provider.
    ReadOnly,
    /// Anyone, at any time.
    #[default]
    ReadWrite,
    /// Set once, then fixed.
    Immutable,
    /// Anyone may set it, nobody reads it.
    WriteOnly,
}

/// When an attribute is returned (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// In every answer.
    Always,
    /// In no answer.
    Never,
    /// Unless the request leaves it out.
    #[default]
    Default,
    /// Only when the request asks for it.
    Request,
}

/// How far a value must be unique (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Not at all.
    #[default]
    None,
    /// Within the endpoint and tenant.
    Server,
    /// Everywhere.
    Global,
}

/// What is wrong with a schema document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// It is no schema document.
    #[error("not a schema document: {0}")]
    Document(String),
    /// A name breaks RFC 7643 §2.1.
    #[error(
        "schema `{schema}`: `{path}` is not an attribute name (a letter, then letters, digits, `-`, `_`, `$`)"
    )]
    Name {
        /// The schema.
        schema: String,
        /// The attribute.
        path: String,
    },
    /// A name stands twice.
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_builtin_schema_is_sound() {
        for (schema, count) in [
            (Schema::user(), 21),
            (Schema::group(), 2),
            (Schema::enterprise_user(), 6),
            (Schema::service_provider_config(), 10),
            (Schema::resource_type(), 6),
            (Schema::schema(), 4),
            (Schema::common(), 4),
        ] {
            assert_eq!(schema.attributes().len(), count, "{}", schema.id());
        }
    }

    #[test]
    fn core_009_defaults() {
        let attribute: Attribute = serde_json::from_value(json!({"name": "x"})).unwrap();
        assert_eq!(attribute.r#type, Type::String);
        assert!(!attribute.required && !attribute.case_exact && !attribute.multi_valued);
        assert_eq!(attribute.mutability, Mutability::ReadWrite);
        assert_eq!(attribute.returned, Returned::Default);
        assert_eq!(attribute.uniqueness, Uniqueness::None);
    }

    #[test]
    fn core_064_x17_x19_x21_x22_corrections_are_in() {
        assert!(Schema::group().attribute("displayName").unwrap().required);
        assert!(Schema::group().attribute("members").unwrap().sub_attribute("display").is_some());
        assert!(Schema::user().attribute("addresses").unwrap().sub_attribute("primary").is_some());
        let ims = Schema::user().attribute("ims").unwrap().sub_attribute("type").unwrap().clone();
        assert!(ims.canonical_values.contains(&"other".to_owned()));
        assert!(Schema::service_provider_config().attribute("etag").is_some());
    }

    #[test]
    fn core_001_021_023_unsound_schemas_are_refused() {
        let schema = |attributes: Value| Schema::from_json(json!({"id": "urn:x", "attributes": attributes}));
        assert!(matches!(schema(json!([{"name": "1a"}])), Err(SchemaError::Name { .. })));
        assert!(matches!(schema(json!([{"name": "a"}, {"name": "A"}])), Err(SchemaError::Duplicate { .. })));
        assert!(matches!(
            schema(json!([{"name": "a", "subAttributes": [{"name": "b"}]}])),
            Err(SchemaError::SimpleWithSubAttributes { .. })
        ));
        let nested =
            json!([{"name": "a", "type": "complex", "subAttributes": [{"name": "b", "type": "complex"}]}]);
        assert!(matches!(schema(nested), Err(SchemaError::Nested { .. })));
    }
}
