//! Which elements a `remove` with a value means.

//

use std::collections::{HashMap, HashSet};

use scim_core::Attribute;
use scim_filter::sort_key;
use serde_json::Value;

/// Elements named by what they hold.
///
/// Beside a `value`, `display` and `$ref` only describe and `primary` is no name; of everything else that a
/// value names, an element has to hold the same, compared as a filter compares. The values are
/// sorted by which sub-attributes they name, so that each element is looked up once for each such set and
/// not compared with every value.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    values: Vec<Value>,
    /// By the sub-attributes named: what they have to hold. Simple values name none.
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

    /// The values it was made of.
    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    /// How often each element is looked up.
    pub(crate) fn looks(&self) -> usize {
        self.means.len()
    }

    /// Leaves what is not meant. `attribute` is the one it was made for.
    pub(crate) fn remove_from(&self, attribute: &Attribute, elements: &mut Vec<Value>) {
        elements.retain(|element| {
            !self.means.iter().any(|(names, means)| {
                held(attribute, element, names).is_some_and(|holds| means.contains(&holds))
            })
        });
    }
}

/// The sub-attributes by which a value names elements.
fn names(value: &Value) -> Vec<String> {
    let Value::Object(object) = value else { return vec![] };
    let has_value = object.contains_key("value");
    let is_name = |name: &str| !has_value || !matches!(name, "display" | "$ref" | "primary");
    let mut names: Vec<String> = object.keys().filter(|name| is_name(name)).cloned().collect();
    // A map may or may not be sorted: that depends on who else uses serde_json.
    names.sort_unstable();
    names
}

/// What an element holds under these names, in a form that is equal where the values are; `None` where it
/// lacks one.
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
        // The order of values means nothing.
        let mut values: Vec<String> = values.iter().map(|value| comparable(attribute, value)).collect();
        values.sort_unstable();
        return values.join("\0");
    }
    attribute.and_then(|attribute| sort_key(attribute, value)).unwrap_or_else(|| value.to_string())
}
