//! The data of one tenant, and the two steps that change it.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};
use scim_core::{ResourceType, Timestamp};
use scim_server_traits::{Cause, Claim, Key, Position, Record};

use super::stream::Stream;
use crate::keys::are_same;
use crate::tables::{Content, Seq};

/// All resources of a tenant with their indexes. It changes only through [`Tenant::put`] and [`Tenant::set_link`], each
/// of which returns the step that undoes it.
///
/// A clone is a snapshot and costs nearly nothing, because large parts are shared until one of the two changes them. So
/// a long read does not block writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Tenant {
    /// The rows by their number in the order of creation. Deleted ones leave a gap.
    rows: Vector<Option<Arc<Row>>>,
    kinds: BTreeMap<Arc<str>, Kind>,
    claims: OrdMap<Claim, Seq>,
    relations: BTreeMap<Box<str>, Links>,
    /// The streams of records, by name.
    streams: BTreeMap<Box<str>, Stream>,
}

/// A resource. Parts that seldom change are shared between its versions.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) kind: Arc<str>,
    pub(super) id: Arc<str>,
    pub(super) version: u64,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) dormant: bool,
    pub(super) content: Arc<Content>,
    pub(super) claims: Arc<[Claim]>,
}

/// The resources of one type.
#[derive(Clone, Debug, Default)]
pub(super) struct Kind {
    /// The type that the keys were made of.
    made_of: Option<Arc<ResourceType>>,
    pub(super) ids: OrdMap<Arc<str>, Seq>,
    pub(super) order: OrdSet<Seq>,
    pub(super) keys: BTreeMap<String, OrdSet<(String, Seq)>>,
}

/// What a link shows instead of its target's name.
pub(super) type Shown = Option<Box<str>>;

/// The links of one relation, in both directions.
#[derive(Clone, Debug, Default)]
struct Links {
    forward: OrdMap<(Seq, Seq), Shown>,
    backward: OrdSet<(Seq, Seq)>,
}

/// What undoes a step.
#[derive(Debug)]
pub(super) enum Undo {
    Put(Seq, Option<Arc<Row>>),
    Link { relation: Box<str>, owner: Seq, target: Seq, before: Option<Shown> },
}

impl Tenant {
    /// Reserves the number of a new row.
    pub(super) fn next(&mut self) -> Seq {
        self.rows.push_back(None);
        Seq::try_from(self.rows.len()).unwrap_or(Seq::MAX) - 1
    }

    /// Sets the row at `seq`, with all its index entries.
    pub(super) fn put(&mut self, seq: Seq, row: Option<Arc<Row>>) -> Undo {
        let before = self.row(seq).cloned();
        let same_content = matches!((&before, &row), (Some(before), Some(row))
            if Arc::ptr_eq(&before.content, &row.content));
        if let Some(before) = &before {
            for claim in before.claims.iter() {
                self.claims.remove(claim);
            }
            let kind = self.kinds.entry(Arc::clone(&before.kind)).or_default();
            if !same_content {
                kind.forget(seq, &before.content);
            }
            if row.is_none() {
                kind.ids.remove(&before.id);
                kind.order.remove(&seq);
            }
        }
        if let Some(row) = &row {
            self.claims.extend(row.claims.iter().map(|claim| (claim.clone(), seq)));
            let kind = self.kinds.entry(Arc::clone(&row.kind)).or_default();
            if !same_content {
                kind.note(seq, &row.content);
            }
            if before.is_none() {
                kind.ids.insert(Arc::clone(&row.id), seq);
                kind.order.insert(seq);
            }
        }
        if let Some(place) = self.rows.get_mut(place(seq)) {
            *place = row;
        }
        Undo::Put(seq, before)
    }

    /// Makes the link present (`Some`) or absent (`None`). Returns `None` if it already was.
    pub(super) fn set_link(
        &mut self,
        relation: &str,
        owner: Seq,
        target: Seq,
        link: Option<Shown>,
    ) -> Option<Undo> {
        if !self.relations.contains_key(relation) {
            self.relations.insert(relation.into(), Links::default());
        }
        let links = self.relations.get_mut(relation)?;
        if links.forward.contains_key(&(owner, target)) == link.is_some() {
            return None;
        }
        let before = match link {
            Some(shown) => {
                links.backward.insert((target, owner));
                links.forward.insert((owner, target), shown)
            }
            None => {
                links.backward.remove(&(target, owner));
                links.forward.remove(&(owner, target))
            }
        };
        Some(Undo::Link { relation: relation.into(), owner, target, before })
    }

    pub(super) fn undo(&mut self, step: Undo) {
        match step {
            Undo::Put(seq, row) => {
                self.put(seq, row);
            }
            Undo::Link { relation, owner, target, before } => {
                self.set_link(&relation, owner, target, before);
            }
        }
    }

    /// Appends to a stream of records.
    pub(super) fn record(&mut self, now: Timestamp, cause: &Cause, record: Record) {
        let name = record.stream.name();
        if !self.streams.contains_key(name) {
            self.streams.insert(name.into(), Stream::default());
        }
        if let Some(stream) = self.streams.get_mut(record.stream.name()) {
            stream.append(now, cause, record);
        }
    }

    pub(super) fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.get(name)
    }

    pub(super) fn stream_mut(&mut self, name: &str) -> Option<&mut Stream> {
        self.streams.get_mut(name)
    }

    /// Records that the keys of the type's resources are made of this type's attributes from now on.
    pub(super) fn make_keys_of(&mut self, resource_type: &Arc<ResourceType>) {
        let kind = self.kinds.entry(resource_type.name().into()).or_default();
        kind.made_of = Some(Arc::clone(resource_type));
    }

    pub(super) fn kind(&self, kind: &str) -> Option<&Kind> {
        self.kinds.get(kind)
    }

    pub(super) fn row(&self, seq: Seq) -> Option<&Arc<Row>> {
        self.rows.get(place(seq))?.as_ref()
    }

    pub(super) fn find(&self, kind: &str, id: &str) -> Option<(Seq, &Arc<Row>)> {
        let seq = *self.kind(kind)?.ids.get(id)?;
        Some((seq, self.row(seq)?))
    }

    pub(super) fn unique_holder(&self, kind: &str, key: &Key, own: Option<Seq>) -> Option<Seq> {
        let keys = self.kind(kind)?.keys.get(&key.attribute)?;
        let alike = keys.range((key.key.clone(), Seq::MIN)..=(key.key.clone(), Seq::MAX));
        alike.map(|(_, seq)| *seq).find(|seq| Some(*seq) != own)
    }

    pub(super) fn claim_holder(&self, claim: &Claim) -> Option<Seq> {
        self.claims.get(claim).copied()
    }

    pub(super) fn relations(&self) -> impl Iterator<Item = &str> {
        self.relations.keys().map(|name| &**name)
    }

    /// Yields the targets of the resource's links in order of creation, including hidden ones.
    pub(super) fn targets(&self, relation: &str, owner: Seq) -> impl Iterator<Item = Seq> {
        let links = self.relations.get(relation).map(|links| &links.forward);
        links.into_iter().flat_map(move |links| links.range(from(owner))).map(|((_, to), _)| *to)
    }

    /// Returns what a link shows instead of its target's name.
    pub(super) fn shown(&self, relation: &str, owner: Seq, target: Seq) -> Option<&str> {
        self.relations.get(relation)?.forward.get(&(owner, target))?.as_deref()
    }

    /// Yields the owners of links to the resource in order of creation, even if the resource is hidden.
    pub(super) fn owners(&self, relation: &str, target: Seq) -> impl Iterator<Item = Seq> {
        let links = self.relations.get(relation).map(|links| &links.backward);
        links.into_iter().flat_map(move |links| links.range(from(target))).map(|(_, to)| *to)
    }

    pub(super) fn is_linked(&self, relation: &str, owner: Seq, target: Seq) -> bool {
        self.relations.get(relation).is_some_and(|links| links.forward.contains_key(&(owner, target)))
    }

    pub(super) fn is_dormant(&self, seq: Seq) -> bool {
        self.row(seq).is_some_and(|row| row.dormant)
    }

    pub(super) fn is_of(&self, seq: Seq, kind: &str) -> bool {
        self.row(seq).is_some_and(|row| &*row.kind == kind)
    }
}

fn place(seq: Seq) -> usize {
    usize::try_from(seq).unwrap_or(usize::MAX)
}

fn from(end: Seq) -> RangeInclusive<(Seq, Seq)> {
    (end, Seq::MIN)..=(end, Seq::MAX)
}

impl Kind {
    pub(super) fn has_keys(&self) -> bool {
        self.made_of.is_some()
    }

    /// Returns whether the keys are made of this type's attributes.
    pub(super) fn has_keys_of(&self, resource_type: &Arc<ResourceType>) -> bool {
        self.made_of.as_ref().is_some_and(|made_of| are_same(made_of, resource_type))
    }

    /// Yields the keys of an attribute with their resources: those after a position ascending, or those before it
    /// descending.
    pub(super) fn walk(
        &self,
        attribute: &str,
        down: bool,
        from: Option<&Position>,
    ) -> impl Iterator<Item = Position> {
        let keys = self.keys.get(attribute);
        let range = match from {
            None => Some((Bound::Unbounded, Bound::Unbounded)),
            Some(Position { key: Some(key), place, .. }) => {
                let at = Bound::Excluded((key.clone(), *place));
                Some(if down { (Bound::Unbounded, at) } else { (at, Bound::Unbounded) })
            }
            // Resources without a key come after all keys.
            Some(_) if down => Some((Bound::Unbounded, Bound::Unbounded)),
            Some(_) => None,
        };
        let (mut up, mut back) = (None, None);
        if let Some((keys, range)) = keys.zip(range) {
            let range = keys.range(range);
            if down { back = Some(range.rev()) } else { up = Some(range) }
        }
        let walk = up.into_iter().flatten().chain(back.into_iter().flatten());
        walk.map(|(key, seq)| Position::new(Some(key.clone()), *seq))
    }

    fn note(&mut self, seq: Seq, content: &Content) {
        for Key { attribute, key } in &content.keys {
            if !self.keys.contains_key(attribute) {
                self.keys.insert(attribute.clone(), OrdSet::new());
            }
            if let Some(keys) = self.keys.get_mut(attribute) {
                keys.insert((key.clone(), seq));
            }
        }
    }

    fn forget(&mut self, seq: Seq, content: &Content) {
        for Key { attribute, key } in &content.keys {
            if let Some(keys) = self.keys.get_mut(attribute) {
                keys.remove(&(key.clone(), seq));
            }
        }
    }
}
