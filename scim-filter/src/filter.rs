//! Filters as syntax: the type that parsing yields, that clients build and that `Display` writes.

use std::str::FromStr;

use scim_core::Lenience;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::FilterError;
use crate::literal::{CompareOp, Literal};
use crate::parse;
use crate::tree::{Chain, Place, Tree};
use crate::view::{Branch, Expr};

/// A parsed filter (RFC 7644 §3.4.2.2), not yet bound to a schema.
///
/// `FromStr` is strict. [`Filter::parse_with`] forgives what the [`Lenience`] allows. `Display` writes strict syntax
/// with single spaces, and parsing that text gives an equal filter.
///
/// ```
/// use scim_filter::Filter;
/// let filter: Filter = r#"userName  Eq "bjensen" AND title PR"#.parse().unwrap();
/// assert_eq!(filter.to_string(), r#"userName eq "bjensen" and title pr"#);
/// let built = Filter::eq("userName", "bjensen").unwrap().and(Filter::present("title").unwrap());
/// assert_eq!(built, filter);
/// ```
#[derive(Clone, Debug)]
pub struct Filter {
    tree: Tree,
}

/// Limits on the size of a filter, charged while it is parsed.
///
/// ```
/// use scim_core::Lenience;
/// use scim_filter::{Budget, Filter, FilterError};
/// let budget = Budget { terms: 2, ..Budget::default() };
/// let refused = Filter::parse_within("a pr or b pr or c pr", &mut Lenience::strict(), &budget);
/// assert!(matches!(refused, Err(FilterError::TooManyTerms { .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Maximum nesting depth of parentheses, also those of `not`, and of brackets. A greater value than
    /// [`Budget::MOST_DEPTH`] counts as that.
    pub depth: usize,
    /// Maximum number of comparisons and presence tests.
    pub terms: usize,
    /// Maximum length of the text in bytes.
    pub bytes: usize,
}

impl Budget {
    /// The deepest nesting that is ever accepted, so that no budget can overflow a small stack.
    pub const MOST_DEPTH: usize = 84;
}

impl Default for Budget {
    fn default() -> Self {
        Self { depth: 64, terms: 4096, bytes: 1 << 20 }
    }
}

impl Filter {
    /// Parses a filter, forgiving what `lenience` allows, within the default [`Budget`].
    ///
    /// Leading and trailing spaces are ignored (RFC 7644 §3.4.2.2).
    ///
    /// # Errors
    ///
    /// [`FilterError::Syntax`], [`FilterError::UnknownOperator`] and [`FilterError::NestedValuePath`] with a byte
    /// position in `text`. If the budget is exceeded: [`FilterError::TooLong`], [`FilterError::TooDeep`] or
    /// [`FilterError::TooManyTerms`].
    pub fn parse_with(text: &str, lenience: &mut Lenience) -> Result<Self, FilterError> {
        Self::parse_within(text, lenience, &Budget::default())
    }

    /// Parses a filter as [`Filter::parse_with`] does, within the given budget.
    ///
    /// # Errors
    ///
    /// As for [`parse_with`](Self::parse_with).
    pub fn parse_within(text: &str, lenience: &mut Lenience, budget: &Budget) -> Result<Self, FilterError> {
        Ok(Self { tree: parse::filter(text, lenience, budget)? })
    }

    /// Returns the outermost expression.
    pub fn root(&self) -> Expr<'_> {
        Branch::new(&self.tree, self.tree.root()).expr()
    }

    /// Returns the attribute paths in the order in which they were written.
    ///
    /// A value path gives the attribute before the bracket. The paths inside the brackets follow as sub-attributes of
    /// it.
    ///
    /// ```
    /// let filter: scim_filter::Filter = "emails[type pr] and title pr".parse().unwrap();
    /// assert_eq!(filter.paths(), ["emails", "emails.type", "title"]);
    /// ```
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        // No recursion, because a filter that was built may be deep.
        let mut open = vec![(self.root(), String::new())];
        while let Some((expression, before)) = open.pop() {
            match expression {
                Expr::And(branches) | Expr::Or(branches) => {
                    let branches: Vec<_> = branches.map(|branch| (branch.expr(), before.clone())).collect();
                    open.extend(branches.into_iter().rev());
                }
                Expr::Not(inner) => open.push((inner.expr(), before)),
                Expr::Compare { path, .. } | Expr::Present { path } => paths.push(before + path),
                Expr::ValuePath { path, inner } => {
                    paths.push(path.to_owned());
                    open.push((inner.expr(), format!("{path}.")));
                }
            }
        }
        paths
    }

    /// Returns path and operand if the filter is exactly one `path eq operand`.
    ///
    /// ```
    /// let filter: scim_filter::Filter = "(userName eq \"x\")".parse().unwrap();
    /// let (path, value) = filter.as_single_eq().unwrap();
    /// assert_eq!((path, value.as_str()), ("userName", Some("x")));
    /// ```
    pub fn as_single_eq(&self) -> Option<(&str, Literal<'_>)> {
        match self.root() {
            Expr::Compare { path, op: CompareOp::Eq, value } => Some((path, value)),
            _ => None,
        }
    }

    /// Builds `path op value`.
    ///
    /// # Errors
    ///
    /// [`FilterError::Syntax`] if `path` is not an attribute path.
    pub fn compare<'v>(
        path: &str,
        op: CompareOp,
        value: impl Into<Literal<'v>>,
    ) -> Result<Self, FilterError> {
        parse::check_attr_path(path)?;
        let mut tree = Tree::default();
        let path = tree.keep(path);
        let operand = tree.operand(value.into());
        tree.compare(path, op, operand, Place::default());
        Ok(Self::of(tree))
    }

    /// Builds `path eq value`.
    ///
    /// # Errors
    ///
    /// [`FilterError::Syntax`] if `path` is not an attribute path.
    pub fn eq<'v>(path: &str, value: impl Into<Literal<'v>>) -> Result<Self, FilterError> {
        Self::compare(path, CompareOp::Eq, value)
    }

    /// Builds `path pr`.
    ///
    /// # Errors
    ///
    /// [`FilterError::Syntax`] if `path` is not an attribute path.
    pub fn present(path: &str) -> Result<Self, FilterError> {
        parse::check_attr_path(path)?;
        let mut tree = Tree::default();
        let path = tree.keep(path);
        tree.present(path, Place::default());
        Ok(Self::of(tree))
    }

    /// Builds `path[self]`: one value of the attribute meets this filter.
    ///
    /// The paths of this filter are sub-attributes of the attribute.
    ///
    /// # Errors
    ///
    /// [`FilterError::Syntax`] if `path` is not an attribute path, and [`FilterError::NestedValuePath`] if this filter
    /// holds a value path itself.
    pub fn within(mut self, path: &str) -> Result<Self, FilterError> {
        parse::check_attr_path(path)?;
        if self.tree.has_value_path() {
            return Err(FilterError::NestedValuePath { position: 0 });
        }
        let path = self.tree.keep(path);
        self.tree.value_path(path, self.tree.root(), Place::default());
        Ok(self)
    }

    /// Builds a filter that matches if both match.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.joined(Chain::And, &other)
    }

    /// Builds a filter that matches if at least one matches.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.joined(Chain::Or, &other)
    }

    /// Builds the exact complement of the filter.
    #[must_use]
    #[allow(clippy::should_implement_trait, reason = "reads as the filter does; `!` would hide it")]
    pub fn not(mut self) -> Self {
        self.tree.not(self.tree.root());
        self
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn of(tree: Tree) -> Self {
        Self { tree }
    }

    fn joined(mut self, chain: Chain, other: &Self) -> Self {
        self.tree.join(chain, &other.tree);
        self
    }
}

/// Compares the expressions in the order in which they were written; spacing does not matter.
impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.tree == other.tree
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    /// Parses strictly: see [`Filter::parse_with`].
    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse_with(text, &mut Lenience::strict())
    }
}

/// Serializes the filter as text.
impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Deserializes the filter from text, strictly: see [`Filter::parse_with`].
impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
