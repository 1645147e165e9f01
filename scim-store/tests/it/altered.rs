//! A document in which a bit was flipped is never taken for what was written.

use std::path::Path;

use rusqlite::Connection;
use scim_core::{Lenience, ResourceType};
use scim_filter::Filter;
use scim_server_traits::{Delete, Get, Query, Store, StoreError, Update};
use scim_store::SqliteStore;
use serde_json::json;
use tempfile::TempDir;

use super::given::{batch, context, reason, resource, user};

/// A file with two users, changed in this way outside the store.
async fn changed(sql: &str) -> (TempDir, SqliteStore) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scim.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&context(), batch().insert(user("u1", "ada")).insert(user("u2", "bob"))).await.unwrap();
    drop(store);
    change(&path, sql);
    let store = SqliteStore::open(&path).unwrap();
    (directory, store)
}

fn change(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// It is still JSON, with another name.
const FLIPPED: &str = "UPDATE scim_document SET doc = replace(doc, '\"ada\"', '\"ade\"') WHERE id = 'u1'";

fn get(id: &str) -> Get {
    Get::new(ResourceType::user(), id)
}

fn titled(id: &str) -> Update {
    let document = json!({"userName": id, "title": "other"});
    Update::new(ResourceType::user(), id).with_resource(resource(document))
}

#[track_caller]
fn assert_altered<T>(outcome: Result<T, StoreError>) {
    let Err(error) = outcome else { panic!("it is taken for what was written") };
    let reason = reason(error);
    assert!(reason.contains("of User `u1` of tenant `octo` is not as it was written"), "{reason}");
}

#[tokio::test]
async fn a_flipped_bit_is_noticed_by_whoever_reads_the_document() {
    let (_directory, store) = changed(FLIPPED).await;
    let context = context();
    let error = store.get(&context, get("u1")).await.unwrap_err();
    assert_eq!(scim_core::Error::from(error).status, 500);
    assert_altered(store.get(&context, get("u1")).await);
    let mut as_text = get("u1");
    as_text.as_text = true;
    assert_altered(store.get(&context, as_text).await);
    assert_altered(store.query(&context, Query::new(ResourceType::user()).page(0, 10)).await);
    // A scan that does not even read what has changed.
    let filter: Filter = "displayName co \"u2\"".parse().unwrap();
    let filter = filter.bind(&ResourceType::user(), &mut Lenience::strict()).unwrap();
    assert_altered(store.query(&context, Query::new(ResourceType::user()).with_filter(filter)).await);
    assert_altered(store.commit(&context, batch().update(titled("u1"))).await);

    // Other documents are read and written, and the damaged resource can be deleted.
    assert!(store.get(&context, get("u2")).await.unwrap().is_some());
    store.commit(&context, batch().update(titled("u2"))).await.unwrap();
    store.commit(&context, batch().delete(Delete::new(ResourceType::user(), "u1"))).await.unwrap();
    store.commit(&context, batch().insert(user("u1", "ada"))).await.unwrap();
    assert!(store.get(&context, get("u1")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_flipped_bit_is_noticed_in_a_copy_and_when_keys_are_made_anew() {
    let (directory, store) = changed(&format!("{FLIPPED}; DELETE FROM scim_indexed")).await;
    let copy = directory.path().join("copy.db");
    store.backup(&copy, |_| {}).await.unwrap();
    assert_altered(SqliteStore::open(&copy).unwrap().get(&context(), get("u1")).await);
    assert_altered(store.reindex(context().tenant(), &[ResourceType::user()]).await);
}

#[tokio::test]
async fn a_document_in_the_place_of_another_is_noticed() {
    let swapped = "UPDATE scim_document SET (doc, checksum) =
        (SELECT doc, checksum FROM scim_document WHERE id = 'u2') WHERE id = 'u1'";
    let (_directory, store) = changed(swapped).await;
    assert_altered(store.get(&context(), get("u1")).await);
}
