//! Cases of other projects' suites, of which only ids are written here.

use std::sync::Arc;

use scim_core::{
    Error, Lenience, Leniency, Quirk, Relation, ResourceType, ResourceTypeBuilder, ResourceTypeDocument,
    Schema, UnknownAttributes, urn,
};
use scim_patch::PatchRequest;
use scim_testdata::quirks_named;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::fixtures::{self, Patched};

#[test]
fn patch_028_patch_030_patch_032_cases_of_other_suites() {
    let Some(cases) = scim_testdata::suite("suites/patch.json") else { return };
    let readings = scim_testdata::readings(include_str!("../readings.json"));
    let (mut wrong, mut agreed, mut disputed, mut missing) = (Vec::new(), 0, 0, 0);
    let (mut forgiven, mut keyword, mut decided) = (0, 0, 0);
    for case in &cases {
        let id = text(case, "id");
        let is_disputed = case["disputed"] == true;
        let (expected, ours) = (expected(case), outcome(case, leniency(case)));
        match readings.get(id) {
            None if is_disputed => {
                wrong.push(format!("{id}: {ours}, disputed and without a reading: {case}"));
            }
            None if ours == expected => agreed += 1,
            None => wrong.push(format!("{id}: {ours}, expected {expected}: {case}")),
            Some((read, _)) if *read != ours.word(&expected) => {
                wrong.push(format!("{id}: {} ({ours}), read as {read}", ours.word(&expected)));
            }
            // If a reading names quirks, the case has its suite's outcome with these quirks.
            Some((_, reading)) if is_disputed => match (&ours, quirks_named(reading, Leniency::STRICT)) {
                (Outcome::Refused(_), Some(leniency)) if outcome(case, leniency) != expected => {
                    wrong.push(format!(
                        "{id}: {} by the quirks of: {reading}: {case}",
                        outcome(case, leniency)
                    ));
                }
                _ => disputed += 1,
            },
            Some((_, reading)) if ours == expected => {
                wrong.push(format!("{id} agrees, but is read: {reading}"));
            }
            Some((_, reading)) if reading.contains("without a schema") => missing += 1,
            Some((_, reading)) => match quirks_named(reading, Leniency::STRICT)
                .map(|leniency| outcome(case, leniency))
            {
                Some(lenient) if lenient == expected => forgiven += 1,
                Some(lenient) => wrong.push(format!("{id}: {lenient} by the quirks of: {reading}: {case}")),
                None if matches!((&ours, &expected), (Outcome::Refused(_), Outcome::Refused(_))) => {
                    keyword += 1;
                }
                None => decided += 1,
            },
        }
    }
    println!(
        "{} cases: {agreed} agree, {forgiven} agree by a quirk, {disputed} are disputed, {missing} differ for want \
         of a schema, {keyword} are refused with another keyword, {decided} are decided otherwise",
        cases.len()
    );
    for id in readings.keys() {
        assert!(cases.iter().any(|case| text(case, "id") == id), "{id} is no case");
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The outcome of a case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Accepted,
    Resource { after: Value, changed: Option<bool> },
    Refused(String),
}

impl Outcome {
    /// Returns the outcome in the words of `readings.json`. A result is written as a digest, because its text is not
    /// ours.
    pub(crate) fn word(&self, expected: &Self) -> String {
        match self {
            outcome if outcome == expected => "agrees".to_owned(),
            Self::Refused(keyword) => keyword.clone(),
            other => {
                let digest = Sha256::digest(other.to_string());
                let digits: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
                format!("otherwise, {digits}")
            }
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resource { after, changed } => write!(f, "{after} (changed: {changed:?})"),
            Self::Refused(keyword) => f.write_str(keyword),
            Self::Accepted => f.write_str("accepted"),
        }
    }
}

fn expected(case: &Value) -> Outcome {
    match (case["error"].as_str(), case.get("after")) {
        (Some(keyword), _) => Outcome::Refused(keyword.to_owned()),
        (None, Some(after)) => {
            Outcome::Resource { after: normal(after, case), changed: case["changed"].as_bool() }
        }
        (None, None) => Outcome::Accepted,
    }
}

fn leniency(case: &Value) -> Leniency {
    let preset = case["dialect"].as_str().map_or(Leniency::STRICT, |name| name.parse().unwrap());
    // The suite's option for making what a value path does not find.
    let preset = match case["options"]["treatMissingAsAdd"].as_bool() {
        Some(true) => preset.allow(Quirk::ValuePathCreate),
        _ => preset,
    };
    preset.with_unknown_attributes(match text(case, "schema") {
        "none" => UnknownAttributes::Keep,
        _ => UnknownAttributes::Refuse,
    })
}

fn outcome(case: &Value, leniency: Leniency) -> Outcome {
    let request = match case.get("request_body") {
        Some(body) => body.clone(),
        None => json!({"schemas": [urn::PATCH_OP], "Operations": case["ops"]}),
    };
    if case["valid_body"] == true {
        let read = PatchRequest::from_value(request, &mut Lenience::new(leniency)).map(|_| Outcome::Accepted);
        return read.unwrap_or_else(|error| refused(&error.into()));
    }
    let before = clean(case["before"].as_object().cloned().unwrap_or_default());
    let resource_type = resource_type(case);
    let patched = fixtures::patch_whole(&resource_type, &leniency, &before, &request);
    match patched {
        Err(error) => refused(&error),
        Ok(Patched { document, changed, .. }) => Outcome::Resource {
            after: normal(&Value::Object(document), case),
            changed: case["changed"].as_bool().map(|_| changed),
        },
    }
}

pub(crate) fn refused(error: &Error) -> Outcome {
    Outcome::Refused(error.scim_type.as_ref().map_or_else(String::new, ToString::to_string))
}

pub(crate) fn resource_type(case: &Value) -> Arc<ResourceType> {
    let named =
        |name: &str| case["before"]["schemas"].as_array().is_some_and(|urns| urns.contains(&name.into()));
    let has_members = case["before"].get("members").is_some();
    match text(case, "schema") {
        "Group" => group(case),
        "User+Enterprise/Group" | "User+Enterprise" if named(urn::GROUP) || has_members => group(case),
        "User" => {
            let document = ResourceTypeDocument::new("User", "/Users", urn::USER);
            let schema = requiring_what_there_is(&Schema::user(), case);
            ResourceType::builder(document).schema(schema).build().unwrap().into()
        }
        "User+Enterprise" | "User[EnterpriseUser]" | "User+Enterprise/Group" => user(case, None),
        "User+Enterprise+test extension" => {
            let words = json!({"name": "testString", "multiValued": true});
            user(case, Some(json!({"id": "urn:ivixvi:testSchema", "attributes": [words]})))
        }
        "ImmutableFieldResource" | "Dummy" => {
            let fixed = |name: &str| json!({"name": name, "mutability": "immutable"});
            let schema = json!({"id": "urn:x", "attributes": [fixed("locked"), fixed("immutable")]});
            crate::laws::one_schema(schema)
        }
        _ => scim_testdata::inferred(&[&case["before"], &case["after"]], false),
    }
}

fn group(case: &Value) -> Arc<ResourceType> {
    let document = ResourceTypeDocument::new("Group", "/Groups", urn::GROUP);
    let schema = requiring_what_there_is(&Schema::group(), case);
    ResourceType::builder(document)
        .schema(schema)
        .relation(Relation::own("members", ["User", "Group"]))
        .build()
        .unwrap()
        .into()
}

fn user(case: &Value, extension: Option<Value>) -> Arc<ResourceType> {
    let mut document =
        ResourceTypeDocument::new("User", "/Users", urn::USER).extension(urn::ENTERPRISE_USER, false);
    let mut schemas = vec![requiring_what_there_is(&Schema::user(), case), Schema::enterprise_user()];
    if let Some(schema) = extension {
        document = document.extension(text(&schema, "id"), false);
        schemas.push(Schema::from_json(schema).unwrap().into());
    }
    let builder = schemas.into_iter().fold(ResourceType::builder(document), ResourceTypeBuilder::schema);
    builder.build().unwrap().into()
}

/// Drops requirements that the resource of the case does not meet.
///
/// These suites patch resources that could not exist, for example without a `userName`.
fn requiring_what_there_is(schema: &Schema, case: &Value) -> Arc<Schema> {
    let document = without_missing_requirements(schema.document().clone(), case);
    Schema::from_json(document).unwrap().into()
}

/// Returns the schema's document, without requirements that the resource of the case does not meet.
pub(crate) fn without_missing_requirements(mut schema: Value, case: &Value) -> Value {
    let urn = schema["id"].as_str().unwrap_or_default();
    let holder = case["before"].get(urn).unwrap_or(&case["before"]).clone();
    for attribute in schema["attributes"].as_array_mut().unwrap() {
        if holder.get(text(attribute, "name")).is_none() {
            attribute["required"] = json!(false);
        }
    }
    schema
}

/// Removes what both sides leave open: values computed by the service provider, the order of unordered values, and
/// `schemas` if the resource has no schema.
pub(crate) fn normal(resource: &Value, case: &Value) -> Value {
    let mut resource = clean(resource.as_object().cloned().unwrap_or_default());
    resource.remove("meta");
    let typed = text(case, "schema") != "none" && case["before"].get("schemas").is_some();
    match resource.get_mut("schemas") {
        Some(Value::Array(schemas)) if typed => schemas.sort_by_key(Value::to_string),
        _ => drop(resource.remove("schemas")),
    }
    if let Some(Value::Array(members)) = resource.get_mut("members") {
        for member in members.iter_mut().filter_map(Value::as_object_mut) {
            member.remove("$ref");
        }
    }
    for name in case["unordered"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if let Some(Value::Array(values)) = resource.get_mut(name) {
            values.sort_by_key(Value::to_string);
        }
    }
    Value::Object(resource)
}

/// Removes `null` and empty values, which are unassigned (CORE-030).
pub(crate) fn clean(members: Map<String, Value>) -> Map<String, Value> {
    let value = |value: Value| match value {
        Value::Object(members) => Value::Object(clean(members)),
        Value::Array(values) => values
            .into_iter()
            .map(|value| match value {
                Value::Object(members) => Value::Object(clean(members)),
                other => other,
            })
            .filter(is_assigned)
            .collect(),
        scalar => scalar,
    };
    members
        .into_iter()
        .map(|(name, inner)| (name, value(inner)))
        .filter(|(_, value)| is_assigned(value))
        .collect()
}

fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
