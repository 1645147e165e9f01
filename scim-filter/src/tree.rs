//! The flat form of a parsed filter: nodes point at earlier nodes and at spans of one text.
//!
//! Flat, so that cloning is two or three copies and dropping never recurses.

use std::borrow::Cow;

use serde_json::Number;

use crate::literal::{CompareOp, Literal};

/// The place of a node in its tree.
pub(crate) type NodeId = u32;

/// A half-open range of the tree's text or of its links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    And(Span),
    Or(Span),
    Not(NodeId),
    Compare { path: Span, op: CompareOp, operand: Operand },
    Present { path: Span },
    ValuePath { path: Span, inner: NodeId },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Null,
    Boolean(bool),
    Number(Number),
    Text(Span),
}

/// Where a node stood in the source, for messages only.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) path: u32,
    pub(crate) value: u32,
}

/// The nodes of one filter, in post-order: a node's subtree stands right before it, the root last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    text: String,
    nodes: Vec<Node>,
    links: Vec<NodeId>,
    places: Vec<Place>,
    shapes: Vec<Shape>,
    /// Of each value path, where its subtree begins and where it stands itself, in that order.
    value_paths: Vec<(NodeId, NodeId)>,
}

/// How far the subtree of a node reaches.
#[derive(Clone, Copy, Debug)]
struct Shape {
    first: NodeId,
    height: u16,
}

/// Equal when the same expression was written, whatever the spacing.
impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.nodes == other.nodes && self.links == other.links
    }
}

impl Tree {
    pub(crate) fn root(&self) -> NodeId {
        index(self.nodes.len()).saturating_sub(1)
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    pub(crate) fn place(&self, id: NodeId) -> Place {
        self.places[id as usize]
    }

    /// How many nodes lie on the longest way from this one to a leaf.
    pub(crate) fn height(&self, id: NodeId) -> usize {
        usize::from(self.shapes[id as usize].height)
    }

    /// The first node of the subtree.
    pub(crate) fn first(&self, id: NodeId) -> NodeId {
        self.shapes[id as usize].first
    }

    /// The value path whose subtree begins with this node.
    pub(crate) fn value_path_from(&self, first: NodeId) -> Option<NodeId> {
        let at = self.value_paths.binary_search_by_key(&first, |(first, _)| *first).ok()?;
        Some(self.value_paths[at].1)
    }

    pub(crate) fn has_value_path(&self) -> bool {
        !self.value_paths.is_empty()
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        &self.text[span.range()]
    }

    pub(crate) fn links(&self, span: Span) -> &[NodeId] {
        &self.links[span.range()]
    }

    pub(crate) fn literal(&self, operand: &Operand) -> Literal<'_> {
        match operand {
            Operand::Null => Literal::Null,
            Operand::Boolean(truth) => Literal::Boolean(*truth),
            Operand::Number(number) => Literal::Number(number.clone()),
            Operand::Text(span) => Literal::String(Cow::Borrowed(self.text(*span))),
        }
    }

    /// Copies a text in, for a node that comes later.
    pub(crate) fn keep(&mut self, text: &str) -> Span {
        let start = index(self.text.len());
        self.text.push_str(text);
        Span { start, end: index(self.text.len()) }
    }

    pub(crate) fn compare(
        &mut self,
        path: Span,
        op: CompareOp,
        literal: Literal<'_>,
        place: Place,
    ) -> NodeId {
        let operand = match literal {
            Literal::Null => Operand::Null,
            Literal::Boolean(truth) => Operand::Boolean(truth),
            Literal::Number(number) => Operand::Number(number),
            Literal::String(text) => Operand::Text(self.keep(&text)),
        };
        self.push(Node::Compare { path, op, operand }, place, &[])
    }

    pub(crate) fn present(&mut self, path: Span, place: Place) -> NodeId {
        self.push(Node::Present { path }, place, &[])
    }

    pub(crate) fn value_path(&mut self, path: Span, inner: NodeId, place: Place) -> NodeId {
        let first = self.first(inner);
        let id = self.push(Node::ValuePath { path, inner }, place, &[inner]);
        self.value_paths.push((first, id));
        id
    }

    pub(crate) fn not(&mut self, inner: NodeId) -> NodeId {
        let place = self.place(inner);
        self.push(Node::Not(inner), place, &[inner])
    }

    /// One node over all of these; a single one is returned as it is.
    pub(crate) fn chain(&mut self, kind: Chain, branches: &[NodeId]) -> NodeId {
        if let [only] = branches {
            return *only;
        }
        let start = index(self.links.len());
        self.links.extend_from_slice(branches);
        let span = Span { start, end: index(self.links.len()) };
        let place = branches.first().map(|id| self.place(*id)).unwrap_or_default();
        let node = match kind {
            Chain::And => Node::And(span),
            Chain::Or => Node::Or(span),
        };
        self.push(node, place, branches)
    }

    /// Copies another tree in behind this one and says where its root is now.
    pub(crate) fn append(&mut self, other: &Self) -> NodeId {
        let (text, nodes, links) = (index(self.text.len()), index(self.nodes.len()), index(self.links.len()));
        let moved = |span: Span, by: u32| Span { start: span.start + by, end: span.end + by };
        self.text.push_str(&other.text);
        self.links.extend(other.links.iter().map(|id| id + nodes));
        self.places.extend_from_slice(&other.places);
        self.shapes.extend(other.shapes.iter().map(|shape| Shape { first: shape.first + nodes, ..*shape }));
        self.value_paths.extend(other.value_paths.iter().map(|(first, id)| (first + nodes, id + nodes)));
        self.nodes.extend(other.nodes.iter().map(|node| match node {
            Node::And(span) => Node::And(moved(*span, links)),
            Node::Or(span) => Node::Or(moved(*span, links)),
            Node::Not(inner) => Node::Not(inner + nodes),
            Node::Compare { path, op, operand } => Node::Compare {
                path: moved(*path, text),
                op: *op,
                operand: match operand {
                    Operand::Text(span) => Operand::Text(moved(*span, text)),
                    other => other.clone(),
                },
            },
            Node::Present { path } => Node::Present { path: moved(*path, text) },
            Node::ValuePath { path, inner } => {
                Node::ValuePath { path: moved(*path, text), inner: inner + nodes }
            }
        }));
        self.root()
    }

    /// Takes a chain of this kind at the root apart again, so that it can grow; else the root alone.
    pub(crate) fn open_root(&mut self, kind: Chain) -> Vec<NodeId> {
        let span = match (self.nodes.last(), kind) {
            (Some(Node::And(span)), Chain::And) | (Some(Node::Or(span)), Chain::Or) => *span,
            _ => return vec![self.root()],
        };
        self.nodes.pop();
        self.places.pop();
        self.shapes.pop();
        self.links.split_off(span.start as usize)
    }

    fn push(&mut self, node: Node, place: Place, below: &[NodeId]) -> NodeId {
        let id = index(self.nodes.len());
        let height = below.iter().map(|id| self.shapes[*id as usize].height).max().unwrap_or(0);
        let first = below.first().map_or(id, |below| self.first(*below));
        self.shapes.push(Shape { first, height: height.saturating_add(1) });
        self.nodes.push(node);
        self.places.push(place);
        id
    }
}

/// The two kinds of chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chain {
    And,
    Or,
}

/// Positions are kept in 32 bits; the byte budget keeps every text far below.
pub(crate) fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
