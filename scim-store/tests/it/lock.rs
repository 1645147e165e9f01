//! One process for one file.

use scim_server_traits::{Store, StoreError, Unavailable};
use scim_store::{SqliteOptions, SqliteStore};

use super::given::{batch, context, reason, total, user};

#[tokio::test]
async fn who_comes_second_is_told_who_holds_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scim.db");
    let store = SqliteStore::open_with(&path, SqliteOptions::default()).unwrap();
    let reason = reason(SqliteStore::open_with(&path, SqliteOptions::default()).unwrap_err());
    let holder = format!("is in use by process {} (", std::process::id());
    assert!(reason.contains(&holder) && reason.contains("stop that one first"), "{reason}");
    drop(store);
    SqliteStore::open_with(&path, SqliteOptions::default()).unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_with_two_names_is_not_opened_unless_one_insists() {
    let directory = tempfile::tempdir().unwrap();
    let (path, other) = (directory.path().join("scim.db"), directory.path().join("other.db"));
    drop(SqliteStore::open_with(&path, SqliteOptions::default()).unwrap());
    std::fs::hard_link(&path, &other).unwrap();
    for path in [&path, &other] {
        let reason = reason(SqliteStore::open_with(path, SqliteOptions::default()).unwrap_err());
        assert!(reason.contains("has 2 names (hard links)"), "{reason}");
    }
    drop(SqliteStore::open_with(&path, SqliteOptions::default().with_hard_links()).unwrap());
    std::fs::remove_file(&other).unwrap();
    assert!(SqliteStore::open_with(&path, SqliteOptions::default()).is_ok());
}

#[cfg(unix)]
#[tokio::test]
async fn who_loses_the_lock_writes_nothing_more() {
    for is_replaced in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scim.db");
        let store = SqliteStore::open(&path).unwrap();
        let lock = directory.path().join("scim.db-lock");
        std::fs::remove_file(&lock).unwrap();
        if is_replaced {
            std::fs::write(&lock, "").unwrap();
        }
        let (begun, mut kept) = (std::time::Instant::now(), 0);
        let error = loop {
            let (id, name) = (format!("v{kept}"), format!("w{kept}"));
            match store.commit(&context(), batch().insert(user(&id, &name))).await {
                Ok(_) => kept += 1,
                Err(error) => break error,
            }
            assert!(begun.elapsed() < std::time::Duration::from_secs(60), "it is not noticed");
        };
        assert!(matches!(error, StoreError::Unavailable(Unavailable::LockLost)), "{error:?}");
        assert_eq!(scim_core::Error::from(error).status, 503);
        let health = store.health();
        assert!(
            !health.takes_writes() && health.failed.unwrap().contains("scim.db-lock was removed or replaced")
        );
        assert_eq!(total(&store).await, kept, "what was answered is there, and can be read");
        // The other process has all of it, and keeps it when this one ends.
        let other = SqliteStore::open(&path).unwrap();
        assert_eq!(total(&other).await, kept);
        drop(store);
        other.commit(&context(), batch().insert(user("u", "n"))).await.unwrap();
        drop(other);
        assert_eq!(total(&SqliteStore::open(&path).unwrap()).await, kept + 1);
    }
}
