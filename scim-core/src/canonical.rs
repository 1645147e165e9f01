//! Makes values canonical for their attribute. Ingest and PATCH use it.
//!
//! Types, names and forgiven spellings of values are decided here. A value is changed in place. Most values are
//! canonical already, so nothing is moved or copied. What is left of a value is a [`Presence`]: a value that is not
//! understood is never read as unassigned.

use serde_json::{Map, Value};

use crate::at::At;
use crate::element::merge_duplicates;
use crate::error::Error;
use crate::json::parse_json;
use crate::lenience::Lenience;
use crate::leniency::{Quirk, UnknownAttributes};
use crate::limits::Limits;
use crate::members;
use crate::resource_type::AttrRef;
use crate::scalar;
use crate::schema::{Attribute, Mutability, Type};
use crate::shorten::shorten;

/// What is left of a value after it was made canonical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// A value.
    Assigned,
    /// Nothing, because the client sent `null`, `[]` or an object that assigns nothing (RFC 7643 §2.5).
    Unassigned,
    /// Nothing, because no schema knows what the client sent.
    NotUnderstood,
}

impl Presence {
    pub(crate) fn of(is_assigned: bool) -> Self {
        if is_assigned { Self::Assigned } else { Self::Unassigned }
    }

    pub(crate) fn is_assigned(self) -> bool {
        self == Self::Assigned
    }
}

/// What to do with a read-only sub-attribute inside a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnly {
    /// Remove it: `POST` and `PUT` ignore read-only attributes (RFC 7644 §3.3, §3.5.1).
    Strip,
    /// Refuse it with 400 `mutability`: PATCH may not change them (RFC 7644 §3.5.2).
    Refuse,
}

/// Makes values canonical and notes the quirks that were needed.
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
    /// Makes a canonicaliser that forgives what `lenience` allows.
    pub fn new(lenience: &'a mut Lenience, read_only: ReadOnly) -> Self {
        Self { lenience, read_only, partial: false }
    }

    /// Allows values without their required sub-attributes, because they will be merged into a value that has them.
    #[must_use]
    pub fn partial(self) -> Self {
        Self { partial: true, ..self }
    }

    /// Makes a whole value of `path` canonical: an array for a multi-valued attribute, otherwise one value.
    ///
    /// `None` means that nothing is left: `null`, `[]`, `{}`, or an object in which everything was passed over.
    ///
    /// # Errors
    ///
    /// 400 `invalidValue` (or `mutability` with [`ReadOnly::Refuse`]), which names the path.
    pub fn value(&mut self, path: &AttrRef, mut value: Value) -> Result<Option<Value>, Error> {
        let presence = self.attribute(&At::from(path), path.leaf(), &mut value)?;
        Ok(presence.is_assigned().then_some(value))
    }

    /// Makes one element of a multi-valued attribute canonical, or one single value.
    ///
    /// # Errors
    ///
    /// `invalidValue` if the value does not have the attribute's type, or `mutability` as for [`value`](Self::value).
    /// The error names `path`.
    pub fn element(&mut self, path: &AttrRef, mut value: Value) -> Result<Option<Value>, Error> {
        let presence = self.single(&At::from(path), path.leaf(), &mut value)?;
        Ok(presence.is_assigned().then_some(value))
    }

    pub(crate) fn attribute(
        &mut self,
        at: &At<'_>,
        attribute: &Attribute,
        value: &mut Value,
    ) -> Result<Presence, Error> {
        match value {
            Value::Null => Ok(Presence::Unassigned),
            Value::Array(elements) if attribute.multi_valued => self.elements(at, attribute, elements),
            Value::Array(elements) => match elements.as_mut_slice() {
                [] if self.lenience.uses(Quirk::EmptyListClears) => Ok(Presence::Unassigned),
                [single] if !single.is_null() && self.lenience.uses(Quirk::UnwrapValue) => {
                    *value = single.take();
                    self.single(at, attribute, value)
                }
                _ => Err(at.expected(attribute, "an array")),
            },
            value if attribute.multi_valued => {
                let mut elements = self.list(at, attribute, value.take())?;
                let presence = self.elements(at, attribute, &mut elements)?;
                *value = Value::Array(elements);
                Ok(presence)
            }
            value => self.single(at, attribute, value),
        }
    }

    /// Makes a list from a value that is not an array.
    fn list(&mut self, at: &At<'_>, attribute: &Attribute, mut value: Value) -> Result<Vec<Value>, Error> {
        if is_nested_list(attribute, &value) && self.lenience.uses(Quirk::NestedList) {
            let inner = value.as_object_mut().and_then(|object| object.values_mut().next());
            return Ok(inner.and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default());
        }
        // An empty text is not a list: only `null` and `[]` are empty (RFC 7643 §2.5).
        if value != "" && self.lenience.uses(Quirk::WrapValue) {
            return Ok(vec![value]);
        }
        Err(Error::invalid_value(format!("`{at}` is multi-valued: expected an array")))
    }

    fn elements(
        &mut self,
        at: &At<'_>,
        attribute: &Attribute,
        elements: &mut Vec<Value>,
    ) -> Result<Presence, Error> {
        for element in elements.iter_mut() {
            if element.is_null() {
                return Err(Error::invalid_value(format!("`{at}` holds `null` among its values")));
            }
            if !self.single(at, attribute, element)?.is_assigned() {
                return Err(hollow_element(at, attribute));
            }
        }
        merge_duplicates(elements);
        if attribute.sub_attribute("primary").is_some_and(|sub| sub.r#type == Type::Boolean) {
            self.one_primary(at, elements)?;
        }
        Ok(Presence::of(!elements.is_empty()))
    }

    /// Allows at most one `primary: true`. With the quirk, the first one wins.
    // CORE-025, Q-46
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

    fn single(&mut self, at: &At<'_>, attribute: &Attribute, value: &mut Value) -> Result<Presence, Error> {
        if attribute.is_complex() {
            return self.complex(at, attribute, value);
        }
        if let Value::Object(object) = value
            && object.get("value").is_some_and(|inner| !inner.is_null())
            && object.iter().all(|(key, value)| key == "value" || value.is_null())
            && self.lenience.uses(Quirk::UnwrapValue)
        {
            *value = object.remove("value").unwrap_or_default();
        }
        scalar::canonicalize(at, attribute, self.lenience, value)
    }

    fn complex(&mut self, at: &At<'_>, attribute: &Attribute, value: &mut Value) -> Result<Presence, Error> {
        match value {
            Value::Null => Ok(Presence::Unassigned),
            Value::Object(object) => self.object(at, attribute, object),
            Value::String(text) if text.is_empty() && self.lenience.uses(Quirk::EmptyStringClears) => {
                Ok(Presence::Unassigned)
            }
            Value::String(_) | Value::Number(_) | Value::Bool(_)
                if attribute.value_sub_attribute().is_some() && self.lenience.uses(Quirk::WrapValue) =>
            {
                let mut object = Map::from_iter([("value".to_owned(), value.take())]);
                let presence = self.object(at, attribute, &mut object)?;
                *value = Value::Object(object);
                Ok(presence)
            }
            other => Err(at.expected(attribute, scalar::json_kind(other))),
        }
    }

    fn object(
        &mut self,
        at: &At<'_>,
        attribute: &Attribute,
        object: &mut Map<String, Value>,
    ) -> Result<Presence, Error> {
        self.lift_json_value(at, attribute, object);
        let mut passed_over = false;
        members::settle(
            object,
            |key| attribute.sub_attribute(key).map(|sub| (sub.name.as_str(), &**sub)),
            |name| at.sub(name).twice(),
            |key, sub, value| match sub {
                Some(sub) => self.sub_attribute(&at.sub(&sub.name), attribute, sub, value),
                None => {
                    let presence = self.unknown_sub_attribute(at, key, value)?;
                    passed_over |= presence == Presence::NotUnderstood;
                    Ok(presence)
                }
            },
        )?;
        match (object.is_empty(), passed_over) {
            (true, true) => return Ok(Presence::NotUnderstood),
            (true, false) => return Ok(Presence::Unassigned),
            (false, _) => {}
        }
        if !self.partial {
            require_sub_attributes(at, attribute, object)?;
        }
        Ok(Presence::Assigned)
    }

    fn sub_attribute(
        &mut self,
        at: &At<'_>,
        parent: &Attribute,
        sub: &Attribute,
        value: &mut Value,
    ) -> Result<Presence, Error> {
        if sub.mutability == Mutability::ReadOnly {
            if self.read_only == ReadOnly::Strip {
                return Ok(Presence::Unassigned);
            }
            if self.lenience.uses(Quirk::ReadOnlyInValue) {
                self.lenience.pass_over(at);
                return Ok(Presence::Unassigned);
            }
            return Err(Error::mutability(format!("`{at}` is read-only")));
        }
        let empty_value = *value == "" && sub.name == "value" && !parent.multi_valued;
        if empty_value && self.lenience.uses(Quirk::EmptyStringClears) {
            return Ok(Presence::Unassigned);
        }
        self.attribute(at, sub, value)
    }

    fn unknown_sub_attribute(&mut self, at: &At<'_>, key: &str, value: &Value) -> Result<Presence, Error> {
        if value.is_null() {
            return Ok(Presence::Unassigned);
        }
        match self.lenience.unknown_attributes() {
            UnknownAttributes::Keep => {
                self.lenience.texts().check_unknown(at, value)?;
                return Ok(Presence::of(members::is_assigned(value)));
            }
            UnknownAttributes::Ignore => {}
            UnknownAttributes::Refuse if self.lenience.uses(Quirk::UnknownSubAttributes) => {}
            UnknownAttributes::Refuse => {
                return Err(Error::invalid_value(format!("`{at}` has no sub-attribute `{}`", shorten(key))));
            }
        }
        self.lenience.pass_over(at.sub(key));
        Ok(Presence::NotUnderstood)
    }

    /// Takes `value` and `display` from a role whose `value` is itself a JSON object.
    // Q-18
    fn lift_json_value(&mut self, at: &At<'_>, attribute: &Attribute, object: &mut Map<String, Value>) {
        if attribute.name != "roles" || object.len() != 1 {
            return;
        }
        let Some(Value::String(text)) = object.get("value") else { return };
        if !text.starts_with('{') {
            return;
        }
        // A text with a duplicate key is not read as an object, because its meaning is not known.
        let Ok(Value::Object(mut inner)) = parse_json(text.as_bytes(), &Limits::default()) else { return };
        if !inner.get("value").is_some_and(Value::is_string) || !self.lenience.uses(Quirk::JsonInRoleValue) {
            return;
        }
        let mut lift = |from: &str, to: &str| {
            if inner.get(from).is_some_and(Value::is_string) && (from == "value" || !object.contains_key(to))
            {
                object.extend(inner.remove(from).map(|text| (to.to_owned(), text)));
            }
        };
        lift("value", "value");
        lift("displayName", "display");
        lift("display", "display");
        for (name, _) in inner.iter().filter(|(_, value)| !value.is_null()) {
            self.lenience.pass_over(at.sub(name));
        }
    }
}

/// Whether a value is the attribute's list inside an object under the attribute's name, as in `{"members": […]}`.
pub fn is_nested_list(attribute: &Attribute, value: &Value) -> bool {
    let Value::Object(object) = value else { return false };
    object.len() == 1
        && attribute.sub_attribute(&attribute.name).is_none()
        && object.iter().all(|(key, inner)| key.eq_ignore_ascii_case(&attribute.name) && inner.is_array())
}

/// Returns the error for an element in which nothing is assigned.
///
/// Dropping the element could empty a list that the client meant to fill.
fn hollow_element(at: &At<'_>, attribute: &Attribute) -> Error {
    let detail = if attribute.is_complex() {
        let known: Vec<&str> = attribute.sub_attributes.iter().map(|sub| sub.name.as_str()).collect();
        format!("`{at}` holds an element that assigns none of: {}", known.join(", "))
    } else {
        format!("`{at}` holds an element without a value")
    };
    Error::invalid_value(detail)
}

/// Checks the required sub-attributes of one object.
pub(crate) fn require_sub_attributes(
    at: &At<'_>,
    attribute: &Attribute,
    object: &Map<String, Value>,
) -> Result<(), Error> {
    match attribute
        .sub_attributes
        .iter()
        .find(|sub| sub.is_required_of_clients() && !object.contains_key(&sub.name))
    {
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
        for leniency in [Leniency::STRICT, Leniency::INTEROP] {
            for value in [json!(null), json!([])] {
                assert_eq!(read(&leniency, "emails", value), Ok(None));
            }
            // RFC 7643 §2.5: only these mean "no value", so nothing else may empty a list.
            let hollow = [
                json!([null]),
                json!([{}]),
                json!([{"value": null}]),
                json!([{"address": "a@x"}]),
                json!([{"value": "a@x"}, {}]),
                json!({}),
                json!({"value": null}),
                json!({"emails": {}}),
                json!({"mails": []}),
                json!(""),
                json!([""]),
            ];
            for value in hollow {
                assert!(read(&leniency, "emails", value.clone()).is_err(), "{value}");
            }
        }
    }

    #[test]
    fn core_030_an_empty_list_is_no_single_value() {
        for path in ["title", "name", "active"] {
            assert!(read(&Leniency::STRICT, path, json!([])).is_err(), "{path}");
            assert_eq!(read(&Leniency::INTEROP, path, json!([])), Ok(None), "{path}");
            assert!(read(&Leniency::INTEROP, path, json!([null])).is_err(), "{path}");
        }
        assert!(read(&Leniency::INTEROP, "title", json!({"value": null})).is_err());
    }

    #[test]
    fn a_list_below_its_own_name_is_taken_by_name() {
        let nested = json!({"Emails": [{"value": "a@x"}]});
        assert!(read(&Leniency::STRICT, "emails", nested.clone()).is_err());
        assert!(read(&Leniency::INTEROP.deny(Quirk::NestedList), "emails", nested.clone()).is_err());
        assert_eq!(read(&Leniency::INTEROP, "emails", nested), Ok(Some(json!([{"value": "a@x"}]))));
        let more = json!({"emails": [{"value": "a@x"}], "value": "b@x"});
        let read = read(&Leniency::INTEROP, "emails", more);
        assert_eq!(read, Ok(Some(json!([{"value": "b@x"}]))), "what is known of an element is taken");
    }

    #[test]
    fn what_is_passed_over_is_named() {
        let mut lenience = Lenience::new(Leniency::INTEROP);
        let path = ResourceType::user().resolve("emails").unwrap();
        let value = json!([{"value": "a@x", "verified": true, "note": null}]);
        let read = Canonical::new(&mut lenience, ReadOnly::Strip).value(&path, value).unwrap();
        assert_eq!(read, Some(json!([{"value": "a@x"}])));
        assert_eq!(lenience.passed_over().names().collect::<Vec<_>>(), ["emails.verified"]);
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
    fn q_18_nothing_of_a_role_in_json_is_lost_silently() {
        let path = ResourceType::user().resolve("roles").unwrap();
        let read = |text: &str| {
            let mut lenience = Lenience::new(Leniency::INTEROP);
            let role = json!([{"value": text}]);
            let read = Canonical::new(&mut lenience, ReadOnly::Strip).value(&path, role).unwrap().unwrap();
            (read[0].clone(), lenience.passed_over().names().map(str::to_owned).collect::<Vec<_>>())
        };
        let named = json!({"value": "a", "display": "D"});
        assert_eq!(read(r#"{"value":"a","displayName":null,"display":"D"}"#), (named.clone(), vec![]));
        let odd = read(r#"{"value":"a","displayName":5,"display":"D"}"#);
        assert_eq!(odd, (named, vec!["roles.displayName".to_owned()]));
        let twice = r#"{"value":"a","value":"b"}"#;
        assert_eq!(read(twice), (json!({"value": twice}), vec![]));
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
