//! From one state of a resource to another: the PATCH that leads there.

use std::sync::Arc;

use scim_core::{Attribute, Leniency, Mutability, Reference, Resource, ResourceType, fold};
use serde_json::{Map, Value};

use crate::request::PatchRequest;

/// The request that makes `to` of `from`, and nothing when they are the same.
///
/// Only what differs is named: sub-attributes of single complex attributes, elements of multi-valued ones where
/// an `eq` on `value` or `type` tells them from their siblings; else the list is replaced as a whole. What is
/// read-only is left out. Links are no part of the documents: see [`diff_relation`].
///
/// ```
/// use scim_core::{Resource, ResourceType};
/// let state = |title: &str| {
///     let json = serde_json::json!({"userName": "ada", "title": title});
///     Resource::from_canonical(json.as_object().unwrap().clone())
/// };
/// let request = scim_patch::diff(&ResourceType::user(), &state("Clerk"), &state("Judge"));
/// assert_eq!(serde_json::to_value(request.operations()).unwrap(),
///     serde_json::json!([{"op": "replace", "path": "title", "value": "Judge"}]));
/// ```
pub fn diff(resource_type: &Arc<ResourceType>, from: &Resource, to: &Resource) -> PatchRequest {
    let writer = Writer { resource_type, from };
    let mut request = PatchRequest::new();
    let common = resource_type.common_attributes().iter().filter(|attribute| attribute.name != "schemas");
    let attributes = common.chain(resource_type.schema().attributes());
    request = writer.attributes(request, "", attributes, from.as_map(), to.as_map());
    for extension in resource_type.extensions() {
        let urn = &**extension.schema.id();
        let none = Map::new();
        let values = |resource: &'_ Resource| resource.as_map().get(urn).and_then(Value::as_object).cloned();
        request = match (values(from), values(to)) {
            (Some(_), None) => request.remove(urn),
            (before, after) => writer.attributes(
                request,
                &format!("{urn}:"),
                extension.schema.attributes().iter(),
                before.as_ref().unwrap_or(&none),
                after.as_ref().unwrap_or(&none),
            ),
        };
    }
    request
}

/// The operations that make the links `to` of the links `from`, at most `chunk` links in each. What a link is
/// beside its id cannot be changed, and does not count.
pub fn diff_relation(relation: &str, from: &[Reference], to: &[Reference], chunk: usize) -> PatchRequest {
    let ids = |links: &[Reference]| {
        links.iter().map(|link| link.value.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    let (before, after) = (ids(from), ids(to));
    let gone: Vec<&String> = before.difference(&after).collect();
    let come: Vec<&String> = after.difference(&before).collect();
    let mut request = PatchRequest::new();
    for ids in gone.chunks(chunk.max(1)) {
        let tests: Vec<String> = ids.iter().map(|id| equal("value", id)).collect();
        request = request.remove(format!("{relation}[{}]", tests.join(" or ")));
    }
    for ids in come.chunks(chunk.max(1)) {
        request =
            request.add(relation, ids.iter().map(|id| serde_json::json!({"value": id})).collect::<Value>());
    }
    request
}

struct Writer<'a> {
    resource_type: &'a Arc<ResourceType>,
    from: &'a Resource,
}

impl Writer<'_> {
    fn attributes<'a>(
        &self,
        mut request: PatchRequest,
        prefix: &str,
        attributes: impl Iterator<Item = &'a Arc<Attribute>>,
        from: &Map<String, Value>,
        to: &Map<String, Value>,
    ) -> PatchRequest {
        for attribute in attributes.filter(|attribute| attribute.mutability != Mutability::ReadOnly) {
            let path = format!("{prefix}{}", attribute.name);
            let old = from.get(&attribute.name).and_then(|value| writable(attribute, value));
            let new = to.get(&attribute.name).and_then(|value| writable(attribute, value));
            request = match (old, new) {
                (old, new) if old == new => request,
                (None, Some(new)) => request.add(path, new),
                (_, None) => request.remove(path),
                (Some(Value::Object(old)), Some(Value::Object(new))) => merge(request, &path, &old, &new),
                (Some(Value::Array(old)), Some(Value::Array(new))) => {
                    self.elements(request, attribute, &path, &old, new)
                }
                (Some(_), Some(new)) => request.replace(path, new),
            };
        }
        request
    }

    /// Element by element where that leads to the same list, else the list.
    fn elements(
        &self,
        request: PatchRequest,
        attribute: &Attribute,
        path: &str,
        old: &[Value],
        new: Vec<Value>,
    ) -> PatchRequest {
        let edits = edits(PatchRequest::new(), path, old, &new);
        match edits.filter(|edits| {
            edits.operations().len() <= new.len() && self.leads_to(edits, attribute, path, &new)
        }) {
            Some(edits) => edits.operations().iter().cloned().fold(request, PatchRequest::operation),
            None => request.replace(path, new),
        }
    }

    fn leads_to(&self, edits: &PatchRequest, attribute: &Attribute, path: &str, new: &[Value]) -> bool {
        let mut resource = self.from.clone();
        let applied = edits
            .compile(self.resource_type, &Leniency::STRICT)
            .is_ok_and(|plan| plan.apply(&mut resource).is_ok());
        let found = self.resource_type.resolve(path).ok().and_then(|path| resource.get(&path).cloned());
        applied && found.and_then(|found| writable(attribute, &found)) == Some(new.to_vec().into())
    }
}

fn merge(
    mut request: PatchRequest,
    path: &str,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> PatchRequest {
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        request = request.remove(format!("{path}.{name}"));
    }
    let changed: Map<String, Value> = new
        .iter()
        .filter(|(name, value)| old.get(*name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    match changed.len() {
        0 => request,
        1 => changed
            .into_iter()
            .fold(request, |request, (name, value)| request.replace(format!("{path}.{name}"), value)),
        _ => request.replace(path, changed),
    }
}

/// Elements that stay, elements that change in some sub-attributes, elements that go, and elements that come.
fn edits(mut request: PatchRequest, path: &str, old: &[Value], new: &[Value]) -> Option<PatchRequest> {
    let mut come: Vec<&Value> = new.iter().filter(|element| !old.contains(element)).collect();
    for element in old.iter().filter(|element| !new.contains(element)) {
        let filter = name_of(element, old)?;
        let successor = come.iter().position(|other| {
            ["type", "value"]
                .iter()
                .any(|sub| element.get(*sub).is_some() && element.get(*sub) == other.get(*sub))
        });
        match successor.map(|at| come.remove(at)) {
            None => request = request.remove(format!("{path}[{filter}]")),
            Some(successor) => {
                let (Value::Object(was), Value::Object(is)) = (element, successor) else { return None };
                // What the filter asks for is changed last, or the filter would no longer fit.
                let (last, first): (Vec<_>, Vec<_>) = was
                    .keys()
                    .chain(is.keys().filter(|name| !was.contains_key(*name)))
                    .filter(|name| was.get(*name) != is.get(*name))
                    .partition(|name| filter.starts_with(&format!("{name} ")));
                for name in first.into_iter().chain(last) {
                    let target = format!("{path}[{filter}].{name}");
                    request = match is.get(name) {
                        Some(value) => request.replace(target, value.clone()),
                        None => request.remove(target),
                    };
                }
            }
        }
    }
    if !come.is_empty() {
        request = request.add(path, come.into_iter().cloned().collect::<Value>());
    }
    Some(request)
}

/// What tells an element from all others.
fn name_of(element: &Value, among: &[Value]) -> Option<String> {
    ["type", "value"].iter().find_map(|sub| {
        let text = element.get(*sub)?.as_str().filter(|text| !text.is_empty())?;
        let same = |other: &&Value| {
            other.get(*sub).and_then(Value::as_str).is_some_and(|other| fold(other) == fold(text))
        };
        (among.iter().filter(same).count() == 1).then(|| equal(sub, text))
    })
}

fn equal(name: &str, text: &str) -> String {
    format!("{name} eq {}", Value::from(text))
}

/// The value without what is read-only in it.
fn writable(attribute: &Attribute, value: &Value) -> Option<Value> {
    let value = match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| {
                attribute.sub_attribute(name).is_none_or(|sub| sub.mutability != Mutability::ReadOnly)
            });
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        Value::Array(elements) => {
            elements.iter().filter_map(|element| writable(attribute, element)).collect()
        }
        simple => simple.clone(),
    };
    let empty = matches!(&value, Value::Object(members) if members.is_empty());
    (!empty).then_some(value)
}
