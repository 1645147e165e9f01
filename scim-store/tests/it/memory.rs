use std::sync::Arc;

use scim_core::ResourceType;
use scim_patch::{RelationEdit, RelationStep};
use scim_server_traits::{
    Batch, ChangeFeed, Context, Delete, FeedPosition, Get, OperatorFeed, Store, StoreError, TenantId, Update,
};
use scim_store::MemoryStore;

use super::given::{batch, context, group, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_keeps_the_contract() {
    super::keeps_the_contract(Arc::new(MemoryStore::new())).await;
}

/// More links than are changed on the caller's thread.
const MANY: usize = 3_000;

/// Returns a store with a group of many, on which a long batch is then carried out.
async fn with_a_large_group() -> (MemoryStore, Vec<String>) {
    let store = MemoryStore::new();
    let ids: Vec<String> = (0..MANY).map(|number| format!("u{number}")).collect();
    let people = ids.iter().map(|id| user(id, id));
    store.commit(&context(), people.fold(batch(), Batch::insert)).await.unwrap();
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    store.commit(&context(), batch().insert(group("g1", &members))).await.unwrap();
    (store, ids)
}

async fn members(store: &MemoryStore) -> Option<usize> {
    let get = Get::new(ResourceType::group(), "g1").with_relations(vec!["members".into()]);
    store.get(&context(), get).await.unwrap().map(|stored| stored.links["members"].len())
}

fn clear() -> Update {
    let mut update = Update::new(ResourceType::group(), "g1");
    update.relations = vec![RelationEdit::new("members", RelationStep::Clear)];
    update
}

// SEC-011: while a large group changes, its tenant can be read, and other tenants can write, on one thread.
#[tokio::test]
async fn sec_011_a_long_batch_keeps_nobody_else_waiting() {
    let (store, _) = with_a_large_group().await;
    let context = context();
    let mut long = Box::pin(store.commit(&context, batch().update(clear())));
    assert!(futures_util::poll!(&mut long).is_pending(), "it is carried out elsewhere");
    assert_eq!(members(&store).await, Some(MANY), "what was committed is read meanwhile");
    let elsewhere = Context::new(TenantId::new("elsewhere"));
    store.commit(&elsewhere, batch().insert(user("u1", "ada"))).await.unwrap();
    let next = store.commit(&context, batch().delete(Delete::new(ResourceType::user(), "u1")));
    let (first, second) = futures_util::join!(long, next);
    assert_eq!(first.unwrap()[0].removed.len(), MANY);
    assert_eq!(second.unwrap()[0].removed.len(), 0, "it waited for its turn");
    assert_eq!(members(&store).await, Some(0));
    let before = FeedPosition::of_number(MANY as u64 + 1);
    let (last, _) = store.changes_of_all(&before, 10).await.unwrap();
    let told: Vec<(&str, &str)> = last.iter().map(|change| (change.tenant.as_str(), &*change.id)).collect();
    assert_eq!(told, [("elsewhere", "u1"), ("octo", "g1"), ("octo", "u1")]);
}

/// A long batch whose caller leaves is carried out whole or not at all, and one that fails in its last write changes
/// nothing.
#[tokio::test]
async fn a_long_batch_is_all_or_nothing() {
    let (store, ids) = with_a_large_group().await;
    let newest = store.newest(context().tenant()).await.unwrap();
    let half = batch().update(clear()).delete(Delete::new(ResourceType::user(), "nobody"));
    let error = store.commit(&context(), half).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error:?}");
    assert_eq!(
        (members(&store).await, store.newest(context().tenant()).await.unwrap()),
        (Some(MANY), newest)
    );
    {
        let context = context();
        let mut left = Box::pin(store.commit(&context, batch().update(clear())));
        assert!(futures_util::poll!(&mut left).is_pending());
    }
    let user = user("next", "next");
    store.commit(&context(), batch().insert(user)).await.unwrap();
    // A later write waits for one that has begun. One that has not begun is never carried out.
    let left = members(&store).await;
    assert!(matches!(left, Some(0 | MANY)), "whole or not at all: {left:?}");
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    store.commit(&context(), batch().insert(group("g2", &members))).await.unwrap();
    let gone = batch().delete(Delete::new(ResourceType::group(), "g2"));
    assert_eq!(store.commit(&context(), gone).await.unwrap()[0].removed.len(), ids.len());
}
