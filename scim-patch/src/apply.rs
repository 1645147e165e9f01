//! Carrying a plan out on a document, in place and all or nothing (PATCH-013, PATCH-014).

use scim_core::{AttrRef, Attribute, Error, Mutability, Resource, check_required};
use serde_json::{Map, Value};

use crate::plan::{Edit, ElementChange, PatchPlan, Which};

/// Whether a PATCH changed anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The document is what it was: version and `lastModified` stay (PATCH-021).
    No,
    /// These top-level attributes, or extension attributes by full name, are different now.
    Yes(Vec<String>),
}

impl PatchPlan {
    /// Applies the document edits to `resource`; relation steps are the store's.
    ///
    /// On error (`noTarget`, `mutability`, `invalidValue`) the resource is exactly what it was: each
    /// attribute touched is kept aside and put back. The resource as a whole is never cloned.
    pub fn apply(&self, resource: &mut Resource) -> Result<Changed, Error> {
        let mut applier = Applier { document: resource.as_map_mut(), journal: Vec::new() };
        let result = self
            .edits
            .iter()
            .try_for_each(|edit| applier.edit(edit))
            .and_then(|()| check_required(&self.resource_type, applier.document));
        match result {
            Ok(()) => {
                let changed = applier.finish(self.resource_type.schema().id());
                Ok(if changed.is_empty() { Changed::No } else { Changed::Yes(changed) })
            }
            Err(error) => {
                applier.undo();
                Err(error)
            }
        }
    }
}

struct Applier<'a> {
    document: &'a mut Map<String, Value>,
    /// Each top-level key touched, with what stood there before.
    journal: Vec<(Touched, Option<Value>)>,
}

#[derive(Clone, PartialEq)]
struct Touched {
    extension: Option<String>,
    name: String,
}

impl Applier<'_> {
    fn edit(&mut self, edit: &Edit) -> Result<(), Error> {
        match edit {
            Edit::Assign { path, value } => match path.sub() {
                Some(sub) => self.merge(path, [(sub.name.as_str(), value)]),
                None => {
                    self.check_immutable(path, Some(value))?;
                    self.note(path);
                    self.container(path)?.insert(path.attribute().name.clone(), value.clone());
                    Ok(())
                }
            },
            Edit::Merge { path, value } => {
                self.merge(path, value.iter().map(|(name, value)| (name.as_str(), value)))
            }
            Edit::Append { path, values } => self.append(path, values),
            Edit::Unassign { path } => self.unassign(path),
            Edit::RemoveValues { path, values } => self.change_elements(path, |elements| {
                elements.retain(|element| !values.iter().any(|value| agrees(element, value)));
                Ok(())
            }),
            Edit::Elements { path, which, change } => self.elements(path, which, change),
            Edit::UnassignExtension { urn } => {
                let Some(values) = self.document.get(&**urn).and_then(Value::as_object) else {
                    return Ok(());
                };
                let names: Vec<String> = values.keys().cloned().collect();
                for name in names {
                    self.note_key(Touched { extension: Some(urn.to_string()), name });
                }
                self.document.remove(&**urn);
                Ok(())
            }
        }
    }

    fn merge<'v>(
        &mut self,
        path: &AttrRef,
        values: impl IntoIterator<Item = (&'v str, &'v Value)>,
    ) -> Result<(), Error> {
        let attribute = path.attribute();
        self.note(path);
        let slot =
            self.container(path)?.entry(attribute.name.clone()).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(object) = slot else { return Ok(()) };
        for (name, value) in values {
            if let Some(sub) = attribute.sub_attribute(name) {
                check_immutable(&path.with_sub(std::sync::Arc::clone(sub)), object.get(name), Some(value))?;
            }
            object.insert(name.to_owned(), value.clone());
        }
        Ok(())
    }

    /// Values that are there already stay once (PATCH-027); a new primary takes the flag from the others
    /// (PATCH-019).
    fn append(&mut self, path: &AttrRef, values: &[Value]) -> Result<(), Error> {
        self.check_immutable(path, None)?;
        self.note(path);
        let slot = self
            .container(path)?
            .entry(path.attribute().name.clone())
            .or_insert_with(|| Value::Array(vec![]));
        let Value::Array(elements) = slot else { return Ok(()) };
        for value in values {
            if elements.contains(value) {
                continue;
            }
            if value["primary"] == true {
                yield_primary(elements, None);
            }
            elements.push(value.clone());
        }
        Ok(())
    }

    fn unassign(&mut self, path: &AttrRef) -> Result<(), Error> {
        let Some(value) = path.get(self.document) else { return Ok(()) };
        let old = path.sub().map_or(Some(value), |sub| value.get(&sub.name));
        if old.is_none() {
            return Ok(());
        }
        if path.leaf().mutability == Mutability::Immutable {
            return Err(Error::mutability(format!("`{path}` is immutable: it cannot be removed")));
        }
        self.note(path);
        let container = self.container(path)?;
        let Some(sub) = path.sub() else {
            container.remove(&path.attribute().name);
            return Ok(());
        };
        if let Some(Value::Object(object)) = container.get_mut(&path.attribute().name) {
            object.remove(&sub.name);
            // Matrix row 6: a parent without sub-attributes is unassigned.
            if object.is_empty() {
                container.remove(&path.attribute().name);
            }
        }
        Ok(())
    }

    fn elements(&mut self, path: &AttrRef, which: &Which, change: &ElementChange) -> Result<(), Error> {
        let attribute = std::sync::Arc::clone(path.attribute());
        if !attribute.multi_valued {
            return self.single_as_element(path, which, change);
        }
        self.change_elements(path, |elements| {
            let chosen: Vec<usize> = match which {
                Which::Filter { filter, .. } => {
                    (0..elements.len()).filter(|at| filter.matches(&elements[*at])).collect()
                }
                Which::Every => (0..elements.len()).collect(),
                Which::Preferred => {
                    let primary = elements.iter().position(|element| element["primary"] == true);
                    primary.or((!elements.is_empty()).then_some(0)).into_iter().collect()
                }
            };
            if chosen.is_empty() {
                return match made_element(which, change) {
                    _ if matches!(change, ElementChange::Remove | ElementChange::Clear { .. }) => Ok(()),
                    Some(element) => {
                        if element["primary"] == true {
                            yield_primary(elements, None);
                        }
                        elements.push(element);
                        Ok(())
                    }
                    None => Err(Error::no_target(format!("no value of `{path}` fits the path"))),
                };
            }
            change_chosen(path, &attribute, elements, &chosen, change)
        })
    }

    /// a filter on a single complex attribute sees it as a list of one.
    fn single_as_element(
        &mut self,
        path: &AttrRef,
        which: &Which,
        change: &ElementChange,
    ) -> Result<(), Error> {
        let current = path.get(self.document).cloned();
        let fits = match (which, &current) {
            (Which::Filter { filter, .. }, Some(value)) => filter.matches(value),
            (_, current) => current.is_some(),
        };
        match change {
            ElementChange::Remove if fits => self.unassign(path),
            ElementChange::Clear { sub, .. } if fits => {
                self.unassign(&path.with_sub(std::sync::Arc::clone(sub)))
            }
            ElementChange::Remove | ElementChange::Clear { .. } => Ok(()),
            _ if !fits && current.is_some() => {
                Err(Error::no_target(format!("the value of `{path}` does not fit the path")))
            }
            ElementChange::Set { sub, value } => self.merge(path, [(sub.name.as_str(), value)]),
            ElementChange::Merge(values) | ElementChange::Replace(Value::Object(values)) => {
                self.merge(path, values.iter().map(|(name, value)| (name.as_str(), value)))
            }
            ElementChange::Replace(_) => Err(Error::invalid_value(format!("`{path}`: expected an object"))),
        }
    }

    /// Runs `change` over the elements and drops the attribute when none is left.
    fn change_elements(
        &mut self,
        path: &AttrRef,
        change: impl FnOnce(&mut Vec<Value>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.note(path);
        let name = &path.attribute().name;
        let container = self.container(path)?;
        let slot = container.entry(name.clone()).or_insert_with(|| Value::Array(vec![]));
        let Value::Array(elements) = slot else {
            return Err(malformed(path));
        };
        let result = change(elements);
        if elements.is_empty() {
            container.remove(name);
        }
        result
    }

    fn check_immutable(&self, path: &AttrRef, new: Option<&Value>) -> Result<(), Error> {
        check_immutable(path, path.get(self.document), new)
    }

    fn container(&mut self, path: &AttrRef) -> Result<&mut Map<String, Value>, Error> {
        let Some(urn) = path.extension() else { return Ok(self.document) };
        let slot = self.document.entry(urn.to_string()).or_insert_with(|| Value::Object(Map::new()));
        slot.as_object_mut().ok_or_else(|| malformed(path))
    }

    fn note(&mut self, path: &AttrRef) {
        self.note_key(Touched {
            extension: path.extension().map(ToString::to_string),
            name: path.attribute().name.clone(),
        });
    }

    fn note_key(&mut self, touched: Touched) {
        if self.journal.iter().all(|(known, _)| *known != touched) {
            let before = value_at(self.document, &touched).cloned();
            self.journal.push((touched, before));
        }
    }

    fn undo(self) {
        for (touched, before) in self.journal {
            let Touched { extension, name } = touched;
            let container = match &extension {
                None => &mut *self.document,
                Some(urn) => {
                    let slot = self.document.entry(urn.clone()).or_insert_with(|| Value::Object(Map::new()));
                    match slot {
                        Value::Object(object) => object,
                        _ => continue,
                    }
                }
            };
            match before {
                Some(value) => container.insert(name, value),
                None => container.remove(&name),
            };
            drop_empty_extension(self.document, extension.as_deref());
        }
    }

    /// Drops what became empty, sets `schemas` to what is in use, and says what is different.
    fn finish(self, base: &str) -> Vec<String> {
        let mut changed = Vec::new();
        let mut extensions_changed = false;
        for (touched, before) in self.journal {
            let emptied = match value_at(self.document, &touched) {
                Some(Value::Array(elements)) => elements.is_empty(),
                Some(Value::Object(object)) => object.is_empty(),
                _ => false,
            };
            if emptied && let Some(container) = container_of(self.document, touched.extension.as_deref()) {
                container.remove(&touched.name);
            }
            drop_empty_extension(self.document, touched.extension.as_deref());
            if value_at(self.document, &touched) != before.as_ref() {
                extensions_changed |= touched.extension.is_some();
                changed.push(match &touched.extension {
                    None => touched.name,
                    Some(urn) => format!("{urn}:{}", touched.name),
                });
            }
        }
        if extensions_changed {
            let urns = self.document.keys().filter(|key| key.contains(':'));
            let schemas: Value = std::iter::once(base).chain(urns.map(String::as_str)).collect();
            self.document.insert("schemas".into(), schemas);
        }
        changed
    }
}

fn malformed(path: &AttrRef) -> Error {
    Error::internal(format!("`{path}` is stored in a form that is not its schema's"))
}

fn container_of<'a>(
    document: &'a mut Map<String, Value>,
    extension: Option<&str>,
) -> Option<&'a mut Map<String, Value>> {
    match extension {
        None => Some(document),
        Some(urn) => document.get_mut(urn).and_then(Value::as_object_mut),
    }
}

fn value_at<'a>(document: &'a Map<String, Value>, touched: &Touched) -> Option<&'a Value> {
    match &touched.extension {
        None => document.get(&touched.name),
        Some(urn) => document.get(urn)?.get(&touched.name),
    }
}

fn drop_empty_extension(document: &mut Map<String, Value>, extension: Option<&str>) {
    if let Some(urn) = extension
        && document.get(urn).and_then(Value::as_object).is_some_and(Map::is_empty)
    {
        document.remove(urn);
    }
}

/// Matrix rows 16 and 17: an immutable attribute takes its first value, and the same one again.
fn check_immutable(path: &AttrRef, old: Option<&Value>, new: Option<&Value>) -> Result<(), Error> {
    match old {
        Some(old) if path.leaf().mutability == Mutability::Immutable && Some(old) != new => {
            Err(Error::mutability(format!("`{path}` is immutable and has another value already")))
        }
        _ => Ok(()),
    }
}

fn change_chosen(
    path: &AttrRef,
    attribute: &Attribute,
    elements: &mut Vec<Value>,
    chosen: &[usize],
    change: &ElementChange,
) -> Result<(), Error> {
    for at in chosen {
        let element = &mut elements[*at];
        match (change, element) {
            (ElementChange::Remove, element) => *element = Value::Null,
            (ElementChange::Replace(value), element) => *element = value.clone(),
            (ElementChange::Merge(values), Value::Object(object)) => {
                for (name, value) in values {
                    check_element(path, attribute.sub_attribute(name).map(|sub| &**sub), object, value)?;
                    object.insert(name.clone(), value.clone());
                }
            }
            (ElementChange::Set { sub, value }, Value::Object(object)) => {
                check_element(path, Some(sub), object, value)?;
                object.insert(sub.name.clone(), value.clone());
            }
            (ElementChange::Clear { sub, drop_hollow }, element) => {
                let Value::Object(object) = element else { continue };
                let there = object.remove(&sub.name).is_some();
                let hollow = object.keys().all(|name| name == "type" || name == "primary");
                if object.is_empty() || (there && hollow && *drop_hollow) {
                    *element = Value::Null;
                }
            }
            _ => return Err(Error::invalid_value(format!("a value of `{path}` has no sub-attributes"))),
        }
        if elements[*at]["primary"] == true && sets_primary(change) {
            yield_primary(elements, Some(*at));
        }
    }
    elements.retain(|element| !element.is_null());
    Ok(())
}

fn sets_primary(change: &ElementChange) -> bool {
    match change {
        ElementChange::Set { sub, value } => sub.name == "primary" && *value == true,
        ElementChange::Merge(values) => values.get("primary").is_some_and(|value| *value == true),
        ElementChange::Replace(value) => value["primary"] == true,
        ElementChange::Clear { .. } | ElementChange::Remove => false,
    }
}

fn check_element(
    path: &AttrRef,
    sub: Option<&Attribute>,
    object: &Map<String, Value>,
    new: &Value,
) -> Result<(), Error> {
    let Some(sub) = sub.filter(|sub| sub.mutability == Mutability::Immutable) else { return Ok(()) };
    match object.get(&sub.name) {
        Some(old) if old != new => Err(Error::mutability(format!("`{path}.{}` is immutable", sub.name))),
        _ => Ok(()),
    }
}

/// PATCH-019: whoever is set primary last is the only one.
fn yield_primary(elements: &mut [Value], keep: Option<usize>) {
    for (at, element) in elements.iter_mut().enumerate() {
        if Some(at) != keep && element["primary"] == true {
            element["primary"] = Value::Bool(false);
        }
    }
}

/// what a value path that fits nothing creates.
fn made_element(which: &Which, change: &ElementChange) -> Option<Value> {
    let mut element = match which {
        Which::Filter { filter, create: true } => filter.template()?,
        Which::Preferred => Map::new(),
        Which::Filter { create: false, .. } | Which::Every => return None,
    };
    match change {
        ElementChange::Set { sub, value } => {
            element.insert(sub.name.clone(), value.clone());
        }
        ElementChange::Merge(values) | ElementChange::Replace(Value::Object(values)) => {
            element.extend(values.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        _ => return None,
    }
    Some(Value::Object(element))
}

/// Whether an element is meant by a value to remove: their `value`s agree, or without one, everything
/// the value names.
fn agrees(element: &Value, value: &Value) -> bool {
    match (element, value) {
        (Value::Object(element), Value::Object(value)) => match (element.get("value"), value.get("value")) {
            (a, Some(b)) => a == Some(b),
            (_, None) => value.iter().all(|(name, value)| element.get(name) == Some(value)),
        },
        (element, value) => element == value,
    }
}
