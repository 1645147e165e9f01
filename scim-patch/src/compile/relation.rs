//! Compiles an operation on a relation such as `members`.
// Row 21 of the matrix in part D.2 of the requirements.

use scim_core::{AttrRef, Canonical, Quirk, ReadOnly, Reference};
use scim_filter::ElementFilter;
use serde_json::Value;

use super::{Compiler, listed, remove_with_value, required};
use crate::PatchError;
use crate::relation::{self, RelationEdit, RelationStep};
use crate::request::Op;

impl Compiler<'_> {
    /// Compiles an operation on a relation. A link exists or not; it has no parts that could be changed.
    ///
    /// A required relation cannot be emptied as a whole. Removing its last link alone is not detected here.
    pub(super) fn relation(
        &mut self,
        op: Op,
        name: String,
        attr: &AttrRef,
        filter: Option<ElementFilter>,
        value: Option<Value>,
    ) -> Result<(), PatchError> {
        if let Some(sub) = attr.sub() {
            // CORE-065: the target of a link cannot be changed. Only the link can be removed.
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
                    if !self.lenience.uses(Quirk::RemoveWithValue) {
                        return Err(remove_with_value(&name));
                    }
                    let named = self.references(attr, Some(value))?;
                    RelationStep::Remove(named.into_iter().map(|reference| reference.value).collect())
                }
            },
            (Op::Add, None) => {
                RelationStep::Add(self.references(attr, value.map(|value| listed(attr, value)))?)
            }
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
        if attr.attribute().required && step == RelationStep::Clear {
            return Err(required(attr));
        }
        if let RelationStep::RemoveWhere(filter) = &step {
            // Every term is evaluated for every link.
            self.charge(filter.terms())?;
        }
        if !nothing {
            relation::push(&mut self.relations, RelationEdit::new(name, step));
        }
        Ok(())
    }

    /// Reads the links of a value. Read-only parts, which the service provider computes, may be sent and are ignored.
    fn references(&mut self, attr: &AttrRef, value: Option<Value>) -> Result<Vec<Reference>, PatchError> {
        let mut canonical = Canonical::new(self.lenience, ReadOnly::Strip);
        let links = canonical.value(attr, value.unwrap_or_default());
        let links = links.map_err(|error| PatchError::in_value(attr, error))?;
        let elements = match links {
            Some(Value::Array(elements)) => elements,
            _ => Vec::new(),
        };
        Reference::read_all(attr, elements, self.lenience).map_err(|error| PatchError::in_value(attr, error))
    }
}
