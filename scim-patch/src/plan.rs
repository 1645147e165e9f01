//! A PATCH request bound to a resource type. All errors that the request and the schema can show are already raised.

use std::sync::Arc;

use scim_core::{AttrRef, Attribute, Limits, ResourceType, weight};
use scim_filter::ElementFilter;
use serde_json::{Map, Value};

use crate::relation::{RelationEdit, RelationStep};
use crate::selection::Selection;

/// A compiled PATCH: edits of the document and steps on relations, each in the order of the request.
///
/// The two kinds never touch the same attribute, so they can be carried out independently. A plan that only adds a
/// member needs no document.
#[derive(Clone)]
pub struct PatchPlan {
    pub(crate) resource_type: Arc<ResourceType>,
    /// Each edit with the position of its operation in the request.
    pub(crate) edits: Vec<(usize, Edit)>,
    pub(crate) limits: Limits,
    pub(crate) relations: Vec<RelationEdit>,
}

impl PatchPlan {
    /// Whether the document must be read to carry the plan out.
    pub fn touches_document(&self) -> bool {
        !self.edits.is_empty()
    }

    /// Returns the number of edits of the document.
    pub fn edits(&self) -> usize {
        self.edits.len()
    }

    /// Returns the steps on relations.
    pub fn relations(&self) -> &[RelationEdit] {
        &self.relations
    }

    /// Returns the steps on relations, for a plan that is carried out once.
    pub fn into_relations(self) -> Vec<RelationEdit> {
        self.relations
    }

    /// Whether the request gives this attribute, or this sub-attribute, a value.
    ///
    /// If so, the response contains it, even if it is otherwise only returned on request.
    // SRV-029
    pub fn writes(&self, path: &AttrRef) -> bool {
        let links = |edit: &RelationEdit| {
            let gives = match &edit.step {
                RelationStep::Add(links) | RelationStep::Set(links) => !links.is_empty(),
                RelationStep::Clear | RelationStep::Remove(_) | RelationStep::RemoveWhere(_) => false,
            };
            gives && path.extension().is_none() && edit.relation == path.attribute().name
        };
        self.edits.iter().any(|(_, edit)| edit.writes(path)) || self.relations.iter().any(links)
    }
}

/// One edit of the document. Each path is that of a whole attribute.
#[derive(Clone, Debug)]
pub(crate) enum Edit {
    /// Sets the whole value of an attribute.
    Assign { path: AttrRef, value: Value },
    /// Appends elements that are not there yet.
    Append { path: AttrRef, values: Vec<Value> },
    /// Removes the value.
    Unassign { path: AttrRef },
    /// Removes the selected elements.
    RemoveValues { path: AttrRef, values: Selection },
    /// Changes the value of a single-valued complex attribute, or some elements of a multi-valued one.
    Within { path: AttrRef, which: Which, change: Change },
    /// Removes a whole extension.
    UnassignExtension { urn: Arc<str> },
    /// Sets or removes an attribute that no schema knows, as it was sent.
    Keep { extension: Option<Arc<str>>, name: String, value: Option<Value> },
}

impl Edit {
    fn writes(&self, path: &AttrRef) -> bool {
        let same = |target: &AttrRef| {
            target.extension() == path.extension() && target.attribute().name == path.attribute().name
        };
        let holds = |value: &Value| match (path.sub(), value) {
            (Some(sub), Value::Object(object)) => object.contains_key(&sub.name),
            _ => true,
        };
        match self {
            Self::Assign { path: target, value: Value::Array(values) }
            | Self::Append { path: target, values } => same(target) && values.iter().any(holds),
            Self::Assign { path: target, value } => same(target) && holds(value),
            Self::Within { path: target, change, .. } => same(target) && change.writes(path.sub(), holds),
            _ => false,
        }
    }
}

/// Selects values of a complex attribute. A single-valued attribute has at most one.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    /// The value of a single-valued attribute, or a new one.
    Single,
    /// The values that fit the filter. If none fits, an element is made from `made`, if there is one.
    //
    Filter { filter: ElementFilter, made: Option<Map<String, Value>> },
    /// All values.
    Every,
    /// The primary value, else the first, else a new one.
    Preferred,
}

/// The change of each selected value.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Changes sub-attributes, each once. If `drop_hollow`, a value that is left with only `type` and `primary` is
    /// removed.
    Parts { parts: Vec<Part>, drop_hollow: bool },
    /// Replaces the value by this one.
    Replace(Value),
    /// Removes the value.
    Remove,
}

impl Change {
    /// Makes a change of sub-attributes that drops no hollow value.
    pub(crate) fn parts(parts: Vec<Part>) -> Self {
        Self::Parts { parts, drop_hollow: false }
    }

    /// Returns about how many bytes the change writes.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Parts { parts, .. } => parts.iter().map(|part| part.change.weight()).sum(),
            Self::Replace(value) => weight(value),
            Self::Remove => 0,
        }
    }

    /// Returns how many sub-attributes it changes.
    pub(crate) fn parts_count(&self) -> usize {
        match self {
            Self::Parts { parts, .. } => parts.len(),
            Self::Replace(_) | Self::Remove => 1,
        }
    }

    /// Whether the change sets something, so that there has to be a value to set it in.
    pub(crate) fn gives(&self) -> bool {
        match self {
            Self::Parts { parts, .. } => parts.iter().any(|part| part.change.gives()),
            Self::Replace(_) => true,
            Self::Remove => false,
        }
    }

    fn writes(&self, sub: Option<&Arc<Attribute>>, holds: impl Fn(&Value) -> bool) -> bool {
        match self {
            Self::Parts { parts, .. } => parts
                .iter()
                .any(|part| part.change.gives() && sub.is_none_or(|wanted| wanted.name == part.name)),
            Self::Replace(value) => holds(value),
            Self::Remove => false,
        }
    }
}

/// The change of one sub-attribute.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// `None` for a sub-attribute that no schema knows.
    pub(crate) sub: Option<Arc<Attribute>>,
    pub(crate) change: PartChange,
}

impl Part {
    pub(crate) fn of(sub: &Arc<Attribute>, change: PartChange) -> Self {
        Self { name: sub.name.clone(), sub: Some(Arc::clone(sub)), change }
    }
}

/// The change of the value of a sub-attribute.
#[derive(Clone, Debug)]
pub(crate) enum PartChange {
    Set(Value),
    Append(Vec<Value>),
    RemoveValues(Selection),
    Clear,
}

impl PartChange {
    fn gives(&self) -> bool {
        matches!(self, Self::Set(_) | Self::Append(_))
    }

    fn weight(&self) -> usize {
        match self {
            Self::Set(value) => weight(value),
            Self::Append(values) => values.iter().map(weight).sum(),
            Self::RemoveValues(_) | Self::Clear => 0,
        }
    }
}
