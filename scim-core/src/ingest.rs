//! Bodies of `POST` and `PUT` turned into canonical resources — RFC 7644 §3.3, §3.5.1.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::canonical::{At, Canonical, ReadOnly, require_sub_attributes};
use crate::error::Error;
use crate::json::parse_json;
use crate::leniency::{Leniency, Quirk, Quirks, UnknownAttributes};
use crate::resource::{Reference, Resource};
use crate::resource_type::{Resolved, ResourceType};
use crate::schema::{Attribute, Mutability, Returned, Type};

/// What a body may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The size in bytes.
    pub bytes: usize,
    /// Levels of nesting.
    pub depth: usize,
    /// JSON values, counting every element and member.
    pub elements: usize,
}

impl Default for Limits {
    /// 8 MiB, 32 levels, a million values: a group of 100,000 members fits.
    fn default() -> Self {
        Self { bytes: 8 << 20, depth: 32, elements: 1_000_000 }
    }
}

/// What a body was read as.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ingested {
    /// The document.
    pub resource: Resource,
    /// The links of each relation the body mentions; a relation it is silent about is absent.
    pub relations: BTreeMap<String, Vec<Reference>>,
    /// The quirks that were needed to read it.
    pub quirks: Quirks,
}

/// Reads a body for create (`previous` is `None`) or replace.
///
/// Names get the schema's spelling, read-only attributes are left out, types and required attributes
/// are checked, `schemas` is reconciled with what is there. On replace, immutable attributes must not
/// change, and write-only or never-returned ones that the body lacks are kept.
///
/// Errors: `invalidSyntax` for the structure, `invalidValue` for values, `mutability` for immutable
/// attributes; each names the attribute path and what was expected.
///
/// ```
/// use scim_core::{Leniency, Limits, ResourceType, ingest, urn};
/// let body = br#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "USERNAME": "ada", "id": "x"}"#;
/// let read = ingest(body, &ResourceType::user(), None, &Leniency::STRICT, &Limits::default()).unwrap();
/// assert_eq!(read.resource.text("userName"), Some("ada"));
/// assert!(read.resource.text("id").is_none());
/// ```
pub fn ingest(
    bytes: &[u8],
    resource_type: &ResourceType,
    previous: Option<&Resource>,
    leniency: &Leniency,
    limits: &Limits,
) -> Result<Ingested, Error> {
    ingest_value(parse_json(bytes, limits)?, resource_type, previous, leniency)
}

/// [`ingest`] for JSON that has been parsed already, such as an operation of a bulk request.
pub fn ingest_value(
    body: Value,
    resource_type: &ResourceType,
    previous: Option<&Resource>,
    leniency: &Leniency,
) -> Result<Ingested, Error> {
    let Value::Object(body) = body else {
        return Err(Error::invalid_syntax("the body must be a JSON object"));
    };
    let mut reader = Reader {
        resource_type,
        leniency,
        canonical: Canonical::new(leniency, ReadOnly::Strip),
        used: Quirks::NONE,
        document: Map::new(),
        extensions: BTreeMap::new(),
        relations: BTreeMap::new(),
        schemas: None,
    };
    reader.read(body)?;
    if let Some(previous) = previous {
        reader.keep(previous)?;
    }
    reader.finish()
}

struct Reader<'a> {
    resource_type: &'a ResourceType,
    leniency: &'a Leniency,
    canonical: Canonical<'a>,
    used: Quirks,
    document: Map<String, Value>,
    extensions: BTreeMap<&'a str, Map<String, Value>>,
    relations: BTreeMap<String, Vec<Reference>>,
    schemas: Option<Value>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, body: Map<String, Value>) -> Result<(), Error> {
        for (key, value) in body {
            if key.eq_ignore_ascii_case("schemas") {
                if self.schemas.replace(value).is_some() {
                    return Err(twice(&At { urn: None, name: "schemas", sub: None }));
                }
            } else if let Some(attribute) = self.resource_type.attribute(&key) {
                let at = At { urn: None, name: &attribute.name, sub: None };
                self.top_level(&at, attribute, value)?;
            } else if let Some(extension) = self.resource_type.extension(&key) {
                let urn = &**extension.schema.id();
                match value {
                    Value::Null => {}
                    Value::Object(object) => self.extension(urn, object)?,
                    _ => return Err(Error::invalid_value(format!("`{urn}`: expected an object"))),
                }
            } else if !value.is_null() {
                self.unknown(&key, value)?;
            }
        }
        Ok(())
    }

    fn top_level(&mut self, at: &At<'_>, attribute: &'a Attribute, value: Value) -> Result<(), Error> {
        if attribute.mutability == Mutability::ReadOnly {
            return Ok(());
        }
        let value = self.canonical.attribute(at, attribute, value)?;
        if let Some(relation) = self.resource_type.relation(&attribute.name) {
            let links = links(at, value)?;
            return match self.relations.insert(relation.name.clone(), links) {
                None => Ok(()),
                Some(_) => Err(twice(at)),
            };
        }
        match value.and_then(|value| self.document.insert(attribute.name.clone(), value)) {
            None => Ok(()),
            Some(_) => Err(twice(at)),
        }
    }

    fn extension(&mut self, urn: &'a str, object: Map<String, Value>) -> Result<(), Error> {
        let Some(extension) = self.resource_type.extension(urn) else { return Ok(()) };
        for (key, value) in object {
            let Some(attribute) = extension.schema.attribute(&key) else {
                if value.is_null() || self.leniency.unknown_attributes() == UnknownAttributes::Ignore {
                    continue;
                }
                return Err(Error::invalid_value(format!("`{urn}` has no attribute `{key}`")));
            };
            self.extension_attribute(urn, attribute, value)?;
        }
        Ok(())
    }

    fn extension_attribute(
        &mut self,
        urn: &'a str,
        attribute: &Attribute,
        value: Value,
    ) -> Result<(), Error> {
        let at = At { urn: Some(urn), name: &attribute.name, sub: None };
        if attribute.mutability == Mutability::ReadOnly {
            return Ok(());
        }
        let Some(value) = self.canonical.attribute(&at, attribute, value)? else { return Ok(()) };
        match self.extensions.entry(urn).or_default().insert(attribute.name.clone(), value) {
            None => Ok(()),
            Some(_) => Err(twice(&at)),
        }
    }

    /// Q-17: `department` at the top level; otherwise the policy for unknown attributes.
    fn unknown(&mut self, key: &str, value: Value) -> Result<(), Error> {
        if self.leniency.allows(Quirk::RootExtensionAttributes)
            && let Ok(Resolved::Attribute(path)) =
                self.resource_type.resolve_with(key, self.leniency, &mut Quirks::default())
            && let Some(extension) = path.extension().and_then(|urn| self.resource_type.extension(urn))
            && path.sub().is_none()
        {
            self.used.insert(Quirk::RootExtensionAttributes);
            return self.extension_attribute(extension.schema.id(), path.attribute(), value);
        }
        match self.leniency.unknown_attributes() {
            UnknownAttributes::Ignore => Ok(()),
            UnknownAttributes::Refuse => {
                Err(Error::invalid_value(format!("`{key}` is no attribute of {}", self.resource_type.name())))
            }
        }
    }

    /// RFC 7644 §3.5.1: what a replace must not change, and what it cannot have seen.
    fn keep(&mut self, previous: &Resource) -> Result<(), Error> {
        let resource_type = self.resource_type;
        for attribute in resource_type.schema().attributes() {
            let at = At { urn: None, name: &attribute.name, sub: None };
            keep_attribute(&at, attribute, previous.as_map(), &mut self.document)?;
        }
        for extension in resource_type.extensions() {
            let urn = &**extension.schema.id();
            let Some(before) = previous.as_map().get(urn).and_then(Value::as_object) else { continue };
            let mut now = self.extensions.remove(urn).unwrap_or_default();
            for attribute in extension.schema.attributes() {
                let at = At { urn: Some(urn), name: &attribute.name, sub: None };
                keep_attribute(&at, attribute, before, &mut now)?;
            }
            if !now.is_empty() {
                self.extensions.insert(urn, now);
            }
        }
        if !self.document.contains_key("active")
            && let Some(active) = previous.as_map().get("active")
            && resource_type.attribute("active").is_some_and(|active| active.r#type == Type::Boolean)
            && self.leniency.uses(Quirk::PutKeepsActive, &mut self.used)
        {
            self.document.insert("active".into(), active.clone());
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Ingested, Error> {
        let schemas = self.reconcile_schemas()?;
        for (urn, object) in self.extensions {
            self.document.insert(urn.to_owned(), Value::Object(object));
        }
        self.document.insert("schemas".into(), schemas);
        require(self.resource_type, &self.document, &self.relations)?;
        Ok(Ingested {
            resource: Resource::from_canonical(self.document),
            relations: self.relations,
            quirks: self.used.union(self.canonical.used()),
        })
    }

    /// CORE-003…006: the list names the base schema and known extensions only; what is kept is the base
    /// and each extension in use.
    fn reconcile_schemas(&mut self) -> Result<Value, Error> {
        let base = &**self.resource_type.schema().id();
        let listed = self.schemas.take();
        let mut declared: Vec<&str> = Vec::new();
        match &listed {
            Some(Value::Array(urns)) => {
                for urn in urns {
                    let Value::String(urn) = urn else {
                        return Err(Error::invalid_syntax("`schemas` must be an array of URN strings"));
                    };
                    let known = if base.eq_ignore_ascii_case(urn) {
                        Some(base)
                    } else {
                        self.resource_type.extension(urn).map(|extension| &**extension.schema.id())
                    };
                    match known {
                        Some(urn) => declared.push(urn),
                        None if self.leniency.uses(Quirk::UnknownSchemas, &mut self.used) => {}
                        None => {
                            return Err(Error::invalid_value(format!(
                                "`schemas`: `{urn}` is no schema of {}; known: {}",
                                self.resource_type.name(),
                                known_schemas(self.resource_type)
                            )));
                        }
                    }
                }
            }
            None | Some(Value::Null) => {}
            Some(_) => return Err(Error::invalid_syntax("`schemas` must be an array of URN strings")),
        }
        let complete = declared.contains(&base) && self.extensions.keys().all(|urn| declared.contains(urn));
        if !complete && !self.leniency.uses(Quirk::InferSchemas, &mut self.used) {
            let message = format!(
                "`schemas` must name `{base}` and each extension in use; known: {}",
                known_schemas(self.resource_type)
            );
            return Err(if listed.is_some() {
                Error::invalid_value(message)
            } else {
                Error::invalid_syntax(message)
            });
        }
        Ok(std::iter::once(base).chain(self.extensions.keys().copied()).collect())
    }
}

fn known_schemas(resource_type: &ResourceType) -> String {
    let extensions = resource_type.extensions().iter().map(|extension| &**extension.schema.id());
    std::iter::once(&**resource_type.schema().id()).chain(extensions).collect::<Vec<_>>().join(", ")
}

fn twice(at: &At<'_>) -> Error {
    Error::invalid_syntax(format!("`{at}` stands twice, in different case"))
}

fn links(at: &At<'_>, value: Option<Value>) -> Result<Vec<Reference>, Error> {
    let Some(Value::Array(elements)) = value else { return Ok(Vec::new()) };
    elements
        .iter()
        .map(|element| {
            Reference::from_element(element)
                .filter(|reference| !reference.value.is_empty())
                .ok_or_else(|| Error::invalid_value(format!("`{at}.value` is required in each element")))
        })
        .collect()
}

fn keep_attribute(
    at: &At<'_>,
    attribute: &Attribute,
    before: &Map<String, Value>,
    now: &mut Map<String, Value>,
) -> Result<(), Error> {
    let Some(old) = before.get(&attribute.name) else { return Ok(()) };
    let unseen = attribute.mutability == Mutability::WriteOnly
        || matches!(attribute.returned, Returned::Never | Returned::Request);
    match (attribute.mutability, now.get_mut(&attribute.name)) {
        (Mutability::Immutable, Some(new)) if new != old => {
            Err(Error::mutability(format!("`{at}` is immutable and has another value already")))
        }
        (Mutability::Immutable | Mutability::ReadOnly, None) => {
            now.insert(attribute.name.clone(), old.clone());
            Ok(())
        }
        (_, None) if unseen => {
            now.insert(attribute.name.clone(), old.clone());
            Ok(())
        }
        (_, Some(Value::Object(new))) if !attribute.multi_valued => {
            let Value::Object(old) = old else { return Ok(()) };
            for sub in &attribute.sub_attributes {
                keep_attribute(&At { sub: Some(&sub.name), ..*at }, sub, old, new)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Checks that a document has every required attribute of the base schema and of each extension in use,
/// and each required extension (CORE-075): what holds after the last operation of a PATCH (PATCH-036).
///
/// The error is 400 `invalidValue` and names the attribute.
pub fn check_required(resource_type: &ResourceType, document: &Map<String, Value>) -> Result<(), Error> {
    require(resource_type, document, &BTreeMap::new())
}

fn require(
    resource_type: &ResourceType,
    document: &Map<String, Value>,
    relations: &BTreeMap<String, Vec<Reference>>,
) -> Result<(), Error> {
    let check = |urn: Option<&str>, attributes: &[std::sync::Arc<Attribute>], values: &Map<String, Value>| {
        for attribute in attributes {
            let at = At { urn, name: &attribute.name, sub: None };
            match values.get(&attribute.name) {
                None if attribute.required && relations.get(&attribute.name).is_none_or(Vec::is_empty) => {
                    return Err(Error::invalid_value(format!("`{at}` is required")));
                }
                Some(Value::String(text)) if attribute.required && text.trim().is_empty() => {
                    return Err(Error::invalid_value(format!("`{at}` is required and must not be empty")));
                }
                Some(Value::Object(object)) => require_sub_attributes(&at, attribute, object)?,
                Some(Value::Array(elements)) => {
                    for element in elements.iter().filter_map(Value::as_object) {
                        require_sub_attributes(&at, attribute, element)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    };
    check(None, resource_type.common_attributes().get(1..2).unwrap_or_default(), document)?;
    check(None, resource_type.schema().attributes(), document)?;
    for extension in resource_type.extensions() {
        let urn = &**extension.schema.id();
        match document.get(urn).and_then(Value::as_object) {
            Some(values) => check(Some(urn), extension.schema.attributes(), values)?,
            None if extension.required => {
                return Err(Error::invalid_value(format!("the extension `{urn}` is required")));
            }
            None => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::urn;
    use serde_json::json;

    fn user(leniency: &Leniency, body: Value) -> Result<Ingested, Error> {
        ingest_value(body, &ResourceType::user(), None, leniency)
    }

    #[test]
    fn core_002_core_007_canonical_spelling_and_extension_objects() {
        let body = json!({
            "Schemas": [urn::USER, urn::ENTERPRISE_USER],
            "USERNAME": "ada",
            "Emails": [{"VALUE": "a@x", "Type": "work"}],
            "urn:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:User": {"Department": "R&D"},
        });
        let read = user(&Leniency::STRICT, body).unwrap();
        assert_eq!(
            Value::Object(read.resource.into_map()),
            json!({
                "schemas": [urn::USER, urn::ENTERPRISE_USER],
                "userName": "ada",
                "emails": [{"value": "a@x", "type": "work"}],
                urn::ENTERPRISE_USER: {"department": "R&D"},
            })
        );
        assert!(read.quirks.is_empty());
    }

    #[test]
    fn core_004_core_005_core_006_schemas() {
        let with = |schemas: Value| user(&Leniency::STRICT, json!({"schemas": schemas, "userName": "ada"}));
        assert!(with(json!([urn::USER, urn::USER])).is_ok());
        assert!(with(json!([urn::ENTERPRISE_USER])).is_err());
        assert!(with(json!([urn::USER, "urn:none"])).unwrap_err().detail.contains("urn:none"));
        let missing = user(&Leniency::STRICT, json!({"userName": "ada"})).unwrap_err();
        assert_eq!(missing.scim_type, Some(crate::ScimType::InvalidSyntax));
        let inferred = user(&Leniency::INTEROP, json!({"userName": "ada"})).unwrap();
        assert!(inferred.quirks.contains(Quirk::InferSchemas));
    }

    #[test]
    fn core_033_core_035_core_061_read_only_is_left_out() {
        let read = user(
            &Leniency::STRICT,
            json!({"schemas": [urn::USER], "userName": "ada", "id": "x", "meta": {"version": "1"}, "groups": [{"value": "g"}]}),
        )
        .unwrap();
        assert_eq!(read.resource.as_map().len(), 2);
    }

    #[test]
    fn core_045_core_064_required() {
        for body in [json!({"schemas": [urn::USER]}), json!({"schemas": [urn::USER], "userName": " "})] {
            let error = user(&Leniency::STRICT, body).unwrap_err();
            assert!(error.detail.contains("userName"), "{error}");
        }
    }

    #[test]
    fn names_that_differ_only_in_case_are_refused() {
        let body = json!({"schemas": [urn::USER], "userName": "a", "username": "b"});
        assert!(user(&Leniency::INTEROP, body).is_err());
    }

    #[test]
    fn members_are_links_and_no_part_of_the_document() {
        let body = json!({"schemas": [urn::GROUP], "displayName": "g", "members": [{"value": "u1", "type": "User"}]});
        let read = ingest_value(body, &ResourceType::group(), None, &Leniency::STRICT).unwrap();
        assert!(read.resource.as_map().get("members").is_none());
        assert_eq!(read.relations["members"][0].value, "u1");
        let silent = json!({"schemas": [urn::GROUP], "displayName": "g"});
        assert!(
            ingest_value(silent, &ResourceType::group(), None, &Leniency::STRICT)
                .unwrap()
                .relations
                .is_empty()
        );
    }

    #[test]
    fn srv_070_q_51_replace_keeps_the_password_and_active() {
        let before = Resource::from_canonical(
            json!({"schemas": [urn::USER], "userName": "a", "password": "x", "active": false, "title": "t"})
                .as_object()
                .unwrap()
                .clone(),
        );
        let body = json!({"schemas": [urn::USER], "userName": "b"});
        let read =
            ingest_value(body.clone(), &ResourceType::user(), Some(&before), &Leniency::INTEROP).unwrap();
        assert_eq!(read.resource.text("password"), Some("x"));
        assert_eq!(read.resource.as_map()["active"], json!(false));
        assert_eq!(read.resource.text("title"), None);
        let strict = ingest_value(body, &ResourceType::user(), Some(&before), &Leniency::STRICT).unwrap();
        assert!(strict.resource.as_map().get("active").is_none());
    }

    #[test]
    fn q_17_q_19_the_documented_entra_create() {
        let body = json!({
            "schemas": [urn::USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"],
            "userName": "noor", "addresses": null, "department": null, "manager": null,
        });
        assert!(user(&Leniency::INTEROP, body).is_ok());
        let misplaced = json!({"schemas": [urn::USER], "userName": "noor", "department": "R&D"});
        let read = user(&Leniency::INTEROP, misplaced).unwrap();
        assert_eq!(read.resource.as_map()[urn::ENTERPRISE_USER]["department"], "R&D");
    }
}
