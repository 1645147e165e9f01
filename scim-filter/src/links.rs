//! Filters over relations: attributes whose values are links, such as `members`.
//!
//! A store answers them from its link rows, without reading a document.

use std::collections::BTreeSet;

use crate::bind::{Binder, Leaf, Logic};
use crate::error::FilterError;
use crate::literal::{CompareOp, Literal};
use crate::tree::{Node, NodeId};

/// A question about the links of one resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LinkTest {
    pub(crate) relation: Box<str>,
    /// The id of the linked resource. `None` asks whether there is any link.
    pub(crate) target: Option<Box<str>>,
}

const ONLY: &str = "is a relation: only its `value` and `$ref` can be compared, by eq, ne and pr";

/// Binds a term on a relation outside brackets: `members eq "u1"`, `members.$ref eq ".../Users/u1"`.
pub(crate) fn term(
    relation: &str,
    sub: Option<&str>,
    comparison: Option<(CompareOp, Literal<'_>)>,
    position: usize,
) -> Result<Logic<Leaf>, FilterError> {
    // Outside brackets `ne` and `eq null` are complements over all links, not conditions on one.
    let (comparison, negated) = match comparison {
        Some((CompareOp::Ne, literal)) => (Some((CompareOp::Eq, literal)), true),
        other => (other, false),
    };
    let (comparison, negated) = match comparison {
        Some((CompareOp::Eq, Literal::Null)) => (None, !negated),
        other => (other, negated),
    };
    let logic = link_set(relation, sub, comparison, position)?.into_logic(relation, position)?;
    Ok(if negated { logic.negated() } else { logic })
}

/// Binds a value path on a relation: one and the same link meets all of it.
pub(crate) fn value_path(
    binder: &mut Binder<'_>,
    relation: &str,
    root: NodeId,
    position: usize,
) -> Result<Logic<Leaf>, FilterError> {
    let logic = binder.logic(root, &mut |binder, id| {
        let tree = binder.tree();
        let position = tree.place(id).path as usize;
        let (path, comparison) = match tree.node(id) {
            Node::Compare { path, op, operand } => (*path, Some((*op, tree.literal(operand)))),
            Node::Present { path } => (*path, None),
            _ => return Err(FilterError::NestedValuePath { position }),
        };
        link_set(relation, Some(tree.text(path)), comparison, position).map(Logic::Leaf)
    })?;
    LinkSet::of(logic).into_logic(relation, position)
}

/// The links that meet a condition on one link: the ones with these ids, or all others.
///
/// Closed under `and`, `or` and `not`.
#[derive(Clone, Debug, PartialEq)]
enum LinkSet {
    Only(BTreeSet<Box<str>>),
    AllBut(BTreeSet<Box<str>>),
}

impl LinkSet {
    const NONE: Self = Self::Only(BTreeSet::new());
    const ALL: Self = Self::AllBut(BTreeSet::new());

    fn of(logic: Logic<Self>) -> Self {
        match logic {
            Logic::Constant(true) => Self::ALL,
            Logic::Constant(false) => Self::NONE,
            Logic::Leaf(set) => set,
            Logic::Not(inner) => Self::of(*inner).complement(),
            Logic::Or(branches) => branches.into_iter().map(Self::of).fold(Self::NONE, Self::union),
            // De Morgan.
            Logic::And(branches) => branches
                .into_iter()
                .map(|branch| Self::of(branch).complement())
                .fold(Self::NONE, Self::union)
                .complement(),
        }
    }

    fn complement(self) -> Self {
        match self {
            Self::Only(ids) => Self::AllBut(ids),
            Self::AllBut(ids) => Self::Only(ids),
        }
    }

    fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(mut left), Self::Only(right)) => {
                left.extend(right);
                Self::Only(left)
            }
            (Self::AllBut(left), Self::AllBut(right)) => {
                Self::AllBut(left.into_iter().filter(|id| right.contains(id)).collect())
            }
            (Self::AllBut(mut but), Self::Only(only)) | (Self::Only(only), Self::AllBut(mut but)) => {
                for id in &only {
                    but.remove(id);
                }
                Self::AllBut(but)
            }
        }
    }

    /// Turns the set into a question to the store: whether the resource has a link in it.
    fn into_logic(self, relation: &str, position: usize) -> Result<Logic<Leaf>, FilterError> {
        let leaf = |target| Logic::Leaf(Leaf::Link(LinkTest { relation: relation.into(), target }));
        match self {
            Self::Only(ids) => {
                let mut probes: Vec<_> = ids.into_iter().map(|id| leaf(Some(id))).collect();
                match probes.len() {
                    0 => Ok(Logic::Constant(false)),
                    1 => Ok(probes.swap_remove(0)),
                    _ => Ok(Logic::Or(probes)),
                }
            }
            Self::AllBut(ids) if ids.is_empty() => Ok(leaf(None)),
            Self::AllBut(_) => Err(FilterError::Unsupported {
                position,
                attribute: relation.to_owned(),
                reason: "is a relation: whether it has a link other than the ones named cannot be asked"
                    .to_owned(),
            }),
        }
    }
}

fn link_set(
    relation: &str,
    sub: Option<&str>,
    comparison: Option<(CompareOp, Literal<'_>)>,
    position: usize,
) -> Result<LinkSet, FilterError> {
    let refuse =
        || FilterError::Unsupported { position, attribute: relation.to_owned(), reason: ONLY.to_owned() };
    let is_ref = match sub {
        None => false,
        Some(sub) if sub.eq_ignore_ascii_case("value") => false,
        Some(sub) if sub.eq_ignore_ascii_case("$ref") => true,
        Some(_) => return Err(refuse()),
    };
    match comparison {
        // Every link has a value, and a `$ref` that is computed from it.
        None | Some((CompareOp::Ne, Literal::Null)) => Ok(LinkSet::ALL),
        Some((CompareOp::Eq, Literal::Null)) => Ok(LinkSet::NONE),
        Some((op @ (CompareOp::Eq | CompareOp::Ne), Literal::String(text))) => {
            let id = if is_ref { last_segment(&text) } else { &text };
            let equal = if id.is_empty() { LinkSet::NONE } else { LinkSet::Only([Box::from(id)].into()) };
            Ok(if op == CompareOp::Eq { equal } else { equal.complement() })
        }
        _ => Err(refuse()),
    }
}

fn last_segment(uri: &str) -> &str {
    uri.rsplit('/').next().unwrap_or(uri)
}
