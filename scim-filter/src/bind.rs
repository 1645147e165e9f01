//! Binds names to attributes and literals to typed operands (RFC 7644 §3.4.2.2, part C.4 of the requirements).

use std::fmt;
use std::sync::Arc;

use scim_core::{AttrRef, Exhausted, Lenience, Quirk, Resolved, ResourceType, Returned, shorten};

use crate::compare::{Comparison, Mismatch, Test};
use crate::element::ElementFilter;
use crate::error::FilterError;
use crate::filter::Filter;
use crate::links::{self, LinkTest};
use crate::literal::{CompareOp, Literal};
use crate::look::{all, any};
use crate::tree::{Node, NodeId, Tree};

/// A filter bound to a resource type: attributes are found, operands typed and folded, and all errors raised.
///
/// It owns its data, so it can be kept, sent to another thread and evaluated any number of times. See
/// [`BoundFilter::matches`](Self::matches) and [`BoundFilter::plan`](Self::plan).
#[derive(Clone, Debug)]
pub struct BoundFilter {
    pub(crate) logic: Logic<Leaf>,
    pub(crate) resource_type: Box<str>,
}

impl BoundFilter {
    /// Returns the name of the resource type to which the filter is bound.
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// Replaces the texts that `meta.version` is compared with, if `read` returns another text.
    ///
    /// A service provider needs this if its entity tags hold more than the version. It shortens them to what its store
    /// knows.
    #[must_use]
    pub fn with_versions(mut self, read: impl Fn(&str) -> Option<String>) -> Self {
        self.logic.each_leaf_mut(&mut |leaf| {
            if let Leaf::Version(comparison) = leaf {
                comparison.rewrite(&read);
            }
        });
        self
    }

    /// Returns the path of the attribute, if the whole filter is one `eq` on it.
    ///
    /// It serves service providers that support nothing else.
    pub fn as_single_eq(&self) -> Option<String> {
        let eq = |comparison: &Comparison| comparison.op() == CompareOp::Eq;
        match &self.logic {
            Logic::Leaf(Leaf::Id(comparison)) if eq(comparison) => Some("id".to_owned()),
            Logic::Leaf(Leaf::Attribute { attr, test: Test::Compare(comparison), .. }) if eq(comparison) => {
                Some(attr.to_string())
            }
            _ => None,
        }
    }
}

impl Filter {
    /// Looks up every attribute in `resource_type` and types every operand.
    ///
    /// Each error is 400 `invalidFilter`. The causes are:
    ///
    /// - an unknown attribute,
    /// - an operand of another type than the attribute,
    /// - an operator that the type does not have,
    /// - a complex attribute without a sub-attribute to compare,
    /// - a secret,
    /// - a value path on an attribute that takes no value path.
    ///
    /// # Errors
    ///
    /// [`FilterError::UnknownAttribute`], [`FilterError::Unsupported`] and [`FilterError::Operand`], with a byte
    /// position. [`FilterError::TooDeep`] if the filter was built and nests too deep.
    // FILT-010, FILT-013, FILT-028
    pub fn bind(
        &self,
        resource_type: &ResourceType,
        lenience: &mut Lenience,
    ) -> Result<BoundFilter, FilterError> {
        self.bind_with(resource_type, lenience, Unknown::Refused)
    }

    /// Binds the filter to one of the types of a query over several types.
    ///
    /// An attribute that this type lacks counts as having no value: `pr` and `eq` are false, `ne` is true.
    ///
    /// The caller checks whether *any* of the types knows the attribute, with [`Filter::bind`].
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind).
    // FILT-019
    pub fn bind_at_root(
        &self,
        resource_type: &ResourceType,
        lenience: &mut Lenience,
    ) -> Result<BoundFilter, FilterError> {
        self.bind_with(resource_type, lenience, Unknown::WithoutValue)
    }

    fn bind_with(
        &self,
        resource_type: &ResourceType,
        lenience: &mut Lenience,
        unknown: Unknown,
    ) -> Result<BoundFilter, FilterError> {
        let mut binder = Binder::new(self, resource_type, lenience, unknown)?;
        let logic = binder.logic(self.tree().root(), &mut leaf)?;
        Ok(BoundFilter { logic, resource_type: resource_type.name().into() })
    }
}

/// The greatest height of a bound filter. No filter within the default budget is as high, and small stacks can hold it.
const MAX_HEIGHT: usize = 256;

/// An expression over leaves of one kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Logic<L> {
    Constant(bool),
    And(Vec<Logic<L>>),
    Or(Vec<Logic<L>>),
    Not(Box<Logic<L>>),
    Leaf(L),
}

impl<L> Logic<L> {
    pub(crate) fn leaves(&self) -> usize {
        match self {
            Self::Constant(_) => 0,
            Self::And(branches) | Self::Or(branches) => branches.iter().map(Self::leaves).sum(),
            Self::Not(inner) => inner.leaves(),
            Self::Leaf(_) => 1,
        }
    }

    fn each_leaf_mut(&mut self, visit: &mut dyn FnMut(&mut L)) {
        match self {
            Self::Constant(_) => {}
            Self::And(branches) | Self::Or(branches) => {
                branches.iter_mut().for_each(|branch| branch.each_leaf_mut(visit));
            }
            Self::Not(inner) => inner.each_leaf_mut(visit),
            Self::Leaf(leaf) => visit(leaf),
        }
    }

    /// Writes the expression as a filter, with parentheses around every chain inside a chain.
    pub(crate) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        leaf: &dyn Fn(&L, &mut fmt::Formatter<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let (branches, word) = match self {
            Self::Leaf(term) => return leaf(term, f),
            Self::Constant(truth) => return write!(f, "{truth}"),
            Self::Not(inner) => {
                f.write_str("not (")?;
                inner.write(f, leaf)?;
                return f.write_str(")");
            }
            Self::And(branches) => (branches, " and "),
            Self::Or(branches) => (branches, " or "),
        };
        for (at, branch) in branches.iter().enumerate() {
            if at > 0 {
                f.write_str(word)?;
            }
            if matches!(branch, Self::And(_) | Self::Or(_)) {
                f.write_str("(")?;
                branch.write(f, leaf)?;
                f.write_str(")")?;
            } else {
                branch.write(f, leaf)?;
            }
        }
        Ok(())
    }

    /// Visits each leaf.
    pub(crate) fn for_each<'a>(&'a self, leaf: &mut dyn FnMut(&'a L)) {
        match self {
            Self::Constant(_) => {}
            Self::And(branches) | Self::Or(branches) => {
                branches.iter().for_each(|branch| branch.for_each(leaf));
            }
            Self::Not(inner) => inner.for_each(leaf),
            Self::Leaf(term) => leaf(term),
        }
    }

    pub(crate) fn holds(
        &self,
        leaf: &mut dyn FnMut(&L) -> Result<bool, Exhausted>,
    ) -> Result<bool, Exhausted> {
        match self {
            Self::Constant(truth) => Ok(*truth),
            Self::And(branches) => all(branches, |branch| branch.holds(leaf)),
            Self::Or(branches) => any(branches, |branch| branch.holds(leaf)),
            Self::Not(inner) => Ok(!inner.holds(leaf)?),
            Self::Leaf(term) => leaf(term),
        }
    }

    /// Visits the leaves of a conjunction until one is refused; `None` for any other expression or on a refusal.
    pub(crate) fn conjunction<'a>(&'a self, leaf: &mut dyn FnMut(&'a L) -> bool) -> Option<()> {
        match self {
            Self::Leaf(term) => leaf(term).then_some(()),
            Self::And(branches) => branches.iter().try_for_each(|branch| branch.conjunction(leaf)),
            Self::Or(_) | Self::Not(_) | Self::Constant(_) => None,
        }
    }

    pub(crate) fn negated(self) -> Self {
        match self {
            Self::Constant(truth) => Self::Constant(!truth),
            other => Self::Not(Box::new(other)),
        }
    }
}

/// One term of a filter over whole resources.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Leaf {
    /// An attribute of the document. Any of its values decides.
    Attribute {
        attr: AttrRef,
        test: Test,
        indexed: bool,
    },
    /// One value of the attribute meets the whole filter.
    Element {
        attr: AttrRef,
        filter: ElementFilter,
    },
    /// Links, which are not in the document.
    Link(LinkTest),
    /// Properties that the service provider stores outside the document.
    Id(Comparison),
    ResourceType(Comparison),
    Created(Comparison),
    LastModified(Comparison),
    Version(Comparison),
}

/// How attributes that the type lacks are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    Refused,
    WithoutValue,
}

/// The state of one binding.
pub(crate) struct Binder<'b> {
    tree: &'b Tree,
    resource_type: &'b ResourceType,
    lenience: &'b mut Lenience,
    unknown: Unknown,
}

type LeafOf<'f, 'b, L> = dyn FnMut(&mut Binder<'b>, NodeId) -> Result<Logic<L>, FilterError> + 'f;

impl<'b> Binder<'b> {
    pub(crate) fn new(
        filter: &'b Filter,
        resource_type: &'b ResourceType,
        lenience: &'b mut Lenience,
        unknown: Unknown,
    ) -> Result<Self, FilterError> {
        let tree = filter.tree();
        if tree.height(tree.root()) > MAX_HEIGHT {
            return Err(FilterError::TooDeep { position: 0, limit: MAX_HEIGHT });
        }
        Ok(Self { tree, resource_type, lenience, unknown })
    }

    pub(crate) fn tree(&self) -> &'b Tree {
        self.tree
    }

    pub(crate) fn forgives(&mut self, quirk: Quirk) -> bool {
        self.lenience.uses(quirk)
    }

    /// Binds the chains and complements below `root`. `leaf` binds comparisons, presence tests and value paths.
    ///
    /// Children come before their parents. So one walk over the nodes with a stack of results is enough, without
    /// recursion, however deep the filter is.
    pub(crate) fn logic<L>(
        &mut self,
        root: NodeId,
        leaf: &mut LeafOf<'_, 'b, L>,
    ) -> Result<Logic<L>, FilterError> {
        let tree = self.tree;
        let mut done = Vec::new();
        let mut next = tree.first(root);
        while next <= root {
            // The inside of a value path belongs to its leaf.
            let id = tree.value_path_from(next).filter(|id| *id <= root).unwrap_or(next);
            let logic = match tree.node(id) {
                Node::And(links) => Logic::And(last(&mut done, tree.links(*links).len())),
                Node::Or(links) => Logic::Or(last(&mut done, tree.links(*links).len())),
                Node::Not(_) => done.pop().map_or(Logic::Constant(false), Logic::negated),
                Node::Compare { .. } | Node::Present { .. } | Node::ValuePath { .. } => leaf(self, id)?,
            };
            done.push(logic);
            next = id + 1;
        }
        Ok(done.pop().unwrap_or(Logic::Constant(false)))
    }

    /// Makes the test that a comparison or a presence test applies to the values of `attr`.
    pub(crate) fn test<L>(
        &mut self,
        id: NodeId,
        attr: &AttrRef,
        term: &dyn Fn(Test) -> L,
    ) -> Result<Logic<L>, FilterError> {
        let tree = self.tree;
        let Node::Compare { op, operand, .. } = tree.node(id) else {
            return Ok(Logic::Leaf(term(Test::Present)));
        };
        match (op, tree.literal(operand)) {
            (CompareOp::Ne, Literal::Null) => Ok(Logic::Leaf(term(Test::Present))),
            (CompareOp::Eq, Literal::Null) => Ok(Logic::Leaf(term(Test::Present)).negated()),
            (CompareOp::Ne, literal) => {
                let equal = self.comparison(id, attr, CompareOp::Eq, &literal)?;
                Ok(Logic::Leaf(term(Test::Compare(equal))).negated())
            }
            (op, literal) => Ok(Logic::Leaf(term(Test::Compare(self.comparison(id, attr, *op, &literal)?)))),
        }
    }

    fn comparison(
        &mut self,
        id: NodeId,
        attr: &AttrRef,
        op: CompareOp,
        literal: &Literal<'_>,
    ) -> Result<Comparison, FilterError> {
        let place = self.tree.place(id);
        let (position, attribute) = (place.path as usize, attr.to_string());
        if *literal == Literal::Null {
            let reason = format!("cannot be compared with null by `{op}`: use eq or ne");
            return Err(FilterError::Unsupported { position, attribute, reason });
        }
        Comparison::new(attr, op, literal, self.lenience).map_err(|mismatch| match mismatch {
            Mismatch::Operator(reason) => FilterError::Unsupported { position, attribute, reason },
            Mismatch::Operand(expected) => FilterError::Operand {
                position: place.value as usize,
                attribute,
                expected,
                found: shorten(&literal.to_string()),
            },
        })
    }

    /// Returns the truth of a term on an unknown attribute, if such attributes count as having no value.
    pub(crate) fn absent(&self, op: CompareOp, literal: &Literal<'_>) -> Option<bool> {
        let truth = match op {
            CompareOp::Eq => *literal == Literal::Null,
            CompareOp::Ne => *literal != Literal::Null,
            _ => false,
        };
        (self.unknown == Unknown::WithoutValue).then_some(truth)
    }

    pub(crate) fn unknown(&self, position: usize, path: &str) -> FilterError {
        let resource_type = self.resource_type.name().to_owned();
        FilterError::UnknownAttribute { position, path: shorten(path), resource_type }
    }

    /// The error for an attribute that is never returned: a filter must not find it out.
    // FILT-028
    pub(crate) fn secret(&self, position: usize, path: &str) -> FilterError {
        let reason = "is never returned, so it cannot be filtered on".to_owned();
        FilterError::Unsupported { position, attribute: path.to_owned(), reason }
    }

    /// Whether stores keep keys for the attribute.
    pub(crate) fn is_indexed(&self, attr: &AttrRef) -> bool {
        let mut keys = self.resource_type.indexed().iter().chain(self.resource_type.unique());
        keys.any(|key| {
            key.extension() == attr.extension()
                && Arc::ptr_eq(key.attribute(), attr.attribute())
                && match (key.sub(), attr.sub()) {
                    (None, None) => true,
                    (Some(key), Some(sub)) => Arc::ptr_eq(key, sub),
                    _ => false,
                }
        })
    }

    /// Looks up the attribute of a path; `None` if it is unknown and unknown attributes count as having no value.
    fn resolve(&mut self, path: &str, position: usize) -> Result<Option<AttrRef>, FilterError> {
        match self.resource_type.resolve_with(path, self.lenience) {
            Ok(Resolved::Attribute(attr)) => {
                if attr.attribute().returned == Returned::Never || attr.leaf().returned == Returned::Never {
                    return Err(self.secret(position, &attr.to_string()));
                }
                Ok(Some(attr))
            }
            Ok(Resolved::Extension(urn)) => Err(FilterError::Unsupported {
                position,
                attribute: urn.to_string(),
                reason: "is a schema extension: name one of its attributes".to_owned(),
            }),
            Err(_) if self.unknown == Unknown::WithoutValue => Ok(None),
            Err(_) => Err(self.unknown(position, path)),
        }
    }
}

/// Binds one term of a filter over whole resources.
fn leaf(binder: &mut Binder<'_>, id: NodeId) -> Result<Logic<Leaf>, FilterError> {
    let tree = binder.tree;
    let position = tree.place(id).path as usize;
    let (path, comparison, inner) = match tree.node(id) {
        Node::Compare { path, op, operand } => (*path, Some((*op, tree.literal(operand))), None),
        Node::ValuePath { path, inner } => (*path, None, Some(*inner)),
        Node::Present { path } => (*path, None, None),
        Node::And(_) | Node::Or(_) | Node::Not(_) => return binder.logic(id, &mut leaf),
    };
    let Some(attr) = binder.resolve(tree.text(path), position)? else {
        let truth = comparison.and_then(|(op, literal)| binder.absent(op, &literal)).unwrap_or(false);
        return Ok(Logic::Constant(truth));
    };
    let name = attr.attribute().name.as_str();
    if attr.extension().is_none() {
        if binder.resource_type.relation(name).is_some() {
            return match inner {
                Some(inner) if attr.sub().is_none() => links::value_path(binder, name, inner, position),
                Some(_) => Err(no_value_path(&attr, position)),
                None => links::term(name, attr.sub().map(|sub| sub.name.as_str()), comparison, position),
            };
        }
        if matches!(name, "id" | "meta") {
            return match inner {
                Some(_) => Err(no_value_path(&attr, position)),
                None => server_owned(binder, id, &attr, position),
            };
        }
    }
    if let Some(inner) = inner {
        let filter = ElementFilter::bind(binder, &attr, inner, position)?;
        return Ok(Logic::Leaf(Leaf::Element { attr, filter }));
    }
    // X10 and Q-22: the `value` of a complex attribute is compared in its place, except for presence.
    let asks_presence = comparison.is_none_or(|(_, literal)| literal == Literal::Null);
    let attr = match attr.leaf().value_sub_attribute() {
        Some(value) if attr.sub().is_none() && !asks_presence => attr.with_sub(Arc::clone(value)),
        _ => attr,
    };
    let indexed = binder.is_indexed(&attr);
    binder.test(id, &attr, &|test| Leaf::Attribute { attr: attr.clone(), test, indexed })
}

/// Binds `id` and `meta`, which the service provider stores outside the document.
fn server_owned(
    binder: &mut Binder<'_>,
    id: NodeId,
    attr: &AttrRef,
    position: usize,
) -> Result<Logic<Leaf>, FilterError> {
    let make: fn(Comparison) -> Leaf = match attr.sub().map(|sub| sub.name.as_str()) {
        None if attr.attribute().name == "id" => Leaf::Id,
        // A comparison with all of `meta` is refused because it is complex.
        None => Leaf::ResourceType,
        Some("resourceType") => Leaf::ResourceType,
        Some("created") => Leaf::Created,
        Some("lastModified") => Leaf::LastModified,
        Some("version") => Leaf::Version,
        Some(_) => {
            let reason = "is made when the resource is returned and cannot be filtered on".to_owned();
            return Err(FilterError::Unsupported { position, attribute: attr.to_string(), reason });
        }
    };
    // Each resource has them, so the result of `pr` is known.
    let logic = binder.test(id, attr, &|test| match test {
        Test::Present => None,
        Test::Compare(comparison) => Some(make(comparison)),
    })?;
    Ok(known(logic))
}

fn known(logic: Logic<Option<Leaf>>) -> Logic<Leaf> {
    match logic {
        Logic::Leaf(Some(leaf)) => Logic::Leaf(leaf),
        Logic::Leaf(None) => Logic::Constant(true),
        Logic::Constant(truth) => Logic::Constant(truth),
        Logic::Not(inner) => known(*inner).negated(),
        Logic::And(branches) => Logic::And(branches.into_iter().map(known).collect()),
        Logic::Or(branches) => Logic::Or(branches.into_iter().map(known).collect()),
    }
}

fn no_value_path(attr: &AttrRef, position: usize) -> FilterError {
    let reason = "takes no value path".to_owned();
    FilterError::Unsupported { position, attribute: attr.to_string(), reason }
}

fn last<T>(stack: &mut Vec<T>, count: usize) -> Vec<T> {
    stack.split_off(stack.len().saturating_sub(count))
}
