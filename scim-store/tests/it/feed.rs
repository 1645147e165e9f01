//! How far back the feeds reach. The conformance kit checks the rest.

use std::sync::Arc;

use scim_core::ResourceType;
use scim_server_traits::{ChangeFeed, ChangeFeedError, Store, Update};
#[cfg(feature = "sqlite")]
use scim_server_traits::{Context, OperatorFeed, TenantId};
use scim_store::MemoryStore;
#[cfg(feature = "sqlite")]
use scim_store::{Durability, SqliteOptions, SqliteStore};

use super::given::{batch, context, resource, user};

/// Makes one change more than `times`.
async fn change(store: &impl Store, times: usize) {
    store.commit(&context(), batch().insert(user("u1", "u1"))).await.unwrap();
    let user = ResourceType::user();
    for chunk in (0..times).collect::<Vec<_>>().chunks(1_000) {
        let writes = chunk.iter().fold(batch(), |batch, number| {
            let document = serde_json::json!({"userName": "u1", "title": number.to_string()});
            batch.update(Update::new(Arc::clone(&user), "u1").with_resource(resource(document)))
        });
        store.commit(&context(), writes).await.unwrap();
    }
}

async fn gone(feed: &impl ChangeFeed, after: u64) -> u64 {
    match feed.changes(context().tenant(), after, 1).await {
        Err(ChangeFeedError::Gone { after: asked, oldest }) if asked == after => oldest,
        other => panic!("not gone: {other:?}"),
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn sqlite_tells_who_comes_too_late() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scim.db");
    let options = SqliteOptions::default().with_durability(Durability::Off).with_kept_changes(500);
    let store = SqliteStore::open_with(&path, options.clone()).unwrap();
    assert_eq!(store.newest(context().tenant()).await.unwrap(), 0);
    assert!(store.changes(context().tenant(), 0, 10).await.unwrap().is_empty());
    change(&store, 2_047).await;
    assert_eq!(store.newest(context().tenant()).await.unwrap(), 2_048);
    assert_eq!(gone(&store, 0).await, 1_549);
    assert_eq!(gone(&store, 1_547).await, 1_549);
    let kept = store.changes(context().tenant(), 1_548, usize::MAX).await.unwrap();
    assert_eq!((kept.len(), kept[0].sequence), (500, 1_549), "as many as are to be kept");

    drop(store);
    let store = SqliteStore::open_with(&path, options).unwrap();
    assert_eq!(
        store.changes(context().tenant(), 2_047, 10).await.unwrap(),
        kept[499..],
        "the numbers outlive the process"
    );
    assert!(store.changes(context().tenant(), 2_048, 10).await.unwrap().is_empty());
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn the_newest_change_of_a_quiet_tenant_stays() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions::default().with_durability(Durability::Off).with_kept_changes(100);
    let store = SqliteStore::open_with(directory.path().join("scim.db"), options).unwrap();
    let quiet = Context::new(TenantId::new("quiet"));
    for name in ["one", "two"] {
        store.commit(&quiet, batch().insert(user(name, name))).await.unwrap();
    }
    let begin = store.newest_of_all().await.unwrap();
    change(&store, 3_000).await;
    let tenant = quiet.tenant();
    assert_eq!(store.newest(tenant).await.unwrap(), 2, "its numbers go on where they were");
    let outcome = store.changes(tenant, 0, 9).await;
    assert!(matches!(outcome, Err(ChangeFeedError::Gone { after: 0, oldest: 2 })), "{outcome:?}");
    store.commit(&quiet, batch().insert(user("three", "three"))).await.unwrap();
    let told = store.changes(tenant, 1, 9).await.unwrap();
    let told: Vec<_> = told.iter().map(|change| (change.sequence, &*change.id)).collect();
    assert_eq!(told, [(2, "two"), (3, "three")], "without a gap");
    // The operator cannot tell what is missing in between.
    let outcome = store.changes_of_all(&begin, 9).await;
    assert!(matches!(outcome, Err(ChangeFeedError::Gone { after: 2, .. })), "{outcome:?}");
}

#[tokio::test]
async fn memory_tells_who_comes_too_late() {
    let store = MemoryStore::new();
    change(&store, 100_999).await;
    assert_eq!(gone(&store, 0).await, 1_001);
    assert_eq!(store.changes(context().tenant(), 1_000, usize::MAX).await.unwrap().len(), 100_000);
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn a_restored_backup_is_noticed_however_far_it_goes_on() {
    for before in [0, 3] {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("scim.db"), directory.path().join("copy.db"));
        let store = SqliteStore::open(&path).unwrap();
        if before > 0 {
            change(&store, before - 1).await;
        }
        store.backup(&copy, |_| {}).await.unwrap();
        let seen = store.newest(context().tenant()).await.unwrap();
        store.commit(&context(), batch().insert(user("u9", "lost"))).await.unwrap();
        let ahead = store.newest(context().tenant()).await.unwrap();
        drop(store);

        let restored = SqliteStore::open(&copy).unwrap();
        let from = restored.newest(context().tenant()).await.unwrap();
        assert!(from < 1 << 53);
        for name in ["one", "two", "three"] {
            restored.commit(&context(), batch().insert(user(name, name))).await.unwrap();
        }
        for consumer in [seen, ahead, ahead + 1] {
            gone(&restored, consumer).await;
        }
        let told = restored.changes(context().tenant(), from, 10).await.unwrap();
        assert_eq!(told.iter().map(|change| &*change.id).collect::<Vec<_>>(), ["one", "two", "three"]);
    }
}
