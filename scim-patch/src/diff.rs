//! Compares two states of a resource and makes the PATCH that leads from one to the other.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use scim_core::{
    Attribute, Lenience, Leniency, Mutability, Reference, Resource, ResourceType, UnknownAttributes, fold,
};
use serde_json::{Map, Value};

use crate::request::PatchRequest;

/// If more elements than this change or are removed, the whole list is replaced. So a request is not longer than what
/// it changes.
const MOST_EDITS: usize = 64;

/// The maximum number of links in one request, because their filter has to be parsed within its budget.
const MOST_LINKS: usize = 1_000;

/// Returns the request that turns `from` into `to`. It is empty if they are equal.
///
/// Only differences are named: sub-attributes of single-valued complex attributes, and elements of multi-valued ones.
/// An element is named if `type`, `value` or both identify it. The whole list is replaced if that is shorter, or if
/// naming elements would lead to another result.
///
/// Read-only attributes are left out. Attributes that no schema knows are named without a path; only a service provider
/// that keeps such attributes accepts them. An immutable value that differs is named too and will be refused, because
/// no PATCH can change it. Links are not in the documents: see [`diff_relation`].
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
    let mut unknown = unknown(from.as_map(), to.as_map(), |name| {
        resource_type.attribute(name).is_some() || resource_type.extension(name).is_some()
    });
    for extension in resource_type.extensions() {
        let urn = &**extension.schema.id();
        let none = Map::new();
        let values = |resource: &Resource| resource.as_map().get(urn).and_then(Value::as_object).cloned();
        let (before, after) = (values(from), values(to));
        let attributes = extension.schema.attributes();
        let is_written = |name: &String| {
            extension.schema.attribute(name).is_none_or(|known| known.mutability != Mutability::ReadOnly)
        };
        if after.is_none() {
            if before.is_some_and(|before| before.keys().any(is_written)) {
                request = request.remove(urn);
            }
            continue;
        }
        let (before, after) = (before.as_ref().unwrap_or(&none), after.as_ref().unwrap_or(&none));
        request = writer.attributes(request, &format!("{urn}:"), attributes.iter(), before, after);
        let kept = self::unknown(before, after, |name| extension.schema.attribute(name).is_some());
        if !kept.is_empty() {
            unknown.insert(urn.to_owned(), Value::Object(kept));
        }
    }
    if unknown.is_empty() { request } else { request.replace_all(unknown) }
}

/// Returns the requests that turn the links `from` into the links `to`, to be sent one after the other.
///
/// Each has at most `chunk` links and never more than 1,000. Only the ids of links are compared, because nothing else
/// of a link can be changed.
///
/// ```
/// use scim_core::Reference;
/// let links = |ids: &[&str]| ids.iter().map(|id| Reference::new(*id)).collect::<Vec<_>>();
/// let requests = scim_patch::diff_relation("members", &links(&["a", "b"]), &links(&["b", "c"]), 100);
/// assert_eq!(serde_json::to_value(requests[0].operations()).unwrap(), serde_json::json!([
///     {"op": "remove", "path": "members[value eq \"a\"]"},
///     {"op": "add", "path": "members", "value": [{"value": "c"}]}]));
/// ```
pub fn diff_relation(
    relation: &str,
    from: &[Reference],
    to: &[Reference],
    chunk: usize,
) -> Vec<PatchRequest> {
    let by_id = |links: &'_ [Reference]| {
        links.iter().map(|link| (link.value.clone(), link.clone())).collect::<BTreeMap<_, _>>()
    };
    let (before, after) = (by_id(from), by_id(to));
    let gone: Vec<&Reference> = before.values().filter(|link| !after.contains_key(&link.value)).collect();
    let come: Vec<&Reference> = after.values().filter(|link| !before.contains_key(&link.value)).collect();
    let mut requests: Vec<PatchRequest> = Vec::new();
    let chunk = chunk.clamp(1, MOST_LINKS);
    let mut room = 0;
    for (mut links, adds) in [(&gone[..], false), (&come[..], true)] {
        while !links.is_empty() {
            let mut request = if room == 0 { None } else { requests.pop() }.unwrap_or_else(|| {
                room = chunk;
                PatchRequest::new()
            });
            let (now, later) = links.split_at(links.len().min(room));
            (links, room) = (later, room - now.len());
            request = if adds {
                request.add(relation, now.iter().map(|link| element(link)).collect::<Value>())
            } else {
                let tests: Vec<String> = now.iter().map(|link| equal("value", &link.value)).collect();
                request.remove(format!("{relation}[{}]", tests.join(" or ")))
            };
            requests.push(request);
        }
    }
    requests
}

fn element(link: &Reference) -> Value {
    let members =
        [("value", Some(&link.value)), ("type", link.r#type.as_ref()), ("display", link.display.as_ref())];
    let given = members.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.as_str().into())));
    Value::Object(given.collect())
}

/// Returns the differences in attributes that no schema knows: the new values, and `null` for what is removed.
///
/// Names in another case are equal.
fn unknown(
    from: &Map<String, Value>,
    to: &Map<String, Value>,
    is_known: impl Fn(&str) -> bool,
) -> Map<String, Value> {
    let folded = |resource: &Map<String, Value>| -> HashMap<String, Value> {
        let unknown = resource.iter().filter(|(name, _)| !is_known(name));
        unknown.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect()
    };
    let (before, after) = (folded(from), folded(to));
    let gone = from.keys().filter(|name| !after.contains_key(&name.to_ascii_lowercase()));
    let come = to.iter().filter(|(name, value)| before.get(&name.to_ascii_lowercase()) != Some(value));
    gone.map(|name| (name.clone(), Value::Null))
        .chain(come.map(|(name, value)| (name.clone(), value.clone())))
        .filter(|(name, _)| !is_known(name))
        .collect()
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
                // Its read-only sub-attributes stay.
                (Some(Value::Object(old)), None) if to.contains_key(&attribute.name) => {
                    merge(request, attribute, &path, &old, &Map::new())
                }
                (_, None) => request.remove(path),
                (Some(Value::Object(old)), Some(Value::Object(new))) => {
                    merge(request, attribute, &path, &old, &new)
                }
                (Some(Value::Array(old)), Some(Value::Array(new))) => {
                    self.elements(request, attribute, &path, &old, new)
                }
                (Some(_), Some(new)) => request.replace(path, new),
            };
        }
        request
    }

    /// Names single elements if that leads to the same list; otherwise replaces the list.
    fn elements(
        &self,
        request: PatchRequest,
        attribute: &Attribute,
        path: &str,
        old: &[Value],
        new: Vec<Value>,
    ) -> PatchRequest {
        let edits = edits(path, old, &new);
        match edits.filter(|edits| {
            edits.operations().len() <= new.len().max(1) && self.leads_to(edits, attribute, path, &new)
        }) {
            Some(edits) => edits.operations().iter().cloned().fold(request, PatchRequest::operation),
            None => request.replace(path, new),
        }
    }

    fn leads_to(&self, edits: &PatchRequest, attribute: &Attribute, path: &str, new: &[Value]) -> bool {
        let keeping = Leniency::STRICT.with_unknown_attributes(UnknownAttributes::Keep);
        let mut lenience = Lenience::new(keeping);
        let mut resource = self.from.clone();
        let applied = edits
            .clone()
            .compile(self.resource_type, &mut lenience)
            .is_ok_and(|plan| plan.apply(&mut resource).is_ok());
        let found = self.resource_type.resolve(path).ok().and_then(|path| resource.get(&path).cloned());
        applied && found.and_then(|found| writable(attribute, &found)) == Some(new.to_vec().into())
    }
}

fn merge(
    mut request: PatchRequest,
    attribute: &Attribute,
    path: &str,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> PatchRequest {
    let is_known = |name: &str| attribute.sub_attribute(name).is_some();
    for name in old.keys().filter(|name| is_known(name) && !new.contains_key(*name)) {
        request = request.remove(format!("{path}.{name}"));
    }
    let mut changed: Map<String, Value> = new
        .iter()
        .filter(|(name, value)| is_known(name) && old.get(*name) != Some(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    // No path leads to an attribute that no schema knows.
    let unknown = unknown(old, new, is_known);
    if let (1, true, Some((name, value))) = (changed.len(), unknown.is_empty(), changed.iter().next()) {
        return request.replace(format!("{path}.{name}"), value.clone());
    }
    changed.extend(unknown);
    if changed.is_empty() { request } else { request.replace(path, changed) }
}

/// Makes the edits of the elements that change, are removed or are new.
fn edits(path: &str, old: &[Value], new: &[Value]) -> Option<PatchRequest> {
    let mut request = PatchRequest::new();
    let (was, is): (HashSet<&Value>, HashSet<&Value>) = (old.iter().collect(), new.iter().collect());
    let mut come: Vec<&Value> = new.iter().filter(|element| !was.contains(element)).collect();
    let gone: Vec<&Value> = old.iter().filter(|element| !is.contains(element)).collect();
    if gone.len() > MOST_EDITS {
        return None;
    }
    let names = Names::of(old);
    for element in gone {
        let target = format!("{path}[{}]", names.name(element)?);
        let is_successor = |other: &&Value| {
            let agree = |sub: &str| element.get(sub).is_some() && element.get(sub) == other.get(sub);
            agree("type") || agree("value")
        };
        let Some(successor) = come.iter().position(is_successor).map(|at| come.remove(at)) else {
            request = request.remove(target);
            continue;
        };
        let (Value::Object(was), Value::Object(is)) = (element, successor) else { return None };
        let mut names: Vec<&String> = was.keys().filter(|name| was.get(*name) != is.get(*name)).collect();
        names.extend(is.keys().filter(|name| !was.contains_key(*name)));
        request = match names[..] {
            [name] => match is.get(name) {
                Some(value) => request.replace(format!("{target}.{name}"), value.clone()),
                // Some service providers drop an element that only has a type.
                None if is.keys().all(|name| name == "type" || name == "primary") => {
                    request.replace(target, successor.clone())
                }
                None => request.remove(format!("{target}.{name}")),
            },
            _ => request.replace(target, successor.clone()),
        };
    }
    if !come.is_empty() {
        request = request.add(path, come.into_iter().cloned().collect::<Value>());
    }
    Some(request)
}

/// Counts how many elements of a list have each possible name.
struct Names {
    counts: HashMap<Vec<(&'static str, String)>, usize>,
}

/// The sub-attributes that name an element, best first.
const NAMED_BY: [&[&str]; 3] = [&["type"], &["value"], &["type", "value"]];

impl Names {
    fn of(elements: &[Value]) -> Self {
        let mut counts = HashMap::new();
        for element in elements {
            for subs in NAMED_BY {
                let held: Option<Vec<_>> =
                    subs.iter().map(|sub| Some((*sub, fold(text(element, sub)?).into_owned()))).collect();
                *counts.entry(held.unwrap_or_default()).or_default() += 1;
            }
        }
        Self { counts }
    }

    /// Returns a filter that only this element fits.
    fn name(&self, element: &Value) -> Option<String> {
        NAMED_BY.iter().find_map(|subs| {
            let held: Vec<_> =
                subs.iter().map(|sub| Some((*sub, text(element, sub)?))).collect::<Option<_>>()?;
            let key: Vec<_> = held.iter().map(|(sub, text)| (*sub, fold(text).into_owned())).collect();
            let tests: Vec<String> = held.iter().map(|(sub, text)| equal(sub, text)).collect();
            (self.counts.get(&key) == Some(&1)).then(|| tests.join(" and "))
        })
    }
}

/// Returns a text that names an element. A simple element is named by its value.
fn text<'a>(element: &'a Value, sub: &str) -> Option<&'a str> {
    let value = if element.is_object() { element.get(sub) } else { Some(element).filter(|_| sub == "value") };
    value?.as_str().filter(|text| !text.is_empty())
}

fn equal(name: &str, text: &str) -> String {
    format!("{name} eq {}", Value::from(text))
}

/// Returns the value without its read-only parts.
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
