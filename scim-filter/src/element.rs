//! The filter between the brackets of a value path, bound to one attribute.

// FILT-014

use std::fmt;
use std::sync::Arc;

use scim_core::{AttrRef, Attribute, Exhausted, Meter, Mutability, Quirk, Returned};
use serde_json::{Map, Value};

use crate::bind::{Binder, Logic};
use crate::compare::Test;
use crate::error::{FilterError, PathError};
use crate::literal::CompareOp;
use crate::look::{self, Look};
use crate::tree::{Node, NodeId};

/// A filter over the values of one attribute: `type eq "work"` of `emails[type eq "work"]`.
///
/// Made by [`Path::bind`](crate::Path::bind).
#[derive(Clone, Debug, PartialEq)]
pub struct ElementFilter {
    logic: Logic<SubTest>,
}

/// One term: a test of a sub-attribute, or of the value itself if the attribute is simple.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SubTest {
    pub(crate) sub: Option<Arc<Attribute>>,
    pub(crate) test: Test,
    /// Whether stores keep keys for it.
    pub(crate) indexed: bool,
}

impl ElementFilter {
    /// Whether one value of the attribute meets the filter.
    ///
    /// The value is an object, or a scalar of a simple multi-valued attribute. The filter addresses the scalar as
    /// `value`.
    ///
    /// The cost is not limited. If a stranger may choose the filter or has written the value, use
    /// [`matches_within`](Self::matches_within).
    pub fn matches(&self, element: &Value) -> bool {
        self.matches_within(element, &mut Meter::unlimited()).is_ok_and(|matches| matches)
    }

    /// Does what [`matches`](Self::matches) does and charges the cost: each term, and the bytes of the texts that are
    /// compared.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if the request may cost no more.
    pub fn matches_within(&self, element: &Value, meter: &mut Meter) -> Result<bool, Exhausted> {
        self.holds(element, &mut Look::new(meter))
    }

    pub(crate) fn holds<'v>(&self, element: &'v Value, look: &mut Look<'_, 'v>) -> Result<bool, Exhausted> {
        self.logic.holds(&mut |term| term.holds(element, look))
    }

    /// Returns the value that a write would have to create to meet the filter.
    ///
    /// The value has the sub-attributes and operands of a conjunction of `eq` terms that do not contradict each other.
    /// Any other filter gives `None`.
    ///
    /// Operands have the JSON type of their sub-attribute and the case in which they were written. The operand of a
    /// term on a simple attribute is under `value`.
    //
    pub fn template(&self) -> Option<Map<String, Value>> {
        let mut template = Map::new();
        self.logic.conjunction(&mut |term| {
            let Some(value) = term.equal_to() else { return false };
            match template.insert(term.name().to_owned(), value.clone()) {
                Some(before) => before == *value,
                None => true,
            }
        })?;
        Some(template)
    }

    /// Returns the values that the filter asks for, if it is `value eq "x"` or an `or` chain of such terms.
    ///
    /// The values have the case in which they were written. A term `$ref eq "…/x"` asks for the last segment of the
    /// URI. An additional `$ref eq null`, as Entra sends it, changes nothing, because links have no `$ref` of their
    /// own.
    // D7
    pub fn only_values(&self) -> Option<Vec<&str>> {
        let mut values = Vec::new();
        only_values(&self.logic, &mut values).then_some(values)
    }

    /// Returns the number of comparisons and presence tests, which is the cost of testing one value.
    pub fn terms(&self) -> usize {
        self.logic.leaves()
    }

    pub(crate) fn logic(&self) -> &Logic<SubTest> {
        &self.logic
    }

    /// Binds the filter below `root` to the values of `attr`, which was written at `position`.
    pub(crate) fn bind(
        binder: &mut Binder<'_>,
        attr: &AttrRef,
        root: NodeId,
        position: usize,
    ) -> Result<Self, FilterError> {
        check_target(attr, position)?;
        Self::bind_terms(binder, attr, root)
    }

    /// Binds the filter of a PATCH path.
    ///
    /// The path is at fault if the attribute takes no value path. An attribute with a single value is refused unless
    /// the quirk allows it, because there is nothing to choose from.
    //
    pub(crate) fn bind_path(
        binder: &mut Binder<'_>,
        attr: &AttrRef,
        root: NodeId,
    ) -> Result<Self, PathError> {
        check_target(attr, 0).map_err(PathError::Path)?;
        if !attr.attribute().multi_valued && !binder.forgives(Quirk::SingularValuePath) {
            let reason = "has a single value: a value path needs a multi-valued attribute".to_owned();
            let fault = FilterError::Unsupported { position: 0, attribute: attr.to_string(), reason };
            return Err(PathError::Path(fault));
        }
        Self::bind_terms(binder, attr, root).map_err(PathError::Filter)
    }

    fn bind_terms(binder: &mut Binder<'_>, attr: &AttrRef, root: NodeId) -> Result<Self, FilterError> {
        let logic = binder.logic(root, &mut |binder, id| leaf(binder, attr, id))?;
        Ok(Self { logic })
    }
}

fn check_target(attr: &AttrRef, position: usize) -> Result<(), FilterError> {
    let attribute = attr.attribute();
    let reason = if attr.sub().is_some() {
        "is a sub-attribute: a value path belongs to the attribute above it"
    } else if attribute.multi_valued || attribute.is_complex() {
        return Ok(());
    } else {
        "has a single value and no sub-attributes: it takes no value path"
    };
    Err(FilterError::Unsupported { position, attribute: attr.to_string(), reason: reason.to_owned() })
}

/// Writes the filter as between brackets. The operand of a write-only sub-attribute is written as `null`.
impl fmt::Display for ElementFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.logic.write(f, &|term, f| match &term.test {
            Test::Present => write!(f, "{} pr", term.name()),
            Test::Compare(comparison) => {
                let is_secret = term.sub.as_ref().is_some_and(|sub| sub.mutability == Mutability::WriteOnly);
                let operand = if is_secret { &Value::Null } else { comparison.written() };
                write!(f, "{} {} {operand}", term.name(), comparison.op())
            }
        })
    }
}

impl SubTest {
    fn holds<'v>(&self, element: &'v Value, look: &mut Look<'_, 'v>) -> Result<bool, Exhausted> {
        let value = match &self.sub {
            None => Some(element),
            Some(sub) => element.get(&sub.name),
        };
        match (value, &self.test) {
            (None, test) => {
                look.costs(1)?;
                Ok(test.holds_without_value())
            }
            (Some(Value::Array(values)), test @ Test::Compare(_)) => {
                look::any(values, |value| test.holds(value, look))
            }
            (Some(value), test) => test.holds(value, look),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.sub.as_ref().map_or("value", |sub| &sub.name)
    }

    fn equal_to(&self) -> Option<&Value> {
        match &self.test {
            Test::Compare(comparison) => comparison.equal_to(),
            Test::Present => None,
        }
    }
}

fn leaf(binder: &mut Binder<'_>, attr: &AttrRef, id: NodeId) -> Result<Logic<SubTest>, FilterError> {
    let tree = binder.tree();
    let position = tree.place(id).path as usize;
    let (path, comparison) = match tree.node(id) {
        Node::Compare { path, op, operand } => (*path, Some((*op, operand))),
        Node::Present { path } => (*path, None),
        _ => return Err(FilterError::NestedValuePath { position }),
    };
    let name = tree.text(path);
    let attribute = attr.attribute();
    let sub = match attribute.sub_attribute(name) {
        Some(sub) => Some(sub),
        None if !attribute.is_complex() && name.eq_ignore_ascii_case("value") => None,
        None => {
            let absent = match comparison {
                Some((op, operand)) => binder.absent(op, &tree.literal(operand)),
                None => binder.absent(CompareOp::Ne, &crate::Literal::Null),
            };
            return match absent {
                Some(truth) => Ok(Logic::Constant(truth)),
                None => Err(binder.unknown(position, &format!("{attr}.{name}"))),
            };
        }
    };
    if sub.is_some_and(|sub| sub.returned == Returned::Never) {
        return Err(binder.secret(position, &format!("{attr}.{name}")));
    }
    let whole = match sub {
        Some(sub) => attr.with_sub(Arc::clone(sub)),
        None => attr.clone(),
    };
    let indexed = binder.is_indexed(&whole);
    binder.test(id, &whole, &|test| SubTest { sub: sub.cloned(), test, indexed })
}

fn only_values<'a>(logic: &'a Logic<SubTest>, values: &mut Vec<&'a str>) -> bool {
    match logic {
        Logic::Leaf(term) => match term.equal_to() {
            Some(Value::String(text)) if term.name() == "value" => {
                values.push(text);
                true
            }
            // The `$ref` of a link ends in the id of the resource that it leads to, as in `links.rs`.
            Some(Value::String(text)) if term.name() == "$ref" => {
                values.push(text.rsplit('/').next().unwrap_or(text));
                true
            }
            _ => false,
        },
        Logic::Or(branches) => branches.iter().all(|branch| only_values(branch, values)),
        Logic::And(branches) => {
            let mut rest = branches.iter().filter(|branch| !is_ref_absent(branch));
            match (rest.next(), rest.next()) {
                (Some(only), None) => only_values(only, values),
                _ => false,
            }
        }
        Logic::Not(_) | Logic::Constant(_) => false,
    }
}

fn is_ref_absent(logic: &Logic<SubTest>) -> bool {
    match logic {
        Logic::Not(inner) => {
            matches!(&**inner, Logic::Leaf(term) if term.name() == "$ref" && term.test == Test::Present)
        }
        _ => false,
    }
}
