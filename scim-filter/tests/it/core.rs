//! What the data model requires of comparing values (RFC 7643 §2.3, §2.4, §4.1.1, §7).

use scim_core::ResourceType;
use serde_json::json;

use crate::support::{bind, group_matches, user_matches};

#[test]
fn core_018_binary_is_compared_with_case() {
    let user = || json!({"userName": "a", "x509Certificates": [{"value": "YWJj"}]});
    for (filter, fits) in [
        ("x509Certificates.value eq \"YWJj\"", true),
        ("x509Certificates.value eq \"ywjj\"", false),
        ("x509Certificates.value ne \"ywjj\"", true),
    ] {
        assert_eq!(user_matches(filter, user()), fits, "{filter}");
    }
}

#[test]
fn core_017_padding_makes_no_difference() {
    let user = || json!({"userName": "a", "x509Certificates": [{"value": "YWI"}]});
    assert!(user_matches("x509Certificates.value eq \"YWI=\"", user()));
    assert!(!user_matches("x509Certificates.value eq \"YWM=\"", user()));
}

#[test]
fn core_019_core_028_references_by_what_they_lead_to() {
    let manager = |reference: &str| json!({"userName": "a", scim_core::urn::ENTERPRISE_USER: {"manager": {"value": "1", "$ref": reference}}});
    let filter =
        |reference: &str| format!("{}:manager.$ref eq \"{reference}\"", scim_core::urn::ENTERPRISE_USER);
    for (stored, asked, fits) in [
        ("https://h.example/Users/1", "https://h.example/v2/Users/1", true),
        ("https://h.example/v1/Users/1", "https://h.example/v2/Users/1", true),
        ("https://h.example/v2/Users/1", "Users/1", true),
        ("../Users/1", "https://h.example/v2/Users/1", true),
        ("https://h.example/v2/Users/1", "https://h.example/v2/Users/2", false),
        ("https://h.example/v2/Users/1", "https://h.example/v2/Groups/1", false),
    ] {
        assert_eq!(user_matches(&filter(asked), manager(stored)), fits, "{stored} {asked}");
    }
}

#[test]
fn core_020_references_are_compared_with_case() {
    let user = || json!({"userName": "a", "profileUrl": "https://h.example/Ada"});
    assert!(user_matches("profileUrl eq \"https://h.example/Ada\"", user()));
    assert!(!user_matches("profileUrl eq \"https://h.example/ada\"", user()));
}

#[test]
fn core_055_a_password_cannot_be_probed() {
    for filter in ["password eq \"x\"", "password pr", "not (password sw \"t\")"] {
        assert!(bind(&ResourceType::user(), filter).is_err(), "{filter}");
    }
}

#[test]
fn core_080_case_counts_where_the_schema_says_so() {
    let user = || json!({"id": "Ab", "userName": "Ada", "externalId": "AbC", "emails": [{"value": "a@x", "type": "WORK"}]});
    for (filter, fits) in [
        ("userName eq \"ada\"", true),
        ("externalId eq \"AbC\"", true),
        ("externalId eq \"abc\"", false),
        ("id eq \"ab\"", false),
        ("emails[type eq \"work\"]", true),
    ] {
        assert_eq!(user_matches(filter, user()), fits, "{filter}");
    }
    assert!(group_matches("displayName eq \"TEAM\"", json!({"displayName": "Team"})));
}
