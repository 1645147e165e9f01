//! The write path on memory. It records every step, so that a failed batch can be undone, unless it works on a copy.

use std::sync::Arc;

use scim_core::{Resource, ResourceType, Timestamp};
use scim_server_traits::{Cause, Change, Claim, Key, Record, StoreError, TenantId};

use super::tenant::{Row, Shown, Tenant, Undo};
use crate::keys::stale;
use crate::tables::{Changed, Content, Differences, Head, Member, Owner, Seq, Tables, external_id};

/// What an operator of the store should do if keys do not fit.
pub(super) const REMEDY: &str = "a store in memory serves one definition of a type to a tenant";

/// A batch under way.
pub(super) struct Transaction<'a> {
    tenant: &'a mut Tenant,
    /// What undoes the steps so far. A copy needs none.
    journal: Option<Vec<Undo>>,
    name: &'a TenantId,
    cause: &'a Cause,
    changes: Vec<Change>,
    records: Vec<Record>,
    /// Whether a resource was removed. It comes back with its keys if the batch fails.
    removes: bool,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(name: &'a TenantId, cause: &'a Cause, tenant: &'a mut Tenant) -> Self {
        let (changes, records) = (Vec::new(), Vec::new());
        Self { tenant, journal: Some(Vec::new()), name, cause, changes, records, removes: false }
    }

    /// Makes a transaction on a copy, which is thrown away if the batch fails.
    pub(super) fn on_copy(name: &'a TenantId, cause: &'a Cause, copy: &'a mut Tenant) -> Self {
        Self { journal: None, ..Self::new(name, cause, copy) }
    }

    /// Appends the records, after the whole batch succeeded. Returns the entries for the change feed.
    pub(super) fn finish(self, now: Timestamp) -> Vec<Change> {
        for record in self.records {
            self.tenant.record(now, self.cause, record);
        }
        self.changes
    }

    pub(super) fn undo(self) {
        for step in self.journal.into_iter().flatten().rev() {
            self.tenant.undo(step);
        }
    }

    fn change(&mut self, seq: Seq, change: impl FnOnce(&mut Row)) {
        if let Some(row) = self.tenant.row(seq) {
            let mut row = Row::clone(row);
            change(&mut row);
            self.put(seq, Some(row));
        }
    }

    fn put(&mut self, seq: Seq, row: Option<Row>) {
        let undo = self.tenant.put(seq, row.map(Arc::new));
        self.note_undo([undo]);
    }

    fn set_link(&mut self, relation: &str, owner: Seq, target: Seq, link: Option<Shown>) -> bool {
        let undo = self.tenant.set_link(relation, owner, target, link);
        let changed = undo.is_some();
        self.note_undo(undo);
        changed
    }

    fn note_undo(&mut self, undo: impl IntoIterator<Item = Undo>) {
        if let Some(journal) = &mut self.journal {
            journal.extend(undo);
        }
    }

    fn member(&self, relation: &str, owner: Seq, seq: Seq) -> Option<Member> {
        let row = self.tenant.row(seq)?;
        let (id, kind) = (row.id.to_string(), row.kind.to_string());
        let shown = self.tenant.shown(relation, owner, seq).map(str::to_owned);
        Some(Member { seq, id, kind, label: shown.or_else(|| row.content.label.clone()) })
    }

    fn relations(&self) -> Vec<String> {
        self.tenant.relations().map(str::to_owned).collect()
    }
}

fn head(seq: Seq, row: &Row) -> Head {
    let Row { version, created, modified, dormant, .. } = *row;
    Head { seq, version, created, modified, dormant }
}

impl Tables for Transaction<'_> {
    type Fault = StoreError;

    fn check_keys(&mut self, resource_type: &Arc<ResourceType>) -> Result<(), StoreError> {
        let Some(kind) = self.tenant.kind(resource_type.name()).filter(|kind| kind.has_keys()) else {
            self.tenant.make_keys_of(resource_type);
            return Ok(());
        };
        if kind.has_keys_of(resource_type) {
            Ok(())
        } else if kind.order.is_empty() && !self.removes {
            self.tenant.make_keys_of(resource_type);
            Ok(())
        } else {
            Err(stale(resource_type, REMEDY))
        }
    }

    fn find(&self, kind: &str, id: &str) -> Result<Option<Head>, StoreError> {
        Ok(self.tenant.find(kind, id).map(|(seq, row)| head(seq, row)))
    }

    fn place(&self, kind: &str, id: &str) -> Result<Option<Seq>, StoreError> {
        Ok(self.tenant.find(kind, id).map(|(seq, _)| seq))
    }

    fn differences(&self, seq: Seq, resource: &Resource) -> Result<Option<Differences>, StoreError> {
        let stored = self.tenant.row(seq).map(|row| &row.content.resource);
        let differs = |stored: &&Resource| *stored != resource;
        Ok(stored.filter(differs).map(|stored| Differences::between(stored, resource)))
    }

    fn external_id(&self, seq: Seq) -> Result<Option<String>, StoreError> {
        Ok(self.tenant.row(seq).and_then(|row| external_id(&row.content.resource)))
    }

    fn unique_holder(&self, kind: &str, key: &Key, own: Option<Seq>) -> Result<Option<Seq>, StoreError> {
        Ok(self.tenant.unique_holder(kind, key, own))
    }

    fn claim_holder(&self, claim: &Claim) -> Result<Option<Seq>, StoreError> {
        Ok(self.tenant.claim_holder(claim))
    }

    fn members(&self, relation: &str, owner: Seq) -> Result<Vec<Member>, StoreError> {
        let targets = self.tenant.targets(relation, owner);
        Ok(targets.filter_map(|seq| self.member(relation, owner, seq)).collect())
    }

    fn links(&self, owner: Seq) -> Result<Vec<(String, Member)>, StoreError> {
        let mut links = Vec::new();
        for relation in self.tenant.relations() {
            let targets = self.tenant.targets(relation, owner);
            let members = targets.filter_map(|seq| self.member(relation, owner, seq));
            links.extend(members.map(|member| (relation.to_owned(), member)));
        }
        Ok(links)
    }

    fn owners(&self, target: Seq) -> Result<Vec<Owner>, StoreError> {
        let mut owners = Vec::new();
        for relation in self.tenant.relations() {
            for seq in self.tenant.owners(relation, target) {
                let Some(row) = self.tenant.row(seq) else { continue };
                let (id, kind) = (row.id.to_string(), row.kind.to_string());
                owners.push(Owner { relation: relation.to_owned(), head: head(seq, row), id, kind });
            }
        }
        owners.sort_by_key(|owner| owner.head.seq);
        Ok(owners)
    }

    fn insert(&mut self, kind: &str, id: &str, now: Timestamp, content: Content) -> Result<Seq, StoreError> {
        let seq = self.tenant.next();
        let row = Row {
            kind: kind.into(),
            id: id.into(),
            version: 1,
            created: now,
            modified: now,
            dormant: false,
            content: Arc::new(content),
            claims: Arc::default(),
        };
        self.put(seq, Some(row));
        Ok(seq)
    }

    fn replace(&mut self, _: &str, seq: Seq, content: Content) -> Result<(), StoreError> {
        self.change(seq, |row| row.content = Arc::new(content));
        Ok(())
    }

    fn touch(&mut self, seq: Seq, version: u64, modified: Timestamp) -> Result<(), StoreError> {
        self.change(seq, |row| (row.version, row.modified) = (version, modified));
        Ok(())
    }

    fn set_dormant(&mut self, seq: Seq, dormant: bool) -> Result<(), StoreError> {
        self.change(seq, |row| row.dormant = dormant);
        Ok(())
    }

    fn set_claims(&mut self, seq: Seq, claims: &[Claim]) -> Result<(), StoreError> {
        if self.tenant.row(seq).is_some_and(|row| *row.claims != *claims) {
            self.change(seq, |row| row.claims = claims.into());
        }
        Ok(())
    }

    fn link(
        &mut self,
        relation: &str,
        owner: Seq,
        target: Seq,
        display: Option<&str>,
    ) -> Result<bool, StoreError> {
        Ok(self.set_link(relation, owner, target, Some(display.map(Into::into))))
    }

    fn unlink(&mut self, relation: &str, owner: Seq, target: Seq) -> Result<bool, StoreError> {
        Ok(self.set_link(relation, owner, target, None))
    }

    fn remove(&mut self, _: &str, seq: Seq) -> Result<(), StoreError> {
        self.removes = true;
        for relation in self.relations() {
            for target in self.tenant.targets(&relation, seq).collect::<Vec<_>>() {
                self.set_link(&relation, seq, target, None);
            }
            for owner in self.tenant.owners(&relation, seq).collect::<Vec<_>>() {
                self.set_link(&relation, owner, seq, None);
            }
        }
        self.put(seq, None);
        Ok(())
    }

    fn note(&mut self, changed: Changed<'_>) -> Result<(), StoreError> {
        let Changed { kind, id, external_id, what, version, moment, document, links } = changed;
        let mut change = Change::new(self.name.clone(), kind, id, what, version, moment);
        change.external_id = external_id;
        change.cause = self.cause.clone();
        (change.paths, change.activation) = (document.paths, document.activation);
        change.links = links;
        self.changes.push(change);
        Ok(())
    }

    fn record(&mut self, _: Timestamp, record: Record) -> Result<(), StoreError> {
        self.records.push(record);
        Ok(())
    }
}
