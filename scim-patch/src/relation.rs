//! What a PATCH does to a relation such as `members`, independent of the client's dialect.

use scim_core::Reference;
use scim_filter::ElementFilter;

/// One step on one relation. Steps are carried out in order, each on the result of the previous one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RelationEdit {
    /// The relation's attribute name.
    pub relation: String,
    /// What happens to its links.
    pub step: RelationStep,
}

impl RelationEdit {
    /// Makes a step on a relation.
    pub fn new(relation: impl Into<String>, step: RelationStep) -> Self {
        Self { relation: relation.into(), step }
    }
}

/// What happens to the links of a relation.
#[derive(Clone, Debug, PartialEq)]
pub enum RelationStep {
    /// Removes all links.
    Clear,
    /// Adds these links. Links that exist already stay as they are.
    Add(Vec<Reference>),
    /// Removes the links to these ids. An id without a link is no error.
    Remove(Vec<String>),
    /// Removes the links whose element fits the filter.
    RemoveWhere(ElementFilter),
    /// Sets the links to exactly these.
    Set(Vec<Reference>),
}

/// Appends a step, or joins it to the last step if both are of one kind.
///
/// So a client that sends one operation per member causes one step.
//
pub(crate) fn push(edits: &mut Vec<RelationEdit>, edit: RelationEdit) {
    if let Some(last) = edits.last_mut()
        && last.relation == edit.relation
    {
        match (&mut last.step, edit.step) {
            (RelationStep::Add(ids), RelationStep::Add(more)) => ids.extend(more),
            (RelationStep::Remove(ids), RelationStep::Remove(more)) => ids.extend(more),
            // `Clear` and `Set` alone decide which links there are. An earlier step that adds or sets links is kept all
            // the same, because it fails if a target does not exist (PATCH-014).
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
