//! The kit catches what it says it catches.

use std::sync::Arc;

use async_trait::async_trait;
use scim_core::Reference;
use scim_patch::RelationStep;
use scim_server_traits::{
    Batch, Context, Get, Page, Precondition, Query, Store, StoreError, Stored, TenantId, Write, Written,
    conformance,
};
use scim_store::MemoryStore;

/// How a store may be wrong.
#[derive(Clone, Copy, Debug)]
enum Fault {
    IgnoresPreconditions,
    OneTenantForAll,
    WritesOneByOne,
    ForgetsDormancy,
    CountsThePage,
    IgnoresTheBudget,
    CutsLinks,
}

#[derive(Debug)]
struct Broken {
    store: MemoryStore,
    fault: Fault,
}

impl Broken {
    fn context(&self, context: &Context) -> Context {
        match self.fault {
            Fault::OneTenantForAll => Context::new(TenantId::new("all")),
            _ => context.clone(),
        }
    }
}

#[async_trait]
impl Store for Broken {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        let at_once = get.at_once;
        let mut found = self.store.get(&self.context(context), get).await?;
        if let (Fault::CutsLinks, Some(stored)) = (self.fault, &mut found) {
            stored.links.values_mut().for_each(|links| links.truncate(at_once));
        }
        Ok(found)
    }

    async fn query(&self, context: &Context, mut query: Query) -> Result<Page, StoreError> {
        if let Fault::IgnoresTheBudget = self.fault {
            query.scan_limit = u64::MAX;
        }
        let mut page = self.store.query(&self.context(context), query).await?;
        if let Fault::CountsThePage = self.fault {
            page.total = page.resources.len() as u64;
        }
        Ok(page)
    }

    async fn commit(&self, context: &Context, mut batch: Batch) -> Result<Vec<Written>, StoreError> {
        for write in &mut batch.writes {
            match (self.fault, write) {
                (Fault::IgnoresPreconditions, Write::Update(update)) => {
                    update.precondition = Precondition::None;
                }
                (Fault::IgnoresPreconditions, Write::Delete(delete)) => {
                    delete.precondition = Precondition::None;
                }
                (Fault::ForgetsDormancy, Write::Update(update)) => update.dormant = None,
                _ => {}
            }
        }
        let context = self.context(context);
        if let Fault::WritesOneByOne = self.fault {
            let mut written = Vec::new();
            for write in batch.writes {
                let mut one = Batch::new(batch.now);
                one.writes.push(write);
                written.extend(self.store.commit(&context, one).await?);
            }
            return Ok(written);
        }
        self.store.commit(&context, batch).await
    }
}

/// The checks that fail, each on a store of its own.
async fn caught(fault: Fault) -> Vec<&'static str> {
    let mut caught = Vec::new();
    for check in conformance::checks() {
        let store = Arc::new(Broken { store: MemoryStore::new(), fault });
        if tokio::spawn(check.run(store)).await.is_err() {
            caught.push(check.name);
        }
    }
    caught
}

#[tokio::test]
async fn the_kit_catches_ignored_preconditions() {
    let expected = [
        "an_update_under_an_old_version_is_refused",
        "a_delete_under_an_old_version_is_refused",
        "one_of_many_writes_on_a_version_wins",
    ];
    assert_eq!(caught(Fault::IgnoresPreconditions).await, expected);
}

#[tokio::test]
async fn the_kit_catches_shared_tenants() {
    let expected = ["ids_of_another_tenant_do_not_exist", "values_of_tenants_do_not_clash"];
    assert_eq!(caught(Fault::OneTenantForAll).await, expected);
}

#[tokio::test]
async fn the_kit_catches_half_batches() {
    let expected = ["a_failed_batch_leaves_nothing", "a_failed_batch_gives_back_what_it_took"];
    let caught = caught(Fault::WritesOneByOne).await;
    assert!(expected.iter().all(|name| caught.contains(name)), "{caught:?}");
}

#[tokio::test]
async fn the_kit_catches_visible_dormant_links() {
    let caught = caught(Fault::ForgetsDormancy).await;
    assert!(caught.contains(&"dormant_targets_are_hidden_from_their_owners"), "{caught:?}");
}

#[tokio::test]
async fn the_kit_catches_inexact_totals() {
    let caught = caught(Fault::CountsThePage).await;
    assert!(caught.contains(&"pages_tile_the_matches"), "{caught:?}");
    assert!(caught.contains(&"a_limit_of_zero_asks_for_the_total"), "{caught:?}");
}

#[tokio::test]
async fn the_kit_catches_unbounded_scans() {
    let expected = ["documents_read_to_decide_are_counted", "documents_read_to_sort_are_counted"];
    assert_eq!(caught(Fault::IgnoresTheBudget).await, expected);
}

/// A store that reads, waits, and writes what it has read: nothing holds others off in between.
#[derive(Debug)]
struct Racing(MemoryStore);

#[async_trait]
impl Store for Racing {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        self.0.get(context, get).await
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        self.0.query(context, query).await
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        let mut blind = Batch::new(batch.now);
        for write in batch.writes {
            let Write::Update(mut update) = write else {
                blind.writes.push(write);
                continue;
            };
            let get = Get::new(Arc::clone(&update.resource_type), &*update.id)
                .with_relations(update.relations.iter().map(|edit| edit.relation.clone()).collect());
            let Some(stored) = self.0.get(context, get).await? else {
                blind.writes.push(Write::Update(update));
                continue;
            };
            tokio::task::yield_now().await;
            if update.precondition.holds(stored.version) {
                update.precondition = Precondition::None;
            }
            // What was there when it was read, and what is to be added.
            if let [edit] = &mut update.relations[..]
                && let RelationStep::Add(new) = &mut edit.step
            {
                let links = stored.links.get(&edit.relation).into_iter().flatten();
                let mut all: Vec<Reference> = links.map(|link| Reference::new(&*link.id)).collect();
                all.append(new);
                edit.step = RelationStep::Set(all);
            }
            blind.writes.push(Write::Update(update));
        }
        self.0.commit(context, blind).await
    }
}

#[tokio::test]
async fn the_kit_catches_lost_updates() {
    let mut caught = Vec::new();
    for check in conformance::checks() {
        let store = Arc::new(Racing(MemoryStore::new()));
        if tokio::spawn(check.run(store)).await.is_err() {
            caught.push(check.name);
        }
    }
    let expected = ["one_of_many_writes_on_a_version_wins", "members_added_at_once_are_all_there"];
    assert_eq!(caught, expected);
}

#[tokio::test]
async fn the_kit_catches_links_that_never_come() {
    let expected = ["links_in_chunks_are_those_of_the_version", "links_from_behind_are_all_there"];
    assert_eq!(caught(Fault::CutsLinks).await, expected);
}
