//! Compiles a request to a plan (RFC 7644 §3.5.2): resolves paths, makes values canonical and applies quirks.
//!
//! Every error that needs no resource is raised here.

mod attribute;
mod named;
mod relation;

use std::borrow::Cow;
use std::sync::Arc;

use scim_core::{
    AttrRef, Lenience, Limits, Mutability, Quirk, ResourceType, UnknownAttributes, is_assigned,
    is_nested_list, shorten,
};
use scim_filter::{BoundPath, ElementFilter, Path, PathError};
use serde_json::{Map, Value};

use self::named::Named;
use crate::PatchError;
use crate::plan::{Change, Edit, Part, PatchPlan, Which};
use crate::relation::RelationEdit;
use crate::request::{Op, Operation, PatchRequest};

impl PatchRequest {
    /// Binds the request to a resource type.
    ///
    /// # Errors
    ///
    /// 400 with `invalidSyntax`, `invalidPath`, `invalidFilter`, `invalidValue`, `mutability` or `noTarget`, or 413 if
    /// the limit of changes is exceeded. Each error names the operation and the path.
    pub fn compile(
        self,
        resource_type: &Arc<ResourceType>,
        lenience: &mut Lenience,
    ) -> Result<PatchPlan, PatchError> {
        let Self { operations, unclear, limits, .. } = self;
        let mut compiler = Compiler {
            resource_type,
            lenience,
            limits,
            changes: 0,
            at: 0,
            is_unclear: false,
            edits: Vec::new(),
            relations: Vec::new(),
        };
        for (index, operation) in operations.into_iter().enumerate() {
            compiler.at = index;
            compiler.is_unclear = unclear.contains(&index);
            compiler.operation(operation).map_err(|error| error.in_operation(index))?;
        }
        Ok(PatchPlan {
            resource_type: Arc::clone(resource_type),
            edits: compiler.edits,
            limits,
            relations: compiler.relations,
        })
    }
}

struct Compiler<'a> {
    resource_type: &'a Arc<ResourceType>,
    lenience: &'a mut Lenience,
    limits: Limits,
    changes: usize,
    /// The position of the operation.
    at: usize,
    /// Whether a part of the operation was passed over.
    is_unclear: bool,
    edits: Vec<(usize, Edit)>,
    relations: Vec<RelationEdit>,
}

impl Compiler<'_> {
    fn operation(&mut self, operation: Operation) -> Result<(), PatchError> {
        let Operation { op, path, value } = operation;
        if op != Op::Remove && value.is_none() {
            return Err(PatchError::syntax(format!("`{}` needs a `value`", op.as_str())));
        }
        match (path, value) {
            (Some(path), value) => self.at_path(op, &path, value),
            (None, _) if op == Op::Remove => Err(PatchError::no_target("", "`remove` needs a `path`")),
            (None, Some(Value::Object(object))) => self.members(op, None, object, &mut Named::default()),
            (None, _) => {
                Err(PatchError::value("", "without `path`, `value` must be an object of attributes"))
            }
        }
    }

    /// Adds an edit and charges it, because each edit may look at every element of an attribute.
    fn edit(&mut self, edit: Edit) -> Result<(), PatchError> {
        self.charge(1)?;
        let edit = match edit {
            Edit::Within { path, which: Which::Single, change: Change::Parts { parts, drop_hollow } } => {
                let Some(parts) = self.join(&path, parts) else { return Ok(()) };
                Edit::Within { path, which: Which::Single, change: Change::Parts { parts, drop_hollow } }
            }
            edit => edit,
        };
        self.edits.push((self.at, edit));
        Ok(())
    }

    /// Adds parts to the edit of a single value that the same operation has begun, or returns them if there is none.
    ///
    /// All that one operation says about a value is done in one step, because a `$ref` belongs to the `value` next to
    /// it.
    fn join(&mut self, path: &AttrRef, more: Vec<Part>) -> Option<Vec<Part>> {
        let at = self.at;
        let same =
            self.edits.iter_mut().rev().take_while(|(other, _)| *other == at).find_map(
                |(_, edit)| match edit {
                    Edit::Within {
                        path: other,
                        which: Which::Single,
                        change: Change::Parts { parts, .. },
                    } if other == path => Some(parts),
                    _ => None,
                },
            );
        match same {
            Some(parts) => {
                parts.extend(more);
                None
            }
            None => Some(more),
        }
    }

    fn charge(&mut self, changes: usize) -> Result<(), PatchError> {
        self.changes += changes;
        if self.changes > self.limits.changes {
            let detail = format!("the request makes more than {} changes", self.limits.changes);
            return Err(PatchError::too_large(detail));
        }
        Ok(())
    }

    /// Compiles the members of a value without a path, or of an extension.
    ///
    /// Each is treated as if its name were the path, except that read-only attributes and unknown names may be passed
    /// over.
    // Rows 2 and 14 of the matrix in part D.2 of the requirements.
    fn members(
        &mut self,
        op: Op,
        extension: Option<&Arc<str>>,
        object: Map<String, Value>,
        named: &mut Named,
    ) -> Result<(), PatchError> {
        for (key, value) in object {
            let (path, is_name) = match extension {
                None => {
                    let known = self.resource_type.attribute(&key).is_some();
                    (Cow::Borrowed(key.as_str()), known || self.resource_type.extension(&key).is_some())
                }
                Some(urn) => {
                    let schema = self.resource_type.extension(urn).map(|extension| &extension.schema);
                    let known = schema.is_some_and(|schema| schema.attribute(&key).is_some());
                    (Cow::Owned(format!("{urn}:{key}")), known)
                }
            };
            let bound = match self.bind(&path) {
                Ok(bound) if is_name || self.lenience.uses(Quirk::PathKeys) => bound,
                Ok(_) => {
                    let detail = format!("`{path}` is a path: without `path`, `value` names attributes");
                    return Err(PatchError::value(path, detail));
                }
                Err(error) => {
                    let error = PatchError::value(&path, error.to_string());
                    self.unknown(op, extension, &key, value, named, error)?;
                    continue;
                }
            };
            match bound {
                BoundPath::Extension(urn) => {
                    if !named.extension(&urn, &value) {
                        return Err(twice(&urn));
                    }
                    self.extension(op, &urn, Some(value), named)?;
                }
                BoundPath::Attribute { attr, filter } => {
                    if !named.attribute(&attr, filter.as_ref(), &value) {
                        return Err(twice(&attr));
                    }
                    if !is_read_only(&attr) {
                        self.at_attribute(op, attr, filter, Some(value))?;
                    } else if self.lenience.uses(Quirk::ReadOnlyInValue) {
                        self.lenience.pass_over(attr);
                    } else {
                        return Err(PatchError::read_only(attr));
                    }
                }
            }
        }
        Ok(())
    }

    /// Keeps, passes over or refuses a name that the schemas do not know.
    ///
    /// If names are read as paths, a name with a bracket is a misspelt value path, which is never passed over.
    fn unknown(
        &mut self,
        op: Op,
        extension: Option<&Arc<str>>,
        key: &str,
        value: Value,
        named: &mut Named,
        error: PatchError,
    ) -> Result<(), PatchError> {
        let is_value_path = key.contains('[') && self.lenience.allows(Quirk::PathKeys);
        match self.lenience.unknown_attributes() {
            _ if is_value_path => Err(error),
            UnknownAttributes::Keep => {
                if op == Op::Add && !is_assigned(&value) {
                    return Ok(());
                }
                if !named.unknown(extension.map(|urn| &**urn), key) {
                    return Err(twice(&shorten(key)));
                }
                self.lenience
                    .texts()
                    .check_unknown(&key, &value)
                    .map_err(|error| PatchError::in_value(key, error))?;
                let value = is_assigned(&value).then_some(value);
                self.edit(Edit::Keep { extension: extension.cloned(), name: key.to_owned(), value })
            }
            _ if value.is_null() => Ok(()),
            UnknownAttributes::Ignore => {
                let place = extension.map(|urn| format!("{urn}:")).unwrap_or_default();
                self.lenience.pass_over(format_args!("{place}{key}"));
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn at_path(&mut self, op: Op, path: &str, value: Option<Value>) -> Result<(), PatchError> {
        let bound = self.bind(path)?;
        let (selects, is_every) = match &bound {
            BoundPath::Extension(_) => (false, false),
            BoundPath::Attribute { attr, filter } => {
                let many = attr.leaf().multi_valued && (filter.is_none() || attr.sub().is_some());
                (many, many || (attr.attribute().multi_valued && filter.is_none()))
            }
        };
        let has_value = value.as_ref().is_some_and(|value| !value.is_null());
        if op == Op::Remove && is_every && ((has_value && !selects) || (!has_value && self.is_unclear)) {
            // `"value": "a@x"` at `emails.value`, or `"values": […]`, may have been meant to select values.
            let name = shorten(path);
            let detail = format!(
                "`remove` of `{name}` would take it from every value, and what else the operation says is not \
                 understood: say in the path which values are meant, as in `emails[type eq \"work\"].display`"
            );
            return Err(PatchError::value(path, detail));
        }
        let is_spare = op == Op::Remove && !selects && has_value;
        let value = if is_spare { self.spare(path)? } else { value };
        match bound {
            BoundPath::Extension(urn) => self.extension(op, &urn, value, &mut Named::default()),
            BoundPath::Attribute { attr, .. } if is_read_only(&attr) => Err(PatchError::read_only(attr)),
            BoundPath::Attribute { attr, filter } => self.at_attribute(op, attr, filter, value),
        }
    }

    /// Handles the value of a `remove` in which it can select nothing: there is at most one target, or a filter
    /// selects.
    fn spare(&mut self, path: &str) -> Result<Option<Value>, PatchError> {
        if !self.lenience.uses(Quirk::SpareRemoveValue) {
            let detail = format!("`remove` of `{}` takes no `value`", shorten(path));
            return Err(PatchError::value(path, detail));
        }
        self.lenience.pass_over(format_args!("Operations[{}].value", self.at));
        Ok(None)
    }

    fn bind(&mut self, path: &str) -> Result<BoundPath, PatchError> {
        let in_path = |error: PathError| PatchError::in_path(path, &error);
        let parsed = Path::parse_with(path, self.lenience).map_err(in_path)?;
        parsed.bind(self.resource_type, self.lenience).map_err(in_path)
    }

    fn at_attribute(
        &mut self,
        op: Op,
        attr: AttrRef,
        filter: Option<ElementFilter>,
        value: Option<Value>,
    ) -> Result<(), PatchError> {
        if attr.extension().is_none() && attr.attribute().name == "schemas" {
            return self.schemas(op, &attr, filter.as_ref(), value.unwrap_or_default());
        }
        if attr.extension().is_none()
            && let Some(relation) = self.resource_type.relation(&attr.attribute().name)
        {
            let name = relation.name.clone();
            return self.relation(op, name, &attr, filter, value);
        }
        match filter {
            Some(filter) => self.value_path(op, attr, filter, value),
            None => self.attribute(op, attr, value),
        }
    }

    /// Compiles an operation on an extension: it merges each attribute, and `null` clears it as it clears a complex
    /// attribute.
    // Row 14 of the matrix.
    fn extension(
        &mut self,
        op: Op,
        urn: &Arc<str>,
        value: Option<Value>,
        named: &mut Named,
    ) -> Result<(), PatchError> {
        match (op, value) {
            (Op::Remove, _) => self.unassign_extension(urn),
            (_, Some(Value::Object(object))) => self.members(op, Some(urn), object, named),
            (Op::Add, None | Some(Value::Null)) => Ok(()),
            (Op::Replace, None | Some(Value::Null)) => self.unassign_extension(urn),
            _ => Err(PatchError::value(urn, format!("`{urn}`: expected an object"))),
        }
    }

    fn unassign_extension(&mut self, urn: &Arc<str>) -> Result<(), PatchError> {
        if self.resource_type.extension(urn).is_some_and(|extension| extension.required) {
            return Err(PatchError::required(urn, format!("the extension `{urn}` is required")));
        }
        self.edit(Edit::UnassignExtension { urn: Arc::clone(urn) })
    }

    /// Compiles an operation on `schemas`, which follows from the content of the resource.
    ///
    /// So naming a known schema changes nothing. Only removing an extension's URN has an effect.
    // Row 20 of the matrix.
    fn schemas(
        &mut self,
        op: Op,
        attr: &AttrRef,
        filter: Option<&ElementFilter>,
        value: Value,
    ) -> Result<(), PatchError> {
        if op == Op::Remove {
            return self.remove_schemas(attr, filter, value);
        }
        if filter.is_some() {
            return Err(PatchError::value(
                attr,
                "`schemas` holds URNs: there is nothing in one to be written",
            ));
        }
        if op == Op::Add && !is_assigned(&value) {
            return Ok(());
        }
        let urns = self.canonical(attr, listed(attr, value), false)?.unwrap_or_default();
        let urns: Vec<&str> = urns.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for urn in &urns {
            self.check_schema(urn)?;
        }
        let base = self.resource_type.schema().id();
        let keeps_base = urns.iter().any(|urn| base.eq_ignore_ascii_case(urn));
        if op == Op::Replace && !keeps_base && !self.lenience.uses(Quirk::InferSchemas) {
            return Err(PatchError::value(attr, format!("`schemas` must keep `{base}`")));
        }
        Ok(())
    }

    fn remove_schemas(
        &mut self,
        attr: &AttrRef,
        filter: Option<&ElementFilter>,
        value: Value,
    ) -> Result<(), PatchError> {
        let extensions = self.resource_type.extensions().iter().map(|extension| extension.schema.id());
        let base = self.resource_type.schema().id();
        let urns: Vec<String> = match filter {
            Some(filter) => std::iter::once(base)
                .chain(extensions)
                .map(ToString::to_string)
                .filter(|urn| filter.matches(&Value::from(urn.as_str())))
                .collect(),
            None if !is_assigned(&value) => {
                let detail = "`schemas` follows from the attributes: it cannot be cleared";
                return Err(PatchError::required(attr, detail));
            }
            None if !self.lenience.uses(Quirk::RemoveWithValue) => {
                return Err(remove_with_value("schemas"));
            }
            None => {
                let urns = self.canonical(attr, listed(attr, value), false)?.unwrap_or_default();
                urns.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
            }
        };
        for urn in urns {
            if base.eq_ignore_ascii_case(&urn) {
                let detail = format!("`{base}` is the resource's own schema");
                return Err(PatchError::required(attr, detail));
            }
            match self.resource_type.extension(&urn) {
                Some(extension) => self.unassign_extension(&Arc::clone(extension.schema.id()))?,
                None if self.lenience.unknown_attributes() == UnknownAttributes::Keep => {
                    self.edit(Edit::Keep { extension: None, name: urn, value: None })?;
                }
                None => self.check_schema(&urn)?,
            }
        }
        Ok(())
    }

    fn check_schema(&mut self, urn: &str) -> Result<(), PatchError> {
        let is_known = self.resource_type.schema().id().eq_ignore_ascii_case(urn)
            || self.resource_type.extension(urn).is_some()
            || self.lenience.unknown_attributes() == UnknownAttributes::Keep;
        if is_known {
            return Ok(());
        }
        if self.lenience.uses(Quirk::UnknownSchemas) {
            self.lenience.pass_over("schemas");
            return Ok(());
        }
        let detail = format!("`{}` is no schema of {}", shorten(urn), self.resource_type.name());
        Err(PatchError::value("schemas", detail))
    }
}

/// Puts a single value to be added into a list.
///
/// It may be a quoted value, or an object of a complex attribute's sub-attributes (RFC 7644 §3.5.2.1).
fn listed(attr: &AttrRef, value: Value) -> Value {
    match value {
        Value::Null | Value::Array(_) => value,
        nested if is_nested_list(attr.leaf(), &nested) => nested,
        single => Value::Array(vec![single]),
    }
}

fn twice(name: &impl std::fmt::Display) -> PatchError {
    PatchError::value(name, format!("`{name}` stands twice, or a part of it does: say it once"))
}

fn is_read_only(attr: &AttrRef) -> bool {
    attr.attribute().mutability == Mutability::ReadOnly || attr.leaf().mutability == Mutability::ReadOnly
}

fn required(attr: &AttrRef) -> PatchError {
    PatchError::required(attr, format!("`{attr}` is required: it cannot be taken away"))
}

fn remove_with_value(name: &str) -> PatchError {
    let detail = format!(
        "`remove` of `{name}` takes no `value`: name what to remove in the path, as in `{name}[value eq \"…\"]`"
    );
    PatchError::value(name, detail)
}
