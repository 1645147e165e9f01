//! The form in which a database compares values as SCIM does.

use scim_core::{Attribute, DateTime, Resource, ResourceType, Type, decode_base64, fold};
use serde_json::{Map, Number, Value};

use crate::compare::whole;

/// Returns the comparable form of one canonical value of `leaf` ([`scim_core::AttrRef::leaf`]).
///
/// See [the module](super#the-comparable-form). For a multi-valued attribute, call the function for each value.
///
/// ```
/// use scim_core::ResourceType;
/// use scim_filter::sql::comparable;
/// let user_name = ResourceType::user().resolve("userName").unwrap();
/// assert_eq!(comparable(user_name.leaf(), &"BJensen".into()), "bjensen");
/// ```
pub fn comparable(leaf: &Attribute, value: &Value) -> Value {
    match (leaf.r#type, value) {
        (Type::String, Value::String(text)) if !leaf.compares_exactly() => fold(text).into(),
        (Type::DateTime, Value::String(text)) => {
            text.parse().map_or_else(|_| value.clone(), |instant: DateTime| instant.sort_key().into())
        }
        (Type::Binary, Value::String(text)) => {
            decode_base64(text).map_or_else(|| value.clone(), |bytes| hexadecimal(&bytes).into())
        }
        (Type::Integer | Type::Decimal, Value::Number(number)) => whole_number(number)
            .and_then(|whole| {
                i64::try_from(whole).map(Value::from).or(u64::try_from(whole).map(Value::from)).ok()
            })
            .unwrap_or_else(|| value.clone()),
        _ => value.clone(),
    }
}

/// Returns the document with each value in its comparable form.
///
/// Attributes that the schema does not know stay unchanged.
pub fn comparable_document(resource_type: &ResourceType, resource: &Resource) -> Value {
    let members = resource.as_map().iter().map(|(name, value)| {
        let value = match (resource_type.attribute(name), resource_type.extension(name), value) {
            (Some(attribute), _, value) => comparable_value(attribute, value),
            (None, Some(extension), Value::Object(members)) => {
                let known = |name: &str| extension.schema.attribute(name);
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), comparable_member(known(name), value)))
                    .collect()
            }
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn comparable_member(attribute: Option<&std::sync::Arc<Attribute>>, value: &Value) -> Value {
    attribute.map_or_else(|| value.clone(), |attribute| comparable_value(attribute, value))
}

fn comparable_value(attribute: &Attribute, value: &Value) -> Value {
    match value {
        Value::Array(elements) => {
            elements.iter().map(|element| comparable_value(attribute, element)).collect()
        }
        Value::Object(members) => {
            let known = |name: &str| attribute.sub_attribute(name);
            members
                .iter()
                .map(|(name, value)| (name.clone(), comparable_member(known(name), value)))
                .collect()
        }
        scalar => comparable(attribute, scalar),
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the number if it is whole and has at most about 65 bits, however it is written.
pub(super) fn whole_number(number: &Number) -> Option<i128> {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    let float = || number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < LIMIT);
    // The cast is exact: no fraction, and far from the limits of the type.
    whole(number).or_else(|| float().map(|float| float as i128))
}
