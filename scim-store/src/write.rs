//! What a write means, for every backend: checks, order of steps, what counts as a change.

use std::collections::{BTreeMap, BTreeSet};

use scim_core::{Exhausted, Meter, Reference, ResourceType, Side, Timestamp, Work};
use scim_filter::ElementFilter;
use scim_patch::{RelationEdit, RelationStep};
#[cfg(feature = "sqlite")]
use scim_server_traits::Batch;
use scim_server_traits::{
    ChangeKind, Claim, Delete, Insert, Link, LinkChanges, Precondition, Record, StoreError, Update, Write,
    Written,
};

use crate::tables::{Changed, Content, Differences, Head, Member, Owner, Seq, Tables, external_id};

/// Carries out writes in order, then appends the records. The caller undoes all of it if one fails.
pub(crate) fn write_all<T: Tables>(
    tables: &mut T,
    now: Timestamp,
    (writes, records): (Vec<Write>, Vec<Record>),
    work: &Work,
) -> Result<Vec<Written>, T::Fault> {
    let mut meter = work.meter();
    let written = writes
        .into_iter()
        .map(|write| match write {
            Write::Insert(write) => insert(tables, now, write),
            Write::Update(write) => update(tables, now, write, &mut meter),
            Write::Delete(write) => delete(tables, now, &write),
            _ => Err(StoreError::backend(Misuse::Unsupported).into()),
        })
        .collect::<Result<_, _>>()?;
    records.into_iter().try_for_each(|record| tables.record(now, record))?;
    Ok(written)
}

/// Returns whether this batch can fail only before it changes anything, so that nothing has to be undone.
#[cfg(feature = "sqlite")]
pub(crate) fn refuses_first(batch: &Batch) -> bool {
    match &*batch.writes {
        // A record that cannot be written comes after the write.
        _ if !batch.records.is_empty() => false,
        [Write::Insert(insert)] => insert.links.is_empty(),
        [Write::Update(update)] => update.relations.is_empty() && update.claims.is_none(),
        [Write::Delete(_)] => true,
        _ => false,
    }
}

/// A batch that no engine should send.
#[derive(Debug, thiserror::Error)]
enum Misuse {
    #[error("this kind of write is newer than the store")]
    Unsupported,
    #[error("{resource_type} owns no relation `{relation}`")]
    NotOwn { resource_type: String, relation: String },
}

fn insert<T: Tables>(tables: &mut T, now: Timestamp, insert: Insert) -> Result<Written, T::Fault> {
    let Insert { resource_type, id, resource, links, claims, dormant, .. } = insert;
    let kind = resource_type.name();
    tables.check_keys(&resource_type)?;
    if tables.place(kind, &id)?.is_some() {
        return Err(StoreError::Uniqueness { resource_type: kind.into(), attribute: "id".into() }.into());
    }
    let content = Content::new(&resource_type, resource);
    let external_id = external_id(&content.resource);
    check_unique(tables, kind, None, &content)?;
    let claims = free_claims(tables, None, claims)?;
    let seq = tables.insert(kind, &id, now, content)?;
    if !claims.is_empty() {
        tables.set_claims(seq, &claims)?;
    }
    if dormant {
        tables.set_dormant(seq, true)?;
    }
    let mut changes = Changes::default();
    for (relation, references) in links {
        let mut links = Links::of(tables, &resource_type, &relation, seq, &mut changes)?;
        links.add(references)?;
    }
    let mut written = Written::new(id, 1, now, now, true);
    (written.added, written.removed) = changes.into_lists();
    note(tables, kind, ChangeKind::Created, now, &written, (external_id, Differences::default()))?;
    Ok(written)
}

fn update<T: Tables>(
    tables: &mut T,
    now: Timestamp,
    update: Update,
    meter: &mut Meter,
) -> Result<Written, T::Fault> {
    let Update { resource_type, id, precondition, resource, relations, claims, dormant, .. } = update;
    let kind = resource_type.name();
    let head = existing(tables, kind, &id, &precondition)?;
    let (mut differences, mut named) = (None, None);
    if let Some(resource) = resource
        && let Some(found) = tables.differences(head.seq, &resource)?
    {
        tables.check_keys(&resource_type)?;
        let content = Content::new(&resource_type, resource);
        check_unique(tables, kind, Some(head.seq), &content)?;
        named = Some(external_id(&content.resource));
        tables.replace(kind, head.seq, content)?;
        differences = Some(found);
    }
    if let Some(claims) = claims {
        let claims = free_claims(tables, Some(head.seq), claims)?;
        tables.set_claims(head.seq, &claims)?;
    }
    if let Some(dormant) = dormant
        && dormant != head.dormant
    {
        tables.set_dormant(head.seq, dormant)?;
    }
    let mut changes = Changes::default();
    for RelationEdit { relation, step, .. } in relations {
        Links::of(tables, &resource_type, &relation, head.seq, &mut changes)?.step(step, meter)?;
    }
    let changed = differences.is_some() || !changes.is_empty();
    let (version, modified) =
        if changed { (head.version + 1, head.moment(now)) } else { (head.version, head.modified) };
    if changed {
        tables.touch(head.seq, version, modified)?;
    }
    let mut written = Written::new(id, version, head.created, modified, changed);
    (written.added, written.removed) = changes.into_lists();
    if changed {
        // Only a document that stays has to be asked.
        let external_id = match named {
            Some(external_id) => external_id,
            None => tables.external_id(head.seq)?,
        };
        let document = (external_id, differences.unwrap_or_default());
        note(tables, kind, ChangeKind::Updated, modified, &written, document)?;
    }
    Ok(written)
}

fn delete<T: Tables>(tables: &mut T, now: Timestamp, delete: &Delete) -> Result<Written, T::Fault> {
    let kind = delete.resource_type.name();
    let head = existing(tables, kind, &delete.id, &delete.precondition)?;
    let mut written = Written::new(&delete.id, head.version, head.created, head.modified, true);
    let own = tables.links(head.seq)?;
    written.removed = own.into_iter().map(|(relation, member)| (relation, member.id)).collect();
    let document = (tables.external_id(head.seq)?, Differences::default());
    let owners = tables.owners(head.seq)?;
    for links in owners.chunk_by(|one, other| one.head.seq == other.head.seq) {
        lose(tables, now, links, &delete.id, head.seq)?;
    }
    tables.remove(kind, head.seq)?;
    note(tables, kind, ChangeKind::Deleted, head.moment(now), &written, document)?;
    Ok(written)
}

/// Removes these links of one owner to `target`, which is about to be deleted.
fn lose<T: Tables>(
    tables: &mut T,
    now: Timestamp,
    links: &[Owner],
    id: &str,
    target: Seq,
) -> Result<(), T::Fault> {
    let Some(Owner { head, kind, id: owner, .. }) = links.first().filter(|owner| owner.head.seq != target)
    else {
        return Ok(());
    };
    let (version, modified) = (head.version + 1, head.moment(now));
    tables.touch(head.seq, version, modified)?;
    let mut written = Written::new(owner, version, head.created, modified, true);
    written.removed = links.iter().map(|link| (link.relation.clone(), id.to_owned())).collect();
    let document = (tables.external_id(head.seq)?, Differences::default());
    note(tables, kind, ChangeKind::Updated, modified, &written, document)
}

/// Appends to the change feed.
fn note<T: Tables>(
    tables: &mut T,
    kind: &str,
    what: ChangeKind,
    moment: Timestamp,
    written: &Written,
    (external_id, document): (Option<String>, Differences),
) -> Result<(), T::Fault> {
    let links = LinkChanges::of(&written.added, &written.removed);
    let (id, version) = (written.id.as_str(), written.version);
    tables.note(Changed { kind, id, external_id, what, version, moment, document, links })
}

fn existing<T: Tables>(
    tables: &T,
    kind: &str,
    id: &str,
    precondition: &Precondition,
) -> Result<Head, T::Fault> {
    let (resource_type, id_of) = (|| kind.to_owned(), || id.to_owned());
    let Some(head) = tables.find(kind, id)? else {
        return Err(StoreError::NotFound { resource_type: resource_type(), id: id_of() }.into());
    };
    if !precondition.holds(head.version) {
        return Err(StoreError::Precondition { resource_type: resource_type(), id: id_of() }.into());
    }
    Ok(head)
}

fn check_unique<T: Tables>(
    tables: &T,
    kind: &str,
    own: Option<Seq>,
    content: &Content,
) -> Result<(), T::Fault> {
    for key in &content.unique {
        if tables.unique_holder(kind, key, own)?.is_some() {
            let attribute = key.attribute.clone();
            return Err(StoreError::Uniqueness { resource_type: kind.into(), attribute }.into());
        }
    }
    Ok(())
}

fn free_claims<T: Tables>(
    tables: &T,
    own: Option<Seq>,
    mut claims: Vec<Claim>,
) -> Result<Vec<Claim>, T::Fault> {
    claims.sort_unstable();
    claims.dedup();
    for claim in &claims {
        if tables.claim_holder(claim)?.is_some_and(|holder| Some(holder) != own) {
            return Err(StoreError::Claimed { space: claim.space.clone(), key: claim.key.clone() }.into());
        }
    }
    Ok(claims)
}

/// The steps it costs to read a member and to make an element of it.
const MEMBER: u64 = 40;

/// The links of one relation of one resource, while they change.
struct Links<'a, T> {
    tables: &'a mut T,
    relation: &'a str,
    targets: &'a [String],
    owner: Seq,
    changes: &'a mut Changes,
}

impl<'a, T: Tables> Links<'a, T> {
    fn of(
        tables: &'a mut T,
        resource_type: &'a ResourceType,
        relation: &'a str,
        owner: Seq,
        changes: &'a mut Changes,
    ) -> Result<Self, T::Fault> {
        match resource_type.relation(relation).map(|relation| &relation.side) {
            Some(Side::Own { targets }) => Ok(Self { tables, relation, targets, owner, changes }),
            _ => {
                let resource_type = resource_type.name().to_owned();
                let misuse = Misuse::NotOwn { resource_type, relation: relation.to_owned() };
                Err(StoreError::backend(misuse).into())
            }
        }
    }

    fn step(&mut self, step: RelationStep, meter: &mut Meter) -> Result<(), T::Fault> {
        match step {
            RelationStep::Clear => self.remove_members(|_| true),
            RelationStep::Add(references) => self.add(references),
            RelationStep::Remove(ids) => ids.iter().try_for_each(|id| self.remove(id)),
            RelationStep::RemoveWhere(filter) => match filter.only_values() {
                // Ids alone are found without reading the relation.
                Some(ids) => ids.into_iter().try_for_each(|id| self.remove(id)),
                None => self.remove_fitting(&filter, meter),
            },
            RelationStep::Set(references) => self.set(references),
        }
    }

    fn add(&mut self, references: Vec<Reference>) -> Result<(), T::Fault> {
        for reference in references {
            let target = self.target(&reference)?;
            self.link(target, reference)?;
        }
        Ok(())
    }

    /// Removes each link to the id, which may belong to several types.
    fn remove(&mut self, id: &str) -> Result<(), T::Fault> {
        for kind in self.targets {
            if let Some(seq) = self.tables.place(kind, id)? {
                self.unlink(seq, id)?;
            }
        }
        Ok(())
    }

    fn remove_members(&mut self, goes: impl Fn(&Member) -> bool) -> Result<(), T::Fault> {
        let members = self.tables.members(self.relation, self.owner)?;
        members
            .iter()
            .filter(|member| goes(member))
            .try_for_each(|member| self.unlink(member.seq, &member.id))
    }

    fn set(&mut self, references: Vec<Reference>) -> Result<(), T::Fault> {
        let mut wanted = BTreeSet::new();
        let mut new = Vec::new();
        for reference in references {
            let target = self.target(&reference)?;
            if wanted.insert(target) {
                new.push((target, reference));
            }
        }
        self.remove_members_but(&wanted)?;
        new.into_iter().try_for_each(|(target, reference)| self.link(target, reference))
    }

    fn remove_members_but(&mut self, wanted: &BTreeSet<Seq>) -> Result<(), T::Fault> {
        self.remove_members(|member| !wanted.contains(&member.seq))
    }

    /// Removes the members that the filter matches. The first pass reads each member once, so only further passes are
    /// charged for reading.
    fn remove_fitting(&mut self, filter: &ElementFilter, meter: &mut Meter) -> Result<(), T::Fault> {
        let members = self.tables.members(self.relation, self.owner)?;
        let again = std::mem::replace(&mut self.changes.asked, true);
        if again {
            meter.charge(MEMBER.saturating_mul(members.len() as u64)).map_err(StoreError::from)?;
        }
        for member in members {
            if fits(filter, &member, meter).map_err(StoreError::from)? {
                self.unlink(member.seq, &member.id)?;
            }
        }
        Ok(())
    }

    /// Returns the resource that a reference means. That is one of the type that the reference names, if there is one,
    /// otherwise one of any type that the relation allows.
    fn target(&self, reference: &Reference) -> Result<Seq, T::Fault> {
        let named = |kind: &&String| reference.r#type.as_ref() == Some(*kind);
        let kinds = self.targets.iter().filter(named).chain(self.targets.iter().filter(|kind| !named(kind)));
        for kind in kinds {
            if let Some(seq) = self.tables.place(kind, &reference.value)? {
                return Ok(seq);
            }
        }
        let (relation, id) = (self.relation.to_owned(), reference.value.clone());
        Err(StoreError::UnknownTarget { relation, id }.into())
    }

    fn link(&mut self, target: Seq, reference: Reference) -> Result<(), T::Fault> {
        if self.tables.link(self.relation, self.owner, target, reference.display.as_deref())? {
            self.changes.note(self.relation, target, reference.value, true);
        }
        Ok(())
    }

    fn unlink(&mut self, target: Seq, id: &str) -> Result<(), T::Fault> {
        if self.tables.unlink(self.relation, self.owner, target)? {
            self.changes.note(self.relation, target, id.to_owned(), false);
        }
        Ok(())
    }
}

/// Returns whether the filter matches the link, as the element that a client would see.
fn fits(filter: &ElementFilter, member: &Member, meter: &mut Meter) -> Result<bool, Exhausted> {
    let element = Link::new(&*member.id, &*member.kind, member.label.clone()).to_element();
    filter.matches_within(&element, meter)
}

/// Net changes of links. A link that is added and removed again is no change.
#[derive(Debug, Default)]
struct Changes {
    /// Whether a filter was already evaluated on the members.
    asked: bool,
    links: BTreeMap<String, BTreeMap<Seq, (String, bool)>>,
}

impl Changes {
    fn note(&mut self, relation: &str, target: Seq, id: String, added: bool) {
        if !self.links.contains_key(relation) {
            self.links.insert(relation.to_owned(), BTreeMap::new());
        }
        let Some(links) = self.links.get_mut(relation) else { return };
        // A link that changes twice is as it was before.
        if links.remove(&target).is_none() {
            links.insert(target, (id, added));
        }
    }

    fn is_empty(&self) -> bool {
        self.links.values().all(BTreeMap::is_empty)
    }

    /// Returns added and removed links, each by relation and in the order in which the targets were created.
    #[allow(clippy::type_complexity, reason = "the shape of `Written`")]
    fn into_lists(self) -> (Vec<(String, String)>, Vec<(String, String)>) {
        let (mut added, mut removed) = (Vec::new(), Vec::new());
        for (relation, links) in self.links {
            for (id, is_added) in links.into_values() {
                let list = if is_added { &mut added } else { &mut removed };
                list.push((relation.clone(), id));
            }
        }
        (added, removed)
    }
}
