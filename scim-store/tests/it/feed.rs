//! How far back the feeds reach. The conformance kit checks the rest.

use std::sync::Arc;

use scim_core::ResourceType;
use scim_server_traits::{ChangeFeed, ChangeFeedError, Store, Update};
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
    match feed.changes(after, 1).await {
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
    assert_eq!(store.newest().await.unwrap(), 0);
    assert!(store.changes(0, 10).await.unwrap().is_empty());
    change(&store, 2_047).await;
    assert_eq!(store.newest().await.unwrap(), 2_048);
    assert_eq!(gone(&store, 0).await, 1_549);
    assert_eq!(gone(&store, 1_547).await, 1_549);
    let kept = store.changes(1_548, usize::MAX).await.unwrap();
    assert_eq!((kept.len(), kept[0].sequence), (500, 1_549), "as many as are to be kept");

    drop(store);
    let store = SqliteStore::open_with(&path, options).unwrap();
    assert_eq!(store.changes(2_047, 10).await.unwrap(), kept[499..], "the numbers outlive the process");
    assert!(store.changes(2_048, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn memory_tells_who_comes_too_late() {
    let store = MemoryStore::new();
    change(&store, 100_999).await;
    assert_eq!(gone(&store, 0).await, 1_001);
    assert_eq!(store.changes(1_000, usize::MAX).await.unwrap().len(), 100_000);
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
        let seen = store.newest().await.unwrap();
        store.commit(&context(), batch().insert(user("u9", "lost"))).await.unwrap();
        let ahead = store.newest().await.unwrap();
        drop(store);

        let restored = SqliteStore::open(&copy).unwrap();
        let from = restored.newest().await.unwrap();
        assert!(from < 1 << 53);
        for name in ["one", "two", "three"] {
            restored.commit(&context(), batch().insert(user(name, name))).await.unwrap();
        }
        for consumer in [seen, ahead, ahead + 1] {
            gone(&restored, consumer).await;
        }
        let told = restored.changes(from, 10).await.unwrap();
        assert_eq!(told.iter().map(|change| &*change.id).collect::<Vec<_>>(), ["one", "two", "three"]);
    }
}
