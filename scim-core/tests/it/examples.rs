//! The examples of RFC 7643 §8, with errata.

use scim_core::{Group, Leniency, Projection, ResourceType, ResourceTypeDocument, User, urn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use scim_testdata::read;

use crate::support::{create, document, render_with};

pub(crate) fn example(name: &str) -> Value {
    read(&scim_testdata::folder().join("rfc7643").join(name))
}

/// Returns the example without the attributes that the service provider owns, hides or computes.
fn without(mut example: Value, names: &[&str]) -> Value {
    for name in names {
        let (parent, name) = name.rsplit_once('/').unwrap_or(("", name));
        let removed = example.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        assert!(removed.is_some(), "{name}");
    }
    example
}

/// Reads the example as a create, and compares the stored and the returned form with the example.
fn in_and_out(resource_type: &ResourceType, example: &Value, kept: Value, computed: &[(&str, Value)]) {
    let read = create(resource_type, &Leniency::STRICT, example).unwrap();
    let shown = render_with(resource_type, &read.resource, computed, &Projection::default());
    let mut expected = kept.clone();
    for (name, value) in computed {
        expected[name] = value.clone();
    }
    if let Some(expected) = expected.as_object_mut() {
        expected.remove("password");
    }
    assert_eq!(without(shown, &["id", "meta"]), expected);
    let mut stored = kept;
    for relation in resource_type.relations() {
        if let Some(stored) = stored.as_object_mut() {
            stored.remove(&relation.name);
        }
    }
    assert_eq!(document(&read.resource), stored);
}

#[test]
fn core_045_the_minimal_user_8_1() {
    let example = example("user_minimal.json");
    in_and_out(&ResourceType::user(), &example, without(example.clone(), &["id", "meta"]), &[]);
}

#[test]
fn core_061_the_full_user_8_2() {
    let example = example("user_full.json");
    let kept = without(example.clone(), &["id", "meta", "groups"]);
    in_and_out(&ResourceType::user(), &example, kept, &[("groups", example["groups"].clone())]);
}

#[test]
fn core_007_core_067_the_enterprise_user_8_3() {
    let example = example("user_enterprise.json");
    let display_name = format!("/{}/manager/displayName", urn::ENTERPRISE_USER);
    let kept = without(example.clone(), &["id", "meta", "groups", &display_name]);
    in_and_out(&ResourceType::user(), &example, kept, &[("groups", example["groups"].clone())]);
}

#[test]
fn core_066_the_group_8_4() {
    let example = example("group.json");
    let kept = without(example.clone(), &["id", "meta"]);
    in_and_out(&ResourceType::group(), &example, kept, &[("members", example["members"].clone())]);
    let read = create(&ResourceType::group(), &Leniency::STRICT, &example).unwrap();
    let links: Vec<_> = read.relations["members"]
        .iter()
        .map(|link| (json!(link.value), link.display.as_deref().unwrap_or_default()))
        .collect();
    let members = example["members"].as_array().unwrap();
    let expected: Vec<_> =
        members.iter().map(|link| (link["value"].clone(), link["display"].as_str().unwrap())).collect();
    assert_eq!(links, expected);
}

/// Fails unless the type reproduces the example byte by byte, once both have one order.
#[track_caller]
pub(crate) fn lossless<T: Serialize + DeserializeOwned>(example: &Value) {
    let text = example.to_string();
    let typed: T = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap().to_string(), text);
}

#[test]
fn core_078_typed_users_and_groups_lose_nothing_of_the_examples() {
    for name in ["user_minimal.json", "user_full.json", "user_enterprise.json"] {
        lossless::<User>(&example(name));
    }
    lossless::<Group>(&example("group.json"));
}

#[test]
fn core_073_the_resource_types_8_6() {
    for example in example("resource_types.json").as_array().unwrap() {
        lossless::<ResourceTypeDocument>(&without(example.clone(), &["meta"]));
    }
}
