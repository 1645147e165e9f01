//! From the request to the plan: paths resolved, values made canonical, quirks ended — RFC 7644
//! §3.5.2. Every fault that needs no resource to be seen is raised here.

use std::sync::Arc;

use scim_core::{
    AttrRef, Attribute, Canonical, Leniency, Mutability, Quirk, Quirks, ReadOnly, Reference, ResourceType,
    UnknownAttributes,
};
use scim_filter::{BoundPath, ElementFilter, Path};
use serde_json::Value;

use crate::PatchError;
use crate::plan::{Edit, ElementChange, PatchPlan, Which};
use crate::relation::{self, RelationEdit, RelationStep};
use crate::request::{Op, Operation, PatchRequest};

impl PatchRequest {
    /// Binds the request to a resource type.
    ///
    /// Errors are 400 with `invalidPath`, `invalidFilter`, `invalidValue`, `mutability` or `noTarget`, and
    /// name the operation and the path. Nothing has been touched then.
    pub fn compile(
        &self,
        resource_type: &Arc<ResourceType>,
        leniency: &Leniency,
    ) -> Result<PatchPlan, PatchError> {
        let mut compiler = Compiler {
            resource_type,
            leniency,
            limit: self.max_changes(),
            edits: Vec::new(),
            relations: Vec::new(),
            used: self.quirks(),
        };
        for (index, operation) in self.operations().iter().enumerate() {
            compiler.operation(operation).map_err(|error| error.in_operation(index))?;
        }
        Ok(PatchPlan {
            resource_type: Arc::clone(resource_type),
            edits: compiler.edits,
            relations: compiler.relations,
            quirks: compiler.used,
        })
    }
}

struct Compiler<'a> {
    resource_type: &'a Arc<ResourceType>,
    leniency: &'a Leniency,
    limit: usize,
    edits: Vec<Edit>,
    relations: Vec<RelationEdit>,
    used: Quirks,
}

impl Compiler<'_> {
    fn operation(&mut self, operation: &Operation) -> Result<(), PatchError> {
        let Operation { op, path, value } = operation;
        if *op != Op::Remove && value.is_none() {
            let path = path.as_deref().unwrap_or_default();
            return Err(PatchError::value(path, format!("`{}` needs a `value`", op.as_str())));
        }
        match (path, value) {
            (Some(path), value) => self.at_path(*op, path, value.clone()),
            (None, _) if *op == Op::Remove => Err(PatchError::no_target("", "`remove` needs a `path`")),
            (None, Some(Value::Object(object))) => {
                for (key, value) in object {
                    let plain = self.resource_type.attribute(key).is_some()
                        || self.resource_type.extension(key).is_some();
                    self.at_key(*op, key, plain, value.clone())?;
                }
                Ok(())
            }
            (None, _) => {
                Err(PatchError::value("", "without `path`, `value` must be an object of attributes"))
            }
        }
    }

    /// Notes an edit: each may look at every element of an attribute, so there are not to be too many.
    fn edit(&mut self, edit: Edit) -> Result<(), PatchError> {
        if self.edits.len() >= self.limit {
            let detail = format!("the request makes more than {} changes", self.limit);
            return Err(PatchError::too_large(detail));
        }
        self.edits.push(edit);
        Ok(())
    }

    /// One member of a path-less value: as if its name had been the path (matrix row 2), except that
    /// read-only attributes and unknown names may be passed over. A `plain` name is no path.
    fn at_key(&mut self, op: Op, key: &str, plain: bool, value: Value) -> Result<(), PatchError> {
        if !plain && !self.leniency.uses(Quirk::PathKeys, &mut self.used) {
            let detail = format!("`{key}` is no attribute of {}", self.resource_type.name());
            return Err(PatchError::value(key, detail));
        }
        let bound = match self.bind(key) {
            Ok(bound) => bound,
            Err(_) if value.is_null() || self.leniency.unknown_attributes() == UnknownAttributes::Ignore => {
                return Ok(());
            }
            Err(error) => return Err(PatchError::value(key, error.to_string())),
        };
        if let BoundPath::Attribute { attr, .. } = &bound
            && is_read_only(attr)
        {
            if self.leniency.uses(Quirk::ReadOnlyInValue, &mut self.used) {
                return Ok(());
            }
            return Err(PatchError::read_only(attr));
        }
        self.at_bound(op, bound, Some(value))
    }

    fn at_path(&mut self, op: Op, path: &str, value: Option<Value>) -> Result<(), PatchError> {
        let bound = self.bind(path)?;
        if let BoundPath::Attribute { attr, .. } = &bound
            && is_read_only(attr)
        {
            return Err(PatchError::read_only(attr));
        }
        self.at_bound(op, bound, value)
    }

    fn bind(&mut self, path: &str) -> Result<BoundPath, PatchError> {
        let in_path = |error| PatchError::in_path(path, error);
        let parsed = Path::parse_with(path, self.leniency).map_err(in_path)?;
        parsed.bind(self.resource_type, self.leniency, &mut self.used).map_err(in_path)
    }

    fn at_bound(&mut self, op: Op, bound: BoundPath, value: Option<Value>) -> Result<(), PatchError> {
        match bound {
            BoundPath::Extension(urn) => self.extension(op, &urn, value),
            BoundPath::Attribute { attr, filter } => {
                if attr.extension().is_none() && attr.attribute().name == "schemas" {
                    return self.schemas(op, filter.as_ref(), value.unwrap_or_default());
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
        }
    }

    /// Matrix row 14: an extension merges attribute by attribute.
    fn extension(&mut self, op: Op, urn: &Arc<str>, value: Option<Value>) -> Result<(), PatchError> {
        if op == Op::Remove || matches!(value, None | Some(Value::Null)) {
            let required = self.resource_type.extension(urn).is_some_and(|extension| extension.required);
            return match op {
                Op::Add => Ok(()),
                _ if required => Err(PatchError::required(urn, format!("the extension `{urn}` is required"))),
                _ => {
                    self.edit(Edit::UnassignExtension { urn: Arc::clone(urn) })?;
                    Ok(())
                }
            };
        }
        let Some(Value::Object(object)) = value else {
            return Err(PatchError::value(urn, format!("`{urn}`: expected an object")));
        };
        for (key, value) in object {
            let schema = self.resource_type.extension(urn).map(|extension| &extension.schema);
            let plain = schema.is_some_and(|schema| schema.attribute(&key).is_some());
            self.at_key(op, &format!("{urn}:{key}"), plain, value)?;
        }
        Ok(())
    }

    /// Matrix row 20. `schemas` follows from what the resource holds, so naming a known schema changes
    /// nothing, and only removing an extension's URN has an effect.
    fn schemas(&mut self, op: Op, filter: Option<&ElementFilter>, value: Value) -> Result<(), PatchError> {
        let base = Arc::clone(self.resource_type.schema().id());
        let urns: Vec<String> = match (&value, filter.and_then(ElementFilter::only_values)) {
            (_, Some(values)) => values.into_iter().map(str::to_owned).collect(),
            (Value::String(urn), None) => vec![urn.clone()],
            (Value::Array(urns), None) => urns.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => {
                let detail = "`schemas` follows from the attributes: it cannot be cleared";
                return Err(PatchError::required("schemas", detail));
            }
        };
        for urn in &urns {
            if base.eq_ignore_ascii_case(urn) {
                if op == Op::Remove {
                    let detail = format!("`{base}` is the resource's own schema");
                    return Err(PatchError::required("schemas", detail));
                }
            } else if let Some(extension) = self.resource_type.extension(urn) {
                if op == Op::Remove {
                    let urn = Arc::clone(extension.schema.id());
                    self.edit(Edit::UnassignExtension { urn })?;
                }
            } else if !self.leniency.uses(Quirk::UnknownSchemas, &mut self.used) {
                let detail = format!("`{urn}` is no schema of {}", self.resource_type.name());
                return Err(PatchError::value("schemas", detail));
            }
        }
        let keeps_base = urns.iter().any(|urn| base.eq_ignore_ascii_case(urn));
        if op == Op::Replace && !keeps_base && !self.leniency.allows(Quirk::InferSchemas) {
            return Err(PatchError::value("schemas", format!("`schemas` must keep `{base}`")));
        }
        Ok(())
    }

    fn relation(
        &mut self,
        op: Op,
        name: String,
        attr: &AttrRef,
        filter: Option<ElementFilter>,
        value: Option<Value>,
    ) -> Result<(), PatchError> {
        if let Some(sub) = attr.sub() {
            // CORE-065: what a link points at cannot be changed, only the link taken away.
            let path = format!("{name}.{}", sub.name);
            return Err(PatchError::immutable(&path, format!("`{path}` is immutable")));
        }
        let step = match (op, filter) {
            (Op::Remove, Some(filter)) => match filter.only_values() {
                Some(ids) => RelationStep::Remove(ids.into_iter().map(str::to_owned).collect()),
                None => RelationStep::RemoveWhere(filter),
            },
            (_, Some(_)) => {
                let detail = format!("an element of `{name}` is immutable: remove or add it");
                return Err(PatchError::immutable(name, detail));
            }
            (Op::Remove, None) => match value {
                None | Some(Value::Null) => RelationStep::Clear,
                Some(value) => {
                    if !self.leniency.uses(Quirk::RemoveWithValue, &mut self.used) {
                        return Err(remove_with_value(&name));
                    }
                    RelationStep::Remove(ids(value))
                }
            },
            (Op::Add, None) => RelationStep::Add(self.references(attr, value.map(listed))?),
            (Op::Replace, None) => match self.references(attr, value)? {
                references if references.is_empty() => RelationStep::Clear,
                references => RelationStep::Set(references),
            },
        };
        let nothing = match &step {
            RelationStep::Add(references) => references.is_empty(),
            RelationStep::Remove(ids) => ids.is_empty(),
            _ => false,
        };
        if !nothing {
            relation::push(&mut self.relations, RelationEdit::new(name, step));
        }
        Ok(())
    }

    /// Read-only parts of a link, computed by the service provider, may be sent along and count for
    /// nothing.
    fn references(&mut self, attr: &AttrRef, value: Option<Value>) -> Result<Vec<Reference>, PatchError> {
        let mut canonical = Canonical::new(self.leniency, ReadOnly::Strip);
        let links = canonical.value(attr, value.unwrap_or_default());
        let links = links.map_err(|error| PatchError::in_value(attr, error))?;
        self.used = self.used.union(canonical.used());
        let elements = links.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        elements
            .iter()
            .map(|element| {
                Reference::from_element(element).filter(|reference| !reference.value.is_empty()).ok_or_else(
                    || {
                        let path = format!("{attr}.value");
                        let detail = format!("`{path}` is required in each element");
                        PatchError::value(path, detail)
                    },
                )
            })
            .collect()
    }

    /// Matrix rows 3 to 8: no filter.
    fn attribute(&mut self, op: Op, attr: AttrRef, value: Option<Value>) -> Result<(), PatchError> {
        let multi_valued = attr.attribute().multi_valued;
        match (attr.sub().cloned(), multi_valued) {
            (Some(sub), true) => self.sub_of_elements(op, &attr.without_sub(), sub, value),
            (Some(sub), false) if sub.multi_valued => self.multi_valued(op, attr, value),
            (Some(_), false) | (None, false) if op == Op::Remove => {
                if attr.leaf().required {
                    return Err(required(&attr, "removed"));
                }
                self.edit(Edit::Unassign { path: attr })?;
                Ok(())
            }
            (None, false) if attr.attribute().is_complex() => self.merge(op, attr, value.unwrap_or_default()),
            (None, true) => self.multi_valued(op, attr, value),
            _ => self.assign(op, attr, value.unwrap_or_default()),
        }
    }

    fn assign(&mut self, op: Op, attr: AttrRef, value: Value) -> Result<(), PatchError> {
        match self.canonical(&attr, value, false)? {
            Some(value) => self.edit(Edit::Assign { path: attr, value })?,
            None if op == Op::Replace => self.unassign(attr)?,
            None => {}
        }
        Ok(())
    }

    fn unassign(&mut self, attr: AttrRef) -> Result<(), PatchError> {
        if attr.leaf().required {
            return Err(required(&attr, "cleared"));
        }
        self.edit(Edit::Unassign { path: attr })?;
        Ok(())
    }

    /// Matrix row 5: named sub-attributes merge, a `null` one is cleared, the rest stay.
    fn merge(&mut self, op: Op, attr: AttrRef, value: Value) -> Result<(), PatchError> {
        if value.is_null() && op == Op::Add {
            return Ok(());
        }
        let clears = clears(op, &value);
        let mut cleared = false;
        for (key, _) in value.as_object().into_iter().flatten().filter(|(_, value)| value.is_null()) {
            if let Some(sub) = attr.attribute().sub_attribute(key) {
                let path = attr.with_sub(Arc::clone(sub));
                if sub.mutability != Mutability::ReadOnly && op == Op::Replace {
                    self.unassign(path)?;
                }
                cleared = true;
            }
        }
        match self.canonical(&attr, value, true)? {
            Some(Value::Object(value)) => self.edit(Edit::Merge { path: attr, value })?,
            _ if cleared || !clears => {}
            _ => self.unassign(attr)?,
        }
        Ok(())
    }

    /// Matrix row 7.
    fn multi_valued(&mut self, op: Op, attr: AttrRef, value: Option<Value>) -> Result<(), PatchError> {
        if op == Op::Remove {
            return match value {
                None | Some(Value::Null) => {
                    if attr.leaf().required {
                        return Err(required(&attr, "removed"));
                    }
                    self.edit(Edit::Unassign { path: attr })?;
                    Ok(())
                }
                Some(value) => {
                    if !self.leniency.uses(Quirk::RemoveWithValue, &mut self.used) {
                        return Err(remove_with_value(&attr.to_string()));
                    }
                    if let Some(Value::Array(values)) = self.canonical(&attr, value, true)? {
                        self.edit(Edit::RemoveValues { path: attr, values })?;
                    }
                    Ok(())
                }
            };
        }
        let value = value.map(|value| if op == Op::Add { listed(value) } else { value });
        match (self.canonical(&attr, value.unwrap_or_default(), false)?, op) {
            (Some(Value::Array(values)), Op::Add) => self.edit(Edit::Append { path: attr, values })?,
            (Some(value), _) => self.edit(Edit::Assign { path: attr, value })?,
            (None, Op::Replace) => self.unassign(attr)?,
            (None, _) => {}
        }
        Ok(())
    }

    /// Matrix row 8: `emails.value` without a filter.
    fn sub_of_elements(
        &mut self,
        op: Op,
        attr: &AttrRef,
        sub: Arc<Attribute>,
        value: Option<Value>,
    ) -> Result<(), PatchError> {
        let preferred = op != Op::Remove && self.leniency.uses(Quirk::SubAttributeOfPrimary, &mut self.used);
        let which = if preferred { Which::Preferred } else { Which::Every };
        self.element_sub(op, attr, which, sub, value)
    }

    /// Matrix rows 9 to 13: a value filter.
    fn value_path(
        &mut self,
        op: Op,
        attr: AttrRef,
        filter: ElementFilter,
        value: Option<Value>,
    ) -> Result<(), PatchError> {
        if self.leniency.uses(Quirk::ValuePathNoEffect, &mut self.used) {
            return Ok(());
        }
        let create = self.leniency.allows(Quirk::ValuePathCreate);
        let which = Which::Filter { filter, create };
        let container = attr.without_sub();
        if let Some(sub) = attr.sub().cloned() {
            return self.element_sub(op, &container, which, sub, value);
        }
        let change = match (op, value) {
            (Op::Remove, _) => ElementChange::Remove,
            (Op::Replace, Some(Value::Null)) => ElementChange::Remove,
            (Op::Add, Some(Value::Null)) => return Ok(()),
            (_, value) => {
                let value = match value {
                    Some(Value::Array(mut values)) if values.len() == 1 => values.remove(0),
                    other => other.unwrap_or_default(),
                };
                let mut canonical = Canonical::new(self.leniency, ReadOnly::Refuse).partial();
                let element = canonical.element(&container, value);
                let element = element.map_err(|error| PatchError::in_value(&container, error))?;
                self.used = self.used.union(canonical.used());
                match (op, element) {
                    (Op::Add, Some(Value::Object(element))) => ElementChange::Merge(element),
                    (_, Some(element)) => ElementChange::Replace(element),
                    (_, None) => {
                        let detail = format!("`{container}`: `value` holds nothing to set");
                        return Err(PatchError::value(container, detail));
                    }
                }
            }
        };
        self.edit(Edit::Elements { path: container, which, change })?;
        Ok(())
    }

    fn element_sub(
        &mut self,
        op: Op,
        container: &AttrRef,
        which: Which,
        sub: Arc<Attribute>,
        value: Option<Value>,
    ) -> Result<(), PatchError> {
        let path = container.with_sub(Arc::clone(&sub));
        let clear = ElementChange::Clear {
            sub: Arc::clone(&sub),
            drop_hollow: self.leniency.allows(Quirk::DropHollowElements),
        };
        let value = match op {
            Op::Remove => None,
            Op::Add | Op::Replace => self.canonical(&path, value.unwrap_or_default(), false)?,
        };
        let change = match value {
            Some(value) => ElementChange::Set { sub, value },
            None if op == Op::Add => return Ok(()),
            None if sub.required => return Err(required(&path, "removed")),
            None => clear,
        };
        self.edit(Edit::Elements { path: container.clone(), which, change })?;
        Ok(())
    }

    fn canonical(
        &mut self,
        attr: &AttrRef,
        value: Value,
        partial: bool,
    ) -> Result<Option<Value>, PatchError> {
        let mut canonical = Canonical::new(self.leniency, ReadOnly::Refuse);
        if partial {
            canonical = canonical.partial();
        }
        let value = canonical.value(attr, value).map_err(|error| PatchError::in_value(attr, error))?;
        self.used = self.used.union(canonical.used());
        Ok(value)
    }
}

/// RFC 7644 §3.5.2.1: what is added may be a quoted value, or an object of a complex attribute's sub-attributes.
fn listed(value: Value) -> Value {
    match value {
        Value::Null | Value::Array(_) => value,
        single => Value::Array(vec![single]),
    }
}

/// `""`, `{"value": ""}`, and in a replace `null` and `{}`, clear a single complex attribute. A value of
/// which nothing is left because its members are unknown or read-only names nothing, and changes nothing.
fn clears(op: Op, value: &Value) -> bool {
    let single = match value {
        Value::Array(values) => values.first().unwrap_or(&Value::Null),
        value => value,
    };
    match single {
        Value::Null => op == Op::Replace,
        Value::Object(object) => {
            (object.is_empty() && op == Op::Replace)
                || object.iter().any(|(key, value)| key.eq_ignore_ascii_case("value") && value == "")
        }
        _ => true,
    }
}

fn is_read_only(attr: &AttrRef) -> bool {
    attr.attribute().mutability == Mutability::ReadOnly || attr.leaf().mutability == Mutability::ReadOnly
}

fn required(attr: &AttrRef, done: &str) -> PatchError {
    PatchError::required(attr, format!("`{attr}` is required: it cannot be {done}"))
}

fn remove_with_value(name: &str) -> PatchError {
    let detail = format!(
        "`remove` of `{name}` takes no `value`: name what to remove in the path, as in `{name}[value eq \"…\"]`"
    );
    PatchError::value(name, detail)
}

/// the ids of `[{"value": "u2"}]`, `{"value": "u2"}`, `"u2"`; what has none selects nothing.
fn ids(value: Value) -> Vec<String> {
    let elements = match value {
        Value::Array(elements) => elements,
        single => vec![single],
    };
    let id = |element: Value| match element {
        Value::String(id) => Some(id),
        Value::Object(object) => object
            .into_iter()
            .find(|(key, _)| key.eq_ignore_ascii_case("value"))
            .and_then(|(_, value)| value.as_str().map(str::to_owned)),
        _ => None,
    };
    elements.into_iter().filter_map(id).collect()
}
