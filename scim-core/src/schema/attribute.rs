//! Attributes and their characteristics — RFC 7643 §2.2, §2.3, §7.

use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::name::same_name;
use crate::wire::{keywords, or_default};

/// One attribute of a schema with its characteristics (RFC 7643 §2.2, §7).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Attribute {
    /// The name, in the schema's spelling.
    pub name: String,
    /// The data type.
    #[serde(default, deserialize_with = "or_default")]
    pub r#type: Type,
    /// Whether it holds an array of values.
    #[serde(default, deserialize_with = "or_default")]
    pub multi_valued: bool,
    /// A human-readable description.
    #[serde(default, deserialize_with = "or_default")]
    pub description: String,
    /// Whether a value is required.
    #[serde(default, deserialize_with = "or_default")]
    pub required: bool,
    /// Suggested values.
    #[serde(default, deserialize_with = "or_default")]
    pub canonical_values: Vec<String>,
    /// Whether case matters when comparing.
    #[serde(default, deserialize_with = "or_default")]
    pub case_exact: bool,
    /// Who may change it, and when.
    #[serde(default, deserialize_with = "or_default")]
    pub mutability: Mutability,
    /// When it is returned.
    #[serde(default, deserialize_with = "or_default")]
    pub returned: Returned,
    /// How far its values must be unique.
    #[serde(default, deserialize_with = "or_default")]
    pub uniqueness: Uniqueness,
    /// What a reference may point at.
    #[serde(default, deserialize_with = "or_default")]
    pub reference_types: Vec<String>,
    /// The sub-attributes of a complex attribute.
    #[serde(default, deserialize_with = "or_default")]
    pub sub_attributes: Vec<Arc<Attribute>>,
}

impl Attribute {
    /// Returns the sub-attribute with this name, ignoring case.
    pub fn sub_attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        find(&self.sub_attributes, name)
    }

    /// The `value` sub-attribute, which represents the whole attribute in comparisons.
    // decision X10
    pub fn value_sub_attribute(&self) -> Option<&Arc<Attribute>> {
        self.sub_attributes.iter().find(|sub| sub.name == "value")
    }

    /// Whether no answer ever holds it. This includes write-only attributes (RFC 7643 §7).
    pub fn is_never_returned(&self) -> bool {
        self.returned == Returned::Never || self.mutability == Mutability::WriteOnly
    }

    /// Whether a client can give it a value.
    ///
    /// A read-only attribute is not writable, and neither is one whose sub-attributes are all not writable.
    pub fn is_writable(&self) -> bool {
        let subs = &self.sub_attributes;
        self.mutability != Mutability::ReadOnly
            && (subs.is_empty() || subs.iter().any(|sub| sub.is_writable()))
    }

    /// Whether a client has to give it a value.
    ///
    /// If a required attribute is read-only, the service provider assigns it.
    ///
    /// ```
    /// use scim_core::Attribute;
    /// assert!(Attribute::string("model").required().is_required_of_clients());
    /// assert!(!Attribute::string("serial").required().read_only().is_required_of_clients());
    /// ```
    pub fn is_required_of_clients(&self) -> bool {
        self.required && self.is_writable()
    }

    /// Whether it is complex.
    pub fn is_complex(&self) -> bool {
        self.r#type == Type::Complex
    }

    /// Whether its strings are compared case-sensitively.
    ///
    /// Binary values and references always are (RFC 7643 §2.3.6, §2.3.7).
    pub fn compares_exactly(&self) -> bool {
        self.case_exact || matches!(self.r#type, Type::Binary | Type::Reference)
    }
}

/// Writes the members that RFC 7643 §8.7 writes.
///
/// `caseExact` and `uniqueness` are left out if the type does not have them (§2.3) and they have the default value.
impl Serialize for Attribute {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let has_case = matches!(self.r#type, Type::String | Type::Reference | Type::Binary);
        let has_uniqueness =
            matches!(self.r#type, Type::String | Type::Reference | Type::Integer | Type::Decimal);
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("name", &self.name)?;
        out.serialize_entry("type", &self.r#type)?;
        if !self.sub_attributes.is_empty() {
            out.serialize_entry("subAttributes", &self.sub_attributes)?;
        }
        out.serialize_entry("multiValued", &self.multi_valued)?;
        if !self.description.is_empty() {
            out.serialize_entry("description", &self.description)?;
        }
        out.serialize_entry("required", &self.required)?;
        if !self.canonical_values.is_empty() {
            out.serialize_entry("canonicalValues", &self.canonical_values)?;
        }
        if has_case || self.case_exact {
            out.serialize_entry("caseExact", &self.case_exact)?;
        }
        out.serialize_entry("mutability", &self.mutability)?;
        out.serialize_entry("returned", &self.returned)?;
        if has_uniqueness || self.uniqueness != Uniqueness::None {
            out.serialize_entry("uniqueness", &self.uniqueness)?;
        }
        if !self.reference_types.is_empty() {
            out.serialize_entry("referenceTypes", &self.reference_types)?;
        }
        out.end()
    }
}

pub(super) fn find<'a>(attributes: &'a [Arc<Attribute>], name: &str) -> Option<&'a Arc<Attribute>> {
    attributes.iter().find(|attribute| same_name(&attribute.name, name))
}

keywords! {
    /// The data types of RFC 7643 §2.3.
    #[derive(Default)]
    pub enum Type {
        /// Unicode text.
        #[default]
        String = "string",
        /// `true` or `false`.
        Boolean = "boolean",
        /// A real number.
        Decimal = "decimal",
        /// A whole number of at most 64 bits.
        Integer = "integer",
        /// An `xsd:dateTime`.
        DateTime = "dateTime",
        /// Base64 text.
        Binary = "binary",
        /// A URI.
        Reference = "reference",
        /// An object of sub-attributes.
        Complex = "complex",
    }
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

keywords! {
    /// Who may change an attribute (RFC 7643 §7).
    #[derive(Default)]
    pub enum Mutability {
        /// Only the service provider.
        ReadOnly = "readOnly",
        /// Anyone, at any time.
        #[default]
        ReadWrite = "readWrite",
        /// Set once, then fixed.
        Immutable = "immutable",
        /// Anyone may set it. No answer returns it.
        WriteOnly = "writeOnly",
    }
}

keywords! {
    /// When an attribute is returned (RFC 7643 §7).
    #[derive(Default)]
    pub enum Returned {
        /// In every answer.
        Always = "always",
        /// In no answer.
        Never = "never",
        /// Unless the request leaves it out.
        #[default]
        Default = "default",
        /// Only when the request asks for it.
        Request = "request",
    }
}

keywords! {
    /// How far a value must be unique (RFC 7643 §7).
    #[derive(Default)]
    pub enum Uniqueness {
        /// Not at all.
        #[default]
        None = "none",
        /// Within the endpoint and tenant.
        Server = "server",
        /// Everywhere.
        Global = "global",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn core_009_defaults() {
        for body in [json!({"name": "x"}), json!({"name": "x", "required": null, "subAttributes": null})] {
            let attribute: Attribute = serde_json::from_value(body).unwrap();
            assert_eq!(attribute.r#type, Type::String);
            assert!(!attribute.required && !attribute.case_exact && !attribute.multi_valued);
            assert_eq!(attribute.mutability, Mutability::ReadWrite);
            assert_eq!(attribute.returned, Returned::Default);
            assert_eq!(attribute.uniqueness, Uniqueness::None);
            assert!(attribute.canonical_values.is_empty());
        }
    }

    #[test]
    fn core_010_core_078_keywords_in_any_case_and_no_others() {
        let read = |body| serde_json::from_value::<Attribute>(body);
        let attribute = read(json!({"name": "x", "type": "DateTime", "mutability": "readonly"})).unwrap();
        assert_eq!((attribute.r#type, attribute.mutability), (Type::DateTime, Mutability::ReadOnly));
        let error = read(json!({"name": "x", "type": "uuid"})).unwrap_err().to_string();
        assert!(error.contains("`dateTime`") && error.contains("found `uuid`"), "{error}");
    }

    #[test]
    fn core_078_only_characteristics_that_a_type_has_are_written() {
        let written = |kind: &str| {
            let attribute: Attribute = serde_json::from_value(json!({"name": "x", "type": kind})).unwrap();
            let written = serde_json::to_value(attribute).unwrap();
            (written.get("caseExact").is_some(), written.get("uniqueness").is_some())
        };
        assert_eq!(written("string"), (true, true));
        assert_eq!(written("boolean"), (false, false));
        assert_eq!(written("binary"), (true, false));
        assert_eq!(written("complex"), (false, false));
    }
}
