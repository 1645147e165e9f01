//! Values from outside, made canonical against their attribute: the one place where types, names and
//! forgiven spellings of values are decided. Used by ingest and by PATCH.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use crate::date_time::DateTime;
use crate::error::Error;
use crate::leniency::{Leniency, Quirk, Quirks, UnknownAttributes};
use crate::resource_type::AttrRef;
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
/// let active = ResourceType::user().resolve("active").unwrap();
/// let mut canonical = Canonical::new(&Leniency::INTEROP, ReadOnly::Strip);
/// assert_eq!(canonical.value(&active, "True".into()).unwrap(), Some(true.into()));
/// ```
#[derive(Debug)]
pub struct Canonical<'a> {
    leniency: &'a Leniency,
    read_only: ReadOnly,
    partial: bool,
    used: Quirks,
}

impl<'a> Canonical<'a> {
    /// A canonicaliser with this leniency.
    pub fn new(leniency: &'a Leniency, read_only: ReadOnly) -> Self {
        Self { leniency, read_only, partial: false, used: Quirks::NONE }
    }

    /// The same, but an object need not hold its required sub-attributes: it will be merged into one
    /// that does.
    #[must_use]
    pub fn partial(self) -> Self {
        Self { partial: true, ..self }
    }

    /// The quirks that were needed so far.
    pub fn used(&self) -> Quirks {
        self.used
    }

    /// Makes a whole value of `path` canonical: an array for a multi-valued attribute, else one value.
    /// `None` means unassigned: `null`, `[]`, `{}` (CORE-030).
    ///
    /// Errors are 400 `invalidValue` (or `mutability` under [`ReadOnly::Refuse`]) and name the path.
    pub fn value(&mut self, path: &AttrRef, value: Value) -> Result<Option<Value>, Error> {
        let at = At::from(path);
        self.attribute(&at, path.leaf(), value)
    }

    /// Makes one element of a multi-valued attribute, or one single value, canonical.
    pub fn element(&mut self, path: &AttrRef, value: Value) -> Result<Option<Value>, Error> {
        let at = At::from(path);
        self.single(&at, path.leaf(), value)
    }

    pub(crate) fn attribute(
        &mut self,
        at: &At<'_>,
        attribute: &Attribute,
        value: Value,
    ) -> Result<Option<Value>, Error> {
        match value {
            Value::Null => Ok(None),
            Value::Array(values) if attribute.multi_valued => self.elements(at, attribute, values),
            Value::Array(mut values) => match values.len() {
                0 => Ok(None),
                1 if self.leniency.uses(Quirk::UnwrapValue, &mut self.used) => {
                    self.single(at, attribute, values.remove(0))
                }
                _ => Err(at.expected(attribute, "an array")),
            },
            value if attribute.multi_valued => {
                if !self.leniency.uses(Quirk::WrapValue, &mut self.used) {
                    return Err(Error::invalid_value(format!("`{at}` is multi-valued: expected an array")));
                }
                self.elements(at, attribute, vec![value])
            }
            value => self.single(at, attribute, value),
        }
    }

    fn elements(
        &mut self,
        at: &At<'_>,
        attribute: &Attribute,
        values: Vec<Value>,
    ) -> Result<Option<Value>, Error> {
        let mut elements = Vec::with_capacity(values.len());
        for value in values {
            if value.is_null() {
                return Err(Error::invalid_value(format!("`{at}` holds `null` among its values")));
            }
            elements.extend(self.single(at, attribute, value)?);
        }
        remove_duplicates(&mut elements);
        if attribute.sub_attribute("primary").is_some_and(|sub| sub.r#type == Type::Boolean) {
            self.one_primary(at, &mut elements)?;
        }
        Ok((!elements.is_empty()).then_some(Value::Array(elements)))
    }

    /// CORE-025: `primary: true` at most once; with the quirk the first one wins (Q-46).
    fn one_primary(&mut self, at: &At<'_>, elements: &mut [Value]) -> Result<(), Error> {
        let mut primaries =
            elements.iter_mut().filter(|element| element["primary"] == true).skip(1).peekable();
        if primaries.peek().is_none() {
            return Ok(());
        }
        if !self.leniency.uses(Quirk::NormalizePrimary, &mut self.used) {
            return Err(Error::invalid_value(format!("`{at}` has more than one value with `primary` true")));
        }
        for element in primaries {
            element["primary"] = Value::Bool(false);
        }
        Ok(())
    }

    fn single(&mut self, at: &At<'_>, attribute: &Attribute, value: Value) -> Result<Option<Value>, Error> {
        if attribute.is_complex() {
            return self.complex(at, attribute, value);
        }
        match value {
            Value::Null => Ok(None),
            Value::Object(mut object)
                if object.contains_key("value")
                    && object.iter().all(|(key, value)| key == "value" || value.is_null())
                    && self.leniency.uses(Quirk::UnwrapValue, &mut self.used) =>
            {
                let inner = object.remove("value").unwrap_or_default();
                self.simple(at, attribute, inner)
            }
            value => self.simple(at, attribute, value),
        }
    }

    fn complex(&mut self, at: &At<'_>, attribute: &Attribute, value: Value) -> Result<Option<Value>, Error> {
        match value {
            Value::Null => Ok(None),
            Value::Object(object) => self.object(at, attribute, object),
            Value::String(text)
                if text.is_empty() && self.leniency.uses(Quirk::EmptyStringClears, &mut self.used) =>
            {
                Ok(None)
            }
            scalar @ (Value::String(_) | Value::Number(_) | Value::Bool(_))
                if attribute.value_sub_attribute().is_some()
                    && self.leniency.uses(Quirk::WrapValue, &mut self.used) =>
            {
                self.object(at, attribute, Map::from_iter([("value".to_owned(), scalar)]))
            }
            other => Err(at.expected(attribute, kind(&other))),
        }
    }

    fn object(
        &mut self,
        at: &At<'_>,
        attribute: &Attribute,
        object: Map<String, Value>,
    ) -> Result<Option<Value>, Error> {
        let object = self.lift_json_value(attribute, object);
        let mut canonical = Map::new();
        for (key, value) in object {
            let Some(sub) = attribute.sub_attribute(&key) else {
                let forgiven = value.is_null()
                    || self.leniency.uses(Quirk::UnknownSubAttributes, &mut self.used)
                    || self.leniency.unknown_attributes() == UnknownAttributes::Ignore;
                if forgiven {
                    continue;
                }
                return Err(Error::invalid_value(format!("`{at}` has no sub-attribute `{key}`")));
            };
            let at = At { sub: Some(&sub.name), ..*at };
            if sub.mutability == Mutability::ReadOnly {
                if self.read_only == ReadOnly::Strip
                    || self.leniency.uses(Quirk::ReadOnlyInValue, &mut self.used)
                {
                    continue;
                }
                return Err(Error::mutability(format!("`{at}` is read-only")));
            }
            let empty_string_clears =
                attribute.value_sub_attribute().is_some_and(|value| value.name == sub.name)
                    && !attribute.multi_valued
                    && value == "";
            if empty_string_clears && self.leniency.uses(Quirk::EmptyStringClears, &mut self.used) {
                continue;
            }
            if let Some(value) = self.attribute(&at, sub, value)?
                && canonical.insert(sub.name.clone(), value).is_some()
            {
                return Err(Error::invalid_syntax(format!("`{at}` stands twice, in different case")));
            }
        }
        if !self.partial && !canonical.is_empty() {
            require_sub_attributes(at, attribute, &canonical)?;
        }
        Ok((!canonical.is_empty()).then_some(Value::Object(canonical)))
    }

    /// Q-18: a role whose `value` is itself a JSON object.
    fn lift_json_value(&mut self, attribute: &Attribute, object: Map<String, Value>) -> Map<String, Value> {
        let text = match (attribute.name.as_str(), object.len(), object.get("value")) {
            ("roles", 1, Some(Value::String(text))) if text.starts_with('{') => text,
            _ => return object,
        };
        let Ok(Value::Object(mut inner)) = serde_json::from_str::<Value>(text) else { return object };
        let Some(value @ Value::String(_)) = inner.remove("value") else { return object };
        if !self.leniency.uses(Quirk::JsonInRoleValue, &mut self.used) {
            return object;
        }
        let mut lifted = Map::from_iter([("value".to_owned(), value)]);
        if let Some(display @ Value::String(_)) =
            inner.remove("displayName").or_else(|| inner.remove("display"))
        {
            lifted.insert("display".to_owned(), display);
        }
        lifted
    }

    fn simple(&mut self, at: &At<'_>, attribute: &Attribute, value: Value) -> Result<Option<Value>, Error> {
        let refuse = |value: &Value| Err(at.expected(attribute, kind(value)));
        match (attribute.r#type, value) {
            (_, Value::Null) => Ok(None),
            (Type::Boolean, value @ Value::Bool(_)) => Ok(Some(value)),
            (Type::Boolean, Value::String(text)) => {
                let value = if text.eq_ignore_ascii_case("true") {
                    true
                } else if text.eq_ignore_ascii_case("false") {
                    false
                } else {
                    return Err(at.expected(attribute, &format!("`{}`", shorten(&text))));
                };
                if self.leniency.uses(Quirk::StringBooleans, &mut self.used) {
                    Ok(Some(Value::Bool(value)))
                } else {
                    Err(at.expected(attribute, "a string"))
                }
            }
            (Type::Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => {
                Ok(Some(Value::Number(number)))
            }
            (Type::Integer, Value::Number(number)) => Err(Error::invalid_value(format!(
                "`{at}`: `{number}` is no integer of at most 64 bits without fraction and exponent"
            ))),
            (Type::Decimal, value @ Value::Number(_)) => Ok(Some(value)),
            (Type::String, value @ Value::String(_)) => Ok(Some(value)),
            (Type::DateTime, Value::String(text)) => match text.parse::<DateTime>() {
                Ok(_) => Ok(Some(Value::String(text))),
                Err(error) => Err(Error::invalid_value(format!("`{at}`: {error}"))),
            },
            (Type::Binary, Value::String(text)) => match BASE64.decode(&text) {
                Ok(_) => Ok(Some(Value::String(text))),
                Err(error) => Err(Error::invalid_value(format!("`{at}` is not base64: {error}"))),
            },
            (Type::Reference, Value::String(text)) => {
                match url::Url::options().base_url(ANY_BASE.as_ref()).parse(&text) {
                    Ok(_) => Ok(Some(Value::String(text))),
                    Err(error) => {
                        Err(Error::invalid_value(format!("`{at}`: `{}` is no URI: {error}", shorten(&text))))
                    }
                }
            }
            (_, other) => refuse(&other),
        }
    }
}

/// Padding may be left out (CORE-017).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// References may be relative (CORE-019); any base shows whether they can be resolved.
static ANY_BASE: LazyLock<Option<url::Url>> =
    LazyLock::new(|| url::Url::parse("https://base.example/v2/").ok());

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

fn remove_duplicates(elements: &mut Vec<Value>) {
    if elements.len() < 2 {
        return;
    }
    let mut seen = HashSet::with_capacity(elements.len());
    elements.retain(|element| seen.insert(element.to_string()));
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Where a value stands, for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) urn: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) sub: Option<&'a str>,
}

impl<'a> At<'a> {
    fn expected(&self, attribute: &Attribute, found: &str) -> Error {
        Error::invalid_value(format!("`{self}`: expected {}, found {found}", attribute.r#type))
    }
}

impl<'a> From<&'a AttrRef> for At<'a> {
    fn from(path: &'a AttrRef) -> Self {
        Self {
            urn: path.extension().map(|urn| &**urn),
            name: &path.attribute().name,
            sub: path.sub().map(|sub| sub.name.as_str()),
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(self.name)?;
        match self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource_type::ResourceType;
    use serde_json::json;

    fn read(leniency: &Leniency, path: &str, value: Value) -> Result<Option<Value>, Error> {
        let path = ResourceType::user().resolve(path).unwrap();
        Canonical::new(leniency, ReadOnly::Strip).value(&path, value)
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
}
