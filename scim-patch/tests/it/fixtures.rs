//! The `patch` fixtures of `testdata/idp/`: real identity providers' requests (Q-…).

use std::collections::BTreeMap;
use std::sync::Arc;

use scim_core::{Error, Lenience, Leniency, Quirks, Resource, ResourceType};
use scim_patch::{Changed, PatchRequest, RelationStep};
use serde_json::{Map, Value};

/// Cases that do not hold, with the reasons.
const DEVIATIONS: &str = include_str!("../deviations.json");

macro_rules! fixtures_of {
    ($($test:ident: $quirk:literal,)+) => {
        $(#[test] fn $test() { hold($quirk); })+

        #[test]
        fn every_quirk_of_a_patch_fixture_has_a_test() {
            for quirk in scim_testdata::idp_fixtures("patch").iter().flat_map(quirks) {
                assert!([$($quirk),+].contains(&quirk.as_str()), "{quirk}");
            }
        }
    };
}

fixtures_of! {
    q_1_capitalised_op: "Q-1",
    q_2_booleans_as_strings: "Q-2",
    q_4_quoted_booleans_in_value_paths: "Q-4",
    q_5_dotted_keys: "Q-5",
    q_6_urn_keys: "Q-6",
    q_7_create_on_miss: "Q-7",
    q_8_several_operations_one_element: "Q-8",
    q_9_siblings_survive: "Q-9",
    q_10_members_removed_by_value: "Q-10",
    q_11_several_members_in_one_operation: "Q-11",
    q_12_bare_or_empty_removal: "Q-12",
    q_13_manager_as_a_string: "Q-13",
    q_14_manager_as_an_array: "Q-14",
    q_15_an_empty_string_removes: "Q-15",
    q_16_filters_on_a_single_complex_attribute: "Q-16",
    q_18_json_inside_a_value: "Q-18",
    q_33_remove_with_a_value: "Q-33",
    q_34_null_clears: "Q-34",
    q_35_replace_of_a_complex_attribute_merges: "Q-35",
    q_36_names_in_any_case: "Q-36",
    q_37_display_name_in_a_member: "Q-37",
    q_38_extra_members: "Q-38",
    q_40_value_wrapping: "Q-40",
    q_41_members_there_already_and_not_there: "Q-41",
    q_42_qualified_core_paths: "Q-42",
    q_47_path_less_objects: "Q-47",
    q_48_path_less_rename_with_id: "Q-48",
    q_49_path_less_member_replacement: "Q-49",
    q_52_members_without_type: "Q-52",
    q_53_remove_and_add_in_one_request: "Q-53",
    q_63_repeated_adds: "Q-63",
    q_68_whole_group_replaced: "Q-68",
    q_74_keys_in_any_case_and_order: "Q-74",
    q_76_add_and_replace_alike: "Q-76",
    q_79_external_id_of_a_group: "Q-79",
    q_81_values_are_kept_as_sent: "Q-81",
    q_85_operations_missing: "Q-85",
}

/// Checks that every `patch` fixture of a quirk holds or is listed as a deviation.
fn hold(quirk: &str) {
    let deviations: BTreeMap<String, String> = serde_json::from_str(DEVIATIONS).unwrap();
    let mut failures = Vec::new();
    let mut count = 0;
    for case in
        scim_testdata::idp_fixtures("patch").iter().filter(|case| quirks(case).any(|named| named == quirk))
    {
        count += 1;
        let id = case["id"].as_str().unwrap();
        match (check(case), deviations.contains_key(id)) {
            (Err(message), false) => failures.push(format!("{id} {}: {message}", case["title"])),
            (Ok(()), true) => failures.push(format!("{id} is listed as a deviation, but holds")),
            _ => {}
        }
    }
    assert!(count > 0, "no fixture of {quirk}");
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
}

fn quirks(case: &Value) -> impl Iterator<Item = String> + '_ {
    case["quirks"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

fn check(case: &Value) -> Result<(), String> {
    let group = case["resource"] == "Group";
    let resource_type = if group { ResourceType::group() } else { ResourceType::user() };
    let leniency = if case["idp"] == "okta" { Leniency::OKTA } else { Leniency::INTEROP };
    let before = case["before"].as_object().unwrap();
    let result = patch(&resource_type, &leniency, before, &case["request"]);
    match (case.get("after"), result) {
        (Some(after), Ok((result, _))) => {
            let (result, after) = (normal(&Value::Object(result)), normal(after));
            if result == after { Ok(()) } else { Err(format!("\n  got      {result}\n  expected {after}")) }
        }
        (None, Err(error)) => {
            let expected = &case["expected"];
            let scim_type = error.scim_type.as_ref().map(|scim_type| scim_type.as_str().to_owned());
            let fits = expected["status"] == error.status.as_u16()
                && (expected["scimType"] == scim_type.clone().unwrap_or_default());
            if fits { Ok(()) } else { Err(format!("refused with {error}, expected {expected}")) }
        }
        (None, Ok((result, _))) => Err(format!("accepted as {}", Value::Object(result))),
        (Some(_), Err(error)) => Err(format!("refused with {error}")),
    }
}

/// Runs a request as a server and its store do: the plan changes the document, and the steps change the members.
pub(crate) fn patch(
    resource_type: &Arc<ResourceType>,
    leniency: &Leniency,
    before: &Map<String, Value>,
    request: &Value,
) -> Result<(Map<String, Value>, Quirks), Error> {
    let Patched { document, quirks, .. } = patch_whole(resource_type, leniency, before, request)?;
    Ok((document, quirks))
}

/// The outcome of a request.
pub(crate) struct Patched {
    pub(crate) document: Map<String, Value>,
    /// Whether the document or a relation changed.
    pub(crate) changed: bool,
    pub(crate) quirks: Quirks,
}

/// Does what [`patch`] does, and says whether anything changed.
pub(crate) fn patch_whole(
    resource_type: &Arc<ResourceType>,
    leniency: &Leniency,
    before: &Map<String, Value>,
    request: &Value,
) -> Result<Patched, Error> {
    let mut document = before.clone();
    let owned = ["id", "meta"].map(|name| (name, document.remove(name)));
    let has_links = resource_type.relation("members").is_some();
    let mut members: Vec<Value> = match has_links.then(|| document.remove("members")).flatten() {
        Some(Value::Array(members)) => members,
        _ => Vec::new(),
    };
    let members_before = members.clone();
    let mut lenience = Lenience::new(*leniency);
    let plan =
        PatchRequest::from_value(request.clone(), &mut lenience)?.compile(resource_type, &mut lenience)?;
    let mut resource = Resource::from_canonical(document);
    let untouched = resource.clone();
    let changed = plan.apply(&mut resource).inspect_err(|_| {
        assert_eq!(resource, untouched, "PATCH-014: a refused request leaves everything as it was");
    })?;
    assert_eq!(changed == Changed::No, resource == untouched, "PATCH-021");
    for edit in plan.relations() {
        match &edit.step {
            RelationStep::Clear => members.clear(),
            RelationStep::Remove(ids) => {
                members.retain(|member| !ids.iter().any(|id| member["value"] == *id));
            }
            RelationStep::RemoveWhere(filter) => members.retain(|member| !filter.matches(member)),
            RelationStep::Set(references) => {
                members = references.iter().map(element).collect();
            }
            RelationStep::Add(references) => {
                for reference in references {
                    if !members.iter().any(|member| member["value"] == reference.value) {
                        members.push(element(reference));
                    }
                }
            }
        }
    }
    let mut result = resource.into_map();
    if !members.is_empty() {
        result.insert("members".into(), Value::Array(members.clone()));
    }
    for (name, value) in owned {
        if let Some(value) = value {
            result.insert(name.into(), value);
        }
    }
    let changed = changed != Changed::No || members != members_before;
    Ok(Patched { document: result, changed, quirks: lenience.used() })
}

fn element(reference: &scim_core::Reference) -> Value {
    let mut element = Map::from_iter([("value".to_owned(), Value::from(reference.value.clone()))]);
    if let Some(display) = &reference.display {
        element.insert("display".into(), display.clone().into());
    }
    if let Some(kind) = &reference.r#type {
        element.insert("type".into(), kind.clone().into());
    }
    Value::Object(element)
}

/// Removes what does not matter: `meta` and the order of `schemas`.
fn normal(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(object) = value.as_object_mut() {
        object.remove("meta");
        if let Some(Value::Array(schemas)) = object.get_mut("schemas") {
            schemas.sort_by_key(ToString::to_string);
        }
    }
    value
}
