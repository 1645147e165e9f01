//! What all checks use: a store, a fresh tenant and shorthands.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use scim_core::{Lenience, Reference, Resource, ResourceType, Timestamp};
use scim_filter::{BoundFilter, Filter};
use scim_patch::{RelationEdit, RelationStep};
use serde_json::{Value, json};

use super::fixtures::Fixtures;
use crate::{
    Batch, Context, Delete, Get, Insert, Link, Page, Query, Store, StoreError, Stored, TenantId, Update,
    Written,
};

/// A store and a tenant of its own.
#[derive(Clone)]
pub(super) struct Kit {
    pub(super) store: Arc<dyn Store>,
    pub(super) context: Context,
    pub(super) user: Arc<ResourceType>,
    pub(super) group: Arc<ResourceType>,
    pub(super) fixtures: Fixtures,
}

impl Kit {
    pub(super) fn new(name: &str, store: Arc<dyn Store>, fixtures: &Fixtures) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // A persistent store may have run this check in an earlier process.
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let tenant = TenantId::new(format!("{name}-{nanos:x}-{count}"));
        let context = Context::new(tenant);
        let (user, group) = (Arc::clone(&fixtures.user_type), Arc::clone(&fixtures.group_type));
        Self { store, context, user, group, fixtures: fixtures.clone() }
    }

    /// Makes a kit with the same store and another tenant.
    pub(super) fn elsewhere(&self) -> Self {
        Self::new("elsewhere", Arc::clone(&self.store), &self.fixtures)
    }

    /// Makes a user with this name in upper case, because names are compared without regard to case.
    pub(super) fn named(&self, name: &str) -> Resource {
        (self.fixtures.user)(&name.to_uppercase())
    }

    /// Makes a group with this name.
    pub(super) fn titled(&self, name: &str) -> Resource {
        (self.fixtures.group)(name)
    }

    pub(super) fn insert_user(&self, id: &str) -> Insert {
        Insert::new(Arc::clone(&self.user), id, self.named(id))
    }

    pub(super) fn insert_group(&self, id: &str, members: &[&str]) -> Insert {
        let insert = Insert::new(Arc::clone(&self.group), id, self.titled(id));
        if members.is_empty() { insert } else { insert.with_links("members", references(members)) }
    }

    pub(super) fn update_user(&self, id: &str) -> Update {
        Update::new(Arc::clone(&self.user), id)
    }

    pub(super) fn update_group(&self, id: &str, steps: impl IntoIterator<Item = RelationStep>) -> Update {
        let edits = steps.into_iter().map(|step| RelationEdit::new("members", step)).collect();
        Update::new(Arc::clone(&self.group), id).with_relations(edits)
    }

    pub(super) fn delete_user(&self, id: &str) -> Delete {
        Delete::new(Arc::clone(&self.user), id)
    }

    pub(super) async fn commit(&self, batch: Batch) -> Result<Vec<Written>, StoreError> {
        self.store.commit(&self.context, batch).await
    }

    /// Inserts users with these ids as their names.
    pub(super) async fn has_users(&self, ids: &[&str]) {
        let batch = ids.iter().fold(Batch::new(at(0)), |batch, id| batch.insert(self.insert_user(id)));
        done(self.commit(batch).await);
    }

    pub(super) async fn has_group(&self, id: &str, members: &[&str]) {
        self.insert(at(0), self.insert_group(id, members)).await;
    }

    pub(super) async fn insert(&self, now: Timestamp, insert: Insert) -> Written {
        only(done(self.commit(Batch::new(now).insert(insert)).await))
    }

    pub(super) async fn update(&self, now: Timestamp, update: Update) -> Written {
        only(done(self.commit(Batch::new(now).update(update)).await))
    }

    pub(super) async fn delete(&self, now: Timestamp, delete: Delete) -> Written {
        only(done(self.commit(Batch::new(now).delete(delete)).await))
    }

    pub(super) async fn refusal(&self, batch: Batch) -> StoreError {
        match self.commit(batch).await {
            Err(error) => error,
            Ok(written) => panic!("the store accepted what it must refuse: {written:?}"),
        }
    }

    pub(super) async fn get(&self, get: Get) -> Option<Stored> {
        done(self.store.get(&self.context, get).await)
    }

    /// Reads the user, with its groups.
    pub(super) async fn user(&self, id: &str) -> Stored {
        let get = Get::new(Arc::clone(&self.user), id).with_relations(vec!["groups".into()]);
        self.get(get).await.unwrap_or_else(|| panic!("user `{id}` is not there"))
    }

    /// Reads the group, with its members.
    pub(super) async fn group(&self, id: &str) -> Stored {
        let get = Get::new(Arc::clone(&self.group), id).with_relations(vec!["members".into()]);
        self.get(get).await.unwrap_or_else(|| panic!("group `{id}` is not there"))
    }

    pub(super) async fn members(&self, id: &str) -> Vec<String> {
        ids(&linked(&self.group(id).await, "members"))
    }

    pub(super) async fn groups(&self, id: &str) -> Vec<String> {
        ids(&linked(&self.user(id).await, "groups"))
    }

    pub(super) async fn query(&self, query: Query) -> Page {
        done(self.store.query(&self.context, query).await)
    }

    /// Returns the ids of the matches, after checking that the total is their number.
    pub(super) async fn find(&self, resource_type: &Arc<ResourceType>, filter: &str) -> Vec<String> {
        let query = Query::new(Arc::clone(resource_type)).with_filter(bound(resource_type, filter));
        let page = self.query(query).await;
        let ids: Vec<String> = page.resources().map(|stored| stored.id.clone()).collect();
        assert_eq!(page.total, ids.len() as u64, "total and resources of `{filter}`");
        ids
    }
}

/// Returns the success value. The check fails if the store failed.
pub(super) fn done<T>(result: Result<T, StoreError>) -> T {
    result.unwrap_or_else(|error| panic!("the store refused what it must accept: {error} ({error:?})"))
}

pub(super) fn only<T: Debug>(mut list: Vec<T>) -> T {
    assert_eq!(list.len(), 1, "one outcome per write: {list:?}");
    list.remove(0)
}

pub(super) fn bound(resource_type: &ResourceType, filter: &str) -> BoundFilter {
    let parsed: Result<Filter, _> = filter.parse();
    parsed
        .and_then(|filter| filter.bind(resource_type, &mut Lenience::strict()))
        .unwrap_or_else(|error| panic!("`{filter}`: {error}"))
}

pub(super) fn document(value: Value) -> Resource {
    match value {
        Value::Object(map) => Resource::from_canonical(map),
        other => panic!("no document: {other}"),
    }
}

/// Makes a user, for a store that keeps any document.
pub(super) fn user(name: &str) -> Resource {
    document(json!({"schemas": [scim_core::urn::USER], "userName": name}))
}

/// Makes a group, for a store that keeps any document.
pub(super) fn group(name: &str) -> Resource {
    document(json!({"schemas": [scim_core::urn::GROUP], "displayName": name}))
}

pub(super) fn references(ids: &[&str]) -> Vec<Reference> {
    ids.iter().map(|id| Reference::new(*id)).collect()
}

pub(super) fn add(ids: &[&str]) -> RelationStep {
    RelationStep::Add(references(ids))
}

pub(super) fn remove(ids: &[&str]) -> RelationStep {
    RelationStep::Remove(ids.iter().map(|id| (*id).to_owned()).collect())
}

pub(super) fn set(ids: &[&str]) -> RelationStep {
    RelationStep::Set(references(ids))
}

/// Makes the links in `members` as `Written` lists them.
pub(super) fn members(ids: &[&str]) -> Vec<(String, String)> {
    ids.iter().map(|id| ("members".to_owned(), (*id).to_owned())).collect()
}

pub(super) fn linked(stored: &Stored, relation: &str) -> Vec<Link> {
    let links = stored.links.get(relation).cloned();
    links.unwrap_or_else(|| panic!("`{relation}` was asked for and is not there"))
}

pub(super) fn ids(links: &[Link]) -> Vec<String> {
    links.iter().map(|link| link.id.clone()).collect()
}

/// Makes a moment, `millis` after a fixed one.
pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}
