//! Writes a plan in sentences, for logs and for people who ask what a request will do.

use std::fmt;

use scim_core::{AttrRef, Attribute, Mutability, Reference};
use serde_json::{Map, Value};

use crate::plan::{Change, Edit, Part, PartChange, PatchPlan, Which};
use crate::relation::{RelationEdit, RelationStep};

/// Writes one line for each edit and step: first the edits, then the steps, each in the order of the request.
///
/// Values of attributes that are write-only or never returned, such as passwords, are not shown.
///
/// ```
/// use scim_core::{Lenience, ResourceType};
/// let request = scim_patch::PatchRequest::new().replace("title", "Judge").replace("password", "t0p");
/// let plan = request.compile(&ResourceType::user(), &mut Lenience::strict()).unwrap();
/// assert_eq!(plan.to_string(), "set `title` to \"Judge\"\nset `password` to what is not shown");
/// ```
impl fmt::Display for PatchPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.edits.is_empty() && self.relations.is_empty() {
            return f.write_str("change nothing");
        }
        let edits = self.edits.iter().map(|(_, edit)| edit.to_string());
        let steps = self.relations.iter().map(RelationEdit::to_string);
        f.write_str(&edits.chain(steps).collect::<Vec<_>>().join("\n"))
    }
}

impl fmt::Debug for PatchPlan {
    /// Writes what [`Display`](fmt::Display) writes, because values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PatchPlan({self})")
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Assign { path, value } => write!(f, "set `{path}` to {}", shown(path.attribute(), value)),
            Self::Append { path, values } => {
                write!(f, "add to `{path}`, unless there already, {}", list(path.attribute(), values))
            }
            Self::Unassign { path } => write!(f, "remove `{path}`"),
            Self::RemoveValues { path, values } => {
                write!(f, "remove from `{path}` what agrees with {}", list(path.attribute(), values.values()))
            }
            Self::Within { path, which, change } => within(f, path, which, change),
            Self::UnassignExtension { urn } => write!(f, "remove every attribute of `{urn}`"),
            Self::Keep { extension, name, value } => {
                let done = if value.is_some() { "set" } else { "remove" };
                write!(f, "{done} {}", quoted(name))?;
                match extension {
                    Some(urn) => write!(f, " of `{urn}`, which no schema knows"),
                    None => f.write_str(", which no schema knows"),
                }
            }
        }
    }
}

impl fmt::Display for RelationEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = &self.relation;
        let of = |links: &[Reference]| ids(links.iter().map(|link| &link.value));
        match &self.step {
            RelationStep::Clear => write!(f, "remove all `{relation}`"),
            RelationStep::Add(links) => write!(f, "add to `{relation}`, unless there already, {}", of(links)),
            RelationStep::Remove(links) => write!(f, "remove from `{relation}` {}", ids(links.iter())),
            RelationStep::RemoveWhere(filter) => {
                write!(f, "remove the `{relation}` with {}", quoted(&filter.to_string()))
            }
            RelationStep::Set(links) => write!(f, "let `{relation}` be exactly {}", of(links)),
        }
    }
}

fn within(f: &mut fmt::Formatter<'_>, path: &AttrRef, which: &Which, change: &Change) -> fmt::Result {
    let values = match which {
        Which::Single => format!("`{path}`"),
        Which::Filter { filter, .. } => {
            format!("each value of `{path}` with {}", quoted(&filter.to_string()))
        }
        Which::Every => format!("each value of `{path}`"),
        Which::Preferred => format!("the primary or else the first value of `{path}`"),
    };
    match change {
        Change::Parts { parts, .. } => {
            let parts: Vec<_> = parts.iter().map(|part| self::part(path.attribute(), part)).collect();
            write!(f, "in {values}, {}", parts.join(", "))?;
        }
        Change::Replace(value) => write!(f, "replace {values} by {}", shown(path.attribute(), value))?,
        Change::Remove => write!(f, "remove {values}")?,
    }
    let makes = matches!(which, Which::Filter { made: Some(_), .. } | Which::Preferred);
    if makes && change.gives() { f.write_str(", making one if there is none") } else { Ok(()) }
}

fn part(attribute: &Attribute, part: &Part) -> String {
    let name = quoted(&part.name);
    // A value that no schema knows may be secret.
    let secret = is_secret(attribute) || part.sub.as_ref().is_none_or(|sub| is_secret(sub));
    let leaf = part.sub.as_ref().map_or(attribute, |sub| &**sub);
    let value = |value| if secret { HIDDEN.to_owned() } else { shown(leaf, value) };
    let values = |values| if secret { HIDDEN.to_owned() } else { list(leaf, values) };
    match &part.change {
        PartChange::Set(new) => format!("set {name} to {}", value(new)),
        PartChange::Append(new) => format!("add to {name}, unless there already, {}", values(new)),
        PartChange::RemoveValues(gone) => {
            format!("remove from {name} what agrees with {}", values(gone.values()))
        }
        PartChange::Clear => format!("remove {name}"),
    }
}

const HIDDEN: &str = "what is not shown";

/// Writes the value, but not what is secret.
fn shown(attribute: &Attribute, value: &Value) -> String {
    if is_secret(attribute) {
        return HIDDEN.to_owned();
    }
    match value {
        Value::Object(object) => members(attribute, object),
        Value::Array(values) => list(attribute, values),
        Value::String(text) => escaped(text, '"'),
        simple => simple.to_string(),
    }
}

fn members(attribute: &Attribute, object: &Map<String, Value>) -> String {
    let one = |(name, value): (&String, &Value)| match attribute.sub_attribute(name) {
        Some(sub) => format!("{} = {}", quoted(name), shown(sub, value)),
        // No schema says whether the value is secret.
        None => quoted(name),
    };
    format!("({})", object.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn list(attribute: &Attribute, values: &[Value]) -> String {
    if is_secret(attribute) {
        return HIDDEN.to_owned();
    }
    values.iter().map(|value| shown(attribute, value)).collect::<Vec<_>>().join(", ")
}

fn ids<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    ids.map(|id| quoted(id)).collect::<Vec<_>>().join(", ")
}

fn quoted(name: &str) -> String {
    escaped(name, '`')
}

/// Quotes a text and escapes everything that would end the quotes or the line.
///
/// So the client that sends a request cannot write sentences of the log.
fn escaped(text: &str, quote: char) -> String {
    let mut escaped = String::from(quote);
    for c in text.chars() {
        if c == quote || c == '\\' {
            escaped.extend(['\\', c]);
        } else if matches!(c, '"' | '\'' | '`') {
            escaped.push(c);
        } else {
            escaped.extend(c.escape_debug());
        }
    }
    escaped.push(quote);
    escaped
}

fn is_secret(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::WriteOnly || attribute.is_never_returned()
}
