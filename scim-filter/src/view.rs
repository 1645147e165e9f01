//! A read-only view of a parsed filter, for callers that look for a certain shape.

use crate::literal::{CompareOp, Literal};
use crate::tree::{Links, Node, NodeId, Siblings, Tree};

/// One expression of a filter, as it was written.
///
/// ```
/// use scim_filter::{Expr, Filter};
/// let filter: Filter = "userName sw \"a\" and active eq true".parse().unwrap();
/// let Expr::And(branches) = filter.root() else { panic!() };
/// assert_eq!(branches.count(), 2);
/// ```
#[derive(Clone, Debug)]
pub enum Expr<'a> {
    /// All of these hold. There are at least 2.
    And(Branches<'a>),
    /// At least one of these holds. There are at least 2.
    Or(Branches<'a>),
    /// The complement.
    Not(Branch<'a>),
    /// A comparison.
    Compare {
        /// The attribute path as it was written.
        path: &'a str,
        /// The operator.
        op: CompareOp,
        /// The operand.
        value: Literal<'a>,
    },
    /// `path pr`.
    Present {
        /// The attribute path as it was written.
        path: &'a str,
    },
    /// `path[inner]`: one value of the attribute meets all of `inner`.
    ValuePath {
        /// The attribute path as it was written.
        path: &'a str,
        /// The filter that the value has to meet. Its paths are sub-attributes.
        inner: Branch<'a>,
    },
}

/// One part of an expression; [`Branch::expr`] opens it.
#[derive(Clone, Copy, Debug)]
pub struct Branch<'a> {
    tree: &'a Tree,
    id: NodeId,
}

impl<'a> Branch<'a> {
    pub(crate) fn new(tree: &'a Tree, id: NodeId) -> Self {
        Self { tree, id }
    }

    /// Returns the expression.
    pub fn expr(self) -> Expr<'a> {
        let tree = self.tree;
        match tree.node(self.id) {
            Node::And(links) => Expr::And(Branches::new(tree, *links)),
            Node::Or(links) => Expr::Or(Branches::new(tree, *links)),
            Node::Not(inner) => Expr::Not(Self::new(tree, *inner)),
            Node::Compare { path, op, operand } => {
                Expr::Compare { path: tree.text(*path), op: *op, value: tree.literal(operand) }
            }
            Node::Present { path } => Expr::Present { path: tree.text(*path) },
            Node::ValuePath { path, inner } => {
                Expr::ValuePath { path: tree.text(*path), inner: Self::new(tree, *inner) }
            }
        }
    }
}

/// The branches of an `and` or an `or`, in the order in which they were written.
#[derive(Clone, Debug)]
pub struct Branches<'a> {
    tree: &'a Tree,
    ids: Siblings<'a>,
}

impl<'a> Branches<'a> {
    fn new(tree: &'a Tree, links: Links) -> Self {
        Self { tree, ids: tree.links(links) }
    }
}

impl<'a> Iterator for Branches<'a> {
    type Item = Branch<'a>;

    fn next(&mut self) -> Option<Branch<'a>> {
        self.ids.next().map(|id| Branch::new(self.tree, id))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ids.size_hint()
    }
}

impl ExactSizeIterator for Branches<'_> {}
