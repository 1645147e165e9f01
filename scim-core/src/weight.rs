//! The approximate size of a value.

use serde_json::Value;

/// Estimates the size of a value in bytes: its texts and names, and a few bytes for each other value.
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
