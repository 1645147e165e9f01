//! The flat form of a parsed filter: nodes point at earlier nodes and at spans of one text.
//!
//! It is flat so that parsing and cloning allocate twice, and dropping never recurses.

use std::borrow::Cow;
use std::num::NonZeroU32;

use serde_json::Number;

use crate::literal::{CompareOp, Literal};
use crate::number;

/// The index of a node in its tree.
pub(crate) type NodeId = u32;

/// A half-open range of the tree's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(start: u32, length: usize) -> Self {
        Self { start, end: start.saturating_add(index(length)) }
    }

    fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    fn moved(self, by: u32) -> Self {
        Self { start: self.start + by, end: self.end + by }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    And(Links),
    Or(Links),
    Not(NodeId),
    Compare { path: Span, op: CompareOp, operand: Operand },
    Present { path: Span },
    ValuePath { path: Span, inner: NodeId },
}

#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Null,
    Boolean(bool),
    Number(Number),
    Text(Span),
}

/// The branches of a chain: the first one and their number. Each branch knows the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Links {
    first: NodeId,
    count: u32,
}

impl Links {
    /// A chain without branches, which can grow.
    pub(crate) const NONE: Self = Self { first: 0, count: 0 };
}

/// The position of a node in the source, for messages only.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) path: u32,
    pub(crate) value: u32,
}

/// The nodes of one filter, in post-order: a node follows its subtree, and the root is last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    /// The source, followed by texts that the source does not hold literally.
    text: String,
    slots: Vec<Slot>,
}

/// A node and its relations to other nodes.
#[derive(Clone, Debug)]
struct Slot {
    node: Node,
    place: Place,
    /// The first node of the subtree.
    first: NodeId,
    /// The next branch of the same chain. Without meaning for the last branch and outside chains.
    next: NodeId,
    /// The value path whose subtree begins with this node. Its own id is never 0.
    value_path: Option<NonZeroU32>,
    height: u16,
}

/// Compares the expressions, whatever their spacing.
impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.slots.len() == other.slots.len()
            && self
                .slots
                .iter()
                .zip(&other.slots)
                .all(|(left, right)| self.says(&left.node, other, &right.node))
    }
}

impl Tree {
    /// Makes a tree without nodes for a filter with this text.
    pub(crate) fn of(source: &str) -> Self {
        // Few filters have more than one node in 12 bytes, and a very long filter probably holds a long literal.
        Self { text: source.to_owned(), slots: Vec::with_capacity((source.len() / 12 + 1).min(64)) }
    }

    pub(crate) fn root(&self) -> NodeId {
        index(self.slots.len()).saturating_sub(1)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.slot(id).node
    }

    pub(crate) fn place(&self, id: NodeId) -> Place {
        self.slot(id).place
    }

    /// Returns the number of nodes on the longest path from this node to a leaf.
    pub(crate) fn height(&self, id: NodeId) -> usize {
        usize::from(self.slot(id).height)
    }

    /// Returns the first node of the subtree.
    pub(crate) fn first(&self, id: NodeId) -> NodeId {
        self.slot(id).first
    }

    /// Returns the value path whose subtree begins with this node.
    pub(crate) fn value_path_from(&self, first: NodeId) -> Option<NodeId> {
        self.slot(first).value_path.map(NonZeroU32::get)
    }

    pub(crate) fn has_value_path(&self) -> bool {
        self.slots.iter().any(|slot| slot.value_path.is_some())
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        &self.text[span.range()]
    }

    pub(crate) fn links(&self, links: Links) -> Siblings<'_> {
        Siblings { tree: self, next: links.first, left: links.count as usize }
    }

    pub(crate) fn literal(&self, operand: &Operand) -> Literal<'_> {
        match operand {
            Operand::Null => Literal::Null,
            Operand::Boolean(truth) => Literal::Boolean(*truth),
            Operand::Number(number) => Literal::Number(number.clone()),
            Operand::Text(span) => Literal::String(Cow::Borrowed(self.text(*span))),
        }
    }

    /// Copies a text that the source does not hold into the tree.
    pub(crate) fn keep(&mut self, text: &str) -> Span {
        let start = index(self.text.len());
        self.text.push_str(text);
        Span::new(start, text.len())
    }

    /// Makes the operand for a literal that the source does not hold.
    pub(crate) fn operand(&mut self, literal: Literal<'_>) -> Operand {
        match literal {
            Literal::Null => Operand::Null,
            Literal::Boolean(truth) => Operand::Boolean(truth),
            Literal::Number(number) => Operand::Number(number::canonical(number)),
            Literal::String(text) => Operand::Text(self.keep(&text)),
        }
    }

    #[inline]
    pub(crate) fn compare(&mut self, path: Span, op: CompareOp, operand: Operand, place: Place) -> NodeId {
        self.push_leaf(Node::Compare { path, op, operand }, place)
    }

    pub(crate) fn present(&mut self, path: Span, place: Place) -> NodeId {
        self.push_leaf(Node::Present { path }, place)
    }

    pub(crate) fn value_path(&mut self, path: Span, inner: NodeId, place: Place) -> NodeId {
        let first = self.first(inner);
        let id = self.push(Node::ValuePath { path, inner }, place, first, self.slot(inner).height);
        self.slot_mut(first).value_path = NonZeroU32::new(id);
        id
    }

    pub(crate) fn not(&mut self, inner: NodeId) -> NodeId {
        let below = self.slot(inner);
        let (place, first, height) = (below.place, below.first, below.height);
        self.push(Node::Not(inner), place, first, height)
    }

    /// Adds the branch that was just finished to a chain.
    #[inline]
    pub(crate) fn link(&mut self, links: &mut Links, branch: NodeId) {
        if links.count == 0 {
            links.first = branch;
        } else {
            // The previous branch ends where this one begins.
            let before = self.first(branch).saturating_sub(1);
            self.slot_mut(before).next = branch;
        }
        links.count += 1;
    }

    /// Makes one node of a chain. A single branch is returned unchanged.
    #[inline]
    pub(crate) fn chain(&mut self, kind: Chain, links: Links) -> NodeId {
        if links.count == 1 {
            return links.first;
        }
        let height = self.links(links).map(|id| self.slot(id).height).max().unwrap_or(0);
        self.push_chain(kind, links, height)
    }

    /// Joins another tree to the root, or to the root's chain if that is of this kind.
    ///
    /// Existing branches are not visited, so that long chains are built in linear time.
    pub(crate) fn join(&mut self, kind: Chain, other: &Self) {
        let (mut links, height) = self.open_root(kind);
        let branch = self.append(other);
        self.link(&mut links, branch);
        let height = height.max(self.slot(branch).height);
        self.push_chain(kind, links, height);
    }

    fn push_chain(&mut self, kind: Chain, links: Links, height: u16) -> NodeId {
        let Slot { place, first, .. } = *self.slot(links.first);
        let node = match kind {
            Chain::And => Node::And(links),
            Chain::Or => Node::Or(links),
        };
        self.push(node, place, first, height)
    }

    /// Copies the nodes of another tree behind this one's and returns the new id of its root.
    pub(crate) fn append(&mut self, other: &Self) -> NodeId {
        let (text, nodes) = (index(self.text.len()), index(self.slots.len()));
        let moved = |links: Links| Links { first: links.first + nodes, ..links };
        self.text.push_str(&other.text);
        self.slots.extend(other.slots.iter().map(|slot| Slot {
            node: match &slot.node {
                Node::And(links) => Node::And(moved(*links)),
                Node::Or(links) => Node::Or(moved(*links)),
                Node::Not(inner) => Node::Not(inner + nodes),
                Node::Compare { path, op, operand } => Node::Compare {
                    path: path.moved(text),
                    op: *op,
                    operand: match operand {
                        Operand::Text(span) => Operand::Text(span.moved(text)),
                        other => other.clone(),
                    },
                },
                Node::Present { path } => Node::Present { path: path.moved(text) },
                Node::ValuePath { path, inner } => {
                    Node::ValuePath { path: path.moved(text), inner: inner + nodes }
                }
            },
            first: slot.first + nodes,
            next: slot.next + nodes,
            value_path: slot.value_path.and_then(|id| id.checked_add(nodes)),
            ..*slot
        }));
        self.root()
    }

    /// Opens the chain at the root if it is of this kind, so that it can grow. Any other root becomes the only branch.
    ///
    /// Also returns the height of the branches.
    fn open_root(&mut self, kind: Chain) -> (Links, u16) {
        let root = self.root();
        let Slot { node, height, .. } = self.slot(root);
        let height = *height;
        match (node, kind) {
            (Node::And(links), Chain::And) | (Node::Or(links), Chain::Or) => {
                let links = *links;
                self.slots.pop();
                (links, height.saturating_sub(1))
            }
            _ => (Links { first: root, count: 1 }, height),
        }
    }

    fn push_leaf(&mut self, node: Node, place: Place) -> NodeId {
        self.push(node, place, index(self.slots.len()), 0)
    }

    #[inline]
    fn push(&mut self, node: Node, place: Place, first: NodeId, height_below: u16) -> NodeId {
        let id = index(self.slots.len());
        let height = height_below.saturating_add(1);
        self.slots.push(Slot { node, place, first, next: 0, value_path: None, height });
        id
    }

    fn slot(&self, id: NodeId) -> &Slot {
        &self.slots[id as usize]
    }

    fn slot_mut(&mut self, id: NodeId) -> &mut Slot {
        &mut self.slots[id as usize]
    }

    /// Whether two nodes are equal, apart from the nodes below them.
    fn says(&self, node: &Node, other: &Self, others: &Node) -> bool {
        let same_text = |left: Span, right: Span| self.text(left) == other.text(right);
        match (node, others) {
            (Node::And(left), Node::And(right)) | (Node::Or(left), Node::Or(right)) => left == right,
            (Node::Not(left), Node::Not(right)) => left == right,
            (
                Node::Compare { path, op, operand },
                Node::Compare { path: other_path, op: other_op, operand: other_operand },
            ) => {
                op == other_op
                    && same_text(*path, *other_path)
                    && self.literal(operand) == other.literal(other_operand)
            }
            (Node::Present { path }, Node::Present { path: other_path }) => same_text(*path, *other_path),
            (Node::ValuePath { path, inner }, Node::ValuePath { path: other_path, inner: other_inner }) => {
                inner == other_inner && same_text(*path, *other_path)
            }
            _ => false,
        }
    }
}

/// The branches of one chain, in the order in which they were written.
#[derive(Clone, Debug)]
pub(crate) struct Siblings<'a> {
    tree: &'a Tree,
    next: NodeId,
    left: usize,
}

impl Iterator for Siblings<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        self.left = self.left.checked_sub(1)?;
        let id = self.next;
        self.next = self.tree.slot(id).next;
        Some(id)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Siblings<'_> {}

/// The two kinds of chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chain {
    And,
    Or,
}

/// Converts a position to 32 bits. The byte budget keeps every text far below that.
pub(crate) fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
