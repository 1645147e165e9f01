//! What a PATCH does to a relation such as `members`, in whatever dialect it came.

use scim_core::Reference;
use scim_filter::ElementFilter;

/// One step on one relation. Steps are carried out in order, each on the result of the one before.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RelationEdit {
    /// The relation's attribute name.
    pub relation: String,
    /// What happens to its links.
    pub step: RelationStep,
}

impl RelationEdit {
    /// A step on a relation.
    pub fn new(relation: impl Into<String>, step: RelationStep) -> Self {
        Self { relation: relation.into(), step }
    }
}

/// What happens to the links of a relation.
#[derive(Clone, Debug, PartialEq)]
pub enum RelationStep {
    /// All links go.
    Clear,
    /// These links are there afterwards; ones that were stay as they are.
    Add(Vec<Reference>),
    /// The links to these ids go; ids that were not linked are no error.
    Remove(Vec<String>),
    /// The links whose element fits the filter go.
    RemoveWhere(ElementFilter),
    /// Exactly these links are there afterwards.
    Set(Vec<Reference>),
}

/// Appends a step, joined to the last one where both are of one kind: a client that sends one operation
/// per member costs one step.
//
pub(crate) fn push(edits: &mut Vec<RelationEdit>, edit: RelationEdit) {
    if let Some(last) = edits.last_mut()
        && last.relation == edit.relation
    {
        match (&mut last.step, edit.step) {
            (RelationStep::Add(ids), RelationStep::Add(more)) => ids.extend(more),
            (RelationStep::Remove(ids), RelationStep::Remove(more)) => ids.extend(more),
            // These two say alone what is there afterwards. A step that names members is kept all the same: it
            // fails if one of them is nobody (PATCH-014).
            (
                step @ (RelationStep::Clear | RelationStep::Remove(_) | RelationStep::RemoveWhere(_)),
                last @ (RelationStep::Clear | RelationStep::Set(_)),
            ) => *step = last,
            (_, step) => edits.push(RelationEdit { relation: edit.relation, step }),
        }
        return;
    }
    edits.push(edit);
}
