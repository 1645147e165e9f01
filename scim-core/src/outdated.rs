//! Makes documents fit their type if they were written under another definition of it.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use twox_hash::XxHash3_64;

use crate::canonical::Presence;
use crate::error::Error;
use crate::members;
use crate::resource::Resource;
use crate::resource_type::{Extension, ResourceType};
use crate::scalar;
use crate::schema::{Attribute, Type};

/// Returns a hash of everything that decides whether a document fits the type.
///
/// These are names, types, which attributes are multi-valued, and which are relations. The hash must not change between
/// releases, because it is stored.
pub(crate) fn fingerprint(resource_type: &ResourceType) -> u64 {
    let mut text = String::new();
    for relation in resource_type.relations() {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{};", relation.name);
    }
    let extensions = resource_type.extensions().iter().map(|extension| &extension.schema);
    for schema in std::iter::once(resource_type.schema()).chain(extensions) {
        let _ = write!(text, "{}:", schema.id());
        schema.attributes().iter().for_each(|attribute| describe(attribute, &mut text));
    }
    XxHash3_64::oneshot(text.as_bytes())
}

fn describe(attribute: &Attribute, text: &mut String) {
    let many = if attribute.multi_valued { "*" } else { "" };
    let _ = write!(text, "{} {}{many}(", attribute.name, attribute.r#type);
    attribute.sub_attributes.iter().for_each(|sub| describe(sub, text));
    text.push(')');
}

/// Removes from a document what does not fit the type.
pub(crate) fn fit(resource_type: &ResourceType, keeps_unknown: bool, document: &mut Resource) {
    let fitting = Fitting { keeps_unknown };
    let document = document.as_map_mut();
    let known = |key: &str| {
        if let Some(attribute) = resource_type.attribute(key) {
            return Some((attribute.name.as_str(), Member::Attribute(attribute)));
        }
        let extension = resource_type.extension(key)?;
        Some((&**extension.schema.id(), Member::Extension(extension)))
    };
    fitting.members(document, known, |member, value| match member {
        Member::Attribute(attribute) if attribute.name == "schemas" => true,
        Member::Attribute(attribute) => {
            // Links are rows. A document may still hold them from before the attribute became a relation.
            resource_type.relation(&attribute.name).is_none() && fitting.attribute(attribute, value)
        }
        Member::Extension(extension) => {
            let Value::Object(object) = value else { return false };
            let schema = &extension.schema;
            let known = |key: &str| schema.attribute(key).map(|found| (found.name.as_str(), &**found));
            fitting.members(object, known, |attribute, value| fitting.attribute(attribute, value));
            !object.is_empty()
        }
    });
    if document.contains_key("schemas") {
        let schemas: Value = resource_type.schemas_in_use(document).collect();
        document.insert("schemas".to_owned(), schemas);
    }
}

/// What a key at the top level names.
#[derive(Clone, Copy)]
enum Member<'a> {
    Attribute(&'a Attribute),
    Extension(&'a Extension),
}

/// The rules by which documents are made to fit.
struct Fitting {
    keeps_unknown: bool,
}

impl Fitting {
    /// Keeps the members that fit, and renames those whose spelling in the schema has changed.
    fn members<'s, T: Copy>(
        &self,
        object: &mut Map<String, Value>,
        known: impl Fn(&str) -> Option<(&'s str, T)>,
        mut fits: impl FnMut(T, &mut Value) -> bool,
    ) {
        let twice = |name: &str| Error::internal(format!("`{name}` stands twice"));
        // This fails only if a name occurs twice, which a canonical document cannot have. Renamed members are then
        // dropped.
        let _ = members::settle(object, known, twice, |_, what, value| {
            Ok(Presence::of(what.map_or(self.keeps_unknown, |what| fits(what, value))))
        });
        object.retain(|_, value| !value.is_null());
    }

    fn attribute(&self, attribute: &Attribute, value: &mut Value) -> bool {
        match value {
            Value::Array(elements) if attribute.multi_valued => {
                elements.retain_mut(|element| self.single(attribute, element));
                !elements.is_empty()
            }
            value => !attribute.multi_valued && self.single(attribute, value),
        }
    }

    fn single(&self, attribute: &Attribute, value: &mut Value) -> bool {
        match (attribute.r#type, value) {
            (Type::Complex, Value::Object(object)) => {
                let known =
                    |key: &str| attribute.sub_attribute(key).map(|found| (found.name.as_str(), &**found));
                self.members(object, known, |sub, value| self.attribute(sub, value));
                !object.is_empty()
            }
            (_, value) => scalar::is_of_type(attribute.r#type, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::message::ResourceTypeDocument;
    use crate::resource_type::Relation;
    use crate::schema::Schema;

    const BASE: &str = "urn:x:Robot";
    const MORE: &str = "urn:x:More";

    fn robot(attributes: Value, more: Option<Value>) -> ResourceType {
        let schema = |id: &str, attributes: Value| {
            Arc::new(Schema::from_json(json!({"id": id, "attributes": attributes})).unwrap())
        };
        let document = ResourceTypeDocument::new("Robot", "/Robots", BASE);
        let robot = ResourceType::builder(document).schema(schema(BASE, attributes)).build().unwrap();
        match more {
            Some(attributes) => robot.with_extension(schema(MORE, attributes), false).unwrap(),
            None => robot,
        }
    }

    fn fitted(resource_type: &ResourceType, keeps_unknown: bool, document: &Value) -> Value {
        let mut resource = Resource::from_canonical(document.as_object().unwrap().clone());
        resource_type.fit(&mut resource, keeps_unknown);
        resource.into_map().into()
    }

    #[test]
    fn what_the_type_has_no_more_goes_unless_unknown_attributes_are_kept() {
        let arm = json!({"name": "arms", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value"}, {"name": "grip", "type": "decimal"}]});
        let now = robot(json!([{"name": "model"}, arm]), None);
        let document = json!({
            "schemas": [BASE, MORE], "model": "r2", "externalId": "e", "colour": "blue",
            "arms": [{"value": "left", "length": 3}, {"length": 4}], MORE: {"owner": "ada"},
        });
        let left = json!({
            "schemas": [BASE], "model": "r2", "externalId": "e", "arms": [{"value": "left"}],
        });
        assert_eq!(fitted(&now, false, &document), left);
        assert_eq!(fitted(&now, true, &document), document);
        assert_eq!(fitted(&now, false, &left), left, "what fits stays");
    }

    #[test]
    fn a_value_whose_type_is_another_one_goes_in_any_case() {
        let types = [
            ("string", json!("a")),
            ("boolean", json!(true)),
            ("integer", json!(7)),
            ("decimal", json!(7.5)),
            ("dateTime", json!("2026-01-01T00:00:00Z")),
            ("binary", json!("AAAA")),
            ("complex", json!({"value": "a"})),
        ];
        for (of, _) in &types {
            let sub = if *of == "complex" { json!([{"name": "value"}]) } else { json!([]) };
            let single = robot(json!([{"name": "a", "type": of, "subAttributes": sub}]), None);
            let list = json!([{"name": "a", "type": of, "subAttributes": sub, "multiValued": true}]);
            let list = robot(list, None);
            for (kind, value) in &types {
                let one = json!({"schemas": [BASE], "a": value});
                let many = json!({"schemas": [BASE], "a": [value]});
                let none = json!({"schemas": [BASE]});
                let fits = of == kind
                    || *of == "string" && value.is_string()
                    || (*of, *kind) == ("decimal", "integer");
                for keeps in [false, true] {
                    let expected = |document: &Value| if fits { document.clone() } else { none.clone() };
                    assert_eq!(fitted(&single, keeps, &one), expected(&one), "{kind} as {of}");
                    assert_eq!(fitted(&list, keeps, &many), expected(&many), "{kind} as {of}");
                    assert_eq!(fitted(&single, keeps, &many), none, "a list as one {of}");
                    assert_eq!(fitted(&list, keeps, &one), none, "one {kind} as a list");
                }
            }
        }
    }

    #[test]
    fn a_name_gets_its_new_spelling() {
        let now = robot(json!([{"name": "serialNumber"}]), Some(json!([{"name": "owner"}])));
        let before = json!({"schemas": [BASE, MORE], "serialnumber": "1", MORE: {"OWNER": "ada"}});
        let after = json!({"schemas": [BASE, MORE], "serialNumber": "1", MORE: {"owner": "ada"}});
        assert_eq!(fitted(&now, false, &before), after);
    }

    #[test]
    fn a_definition_has_a_fingerprint_of_its_own() {
        let model = || json!([{"name": "model"}]);
        let mut prints = vec![
            robot(model(), None).fingerprint(),
            robot(json!([{"name": "Model"}]), None).fingerprint(),
            robot(json!([{"name": "model", "type": "integer"}]), None).fingerprint(),
            robot(json!([{"name": "model", "multiValued": true}]), None).fingerprint(),
            robot(json!([{"name": "model"}, {"name": "colour"}]), None).fingerprint(),
            robot(json!([{"name": "model", "type": "complex", "subAttributes": model()}]), None)
                .fingerprint(),
            robot(model(), Some(model())).fingerprint(),
            robot(model(), Some(json!([{"name": "owner"}]))).fingerprint(),
        ];
        let linked = json!([{"name": "parts", "type": "complex", "multiValued": true,
            "subAttributes": [{"name": "value"}]}]);
        prints.push(robot(linked.clone(), None).fingerprint());
        let schema = Arc::new(Schema::from_json(json!({"id": BASE, "attributes": linked})).unwrap());
        let related = ResourceType::builder(ResourceTypeDocument::new("Robot", "/Robots", BASE))
            .schema(schema)
            .relation(Relation::own("parts", ["Robot"]));
        prints.push(related.build().unwrap().fingerprint());
        let count = prints.len();
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), count);
        let required = json!([{"name": "model", "required": true, "description": "d", "returned": "never"}]);
        assert_eq!(robot(required, None).fingerprint(), robot(model(), None).fingerprint());
    }

    #[test]
    fn fingerprints_are_stored_and_stay() {
        assert_eq!(ResourceType::user().fingerprint(), 9_447_826_390_656_688_662);
        assert_eq!(ResourceType::group().fingerprint(), 17_279_746_183_178_679_253);
    }
}
