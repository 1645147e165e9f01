//! What PATCH does to the values of a complex attribute.
//!
//! The values are all elements of a multi-valued attribute. The value of a single-valued attribute is treated as a list
//! of one.

use std::fmt::Display;

use scim_core::{AttrRef, Attribute, Exhausted, Meter, Mutability, add_elements, resource_at};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::plan::{Change, Part, PartChange, Which};
use crate::read_only::{keep_read_only, take_read_only};

/// Changes the chosen values and removes those that became empty.
///
/// A change that sets something makes a value if none is chosen.
// PATCH-008
pub(crate) fn change_elements(
    path: &AttrRef,
    elements: &mut Vec<Value>,
    mut chosen: Vec<usize>,
    (which, change): (&Which, &Change),
    meter: &mut Meter,
) -> Result<(), PatchError> {
    let is_made = chosen.is_empty();
    if is_made {
        if !change.gives() {
            return Ok(());
        }
        let is_free = path.attribute().multi_valued || elements.is_empty();
        let Some(made) = which.made().filter(|_| is_free) else {
            return Err(no_target(path, change));
        };
        chosen.push(elements.len());
        elements.push(Value::Object(made));
    }
    for at in &chosen {
        change_element(path, &mut elements[*at], change)?;
    }
    // What is made for a filter must still fit it.
    if let (true, Which::Filter { filter, .. }, Some(made)) = (is_made, which, elements.last())
        && !filter.matches_within(made, meter)?
    {
        return Err(no_target(path, change));
    }
    let primary = chosen.last().copied().filter(|at| {
        let is_primary = || elements[*at].get("primary").is_some_and(|primary| *primary == true);
        sets_primary(change) || (is_made && is_primary())
    });
    set_primary(elements, primary);
    elements.retain(|element| !element.is_null());
    Ok(())
}

fn no_target(path: &AttrRef, change: &Change) -> PatchError {
    let detail = format!("no value of `{path}` fits the path");
    match change {
        Change::Parts { parts, .. } if parts.len() == 1 => {
            PatchError::no_target(format!("{path}.{}", parts[0].name), detail)
        }
        _ => PatchError::no_target(path, detail),
    }
}

impl Which {
    /// Returns the positions of the selected values.
    pub(crate) fn choose(&self, elements: &[Value], meter: &mut Meter) -> Result<Vec<usize>, Exhausted> {
        match self {
            Self::Filter { filter, .. } => {
                let mut places = Vec::new();
                for (at, element) in elements.iter().enumerate() {
                    if filter.matches_within(element, meter)? {
                        places.push(at);
                    }
                }
                Ok(places)
            }
            Self::Single | Self::Every => Ok((0..elements.len()).collect()),
            Self::Preferred => {
                let primary = elements.iter().position(|element| element["primary"] == true);
                Ok(primary.or((!elements.is_empty()).then_some(0)).into_iter().collect())
            }
        }
    }

    /// Returns the content of a new value, made if none is selected.
    //
    fn made(&self) -> Option<Map<String, Value>> {
        match self {
            Self::Single | Self::Preferred => Some(Map::new()),
            Self::Filter { made, .. } => made.clone(),
            Self::Every => None,
        }
    }
}

/// Changes one value, and sets it to `null` if nothing is left of it.
fn change_element(path: &AttrRef, element: &mut Value, change: &Change) -> Result<(), PatchError> {
    let attribute = path.attribute();
    match (change, element) {
        (Change::Remove, element) => {
            // An element may be removed as a whole (RFC 7643 §4.2). A single value may not, if it holds something
            // immutable.
            if !attribute.multi_valued {
                check_removable(path, attribute, element)?;
            }
            *element = Value::Null;
        }
        (Change::Replace(value), element) => {
            let mut value = value.clone();
            take_read_only(attribute, element, &mut value);
            for sub in &attribute.sub_attributes {
                check_immutable(path, sub, element.get(&sub.name), value.get(&sub.name))?;
            }
            *element = value;
        }
        (Change::Parts { parts, drop_hollow }, element @ Value::Object(_)) => {
            let Value::Object(object) = element else { return Ok(()) };
            let before = object.len();
            let pointed = object.contains_key("$ref").then(|| object.get("value").cloned());
            parts.iter().try_for_each(|part| change_part(path, object, part))?;
            if let Some(value) = pointed {
                drop_stale_reference(attribute, object, parts, value.as_ref());
            }
            let is_hollow = || object.keys().all(|name| name == "type" || name == "primary");
            if object.is_empty() || (*drop_hollow && object.len() < before && is_hollow()) {
                *element = Value::Null;
            }
        }
        (Change::Parts { .. }, _) => return Err(PatchError::stored(path)),
    }
    Ok(())
}

fn change_part(path: &AttrRef, object: &mut Map<String, Value>, part: &Part) -> Result<(), PatchError> {
    let Part { name, sub, change } = part;
    // An attribute that no schema knows keeps the spelling that it has already.
    let known = object.keys().find(|key| sub.is_none() && key.eq_ignore_ascii_case(name)).cloned();
    let name = known.as_ref().unwrap_or(name);
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

/// Drops a `$ref` that names another resource than `value`, if `value` has changed and the request does not name
/// `$ref`.
fn drop_stale_reference(
    attribute: &Attribute,
    object: &mut Map<String, Value>,
    parts: &[Part],
    before: Option<&Value>,
) {
    let is_fixed = attribute.sub_attribute("$ref").is_none_or(|sub| sub.mutability == Mutability::Immutable);
    let Some(Value::String(uri)) = object.get("$ref") else { return };
    // Without a `value`, the `$ref` contradicts nothing.
    let Some(value) = object.get("value") else { return };
    if is_fixed || Some(value) == before || parts.iter().any(|part| part.name == "$ref") {
        return;
    }
    if value.as_str() != resource_at(uri).as_deref() {
        object.remove("$ref");
    }
}

/// Checks that an immutable sub-attribute only gets its first value, or an equal one.
// Rows 16 and 17 of the matrix, inside a value.
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

/// Checks that the value of an attribute may be removed as a whole.
///
/// It may not, if it is immutable or a single value that holds something immutable.
// Row 17 of the matrix.
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

fn sets_primary(change: &Change) -> bool {
    match change {
        Change::Parts { parts, .. } => parts.iter().any(|part| {
            part.name == "primary" && matches!(&part.change, PartChange::Set(value) if *value == true)
        }),
        Change::Replace(value) => value["primary"] == true,
        Change::Remove => false,
    }
}

/// Sets the given value as the only primary one.
// PATCH-019
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

/// Appends values. The last primary one among them becomes the only one, and equal values are merged.
// PATCH-019, PATCH-027
pub(crate) fn append(attribute: &Attribute, elements: &mut Vec<Value>, values: &[Value]) {
    let mut values = values.to_vec();
    keep_read_only(attribute, elements, &mut values);
    add_elements(attribute, elements, values);
}
