//! What PATCH does to the elements of a multi-valued attribute. Each step looks at every element a bounded
//! number of times, however many values the request brings.

use std::collections::HashSet;

use scim_core::{AttrRef, Attribute, Mutability};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::plan::{ElementChange, Which};

pub(crate) fn change_chosen(
    path: &AttrRef,
    attribute: &Attribute,
    elements: &mut Vec<Value>,
    chosen: &[usize],
    change: &ElementChange,
) -> Result<(), PatchError> {
    let mut primary = None;
    for at in chosen {
        let element = &mut elements[*at];
        match (change, element) {
            (ElementChange::Remove, element) => *element = Value::Null,
            (ElementChange::Replace(value), element) => {
                for sub in &attribute.sub_attributes {
                    check_immutable(path, sub, element.get(&sub.name), value.get(&sub.name))?;
                }
                *element = value.clone();
            }
            (ElementChange::Merge(values), Value::Object(object)) => {
                for (name, value) in values {
                    if let Some(sub) = attribute.sub_attribute(name) {
                        check_immutable(path, sub, object.get(name), Some(value))?;
                    }
                    object.insert(name.clone(), value.clone());
                }
            }
            (ElementChange::Set { sub, value }, Value::Object(object)) => {
                check_immutable(path, sub, object.get(&sub.name), Some(value))?;
                object.insert(sub.name.clone(), value.clone());
            }
            (ElementChange::Clear { sub, drop_hollow }, element) => {
                let Value::Object(object) = element else { continue };
                check_immutable(path, sub, object.get(&sub.name), None)?;
                let there = object.remove(&sub.name).is_some();
                let hollow = object.keys().all(|name| name == "type" || name == "primary");
                if object.is_empty() || (there && hollow && *drop_hollow) {
                    *element = Value::Null;
                }
            }
            _ => {
                let detail = format!("a value of `{path}` has no sub-attributes");
                return Err(PatchError::value(path, detail));
            }
        }
        if sets_primary(change) {
            primary = Some(*at);
        }
    }
    set_primary(elements, primary);
    elements.retain(|element| !element.is_null());
    Ok(())
}

fn sets_primary(change: &ElementChange) -> bool {
    match change {
        ElementChange::Set { sub, value } => sub.name == "primary" && *value == true,
        ElementChange::Merge(values) => values.get("primary").is_some_and(|value| *value == true),
        ElementChange::Replace(value) => value["primary"] == true,
        ElementChange::Clear { .. } | ElementChange::Remove => false,
    }
}

/// Matrix rows 16 and 17, inside an element.
fn check_immutable(
    path: &AttrRef,
    sub: &Attribute,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Result<(), PatchError> {
    let fixed = sub.mutability == Mutability::Immutable && old.is_some();
    if fixed && old != new {
        let path = format!("{path}.{}", sub.name);
        return Err(PatchError::immutable(&path, format!("`{path}` is immutable")));
    }
    Ok(())
}

/// PATCH-019: whoever is set primary last is the only one.
pub(crate) fn set_primary(elements: &mut [Value], primary: Option<usize>) {
    let Some(primary) = primary else { return };
    for (at, element) in elements.iter_mut().enumerate() {
        if at == primary {
            element["primary"] = Value::Bool(true);
        } else if element["primary"] == true {
            element["primary"] = Value::Bool(false);
        }
    }
}

/// what a value path that fits nothing creates.
pub(crate) fn made_element(which: &Which, change: &ElementChange) -> Option<Value> {
    let mut element = match which {
        Which::Filter { filter, create: true } => filter.template()?,
        Which::Preferred => Map::new(),
        Which::Filter { create: false, .. } | Which::Every => return None,
    };
    match change {
        ElementChange::Set { sub, value } => {
            element.insert(sub.name.clone(), value.clone());
        }
        ElementChange::Merge(values) | ElementChange::Replace(Value::Object(values)) => {
            element.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        _ => return None,
    }
    Some(Value::Object(element))
}

/// Appends values, the last primary among them the only one (PATCH-019).
pub(crate) fn append(elements: &mut Vec<Value>, values: &[Value]) {
    let primary = values.iter().rposition(|value| value["primary"] == true);
    let primary = primary.map(|at| elements.len() + at);
    elements.extend_from_slice(values);
    set_primary(elements, primary);
}

/// Takes away the elements that a value means: their `value`s agree, or without one, everything that the
/// value names.
pub(crate) fn remove_values(elements: &mut Vec<Value>, values: &[Value]) {
    let key = |value: &Value| match value {
        Value::Object(object) => object.get("value").map(Value::to_string),
        simple => Some(simple.to_string()),
    };
    let keys: HashSet<String> = values.iter().filter_map(key).collect();
    let partial: Vec<&Map<String, Value>> =
        values.iter().filter(|value| key(value).is_none()).filter_map(Value::as_object).collect();
    elements.retain(|element| {
        let meant = key(element).is_some_and(|key| keys.contains(&key));
        let agrees =
            |value: &&Map<String, Value>| value.iter().all(|(name, value)| element.get(name) == Some(value));
        !meant && !partial.iter().any(agrees)
    });
}
