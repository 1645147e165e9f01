//! Applies a plan to a document, in place and all or nothing.

// PATCH-013, PATCH-014

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use scim_core::{
    AttrRef, Attribute, Error, Meter, Mutability, Resource, ResourceType, TextLimits, check_required,
    check_unique_value, merge_duplicates, weight,
};
use serde_json::{Map, Value};

use crate::PatchError;
use crate::elements::{append, change_elements, check_removable};
use crate::plan::{Edit, PatchPlan};
use crate::read_only::keep_read_only;

/// Whether a PATCH changed anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The document is unchanged: version and `lastModified` stay.
    // PATCH-021
    No,
    /// These top-level attributes, or extension attributes by full name, have changed.
    Yes(Vec<String>),
}

impl PatchPlan {
    /// Applies the edits of the document to `resource`. The store carries out the relation steps.
    ///
    /// The resource is never cloned as a whole.
    ///
    /// It costs at most [`Limits::steps`](scim_core::Limits::steps). If other work of the request counts too, use
    /// [`apply_within`](Self::apply_within).
    ///
    /// # Errors
    ///
    /// `noTarget`, `mutability` or `invalidValue`. 413 if the limit of steps or of bytes is exceeded. 500 if the stored
    /// document does not have the form of its schema. The resource is then unchanged, because each touched attribute is
    /// set aside and put back.
    pub fn apply(&self, resource: &mut Resource) -> Result<Changed, PatchError> {
        self.apply_within(resource, &mut self.limits.meter())
    }

    /// Does what [`apply`](Self::apply) does and charges the cost.
    ///
    /// The bytes that are looked at are charged too, because a short request can mean much work.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply). Also [`PatchErrorKind::TooLarge`](crate::PatchErrorKind::TooLarge) if the request
    /// may cost no more, and [`PatchErrorKind::Late`](crate::PatchErrorKind::Late) if its time is up.
    pub fn apply_within(&self, resource: &mut Resource, meter: &mut Meter) -> Result<Changed, PatchError> {
        let mut applier = Applier {
            resource_type: &self.resource_type,
            document: resource.as_map_mut(),
            journal: BTreeMap::new(),
            made: Vec::new(),
            texts: self.limits.texts,
            budget: Budget { meter, bytes: self.limits.bytes },
        };
        let result = self
            .edits
            .iter()
            .try_for_each(|(index, edit)| applier.edit(edit).map_err(|error| error.in_operation(*index)))
            .map(|()| applier.drop_emptied())
            .and_then(|()| {
                check_required(&self.resource_type, applier.document).map_err(|error| applier.lacks(error))
            })
            .and_then(|()| applier.check_unique());
        match result {
            Ok(()) => {
                let changed = applier.finish();
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
    resource_type: &'a ResourceType,
    document: &'a mut Map<String, Value>,
    /// Each touched key with its previous value.
    journal: BTreeMap<Touched, Option<Value>>,
    /// The extensions that did not exist before.
    made: Vec<String>,
    texts: TextLimits,
    budget: Budget<'a>,
}

/// What the plan may still cost on this document.
pub(crate) struct Budget<'a> {
    pub(crate) meter: &'a mut Meter,
    /// Bytes that may still be written into elements.
    bytes: usize,
}

/// Steps of an edit, however little it changes.
const EDIT: u64 = 20;
/// Steps to change a sub-attribute.
const PART: u64 = 10;
/// Steps to look at an element.
const ELEMENT: usize = 40;
/// Bytes of an element that are compared, copied or hashed in one step.
const BYTES_A_STEP: usize = 4;

impl Budget<'_> {
    /// Charges for looking at elements. A large element costs more than a small one.
    fn look(&mut self, elements: &[Value], times: usize) -> Result<(), PatchError> {
        let steps = elements.iter().map(|element| ELEMENT + weight(element) / BYTES_A_STEP).sum::<usize>();
        Ok(self.meter.charge(steps.saturating_mul(times.max(1)) as u64)?)
    }

    fn write(&mut self, bytes: usize) -> Result<(), PatchError> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or_else(|| {
            PatchError::too_large("the request writes too much into too many values: change fewer at a time")
        })?;
        Ok(())
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Touched {
    extension: Option<String>,
    name: String,
}

impl Touched {
    fn of(path: &AttrRef) -> Self {
        Self { extension: path.extension().map(ToString::to_string), name: path.attribute().name.clone() }
    }

    fn is(&self, path: &AttrRef) -> bool {
        self.name == path.attribute().name && self.extension.as_deref() == path.extension().map(|urn| &**urn)
    }

    fn attribute<'a>(&self, resource_type: &'a ResourceType) -> Option<&'a Arc<Attribute>> {
        match &self.extension {
            None => resource_type.attribute(&self.name),
            Some(urn) => resource_type.extension(urn)?.schema.attribute(&self.name),
        }
    }

    /// Returns the attribute's name, or its full name in an extension.
    fn into_path(self) -> String {
        match self.extension {
            None => self.name,
            Some(urn) => format!("{urn}:{}", self.name),
        }
    }
}

impl Applier<'_> {
    fn edit(&mut self, edit: &Edit) -> Result<(), PatchError> {
        self.budget.meter.charge(EDIT)?;
        match edit {
            Edit::Assign { path, value } => self.unless_immutable(path, |this| this.assign(path, value)),
            Edit::Append { path, values } => self.unless_immutable(path, |this| {
                this.change_values(path, |elements, budget| {
                    budget.look(values, 1)?;
                    append(path.attribute(), elements, values);
                    Ok(())
                })
            }),
            Edit::RemoveValues { path, values } => self.unless_immutable(path, |this| {
                this.change_values(path, |elements, budget| {
                    budget.look(elements, values.looks())?;
                    values.remove_from(path.attribute(), elements);
                    Ok(())
                })
            }),
            Edit::Within { path, which, change } => self.unless_immutable(path, |this| {
                this.change_values(path, |elements, budget| {
                    let chosen = which.choose(elements, budget.meter)?;
                    // The bytes of the first value are already counted, because they came with the request.
                    let changes = chosen.len().saturating_mul(change.parts_count()) as u64;
                    budget.meter.charge(changes.saturating_mul(PART))?;
                    budget.write(chosen.len().saturating_sub(1).saturating_mul(change.weight()))?;
                    change_elements(path, elements, chosen, (which, change), budget.meter)?;
                    // Values that became equal are merged (CORE-026).
                    merge_duplicates(elements);
                    Ok(())
                })
            }),
            Edit::Unassign { path } => self.unassign(path),
            Edit::UnassignExtension { urn } => self.unassign_extension(urn),
            Edit::Keep { extension, name, value } => self.keep(extension.as_ref(), name, value.as_ref()),
        }
    }

    /// Makes a change and checks that an immutable attribute with a value still has that value.
    // Row 17 of the matrix, for attributes as a whole.
    fn unless_immutable(
        &mut self,
        path: &AttrRef,
        change: impl FnOnce(&mut Self) -> Result<(), PatchError>,
    ) -> Result<(), PatchError> {
        let is_fixed = path.attribute().mutability == Mutability::Immutable;
        let before = if is_fixed { path.get(self.document) } else { None };
        if let Some(before) = before {
            self.budget.look(std::slice::from_ref(before), 1)?;
        }
        let before = before.cloned();
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
            self.budget.look(before, 1)?;
            self.budget.look(elements, 1)?;
            keep_read_only(path.attribute(), before, elements);
        }
        self.put(Touched::of(path), Some(value))
    }

    fn unassign(&mut self, path: &AttrRef) -> Result<(), PatchError> {
        let Some(value) = path.get(self.document) else { return Ok(()) };
        check_removable(path, path.attribute(), value)?;
        self.put(Touched::of(path), None)
    }

    /// Runs `change` over the values of an attribute: its elements, its single value, or none.
    fn change_values(
        &mut self,
        path: &AttrRef,
        change: impl FnOnce(&mut Vec<Value>, &mut Budget<'_>) -> Result<(), PatchError>,
    ) -> Result<(), PatchError> {
        let attribute = path.attribute();
        let touched = Touched::of(path);
        if !self.journal.contains_key(&touched) {
            let before = value_at(self.document, &touched).cloned();
            self.journal.insert(touched.clone(), before);
        }
        let container = container(self.document, &mut self.made, &touched)?;
        let mut values = match container.get_mut(&attribute.name) {
            None => vec![],
            Some(Value::Array(elements)) if attribute.multi_valued => mem::take(elements),
            Some(single @ Value::Object(_)) if !attribute.multi_valued => vec![single.take()],
            Some(_) => return Err(PatchError::stored(path)),
        };
        // Any change copies, compares or hashes the existing values.
        let result = self.budget.look(&values, 1).and_then(|()| change(&mut values, &mut self.budget));
        if values.is_empty() {
            container.remove(&attribute.name);
        } else {
            let value = if attribute.multi_valued { Value::Array(values) } else { values.swap_remove(0) };
            container.insert(attribute.name.clone(), value);
        }
        result
    }

    /// Removes all attributes of an extension.
    // Row 14 of the matrix.
    fn unassign_extension(&mut self, urn: &Arc<str>) -> Result<(), PatchError> {
        let Some(values) = self.document.get(&**urn).and_then(Value::as_object) else { return Ok(()) };
        let schema = self.resource_type.extension(urn).map(|extension| &extension.schema);
        for (name, value) in values {
            if let Some(attribute) = schema.and_then(|schema| schema.attribute(name)) {
                check_removable(&format!("{urn}:{name}"), attribute, value)?;
            }
        }
        let names: Vec<String> = values.keys().cloned().collect();
        names
            .into_iter()
            .try_for_each(|name| self.put(Touched { extension: Some(urn.to_string()), name }, None))
    }

    /// Sets or removes an attribute that no schema knows. It keeps the spelling that it has already.
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

    /// Sets or removes a key. The previous value is moved to the journal, not copied.
    fn put(&mut self, touched: Touched, value: Option<Value>) -> Result<(), PatchError> {
        let container = container(self.document, &mut self.made, &touched)?;
        let before = match value {
            Some(value) => container.insert(touched.name.clone(), value),
            None => container.remove(&touched.name),
        };
        self.journal.entry(touched).or_insert(before);
        Ok(())
    }

    fn undo(self) {
        for (Touched { extension, name }, before) in self.journal {
            let container = match &extension {
                None => &mut *self.document,
                // An extension that became empty has been removed already.
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
        }
        for urn in self.made {
            self.document.remove(&urn);
        }
    }

    /// Removes extensions that became empty, because they are unassigned.
    ///
    /// Attributes have been removed with their last value.
    // PATCH-030
    fn drop_emptied(&mut self) {
        for urn in self.journal.keys().filter_map(|touched| touched.extension.as_deref()) {
            if self.document.get(urn).and_then(Value::as_object).is_some_and(Map::is_empty) {
                self.document.remove(urn);
            }
        }
    }

    /// Checks only what was touched, because older values may be stored that would be refused today.
    fn check_unique(&self) -> Result<(), PatchError> {
        for (touched, before) in &self.journal {
            for path in self.resource_type.unique().iter().filter(|path| touched.is(path)) {
                check_unique_value(self.resource_type, path, path.get(self.document), before.as_ref())
                    .map_err(|error| PatchError::in_value(path, error))?;
            }
            let keys = self.resource_type.indexed().iter().chain(self.resource_type.unique());
            for path in keys.filter(|path| touched.is(path)) {
                self.texts
                    .check_key(path, path.get(self.document), before.as_ref())
                    .map_err(|error| PatchError::in_value(path, error))?;
            }
        }
        Ok(())
    }

    /// Turns the error for a missing required attribute into one that names it.
    ///
    /// If the attribute had a value, the error is `mutability`, because the request removed the value.
    // PATCH-022
    fn lacks(&self, error: Error) -> PatchError {
        let blamed = |touched: &Touched| {
            let is_in_use = touched.extension.as_ref().is_none_or(|urn| self.document.contains_key(urn));
            is_in_use && touched.attribute(self.resource_type).is_some_and(|attribute| attribute.required)
        };
        let mut touched = self.journal.iter().filter(|(touched, _)| blamed(touched));
        let is_gone = |(touched, before): &(&Touched, &Option<Value>)| {
            before.is_some() && value_at(self.document, touched).is_none()
        };
        if let Some((touched, _)) = touched.clone().find(is_gone) {
            let path = touched.clone().into_path();
            let detail = format!("`{path}` is required: its last value cannot be removed");
            return PatchError::required(&path, detail);
        }
        let is_blank = |(touched, _): &(&Touched, &Option<Value>)| {
            value_at(self.document, touched)
                .and_then(Value::as_str)
                .is_some_and(|text| text.trim().is_empty())
        };
        let path = touched.find(is_blank).map(|(touched, _)| touched.clone().into_path());
        PatchError::in_value(path.unwrap_or_default(), error)
    }

    /// Sets `schemas` to the schemas in use and returns the names of what changed.
    fn finish(self) -> Vec<String> {
        let mut changed = Vec::new();
        let mut extensions_changed = false;
        for (touched, before) in self.journal {
            if value_at(self.document, &touched) != before.as_ref() {
                // The URN of an unknown extension is a top-level key.
                extensions_changed |= touched.extension.is_some() || touched.name.contains(':');
                changed.push(touched.into_path());
            }
        }
        if extensions_changed {
            let schemas: Value = self.resource_type.schemas_in_use(self.document).collect();
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

/// Returns the object that holds a key. An extension that does not exist is made.
fn container<'a>(
    document: &'a mut Map<String, Value>,
    made: &mut Vec<String>,
    touched: &Touched,
) -> Result<&'a mut Map<String, Value>, PatchError> {
    let Some(urn) = &touched.extension else { return Ok(document) };
    if !document.contains_key(urn) {
        made.push(urn.clone());
    }
    let slot = document.entry(urn.clone()).or_insert_with(|| Value::Object(Map::new()));
    slot.as_object_mut().ok_or_else(|| PatchError::stored(touched.clone().into_path()))
}
