//! Selects the elements that a `remove` with a value means.

//

use std::collections::{HashMap, HashSet};

use scim_core::Attribute;
use scim_filter::sort_key;
use serde_json::Value;

/// Selects elements by their content.
///
/// If a value has a `value`, its `display`, `$ref` and `primary` are ignored. An element is selected if it agrees in
/// everything else that the value names, compared as a filter compares.
///
/// The values are grouped by the sub-attributes that they name. So each element is looked up once for each group and
/// not compared with every value.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    values: Vec<Value>,
    /// By the named sub-attributes: the contents that select. Simple values name no sub-attribute.
    means: HashMap<Vec<String>, HashSet<Vec<String>>>,
}

impl Selection {
    pub(crate) fn new(attribute: &Attribute, values: Vec<Value>) -> Self {
        let mut means: HashMap<Vec<String>, HashSet<Vec<String>>> = HashMap::new();
        for value in &values {
            let names = names(value);
            let Some(holds) = held(attribute, value, &names) else { continue };
            means.entry(names).or_default().insert(holds);
        }
        Self { values, means }
    }

    /// Returns the values from which the selection was made.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    /// Returns how often each element is looked up.
    pub(crate) fn looks(&self) -> usize {
        self.means.len()
    }

    /// Removes the selected elements. `attribute` is the one for which the selection was made.
    pub(crate) fn remove_from(&self, attribute: &Attribute, elements: &mut Vec<Value>) {
        elements.retain(|element| {
            !self.means.iter().any(|(names, means)| {
                held(attribute, element, names).is_some_and(|holds| means.contains(&holds))
            })
        });
    }
}

/// Returns the sub-attributes by which a value selects elements.
fn names(value: &Value) -> Vec<String> {
    let Value::Object(object) = value else { return vec![] };
    let has_value = object.contains_key("value");
    let is_name = |name: &str| !has_value || !matches!(name, "display" | "$ref" | "primary");
    let mut names: Vec<String> = object.keys().filter(|name| is_name(name)).cloned().collect();
    // The order of a map depends on serde_json's features, which other crates may set.
    names.sort_unstable();
    names
}

/// Returns what an element holds under these names; `None` if it lacks one.
///
/// Values that a filter takes as equal give equal results.
fn held(attribute: &Attribute, element: &Value, names: &[String]) -> Option<Vec<String>> {
    match element {
        Value::Object(object) => {
            let part = |name: &String| {
                let sub = attribute.sub_attribute(name).map(|sub| &**sub);
                Some(comparable(sub, object.get(name)?))
            };
            names.iter().map(part).collect()
        }
        simple => Some(vec![comparable(Some(attribute), simple)]),
    }
}

fn comparable(attribute: Option<&Attribute>, value: &Value) -> String {
    if let Value::Array(values) = value {
        // The order of values has no meaning.
        let mut values: Vec<String> = values.iter().map(|value| comparable(attribute, value)).collect();
        values.sort_unstable();
        return values.join("\0");
    }
    attribute.and_then(|attribute| sort_key(attribute, value)).unwrap_or_else(|| value.to_string())
}
