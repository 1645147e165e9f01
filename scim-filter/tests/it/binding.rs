use std::sync::Arc;

use scim_core::{Error, Lenience, Leniency, Quirk, ResourceType, ResourceTypeDocument, Schema, ScimType};
use scim_filter::{BoundFilter, Filter, FilterError};
use serde_json::json;

use crate::support::{Stored, bind, user_matches};

fn refused(resource_type: &ResourceType, text: &str) -> FilterError {
    let error = bind(resource_type, text).expect_err(text);
    assert_eq!(Error::from(error.clone()).scim_type, Some(ScimType::InvalidFilter));
    error
}

fn gadgets() -> Arc<ResourceType> {
    let schema = Schema::from_json(json!({"id": "urn:example:Gadget", "attributes": [
        {"name": "size", "type": "integer"}, {"name": "weight", "type": "decimal"},
        {"name": "bin", "type": "binary"}, {"name": "bought", "type": "dateTime"},
        {"name": "tags", "type": "string", "multiValued": true}, {"name": "serial", "caseExact": true},
        {"name": "owner", "type": "complex", "subAttributes": [
            {"name": "$ref", "type": "reference", "referenceTypes": ["User"]}]},
    ]}))
    .unwrap();
    let document = ResourceTypeDocument::new("Gadget", "/Gadgets", "urn:example:Gadget");
    Arc::new(ResourceType::builder(document).schema(schema.into()).build().unwrap())
}

#[test]
fn bound_filters_are_free_and_send() {
    fn free<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    free::<BoundFilter>();
    free::<Filter>();
    free::<FilterError>();
}

#[test]
fn filt_010_024_c_4_operators_that_a_type_lacks() {
    let user = ResourceType::user();
    for text in [
        "active gt true",
        "active co \"t\"",
        "active sw true",
        "meta.created co \"2011\"",
        "x509Certificates gt \"aGk=\"",
    ] {
        let error = refused(&user, text);
        assert!(matches!(error, FilterError::Unsupported { .. }), "{text}: {error}");
        assert!(error.to_string().contains(text.split(' ').nth(1).unwrap()), "{error}");
    }
    let gadget = gadgets();
    for text in ["size co \"1\"", "weight sw \"1\"", "bin gt \"aGk=\"", "bin co \"aGk=\"", "bought ew \"Z\""]
    {
        assert!(matches!(refused(&gadget, text), FilterError::Unsupported { .. }), "{text}");
    }
}

#[test]
fn c_4_operands_of_another_type() {
    let user = ResourceType::user();
    for text in [
        "userName eq 1",
        "userName eq true",
        "active eq \"yes\"",
        "active eq 1",
        "meta.created gt \"yesterday\"",
    ] {
        let error = refused(&user, text);
        assert!(matches!(error, FilterError::Operand { .. }), "{text}: {error}");
    }
    let error = refused(&user, "title pr and userName eq 12");
    assert_eq!(error.position(), 25);
    assert_eq!(error.to_string(), "at byte 25: `userName` is compared with a string, found `12`");
    let gadget = gadgets();
    for text in ["size eq \"1\"", "bin eq \"a b\"", "bought eq \"2011\"", "tags eq 1"] {
        assert!(matches!(refused(&gadget, text), FilterError::Operand { .. }), "{text}");
    }
}

#[test]
fn filt_013_complex_attributes_need_a_sub_attribute() {
    let user = ResourceType::user();
    for text in ["name eq \"x\"", "addresses eq \"x\"", "meta eq \"x\"", "addresses co \"x\""] {
        assert!(refused(&user, text).to_string().contains("complex"), "{text}");
    }
    for text in ["name pr", "name eq null", "addresses pr", "emails co \"x\"", "meta pr"] {
        assert!(bind(&user, text).is_ok(), "{text}");
    }
}

#[test]
fn filt_015_value_paths_only_where_there_are_sub_attributes() {
    let user = ResourceType::user();
    for text in
        ["userName[value eq \"x\"]", "emails.value[value eq \"x\"]", "id[value pr]", "meta[created pr]"]
    {
        assert!(matches!(refused(&user, text), FilterError::Unsupported { .. }), "{text}");
    }
    let one = bind(&user, "name[givenName eq \"x\"]").unwrap();
    assert!(one.matches(&Stored::new(&user, json!({"name": {"givenName": "X"}})).entry()));
}

#[test]
fn filt_019_unknown_attributes() {
    let group = ResourceType::group();
    for text in ["userName pr", "nope.x eq 1", "urn:none:x pr", "displayName.x pr", "members.nope pr"] {
        let error = refused(&group, text);
        let fits = matches!(
            error,
            FilterError::UnknownAttribute { position: 0, .. } | FilterError::Unsupported { .. }
        );
        assert!(fits, "{text}: {error}");
    }
    let stored = Stored::new(&group, json!({"displayName": "g"}));
    for (text, expected) in [
        ("userName pr", false),
        ("userName eq \"x\"", false),
        ("userName gt \"x\"", false),
        ("userName ne \"x\"", true),
        ("userName eq null", true),
        ("userName ne null", false),
        ("not (userName pr)", true),
        ("emails[type eq \"work\"]", false),
        ("displayName eq \"G\" or userName eq \"x\"", true),
    ] {
        let bound = text.parse::<Filter>().unwrap().bind_at_root(&group, &mut Lenience::strict()).unwrap();
        assert_eq!(bound.matches(&stored.entry()), expected, "{text}");
    }
}

#[test]
fn filt_022_names_urns_and_extensions() {
    let user = ResourceType::user();
    for text in [
        "URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:USERNAME sw \"J\"",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.Value eq \"u\"",
        "EMAILS[TYPE eq \"work\"]",
        "meta.LASTMODIFIED gt \"2011-05-13T04:42:34Z\"",
    ] {
        assert!(bind(&user, text).is_ok(), "{text}");
    }
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr";
    assert!(refused(&user, urn).to_string().contains("extension"));
}

#[test]
fn filt_028_secrets_may_not_be_probed() {
    let user = ResourceType::user();
    for text in ["password pr", "password sw \"a\"", "password eq null", "not (password ne \"x\")"] {
        assert!(refused(&user, text).to_string().contains("never returned"), "{text}");
    }
}

#[test]
fn q_4_quoted_booleans() {
    let user = ResourceType::user();
    let filter: Filter = "active eq \"False\"".parse().unwrap();
    assert!(filter.bind(&user, &mut Lenience::strict()).is_err());
    let mut lenience = Lenience::new(Leniency::INTEROP);
    let bound = filter.bind(&user, &mut lenience).unwrap();
    assert!(lenience.used().contains(Quirk::StringBooleans));
    assert!(bound.matches(&Stored::new(&user, json!({"active": false})).entry()));
}

#[test]
fn q_22_unqualified_extension_attributes() {
    let user = ResourceType::user();
    let filter: Filter = "manager eq \"u9\"".parse().unwrap();
    assert!(filter.bind(&user, &mut Lenience::strict()).is_err());
    let mut lenience = Lenience::new(Leniency::INTEROP);
    filter.bind(&user, &mut lenience).unwrap();
    assert!(lenience.used().contains(Quirk::UnqualifiedExtension));
    let qualified = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"u9\"";
    assert!(bind(&user, qualified).is_ok(), "the value of a complex attribute stands for it");
}

#[test]
fn d_16_null_goes_with_eq_and_ne_only() {
    let user = ResourceType::user();
    assert!(matches!(refused(&user, "title co null"), FilterError::Unsupported { .. }));
    assert!(matches!(refused(&user, "emails gt null"), FilterError::Unsupported { .. }));
    assert!(bind(&user, "title eq null or title ne null").is_ok());
}

#[test]
fn meta_version_is_asked_for_with_case_and_meta_location_never() {
    let user = ResourceType::user();
    assert!(matches!(refused(&user, "meta.location pr"), FilterError::Unsupported { .. }));
    let second = json!({"userName": "ada", "meta": {"version": "W/\"2\""}});
    assert!(user_matches(r#"meta.version eq "W/\"2\"" and meta.version pr"#, second.clone()));
    assert!(!user_matches(r#"meta.version eq "w/\"2\"""#, second));
}

#[test]
fn meta_version_may_be_compared_with_less_than_was_written() {
    let user = ResourceType::user();
    let second = Stored::new(&user, json!({"userName": "2-b", "meta": {"version": "2"}}));
    let first_part = |text: &str| text.split_once('-').map(|(part, _)| part.to_owned());
    for (text, matches) in [
        (r#"meta.version eq "2-a""#, true),
        (r#"meta.version eq "3-a""#, false),
        (r#"not (meta.version ne "2-a")"#, true),
        (r#"userName eq "x" or meta.version sw "2-a""#, true),
        (r#"meta.version eq "2" and userName eq "2-b""#, true),
    ] {
        let bound = bind(&user, text).unwrap();
        assert_eq!(bound.with_versions(first_part).matches(&second.entry()), matches, "{text}");
    }
}

#[test]
fn relations_answer_to_value_and_ref_only() {
    let group = ResourceType::group();
    for text in [
        "members co \"u\"",
        "members.value sw \"u\"",
        "members.type eq \"User\"",
        "members.$ref gt \"u\"",
        "members eq 1",
        "members[type eq \"User\"]",
        "members[value co \"u\"]",
        "members[not (value eq \"u1\")]",
        "members.value[value eq \"u1\"]",
    ] {
        assert!(refused(&group, text).to_string().contains("`members"), "{text}");
    }
}

#[test]
fn values_of_simple_attributes_are_addressed_as_value() {
    let gadget = gadgets();
    let matches =
        |text: &str, document| bind(&gadget, text).unwrap().matches(&Stored::new(&gadget, document).entry());
    assert!(matches("tags[value eq \"A\" or value sw \"b\"]", json!({"tags": ["x", "bb"]})));
    assert!(!matches("tags[value sw \"a\" and value ew \"b\"]", json!({"tags": ["ax", "xb"]})));
    assert!(refused(&gadget, "tags[nope eq \"x\"]").to_string().contains("tags.nope"));
    assert!(matches(
        "owner.$ref eq \"https://x.example/Users/1\"",
        json!({"owner": {"$ref": "https://x.example/v2/Users/1"}})
    ));
    assert!(matches("size eq 1.0 and weight gt 1", json!({"size": 1, "weight": 1.5})));
    assert!(matches("size gt 9007199254740992", json!({"size": 9_007_199_254_740_993_i64})));
    assert!(matches("bin eq \"aGVsbG8\"", json!({"bin": "aGVsbG8="})));
    assert!(matches("bought eq \"2011-05-13T04:42:34Z\"", json!({"bought": "2011-05-13T06:42:34.0+02:00"})));
    assert!(!matches("serial eq \"ab\"", json!({"serial": "AB"})));
}

#[test]
fn built_filters_deeper_than_any_parsed_one_are_refused() {
    let mut filter = Filter::present("title").unwrap();
    for _ in 0..10_000 {
        filter = filter.not();
    }
    assert!(filter.to_string().len() > 60_000);
    let refused = filter.bind(&ResourceType::user(), &mut Lenience::strict());
    assert!(matches!(refused, Err(FilterError::TooDeep { .. })));
}

#[test]
fn filt_021_schemas_are_asked_for_like_any_attribute() {
    let urn = scim_core::urn::ENTERPRISE_USER;
    let filter = format!("schemas eq \"{urn}\"");
    let of = |schemas: serde_json::Value| json!({"schemas": schemas, "userName": "ada"});
    assert!(user_matches(&filter, of(json!([scim_core::urn::USER, urn]))));
    assert!(!user_matches(&filter, of(json!([scim_core::urn::USER]))));
}

#[test]
fn filt_023_attributes_of_extensions_are_written_out_in_full() {
    let user = ResourceType::user();
    let Ok(scim_core::Resolved::Attribute(department)) =
        user.resolve_with("department", &mut Leniency::INTEROP.into())
    else {
        panic!("an attribute")
    };
    let filter = Filter::eq(&department.to_string(), "R&D").unwrap();
    assert_eq!(filter.to_string(), format!("{}:department eq \"R&D\"", scim_core::urn::ENTERPRISE_USER));
    assert!(filter.bind(&user, &mut Lenience::strict()).is_ok());
}

#[test]
fn an_unknown_attribute_is_seen_behind_a_long_urn() {
    let user = ResourceType::user();
    let urn = format!("urn:example:{}:2.0:User", "very:long:".repeat(20));
    let error = bind(&user, &format!("{urn}:favouriteColour eq \"x\"")).unwrap_err().to_string();
    assert!(error.contains("`urn:example:very") && error.contains("…"), "{error}");
    assert!(error.contains(":2.0:User:favouriteColour`"), "{error}");
    let known = format!("{}:shoeSize pr", scim_core::urn::ENTERPRISE_USER);
    let error = bind(&user, &known).unwrap_err().to_string();
    assert!(error.contains(":extension:enterprise:2.0:User:shoeSize`") && !error.contains('…'), "{error}");
}
