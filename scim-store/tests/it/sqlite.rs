use std::sync::Arc;

use scim_core::{Lenience, ResourceType};
use scim_filter::Filter;
use scim_server_traits::{Claim, Get, Page, Query, Store, StoreError, Update};
use scim_store::{Durability, SqliteOptions, SqliteStore};
use tempfile::TempDir;

use super::given::{batch, context, group, user};

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(directory: &TempDir) -> SqliteStore {
    SqliteStore::open(directory.path().join("scim.db")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_the_contract() {
    let directory = directory();
    super::keeps_the_contract(Arc::new(open(&directory))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sqlite_keeps_the_contract_with_least_room() {
    let directory = directory();
    let options = SqliteOptions::default()
        .with_durability(Durability::Off)
        .with_readers(0)
        .with_group(0)
        .with_queue(0)
        .with_names(0);
    let store = SqliteStore::open_with(directory.path().join("scim.db"), options).unwrap();
    super::keeps_the_contract(Arc::new(store)).await;
}

async fn find(store: &SqliteStore, filter: &str) -> Page {
    let user = ResourceType::user();
    let filter: Filter = filter.parse().unwrap();
    let query =
        Query::new(Arc::clone(&user)).with_filter(filter.bind(&user, &mut Lenience::strict()).unwrap());
    store.query(&context(), query).await.unwrap()
}

#[tokio::test]
async fn the_secret_of_a_file_stays() {
    let directory = directory();
    let secret = open(&directory).secret();
    assert_eq!(open(&directory).secret(), secret);
    let elsewhere = tempfile::tempdir().unwrap();
    assert_ne!(open(&elsewhere).secret(), secret);
}

#[tokio::test]
async fn a_reopened_file_has_everything() {
    let directory = directory();
    let store = open(&directory);
    let mut claiming = user("u1", "bjensen");
    claiming.claims.push(Claim::new("handle", "bjensen"));
    let mut dormant = user("u2", "asleep");
    dormant.dormant = true;
    let writes = batch().insert(claiming).insert(dormant).insert(group("g1", &["u1", "u2"]));
    store.commit(&context(), writes).await.unwrap();
    let get = Get::new(ResourceType::group(), "g1").with_relations(vec!["members".into()]);
    let before = store.get(&context(), get.clone()).await.unwrap();
    drop(store);
    let mut files: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["scim.db", "scim.db-lock"], "a closed store leaves no log behind");

    let store = open(&directory);
    assert_eq!(store.get(&context(), get).await.unwrap(), before);
    assert_eq!(before.unwrap().links["members"].len(), 1);
    assert_eq!(find(&store, r#"userName eq "BJENSEN""#).await.total, 1);
    assert_eq!(store.query(&context(), Query::new(ResourceType::user())).await.unwrap().total, 2);
    let mut other = user("u3", "other");
    other.claims.push(Claim::new("handle", "bjensen"));
    let error = store.commit(&context(), batch().insert(other)).await.unwrap_err();
    assert!(matches!(error, StoreError::Claimed { .. }), "{error:?}");
    let mut awake = Update::new(ResourceType::user(), "u2");
    awake.dormant = Some(false);
    store.commit(&context(), batch().update(awake)).await.unwrap();
    assert_eq!(find(&store, r#"groups eq "g1""#).await.total, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_inserts_share_commits_and_none_is_lost() {
    let directory = directory();
    let store = open(&directory);
    let calls: Vec<_> = (0..64)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = format!("u{number}");
                store.commit(&context(), batch().insert(user(&id, &id))).await
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap()[0].version, 1);
    }
    drop(store);
    let page = open(&directory).query(&context(), Query::new(ResourceType::user())).await.unwrap();
    assert_eq!((page.total, page.matches.len()), (64, 64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_concurrent_inserts_of_one_name_exactly_one_wins() {
    let directory = directory();
    let store = open(&directory);
    let calls: Vec<_> = (0..64)
        .map(|number| {
            let store = store.clone();
            let insert = user(&format!("u{number}"), if number % 2 == 0 { "Same" } else { "same" });
            tokio::spawn(async move { store.commit(&context(), batch().insert(insert)).await })
        })
        .collect();
    let mut won = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => won += 1,
            Err(StoreError::Uniqueness { attribute, .. }) => assert_eq!(attribute, "userName"),
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(find(&store, r#"userName eq "same""#).await.total, 1);
}

#[tokio::test]
async fn a_failed_batch_does_not_take_its_neighbours_along() {
    let directory = directory();
    let store = open(&directory);
    let good = |number: u32| batch().insert(user(&format!("u{number}"), &format!("u{number}")));
    let bad = || batch().insert(user("x", "x")).insert(group("g", &["none"]));
    let calls = (0..32).map(|number| {
        let store = store.clone();
        let batch = if number % 2 == 0 { good(number) } else { bad() };
        tokio::spawn(async move { store.commit(&context(), batch).await.is_ok() })
    });
    let mut outcomes = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        outcomes.push(call.await.unwrap());
    }
    assert_eq!(outcomes, (0..32).map(|number| number % 2 == 0).collect::<Vec<_>>());
    assert_eq!(store.query(&context(), Query::new(ResourceType::user())).await.unwrap().total, 16);
}

#[tokio::test]
async fn what_is_not_its_file_is_refused() {
    let directory = directory();
    let text = directory.path().join("text");
    std::fs::write(&text, "x".repeat(4096)).unwrap();
    for path in [text.as_path(), directory.path(), "".as_ref(), ":memory:".as_ref()] {
        let error = SqliteStore::open(path).unwrap_err();
        assert!(matches!(error, StoreError::Backend(_)), "{error:?}");
    }
    let path = directory.path().join("scim.db");
    drop(SqliteStore::open(&path).unwrap());
    let file = rusqlite::Connection::open(&path).unwrap();
    let known: i64 = file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    let newer = format!("knows layouts up to {known}");
    for (layout, says) in [(known + 1, newer.as_str()), (known - 1, "before the first release")] {
        file.pragma_update(None, "user_version", layout).unwrap();
        let StoreError::Backend(reason) = SqliteStore::open(&path).unwrap_err() else {
            panic!("not refused")
        };
        assert!(reason.to_string().contains(says), "{reason}");
    }
}

#[tokio::test]
async fn wide_filters_are_within_sqlite_limits() {
    let directory = directory();
    let store = open(&directory);
    store.commit(&context(), batch().insert(user("u7", "u7"))).await.unwrap();
    let many = |term: &dyn Fn(usize) -> String, operator: &str| {
        (0..2_000).map(term).collect::<Vec<_>>().join(operator)
    };
    let prefixes = many(&|number| format!(r#"userName sw "u{number}""#), " or ");
    assert_eq!(find(&store, &prefixes).await.total, 1);
    let names = many(&|number| format!(r#"userName eq "u{number}""#), " or ");
    assert_eq!(find(&store, &names).await.total, 1);
    assert_eq!(find(&store, &format!("active eq true and ({prefixes})")).await.total, 1);
    let all = many(&|_| r#"userName sw "u""#.to_owned(), " and ");
    assert_eq!(find(&store, &all).await.total, 1);
    let links = many(&|number| format!(r#"groups eq "g{number}""#), " or ");
    assert_eq!(find(&store, &links).await.total, 0);
}

/// A commit that makes the log longer takes longer, so the log has room at its end. A killed process leaves that room
/// behind, and everything that was answered.
#[tokio::test]
async fn a_log_with_room_at_its_end_is_taken_over() {
    let (directory, after) = (directory(), directory());
    let store = open(&directory);
    for number in 0..100 {
        let (id, name) = (format!("u{number}"), format!("n{number}"));
        store.commit(&context(), batch().insert(user(&id, &name))).await.unwrap();
    }
    for file in ["scim.db", "scim.db-wal"] {
        std::fs::copy(directory.path().join(file), after.path().join(file)).unwrap();
    }
    let log = std::fs::read(after.path().join("scim.db-wal")).unwrap();
    let room = log.iter().rev().take_while(|byte| **byte == 0).count();
    assert!(room > 100_000, "{room}");
    let restored = open(&after);
    assert_eq!(find(&restored, "userName pr").await.total, 100);
    restored.commit(&context(), batch().insert(user("u100", "n100"))).await.unwrap();
    drop(restored);
    assert!(!after.path().join("scim.db-wal").exists());
    assert_eq!(find(&open(&after), "userName pr").await.total, 101);
}

#[tokio::test]
async fn a_file_that_does_not_say_what_its_keys_are_made_of_makes_them_again_once() {
    let directory = directory();
    let path = directory.path().join("scim.db");
    let store = open(&directory);
    store.commit(&context(), batch().insert(user("u1", "bjensen"))).await.unwrap();
    drop(store);
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch("DELETE FROM scim_key; DELETE FROM scim_indexed").unwrap();
    old.close().unwrap();
    let store = open(&directory);
    for made in [1, 0] {
        let users = [ResourceType::user()];
        assert_eq!(store.reindex(context().tenant(), &users).await.unwrap(), made);
    }
    assert_eq!(find(&store, r#"emails.value eq "u1@example.com""#).await.total, 1);
}
