//! About how large a value is.

use serde_json::Value;

/// How many bytes a value has, about: those of its texts and names, and a few for whatever else is in it.
///
/// ```
/// assert_eq!(scim_core::weight(&serde_json::json!({"value": "ada"})), 10);
/// ```
pub fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 2 + text.len(),
        Value::Array(values) => values.iter().map(weight).sum(),
        Value::Object(object) => object.iter().map(|(name, value)| name.len() + weight(value)).sum(),
        _ => 4,
    }
}
