//! Records in a file. The conformance kit checks the rest.

use scim_core::{ResourceType, Timestamp};
use scim_server_traits::{Batch, KeptRecord, Record, RecordQuery, Records, Store};
use scim_store::{SqliteOptions, SqliteStore};
use serde_json::json;

use super::given::{batch, context, reason, resource};

fn of(action: &str) -> Batch {
    // Any type can be that of a stream.
    batch().record(Record::new(ResourceType::user(), resource(json!({"userName": action}))))
}

async fn all(store: &SqliteStore) -> Vec<KeptRecord> {
    store.records(&context(), RecordQuery::new(ResourceType::user())).await.unwrap()
}

#[tokio::test]
async fn records_outlive_the_process_and_go_on_elsewhere_in_a_copy() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("scim.db"), directory.path().join("copy.db"));
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&context(), of("one")).await.unwrap();
    let kept = all(&store).await;
    drop(store);

    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(all(&store).await, kept);
    store.backup(&copy, |_| {}).await.unwrap();
    store.commit(&context(), of("two")).await.unwrap();
    let seen = all(&store).await[1].position;
    drop(store);

    let restored = SqliteStore::open(&copy).unwrap();
    restored.commit(&context(), of("three")).await.unwrap();
    let told =
        restored.records(&context(), RecordQuery::new(ResourceType::user()).after(seen)).await.unwrap();
    assert_eq!(told.len(), 1, "who read `two` misses nothing of the copy");
    assert_eq!(told[0].data.text("userName"), Some("three"));
}

#[tokio::test]
async fn a_deleted_log_that_held_records_alone_is_missed() {
    let (directory, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = SqliteStore::open(directory.path().join("scim.db")).unwrap();
    store.commit(&context(), of("one")).await.unwrap();
    for ending in ["", "-mark"] {
        let name = format!("scim.db{ending}");
        std::fs::copy(directory.path().join(&name), after.path().join(&name)).unwrap();
    }
    let error = SqliteStore::open(after.path().join("scim.db")).unwrap_err();
    assert!(reason(error).contains("the log of"));
}

#[tokio::test]
async fn a_flipped_bit_in_a_record_is_noticed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scim.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&context(), of("one")).await.unwrap();
    drop(store);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute("UPDATE scim_record SET doc = replace(doc, 'one', 'ono')", []).unwrap();
    drop(file);
    let store = SqliteStore::open_with(&path, SqliteOptions::default()).unwrap();
    let error = store.records(&context(), RecordQuery::new(ResourceType::user())).await.unwrap_err();
    assert!(reason(error).contains("User"), "it says whose record it is");
}

#[tokio::test]
async fn more_records_than_are_deleted_at_once_are_pruned() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("scim.db")).unwrap();
    let many = (0..2_500).fold(batch(), |batch, number| {
        let event = resource(json!({"userName": number.to_string()}));
        batch.record(Record::new(ResourceType::user(), event))
    });
    store.commit(&context(), many).await.unwrap();
    let far = Timestamp::from_millis(i64::MAX);
    assert_eq!(store.prune(&context(), "User", far).await.unwrap(), 2_500);
    assert!(all(&store).await.is_empty());
}
