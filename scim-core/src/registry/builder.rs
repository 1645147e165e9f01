//! Building a registry.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::Registry;
use crate::message::ResourceTypeDocument;
use crate::resource_type::{ResourceType, ResourceTypeError};
use crate::schema::{DescribeSchema, Schema, SchemaError};
use crate::typed::{ExtensionType, ScimResource};
use crate::unique::UniqueProfile;

/// The endpoints that the protocol reserves (RFC 7644 §3.2).
const RESERVED: &[&str] =
    &["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Bulk", "/Me", "/.search"];

/// Builds a [`Registry`] from documents, Rust types and ready-made resource types.
///
/// ```
/// use scim_core::Registry;
/// use serde_json::json;
/// let error = Registry::builder()
///     .schema_json(json!({"id": "urn:example:Robot", "attributes": [{"name": "model"}]}))?
///     .resource_type_json(json!({"name": "Robot", "endpoint": "/Robots", "schema": "urn:example:Rowboat"}))?
///     .build()
///     .unwrap_err();
/// assert!(error.to_string().contains("names schema `urn:example:Rowboat`"));
/// # Ok::<(), scim_core::RegistryError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RegistryBuilder {
    schemas: Vec<Arc<Schema>>,
    resource_types: Vec<Arc<ResourceType>>,
    documents: Vec<ResourceTypeDocument>,
    unique_profile: Option<UniqueProfile>,
}

impl RegistryBuilder {
    /// Adds a schema document.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Schema`], as for [`Schema::from_json`].
    pub fn schema_json(mut self, document: Value) -> Result<Self, RegistryError> {
        self.schemas.push(Arc::new(Schema::from_json(document)?));
        Ok(self)
    }

    /// Adds a schema.
    #[must_use]
    pub fn schema(mut self, schema: Arc<Schema>) -> Self {
        self.add(&schema);
        self
    }

    /// Adds a resource type document. Its schemas must be added too, in any order.
    #[must_use]
    pub fn resource_type_document(mut self, document: ResourceTypeDocument) -> Self {
        self.documents.push(document);
        self
    }

    /// Reads and adds a resource type document.
    ///
    /// # Errors
    ///
    /// [`RegistryError::Document`] if the document does not describe a resource type.
    pub fn resource_type_json(self, document: Value) -> Result<Self, RegistryError> {
        let document = ResourceTypeDocument::deserialize(&document).map_err(|error| {
            let name = document["name"].as_str().unwrap_or("without a name").to_owned();
            RegistryError::Document { name, what: error.to_string() }
        })?;
        Ok(self.resource_type_document(document))
    }

    /// Adds a resource type and its schemas.
    #[must_use]
    pub fn resource_type(mut self, resource_type: Arc<ResourceType>) -> Self {
        let extensions = resource_type.extensions().iter().map(|extension| &extension.schema);
        for schema in std::iter::once(resource_type.schema()).chain(extensions) {
            self.add(schema);
        }
        self.resource_types.push(resource_type);
        self
    }

    /// Adds the resource type that a Rust type describes, named like its schema.
    ///
    /// All its attributes are stored in the document. For a type with relations, build the [`ResourceType`] and add it
    /// with [`RegistryBuilder::resource_type`].
    ///
    /// # Errors
    ///
    /// [`RegistryError::Schema`] if the description is invalid, and [`RegistryError::Described`] if it describes
    /// another schema. [`build`](Self::build) reports a name or endpoint that cannot be used.
    pub fn resource<R: ScimResource + DescribeSchema>(mut self) -> Result<Self, RegistryError> {
        let schema = described::<R>(R::SCHEMA)?;
        self.add(&schema);
        let mut document = ResourceTypeDocument::new(schema.name(), R::ENDPOINT, R::SCHEMA);
        document.description = schema.document()["description"].as_str().map(str::to_owned);
        self.documents.push(document);
        Ok(self)
    }

    /// Adds the extension that `E` describes to the resource type of `R`, which must have been added.
    ///
    /// ```
    /// use scim_core::{EnterpriseUser, Group, Registry, ResourceType, User};
    /// let registry = Registry::builder()
    ///     .resource_type(ResourceType::group())
    ///     .extension::<Group, EnterpriseUser>(false)?
    ///     .build()?;
    /// assert_eq!(registry.resource_types()[0].extensions().len(), 1);
    /// # Ok::<(), scim_core::RegistryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RegistryError::NoResourceType`] if the type of `R` was not added, [`RegistryError::ResourceType`] if a
    /// ready-made type already has the extension, and the errors of [`resource`](Self::resource).
    pub fn extension<R, E>(mut self, required: bool) -> Result<Self, RegistryError>
    where
        R: ScimResource,
        E: ExtensionType + DescribeSchema,
    {
        let schema = described::<E>(E::SCHEMA)?;
        if let Some(document) = self.documents.iter_mut().find(|document| document.endpoint == R::ENDPOINT) {
            *document = document.clone().extension(E::SCHEMA, required);
        } else {
            let found = self.resource_types.iter_mut().find(|found| found.endpoint() == R::ENDPOINT);
            let found = found.ok_or(RegistryError::NoResourceType { endpoint: R::ENDPOINT.to_owned() })?;
            *found = Arc::new(found.with_extension(Arc::clone(&schema), required)?);
        }
        self.add(&schema);
        Ok(self)
    }

    /// Sets the rules for values of unique attributes of all resource types, such as `userName`.
    #[must_use]
    pub fn unique_profile(mut self, profile: UniqueProfile) -> Self {
        self.unique_profile = Some(profile);
        self
    }

    /// Checks the registry and builds it.
    ///
    /// No id, name or endpoint may be used twice, no endpoint may be reserved by the protocol, and every URN must be
    /// the id of a schema that was added.
    ///
    /// # Errors
    ///
    /// [`RegistryError`]. Several errors become one [`RegistryError::Several`].
    pub fn build(self) -> Result<Registry, RegistryError> {
        let Self { schemas, mut resource_types, documents, unique_profile } = self;
        let mut faults = Vec::new();
        for document in documents {
            let dangling = dangling(&document, &schemas);
            if !dangling.is_empty() {
                faults.extend(dangling.into_iter().map(RegistryError::from));
                continue;
            }
            let builder = schemas
                .iter()
                .fold(ResourceType::builder(document), |builder, schema| builder.schema(Arc::clone(schema)));
            match builder.build() {
                Ok(resource_type) => resource_types.push(Arc::new(resource_type)),
                Err(error) => faults.push(error.into()),
            }
        }
        let ids = schemas.iter().map(|schema| schema.id().to_ascii_lowercase());
        twice("schema", ids.zip(schemas.iter().map(|schema| &**schema.id())), &mut faults);
        let names = resource_types.iter().map(|known| (known.name().to_ascii_lowercase(), known.name()));
        twice("resource type", names, &mut faults);
        let endpoints = resource_types.iter().map(|known| (known.endpoint().to_owned(), known.endpoint()));
        twice("endpoint", endpoints, &mut faults);
        for resource_type in &resource_types {
            if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(resource_type.endpoint())) {
                let name = resource_type.name().to_owned();
                faults.push(RegistryError::Reserved { name, endpoint: resource_type.endpoint().to_owned() });
            }
        }
        if let Some(profile) = unique_profile {
            for resource_type in &mut resource_types {
                *resource_type = Arc::new(resource_type.with_unique_profile(profile));
            }
        }
        match faults.len() {
            0 => Ok(Registry { schemas, resource_types }),
            1 => Err(faults.remove(0)),
            _ => Err(RegistryError::Several(faults)),
        }
    }

    /// Adds a schema unless it is already there. `build` reports a different schema with the same id.
    fn add(&mut self, schema: &Arc<Schema>) {
        if !self.schemas.contains(schema) {
            self.schemas.push(Arc::clone(schema));
        }
    }
}

fn described<T: DescribeSchema>(urn: &str) -> Result<Arc<Schema>, RegistryError> {
    let schema = T::describe_schema()?;
    if **schema.id() == *urn {
        Ok(Arc::new(schema))
    } else {
        Err(RegistryError::Described { urn: urn.to_owned(), described: schema.id().to_string() })
    }
}

fn dangling(document: &ResourceTypeDocument, schemas: &[Arc<Schema>]) -> Vec<ResourceTypeError> {
    let extensions = document.schema_extensions.iter().map(|extension| &extension.schema);
    std::iter::once(&document.schema)
        .chain(extensions)
        .filter(|urn| !schemas.iter().any(|schema| schema.id().eq_ignore_ascii_case(urn)))
        .map(|urn| ResourceTypeError::UnknownSchema { name: document.name.clone(), urn: urn.clone() })
        .collect()
}

fn twice<'a>(
    what: &'static str,
    keys: impl Iterator<Item = (String, &'a str)>,
    faults: &mut Vec<RegistryError>,
) {
    let mut seen = std::collections::HashSet::new();
    for (key, text) in keys {
        if !seen.insert(key) {
            faults.push(RegistryError::Duplicate { what, text: text.to_owned() });
        }
    }
}

/// What is wrong with a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// A schema document is invalid.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A resource type is invalid.
    #[error(transparent)]
    ResourceType(#[from] ResourceTypeError),
    /// A document does not describe a resource type.
    #[error("not a resource type document (`{name}`): {what}")]
    Document {
        /// The resource type.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// An id, name or endpoint is used twice.
    #[error("the {what} `{text}` is defined twice")]
    Duplicate {
        /// What is used twice.
        what: &'static str,
        /// Its id, name or endpoint.
        text: String,
    },
    /// The protocol reserves the endpoint.
    #[error("resource type `{name}`: endpoint `{endpoint}` belongs to the protocol")]
    Reserved {
        /// The resource type.
        name: String,
        /// Its endpoint.
        endpoint: String,
    },
    /// A Rust type describes the schema of another type.
    #[error("the Rust type of schema `{urn}` describes schema `{described}`")]
    Described {
        /// The URN that the type names.
        urn: String,
        /// The URN of the schema that it describes.
        described: String,
    },
    /// An extension belongs to a resource type that was not added.
    #[error("there is no resource type at `{endpoint}` to be extended")]
    NoResourceType {
        /// The endpoint.
        endpoint: String,
    },
    /// More than one thing is wrong.
    #[error("{}", crate::wire::sentence(.0))]
    Several(Vec<RegistryError>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Attribute;
    use crate::typed::{EnterpriseUser, Group, User};
    use crate::urn;
    use serde_json::json;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Robot;

    impl ScimResource for Robot {
        const SCHEMA: &'static str = "urn:example:Robot";
        const ENDPOINT: &'static str = "/Robots";

        fn id(&self) -> Option<&str> {
            None
        }
    }

    impl DescribeSchema for Robot {
        fn describe_schema() -> Result<Schema, SchemaError> {
            let model = Attribute::string("model").required();
            Schema::describe(Self::SCHEMA, "Robot").description("A robot").attribute(model).build()
        }
    }

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Liar;

    impl ExtensionType for Liar {
        const SCHEMA: &'static str = "urn:example:Liar";
    }

    impl DescribeSchema for Liar {
        fn describe_schema() -> Result<Schema, SchemaError> {
            Robot::describe_schema()
        }
    }

    fn robots() -> RegistryBuilder {
        Registry::builder()
            .resource_type_json(json!({"name": "Robot", "endpoint": "/Robots", "schema": "urn:r"}))
            .unwrap()
            .schema_json(json!({"id": "urn:r", "attributes": [{"name": "model", "required": true}]}))
            .unwrap()
    }

    #[test]
    fn core_073_core_074_a_registry_from_documents() {
        assert!(robots().build().unwrap().by_endpoint("/Robots").is_some());
        let error = Registry::builder().resource_type_json(json!({"name": "Robot"})).unwrap_err();
        assert_eq!(error.to_string(), "not a resource type document (`Robot`): missing field `endpoint`");
    }

    #[test]
    fn core_031_a_registry_from_rust_types() {
        let registry = Registry::builder()
            .resource::<Robot>()
            .unwrap()
            .extension::<Robot, EnterpriseUser>(true)
            .unwrap()
            .build()
            .unwrap();
        let robot = registry.by_name("Robot").unwrap();
        assert_eq!(robot.document().description.as_deref(), Some("A robot"));
        assert!(robot.resolve("model").unwrap().leaf().required && robot.resolve("externalId").is_ok());
        assert!(robot.extension(urn::ENTERPRISE_USER).unwrap().required);
        assert_eq!(registry.schemas().len(), 2);
    }

    #[test]
    fn ready_made_types_take_extensions() {
        let builder = Registry::builder().resource_type(ResourceType::group());
        let registry = builder.clone().extension::<Group, EnterpriseUser>(true).unwrap().build().unwrap();
        let group = registry.by_name("Group").unwrap();
        assert!(
            group.extension(urn::ENTERPRISE_USER).unwrap().required && group.relation("members").is_some()
        );
        assert_eq!(group.document().schema_extensions[0].schema, urn::ENTERPRISE_USER);
        let missing = builder.extension::<User, EnterpriseUser>(true).unwrap_err();
        assert_eq!(missing.to_string(), "there is no resource type at `/Users` to be extended");
        let twice = Registry::builder()
            .resource_type(ResourceType::user())
            .extension::<User, EnterpriseUser>(true)
            .unwrap_err();
        assert!(twice.to_string().contains("twice"), "{twice}");
    }

    #[test]
    fn core_074_a_type_that_describes_another_schema_is_refused() {
        let error = robots().extension::<Robot, Liar>(false).unwrap_err();
        assert!(matches!(error, RegistryError::Described { .. }), "{error}");
    }

    #[test]
    fn core_074_core_077_everything_that_is_wrong_is_said_at_once() {
        let robot =
            |name: &str, endpoint: &str, schema: &str| ResourceTypeDocument::new(name, endpoint, schema);
        let error = robots()
            .schema_json(json!({"id": "URN:R"}))
            .unwrap()
            .resource_type_document(robot("robot", "/Robots", "urn:r"))
            .resource_type_document(robot("Ghost", "/Ghosts", "urn:none").extension("urn:nothing", true))
            .resource_type_document(robot("Scheme", "/Schemas", "urn:r"))
            .resource_type_document(robot("Bare", "bare", "urn:r"))
            .build()
            .unwrap_err();
        assert!(matches!(&error, RegistryError::Several(faults) if faults.len() == 7), "{error}");
        let text = error.to_string();
        for fault in [
            "the schema `URN:R` is defined twice",
            "the resource type `robot` is defined twice",
            "the endpoint `/Robots` is defined twice",
            "`urn:none`",
            "`urn:nothing`",
            "`/Schemas` belongs to the protocol",
            "endpoint `bare` must begin with `/`",
        ] {
            assert!(text.contains(fault), "{fault}: {text}");
        }
    }

    #[test]
    fn core_077_one_urn_for_two_schemas_is_refused() {
        let other = Schema::describe(urn::USER, "User").build().unwrap();
        let builder = Registry::builder().schema(Arc::new(other)).resource_type(ResourceType::user());
        assert!(matches!(builder.build(), Err(RegistryError::Duplicate { what: "schema", .. })));
        let same = Registry::builder().schema(Schema::user()).resource_type(ResourceType::user()).build();
        assert_eq!(same.unwrap().schemas().len(), 2);
    }
}
