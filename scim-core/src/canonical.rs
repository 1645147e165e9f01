//! Values from outside, made canonical against their attribute: the one place where types, names and
//! forgiven spellings of values are decided. Used by ingest and by PATCH.
//!
//! A value is changed where it stands: most are canonical already, and then nothing is moved or copied.
//! Inside, the answer to "make this canonical" is whether anything is left: `false` is unassigned.

use serde_json::{Map, Value};

use crate::at::At;
use crate::element::merge_duplicates;
use crate::error::Error;
use crate::lenience::Lenience;
use crate::leniency::{Quirk, UnknownAttributes};
use crate::members;
use crate::resource_type::AttrRef;
use crate::scalar;
use crate::scalar::shorten;
use crate::schema::{Attribute, Mutability, Type};

/// What to do with a read-only sub-attribute inside a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnly {
    /// Leave it out: `POST` and `PUT` ignore read-only attributes (RFC 7644 §3.3, §3.5.1).
    Strip,
    /// 400 `mutability`: PATCH may not touch them (RFC 7644 §3.5.2).
    Refuse,
}

/// Makes values canonical, and notes the quirks that were needed.
///
/// ```
/// use scim_core::{Canonical, Leniency, ReadOnly, ResourceType};
/// let mut lenience = Leniency::INTEROP.into();
/// let active = ResourceType::user().resolve("active").unwrap();
/// let mut canonical = Canonical::new(&mut lenience, ReadOnly::Strip);
/// assert_eq!(canonical.value(&active, "True".into()).unwrap(), Some(true.into()));
/// ```
#[derive(Debug)]
pub struct Canonical<'a> {
    lenience: &'a mut Lenience,
    read_only: ReadOnly,
    partial: bool,
}

impl<'a> Canonical<'a> {
    /// A canonicaliser that forgives what `lenience` allows.
    pub fn new(lenience: &'a mut Lenience, read_only: ReadOnly) -> Self {
        Self { lenience, read_only, partial: false }
    }

    /// The same, but an object need not hold its required sub-attributes: it will be merged into one
    /// that does.
    #[must_use]
    pub fn partial(self) -> Self {
        Self { partial: true, ..self }
    }

    /// Makes a whole value of `path` canonical: an array for a multi-valued attribute, else one value.
    /// `None` means unassigned: `null`, `[]`, `{}` (CORE-030).
    ///
    /// Errors are 400 `invalidValue` (or `mutability` under [`ReadOnly::Refuse`]) and name the path.
    pub fn value(&mut self, path: &AttrRef, mut value: Value) -> Result<Option<Value>, Error> {
        let assigned = self.attribute(&At::from(path), path.leaf(), &mut value)?;
        Ok(assigned.then_some(value))
    }

    /// Makes one element of a multi-valued attribute, or one single value, canonical.
    pub fn element(&mut self, path: &AttrRef, mut value: Value) -> Result<Option<Value>, Error> {
        let assigned = self.single(&At::from(path), path.leaf(), &mut value)?;
        Ok(assigned.then_some(value))
    }

    pub(crate) fn attribute(
        &mut self,
        at: &At<'_>,
        attribute: &Attribute,
        value: &mut Value,
    ) -> Result<bool, Error> {
        match value {
            Value::Null => Ok(false),
            Value::Array(elements) if attribute.multi_valued => self.elements(at, attribute, elements),
            Value::Array(elements) => match elements.len() {
                0 => Ok(false),
                1 if self.lenience.uses(Quirk::UnwrapValue) => {
                    *value = elements.remove(0);
                    self.single(at, attribute, value)
                }
                _ => Err(at.expected(attribute, "an array")),
            },
            value if attribute.multi_valued => {
                if !self.lenience.uses(Quirk::WrapValue) {
                    return Err(Error::invalid_value(format!("`{at}` is multi-valued: expected an array")));
                }
                let mut elements = vec![value.take()];
                let assigned = self.elements(at, attribute, &mut elements)?;
                *value = Value::Array(elements);
                Ok(assigned)
            }
            value => self.single(at, attribute, value),
        }
    }

    fn elements(
        &mut self,
        at: &At<'_>,
        attribute: &Attribute,
        elements: &mut Vec<Value>,
    ) -> Result<bool, Error> {
        let mut gaps = false;
        for element in elements.iter_mut() {
            if element.is_null() {
                return Err(Error::invalid_value(format!("`{at}` holds `null` among its values")));
            }
            if !self.single(at, attribute, element)? {
                *element = Value::Null;
                gaps = true;
            }
        }
        if gaps {
            elements.retain(|element| !element.is_null());
        }
        merge_duplicates(attribute, elements);
        if attribute.sub_attribute("primary").is_some_and(|sub| sub.r#type == Type::Boolean) {
            self.one_primary(at, elements)?;
        }
        Ok(!elements.is_empty())
    }

    /// CORE-025: `primary: true` at most once; with the quirk the first one wins (Q-46).
    fn one_primary(&mut self, at: &At<'_>, elements: &mut [Value]) -> Result<(), Error> {
        let mut primaries =
            elements.iter_mut().filter(|element| element["primary"] == true).skip(1).peekable();
        if primaries.peek().is_none() {
            return Ok(());
        }
        if !self.lenience.uses(Quirk::NormalizePrimary) {
            return Err(Error::invalid_value(format!("`{at}` has more than one value with `primary` true")));
        }
        for element in primaries {
            element["primary"] = Value::Bool(false);
        }
        Ok(())
    }

    fn single(&mut self, at: &At<'_>, attribute: &Attribute, value: &mut Value) -> Result<bool, Error> {
        if attribute.is_complex() {
            return self.complex(at, attribute, value);
        }
        if let Value::Object(object) = value
            && object.contains_key("value")
            && object.iter().all(|(key, value)| key == "value" || value.is_null())
            && self.lenience.uses(Quirk::UnwrapValue)
        {
            *value = object.remove("value").unwrap_or_default();
        }
        scalar::canonicalize(at, attribute, self.lenience, value)
    }

    fn complex(&mut self, at: &At<'_>, attribute: &Attribute, value: &mut Value) -> Result<bool, Error> {
        match value {
            Value::Null => Ok(false),
            Value::Object(object) => self.object(at, attribute, object),
            Value::String(text) if text.is_empty() && self.lenience.uses(Quirk::EmptyStringClears) => {
                Ok(false)
            }
            Value::String(_) | Value::Number(_) | Value::Bool(_)
                if attribute.value_sub_attribute().is_some() && self.lenience.uses(Quirk::WrapValue) =>
            {
                let mut object = Map::from_iter([("value".to_owned(), value.take())]);
                let assigned = self.object(at, attribute, &mut object)?;
                *value = Value::Object(object);
                Ok(assigned)
            }
            other => Err(at.expected(attribute, scalar::json_kind(other))),
        }
    }

    fn object(
        &mut self,
        at: &At<'_>,
        attribute: &Attribute,
        object: &mut Map<String, Value>,
    ) -> Result<bool, Error> {
        self.lift_json_value(attribute, object);
        members::settle(
            object,
            |key| attribute.sub_attribute(key).map(|sub| (sub.name.as_str(), &**sub)),
            |name| at.sub(name).twice(),
            |key, sub, value| match sub {
                Some(sub) => self.sub_attribute(&at.sub(&sub.name), attribute, sub, value),
                None => self.unknown_sub_attribute(at, key, value),
            },
        )?;
        if !self.partial && !object.is_empty() {
            require_sub_attributes(at, attribute, object)?;
        }
        Ok(!object.is_empty())
    }

    fn sub_attribute(
        &mut self,
        at: &At<'_>,
        parent: &Attribute,
        sub: &Attribute,
        value: &mut Value,
    ) -> Result<bool, Error> {
        if sub.mutability == Mutability::ReadOnly {
            if self.read_only == ReadOnly::Strip || self.lenience.uses(Quirk::ReadOnlyInValue) {
                return Ok(false);
            }
            return Err(Error::mutability(format!("`{at}` is read-only")));
        }
        let empty_value = value == "" && sub.name == "value" && !parent.multi_valued;
        if empty_value && self.lenience.uses(Quirk::EmptyStringClears) {
            return Ok(false);
        }
        self.attribute(at, sub, value)
    }

    fn unknown_sub_attribute(&mut self, at: &At<'_>, key: &str, value: &Value) -> Result<bool, Error> {
        if value.is_null() {
            return Ok(false);
        }
        match self.lenience.unknown_attributes() {
            UnknownAttributes::Keep => Ok(members::is_assigned(value)),
            _ if self.lenience.uses(Quirk::UnknownSubAttributes) => Ok(false),
            UnknownAttributes::Ignore => Ok(false),
            UnknownAttributes::Refuse => {
                Err(Error::invalid_value(format!("`{at}` has no sub-attribute `{}`", shorten(key))))
            }
        }
    }

    /// Q-18: a role whose `value` is itself a JSON object.
    fn lift_json_value(&mut self, attribute: &Attribute, object: &mut Map<String, Value>) {
        if attribute.name != "roles" || object.len() != 1 {
            return;
        }
        let Some(Value::String(text)) = object.get("value") else { return };
        if !text.starts_with('{') {
            return;
        }
        let Ok(Value::Object(mut inner)) = serde_json::from_str::<Value>(text) else { return };
        let Some(value @ Value::String(_)) = inner.remove("value") else { return };
        if !self.lenience.uses(Quirk::JsonInRoleValue) {
            return;
        }
        object.insert("value".to_owned(), value);
        if let Some(display @ Value::String(_)) =
            inner.remove("displayName").or_else(|| inner.remove("display"))
        {
            object.insert("display".to_owned(), display);
        }
    }
}

/// Checks the required sub-attributes of one object.
pub(crate) fn require_sub_attributes(
    at: &At<'_>,
    attribute: &Attribute,
    object: &Map<String, Value>,
) -> Result<(), Error> {
    match attribute.sub_attributes.iter().find(|sub| sub.required && !object.contains_key(&sub.name)) {
        Some(sub) => Err(Error::invalid_value(format!("`{at}.{}` is required", sub.name))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leniency::Leniency;
    use crate::resource_type::ResourceType;
    use serde_json::json;

    fn read(leniency: &Leniency, path: &str, value: Value) -> Result<Option<Value>, Error> {
        let path = ResourceType::user().resolve(path).unwrap();
        Canonical::new(&mut Lenience::new(*leniency), ReadOnly::Strip).value(&path, value)
    }

    #[test]
    fn core_012_q_2_booleans() {
        assert!(read(&Leniency::STRICT, "active", json!("true")).is_err());
        assert_eq!(read(&Leniency::INTEROP, "active", json!("False")), Ok(Some(json!(false))));
        let error = read(&Leniency::INTEROP, "active", json!("yes")).unwrap_err();
        assert!(error.detail.contains("active") && error.detail.contains("yes"));
        assert_eq!(read(&Leniency::INTEROP, "displayName", json!("True")), Ok(Some(json!("True"))));
    }

    #[test]
    fn core_030_null_and_empty_are_unassigned() {
        for value in [json!(null), json!([]), json!([{}])] {
            assert_eq!(read(&Leniency::STRICT, "emails", value), Ok(None));
        }
        assert!(read(&Leniency::STRICT, "emails", json!([null])).is_err());
    }

    #[test]
    fn core_025_q_46_one_primary() {
        let two = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}]);
        assert!(read(&Leniency::STRICT, "emails", two.clone()).is_err());
        let one = read(&Leniency::INTEROP, "emails", two).unwrap().unwrap();
        assert_eq!((&one[0]["primary"], &one[1]["primary"]), (&json!(true), &json!(false)));
    }

    #[test]
    fn core_017_binary_padding_is_optional() {
        for value in ["YWI", "YWI="] {
            assert!(read(&Leniency::STRICT, "x509Certificates.value", json!(value)).unwrap().is_some());
        }
        assert!(read(&Leniency::STRICT, "x509Certificates.value", json!("*")).is_err());
    }

    #[test]
    fn q_13_q_15_manager_shapes() {
        let manager = format!("{}:manager", crate::urn::ENTERPRISE_USER);
        assert_eq!(read(&Leniency::INTEROP, &manager, json!("u9")), Ok(Some(json!({"value": "u9"}))));
        assert_eq!(read(&Leniency::INTEROP, &manager, json!("")), Ok(None));
        assert_eq!(read(&Leniency::INTEROP, &manager, json!({"value": ""})), Ok(None));
        assert_eq!(
            read(&Leniency::INTEROP, &manager, json!([{"value": "u9"}])),
            Ok(Some(json!({"value": "u9"})))
        );
        assert!(read(&Leniency::STRICT, &manager, json!("u9")).is_err());
    }

    #[test]
    fn q_18_json_in_a_role() {
        let role = json!([{"value": "{\"id\":\"1\",\"value\":\"approver\",\"displayName\":\"Approver\"}"}]);
        let read = read(&Leniency::INTEROP, "roles", role).unwrap();
        assert_eq!(read, Some(json!([{"value": "approver", "display": "Approver"}])));
    }

    #[test]
    fn core_026_the_same_value_twice_is_once() {
        let twice = json!([{"value": "a", "type": "work"}, {"type": "work", "value": "a"}]);
        assert_eq!(read(&Leniency::STRICT, "emails", twice).unwrap().unwrap().as_array().unwrap().len(), 1);
    }

    #[test]
    fn core_026_a_value_that_one_primary_makes_the_same_is_once() {
        let three = json!([{"value": "a", "primary": true}, {"value": "b", "primary": true}, {"value": "b", "primary": false}]);
        let read = read(&Leniency::INTEROP, "emails", three).unwrap();
        assert_eq!(read, Some(json!([{"value": "a", "primary": true}, {"value": "b", "primary": false}])));
    }
}
