//! Deciding whether a resource matches — the one evaluator that every store relies on.

use std::fmt::{self, Display};

use scim_core::{AttrRef, Resource, Timestamp};
use serde_json::Value;

use crate::bind::{BoundFilter, Leaf};
use crate::compare::{Test, has_value};
use crate::element::ElementFilter;

/// A resource as a filter sees it: the document, and what stands beside it.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// The `id`.
    pub id: &'a str,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified`.
    pub modified: Timestamp,
    /// `meta.resourceType`.
    pub resource_type: &'a str,
    /// `meta.version`, written only when a filter asks for it.
    pub version: &'a dyn Display,
    /// The document.
    pub resource: &'a Resource,
    /// The links of the resource.
    pub relations: &'a dyn Relations,
}

impl<'a> Entry<'a> {
    /// A resource of the type with this name, with its `id`; what else stands beside it begins empty, and is
    /// set by `Entry { modified, ..Entry::new(…) }`.
    pub fn new(resource_type: &'a str, id: &'a str, resource: &'a Resource) -> Self {
        Self {
            id,
            created: Timestamp::default(),
            modified: Timestamp::default(),
            resource_type,
            version: &"",
            resource,
            relations: &NoRelations,
        }
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("id", &self.id)
            .field("created", &self.created)
            .field("modified", &self.modified)
            .field("resource_type", &self.resource_type)
            .field("version", &self.version.to_string())
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}

/// The links of one resource, however they are kept.
pub trait Relations {
    /// Whether the resource is linked with `target` by `relation` (such as `members`).
    fn contains(&self, relation: &str, target: &str) -> bool;

    /// Whether the resource has any link of `relation`.
    fn any(&self, relation: &str) -> bool;
}

/// No links at all: for resource types without relations.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRelations;

impl Relations for NoRelations {
    fn contains(&self, _: &str, _: &str) -> bool {
        false
    }

    fn any(&self, _: &str) -> bool {
        false
    }
}

impl BoundFilter {
    /// Whether the resource matches.
    ///
    /// A comparison holds if it holds for any value of the attribute (FILT-012), `ne` and `not` are exact
    /// complements: `ne` is true when the attribute is absent, and false as soon as one value is equal.
    pub fn matches(&self, entry: &Entry<'_>) -> bool {
        self.logic.holds(&|leaf| leaf.holds(entry))
    }
}

impl Leaf {
    fn holds(&self, entry: &Entry<'_>) -> bool {
        match self {
            Self::Attribute { attr, test, .. } => attribute_holds(attr, test, entry.resource),
            Self::Element { attr, filter } => element_holds(attr, filter, entry.resource),
            Self::Link(test) => match &test.target {
                Some(target) => entry.relations.contains(&test.relation, target),
                None => entry.relations.any(&test.relation),
            },
            Self::Id(comparison) => comparison.holds_text(entry.id),
            Self::ResourceType(comparison) => comparison.holds_text(entry.resource_type),
            Self::Version(comparison) => comparison.holds_text(&entry.version.to_string()),
            Self::Created(comparison) => comparison.holds_timestamp(entry.created),
            Self::LastModified(comparison) => comparison.holds_timestamp(entry.modified),
        }
    }
}

fn attribute_holds(attr: &AttrRef, test: &Test, resource: &Resource) -> bool {
    let Some(value) = attr.get(resource.as_map()) else { return false };
    let holds = |value: &Value| match test {
        Test::Present => has_value(value),
        Test::Compare(comparison) => comparison.holds(value),
    };
    any(value, &|value| match attr.sub() {
        None => holds(value),
        Some(sub) => match value.get(&sub.name) {
            Some(value) => any(value, &holds),
            None => test.holds_without_value(),
        },
    })
}

fn element_holds(attr: &AttrRef, filter: &ElementFilter, resource: &Resource) -> bool {
    attr.get(resource.as_map()).is_some_and(|value| any(value, &|element| filter.matches(element)))
}

fn any(value: &Value, holds: &dyn Fn(&Value) -> bool) -> bool {
    match value {
        Value::Array(values) => values.iter().any(holds),
        single => holds(single),
    }
}
