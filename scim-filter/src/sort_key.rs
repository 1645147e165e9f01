//! The order of values, as text.

use scim_core::{Attribute, DateTime, Type};
use serde_json::{Number, Value};

use crate::plan::index_key;

/// Returns the text by which one value of an attribute is ordered, whatever its type.
///
/// Two values have the order of their texts, byte by byte. For strings and booleans the text is the [`index_key`].
///
/// `leaf` is the attribute or sub-attribute that holds the value. Complex values, and values that are not of the
/// attribute's type, give `None`.
///
/// ```
/// use scim_core::ResourceType;
/// use scim_filter::sort_key;
/// let user_name = ResourceType::user().resolve("userName").unwrap();
/// assert!(sort_key(user_name.leaf(), &"B".into()) > sort_key(user_name.leaf(), &"a".into()));
/// ```
// FILT-035
pub fn sort_key(leaf: &Attribute, value: &Value) -> Option<String> {
    match (leaf.r#type, value) {
        (Type::String | Type::Boolean, value) => index_key(leaf, value),
        // Neither type defines an order, so the text decides.
        (Type::Reference | Type::Binary, Value::String(text)) => Some(text.clone()),
        (Type::DateTime, Value::String(text)) => text.parse::<DateTime>().ok().map(|at| at.sort_key()),
        (Type::Integer | Type::Decimal, Value::Number(number)) => number_key(number),
        _ => None,
    }
}

/// Writes the nearest float, and the distance of a whole number from it.
///
/// The bits of floats are in numeric order once negative ones are inverted.
fn number_key(number: &Number) -> Option<String> {
    // `0.0` and `-0.0` are one number.
    let nearest = number.as_f64()? + 0.0;
    let bits = nearest.to_bits();
    let ordered = if nearest.is_sign_negative() { !bits } else { bits | 1 << 63 };
    let beyond = number.as_i128().map_or(0, |whole| whole - nearest as i128);
    Some(format!("{ordered:016x}{:08x}", beyond + (1 << 31)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: &str) -> Option<String> {
        number_key(&serde_json::from_str(number).unwrap())
    }

    #[test]
    fn filt_035_numbers_are_ordered_as_numbers() {
        let numbers = [
            "-1e300",
            "-18446744073709551615",
            "-9223372036854775808",
            "-9223372036854775807",
            "-2.5",
            "-2",
            "-1e-300",
            "0",
            "1e-300",
            "2",
            "2.5",
            "10",
            "9007199254740992",
            "9007199254740993",
            "9223372036854775807",
            "18446744073709551614",
            "18446744073709551615",
            "1e300",
        ];
        assert!(numbers.is_sorted_by(|a, b| key(a) < key(b)));
        assert_eq!(key("-0.0"), key("0"));
        assert_eq!(key("2.0"), key("2"));
    }
}
