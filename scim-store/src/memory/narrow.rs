//! Turns a filter's plan into candidates, with the indexes.

use std::ops::Bound;

use imbl::OrdSet;
use scim_core::{Exhausted, ResourceType, Side};
use scim_filter::{KeyProbe, Narrow};

use super::read::{ends, is_linked};
use super::tenant::{Kind, Tenant};
use super::ticks::Ticks;
use crate::tables::{Seq, is_flat};

/// Candidates in order of creation.
pub(super) enum Candidates<'a> {
    All(&'a OrdSet<Seq>),
    Some(Vec<Seq>),
}

impl<'a> Candidates<'a> {
    pub(super) fn find(
        tenant: &'a Tenant,
        kind: &'a Kind,
        resource_type: &'a ResourceType,
        narrow: &'a Narrow,
        ticks: &'a Ticks,
    ) -> Result<Self, Exhausted> {
        if *narrow == Narrow::All {
            return Ok(Self::All(&kind.order));
        }
        let index = Index { tenant, kind, resource_type, ticks };
        let mut seqs: Vec<Seq> = index.seqs(narrow).collect();
        ticks.check()?;
        seqs.sort_unstable();
        seqs.dedup();
        Ok(Self::Some(seqs))
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::All(seqs) => seqs.len(),
            Self::Some(seqs) => seqs.len(),
        }
    }

    /// Yields the candidates after `from` in ascending order, or those before it in descending order.
    pub(super) fn walk(&self, down: bool, from: Option<Seq>) -> Box<dyn Iterator<Item = Seq> + '_> {
        let bound = from.map_or(Bound::Unbounded, Bound::Excluded);
        match (self, down) {
            (Self::All(seqs), false) => Box::new(seqs.range((bound, Bound::Unbounded)).copied()),
            (Self::All(seqs), true) => Box::new(seqs.range((Bound::Unbounded, bound)).rev().copied()),
            (Self::Some(seqs), false) => {
                let passed = from.map_or(0, |from| seqs.partition_point(|seq| *seq <= from));
                Box::new(seqs.iter().skip(passed).copied())
            }
            (Self::Some(seqs), true) => {
                let left = from.map_or(seqs.len(), |from| seqs.partition_point(|seq| *seq < from));
                Box::new(seqs.iter().take(left).rev().copied())
            }
        }
    }
}

/// The steps it costs to reach an entry of an index.
const ENTRY: u64 = 10;

/// How far the branches of an `and` are counted to find the smallest.
const COUNTED: usize = 256;

/// Returns how many probes a plan has.
fn size(narrow: &Narrow) -> u64 {
    match narrow {
        Narrow::And(branches) | Narrow::Or(branches) => branches.iter().map(size).sum(),
        Narrow::Ids(ids) => ids.len() as u64,
        Narrow::Key { probe: KeyProbe::In(keys), .. } => keys.len() as u64,
        _ => 1,
    }
}

#[derive(Clone, Copy)]
struct Index<'a> {
    tenant: &'a Tenant,
    kind: &'a Kind,
    resource_type: &'a ResourceType,
    ticks: &'a Ticks,
}

impl<'a> Index<'a> {
    /// Yields the candidates in any order, some perhaps twice.
    fn seqs(self, narrow: &'a Narrow) -> Box<dyn Iterator<Item = Seq> + 'a> {
        match narrow {
            Narrow::All => Box::new(self.metered(self.kind.order.iter().copied())),
            Narrow::Ids(ids) => {
                let ids = self.metered(ids.iter());
                Box::new(ids.filter_map(move |id| self.kind.ids.get(&**id).copied()))
            }
            Narrow::Key { attribute, probe: KeyProbe::In(keys) } => Box::new(
                self.metered(keys.iter())
                    .flat_map(move |key| self.keys(attribute, key).take_while(move |(found, _)| found == key))
                    .map(|(_, seq)| *seq)
                    .take_while(move |_| self.ticks.tick(ENTRY)),
            ),
            Narrow::Key { attribute, probe: KeyProbe::Range(from, to) } => {
                let from = match from.clone() {
                    Bound::Included(key) => Bound::Included((key, Seq::MIN)),
                    Bound::Excluded(key) => Bound::Excluded((key, Seq::MAX)),
                    Bound::Unbounded => Bound::Unbounded,
                };
                let to = match to.clone() {
                    Bound::Included(key) => Bound::Included((key, Seq::MAX)),
                    Bound::Excluded(key) => Bound::Excluded((key, Seq::MIN)),
                    Bound::Unbounded => Bound::Unbounded,
                };
                let keys = self.kind.keys.get(attribute).into_iter();
                Box::new(
                    self.metered(keys.flat_map(move |keys| keys.range((from.clone(), to.clone()))))
                        .map(|(_, seq)| *seq),
                )
            }
            Narrow::Link { relation, target } => Box::new(self.metered(self.linked(relation, target))),
            Narrow::Linked { relation } => Box::new(
                self.metered(self.kind.order.iter().copied()).filter(move |seq| self.any(relation, *seq)),
            ),
            Narrow::And(branches) => {
                let smallest = (0..branches.len())
                    .filter(|branch| is_flat(&branches[*branch]))
                    .min_by_key(|branch| self.seqs(&branches[*branch]).take(COUNTED).count())
                    .unwrap_or_default();
                let fits = move |seq: &Seq| {
                    let mut others = branches.iter().enumerate().filter(|(branch, _)| *branch != smallest);
                    others.all(|(_, narrow)| self.contains(narrow, *seq))
                };
                let each = ENTRY.saturating_mul(size(narrow));
                Box::new(
                    self.seqs(&branches[smallest]).take_while(move |_| self.ticks.tick(each)).filter(fits),
                )
            }
            Narrow::Or(branches) => {
                Box::new(self.metered(branches.iter()).flat_map(move |narrow| self.seqs(narrow)))
            }
        }
    }

    /// Charges each entry of an index.
    fn metered<T>(self, entries: impl Iterator<Item = T> + 'a) -> impl Iterator<Item = T> + 'a {
        entries.take_while(move |_| self.ticks.tick(ENTRY))
    }

    /// Yields the keys of an attribute from `from` on.
    fn keys(self, attribute: &str, from: &str) -> impl Iterator<Item = &'a (String, Seq)> + use<'a> {
        let from = Bound::Included((from.to_owned(), Seq::MIN));
        self.kind
            .keys
            .get(attribute)
            .into_iter()
            .flat_map(move |keys| keys.range((from.clone(), Bound::Unbounded)))
    }

    fn linked(self, relation: &'a str, target: &'a str) -> Box<dyn Iterator<Item = Seq> + 'a> {
        let tenant = self.tenant;
        let name = self.resource_type.name();
        match self.resource_type.relation(relation).map(|relation| &relation.side) {
            Some(Side::Own { targets }) => {
                let ends = targets.iter().filter_map(move |kind| tenant.find(kind, target));
                let visible = ends.filter(|(_, row)| !row.dormant);
                let owners = visible.flat_map(move |(seq, _)| tenant.owners(relation, seq));
                Box::new(owners.filter(move |seq| tenant.is_of(*seq, name)))
            }
            Some(Side::Reverse { of, owner }) => {
                let owners = tenant.find(owner, target).into_iter();
                let targets = owners.flat_map(move |(seq, _)| tenant.targets(of, seq));
                Box::new(targets.filter(move |seq| tenant.is_of(*seq, name) && !tenant.is_dormant(*seq)))
            }
            _ => Box::new(std::iter::empty()),
        }
    }

    fn any(self, relation: &str, seq: Seq) -> bool {
        let relation = self.resource_type.relation(relation);
        relation.is_some_and(|relation| ends(self.tenant, relation, seq).next().is_some())
    }

    fn contains(self, narrow: &Narrow, seq: Seq) -> bool {
        match narrow {
            Narrow::All => true,
            Narrow::Ids(ids) => ids.iter().any(|id| self.kind.ids.get(&**id) == Some(&seq)),
            Narrow::Key { attribute, probe } => self.tenant.row(seq).is_some_and(|row| {
                row.content
                    .keys
                    .iter()
                    .filter(|key| key.attribute == *attribute)
                    .any(|key| probe.takes(&key.key))
            }),
            Narrow::Link { relation, target } => {
                let relation = self.resource_type.relation(relation);
                relation.is_some_and(|relation| is_linked(self.tenant, relation, seq, target))
            }
            Narrow::Linked { relation } => self.any(relation, seq),
            Narrow::And(branches) => branches.iter().all(|narrow| self.contains(narrow, seq)),
            Narrow::Or(branches) => branches.iter().any(|narrow| self.contains(narrow, seq)),
        }
    }
}
