//! The part of a filter that an index can answer.

use std::ops::{Bound, RangeBounds};

use scim_core::{AttrRef, Attribute, Type, fold};
use serde_json::Value;

use crate::bind::{BoundFilter, Leaf, Logic};
use crate::compare::Test;
use crate::element::SubTest;
use crate::literal::CompareOp;

/// How a store finds candidates for a filter.
///
/// The plan is sound: every match is among the candidates. If `exact`, every candidate is a match, and no document
/// needs to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The candidates.
    pub narrow: Narrow,
    /// Whether the candidates are exactly the matches.
    pub exact: bool,
}

/// A set of candidates, in terms of a store's index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Narrow {
    /// Every resource of the type.
    All,
    /// The resources with these ids. If the list is empty, there are no candidates.
    Ids(Vec<String>),
    /// The resources with a matching key.
    Key {
        /// The attribute, as [`AttrRef`] displays it. It is indexed or unique in the type.
        attribute: String,
        /// The matching keys, in the form of [`index_key`].
        probe: KeyProbe,
    },
    /// The resources with a link of `relation` to `target`.
    Link {
        /// The relation, such as `members`.
        relation: String,
        /// The id of the linked resource.
        target: String,
    },
    /// The resources with any link of `relation`.
    Linked {
        /// The relation, such as `members`.
        relation: String,
    },
    /// The resources in all of these sets. There are at least 2.
    And(Vec<Narrow>),
    /// The resources in any of these sets. There are at least 2.
    Or(Vec<Narrow>),
}

impl Narrow {
    /// Returns the number of questions to the index.
    pub fn questions(&self) -> usize {
        match self {
            Self::All => 0,
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::questions).sum(),
            _ => 1,
        }
    }
}

/// A set of keys of one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyProbe {
    /// Any of these keys. They are sorted and unique.
    In(Vec<String>),
    /// All keys between these bounds, in the order of code points, which is the order of UTF-8 bytes.
    ///
    /// If there are two bounds, the first is the lesser.
    Range(Bound<String>, Bound<String>),
}

impl KeyProbe {
    /// Whether the set contains the key.
    pub fn takes(&self, key: &str) -> bool {
        match self {
            Self::In(keys) => keys.binary_search_by(|known| known.as_str().cmp(key)).is_ok(),
            Self::Range(from, to) => {
                let ends = (from.as_ref().map(String::as_str), to.as_ref().map(String::as_str));
                RangeBounds::<str>::contains(&ends, key)
            }
        }
    }
}

/// Returns the text under which a store indexes one value of an attribute.
///
/// Strings are folded unless the attribute is case-exact. Booleans are `true` and `false`. All other types give `None`;
/// they are never looked up by key.
///
/// `leaf` is the attribute or sub-attribute that holds the value ([`AttrRef::leaf`]). For a multi-valued attribute,
/// call the function for each value.
///
/// ```
/// use scim_core::ResourceType;
/// use scim_filter::index_key;
/// let user_name = ResourceType::user().resolve("userName").unwrap();
/// assert_eq!(index_key(user_name.leaf(), &"BJensen".into()).as_deref(), Some("bjensen"));
/// ```
pub fn index_key(leaf: &Attribute, value: &Value) -> Option<String> {
    match (leaf.r#type, value) {
        (Type::String, Value::String(text)) if leaf.compares_exactly() => Some(text.clone()),
        (Type::String, Value::String(text)) => Some(fold(text).into_owned()),
        (Type::Boolean, Value::Bool(truth)) => Some(truth.to_string()),
        _ => None,
    }
}

/// Returns the least text that is greater than all texts with this prefix; `None` if there is no such text.
pub(crate) fn prefix_end(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // A range of `char` steps to the next scalar and skips surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

impl BoundFilter {
    /// Returns the part of the filter that an index can answer.
    ///
    /// That is `eq`, `sw`, `gt`, `ge`, `lt` and `le` on indexed attributes, ids, links, `pr` of links, and `and` and
    /// `or` of these. `not`, `ne`, every other `pr`, `co` and `ew` are left to [`BoundFilter::matches`].
    pub fn plan(&self) -> Plan {
        plan(&self.logic, &|leaf| leaf_plan(leaf, &self.resource_type))
    }
}

impl Plan {
    const ALL: Self = Self { narrow: Narrow::All, exact: false };

    fn exact(narrow: Narrow) -> Self {
        Self { narrow, exact: true }
    }

    fn constant(truth: bool) -> Self {
        Self::exact(if truth { Narrow::All } else { Narrow::Ids(Vec::new()) })
    }
}

fn plan<L>(logic: &Logic<L>, leaf: &dyn Fn(&L) -> Plan) -> Plan {
    match logic {
        Logic::Constant(truth) => Plan::constant(*truth),
        Logic::Leaf(term) => leaf(term),
        Logic::Not(_) => Plan::ALL,
        Logic::And(branches) => all_of(branches.iter().map(|branch| plan(branch, leaf))),
        Logic::Or(branches) => any_of(branches.iter().map(|branch| plan(branch, leaf))),
    }
}

fn leaf_plan(leaf: &Leaf, resource_type: &str) -> Plan {
    match leaf {
        Leaf::Attribute { attr, test, indexed: true } => key_plan(attr, test),
        Leaf::Element { attr, filter } => {
            let inner = plan(filter.logic(), &|term| sub_plan(attr, term));
            // Two keys of one resource may come from two values. Only a single term, or a disjunction of terms, is sure
            // to hold for one value.
            let exact = inner.exact && is_disjunction(filter.logic());
            Plan { exact, ..inner }
        }
        Leaf::Link(link) => match &link.target {
            Some(target) => Plan::exact(Narrow::Link {
                relation: link.relation.clone().into(),
                target: target.clone().into(),
            }),
            None => Plan::exact(Narrow::Linked { relation: link.relation.clone().into() }),
        },
        Leaf::Id(comparison) => match comparison.equal_to().and_then(Value::as_str) {
            Some(id) => Plan::exact(Narrow::Ids(vec![id.to_owned()])),
            None => Plan::ALL,
        },
        // Constant for all resources of the type.
        Leaf::ResourceType(comparison) => Plan::constant(comparison.holds_name(resource_type)),
        Leaf::Attribute { .. } | Leaf::Created(_) | Leaf::LastModified(_) | Leaf::Version(_) => Plan::ALL,
    }
}

fn sub_plan(attr: &AttrRef, term: &SubTest) -> Plan {
    match &term.sub {
        _ if !term.indexed => Plan::ALL,
        None => key_plan(attr, &term.test),
        Some(sub) => key_plan(&attr.with_sub(std::sync::Arc::clone(sub)), &term.test),
    }
}

fn key_plan(attr: &AttrRef, test: &Test) -> Plan {
    let Test::Compare(comparison) = test else { return Plan::ALL };
    let Some(text) = comparison.index_text() else { return Plan::ALL };
    let text = text.to_owned();
    let probe = match comparison.op() {
        CompareOp::Eq => KeyProbe::In(vec![text]),
        CompareOp::Sw => {
            let end = prefix_end(&text).map_or(Bound::Unbounded, Bound::Excluded);
            KeyProbe::Range(Bound::Included(text), end)
        }
        CompareOp::Gt => KeyProbe::Range(Bound::Excluded(text), Bound::Unbounded),
        CompareOp::Ge => KeyProbe::Range(Bound::Included(text), Bound::Unbounded),
        CompareOp::Lt => KeyProbe::Range(Bound::Unbounded, Bound::Excluded(text)),
        CompareOp::Le => KeyProbe::Range(Bound::Unbounded, Bound::Included(text)),
        CompareOp::Ne | CompareOp::Co | CompareOp::Ew => return Plan::ALL,
    };
    Plan::exact(Narrow::Key { attribute: attr.to_string(), probe })
}

fn is_disjunction<L>(logic: &Logic<L>) -> bool {
    match logic {
        Logic::Leaf(_) => true,
        Logic::Or(branches) => branches.iter().all(is_disjunction),
        Logic::And(_) | Logic::Not(_) | Logic::Constant(_) => false,
    }
}

fn all_of(plans: impl Iterator<Item = Plan>) -> Plan {
    let mut narrows = Vec::new();
    let mut exact = true;
    for plan in plans {
        exact &= plan.exact;
        match plan.narrow {
            Narrow::All => {}
            Narrow::And(inner) => narrows.extend(inner),
            narrow => narrows.push(narrow),
        }
    }
    let narrow = match narrows.len() {
        0 => Narrow::All,
        1 => narrows.swap_remove(0),
        _ => Narrow::And(narrows),
    };
    Plan { narrow, exact }
}

fn any_of(plans: impl Iterator<Item = Plan>) -> Plan {
    let mut union = Union::default();
    let mut exact = true;
    for plan in plans {
        if plan == Plan::constant(true) {
            return plan;
        }
        exact &= plan.exact;
        union.add(plan.narrow);
    }
    if union.all { Plan::ALL } else { Plan { narrow: union.into_narrow(), exact } }
}

/// The branches of an `or`. Ids are gathered, and so are the keys of each attribute.
#[derive(Default)]
struct Union {
    all: bool,
    ids: Option<Vec<String>>,
    keys: Vec<(String, Vec<String>)>,
    others: Vec<Narrow>,
}

impl Union {
    fn add(&mut self, narrow: Narrow) {
        match narrow {
            Narrow::All => self.all = true,
            Narrow::Ids(ids) => self.ids.get_or_insert_default().extend(ids),
            Narrow::Key { attribute, probe: KeyProbe::In(keys) } => {
                match self.keys.iter_mut().find(|(name, _)| *name == attribute) {
                    Some((_, gathered)) => gathered.extend(keys),
                    None => self.keys.push((attribute, keys)),
                }
            }
            Narrow::Or(inner) => inner.into_iter().for_each(|narrow| self.add(narrow)),
            other => self.others.push(other),
        }
    }

    fn into_narrow(self) -> Narrow {
        let mut narrows = Vec::new();
        let sorted = |mut texts: Vec<String>| {
            texts.sort_unstable();
            texts.dedup();
            texts
        };
        // An empty set of ids adds nothing to the others.
        let other_branches = !self.keys.is_empty() || !self.others.is_empty();
        if let Some(ids) = self.ids.map(sorted).filter(|ids| !ids.is_empty() || !other_branches) {
            narrows.push(Narrow::Ids(ids));
        }
        narrows.extend(
            self.keys
                .into_iter()
                .map(|(attribute, keys)| Narrow::Key { attribute, probe: KeyProbe::In(sorted(keys)) }),
        );
        narrows.extend(self.others);
        match narrows.len() {
            1 => narrows.swap_remove(0),
            _ => Narrow::Or(narrows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::prefix_end;

    #[test]
    fn a_prefix_ends_before_its_successor() {
        assert_eq!(prefix_end("ab").as_deref(), Some("ac"));
        assert_eq!(prefix_end("é").as_deref(), Some("ê"));
        assert_eq!(prefix_end("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(prefix_end("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(prefix_end("\u{10ffff}"), None);
        assert_eq!(prefix_end(""), None);
    }
}
