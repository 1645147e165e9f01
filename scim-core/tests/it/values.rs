//! Data types and multi-valued attributes — RFC 7643 §2.3, §2.4, §2.5.

use scim_core::{Lenience, Leniency, Quirk, ResourceType, Schema, SchemaError, Type, ingest_value, urn};
use serde_json::{Value, json};

use crate::support::{ROBOT, create, document, refused, replace, robot, robot_of, user_of};

#[test]
fn core_010_there_are_eight_types_and_no_others() {
    let schema =
        |name: &str| Schema::from_json(json!({"id": "urn:x", "attributes": [{"name": "a", "type": name}]}));
    for known in ["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"] {
        assert!(schema(known).is_ok(), "{known}");
    }
    for unknown in ["money", "", "datetime2"] {
        assert!(matches!(schema(unknown), Err(SchemaError::Attribute { .. })), "{unknown}");
    }
}

#[test]
fn core_011_strings_are_any_unicode() {
    for text in ["", "é", "\u{1F600}", "\u{0}\n", "e\u{301}"] {
        assert_eq!(robot_of(json!({"plain": text})).unwrap().text("plain"), Some(text));
    }
    for value in [json!(1), json!(true), json!(["x"]), json!({"value": "x"})] {
        refused(robot_of(json!({"plain": value})), "invalidValue", "plain");
    }
}

#[test]
fn core_012_booleans_are_json_booleans() {
    for value in [json!("true"), json!(1), json!("")] {
        refused(robot_of(json!({"on": value})), "invalidValue", "on");
    }
    assert_eq!(robot_of(json!({"on": false})).unwrap().as_map()["on"], json!(false));
}

#[test]
fn core_013_decimals_are_json_numbers() {
    for value in [json!(1.5), json!(-0.25), json!(2)] {
        assert_eq!(robot_of(json!({"ratio": value})).unwrap().as_map()["ratio"], value);
    }
    for value in [json!("1.5"), json!(true), json!([1.5])] {
        refused(robot_of(json!({"ratio": value})), "invalidValue", "ratio");
    }
}

#[test]
fn core_014_integers_are_exact_or_refused() {
    let read = |leniency: &Leniency, number: &str| {
        let text = format!(r#"{{"schemas":["{ROBOT}"],"model":"m","count":{number},"counts":[{number}]}}"#);
        let limits = scim_core::Limits::default();
        scim_core::ingest(text.as_bytes(), &robot(), None, &mut Lenience::new(*leniency), &limits)
            .map(|read| read.resource)
    };
    for leniency in [Leniency::STRICT, Leniency::INTEROP] {
        for number in [
            "0",
            "-1",
            "9007199254740993",
            "-9223372036854775808",
            "9223372036854775807",
            "18446744073709551615",
        ] {
            let map = read(&leniency, number).unwrap().into_map();
            assert_eq!(
                (map["count"].to_string(), map["counts"][0].to_string()),
                (number.into(), number.into())
            );
        }
        for number in ["1.0", "1e2", "0.5", "18446744073709551616", "-9223372036854775809", "\"1\""] {
            refused(read(&leniency, number), "invalidValue", "count");
        }
    }
}

#[test]
fn core_015_core_016_dates_on_their_way_in() {
    for good in ["2008-01-23T04:56:22Z", "2008-01-23T04:56:22.123456789012+14:00", "-0044-03-15T24:00:00"] {
        let read = robot_of(json!({"born": good})).unwrap();
        assert_eq!(read.text("born"), Some(good), "kept as it was sent");
    }
    for bad in [json!("2008-01-23"), json!("04:56:22Z"), json!("2008-01-23t04:56:22z"), json!(1201064182)] {
        refused(robot_of(json!({"born": bad})), "invalidValue", "born");
    }
}

#[test]
fn core_017_binary_is_base64_of_section_4() {
    for good in ["YWI", "YWI=", "+/+/", ""] {
        assert!(robot_of(json!({"key": good})).is_ok(), "{good}");
    }
    for bad in ["-_-_", "YW I=", "YWI\n", "Y", "ä"] {
        refused(robot_of(json!({"key": bad})), "invalidValue", "key");
    }
}

#[test]
fn core_019_references_are_absolute_or_relative() {
    for good in
        ["https://h.example/v2/Users/1", "Users/1", "../Users/1", "/v2/Users/1", "urn:x:y", "mailto:a@x"]
    {
        assert_eq!(robot_of(json!({"home": good})).unwrap().text("home"), Some(good), "kept as it was sent");
    }
    for bad in [json!("http://["), json!("http://a b/"), json!("rtp:\\"), json!("/people/Zoë"), json!(7)] {
        refused(robot_of(json!({"home": bad})), "invalidValue", "home");
    }
}

#[test]
fn core_019_a_reference_that_is_no_uri_is_kept_outside_strict() {
    for (_, leniency) in Leniency::PRESETS.iter().filter(|(name, _)| *name != "strict") {
        let photos = json!([{"value": "https://h.example/Zoë Ō.png", "type": "photo"}]);
        let body = json!({"schemas": [urn::USER], "userName": "a", "profileUrl": "rtp:\\", "photos": photos});
        let mut lenience = Lenience::new(*leniency);
        let read = ingest_value(body, &ResourceType::user(), None, &mut lenience).unwrap();
        assert_eq!(read.resource.text("profileUrl"), Some("rtp:\\"));
        assert_eq!(read.resource.as_map()["photos"], photos);
        assert_eq!(lenience.used().iter().collect::<Vec<_>>(), [Quirk::NonUriReference]);
    }
}

#[test]
fn core_021_complex_inside_complex_only_in_the_schema_of_schemas() {
    let document = |id: &str| {
        json!({"id": id, "attributes": [{"name": "a", "type": "complex", "subAttributes": [
            {"name": "b", "type": "complex", "subAttributes": [{"name": "c"}]}]}]})
    };
    let error = Schema::from_json(document("urn:x")).unwrap_err();
    assert!(matches!(&error, SchemaError::Nested { path, .. } if path == "a.b"), "{error}");
    assert!(Schema::from_json(document(urn::SCHEMA)).is_ok());
}

#[test]
fn core_023_a_simple_attribute_has_no_sub_attributes() {
    for kind in ["string", "integer", "reference"] {
        let document = json!({"id": "urn:x", "attributes": [{"name": "a", "type": kind, "subAttributes": [{"name": "b"}]}]});
        let error = Schema::from_json(document).unwrap_err();
        assert!(matches!(error, SchemaError::SimpleWithSubAttributes { .. }), "{error}");
    }
}

#[test]
fn core_024_the_default_sub_attributes_keep_their_meaning() {
    for schema in [Schema::user(), Schema::group(), Schema::enterprise_user()] {
        for attribute in schema.attributes().iter().filter(|attribute| attribute.is_complex()) {
            for (name, kind) in [
                ("type", Type::String),
                ("primary", Type::Boolean),
                ("display", Type::String),
                ("$ref", Type::Reference),
            ] {
                let fits =
                    attribute.sub_attribute(name).is_none_or(|sub| sub.r#type == kind && !sub.multi_valued);
                assert!(fits, "{}.{name}", attribute.name);
            }
        }
    }
}

#[test]
fn core_025_primary_at_most_once() {
    let two = json!({"parts": [{"value": "a", "primary": true}, {"value": "b", "primary": true}]});
    refused(robot_of(two), "invalidValue", "primary");
    let one =
        json!({"parts": [{"value": "a", "primary": true}, {"value": "b", "primary": false}, {"value": "c"}]});
    assert!(robot_of(one).is_ok());
}

#[test]
fn core_027_one_value_may_stand_with_two_types() {
    let emails = json!([{"value": "a@x", "type": "work"}, {"value": "a@x", "type": "home"}]);
    assert_eq!(user_of(json!({"emails": emails})).unwrap().as_map()["emails"], emails);
}

#[test]
fn core_030_absent_null_and_empty_are_one_state() {
    let absent = robot_of(json!({})).unwrap();
    for body in [
        json!({"plain": null, "part": null, "parts": null}),
        json!({"parts": [], "counts": []}),
        json!({"part": {"name": null}, "part2": null}),
        json!({"part": {}}),
    ] {
        assert_eq!(robot_of(body.clone()).unwrap(), absent, "{body}");
    }
    let before = robot_of(json!({"plain": "x", "parts": [{"value": "v"}]})).unwrap();
    let body = json!({"schemas": [ROBOT], "model": "R2", "plain": null, "parts": []});
    assert_eq!(replace(&robot(), &before, &body).unwrap(), absent);
}

#[test]
fn core_098_json_forms() {
    let emails = |value: Value| json!({"schemas": [urn::USER], "userName": "a", "emails": value});
    let one = emails(json!({"value": "a@x"}));
    refused(create(&ResourceType::user(), &Leniency::STRICT, &one), "invalidValue", "emails");
    let mut lenience = Lenience::new(Leniency::INTEROP);
    let wrapped = ingest_value(one, &ResourceType::user(), None, &mut lenience).unwrap();
    assert_eq!(document(&wrapped.resource)["emails"], json!([{"value": "a@x"}]));
    assert!(lenience.used().contains(scim_core::Quirk::WrapValue));
    for body in [json!({"part": "arm"}), json!({"part": ["arm", "leg"]}), json!({"counts": 1})] {
        let name = body.as_object().unwrap().keys().next().unwrap().clone();
        refused(robot_of(body), "invalidValue", &name);
    }
}
