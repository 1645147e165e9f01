//! The order of values, as text.

use scim_core::{Attribute, DateTime, Type};
use serde_json::{Number, Value};

use crate::plan::index_key;

/// The text by which one value of an attribute is ordered, whatever its type: two values stand to each other
/// as their texts do, byte by byte. For strings and booleans it is the [`index_key`].
///
/// `leaf` is the attribute or sub-attribute that holds the value; `None` for complex values and for values
/// that are not of the attribute's type.
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
        // Neither has an order of its own: the text does.
        (Type::Reference | Type::Binary, Value::String(text)) => Some(text.clone()),
        (Type::DateTime, Value::String(text)) => text.parse::<DateTime>().ok().map(|at| at.sort_key()),
        (Type::Integer | Type::Decimal, Value::Number(number)) => number_key(number),
        _ => None,
    }
}

/// The nearest float, whose bits are in order once negative ones are turned round, and what a whole number is
/// beyond it.
fn number_key(number: &Number) -> Option<String> {
    // Two zeros are one number.
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
