//! A PATCH request bound to a resource type: what will be done, with every fault that the request and
//! the schema can show already raised.

use std::sync::Arc;

use scim_core::{AttrRef, Attribute, Quirks, ResourceType};
use scim_filter::ElementFilter;
use serde_json::{Map, Value};

use crate::relation::RelationEdit;

/// A compiled PATCH: document edits and relation steps, each in the order of the request.
///
/// The two kinds never touch the same attribute, so they may be carried out independently: a plan that
/// only adds a member needs no document at all.
#[derive(Clone, Debug)]
pub struct PatchPlan {
    pub(crate) resource_type: Arc<ResourceType>,
    pub(crate) edits: Vec<Edit>,
    pub(crate) relations: Vec<RelationEdit>,
    pub(crate) quirks: Quirks,
}

impl PatchPlan {
    /// Whether the document must be read to carry the plan out.
    pub fn touches_document(&self) -> bool {
        !self.edits.is_empty()
    }

    /// The steps on relations.
    pub fn relations(&self) -> &[RelationEdit] {
        &self.relations
    }

    /// Whether the request gives this attribute, or this sub-attribute, a value: then the answer holds it even
    /// if it is otherwise only returned on request (SRV-029).
    pub fn writes(&self, path: &AttrRef) -> bool {
        let is_link =
            |edit: &RelationEdit| path.extension().is_none() && edit.relation == path.attribute().name;
        self.edits.iter().any(|edit| edit.writes(path)) || self.relations.iter().any(is_link)
    }

    /// The quirks that were needed.
    pub fn quirks(&self) -> Quirks {
        self.quirks
    }
}

/// One edit of the document.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// Gives an attribute, or a sub-attribute of a single complex one, this whole value.
    Assign { path: AttrRef, value: Value },
    /// Merges sub-attributes into a single complex attribute.
    Merge { path: AttrRef, value: Map<String, Value> },
    /// Appends elements that are not there yet.
    Append { path: AttrRef, values: Vec<Value> },
    /// Takes the value away.
    Unassign { path: AttrRef },
    /// Takes the elements away that agree with one of these values.
    RemoveValues { path: AttrRef, values: Vec<Value> },
    /// Changes some elements.
    Elements { path: AttrRef, which: Which, change: ElementChange },
    /// Takes a whole extension away.
    UnassignExtension { urn: Arc<str> },
}

impl Edit {
    /// The attribute it changes; an extension as a whole has none.
    pub(crate) fn path(&self) -> Option<&AttrRef> {
        match self {
            Self::Assign { path, .. }
            | Self::Merge { path, .. }
            | Self::Append { path, .. }
            | Self::Unassign { path }
            | Self::RemoveValues { path, .. }
            | Self::Elements { path, .. } => Some(path),
            Self::UnassignExtension { .. } => None,
        }
    }

    fn writes(&self, path: &AttrRef) -> bool {
        let holds = |value: &Map<String, Value>| match path.sub() {
            Some(sub) => value.contains_key(&sub.name),
            None => true,
        };
        let value_holds = |value: &Value| value.as_object().is_none_or(holds);
        let same = |target: &AttrRef| {
            target.extension() == path.extension() && target.attribute().name == path.attribute().name
        };
        match self {
            Self::Assign { path: target, value } if same(target) => match (target.sub(), value) {
                (Some(sub), _) => path.sub().is_none_or(|wanted| wanted.name == sub.name),
                (None, Value::Array(elements)) => elements.iter().any(value_holds),
                (None, value) => value_holds(value),
            },
            Self::Merge { path: target, value } => same(target) && holds(value),
            Self::Append { path: target, values } => same(target) && values.iter().any(value_holds),
            Self::Elements { path: target, change, .. } if same(target) => match change {
                ElementChange::Set { sub, .. } => path.sub().is_none_or(|wanted| wanted.name == sub.name),
                ElementChange::Merge(value) => holds(value),
                ElementChange::Replace(value) => value_holds(value),
                ElementChange::Clear { .. } | ElementChange::Remove => false,
            },
            _ => false,
        }
    }
}

/// Which elements an edit means.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    /// Those that fit; when none does and `create` holds, one is made from the filter's `eq` terms.
    Filter { filter: ElementFilter, create: bool },
    /// Each of them.
    Every,
    /// The primary one, else the first, else a new one.
    Preferred,
}

/// What happens to each of the elements meant.
#[derive(Clone, Debug)]
pub(crate) enum ElementChange {
    Set { sub: Arc<Attribute>, value: Value },
    Clear { sub: Arc<Attribute>, drop_hollow: bool },
    Merge(Map<String, Value>),
    Replace(Value),
    Remove,
}
