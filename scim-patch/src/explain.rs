//! A plan in sentences, for logs and for people who wonder what a request will do.

use std::fmt;

use scim_core::{AttrRef, Attribute, Mutability};
use serde_json::{Map, Value};

use crate::plan::{Edit, ElementChange, PatchPlan, Which};
use crate::relation::{RelationEdit, RelationStep};

/// One line for each edit and step, in the order of the request, edits first. Values of attributes that are
/// write-only or never returned, such as passwords, are not shown.
///
/// ```
/// use scim_core::{Leniency, ResourceType};
/// let request = scim_patch::PatchRequest::new().replace("title", "Judge").replace("password", "t0p");
/// let plan = request.compile(&ResourceType::user(), &Leniency::STRICT).unwrap();
/// assert_eq!(plan.to_string(), "set `title` to \"Judge\"\nset `password` to a value that is not shown");
/// ```
impl fmt::Display for PatchPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.edits.is_empty() && self.relations.is_empty() {
            return f.write_str("change nothing");
        }
        let edits = self.edits.iter().map(Edit::to_string);
        let steps = self.relations.iter().map(RelationEdit::to_string);
        f.write_str(&edits.chain(steps).collect::<Vec<_>>().join("\n"))
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assign { path, value } => {
                write!(f, "set `{path}` to {}", shown_at(path, path.leaf(), value))
            }
            Self::Merge { path, value } => write!(f, "set of `{path}` {}", members(path.leaf(), value)),
            Self::Append { path, values } => {
                write!(f, "add to `{path}`, unless there already, {}", list(path.leaf(), values))
            }
            Self::Unassign { path } => write!(f, "remove `{path}`"),
            Self::RemoveValues { path, values } => {
                write!(f, "remove from `{path}` what agrees with {}", list(path.leaf(), values))
            }
            Self::Elements { path, which, change } => elements(f, path, which, change),
            Self::UnassignExtension { urn } => write!(f, "remove every attribute of `{urn}`"),
        }
    }
}

impl fmt::Display for RelationEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = &self.relation;
        match &self.step {
            RelationStep::Clear => write!(f, "remove all `{relation}`"),
            RelationStep::Add(links) => {
                write!(
                    f,
                    "add to `{relation}`, unless there already, {}",
                    quoted(links.iter().map(|link| &link.value))
                )
            }
            RelationStep::Remove(ids) => write!(f, "remove from `{relation}` {}", quoted(ids.iter())),
            RelationStep::RemoveWhere(_) => write!(f, "remove the `{relation}` that fit the filter"),
            RelationStep::Set(links) => {
                write!(f, "let `{relation}` be exactly {}", quoted(links.iter().map(|link| &link.value)))
            }
        }
    }
}

fn elements(
    f: &mut fmt::Formatter<'_>,
    path: &AttrRef,
    which: &Which,
    change: &ElementChange,
) -> fmt::Result {
    let attribute = path.attribute();
    let (which, otherwise) = match which {
        Which::Filter { create: false, .. } => ("each value that fits the filter", ""),
        Which::Filter { create: true, .. } => ("each value that fits the filter", ", or make one"),
        Which::Every => ("each value", ""),
        Which::Preferred => ("the primary or else the first value", ", or make one"),
    };
    match change {
        ElementChange::Set { sub, value } => {
            write!(
                f,
                "in `{path}`, set `{}` of {which} to {}{otherwise}",
                sub.name,
                shown_at(path, sub, value)
            )
        }
        ElementChange::Clear { sub, .. } => write!(f, "in `{path}`, remove `{}` of {which}", sub.name),
        ElementChange::Merge(value) => {
            write!(f, "in `{path}`, set of {which} {}{otherwise}", members(attribute, value))
        }
        ElementChange::Replace(value) => {
            write!(f, "in `{path}`, replace {which} by {}{otherwise}", shown(attribute, value))
        }
        ElementChange::Remove => write!(f, "in `{path}`, remove {which}"),
    }
}

/// [`shown`], unless the attribute around it is secret.
fn shown_at(path: &AttrRef, leaf: &Attribute, value: &Value) -> String {
    shown(if is_secret(path.attribute()) { path.attribute() } else { leaf }, value)
}

/// The value, but for what is secret.
fn shown(attribute: &Attribute, value: &Value) -> String {
    if is_secret(attribute) {
        return "a value that is not shown".to_owned();
    }
    match value {
        Value::Object(object) => members(attribute, object),
        Value::Array(values) => list(attribute, values),
        simple => simple.to_string(),
    }
}

fn members(attribute: &Attribute, object: &Map<String, Value>) -> String {
    if is_secret(attribute) {
        return "values that are not shown".to_owned();
    }
    let one = |(name, value): (&String, &Value)| match attribute.sub_attribute(name) {
        Some(sub) => format!("`{name}` = {}", shown(sub, value)),
        // No schema says that it is no secret.
        None => format!("`{name}`"),
    };
    format!("({})", object.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn list(attribute: &Attribute, values: &[Value]) -> String {
    values.iter().map(|value| shown(attribute, value)).collect::<Vec<_>>().join(", ")
}

fn quoted<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    ids.map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}

fn is_secret(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::WriteOnly || attribute.is_never_returned()
}
