//! What a replace must not change, and what it keeps because the client may not have seen it — RFC 7644 §3.5.1.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::at::At;
use crate::error::Error;
use crate::lenience::Lenience;
use crate::leniency::Quirk;
use crate::resource::Resource;
use crate::resource_type::ResourceType;
use crate::schema::{Attribute, Mutability, Returned, Type};

/// The attributes that the client explicitly cleared, with `null`, `[]` or `{}`.
#[derive(Debug, Default)]
pub(crate) struct Cleared {
    /// Top-level attributes and extensions, in lower case.
    pub(crate) top: BTreeSet<String>,
    /// Attributes inside extensions: URN and name, as the schema spells them.
    pub(crate) in_extensions: BTreeSet<(String, String)>,
}

impl Cleared {
    fn has(&self, name: &str) -> bool {
        self.top.contains(&name.to_ascii_lowercase())
    }

    fn has_in(&self, urn: &str, name: &str) -> bool {
        self.has(urn) || self.in_extensions.contains(&(urn.to_owned(), name.to_owned()))
    }
}

/// Carries over from `previous` what the client could not send back, and refuses to change immutable attributes.
///
/// An attribute in `cleared` is not carried over, unless it is immutable or read-only.
pub(crate) fn keep(
    resource_type: &ResourceType,
    lenience: &mut Lenience,
    previous: &Resource,
    cleared: &Cleared,
    document: &mut Map<String, Value>,
) -> Result<(), Error> {
    for attribute in resource_type.schema().attributes() {
        if cleared.has(&attribute.name) && !is_fixed(attribute) {
            continue;
        }
        let at = At::new(None, &attribute.name);
        keep_attribute(&at, attribute, previous.as_map(), document)?;
    }
    for extension in resource_type.extensions() {
        let urn = &**extension.schema.id();
        let Some(before) = previous.as_map().get(urn).and_then(Value::as_object) else { continue };
        let Value::Object(now) = document.entry(urn).or_insert_with(|| Value::Object(Map::new())) else {
            continue;
        };
        for attribute in extension.schema.attributes() {
            if cleared.has_in(urn, &attribute.name) && !is_fixed(attribute) {
                continue;
            }
            keep_attribute(&At::new(Some(urn), &attribute.name), attribute, before, now)?;
        }
        if now.is_empty() {
            document.remove(urn);
        }
    }
    if !document.contains_key("active")
        && !cleared.has("active")
        && let Some(active) = previous.as_map().get("active")
        && resource_type.attribute("active").is_some_and(|active| active.r#type == Type::Boolean)
        && lenience.uses(Quirk::PutKeepsActive)
    {
        document.insert("active".into(), active.clone());
    }
    Ok(())
}

fn is_fixed(attribute: &Attribute) -> bool {
    matches!(attribute.mutability, Mutability::Immutable | Mutability::ReadOnly)
}

/// Whether the client may not have seen the value.
fn is_unseen(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::WriteOnly
        || matches!(attribute.returned, Returned::Never | Returned::Request)
}

fn keep_attribute(
    at: &At<'_>,
    attribute: &Attribute,
    before: &Map<String, Value>,
    now: &mut Map<String, Value>,
) -> Result<(), Error> {
    let Some(old) = before.get(&attribute.name) else { return Ok(()) };
    match (attribute.mutability, now.get_mut(&attribute.name)) {
        (Mutability::Immutable, Some(new)) if new != old => {
            Err(Error::mutability(format!("`{at}` is immutable and has another value already")))
        }
        (Mutability::Immutable | Mutability::ReadOnly, None) => {
            now.insert(attribute.name.clone(), old.clone());
            Ok(())
        }
        (_, None) if is_unseen(attribute) => {
            now.insert(attribute.name.clone(), old.clone());
            Ok(())
        }
        (_, Some(Value::Object(new))) if !attribute.multi_valued => {
            let Value::Object(old) = old else { return Ok(()) };
            for sub in &attribute.sub_attributes {
                keep_attribute(&At { sub: Some(&sub.name), ..*at }, sub, old, new)?;
            }
            Ok(())
        }
        (_, Some(Value::Array(new))) if attribute.is_complex() => {
            let Value::Array(old) = old else { return Ok(()) };
            keep_in_elements(at, attribute, old, new)
        }
        _ => Ok(()),
    }
}

/// Keeps what a client cannot write or see inside the elements of a list.
///
/// An element replaces the one with its `value` and `type`. If there are several of those, or there is no `value`, it
/// is unknown which element it replaces, and nothing is kept.
fn keep_in_elements(
    at: &At<'_>,
    attribute: &Attribute,
    old: &[Value],
    new: &mut [Value],
) -> Result<(), Error> {
    let kept: Vec<_> =
        attribute.sub_attributes.iter().filter(|sub| is_fixed(sub) || is_unseen(sub)).collect();
    if kept.is_empty() {
        return Ok(());
    }
    let mut before: BTreeMap<(&str, &str), Option<&Map<String, Value>>> = BTreeMap::new();
    for element in old.iter().filter_map(Value::as_object) {
        let Some(key) = key_of(element) else { continue };
        before.entry(key).and_modify(|found| *found = None).or_insert(Some(element));
    }
    for element in new.iter_mut().filter_map(Value::as_object_mut) {
        let old = key_of(element).and_then(|key| before.get(&key).copied().flatten());
        let Some(old) = old else { continue };
        for sub in &kept {
            keep_attribute(&At { sub: Some(&sub.name), ..*at }, sub, old, element)?;
        }
    }
    Ok(())
}

/// Returns `value` and `type`.
fn key_of(element: &Map<String, Value>) -> Option<(&str, &str)> {
    let text = |name: &str| element.get(name).and_then(Value::as_str);
    Some((text("value")?, text("type").unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::ScimType;
    use crate::ingest::ingest_value;
    use crate::message::ResourceTypeDocument;
    use crate::schema::Schema;

    const ROBOT: &str = "urn:x:Robot";
    const MORE: &str = "urn:x:More";

    fn robot() -> ResourceType {
        let schema = |id: &str, attributes: Value| {
            std::sync::Arc::new(Schema::from_json(json!({"id": id, "attributes": attributes})).unwrap())
        };
        let tools = json!([{"name": "tools", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value"}, {"name": "type"}, {"name": "colour"},
            {"name": "serial", "mutability": "immutable"}, {"name": "key", "mutability": "writeOnly"}]}]);
        let secrets = json!([{"name": "pin", "mutability": "writeOnly"}, {"name": "owner"},
            {"name": "maker", "mutability": "immutable"}]);
        let document = ResourceTypeDocument::new("Robot", "/Robots", ROBOT);
        let robot = ResourceType::builder(document).schema(schema(ROBOT, tools)).build().unwrap();
        robot.with_extension(schema(MORE, secrets), false).unwrap()
    }

    fn replaced(before: &Value, body: Value) -> Result<Value, Error> {
        let before = Resource::from_canonical(before.as_object().unwrap().clone());
        let read = ingest_value(body, &robot(), Some(&before), &mut Lenience::strict())?;
        Ok(read.resource.into_map().into())
    }

    fn tools(tools: Value) -> Value {
        json!({"schemas": [ROBOT], "tools": tools})
    }

    #[test]
    fn srv_071_an_immutable_value_in_an_element_stays() {
        let saw = json!({"value": "saw", "type": "a", "serial": "1", "key": "k"});
        let before = tools(json!([saw, {"value": "axe", "serial": "2"}]));
        let error =
            replaced(&before, tools(json!([{"value": "saw", "type": "a", "serial": "9"}]))).unwrap_err();
        assert_eq!(error.scim_type, Some(ScimType::Mutability));
        assert!(error.detail.contains("tools.serial"), "{}", error.detail);
        let body = tools(json!([{"value": "saw", "type": "a", "colour": "red"}]));
        let expected = json!([{"value": "saw", "type": "a", "colour": "red", "serial": "1", "key": "k"}]);
        assert_eq!(
            replaced(&before, body).unwrap()["tools"],
            expected,
            "what the client does not say is kept"
        );
        // An element with another `value` or `type` may have any immutable value.
        for element in [
            json!({"value": "saw", "type": "b", "serial": "9"}),
            json!({"value": "rasp", "serial": "1"}),
            json!({"type": "a", "serial": "9"}),
        ] {
            assert_eq!(replaced(&before, tools(json!([element]))).unwrap()["tools"], json!([element]));
        }
        let twice = tools(json!([{"value": "saw", "serial": "1"}, {"value": "saw", "serial": "2"}]));
        assert!(replaced(&twice, tools(json!([{"value": "saw", "serial": "3"}]))).is_ok(), "which of them?");
    }

    #[test]
    fn core_030_null_clears_a_write_only_attribute_of_an_extension() {
        let before = json!({"schemas": [ROBOT, MORE], MORE: {"pin": "1", "owner": "ada", "maker": "m"}});
        let body = |more: Value| json!({"schemas": [ROBOT, MORE], MORE: more});
        let kept = replaced(&before, body(json!({"owner": "eve"}))).unwrap();
        assert_eq!(kept[MORE], json!({"pin": "1", "owner": "eve", "maker": "m"}));
        let cleared = replaced(&before, body(json!({"owner": "eve", "PIN": null}))).unwrap();
        assert_eq!(cleared[MORE], json!({"owner": "eve", "maker": "m"}));
        let whole = json!({"schemas": [ROBOT], MORE: null});
        assert_eq!(replaced(&before, whole).unwrap()[MORE], json!({"maker": "m"}), "immutable values stay");
    }
}
