//! Carrying a plan out on a document, in place and all or nothing (PATCH-013, PATCH-014).

use std::mem;
use std::sync::Arc;

use scim_core::{
    AttrRef, Attribute, Error, Mutability, Resource, ResourceType, check_required, merge_duplicates,
};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::elements::{append, change_elements, check_removable, keep_read_only_in_elements};
use crate::plan::{Edit, PatchPlan};

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
            .try_for_each(|edit| applier.edit(edit, &self.resource_type))
            .map(|()| applier.drop_emptied())
            .and_then(|()| {
                check_required(&self.resource_type, applier.document)
                    .map_err(|error| applier.lacks(&self.resource_type, error))
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

    fn attribute<'a>(&self, resource_type: &'a ResourceType) -> Option<&'a Arc<Attribute>> {
        match &self.extension {
            None => resource_type.attribute(&self.name),
            Some(urn) => resource_type.extension(urn)?.schema.attribute(&self.name),
        }
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
    fn edit(&mut self, edit: &Edit, resource_type: &ResourceType) -> Result<(), PatchError> {
        match edit {
            Edit::Assign { path, value } => self.unless_immutable(path, |this| this.assign(path, value)),
            Edit::Append { path, values } => self.unless_immutable(path, |this| {
                this.change_values(path, |elements| {
                    append(path.attribute(), elements, values);
                    Ok(())
                })
            }),
            Edit::RemoveValues { path, values } => self.unless_immutable(path, |this| {
                this.change_values(path, |elements| {
                    values.remove_from(path.attribute(), elements);
                    Ok(())
                })
            }),
            Edit::Within { path, which, change } => self.unless_immutable(path, |this| {
                this.change_values(path, |elements| {
                    change_elements(path, elements, which, change)?;
                    // What has become equal is left once (CORE-026).
                    merge_duplicates(path.attribute(), elements);
                    Ok(())
                })
            }),
            Edit::Unassign { path } => self.unassign(path),
            Edit::UnassignExtension { urn } => self.unassign_extension(urn, resource_type),
            Edit::Keep { extension, name, value } => self.keep(extension.as_ref(), name, value.as_ref()),
        }
    }

    fn unless_immutable(
        &mut self,
        path: &AttrRef,
        change: impl FnOnce(&mut Self) -> Result<(), PatchError>,
    ) -> Result<(), PatchError> {
        let is_fixed = path.attribute().mutability == Mutability::Immutable;
        let before = if is_fixed { path.get(self.document).cloned() } else { None };
        change(self)?;
        if before.is_some() && path.get(self.document) != before.as_ref() {
            let detail = format!("`{path}` is immutable and has another value already");
            return Err(PatchError::immutable(path, detail));
        }
        Ok(())
    }

    fn assign(&mut self, path: &AttrRef, value: &Value) -> Result<(), PatchError> {
        let mut value = value.clone();
        if let (Value::Array(elements), Some(Value::Array(before))) = (&mut value, path.get(self.document)) {
            keep_read_only_in_elements(path.attribute(), before, elements);
        }
        self.put(Touched::of(path), Some(value))
    }

    fn unassign(&mut self, path: &AttrRef) -> Result<(), PatchError> {
        let Some(value) = path.get(self.document) else { return Ok(()) };
        check_removable(path, path.attribute(), value)?;
        self.put(Touched::of(path), None)
    }

    /// Runs `change` over the values of an attribute: the elements of a multi-valued one, or the one value, or
    /// none.
    fn change_values(
        &mut self,
        path: &AttrRef,
        change: impl FnOnce(&mut Vec<Value>) -> Result<(), PatchError>,
    ) -> Result<(), PatchError> {
        let attribute = path.attribute();
        self.note(path);
        let container = self.container(path)?;
        let mut values = match container.get_mut(&attribute.name) {
            None => vec![],
            Some(Value::Array(elements)) if attribute.multi_valued => mem::take(elements),
            Some(single @ Value::Object(_)) if !attribute.multi_valued => vec![single.take()],
            Some(_) => return Err(PatchError::stored(path)),
        };
        let result = change(&mut values);
        if values.is_empty() {
            container.remove(&attribute.name);
        } else {
            let value = if attribute.multi_valued { Value::Array(values) } else { values.swap_remove(0) };
            container.insert(attribute.name.clone(), value);
        }
        result
    }

    fn unassign_extension(&mut self, urn: &Arc<str>, resource_type: &ResourceType) -> Result<(), PatchError> {
        let Some(values) = self.document.get(&**urn).and_then(Value::as_object) else { return Ok(()) };
        let schema = resource_type.extension(urn).map(|extension| &extension.schema);
        let mut names = Vec::new();
        for (name, value) in values {
            match schema.and_then(|schema| schema.attribute(name)) {
                // Not the client's to take away.
                Some(attribute) if attribute.mutability == Mutability::ReadOnly => continue,
                Some(attribute) => check_removable(&format!("{urn}:{name}"), attribute, value)?,
                None => {}
            }
            names.push(name.clone());
        }
        names
            .into_iter()
            .try_for_each(|name| self.put(Touched { extension: Some(urn.to_string()), name }, None))
    }

    /// What no schema knows stands under the spelling it has already.
    fn keep(
        &mut self,
        extension: Option<&Arc<str>>,
        name: &str,
        value: Option<&Value>,
    ) -> Result<(), PatchError> {
        let extension = extension.map(ToString::to_string);
        let known = container_of(self.document, extension.as_deref())
            .and_then(|container| container.keys().find(|key| key.eq_ignore_ascii_case(name)));
        let name = known.cloned().unwrap_or_else(|| name.to_owned());
        self.put(Touched { extension, name }, value.cloned())
    }

    /// Gives a key its value, or takes it away. What stood there is moved to the journal, not copied.
    fn put(&mut self, touched: Touched, value: Option<Value>) -> Result<(), PatchError> {
        let container = match &touched.extension {
            None => &mut *self.document,
            Some(urn) => {
                let slot = self.document.entry(urn.clone()).or_insert_with(|| Value::Object(Map::new()));
                slot.as_object_mut().ok_or_else(|| PatchError::stored(touched.clone().into_path()))?
            }
        };
        let before = match value {
            Some(value) => container.insert(touched.name.clone(), value),
            None => container.remove(&touched.name),
        };
        if !self.is_noted(&touched) {
            self.journal.push((touched, before));
        }
        Ok(())
    }

    fn container(&mut self, path: &AttrRef) -> Result<&mut Map<String, Value>, PatchError> {
        let Some(urn) = path.extension() else { return Ok(self.document) };
        let slot = self.document.entry(urn.to_string()).or_insert_with(|| Value::Object(Map::new()));
        slot.as_object_mut().ok_or_else(|| PatchError::stored(path))
    }

    /// Keeps aside what stands there, unless the journal has what stood there before that.
    fn note(&mut self, path: &AttrRef) {
        let touched = Touched::of(path);
        if !self.is_noted(&touched) {
            let before = value_at(self.document, &touched).cloned();
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

    /// Drops extensions that became empty: those are unassigned (PATCH-030). Attributes have been dropped with
    /// their last value.
    fn drop_emptied(&mut self) {
        for (touched, _) in &self.journal {
            drop_empty_extension(self.document, touched.extension.as_deref());
        }
    }

    /// PATCH-022: of what is required and missing, what was there has been taken away.
    fn lacks(&self, resource_type: &ResourceType, error: Error) -> PatchError {
        let is_gone = |(touched, before): &&(Touched, Option<Value>)| {
            let is_in_use = touched.extension.as_ref().is_none_or(|urn| self.document.contains_key(urn));
            is_in_use
                && before.is_some()
                && value_at(self.document, touched).is_none()
                && touched.attribute(resource_type).is_some_and(|attribute| attribute.required)
        };
        match self.journal.iter().find(is_gone) {
            Some((touched, _)) => {
                let path = touched.clone().into_path();
                PatchError::required(&path, format!("`{path}` is required: its last value cannot be removed"))
            }
            None => PatchError::in_value("", error),
        }
    }

    /// Sets `schemas` to what is in use, and says what is different.
    fn finish(self, resource_type: &ResourceType) -> Vec<String> {
        let mut changed = Vec::new();
        let mut extensions_changed = false;
        for (touched, before) in self.journal {
            if value_at(self.document, &touched) != before.as_ref() {
                // A kept URN stands at the top level.
                extensions_changed |= touched.extension.is_some() || touched.name.contains(':');
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
