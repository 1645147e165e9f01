//! `ServiceProviderConfig`, `ResourceType`, `Schema` and URNs — RFC 7643 §5, §6, §7, §10.

use scim_core::{
    Attribute, AuthenticationScheme, Mutability, Registry, RegistryError, ResourceType, ResourceTypeDocument,
    ResourceTypeError, Returned, Schema, ServiceProviderConfig, Type, urn,
};
use serde_json::{Value, json};

use scim_testdata::cases;

use crate::support::robot;

fn built_in() -> Vec<std::sync::Arc<Schema>> {
    vec![
        Schema::user(),
        Schema::group(),
        Schema::enterprise_user(),
        Schema::service_provider_config(),
        Schema::resource_type(),
        Schema::schema(),
    ]
}

/// Calls `visit` with every attribute and sub-attribute, at any depth, and its path.
fn every(attributes: &[std::sync::Arc<Attribute>], parent: &str, visit: &mut dyn FnMut(&str, &Attribute)) {
    for attribute in attributes {
        let path = format!("{parent}{}", attribute.name);
        visit(&path, attribute);
        every(&attribute.sub_attributes, &format!("{path}."), visit);
    }
}

#[test]
fn core_068_the_configuration_is_read_only_throughout() {
    let schema = Schema::service_provider_config();
    every(schema.attributes(), "", &mut |path, attribute| {
        assert_eq!(attribute.mutability, Mutability::ReadOnly, "{path}");
    });
    for name in ["patch", "bulk", "filter", "changePassword", "sort", "etag", "authenticationSchemes"] {
        assert!(schema.attribute(name).unwrap().required, "{name}");
    }
    let body = serde_json::to_value(ServiceProviderConfig::default()).unwrap();
    for path in [
        "/patch/supported",
        "/bulk/supported",
        "/filter/supported",
        "/changePassword/supported",
        "/sort/supported",
        "/etag/supported",
    ] {
        assert_eq!(body.pointer(path), Some(&json!(false)), "{path}");
    }
    for path in ["/bulk/maxOperations", "/bulk/maxPayloadSize", "/filter/maxResults"] {
        assert!(body.pointer(path).is_some_and(Value::is_u64), "{path}");
    }
    assert!(body.get("id").is_none());
}

#[test]
fn core_069_what_an_authentication_scheme_must_say() {
    let written = serde_json::to_value(AuthenticationScheme::bearer_token()).unwrap();
    for name in ["type", "name", "description"] {
        assert!(written[name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
    let schemes = Schema::service_provider_config().attribute("authenticationSchemes").unwrap().clone();
    for (name, required) in [
        ("type", true),
        ("name", true),
        ("description", true),
        ("specUri", false),
        ("documentationUri", false),
    ] {
        assert_eq!(schemes.sub_attribute(name).unwrap().required, required, "{name}");
    }
    let types = &schemes.sub_attribute("type").unwrap().canonical_values;
    assert_eq!(types, &["oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"]);
    assert!(types.contains(&AuthenticationScheme::bearer_token().r#type));
}

#[test]
fn core_071_the_schema_of_pagination() {
    let pagination = Schema::service_provider_config().attribute("pagination").unwrap().clone();
    assert!(!pagination.required && !pagination.multi_valued && pagination.is_complex());
    for (name, kind, required) in [
        ("cursor", Type::Boolean, true),
        ("index", Type::Boolean, true),
        ("defaultPaginationMethod", Type::String, false),
        ("defaultPageSize", Type::Integer, false),
        ("maxPageSize", Type::Integer, false),
        ("cursorTimeout", Type::Integer, false),
    ] {
        let sub = pagination.sub_attribute(name).unwrap();
        assert_eq!((sub.r#type, sub.required), (kind, required), "{name}");
    }
    let methods = &pagination.sub_attribute("defaultPaginationMethod").unwrap().canonical_values;
    assert_eq!(methods, &["cursor", "index"]);
}

#[test]
fn core_072_the_schema_of_security_events() {
    let events = Schema::service_provider_config().attribute("securityEvents").unwrap().clone();
    assert!(!events.required && !events.multi_valued && events.is_complex());
    let request = events.sub_attribute("asyncRequest").unwrap();
    assert!(!request.case_exact && !request.multi_valued);
    assert!(events.sub_attribute("eventUris").unwrap().multi_valued);
}

#[test]
fn core_073_what_a_resource_type_must_say() {
    let whole = json!({"name": "Robot", "endpoint": "/Robots", "schema": "urn:r"});
    let read: ResourceTypeDocument = serde_json::from_value(whole.clone()).unwrap();
    assert_eq!(read.schemas, [urn::RESOURCE_TYPE]);
    for name in ["name", "endpoint", "schema"] {
        let mut part = whole.clone();
        part.as_object_mut().unwrap().remove(name);
        let error = serde_json::from_value::<ResourceTypeDocument>(part).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    let schema = Schema::resource_type();
    for (name, required) in [
        ("name", true),
        ("endpoint", true),
        ("schema", true),
        ("id", false),
        ("description", false),
        ("schemaExtensions", false),
    ] {
        let attribute = schema.attribute(name).unwrap();
        assert_eq!((attribute.required, attribute.mutability), (required, Mutability::ReadOnly), "{name}");
    }
}

#[test]
fn core_074_dangling_urns_in_a_registry() {
    let builder = || {
        Registry::builder().schema_json(json!({"id": "urn:r", "attributes": [{"name": "model"}]})).unwrap()
    };
    let base = ResourceTypeDocument::new("Robot", "/Robots", "urn:none");
    let extension = ResourceTypeDocument::new("Robot", "/Robots", "urn:r").extension("urn:none", false);
    for document in [base, extension] {
        let error = builder().resource_type_document(document).build().unwrap_err();
        let known = matches!(
            &error,
            RegistryError::ResourceType(ResourceTypeError::UnknownSchema { name, urn }) if name == "Robot" && urn == "urn:none"
        );
        assert!(known, "{error}");
    }
    for resource_type in Registry::standard().resource_types() {
        assert_eq!(resource_type.document().schema, **resource_type.schema().id());
    }
}

#[test]
fn core_076_endpoints_are_relative_to_the_base() {
    for resource_type in [ResourceType::user(), ResourceType::group(), robot()] {
        assert!(resource_type.endpoint().starts_with('/'));
        assert_eq!(resource_type.name(), resource_type.document().name);
    }
    for endpoint in ["Users", "", "/", "https://h.example/Users"] {
        let document = ResourceTypeDocument::new("User", endpoint, urn::USER);
        let error = ResourceType::builder(document).schema(Schema::user()).build().unwrap_err();
        assert!(matches!(error, ResourceTypeError::Endpoint { .. }), "{endpoint}");
    }
}

#[test]
fn core_077_schemas_are_named_by_their_urns() {
    for schema in built_in() {
        assert_eq!(schema.document()["id"], **schema.id());
        assert!(schema.id().starts_with("urn:ietf:params:scim:schemas:"));
    }
    let schema = Schema::schema();
    every(schema.attributes(), "", &mut |path, attribute| {
        assert_eq!(attribute.mutability, Mutability::ReadOnly, "{path}");
        let returned = if path == "id" { Returned::Always } else { Returned::Default };
        assert_eq!(attribute.returned, returned, "{path}");
    });
    assert!(Schema::from_json(json!({"name": "x", "attributes": []})).is_err(), "an id must be there");
    assert!(Schema::from_json(json!({"id": "", "attributes": []})).is_err());
}

#[test]
fn core_078_characteristics_are_read_and_written_alike() {
    let known = [
        "name",
        "type",
        "subAttributes",
        "multiValued",
        "description",
        "required",
        "canonicalValues",
        "caseExact",
        "mutability",
        "returned",
        "uniqueness",
        "referenceTypes",
    ];
    fn same(document: &Value, attribute: &Attribute, known: &[&str]) {
        let written = serde_json::to_value(attribute).unwrap();
        for (name, value) in document.as_object().unwrap() {
            assert!(known.contains(&name.as_str()), "{name}");
            // Characteristics that a type does not have are read, but not written again.
            let unwritten =
                ["caseExact", "uniqueness"].contains(&name.as_str()) && written.get(name).is_none();
            let empty = value == "" || value.as_array().is_some_and(Vec::is_empty) || unwritten;
            if name != "subAttributes" && !empty {
                assert_eq!(&written[name], value, "{}.{name}", attribute.name);
            }
        }
        for sub in document["subAttributes"].as_array().into_iter().flatten() {
            let name = sub["name"].as_str().unwrap();
            same(sub, attribute.sub_attribute(name).unwrap(), known);
        }
    }
    for schema in built_in() {
        let document = schema.document();
        for attribute in document["attributes"].as_array().unwrap() {
            let name = attribute["name"].as_str().unwrap();
            same(attribute, schema.attribute(name).unwrap(), &known);
        }
    }
    let described = Schema::schema();
    let attributes = described.attribute("attributes").unwrap();
    let names: Vec<_> = attributes.sub_attributes.iter().map(|sub| sub.name.as_str()).collect();
    for name in known {
        assert!(names.contains(&name), "{name}");
    }
}

#[test]
fn core_079_complex_attributes_come_with_sub_attributes() {
    for schema in built_in() {
        every(schema.attributes(), "", &mut |path, attribute| {
            let has = !attribute.sub_attributes.is_empty();
            assert_eq!(attribute.is_complex(), has, "{} {path}", schema.id());
        });
    }
}

#[test]
fn core_085_reference_types_belong_to_references() {
    for schema in built_in() {
        every(schema.attributes(), "", &mut |path, attribute| {
            let is_reference = attribute.r#type == Type::Reference;
            assert_eq!(is_reference, !attribute.reference_types.is_empty(), "{} {path}", schema.id());
            assert!(!is_reference || attribute.case_exact, "{} {path}: EID 6001", schema.id());
        });
    }
}

#[test]
fn core_086_urns() {
    let schemas = "urn:ietf:params:scim:schemas:";
    for (urn, rest) in [
        (urn::USER, "core:2.0:User"),
        (urn::GROUP, "core:2.0:Group"),
        (urn::ENTERPRISE_USER, "extension:enterprise:2.0:User"),
        (urn::SERVICE_PROVIDER_CONFIG, "core:2.0:ServiceProviderConfig"),
        (urn::RESOURCE_TYPE, "core:2.0:ResourceType"),
        (urn::SCHEMA, "core:2.0:Schema"),
    ] {
        assert_eq!(urn, format!("{schemas}{rest}"));
    }
    for (urn, name) in [
        (urn::LIST_RESPONSE, "ListResponse"),
        (urn::SEARCH_REQUEST, "SearchRequest"),
        (urn::PATCH_OP, "PatchOp"),
        (urn::ERROR, "Error"),
    ] {
        assert_eq!(urn, format!("urn:ietf:params:scim:api:messages:2.0:{name}"));
    }
}

#[test]
fn core_086_urns_stand_in_the_rfcs() {
    let Some(cases) = cases() else { return };
    let texts = ["rfc7643.txt", "rfc7644.txt"]
        .map(|name| std::fs::read_to_string(cases.join("../rfc").join(name)).unwrap())
        .concat();
    for urn in [
        urn::USER,
        urn::GROUP,
        urn::ENTERPRISE_USER,
        urn::SERVICE_PROVIDER_CONFIG,
        urn::RESOURCE_TYPE,
        urn::SCHEMA,
        urn::LIST_RESPONSE,
        urn::SEARCH_REQUEST,
        urn::PATCH_OP,
        urn::ERROR,
    ] {
        assert!(texts.contains(urn), "{urn}");
    }
}

#[test]
fn core_095_documents_say_what_they_are() {
    for schema in built_in() {
        let document = schema.document();
        for name in ["id", "name", "description"] {
            assert!(document[name].as_str().is_some_and(|text| !text.is_empty()), "{} {name}", schema.id());
        }
        every(schema.attributes(), "", &mut |path, attribute| {
            assert!(!attribute.description.is_empty(), "{} {path}", schema.id());
        });
    }
    for resource_type in Registry::standard().resource_types() {
        assert!(resource_type.document().description.is_some(), "{}", resource_type.name());
        assert!(resource_type.document().id.is_some());
    }
}
