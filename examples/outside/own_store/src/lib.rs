//! A whole [`Store`] in memory. It shows what a store of your own has to do, in as few lines as possible.
//!
//! A batch works on a copy of the tenant, which replaces the tenant if all writes succeed. Every search is a scan, so
//! the store keeps no index keys and ignores the scan budget. `tests/kit.rs` checks it with the conformance kit.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use scim_core::{Meter, Resource, ResourceType, Side, Timestamp};
use scim_filter::{Entry, Relations};
use scim_patch::{RelationEdit, RelationStep};
use scim_server_traits::{
    Batch, Claim, Context, Delete, EntityTag, Get, Insert, Key, Link, Match, Page, Position, Precondition,
    Query, Store, StoreError, Stored, TenantId, Update, Write, Written, label, unique_keys,
};

/// The own links of a resource: relation and place of the target, and the display name that the client gave.
type Links = BTreeMap<(String, i64), Option<String>>;
type Result<T> = std::result::Result<T, StoreError>;

/// A store in memory, without records. A tenant changes in one step, so a panic that poisons the lock harms no data.
#[derive(Debug, Default)]
pub struct OwnStore(Mutex<BTreeMap<TenantId, Tenant>>);

/// The resources of a tenant by place, which is a number in the order of creation. No place is used twice.
#[derive(Clone, Debug, Default)]
struct Tenant {
    rows: BTreeMap<i64, Row>,
    last_place: i64,
}

#[derive(Clone, Debug, Default)]
struct Row {
    place: i64,
    type_name: String,
    id: String,
    version: u64,
    created: Timestamp,
    modified: Timestamp,
    resource: Resource,
    /// The definition of the type under which the document was written.
    fingerprint: u64,
    claims: Vec<Claim>,
    dormant: bool,
    links: Links,
}

#[async_trait]
impl Store for OwnStore {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>> {
        let tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tenant) = tenants.get(context.tenant()) else { return Ok(None) };
        let found = tenant.rows_of(&get.resource_type).find(|row| row.id == get.id);
        Ok(found.map(|row| Seen(tenant, &get.resource_type, row).stored(&get.relations, get.keeps_unknown)))
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page> {
        let tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tenant) = tenants.get(context.tenant()) else { return Ok(Page::default()) };
        let (mut meter, mut found) = (context.work().meter(), BTreeMap::new());
        for row in tenant.rows_of(&query.resource_type) {
            let seen = Seen(tenant, &query.resource_type, row);
            let stored = seen.stored(&query.relations, query.keeps_unknown);
            let (tag, document, by) = (EntityTag(row.version), &stored.resource, &query.sort.by);
            let mut entry = Entry::new(&row.type_name, &row.id, document);
            (entry.created, entry.modified) = (row.created, row.modified);
            (entry.version, entry.relations) = (&tag, &seen);
            if query.filter.as_ref().map_or(Ok(true), |filter| filter.matches_within(&entry, &mut meter))? {
                let key = by.key(&row.id, row.version, row.created, row.modified, Some(document));
                found.insert(row.place, Match::new(Position::new(key, row.place), stored));
            }
        }
        let page = query.page_of(found.values().map(|found| found.position.clone()).collect());
        let matches = page.iter().filter_map(|position| found.get(&position.place).cloned()).collect();
        Ok(Page::new(found.len() as u64, matches))
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>> {
        let [] = *batch.records else { return Err(StoreError::backend("this store keeps no records")) };
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tenant = tenants.entry(context.tenant().clone()).or_default();
        let (now, mut meter, mut changed) = (batch.now, context.work().meter(), tenant.clone());
        let writes = batch.writes.into_iter().map(|write| match write {
            Write::Insert(insert) => changed.insert(now, insert, &mut meter),
            Write::Update(update) => changed.update(now, update, &mut meter),
            Write::Delete(delete) => changed.delete(now, &delete),
            _ => Err(StoreError::backend("this store does not know this kind of write")),
        });
        let written = writes.collect::<Result<_>>()?;
        *tenant = changed;
        Ok(written)
    }
}

impl Tenant {
    fn rows_of(&self, resource_type: &ResourceType) -> impl Iterator<Item = &Row> {
        self.rows.values().filter(|row| row.type_name == resource_type.name())
    }

    fn existing(&self, resource_type: &ResourceType, id: &str, when: &Precondition) -> Result<Row> {
        let (name, id) = (resource_type.name().to_owned(), id.to_owned());
        match self.rows_of(resource_type).find(|row| row.id == id) {
            None => Err(StoreError::NotFound { resource_type: name, id }),
            Some(row) if when.holds(row.version) => Ok(row.clone()),
            Some(_) => Err(StoreError::Precondition { resource_type: name, id }),
        }
    }

    /// Inserts an empty row of version 0, and updates it.
    fn insert(&mut self, now: Timestamp, insert: Insert, meter: &mut Meter) -> Result<Written> {
        let Insert { resource_type, id, resource, links, claims, dormant, .. } = insert;
        let (place, type_name) = (self.last_place + 1, resource_type.name().to_owned());
        let taken = StoreError::Uniqueness { resource_type: type_name.clone(), attribute: "id".into() };
        let None = self.rows_of(&resource_type).find(|row| row.id == id) else { return Err(taken) };
        let row = Row { created: now, modified: now, claims, dormant, ..Row::default() };
        self.rows.insert(place, Row { place, type_name, id: id.clone(), ..row });
        self.last_place = place;
        let edits = links.into_iter().map(|(name, new)| RelationEdit::new(name, RelationStep::Add(new)));
        let update = Update::new(resource_type, id).with_resource(resource).with_relations(edits.collect());
        self.update(now, update, meter)
    }

    fn update(&mut self, now: Timestamp, update: Update, meter: &mut Meter) -> Result<Written> {
        let Update { resource_type, id, precondition, resource, relations, claims, dormant, .. } = update;
        let old = self.existing(&resource_type, &id, &precondition)?;
        let (place, mut row, mut changed) = (old.place, old.clone(), old.version == 0);
        for edit in relations {
            row.links = self.edited(row.links, &resource_type, edit, meter)?;
        }
        if let Some(resource) = resource {
            let others = self.rows_of(&resource_type).filter(|other| other.place != place);
            let keys = others.flat_map(|other| unique_keys(&resource_type, &other.resource));
            let (taken, new) = (keys.collect::<Vec<_>>(), unique_keys(&resource_type, &resource));
            if let Some(Key { attribute, .. }) = new.into_iter().find(|key| taken.contains(key)) {
                return Err(StoreError::Uniqueness { resource_type: row.type_name, attribute });
            }
            (row.resource, row.fingerprint) = (resource, resource_type.fingerprint());
        }
        (row.claims, row.dormant) = (claims.unwrap_or(row.claims), dormant.unwrap_or(row.dormant));
        let mut held = self.rows.values().filter(|row| row.place != place).flat_map(|row| &row.claims);
        let refuse = |Claim { space, key }| Err(StoreError::Claimed { space, key });
        held.find(|claim| row.claims.contains(claim)).cloned().map_or(Ok(()), refuse)?;
        changed |= row.resource != old.resource || row.links.keys().ne(old.links.keys());
        row.version += u64::from(changed);
        row.modified = if changed { row.modified.max(now) } else { row.modified };
        let mut done = Written::new(id, row.version, row.created, row.modified, changed);
        (done.added, done.removed) = (self.only(&row.links, &old.links), self.only(&old.links, &row.links));
        self.rows.insert(place, row);
        Ok(done)
    }

    fn delete(&mut self, now: Timestamp, gone: &Delete) -> Result<Written> {
        let row = self.existing(&gone.resource_type, &gone.id, &gone.precondition)?;
        let mut done = Written::new(row.id, row.version, row.created, row.modified, true);
        done.removed = self.only(&row.links, &Links::new());
        self.rows.remove(&row.place);
        for owner in self.rows.values_mut().filter(|it| it.links.keys().any(|link| link.1 == row.place)) {
            owner.links.retain(|link, _| link.1 != row.place);
            (owner.version, owner.modified) = (owner.version + 1, owner.modified.max(now));
        }
        Ok(done)
    }

    fn edited(&self, old: Links, of: &ResourceType, edit: RelationEdit, meter: &mut Meter) -> Result<Links> {
        let (relation, step, mut links) = (edit.relation, edit.step, Links::new());
        let side = of.relation(&relation).map(|known| &known.side);
        let Some(Side::Own { targets }) = side else { return Err(StoreError::backend("no own relation")) };
        if let RelationStep::Add(references) | RelationStep::Set(references) = &step {
            for to in references {
                let known = |row: &&Row| row.id == to.value && targets.contains(&row.type_name);
                // If types share the id, the type that the client sent decides.
                let other = |row: &&Row| to.r#type.as_ref() != Some(&row.type_name);
                let none = || StoreError::UnknownTarget { relation: relation.clone(), id: to.value.clone() };
                let end = self.rows.values().filter(known).min_by_key(other).ok_or_else(none)?;
                links.entry((relation.clone(), end.place)).or_insert(to.display.clone());
            }
        }
        for (link, given) in old {
            let end = self.rows.get(&link.1).filter(|_| link.0 == relation);
            let stays = match (&step, end) {
                (RelationStep::Add(_), _) | (_, None) => true,
                (RelationStep::Clear, _) => false,
                (RelationStep::Set(_), _) => links.contains_key(&link),
                (RelationStep::Remove(ids), Some(end)) => !ids.contains(&end.id),
                (RelationStep::RemoveWhere(filter), Some(end)) => match filter.only_values() {
                    Some(ids) => !ids.contains(&&*end.id),
                    None => !filter.matches_within(&linked(end, &given).to_element(), meter)?,
                },
            };
            // A link that stays keeps its display name.
            links.extend(stays.then_some((link, given)));
        }
        Ok(links)
    }

    /// Returns the relation and the identifier of each link that only the first of two sets has.
    fn only(&self, links: &Links, others: &Links) -> Vec<(String, String)> {
        let only = links.keys().filter(|link| !others.contains_key(link));
        only.filter_map(|(of, end)| Some((of.clone(), self.rows.get(end)?.id.clone()))).collect()
    }
}

fn linked(end: &Row, given: &Option<String>) -> Link {
    Link::new(&*end.id, &*end.type_name, given.clone().or_else(|| label(&end.resource)))
}

/// A resource as a call sees it.
struct Seen<'a>(&'a Tenant, &'a ResourceType, &'a Row);

impl Seen<'_> {
    fn stored(&self, relations: &[String], keeps_unknown: bool) -> Stored {
        let Self(_, resource_type, row) = self;
        let mut stored = Stored::new(&*row.id, row.version, row.created, row.modified, row.resource.clone());
        if row.fingerprint != resource_type.fingerprint() {
            resource_type.fit(&mut stored.resource, keeps_unknown);
        }
        stored.links = relations.iter().map(|name| (name.clone(), self.links(name))).collect();
        stored
    }

    /// Returns the links of a relation. A link to a dormant resource is hidden at both ends.
    fn links(&self, relation: &str) -> Vec<Link> {
        let Self(tenant, resource_type, row) = self;
        let Some(relation) = resource_type.relation(relation) else { return Vec::new() };
        let all = tenant.rows.values().flat_map(|from| from.links.iter().map(move |link| (from, link)));
        let shown = all.filter_map(|(from, ((name, to), given))| {
            let to = tenant.rows.get(to)?;
            let is_its = match &relation.side {
                Side::Own { .. } => (from.place, name) == (row.place, &relation.name),
                Side::Reverse { of, owner } => (to.place, name, &from.type_name) == (row.place, of, owner),
                _ => false,
            };
            let link = if relation.is_own() { linked(to, given) } else { linked(from, &None) };
            (is_its && !to.dormant).then_some(link)
        });
        shown.collect()
    }
}

impl Relations for Seen<'_> {
    fn contains(&self, relation: &str, target: &str) -> bool {
        self.links(relation).iter().any(|link| link.id == target)
    }

    fn any(&self, relation: &str) -> bool {
        !self.links(relation).is_empty()
    }
}
