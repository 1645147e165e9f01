//! What a replace must not change, and what it cannot have seen — RFC 7644 §3.5.1.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::at::At;
use crate::error::Error;
use crate::lenience::Lenience;
use crate::leniency::Quirk;
use crate::resource::Resource;
use crate::resource_type::ResourceType;
use crate::schema::{Attribute, Mutability, Returned, Type};

/// Carries over from `previous` what the client could not send back, unless it is among what the client
/// `cleared`, and refuses another value for what is fixed.
pub(crate) fn keep(
    resource_type: &ResourceType,
    lenience: &mut Lenience,
    previous: &Resource,
    cleared: &BTreeSet<String>,
    document: &mut Map<String, Value>,
) -> Result<(), Error> {
    let is_cleared = |name: &str| cleared.contains(&name.to_ascii_lowercase());
    for attribute in resource_type.schema().attributes() {
        let fixed = matches!(attribute.mutability, Mutability::Immutable | Mutability::ReadOnly);
        if is_cleared(&attribute.name) && !fixed {
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
            keep_attribute(&At::new(Some(urn), &attribute.name), attribute, before, now)?;
        }
        if now.is_empty() {
            document.remove(urn);
        }
    }
    if !document.contains_key("active")
        && !is_cleared("active")
        && let Some(active) = previous.as_map().get("active")
        && resource_type.attribute("active").is_some_and(|active| active.r#type == Type::Boolean)
        && lenience.uses(Quirk::PutKeepsActive)
    {
        document.insert("active".into(), active.clone());
    }
    Ok(())
}

fn keep_attribute(
    at: &At<'_>,
    attribute: &Attribute,
    before: &Map<String, Value>,
    now: &mut Map<String, Value>,
) -> Result<(), Error> {
    let Some(old) = before.get(&attribute.name) else { return Ok(()) };
    let unseen = attribute.mutability == Mutability::WriteOnly
        || matches!(attribute.returned, Returned::Never | Returned::Request);
    match (attribute.mutability, now.get_mut(&attribute.name)) {
        (Mutability::Immutable, Some(new)) if new != old => {
            Err(Error::mutability(format!("`{at}` is immutable and has another value already")))
        }
        (Mutability::Immutable | Mutability::ReadOnly, None) => {
            now.insert(attribute.name.clone(), old.clone());
            Ok(())
        }
        (_, None) if unseen => {
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
        _ => Ok(()),
    }
}
