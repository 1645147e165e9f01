//! The built-in schema documents are those of RFC 7643 §8.7 with the corrections of part G.6 and X17, X19, X21, X22,
//! and nothing else. The RFC's JSON is read from the folder `rfc` next to the one that `SCIM_CASES` names.

use std::sync::Arc;

use scim_core::{Schema, urn};
use serde_json::{Value, json};

use scim_testdata::{cases, read};

/// One correction of a published document.
enum Fix {
    /// Sets the value of a member. The path names attributes with dots, then the member.
    Set(&'static str, &'static str, Value),
    /// Removes a member.
    Drop(&'static str, &'static str),
    /// Adds an attribute after another one (`Some`), or before all others.
    Add(&'static str, Option<&'static str>, Value),
}

use Fix::{Add, Drop, Set};

/// The description of `display` without the words that contradict its mutability (EID 8358).
const DISPLAY: &str = "A human-readable name, primarily used for display purposes.";

fn user() -> Vec<Fix> {
    let mut fixes = vec![
        // EID 8471
        Set("groups.$ref", "referenceTypes", json!(["Group"])),
        // EID 6000, 8470
        Set("x509Certificates.value", "caseExact", json!(true)),
        Drop("x509Certificates.value", "uniqueness"),
        // EID 6001
        Set("profileUrl", "caseExact", json!(true)),
        Set("photos.value", "caseExact", json!(true)),
        Set("groups.$ref", "caseExact", json!(true)),
        // EID 6007
        Set(
            "preferredLanguage",
            "description",
            json!(
                "Indicates the User's preferred written or spoken language. Generally used for selecting a \
                 localized user interface; e.g., 'en-US' specifies the language English and country US."
            ),
        ),
        // X21
        Set(
            "ims.type",
            "canonicalValues",
            json!(["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo", "other"]),
        ),
        // X22
        Add(
            "addresses",
            Some("type"),
            json!({
                "name": "primary", "type": "boolean", "multiValued": false, "required": false,
                "description": "Whether this is the primary address of the User.",
                "mutability": "readWrite", "returned": "default",
            }),
        ),
    ];
    // EID 8358
    for path in [
        "emails.display",
        "phoneNumbers.display",
        "ims.display",
        "photos.display",
        "entitlements.display",
        "roles.display",
        "x509Certificates.display",
    ] {
        fixes.push(Set(path, "description", json!(DISPLAY)));
    }
    fixes
}

fn group() -> Vec<Fix> {
    vec![
        // EID 5368
        Set("displayName", "required", json!(true)),
        // EID 6001
        Set("members.$ref", "caseExact", json!(true)),
        // X19
        Add(
            "members",
            Some("type"),
            json!({
                "name": "display", "type": "string", "multiValued": false, "required": false,
                "description": "A human-readable name of the member.", "caseExact": false,
                "mutability": "immutable", "returned": "default", "uniqueness": "none",
            }),
        ),
    ]
}

fn enterprise_user() -> Vec<Fix> {
    // EID 6001
    vec![Set("manager.$ref", "caseExact", json!(true))]
}

fn read_only(name: &str, kind: &str, required: bool, description: &str) -> Value {
    json!({
        "name": name, "type": kind, "multiValued": false, "description": description, "required": required,
        "mutability": "readOnly", "returned": "default",
    })
}

/// Returns the attribute with these additional members.
fn with(mut attribute: Value, members: Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        attribute[name] = value.clone();
    }
    attribute
}

fn service_provider_config() -> Vec<Fix> {
    let none = || json!({"uniqueness": "none"});
    let text = || json!({"uniqueness": "none", "caseExact": false});
    let etag = with(
        read_only("etag", "complex", true, "A complex type that specifies the ETag configuration options."),
        json!({"subAttributes": [read_only("supported", "boolean", true, "Whether entity tags are supported.")]}),
    );
    let kind = with(
        with(read_only("type", "string", true, "The authentication scheme."), text()),
        json!({"canonicalValues": ["oauth", "oauth2", "oauthbearertoken", "httpbasic", "httpdigest"]}),
    );
    let method = with(
        with(
            read_only(
                "defaultPaginationMethod",
                "string",
                false,
                "The method used when a request names neither.",
            ),
            text(),
        ),
        json!({"canonicalValues": ["cursor", "index"]}),
    );
    let number = |name, description| with(read_only(name, "integer", false, description), none());
    let pagination = with(
        read_only("pagination", "complex", false, "A complex type that specifies the pagination options."),
        json!({"subAttributes": [
            read_only("cursor", "boolean", true, "Whether cursor-based pagination is supported."),
            read_only("index", "boolean", true, "Whether index-based pagination is supported."),
            method,
            number("defaultPageSize", "The page size used when a request gives no count."),
            number("maxPageSize", "The largest page size."),
            number("cursorTimeout", "The number of seconds for which a cursor stays valid at least."),
        ]}),
    );
    let request = with(
        with(read_only("asyncRequest", "string", false, "When asynchronous processing is offered."), text()),
        json!({"canonicalValues": ["none", "long", "request"]}),
    );
    let uris = with(
        read_only("eventUris", "string", false, "The URIs of the events that may be issued."),
        json!({"multiValued": true, "caseExact": true, "uniqueness": "none"}),
    );
    let events = with(
        read_only(
            "securityEvents",
            "complex",
            false,
            "A complex type that specifies the security event options.",
        ),
        json!({"subAttributes": [request, uris]}),
    );
    vec![
        // EID 6001
        Set("documentationUri", "caseExact", json!(true)),
        Set("authenticationSchemes.specUri", "caseExact", json!(true)),
        Set("authenticationSchemes.documentationUri", "caseExact", json!(true)),
        // X17, EID 8011
        Add("", Some("sort"), etag),
        Add("authenticationSchemes", None, kind),
        Add(
            "authenticationSchemes",
            Some("documentationUri"),
            read_only("primary", "boolean", false, "Whether this is the preferred scheme."),
        ),
        // G.6.10: RFC 9865 §4, RFC 9967 §4
        Add("", Some("authenticationSchemes"), pagination),
        Add("", Some("pagination"), events),
    ]
}

fn resource_type() -> Vec<Fix> {
    vec![
        // EID 6001
        Set("endpoint", "caseExact", json!(true)),
        // EID 7522
        Set("schemaExtensions", "multiValued", json!(true)),
        // G.6.5: OPTIONAL in §6
        Set("schemaExtensions", "required", json!(false)),
    ]
}

fn schema() -> Vec<Fix> {
    let types = ["string", "complex", "boolean", "decimal", "integer", "dateTime", "reference", "binary"];
    let simple: Vec<_> = types.into_iter().filter(|name| *name != "complex").collect();
    vec![
        // EID 8415
        Set("attributes.type", "canonicalValues", json!(types)),
        Set("attributes.subAttributes.type", "canonicalValues", json!(simple)),
        // EID 5607
        Set("attributes.subAttributes.referenceTypes", "multiValued", json!(true)),
        // G.6.12
        Set("id", "returned", json!("always")),
        Set("name", "required", json!(false)),
    ]
}

/// Returns the attribute at a path, or the document itself if the path is empty.
fn at<'a>(document: &'a mut Value, path: &str) -> &'a mut Value {
    let mut inside = document;
    for (depth, name) in path.split('.').filter(|name| !name.is_empty()).enumerate() {
        let list = if depth == 0 { "attributes" } else { "subAttributes" };
        let attributes = inside[list].as_array_mut().unwrap();
        inside = attributes.iter_mut().find(|attribute| attribute["name"] == name).expect(path);
    }
    inside
}

fn apply(document: &mut Value, fix: &Fix) {
    match fix {
        Set(path, member, value) => {
            let attribute = at(document, path);
            assert_ne!(&attribute[member], value, "{path}.{member} is no correction");
            attribute[member] = value.clone();
        }
        Drop(path, member) => {
            let gone = at(document, path).as_object_mut().unwrap().remove(*member);
            assert!(gone.is_some(), "{path}.{member} is not there");
        }
        Add(path, behind, attribute) => {
            let list = if path.is_empty() { "attributes" } else { "subAttributes" };
            let attributes = at(document, path)[list].as_array_mut().unwrap();
            let name = &attribute["name"];
            assert!(attributes.iter().all(|other| other["name"] != *name), "{path}.{name} is there");
            let place = behind.map_or(0, |behind| {
                attributes.iter().position(|other| other["name"] == behind).expect(behind) + 1
            });
            attributes.insert(place, attribute.clone());
        }
    }
}

fn compare(urn: &str, built_in: &Arc<Schema>, fixes: &[Fix]) {
    let Some(cases) = cases() else { return };
    let published: Vec<Value> = ["rfc7643-8.7.1-schemas.json", "rfc7643-8.7.2-schemas.json"]
        .iter()
        .flat_map(|name| read(&cases.join("../rfc").join(name)).as_array().unwrap().clone())
        .collect();
    let mut document = published.into_iter().find(|document| document["id"] == urn).unwrap();
    for fix in fixes {
        apply(&mut document, fix);
    }
    // EID 5999, 8417
    document["schemas"] = json!([urn::SCHEMA]);
    document["meta"] = json!({"resourceType": "Schema", "location": format!("/Schemas/{urn}")});
    for (name, value) in document.as_object().unwrap() {
        if name != "attributes" {
            assert_eq!(&built_in.document()[name], value, "{name}");
        }
    }
    let ours = built_in.document()["attributes"].as_array().unwrap();
    let theirs = document["attributes"].as_array().unwrap();
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours, theirs, "{}", theirs["name"]);
    }
    assert_eq!(built_in.document(), &document);
}

#[test]
fn core_077_core_095_x21_x22_the_user_schema_is_the_rfcs() {
    compare(urn::USER, &Schema::user(), &user());
}

#[test]
fn core_064_core_077_x19_the_group_schema_is_the_rfcs() {
    compare(urn::GROUP, &Schema::group(), &group());
}

#[test]
fn core_067_core_077_the_enterprise_schema_is_the_rfcs() {
    compare(urn::ENTERPRISE_USER, &Schema::enterprise_user(), &enterprise_user());
}

#[test]
fn core_068_core_077_x17_the_configuration_schema_is_the_rfcs() {
    compare(urn::SERVICE_PROVIDER_CONFIG, &Schema::service_provider_config(), &service_provider_config());
}

#[test]
fn core_073_core_077_the_resource_type_schema_is_the_rfcs() {
    compare(urn::RESOURCE_TYPE, &Schema::resource_type(), &resource_type());
}

#[test]
fn core_077_core_078_the_schema_schema_is_the_rfcs() {
    compare(urn::SCHEMA, &Schema::schema(), &schema());
}
