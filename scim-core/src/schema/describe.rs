//! Schemas written in Rust.

use std::sync::Arc;

use serde_json::{Value, json};

use super::attribute::{Attribute, Mutability, Returned, Type, Uniqueness};
use super::{Schema, SchemaError};
use crate::typed::EnterpriseUser;
use crate::urn;

/// A Rust type that describes its schema, so that a service provider can serve it.
///
/// There is no derive macro. serde's attributes say how a field is written, but nothing about mutability, uniqueness,
/// what is returned, or descriptions for people. A derive macro would need its own attribute for each of these and save
/// only the names. It would also cost a crate of its own and `syn` in every build. The compiler and
/// [`SchemaBuilder::build`] check a schema that is written as code.
///
/// ```
/// use scim_core::{Attribute, DescribeSchema, ExtensionType, Registry, Schema, SchemaError, ScimResource};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Robot {
///     id: Option<String>,
///     model: String,
/// }
///
/// impl ScimResource for Robot {
///     const SCHEMA: &'static str = "urn:example:params:scim:schemas:Robot";
///     const ENDPOINT: &'static str = "/Robots";
///     fn id(&self) -> Option<&str> {
///         self.id.as_deref()
///     }
/// }
///
/// impl DescribeSchema for Robot {
///     fn describe_schema() -> Result<Schema, SchemaError> {
///         Schema::describe(Self::SCHEMA, "Robot")
///             .description("A robot")
///             .attribute(Attribute::string("model").description("The model").required().immutable())
///             .build()
///     }
/// }
///
/// #[derive(Serialize, Deserialize)]
/// struct Warranty {
///     until: String,
/// }
///
/// impl ExtensionType for Warranty {
///     const SCHEMA: &'static str = "urn:example:params:scim:schemas:extension:Warranty";
/// }
///
/// impl DescribeSchema for Warranty {
///     fn describe_schema() -> Result<Schema, SchemaError> {
///         let until = Attribute::date_time("until").description("The last day").required();
///         Schema::describe(Self::SCHEMA, "Warranty").description("A warranty").attribute(until).build()
///     }
/// }
///
/// let registry = Registry::builder().resource::<Robot>()?.extension::<Robot, Warranty>(true)?.build()?;
/// assert!(registry.by_name("Robot").unwrap().extensions()[0].required);
/// assert!(registry.lints().is_empty());
/// # Ok::<(), scim_core::RegistryError>(())
/// ```
pub trait DescribeSchema {
    /// Returns the schema of the type.
    ///
    /// Its `id` is the type's URN. Its name becomes the name of a resource type.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] if the description is invalid.
    fn describe_schema() -> Result<Schema, SchemaError>;
}

impl DescribeSchema for EnterpriseUser {
    fn describe_schema() -> Result<Schema, SchemaError> {
        Ok(Schema::clone(&Schema::enterprise_user()))
    }
}

impl Schema {
    /// Begins a schema written in Rust, with its URN and its human-readable name.
    pub fn describe(id: impl Into<String>, name: impl Into<String>) -> SchemaBuilder {
        SchemaBuilder { id: id.into(), name: name.into(), description: None, attributes: Vec::new() }
    }
}

/// Builds a [`Schema`]. Begun by [`Schema::describe`].
#[derive(Clone, Debug)]
pub struct SchemaBuilder {
    id: String,
    name: String,
    description: Option<String>,
    attributes: Vec<Attribute>,
}

impl SchemaBuilder {
    /// Sets the human-readable description.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, attribute: Attribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Adds attributes.
    #[must_use]
    pub fn attributes(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.attributes.extend(attributes);
        self
    }

    /// Writes the document and checks it as [`Schema::from_json`] does.
    ///
    /// # Errors
    ///
    /// As for [`Schema::from_json`].
    pub fn build(self) -> Result<Schema, SchemaError> {
        let attributes = serde_json::to_value(self.attributes)
            .map_err(|error| SchemaError::Document(error.to_string()))?;
        let mut document =
            json!({"schemas": [urn::SCHEMA], "id": self.id, "name": self.name, "attributes": attributes});
        if let Some(text) = self.description {
            document["description"] = Value::String(text);
        }
        Schema::from_json(document)
    }
}

/// Constructors for attributes in Rust. Each sets a type and otherwise the defaults of RFC 7643 §2.2.
///
/// ```
/// use scim_core::{Attribute, Returned, Uniqueness};
/// let serial = Attribute::string("serialNumber")
///     .description("What is engraved")
///     .required()
///     .case_exact()
///     .uniqueness(Uniqueness::Server)
///     .immutable();
/// let parts = Attribute::complex("parts", [
///     Attribute::string("value"),
///     Attribute::string("type").canonical_values(["arm", "leg"]),
///     Attribute::boolean("primary"),
/// ])
/// .multi_valued()
/// .returned(Returned::Request);
/// assert!(serial.required && parts.sub_attribute("type").is_some());
/// ```
impl Attribute {
    /// Makes an attribute for Unicode text.
    pub fn string(name: impl Into<String>) -> Self {
        Self::of_type(Type::String, name)
    }

    /// Makes an attribute for `true` or `false`.
    pub fn boolean(name: impl Into<String>) -> Self {
        Self::of_type(Type::Boolean, name)
    }

    /// Makes an attribute for a real number.
    pub fn decimal(name: impl Into<String>) -> Self {
        Self::of_type(Type::Decimal, name)
    }

    /// Makes an attribute for a whole number of at most 64 bits.
    pub fn integer(name: impl Into<String>) -> Self {
        Self::of_type(Type::Integer, name)
    }

    /// Makes an attribute for an `xsd:dateTime`.
    pub fn date_time(name: impl Into<String>) -> Self {
        Self::of_type(Type::DateTime, name)
    }

    /// Makes an attribute for base64 text, which is case-exact (RFC 7643 §2.3.6).
    pub fn binary(name: impl Into<String>) -> Self {
        Self::of_type(Type::Binary, name).case_exact()
    }

    /// Makes an attribute for a URI, which is case-exact (RFC 7643 §2.3.7).
    ///
    /// `types` holds names of resource types, `external` or `uri`.
    pub fn reference<I>(name: impl Into<String>, types: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        let reference_types = types.into_iter().map(Into::into).collect();
        Self { reference_types, ..Self::of_type(Type::Reference, name).case_exact() }
    }

    /// Makes an attribute for an object with these sub-attributes.
    pub fn complex(name: impl Into<String>, sub_attributes: impl IntoIterator<Item = Self>) -> Self {
        let sub_attributes = sub_attributes.into_iter().map(Arc::new).collect();
        Self { sub_attributes, ..Self::of_type(Type::Complex, name) }
    }

    /// Makes the attribute multi-valued.
    #[must_use]
    pub fn multi_valued(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    /// Sets the human-readable description.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// Makes the attribute required.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Sets the canonical values, which are suggestions and not limits.
    #[must_use]
    pub fn canonical_values<I: IntoIterator<Item: Into<String>>>(mut self, values: I) -> Self {
        self.canonical_values = values.into_iter().map(Into::into).collect();
        self
    }

    /// Makes comparisons case-sensitive.
    #[must_use]
    pub fn case_exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    /// Sets the mutability.
    #[must_use]
    pub fn mutability(mut self, mutability: Mutability) -> Self {
        self.mutability = mutability;
        self
    }

    /// Makes the attribute read-only: only the service provider changes it.
    #[must_use]
    pub fn read_only(self) -> Self {
        self.mutability(Mutability::ReadOnly)
    }

    /// Makes the attribute immutable: it can be set once.
    #[must_use]
    pub fn immutable(self) -> Self {
        self.mutability(Mutability::Immutable)
    }

    /// Makes the attribute write-only and therefore never returned (RFC 7643 §7).
    #[must_use]
    pub fn write_only(self) -> Self {
        self.mutability(Mutability::WriteOnly).returned(Returned::Never)
    }

    /// Sets when the attribute is returned.
    #[must_use]
    pub fn returned(mut self, returned: Returned) -> Self {
        self.returned = returned;
        self
    }

    /// Sets the scope within which values are unique.
    #[must_use]
    pub fn uniqueness(mut self, uniqueness: Uniqueness) -> Self {
        self.uniqueness = uniqueness;
        self
    }

    fn of_type(r#type: Type, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            r#type,
            multi_valued: false,
            description: String::new(),
            required: false,
            canonical_values: Vec::new(),
            case_exact: false,
            mutability: Mutability::default(),
            returned: Returned::default(),
            uniqueness: Uniqueness::default(),
            reference_types: Vec::new(),
            sub_attributes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_078_a_described_schema_is_read_back_equal() {
        let described = Schema::describe("urn:example:Robot", "Robot")
            .description("A robot")
            .attributes([
                Attribute::string("model").description("m").required().canonical_values(["r2"]).case_exact(),
                Attribute::boolean("armed").read_only(),
                Attribute::decimal("mass").returned(Returned::Always),
                Attribute::integer("serial").uniqueness(Uniqueness::Global).immutable(),
                Attribute::date_time("built").returned(Returned::Request),
                Attribute::binary("key").write_only(),
                Attribute::reference("owner", ["User", "external"]),
                Attribute::complex("parts", [Attribute::string("value"), Attribute::boolean("primary")])
                    .multi_valued(),
            ])
            .build()
            .unwrap();
        let text = serde_json::to_string(&described).unwrap();
        let read: Schema = serde_json::from_str(&text).unwrap();
        assert_eq!(read, described);
        assert_eq!(read.document()["description"], "A robot");
        assert_eq!(read.attribute("key").unwrap().returned, Returned::Never);
        assert!(read.attribute("owner").unwrap().case_exact);
    }

    #[test]
    fn core_067_core_078_a_description_can_say_all_that_the_document_says() {
        let text = |name: &str| Attribute::string(name);
        let described = Schema::describe(urn::ENTERPRISE_USER, "EnterpriseUser")
            .attributes(["employeeNumber", "costCenter", "organization", "division", "department"].map(text))
            .attribute(Attribute::complex(
                "manager",
                [text("value"), Attribute::reference("$ref", ["User"]), text("displayName").read_only()],
            ))
            .build()
            .unwrap();
        let bare = |schema: &Schema| schema.attributes().iter().map(without_descriptions).collect::<Vec<_>>();
        assert_eq!(bare(&described), bare(&Schema::enterprise_user()));
        assert_eq!(EnterpriseUser::describe_schema().as_ref(), Ok(&*Schema::enterprise_user()));
    }

    #[test]
    fn core_078_the_attributes_of_every_builtin_schema_are_written_as_the_document_has_them() {
        for schema in [Schema::user(), Schema::group(), Schema::enterprise_user()] {
            for (attribute, original) in
                schema.attributes().iter().zip(schema.document()["attributes"].as_array().unwrap())
            {
                let written = serde_json::to_value(attribute).unwrap();
                for (key, value) in written.as_object().unwrap() {
                    assert!(
                        original.get(key).is_none_or(|original| original == value || key == "subAttributes")
                    );
                }
            }
        }
    }

    #[test]
    fn core_001_core_021_core_023_a_description_is_checked() {
        let build = |attribute| Schema::describe("urn:x", "X").attribute(attribute).build();
        assert!(matches!(build(Attribute::string("a b")), Err(SchemaError::Name { .. })));
        let nested = Attribute::complex("a", [Attribute::complex("b", [])]);
        assert!(matches!(build(nested), Err(SchemaError::Nested { .. })));
        assert!(Schema::describe("", "X").build().is_err());
    }

    fn without_descriptions(attribute: &Arc<Attribute>) -> Attribute {
        let sub_attributes =
            attribute.sub_attributes.iter().map(|sub| Arc::new(without_descriptions(sub))).collect();
        Attribute { description: String::new(), sub_attributes, ..Attribute::clone(attribute) }
    }
}
