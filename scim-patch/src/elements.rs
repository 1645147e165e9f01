//! What PATCH does to the values of a complex attribute: all elements of a multi-valued one, or the one value
//! of a single-valued one, which is a list of one here.

use std::fmt::Display;

use scim_core::{AttrRef, Attribute, Mutability, merge_duplicates};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::plan::{Change, Part, PartChange, Which};

/// Changes the values meant; none that is left is empty. A change that gives something needs a value to give it
/// to (PATCH-008).
pub(crate) fn change_elements(
    path: &AttrRef,
    elements: &mut Vec<Value>,
    which: &Which,
    change: &Change,
) -> Result<(), PatchError> {
    let mut chosen = which.choose(elements);
    let mut makes_primary = sets_primary(change);
    if chosen.is_empty() {
        if !change.gives() {
            return Ok(());
        }
        let is_free = path.attribute().multi_valued || elements.is_empty();
        let Some(made) = which.made().filter(|_| is_free) else {
            return Err(PatchError::no_target(path, format!("no value of `{path}` fits the path")));
        };
        makes_primary |= made.get("primary").is_some_and(|primary| *primary == true);
        chosen.push(elements.len());
        elements.push(Value::Object(made));
    }
    for at in &chosen {
        change_element(path, &mut elements[*at], change)?;
    }
    let primary = chosen.last().filter(|_| makes_primary);
    set_primary(elements, primary.copied());
    elements.retain(|element| !element.is_null());
    Ok(())
}

impl Which {
    fn choose(&self, elements: &[Value]) -> Vec<usize> {
        match self {
            Self::Filter { filter, .. } => {
                (0..elements.len()).filter(|at| filter.matches(&elements[*at])).collect()
            }
            Self::Single | Self::Every => (0..elements.len()).collect(),
            Self::Preferred => {
                let primary = elements.iter().position(|element| element["primary"] == true);
                primary.or((!elements.is_empty()).then_some(0)).into_iter().collect()
            }
        }
    }

    /// What a value is made of where none is meant.
    fn made(&self) -> Option<Map<String, Value>> {
        match self {
            Self::Single | Self::Preferred => Some(Map::new()),
            Self::Filter { made, .. } => made.clone(),
            Self::Every => None,
        }
    }
}

/// Leaves `null` where nothing is left.
fn change_element(path: &AttrRef, element: &mut Value, change: &Change) -> Result<(), PatchError> {
    let attribute = path.attribute();
    match (change, element) {
        (Change::Remove, element) => {
            // An element may go as a whole (RFC 7643 §4.2); what is immutable in a single value would go with it.
            if !attribute.multi_valued {
                check_removable(path, attribute, element)?;
            }
            *element = Value::Null;
        }
        (Change::Replace(value), element) => {
            let mut value = value.clone();
            keep_read_only(attribute, element, &mut value);
            for sub in &attribute.sub_attributes {
                check_immutable(path, sub, element.get(&sub.name), value.get(&sub.name))?;
            }
            *element = value;
        }
        (Change::Parts { parts, drop_hollow }, element @ Value::Object(_)) => {
            let Value::Object(object) = element else { return Ok(()) };
            let before = object.len();
            parts.iter().try_for_each(|part| change_part(path, object, part))?;
            let is_hollow = || object.keys().all(|name| name == "type" || name == "primary");
            if object.is_empty() || (*drop_hollow && object.len() < before && is_hollow()) {
                *element = Value::Null;
            }
        }
        (change, _) if !change.gives() => {}
        _ => {
            let detail = format!("a value of `{path}` has no sub-attributes");
            return Err(PatchError::value(path, detail));
        }
    }
    Ok(())
}

fn change_part(path: &AttrRef, object: &mut Map<String, Value>, part: &Part) -> Result<(), PatchError> {
    let Part { name, sub, change } = part;
    let fixed = sub.as_ref().filter(|sub| sub.mutability == Mutability::Immutable);
    let before = fixed.and_then(|_| object.get(name).cloned());
    match (change, sub) {
        (PartChange::Set(value), _) => drop(object.insert(name.clone(), value.clone())),
        (PartChange::Append(values), Some(sub)) => {
            let listed = object.entry(name.clone()).or_insert_with(|| Value::Array(vec![]));
            append(sub, listed.as_array_mut().ok_or_else(|| PatchError::stored(path))?, values);
        }
        (PartChange::RemoveValues(meant), Some(sub)) => {
            if let Some(Value::Array(values)) = object.get_mut(name) {
                meant.remove_from(sub, values);
                if values.is_empty() {
                    object.remove(name);
                }
            }
        }
        _ => drop(object.remove(name)),
    }
    match fixed {
        Some(sub) => check_immutable(path, sub, before.as_ref(), object.get(name)),
        None => Ok(()),
    }
}

/// Matrix rows 16 and 17, inside a value: what is immutable takes its first value, and the same one again.
fn check_immutable(
    path: &impl Display,
    sub: &Attribute,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Result<(), PatchError> {
    if sub.mutability == Mutability::Immutable && old.is_some() && old != new {
        let path = format!("{path}.{}", sub.name);
        let detail = format!("`{path}` is immutable and has another value already");
        return Err(PatchError::immutable(path, detail));
    }
    Ok(())
}

/// Whether the value of an attribute may be taken away as a whole: not when it, or anything in a single value,
/// is immutable (matrix row 17).
pub(crate) fn check_removable(
    path: &impl Display,
    attribute: &Attribute,
    value: &Value,
) -> Result<(), PatchError> {
    if attribute.mutability == Mutability::Immutable {
        return Err(PatchError::immutable(path, format!("`{path}` is immutable: it cannot be removed")));
    }
    let Value::Object(object) = value else { return Ok(()) };
    attribute
        .sub_attributes
        .iter()
        .try_for_each(|sub| check_immutable(path, sub, object.get(&sub.name), None))
}

/// What a client may not write stays where an element that is the same is given again. Sub-attributes that are
/// both read-only and stored are rare.
pub(crate) fn keep_read_only_in_elements(attribute: &Attribute, before: &[Value], elements: &mut Vec<Value>) {
    if !attribute.sub_attributes.iter().any(|sub| sub.mutability == Mutability::ReadOnly) {
        return;
    }
    let many = elements.len();
    let is_kept = |name: &str, described: bool| {
        let read_only =
            attribute.sub_attribute(name).is_some_and(|sub| sub.mutability == Mutability::ReadOnly);
        read_only || !(name == "primary" || (described && (name == "display" || name == "$ref")))
    };
    for element in before {
        let mut element = element.clone();
        if let Value::Object(object) = &mut element {
            let described = object.contains_key("value");
            object.retain(|name, _| is_kept(name, described));
        }
        elements.push(element);
    }
    // An element behind another that is the same tells that one what else it holds.
    merge_duplicates(attribute, elements);
    elements.truncate(many);
}

/// What a client may not write stays where the value around it is replaced.
fn keep_read_only(attribute: &Attribute, old: &Value, new: &mut Value) {
    let Value::Object(new) = new else { return };
    for sub in attribute.sub_attributes.iter().filter(|sub| sub.mutability == Mutability::ReadOnly) {
        if let Some(value) = old.get(&sub.name) {
            new.insert(sub.name.clone(), value.clone());
        }
    }
}

fn sets_primary(change: &Change) -> bool {
    match change {
        Change::Parts { parts, .. } => parts.iter().any(|part| {
            part.name == "primary" && matches!(&part.change, PartChange::Set(value) if *value == true)
        }),
        Change::Replace(value) => value["primary"] == true,
        Change::Remove => false,
    }
}

/// PATCH-019: whoever is set primary last is the only one.
fn set_primary(elements: &mut [Value], primary: Option<usize>) {
    let Some(primary) = primary else { return };
    for (at, element) in elements.iter_mut().enumerate() {
        if at == primary {
            element["primary"] = Value::Bool(true);
        } else if element["primary"] == true {
            element["primary"] = Value::Bool(false);
        }
    }
}

/// Appends values, the last primary among them the only one (PATCH-019); each value is left once (PATCH-027).
pub(crate) fn append(attribute: &Attribute, elements: &mut Vec<Value>, values: &[Value]) {
    let primary = values.iter().rposition(|value| value["primary"] == true);
    let primary = primary.map(|at| elements.len() + at);
    elements.extend_from_slice(values);
    set_primary(elements, primary);
    merge_duplicates(attribute, elements);
}
