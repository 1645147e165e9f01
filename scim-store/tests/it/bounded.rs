//! The log stays within bounds, even while another program reads the file.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use scim_server_traits::{Insert, Query, Store, StoreError, Unavailable};
use scim_store::{SqliteOptions, SqliteStore};
use serde_json::json;

use super::given::{batch, context, resource};

fn user(number: usize, title: usize) -> Insert {
    let document = json!({"userName": format!("u{number}"), "title": "t".repeat(title)});
    Insert::new(scim_core::ResourceType::user(), format!("u{number}"), resource(document))
}

#[tokio::test]
async fn another_program_that_reads_for_long_stops_writes_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scim.db");
    let store = SqliteStore::open_with(&path, SqliteOptions::default().with_log(128 << 10)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM scim_resource").unwrap();
    let mut kept = 0;
    let error = loop {
        match store.commit(&context(), batch().insert(user(kept, 3_000))).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 10_000, "nobody bounds the log");
    };
    assert!(matches!(error, StoreError::Unavailable(Unavailable::LogFull)), "{error:?}");
    assert!(error.to_string().contains("another program"));
    let health = store.health();
    assert!(health.log_full && !health.takes_writes() && health.failed.is_none(), "{health:?}");
    assert!((3 << 17..5 << 17).contains(&health.log), "{health:?}");
    let page = store.query(&context(), Query::new(scim_core::ResourceType::user()).page(0, 0)).await.unwrap();
    assert_eq!(page.total, kept as u64, "reads go on");

    drop(other);
    until_the_log_is(false, &store).await;
    store.commit(&context(), batch().insert(user(kept, 3_000))).await.unwrap();
    assert!(store.health().log < 128 << 10, "begun again: {:?}", store.health());
}

#[tokio::test]
async fn a_log_that_one_commit_fills_is_begun_anew_though_nobody_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scim.db");
    let store = SqliteStore::open_with(&path, SqliteOptions::default().with_log(128 << 10)).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM scim_resource").unwrap();
    let large = (0..100).fold(batch(), |batch, number| batch.insert(user(number, 10_000)));
    store.commit(&context(), large).await.unwrap();
    // The writer checks the log after it has answered.
    until_the_log_is(true, &store).await;
    drop(other);
    until_the_log_is(false, &store).await;
}

/// Waits until the log is full, or not full any more, although nothing is written.
async fn until_the_log_is(full: bool, store: &SqliteStore) {
    let begun = Instant::now();
    while store.health().log_full != full {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", store.health());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Backs up a store. The callback writes to it in the first few of its calls. Returns how many resources the copy has.
async fn copied(folder: &std::path::Path, writes: usize) -> Result<u64, StoreError> {
    let options = || SqliteOptions::default().with_log(2 << 20);
    let store = SqliteStore::open_with(folder.join("scim.db"), options()).unwrap();
    for number in 0..8 {
        store.commit(&context(), batch().insert(user(number, 1_000_000))).await.unwrap();
    }
    let (writing, written) = (store.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&written);
    let runtime = tokio::runtime::Handle::current();
    let progress = move |_| {
        let before = counted.load(Ordering::Relaxed);
        if before < writes {
            counted.store(before + 1, Ordering::Relaxed);
            for number in 0..8 {
                let user = user(100 + before * 10 + number, 1_000_000);
                // Refused if the log is full.
                let _ = runtime.block_on(writing.commit(&context(), batch().insert(user)));
            }
        }
    };
    // Other callers go on writing meanwhile, a little at a time.
    let others = store.clone();
    let little = tokio::spawn(async move {
        for number in 10_000.. {
            let _ = others.commit(&context(), batch().insert(user(number, 50_000))).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let copied = store.backup(folder.join("copy.db"), progress).await;
    little.abort();
    copied?;
    let copy = SqliteStore::open_with(folder.join("copy.db"), options()).unwrap();
    let query = Query::new(scim_core::ResourceType::user()).page(0, 0);
    Ok(copy.query(&context(), query).await.unwrap().total)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_begins_again_before_the_log_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let found = copied(folder.path(), 1).await.unwrap();
    assert!(found > 8, "what was written meanwhile is in the copy that began later: {found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_what_changes_faster_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let error = copied(folder.path(), usize::MAX).await.unwrap_err();
    let StoreError::Backend(why) = error else { panic!("{error:?}") };
    assert!(why.to_string().contains("faster than it can be copied"), "{why}");
    assert!(!folder.path().join("copy.db").exists());
}
