//! Schema documents and attribute characteristics — RFC 7643 §2, §7.

mod attribute;
mod check;
mod describe;

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use attribute::{Attribute, Mutability, Returned, Type, Uniqueness};
pub use check::SchemaError;
pub use describe::{DescribeSchema, SchemaBuilder};

use crate::wire::or_default;

/// A schema: its attributes, ready for lookup, and the document that is served for it.
///
/// It is read from a document ([`Schema::from_json`], or serde) or described in Rust ([`Schema::describe`]). It is
/// written as its document, which keeps members that this crate does not know.
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
    /// Reads a schema document and checks it.
    ///
    /// Names must be legal and unique. Only complex attributes have sub-attributes, and none of these is complex. The
    /// error lists everything that is wrong.
    ///
    /// # Errors
    ///
    /// [`SchemaError`]. Several errors become one [`SchemaError::Several`].
    // CORE-001, CORE-021, CORE-023
    pub fn from_json(document: Value) -> Result<Self, SchemaError> {
        #[derive(Deserialize)]
        struct Parsed {
            id: String,
            #[serde(default, deserialize_with = "or_default")]
            name: String,
            #[serde(default, deserialize_with = "or_default")]
            attributes: Vec<Arc<Attribute>>,
        }
        let parsed = Parsed::deserialize(&document).map_err(|error| check::explain(&document, &error))?;
        if parsed.id.is_empty() {
            return Err(SchemaError::Document("`id` is empty".into()));
        }
        check::check(&parsed.id, &parsed.attributes)?;
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

    /// The attributes that every resource has: `schemas`, `id`, `externalId` and `meta` (RFC 7643 §3.1).
    ///
    /// This schema is not served.
    pub(crate) fn common() -> Arc<Self> {
        static SCHEMA: LazyLock<Arc<Schema>> = LazyLock::new(|| builtin(include_str!("schema/common.json")));
        Arc::clone(&SCHEMA)
    }

    /// The URN.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The human-readable name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The attributes, in the document's order.
    pub fn attributes(&self) -> &[Arc<Attribute>] {
        &self.attributes
    }

    /// Returns the attribute with this name, ignoring case.
    // CORE-002
    pub fn attribute(&self, name: &str) -> Option<&Arc<Attribute>> {
        attribute::find(&self.attributes, name)
    }

    /// Returns a copy without the attributes that `others` has. The served document stays whole.
    pub(crate) fn without(&self, others: &Self) -> Self {
        let mut rest = self.clone();
        rest.attributes.retain(|attribute| others.attribute(&attribute.name).is_none());
        rest
    }

    /// The document as it is served, except that `meta.location` is still relative.
    pub fn document(&self) -> &Value {
        &self.document
    }
}

#[allow(clippy::expect_used, reason = "the documents are part of the crate; a test reads each")]
fn builtin(text: &str) -> Arc<Schema> {
    let document = serde_json::from_str(text).expect("built-in schema is JSON");
    Arc::new(Schema::from_json(document).expect("built-in schema is sound"))
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.document.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
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
    fn core_064_x17_x19_x21_x22_corrections_are_in() {
        assert!(Schema::group().attribute("displayName").unwrap().required);
        assert!(Schema::group().attribute("members").unwrap().sub_attribute("display").is_some());
        assert!(Schema::user().attribute("addresses").unwrap().sub_attribute("primary").is_some());
        let ims = Schema::user().attribute("ims").unwrap().sub_attribute("type").unwrap().clone();
        assert!(ims.canonical_values.contains(&"other".to_owned()));
        assert!(Schema::service_provider_config().attribute("etag").is_some());
    }

    #[test]
    fn core_078_documents_survive_with_what_is_unknown() {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": "urn:x", "name": null,
            "attributes": [{"name": "a", "vendor": 1}], "meta": {"location": "/x"}, "vendor": {"b": 2},
        });
        let schema: Schema = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(serde_json::to_value(&schema).unwrap(), body);
        assert!(serde_json::from_value::<Schema>(json!({"id": ""})).is_err());
    }
}
