use scim_core::{ResourceType, Timestamp};
use serde_json::{Value, json};

use crate::support::{Stored, bind, group_matches, user_matches};

#[test]
fn filt_007_table_of_string_operators() {
    let user = || json!({"userName": "BJensen"});
    for (text, expected) in [
        ("userName eq \"bjensen\"", true),
        ("userName ne \"bjensen\"", false),
        ("userName ne \"x\"", true),
        ("userName co \"JENS\"", true),
        ("userName co \"\"", true),
        ("userName sw \"bj\"", true),
        ("userName sw \"bjensen\"", true),
        ("userName sw \"bjensens\"", false),
        ("userName ew \"SEN\"", true),
        ("userName ew \"xbjensen\"", false),
        ("userName gt \"bjens\"", true),
        ("userName ge \"BJENSEN\"", true),
        ("userName lt \"c\"", true),
        ("userName le \"a\"", false),
        ("userName eq \"\"", false),
    ] {
        assert_eq!(user_matches(text, user()), expected, "{text}");
    }
}

#[test]
fn filt_008_presence() {
    for (document, expected) in
        [(json!({}), false), (json!({"title": ""}), false), (json!({"title": "x"}), true)]
    {
        assert_eq!(user_matches("title pr", document.clone()), expected);
        assert_eq!(user_matches("title ne null", document.clone()), expected);
        assert_eq!(user_matches("title eq null", document), !expected);
    }
    assert!(!user_matches("emails pr", json!({"emails": [{"value": ""}]})));
    assert!(user_matches("emails pr", json!({"emails": [{"value": ""}, {"type": "work"}]})));
    assert!(!user_matches("name pr", json!({"name": {"givenName": ""}})));
    assert!(user_matches("active pr", json!({"active": false})));
    assert!(user_matches("id pr and meta pr and meta.created pr", json!({"id": "1"})));
    assert!(!user_matches("id eq null or meta eq null", json!({"id": "1"})));
}

#[test]
fn filt_009_timestamps_are_chronological() {
    let user = ResourceType::user();
    let mut stored = Stored::new(&user, json!({"id": "1"}));
    stored.created = Timestamp::from_millis(1_305_261_754_500);
    let matches = |text: &str| bind(&user, text).unwrap().matches(&stored.entry());
    assert!(matches("meta.created eq \"2011-05-13T04:42:34.5Z\""));
    assert!(matches("meta.created eq \"2011-05-13T06:42:34.500+02:00\""));
    assert!(matches("meta.created gt \"2011-05-13T04:42:34.4999Z\""));
    assert!(matches("meta.created lt \"2011-05-13T04:42:34.50001Z\""));
    assert!(matches("meta.created ne \"2011-05-13T04:42:34Z\""));
    assert!(matches("meta.created le \"2011-05-13T04:42:35Z\""));
    assert!(matches("meta.lastModified lt \"2000-01-01T00:00:00\""));
}

#[test]
fn filt_011_case_exact() {
    assert!(user_matches("userName eq \"BJENSEN\"", json!({"userName": "bjensen"})));
    assert!(!user_matches("externalId eq \"A\"", json!({"externalId": "a"})));
    assert!(!user_matches("id eq \"A\"", json!({"id": "a"})));
    assert!(user_matches("id sw \"a\" and id ne \"A\"", json!({"id": "a"})));
}

#[test]
fn filt_012_any_value_matches() {
    let emails = || json!({"emails": [{"value": "a@x"}, {"value": "b@y"}]});
    assert!(user_matches("emails.value ew \"Y\"", emails()));
    assert!(user_matches("emails ew \"Y\"", emails()), "X10");
    assert!(!user_matches("emails.value eq \"c\"", emails()));
}

#[test]
fn filt_014_conditions_on_the_same_value() {
    let emails = || json!({"emails": [{"type": "work", "value": "a"}, {"type": "home", "value": "b"}]});
    assert!(!user_matches("emails[type eq \"work\" and value eq \"b\"]", emails()));
    assert!(user_matches("emails.type eq \"work\" and emails.value eq \"b\"", emails()));
    assert!(user_matches("emails[type eq \"work\" and not (value eq \"b\")]", emails()));
    assert!(user_matches("emails[primary eq null]", emails()));
    assert!(!user_matches("emails[type pr]", json!({})));
}

#[test]
fn filt_020_021_resource_type_and_schemas() {
    let user = || json!({"schemas": ["urn:a", "urn:b"]});
    assert!(user_matches("meta.resourceType eq \"User\" and schemas eq \"urn:b\"", user()));
    assert!(!user_matches("meta.resourceType eq \"Group\" or schemas eq \"urn:c\"", user()));
}

#[test]
fn filt_027_width_and_composition() {
    assert!(user_matches("userName eq \"ｂｊ\"", json!({"userName": "BJ"})));
    assert!(user_matches("userName co \"É\"", json!({"userName": "ande\u{301}"})));
}

#[test]
fn ne_and_not_are_exact_complements() {
    for document in [
        json!({}),
        json!({"emails": [{"type": "work"}]}),
        json!({"emails": [{"type": "home"}, {"type": "work"}]}),
    ] {
        let equal = user_matches("emails.type eq \"work\"", document.clone());
        assert_eq!(user_matches("emails.type ne \"work\"", document.clone()), !equal);
        assert_eq!(user_matches("not (emails.type eq \"work\")", document), !equal);
    }
}

#[test]
fn relations_are_asked_by_link() {
    let group = || json!({"members": [{"value": "u1"}, {"value": "u2"}]});
    for (text, expected) in [
        ("members eq \"u1\"", true),
        ("members eq \"U1\"", false),
        ("members.value eq \"u3\"", false),
        ("members.value ne \"u1\"", false),
        ("members ne \"u3\"", true),
        ("members pr", true),
        ("members.value pr", true),
        ("members eq null", false),
        ("members.$ref eq \"https://x.example/v2/Users/u2\"", true),
        ("members.$ref ne \"Users/u2\"", false),
        ("members[value eq \"u1\" or value eq \"u9\"]", true),
        ("members[value eq \"u1\" and value eq \"u2\"]", false),
        ("members[value eq \"u1\" and value pr]", true),
        ("members[not (not (value eq \"u1\"))]", true),
        ("members[not (value ne \"u1\")]", true),
        ("members[value eq \"u1\" and value ne \"u2\"]", true),
        ("members[value eq \"u1\" and $ref eq null]", false),
        ("members[value pr]", true),
        ("members[value eq \"u1\"] and members[value eq \"u2\"]", true),
        ("not (members[value eq \"u1\"])", false),
    ] {
        assert_eq!(group_matches(text, group()), expected, "{text}");
    }
    assert!(group_matches("members eq null and not (members pr) and members ne \"u1\"", json!({})));
    assert!(user_matches("groups eq \"g1\"", json!({"groups": [{"value": "g1"}]})));
}

#[test]
fn core_025_primary_is_false_where_it_is_absent() {
    let of = |emails: Value| move |text: &str| user_matches(text, json!({"emails": emails}));
    let work = json!({"value": "a@x", "type": "work", "primary": true});
    let home = json!({"value": "b@x", "type": "home"});
    let (both, first, second) = (of(json!([work, home])), of(json!([work])), of(json!([home])));
    let none = |text: &str| user_matches(text, json!({}));
    for (text, expected) in [
        ("emails.primary eq false", [true, false, true, false]),
        ("emails.primary eq true", [true, true, false, false]),
        ("emails.primary ne false", [false, true, false, true]),
        ("emails.primary ne true", [false, false, true, true]),
        ("not (emails.primary eq false)", [false, true, false, true]),
        ("emails[primary eq false]", [true, false, true, false]),
        ("emails[primary ne true]", [true, false, true, false]),
        ("emails[primary ne false]", [true, true, false, false]),
        ("emails[primary eq false and type eq \"home\"]", [true, false, true, false]),
        ("emails[primary eq false and type eq \"work\"]", [false, false, false, false]),
        // Presence asks for an assigned value.
        ("emails.primary pr", [true, true, false, false]),
        ("emails[not (primary pr)]", [true, false, true, false]),
        ("emails[primary eq null]", [true, false, true, false]),
        // Only the `primary` of a multi-valued attribute has such a default.
        ("active eq false", [false, false, false, false]),
    ] {
        assert_eq!([both(text), first(text), second(text), none(text)], expected, "{text}");
    }
}
