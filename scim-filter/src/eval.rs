//! Decides whether a resource matches. Every store relies on this one evaluator.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

use scim_core::{AttrRef, Exhausted, Meter, Resource, Timestamp};
use serde_json::Value;

use crate::bind::{BoundFilter, Leaf};
use crate::compare::Test;
use crate::element::ElementFilter;
use crate::look::{self, Look};

/// A resource as a filter sees it: the document, and the properties outside it.
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
    /// `meta.version`, formatted only if a filter asks for it.
    pub version: &'a dyn Display,
    /// The document.
    pub resource: &'a Resource,
    /// The links of the resource.
    pub relations: &'a dyn Relations,
}

impl<'a> Entry<'a> {
    /// Makes the entry of a resource with its type name and its `id`.
    ///
    /// All other properties outside the document are empty. Set them with `Entry { modified, ..Entry::new(…) }`.
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

/// The links of one resource, however they are stored.
pub trait Relations {
    /// Whether the resource has a link of `relation` (such as `members`) to `target`.
    fn contains(&self, relation: &str, target: &str) -> bool;

    /// Whether the resource has any link of `relation`.
    fn any(&self, relation: &str) -> bool;
}

/// No links, for resource types without relations.
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
    /// A comparison holds if it holds for any value of the attribute. `ne` and `not` are exact complements: `ne` is
    /// true if the attribute is absent, and false if any value is equal.
    ///
    /// The cost is not limited. If a stranger may choose the filter or has written the resource, use
    /// [`matches_within`](Self::matches_within).
    // FILT-012
    pub fn matches(&self, entry: &Entry<'_>) -> bool {
        self.matches_within(entry, &mut Meter::unlimited()).is_ok_and(|matches| matches)
    }

    /// Does what [`matches`](Self::matches) does and charges the cost: each term, and the bytes of the texts that are
    /// compared.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if the request may cost no more.
    pub fn matches_within(&self, entry: &Entry<'_>, meter: &mut Meter) -> Result<bool, Exhausted> {
        let mut look = Look::new(meter);
        self.logic.holds(&mut |leaf| leaf.holds(entry, &mut look))
    }

    /// Returns the names of the members of a document that decide the filter.
    ///
    /// They are attributes and URNs of extensions. A store that keeps documents as text need not read the rest.
    ///
    /// ```
    /// use scim_core::{Lenience, ResourceType};
    /// use scim_filter::Filter;
    /// let filter: Filter = r#"id pr and (name.givenName sw "b" or emails[type eq "work"])"#.parse().unwrap();
    /// let filter = filter.bind(&ResourceType::user(), &mut Lenience::strict()).unwrap();
    /// assert_eq!(filter.members().into_iter().collect::<Vec<_>>(), ["emails", "name"]);
    /// ```
    pub fn members(&self) -> BTreeSet<&str> {
        let mut members = BTreeSet::new();
        self.logic.for_each(&mut |leaf| match leaf {
            Leaf::Attribute { attr, .. } | Leaf::Element { attr, .. } => {
                members.insert(attr.member());
            }
            Leaf::Link(_)
            | Leaf::Id(_)
            | Leaf::ResourceType(_)
            | Leaf::Version(_)
            | Leaf::Created(_)
            | Leaf::LastModified(_) => {}
        });
        members
    }
}

impl Leaf {
    fn holds<'v>(&self, entry: &Entry<'v>, look: &mut Look<'_, 'v>) -> Result<bool, Exhausted> {
        look.costs(look::FIND)?;
        match self {
            Self::Attribute { attr, test, .. } => attribute_holds(attr, test, entry.resource, look),
            Self::Element { attr, filter } => element_holds(attr, filter, entry.resource, look),
            Self::Link(test) => {
                look.costs(look::LINK)?;
                Ok(match &test.target {
                    Some(target) => entry.relations.contains(&test.relation, target),
                    None => entry.relations.any(&test.relation),
                })
            }
            Self::Id(comparison) => comparison.holds_text(entry.id, look),
            Self::ResourceType(comparison) => comparison.holds_text(entry.resource_type, look),
            Self::Version(comparison) => {
                let version = entry.version.to_string();
                comparison.holds_text(&version, &mut look.beside())
            }
            Self::Created(comparison) => comparison.holds_timestamp(entry.created, look),
            Self::LastModified(comparison) => comparison.holds_timestamp(entry.modified, look),
        }
    }
}

fn attribute_holds<'v>(
    attr: &AttrRef,
    test: &Test,
    resource: &'v Resource,
    look: &mut Look<'_, 'v>,
) -> Result<bool, Exhausted> {
    let Some(value) = attr.get(resource.as_map()) else { return Ok(false) };
    look::any(values(value), |value| match attr.sub() {
        None => test.holds(value, look),
        Some(sub) => match value.get(&sub.name) {
            Some(value) => look::any(values(value), |value| test.holds(value, look)),
            None => {
                look.costs(1)?;
                Ok(test.holds_without_value())
            }
        },
    })
}

fn element_holds<'v>(
    attr: &AttrRef,
    filter: &ElementFilter,
    resource: &'v Resource,
    look: &mut Look<'_, 'v>,
) -> Result<bool, Exhausted> {
    let Some(value) = attr.get(resource.as_map()) else { return Ok(false) };
    look::any(values(value), |element| filter.holds(element, look))
}

/// Returns the values of an attribute, one or many.
fn values(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        single => std::slice::from_ref(single),
    }
}
