//! Compiles an operation on an attribute of the document.
// Rows 3 to 13 and 15 to 18 of the matrix in part D.2 of the requirements.

use std::collections::HashSet;
use std::sync::Arc;

use scim_core::{
    AttrRef, Attribute, Canonical, Mutability, Quirk, ReadOnly, UnknownAttributes, is_nested_list, shorten,
};
use scim_filter::ElementFilter;
use serde_json::{Map, Value};

use super::{Compiler, listed, remove_with_value, required};
use crate::PatchError;
use crate::plan::{Change, Edit, Part, PartChange, Which};
use crate::request::Op;
use crate::selection::Selection;

impl Compiler<'_> {
    /// Compiles an operation whose path has no filter.
    // Rows 3 to 8 of the matrix.
    pub(super) fn attribute(
        &mut self,
        op: Op,
        attr: AttrRef,
        value: Option<Value>,
    ) -> Result<(), PatchError> {
        let attribute = attr.attribute();
        match attr.sub().cloned() {
            Some(_) if attribute.multi_valued => {
                // Row 8 of the matrix: `emails.value`.
                let preferred = op != Op::Remove && self.lenience.uses(Quirk::SubAttributeOfPrimary);
                let which = if preferred { Which::Preferred } else { Which::Every };
                self.sub_attribute(op, &attr, which, value)
            }
            Some(sub) => {
                let value = value.unwrap_or_default();
                if sub.name == "value" && op != Op::Remove && self.is_empty_string(&value) {
                    return self.unassign(attr.without_sub());
                }
                self.sub_attribute(op, &attr, Which::Single, Some(value))
            }
            None if attribute.is_complex() && !attribute.multi_valued && op != Op::Remove => {
                self.merge(op, attr, value.unwrap_or_default())
            }
            None => match self.change(op, &attr, value)? {
                Some(PartChange::Set(value)) => self.edit(Edit::Assign { path: attr, value }),
                Some(PartChange::Append(values)) => self.edit(Edit::Append { path: attr, values }),
                Some(PartChange::RemoveValues(values)) => {
                    self.edit(Edit::RemoveValues { path: attr, values })
                }
                Some(PartChange::Clear) => self.edit(Edit::Unassign { path: attr }),
                None => Ok(()),
            },
        }
    }

    /// Compiles an operation whose path has a filter.
    // Rows 9 to 13 of the matrix.
    pub(super) fn value_path(
        &mut self,
        op: Op,
        attr: AttrRef,
        filter: ElementFilter,
        value: Option<Value>,
    ) -> Result<(), PatchError> {
        if self.lenience.uses(Quirk::ValuePathNoEffect) {
            self.lenience.pass_over(format_args!("Operations[{}]", self.at));
            return Ok(());
        }
        // A whole element comes complete. Only the form `…].sub` takes the rest of a new element from the filter.
        let made = match op {
            Op::Add | Op::Replace if attr.sub().is_some() && self.lenience.allows(Quirk::ValuePathCreate) => {
                self.made(&attr, &filter)
            }
            _ => None,
        };
        if made.is_some() {
            self.lenience.uses(Quirk::ValuePathCreate);
        }
        let which = Which::Filter { filter, made };
        if attr.sub().is_some() {
            return self.sub_attribute(op, &attr, which, value);
        }
        let change = match (op, value) {
            (Op::Remove, _) | (Op::Replace, Some(Value::Null)) => Change::Remove,
            (Op::Add, Some(Value::Null)) => return Ok(()),
            (_, value) => {
                let value = match value {
                    Some(Value::Array(mut values)) if values.len() == 1 => values.remove(0),
                    other => other.unwrap_or_default(),
                };
                let mut canonical = Canonical::new(self.lenience, ReadOnly::Refuse).partial();
                let element = canonical.element(&attr, value);
                let element = element.map_err(|error| PatchError::in_value(&attr, error))?;
                match (op, element) {
                    (Op::Add, Some(Value::Object(element))) => Change::parts(parts(op, &attr, element)),
                    (Op::Add, Some(_)) => {
                        let detail =
                            format!("a value of `{attr}` has no parts that could be added to: replace it");
                        return Err(PatchError::value(attr, detail));
                    }
                    (_, Some(element)) => Change::Replace(element),
                    (_, None) => {
                        let detail = format!("`{attr}`: `value` holds nothing to set");
                        return Err(PatchError::value(attr, detail));
                    }
                }
            }
        };
        self.edit(Edit::Within { path: attr, which, change })
    }

    /// Returns the content of the element that a value path makes if nothing fits it.
    ///
    /// It is `None` if the element would not fit the filter either, because the filter asks for something that no
    /// client may write.
    //
    fn made(&mut self, attr: &AttrRef, filter: &ElementFilter) -> Option<Map<String, Value>> {
        let template = filter.template()?;
        if !attr.attribute().is_complex() {
            return None;
        }
        let mut canonical = Canonical::new(self.lenience, ReadOnly::Refuse).partial();
        let made = canonical.element(&attr.without_sub(), Value::Object(template)).ok()??;
        match made {
            made if !filter.matches(&made) => None,
            Value::Object(made) => Some(made),
            _ => None,
        }
    }

    /// Compiles a change of one sub-attribute of the selected values.
    fn sub_attribute(
        &mut self,
        op: Op,
        attr: &AttrRef,
        which: Which,
        value: Option<Value>,
    ) -> Result<(), PatchError> {
        let Some(change) = self.change(op, attr, value)? else { return Ok(()) };
        let drop_hollow = !matches!(which, Which::Single) && self.lenience.allows(Quirk::DropHollowElements);
        let change = Change::Parts { parts: vec![Part::of(attr.leaf(), change)], drop_hollow };
        self.edit(Edit::Within { path: attr.without_sub(), which, change })
    }

    /// Returns the change of the attribute or sub-attribute that a path ends in.
    ///
    /// `None` changes nothing: adding an unassigned value has no effect.
    // CORE-030
    fn change(
        &mut self,
        op: Op,
        attr: &AttrRef,
        value: Option<Value>,
    ) -> Result<Option<PartChange>, PatchError> {
        let multi_valued = attr.leaf().multi_valued;
        let value = match (op, value) {
            (Op::Remove, Some(value)) if multi_valued && !value.is_null() => {
                if !self.lenience.uses(Quirk::RemoveWithValue) {
                    return Err(remove_with_value(&attr.to_string()));
                }
                let Some(Value::Array(values)) = self.canonical(attr, value, true)? else { return Ok(None) };
                return Ok(Some(PartChange::RemoveValues(Selection::new(attr.leaf(), values))));
            }
            (Op::Remove, _) => None,
            (Op::Add, Some(value)) if multi_valued => self.canonical(attr, listed(attr, value), false)?,
            (_, value) => self.canonical(attr, value.unwrap_or_default(), false)?,
        };
        match (op, value) {
            (Op::Add, Some(Value::Array(values))) => Ok(Some(PartChange::Append(values))),
            (_, Some(value)) => Ok(Some(PartChange::Set(value))),
            (Op::Add, None) => Ok(None),
            (_, None) if attr.leaf().required => Err(required(attr)),
            (_, None) => Ok(Some(PartChange::Clear)),
        }
    }

    /// Merges a complex value: named sub-attributes change, `null` clears one, and the others stay.
    // Row 5 of the matrix.
    fn merge(&mut self, op: Op, attr: AttrRef, value: Value) -> Result<(), PatchError> {
        let value = match value {
            Value::Array(mut values) if values.len() == 1 && self.lenience.uses(Quirk::UnwrapValue) => {
                values.remove(0)
            }
            value => value,
        };
        if self.clears(op, attr.attribute(), &value) {
            self.name_read_only(&attr, &value);
            return self.unassign(attr);
        }
        let mut parts_of_value = self.cleared(op, &attr, &value)?;
        if let Some(Value::Object(object)) = self.canonical(&attr, value, true)? {
            parts_of_value.extend(parts(op, &attr, object));
        }
        let mut unknown = HashSet::new();
        let mut unknown_names = parts_of_value.iter().filter(|part| part.sub.is_none());
        if let Some(part) = unknown_names.find(|part| !unknown.insert(part.name.to_ascii_lowercase())) {
            return Err(super::twice(&format!("{attr}.{}", shorten(&part.name))));
        }
        if parts_of_value.is_empty() {
            return Ok(());
        }
        self.edit(Edit::Within { path: attr, which: Which::Single, change: Change::parts(parts_of_value) })
    }

    fn unassign(&mut self, attr: AttrRef) -> Result<(), PatchError> {
        if attr.attribute().required {
            return Err(required(&attr));
        }
        self.edit(Edit::Unassign { path: attr })
    }

    /// Whether a value clears a single-valued complex attribute.
    ///
    /// In a replace, `null` does, and by a quirk `[]` does. By another quirk, `""` and `{"value": ""}` do. An object
    /// that names nothing, or nothing known, changes nothing, because what is not named stays (RFC 7644 §3.5.2.3).
    fn clears(&mut self, op: Op, attribute: &Attribute, value: &Value) -> bool {
        match value {
            Value::Null => op == Op::Replace,
            Value::Array(elements) => {
                elements.is_empty() && op == Op::Replace && self.lenience.uses(Quirk::EmptyListClears)
            }
            Value::Object(object) if attribute.value_sub_attribute().is_some() => {
                let says = |value: &Value| !value.is_null() && value != "";
                let is_value = |key: &str| key.eq_ignore_ascii_case("value");
                let is_empty = object.iter().any(|(key, value)| is_value(key) && value == "")
                    && !object.iter().any(|(key, value)| self.is_writable(attribute, key) && says(value));
                is_empty && self.lenience.uses(Quirk::EmptyStringClears)
            }
            simple => self.is_empty_string(simple),
        }
    }

    /// Reports the read-only members of a value that clears by its other members.
    fn name_read_only(&mut self, attr: &AttrRef, value: &Value) {
        for (key, _) in value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            if let Some(sub) =
                attr.attribute().sub_attribute(key).filter(|sub| sub.mutability == Mutability::ReadOnly)
            {
                self.lenience.pass_over(attr.with_sub(Arc::clone(sub)));
            }
        }
    }

    /// Whether a client may write this member of a value.
    fn is_writable(&self, attribute: &Attribute, key: &str) -> bool {
        attribute.sub_attribute(key).is_none_or(|sub| sub.mutability != Mutability::ReadOnly)
    }

    fn is_empty_string(&mut self, value: &Value) -> bool {
        value == "" && self.lenience.uses(Quirk::EmptyStringClears)
    }

    /// Returns the members of an object that clear what they name.
    ///
    /// In a replace these are members with `null` or `[]`. By a quirk, so is a `value` of `""`.
    fn cleared(&mut self, op: Op, attr: &AttrRef, value: &Value) -> Result<Vec<Part>, PatchError> {
        let mut parts = Vec::new();
        for (key, value) in value.as_object().into_iter().flatten() {
            // When the object is made canonical, `[]` for a single value is refused unless a quirk forgives it.
            let is_unassigned = match attr.attribute().sub_attribute(key) {
                Some(sub) if is_nested_list(sub, value) => {
                    is_empty_list(value.as_object().and_then(|nested| nested.values().next()))
                        && self.lenience.allows(Quirk::NestedList)
                }
                _ => value.is_null() || is_empty_list(Some(value)),
            };
            let clears = if is_unassigned {
                op == Op::Replace
            } else {
                key.eq_ignore_ascii_case("value") && self.is_empty_string(value)
            };
            if !clears {
                continue;
            }
            match attr.attribute().sub_attribute(key) {
                Some(sub) if sub.mutability == Mutability::ReadOnly => {}
                Some(sub) if sub.required => return Err(required(&attr.with_sub(Arc::clone(sub)))),
                Some(sub) => parts.push(Part::of(sub, PartChange::Clear)),
                None if self.lenience.unknown_attributes() == UnknownAttributes::Keep => {
                    parts.push(Part { name: key.clone(), sub: None, change: PartChange::Clear });
                }
                None => {}
            }
        }
        Ok(parts)
    }

    pub(super) fn canonical(
        &mut self,
        attr: &AttrRef,
        value: Value,
        partial: bool,
    ) -> Result<Option<Value>, PatchError> {
        let mut canonical = Canonical::new(self.lenience, ReadOnly::Refuse);
        if partial {
            canonical = canonical.partial();
        }
        let value = canonical.value(attr, value).map_err(|error| PatchError::in_value(attr, error))?;
        Ok(value)
    }
}

fn is_empty_list(value: Option<&Value>) -> bool {
    value.and_then(Value::as_array).is_some_and(Vec::is_empty)
}

/// Returns the changes that a canonical object makes to sub-attributes. An add to a multi-valued one appends.
fn parts(op: Op, attr: &AttrRef, object: Map<String, Value>) -> Vec<Part> {
    let part = |(name, value): (String, Value)| {
        let sub = attr.attribute().sub_attribute(&name).cloned();
        let appends = op == Op::Add && sub.as_ref().is_some_and(|sub| sub.multi_valued);
        let change = match value {
            Value::Array(values) if appends => PartChange::Append(values),
            value => PartChange::Set(value),
        };
        Part { name, sub, change }
    };
    object.into_iter().map(part).collect()
}
