//! Required attributes and extensions — RFC 7643 §2.2, §3.3.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::at::At;
use crate::canonical::require_sub_attributes;
use crate::error::Error;
use crate::reference::Reference;
use crate::resource_type::ResourceType;
use crate::schema::Attribute;

/// Checks that a document has the required attributes and extensions. PATCH calls it after the last operation.
///
/// Required attributes are those of the base schema and of each extension in use. Links are not part of a document, so
/// required relations are not checked. Read-only attributes are not checked either, because a client cannot give them.
/// Neither are attributes that are never returned, because they may not be stored.
///
/// # Errors
///
/// 400 `invalidValue`, which names the first attribute or extension that is required and missing.
// CORE-075, PATCH-036
pub fn check_required(resource_type: &ResourceType, document: &Map<String, Value>) -> Result<(), Error> {
    // A client may have to send a secret that is not stored.
    let is_stored = |attribute: &Attribute| !attribute.is_never_returned();
    each_schema(resource_type, document, |urn, attributes, values| {
        let is_relation =
            |attribute: &Attribute| urn.is_none() && resource_type.relation(&attribute.name).is_some();
        let counts = |attribute: &Attribute| is_stored(attribute) && !is_relation(attribute);
        check_attributes(urn, attributes, values, &BTreeMap::new(), counts)?;
        attributes.iter().try_for_each(|attribute| check_sub_attributes(urn, attribute, values))
    })
}

/// Checks a document whose values are canonical, so their sub-attributes have been checked already.
pub(crate) fn check(
    resource_type: &ResourceType,
    document: &Map<String, Value>,
    relations: &BTreeMap<String, Vec<Reference>>,
) -> Result<(), Error> {
    each_schema(resource_type, document, |urn, attributes, values| {
        check_attributes(urn, attributes, values, relations, |_| true)
    })
}

fn each_schema(
    resource_type: &ResourceType,
    document: &Map<String, Value>,
    check: impl Fn(Option<&str>, &[Arc<Attribute>], &Map<String, Value>) -> Result<(), Error>,
) -> Result<(), Error> {
    check(None, resource_type.schema().attributes(), document)?;
    for extension in resource_type.extensions() {
        let urn = &**extension.schema.id();
        match document.get(urn).and_then(Value::as_object) {
            Some(values) => check(Some(urn), extension.schema.attributes(), values)?,
            // The service provider assigns an extension in which a client can write nothing.
            None if extension.required
                && extension.schema.attributes().iter().any(|own| own.is_writable()) =>
            {
                return Err(Error::invalid_value(format!("the extension `{urn}` is required")));
            }
            None => {}
        }
    }
    Ok(())
}

fn check_attributes(
    urn: Option<&str>,
    attributes: &[Arc<Attribute>],
    values: &Map<String, Value>,
    relations: &BTreeMap<String, Vec<Reference>>,
    counts: impl Fn(&Attribute) -> bool,
) -> Result<(), Error> {
    for attribute in
        attributes.iter().filter(|attribute| attribute.is_required_of_clients() && counts(attribute))
    {
        let at = At::new(urn, &attribute.name);
        match values.get(&attribute.name) {
            None if relations.get(&attribute.name).is_none_or(Vec::is_empty) => {
                return Err(Error::invalid_value(format!("`{at}` is required")));
            }
            Some(Value::String(text)) if text.trim().is_empty() => {
                return Err(Error::invalid_value(format!("`{at}` is required and must not be empty")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_sub_attributes(
    urn: Option<&str>,
    attribute: &Attribute,
    values: &Map<String, Value>,
) -> Result<(), Error> {
    // Most attributes have no required sub-attributes, so their values need not be looked up.
    if !attribute.sub_attributes.iter().any(|sub| sub.is_required_of_clients()) {
        return Ok(());
    }
    let at = At::new(urn, &attribute.name);
    match values.get(&attribute.name) {
        Some(Value::Object(object)) => require_sub_attributes(&at, attribute, object),
        Some(Value::Array(elements)) => elements
            .iter()
            .filter_map(Value::as_object)
            .try_for_each(|element| require_sub_attributes(&at, attribute, element)),
        _ => Ok(()),
    }
}
