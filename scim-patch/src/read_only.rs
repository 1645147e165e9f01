//! Keeps read-only values when the values around them are replaced. Read-only sub-attributes that are stored are rare.

use std::collections::HashMap;

use scim_core::{Attribute, Mutability};
use serde_json::{Map, Value};

/// Copies the read-only sub-attributes of a value to the value that replaces it.
pub(crate) fn take_read_only(attribute: &Attribute, old: &Value, new: &mut Value) {
    let Value::Object(new) = new else { return };
    for sub in read_only(attribute) {
        if let Some(value) = old.get(&sub.name) {
            new.insert(sub.name.clone(), value.clone());
        }
    }
}

/// Copies read-only sub-attributes to the elements that replace others in a list.
///
/// An element replaces the one with equal `type` and `value`. Without a `value`, it replaces the one in which
/// everything that a client may write is equal, except `primary`.
pub(crate) fn keep_read_only(attribute: &Attribute, before: &[Value], elements: &mut [Value]) {
    if read_only(attribute).next().is_none() {
        return;
    }
    let name = |element: &Value| {
        let object = element.as_object()?;
        let is_writable = |name: &str| {
            attribute.sub_attribute(name).is_none_or(|sub| sub.mutability != Mutability::ReadOnly)
        };
        let has_value = object.contains_key("value");
        let is_name = |name: &str| {
            is_writable(name) && name != "primary" && (!has_value || name == "value" || name == "type")
        };
        let named: Map<String, Value> = object
            .iter()
            .filter(|(name, _)| is_name(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        (!named.is_empty()).then_some(named)
    };
    let mut by_name = HashMap::new();
    for element in before {
        if let Some(named) = name(element) {
            by_name.entry(Value::Object(named)).or_insert(element);
        }
    }
    for element in elements {
        if let Some(old) = name(element).and_then(|named| by_name.get(&Value::Object(named))) {
            take_read_only(attribute, old, element);
        }
    }
}

fn read_only(attribute: &Attribute) -> impl Iterator<Item = &std::sync::Arc<Attribute>> {
    attribute.sub_attributes.iter().filter(|sub| sub.mutability == Mutability::ReadOnly)
}
