//! Carrying a plan out on a document, in place and all or nothing (PATCH-013, PATCH-014).

use std::sync::Arc;

use scim_core::{AttrRef, Attribute, Mutability, Resource, ResourceType, check_required, merge_duplicates};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::elements::{append, change_chosen, made_element, remove_values, set_primary};
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
    pub fn apply(&self, resource: &mut Resource) -> Result<Changed, PatchError> {
        let mut applier = Applier { document: resource.as_map_mut(), journal: Vec::new() };
        let result = self
            .edits
            .iter()
            .try_for_each(|edit| applier.checked(edit, &self.resource_type))
            .map(|()| applier.drop_emptied())
            .and_then(|()| {
                let lacks = |error| PatchError::in_value("", error);
                check_required(&self.resource_type, applier.document).map_err(lacks)
            });
        match result {
            Ok(()) => {
                let changed = applier.finish(&self.resource_type);
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

impl Touched {
    fn of(path: &AttrRef) -> Self {
        Self { extension: path.extension().map(ToString::to_string), name: path.attribute().name.clone() }
    }

    /// The attribute's name, in an extension its full one.
    fn into_path(self) -> String {
        match self.extension {
            None => self.name,
            Some(urn) => format!("{urn}:{}", self.name),
        }
    }
}

impl Applier<'_> {
    /// Matrix row 17, for attributes as a whole: one that has a value has the same one after the edit.
    fn checked(&mut self, edit: &Edit, resource_type: &ResourceType) -> Result<(), PatchError> {
        let fixed: Vec<(Touched, Value)> = match edit {
            Edit::UnassignExtension { urn } => {
                let schema = resource_type.extension(urn).map(|extension| &extension.schema);
                let attributes = schema.into_iter().flat_map(|schema| schema.attributes());
                attributes.filter_map(|attribute| self.fixed(Some(urn), attribute)).collect()
            }
            edit => {
                let path = edit.path();
                path.and_then(|path| self.fixed(path.extension(), path.attribute())).into_iter().collect()
            }
        };
        self.edit(edit)?;
        for (touched, before) in fixed {
            if value_at(self.document, &touched) != Some(&before) {
                let path = touched.into_path();
                let detail = format!("`{path}` is immutable and has another value already");
                return Err(PatchError::immutable(path, detail));
            }
        }
        Ok(())
    }

    /// The value of an immutable attribute.
    fn fixed(&self, extension: Option<&Arc<str>>, attribute: &Attribute) -> Option<(Touched, Value)> {
        if attribute.mutability != Mutability::Immutable {
            return None;
        }
        let touched = Touched { extension: extension.map(ToString::to_string), name: attribute.name.clone() };
        let value = value_at(self.document, &touched)?.clone();
        Some((touched, value))
    }

    fn edit(&mut self, edit: &Edit) -> Result<(), PatchError> {
        match edit {
            Edit::Assign { path, value } => match path.sub() {
                Some(sub) => self.merge(path, [(sub.name.as_str(), value)]),
                None => {
                    // What stood there is moved to the journal, not copied.
                    let before = self.container(path)?.insert(path.attribute().name.clone(), value.clone());
                    self.note_before(Touched::of(path), before);
                    Ok(())
                }
            },
            Edit::Merge { path, value } => {
                self.merge(path, value.iter().map(|(name, value)| (name.as_str(), value)))
            }
            Edit::Append { path, values } => self.append(path, values),
            Edit::Unassign { path } => self.unassign(path),
            Edit::RemoveValues { path, values } => self.change_elements(path, |elements| {
                remove_values(elements, values);
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
    ) -> Result<(), PatchError> {
        let attribute = path.attribute();
        self.note(path);
        let slot =
            self.container(path)?.entry(attribute.name.clone()).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(object) = slot else { return Ok(()) };
        for (name, value) in values {
            if let Some(sub) = attribute.sub_attribute(name) {
                check_immutable(&path.with_sub(Arc::clone(sub)), object.get(name), Some(value))?;
            }
            object.insert(name.to_owned(), value.clone());
        }
        Ok(())
    }

    /// Values that are there already stay once (PATCH-027); a new primary takes the flag from the others
    /// (PATCH-019).
    fn append(&mut self, path: &AttrRef, values: &[Value]) -> Result<(), PatchError> {
        self.change_elements(path, |elements| {
            append(elements, values);
            Ok(())
        })
    }

    fn unassign(&mut self, path: &AttrRef) -> Result<(), PatchError> {
        let Some(value) = path.get(self.document) else { return Ok(()) };
        let old = path.sub().map_or(Some(value), |sub| value.get(&sub.name));
        if old.is_none() {
            return Ok(());
        }
        if path.leaf().mutability == Mutability::Immutable {
            return Err(PatchError::immutable(path, format!("`{path}` is immutable: it cannot be removed")));
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

    fn elements(&mut self, path: &AttrRef, which: &Which, change: &ElementChange) -> Result<(), PatchError> {
        let attribute = Arc::clone(path.attribute());
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
                        let primary = (element["primary"] == true).then_some(elements.len());
                        elements.push(element);
                        set_primary(elements, primary);
                        Ok(())
                    }
                    None => Err(PatchError::no_target(path, format!("no value of `{path}` fits the path"))),
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
    ) -> Result<(), PatchError> {
        let current = path.get(self.document).cloned();
        let fits = match (which, &current) {
            (Which::Filter { filter, .. }, Some(value)) => filter.matches(value),
            (_, current) => current.is_some(),
        };
        match change {
            ElementChange::Remove if fits => self.unassign(path),
            ElementChange::Clear { sub, .. } if fits => self.unassign(&path.with_sub(Arc::clone(sub))),
            ElementChange::Remove | ElementChange::Clear { .. } => Ok(()),
            _ if !fits && current.is_some() => {
                Err(PatchError::no_target(path, format!("the value of `{path}` does not fit the path")))
            }
            ElementChange::Set { sub, value } => self.merge(path, [(sub.name.as_str(), value)]),
            ElementChange::Merge(values) | ElementChange::Replace(Value::Object(values)) => {
                self.merge(path, values.iter().map(|(name, value)| (name.as_str(), value)))
            }
            ElementChange::Replace(_) => {
                Err(PatchError::value(path, format!("`{path}`: expected an object")))
            }
        }
    }

    /// Runs `change` over the elements of an attribute, or of a sub-attribute that is multi-valued, of which each value is left once (CORE-026), and drops the attribute when
    /// none is left.
    fn change_elements(
        &mut self,
        path: &AttrRef,
        change: impl FnOnce(&mut Vec<Value>) -> Result<(), PatchError>,
    ) -> Result<(), PatchError> {
        self.note(path);
        let mut container = self.container(path)?;
        if path.sub().is_some() {
            let whole =
                container.entry(path.attribute().name.clone()).or_insert_with(|| Value::Object(Map::new()));
            container = whole.as_object_mut().ok_or_else(|| malformed(path))?;
        }
        let name = &path.leaf().name;
        let slot = container.entry(name.clone()).or_insert_with(|| Value::Array(vec![]));
        let Value::Array(elements) = slot else {
            return Err(malformed(path));
        };
        let result = change(elements);
        merge_duplicates(path.leaf(), elements);
        if elements.is_empty() {
            container.remove(name);
        }
        result
    }

    fn container(&mut self, path: &AttrRef) -> Result<&mut Map<String, Value>, PatchError> {
        let Some(urn) = path.extension() else { return Ok(self.document) };
        let slot = self.document.entry(urn.to_string()).or_insert_with(|| Value::Object(Map::new()));
        slot.as_object_mut().ok_or_else(|| malformed(path))
    }

    fn note(&mut self, path: &AttrRef) {
        self.note_key(Touched::of(path));
    }

    fn note_key(&mut self, touched: Touched) {
        if !self.is_noted(&touched) {
            let before = value_at(self.document, &touched).cloned();
            self.journal.push((touched, before));
        }
    }

    /// What stood there before the change just made, unless the journal has what stood there before that.
    fn note_before(&mut self, touched: Touched, before: Option<Value>) {
        if !self.is_noted(&touched) {
            self.journal.push((touched, before));
        }
    }

    fn is_noted(&self, touched: &Touched) -> bool {
        self.journal.iter().any(|(known, _)| known == touched)
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

    /// Drops what became empty: that is unassigned (PATCH-030). Lists have been dropped with their last element.
    fn drop_emptied(&mut self) {
        for (touched, _) in &self.journal {
            let value = value_at(self.document, touched);
            let emptied = value.and_then(Value::as_object).is_some_and(Map::is_empty);
            if emptied && let Some(container) = container_of(self.document, touched.extension.as_deref()) {
                container.remove(&touched.name);
            }
            drop_empty_extension(self.document, touched.extension.as_deref());
        }
    }

    /// Sets `schemas` to what is in use, and says what is different.
    fn finish(self, resource_type: &ResourceType) -> Vec<String> {
        let mut changed = Vec::new();
        let mut extensions_changed = false;
        for (touched, before) in self.journal {
            if value_at(self.document, &touched) != before.as_ref() {
                extensions_changed |= touched.extension.is_some();
                changed.push(touched.into_path());
            }
        }
        if extensions_changed {
            let schemas: Value = resource_type.schemas_in_use(self.document).collect();
            self.document.insert("schemas".into(), schemas);
        }
        changed
    }
}

fn malformed(path: &AttrRef) -> PatchError {
    let detail = format!("`{path}` is stored in a form that is not its schema's");
    PatchError::Stored { path: path.to_string(), detail }
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
fn check_immutable(path: &AttrRef, old: Option<&Value>, new: Option<&Value>) -> Result<(), PatchError> {
    match old {
        Some(old) if path.leaf().mutability == Mutability::Immutable && Some(old) != new => {
            Err(PatchError::immutable(path, format!("`{path}` is immutable and has another value already")))
        }
        _ => Ok(()),
    }
}
