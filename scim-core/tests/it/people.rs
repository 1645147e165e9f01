//! `User`, `Group` and the enterprise extension — RFC 7643 §4. Most formats in §4.1 belong to values that are accepted
//! and returned unchanged. DESIGN.md says so ("values are stored as they were sent").

use scim_core::{Leniency, Mutability, ResourceType, Schema, Type, Uniqueness, urn};
use serde_json::{Value, json};

use crate::support::{create, document, refused, render, user_of};

/// Fails unless the value is returned as it was sent.
#[track_caller]
fn kept(name: &str, value: Value) {
    let read = user_of(json!({name: value})).unwrap();
    assert_eq!(render(&ResourceType::user(), &read, &[], &[])[name], value);
}

#[test]
fn core_045_user_name_is_required_unique_and_without_case() {
    let attribute = Schema::user().attribute("userName").unwrap().clone();
    assert!(attribute.required && !attribute.case_exact && attribute.uniqueness == Uniqueness::Server);
    for name in [json!(null), json!(""), json!(" "), json!([])] {
        refused(user_of(json!({"userName": name})), "invalidValue", "userName");
    }
}

#[test]
fn core_046_names_come_whole_in_parts_or_both() {
    for name in [
        json!({"formatted": "Ada L"}),
        json!({"givenName": "Ada", "familyName": "L"}),
        json!({"formatted": "Ada L", "givenName": "Ada"}),
    ] {
        kept("name", name);
    }
}

#[test]
fn core_047_profile_urls_are_urls() {
    let attribute = Schema::user().attribute("profileUrl").unwrap().clone();
    assert_eq!(attribute.r#type, Type::Reference);
    kept("profileUrl", json!("https://login.example.com/bjensen"));
    refused(user_of(json!({"profileUrl": "https://["})), "invalidValue", "profileUrl");
}

#[test]
fn core_048_core_049_core_050_languages_locales_and_time_zones() {
    for language in ["en-US", "en-US,en;q=0.8", "*"] {
        kept("preferredLanguage", json!(language));
    }
    for locale in ["en-US", "en_US", "zh-Hant-TW"] {
        kept("locale", json!(locale));
    }
    kept("timezone", json!("America/Los_Angeles"));
}

#[test]
fn core_051_active_is_a_boolean() {
    assert_eq!(Schema::user().attribute("active").unwrap().r#type, Type::Boolean);
    kept("active", json!(true));
    kept("active", json!(false));
    refused(user_of(json!({"active": "active"})), "invalidValue", "active");
}

#[test]
fn core_052_core_081_a_password_is_never_shown() {
    let attribute = Schema::user().attribute("password").unwrap().clone();
    assert_eq!(attribute.mutability, Mutability::WriteOnly);
    let read = user_of(json!({"password": "t1meMa$heen", "title": "t"})).unwrap();
    for (attributes, excluded) in [(vec![], vec![]), (vec!["password"], vec![]), (vec![], vec!["title"])] {
        let body = render(&ResourceType::user(), &read, &attributes, &excluded);
        assert!(!body.to_string().contains("t1meMa"), "{body}");
    }
}

#[test]
fn core_056_core_057_core_058_core_059_addresses_of_all_sorts_are_kept() {
    kept("emails", json!([{"value": "Ada@EXAMPLE.com", "type": "work", "display": "ada@example.com"}]));
    kept("phoneNumbers", json!([{"value": "tel:+1-201-555-0123", "type": "mobile"}]));
    kept("ims", json!([{"value": "Some Handle", "type": "other"}]));
    kept("photos", json!([{"value": "https://photos.example.com/p/F", "type": "thumbnail"}]));
    refused(user_of(json!({"photos": [{"value": "https://["}]})), "invalidValue", "photos.value");
}

#[test]
fn core_058_core_059_canonical_types() {
    let types = |name: &str| {
        let attribute = Schema::user().attribute(name).unwrap().clone();
        attribute.sub_attribute("type").unwrap().canonical_values.clone()
    };
    assert_eq!(types("ims"), ["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo", "other"]);
    assert_eq!(types("photos"), ["photo", "thumbnail"]);
    assert_eq!(types("groups"), ["direct", "indirect"]);
}

#[test]
fn core_060_countries_are_kept() {
    kept("addresses", json!([{"country": "US", "type": "home", "primary": true}]));
    let country = Schema::user().attribute("addresses").unwrap().sub_attribute("country").unwrap().clone();
    assert!(country.r#type == Type::String && !country.required);
}

#[test]
fn core_061_groups_are_read_only() {
    let groups = Schema::user().attribute("groups").unwrap().clone();
    assert_eq!(groups.mutability, Mutability::ReadOnly);
    let sub = groups.sub_attribute("$ref").unwrap();
    assert_eq!(sub.reference_types, ["Group"], "EID 8471");
    assert!(user_of(json!({"groups": [{"value": "g"}]})).unwrap().as_map().get("groups").is_none());
}

#[test]
fn core_062_roles_and_entitlements_have_no_vocabulary() {
    for name in ["roles", "entitlements"] {
        let sub = Schema::user().attribute(name).unwrap().sub_attribute("type").unwrap().clone();
        assert!(sub.canonical_values.is_empty(), "{name}");
        kept(name, json!([{"value": "anything at all", "type": "of any type"}]));
    }
}

#[test]
fn core_063_certificates_are_base64_and_no_bundles() {
    let certificate = |value: &str| user_of(json!({"x509Certificates": [{"value": value}]}));
    assert!(certificate("MIIDQzCCAqygAwIBAgICEAAwDQYJKoZIhvcNAQEFBQA=").is_ok());
    let bundle = "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n";
    for bad in [bundle, "MIID MIID", "MIID=MIID="] {
        refused(certificate(bad), "invalidValue", "x509Certificates.value");
    }
}

#[test]
fn core_064_a_group_needs_a_name() {
    for body in [json!({"schemas": [urn::GROUP]}), json!({"schemas": [urn::GROUP], "displayName": ""})] {
        refused(create(&ResourceType::group(), &Leniency::STRICT, &body), "invalidValue", "displayName");
    }
}

#[test]
fn core_065_core_066_members() {
    let members = Schema::group().attribute("members").unwrap().clone();
    assert!(members.multi_valued && members.mutability == Mutability::ReadWrite);
    for sub in &members.sub_attributes {
        assert_eq!(sub.mutability, Mutability::Immutable, "{}", sub.name);
    }
    assert_eq!(members.sub_attribute("$ref").unwrap().reference_types, ["User", "Group"]);
    let with = |members: Value| {
        let body = json!({"schemas": [urn::GROUP], "displayName": "g", "members": members});
        create(&ResourceType::group(), &Leniency::STRICT, &body)
    };
    let read = with(json!([{"value": "u1", "type": "User"}, {"value": "g2", "type": "Group"}])).unwrap();
    let ids: Vec<_> = read.relations["members"].iter().map(|link| link.value.as_str()).collect();
    assert_eq!(ids, ["u1", "g2"]);
    refused(with(json!([{"type": "User"}])), "invalidValue", "members.value");
    refused(with(json!([{"value": ""}])), "invalidValue", "members.value");
}

#[test]
fn core_067_the_enterprise_extension() {
    let names: Vec<_> =
        Schema::enterprise_user().attributes().iter().map(|attribute| attribute.name.clone()).collect();
    assert_eq!(names, ["employeeNumber", "costCenter", "organization", "division", "department", "manager"]);
    let body = json!({
        "schemas": [urn::USER, urn::ENTERPRISE_USER], "userName": "a",
        urn::ENTERPRISE_USER: {"costCenter": "1", "manager": {"value": "u9", "$ref": "../Users/u9", "displayName": "no"}},
    });
    let read = create(&ResourceType::user(), &Leniency::STRICT, &body).unwrap().resource;
    let expected = json!({"costCenter": "1", "manager": {"value": "u9", "$ref": "../Users/u9"}});
    assert_eq!(document(&read)[urn::ENTERPRISE_USER], expected);
}
