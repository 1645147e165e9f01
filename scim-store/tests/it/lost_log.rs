//! A deleted log is noticed, whatever became of the process that wrote it.

use std::path::Path;

use scim_server_traits::Store as _;
use scim_store::{Durability, SqliteOptions, SqliteStore};
use tempfile::TempDir;

use super::given::{batch, context, reason, total, user};

/// Copies what a killed process leaves of these files.
fn left(folder: &Path, endings: &[&str]) -> TempDir {
    let after = tempfile::tempdir().unwrap();
    for ending in endings {
        let name = format!("scim.db{ending}");
        std::fs::copy(folder.join(&name), after.path().join(&name)).unwrap();
    }
    after
}

async fn killed(durability: Durability, endings: &[&str]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions::default().with_durability(durability);
    let store = SqliteStore::open_with(directory.path().join("scim.db"), options).unwrap();
    for number in 0..10 {
        let (id, name) = (format!("u{number}"), format!("n{number}"));
        store.commit(&context(), batch().insert(user(&id, &name))).await.unwrap();
    }
    left(directory.path(), endings)
}

#[tokio::test]
async fn a_file_whose_log_was_deleted_is_refused_until_it_is_put_back() {
    for durability in [Durability::Full, Durability::Normal] {
        let after = killed(durability, &["", "-wal", "-mark"]).await;
        let (path, log) = (after.path().join("scim.db"), after.path().join("scim.db-wal"));
        let kept = std::fs::read(&log).unwrap();
        std::fs::remove_file(&log).unwrap();
        // A second attempt does not help.
        for _ in 0..2 {
            let reason = reason(SqliteStore::open(&path).unwrap_err());
            assert!(reason.contains("the log of") && reason.contains("scim.db-wal"), "{reason}");
        }
        // An emptied file is not a log either.
        std::fs::write(&log, "").unwrap();
        assert!(SqliteStore::open(&path).is_err());
        std::fs::write(&log, &kept).unwrap();
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(total(&store).await, 10);
        drop(store);
        assert!(!after.path().join("scim.db-mark").exists(), "nothing is asked for any more");
    }
}

#[tokio::test]
async fn a_file_whose_log_was_deleted_opens_where_one_insists() {
    let after = killed(Durability::Full, &["", "-mark"]).await;
    let path = after.path().join("scim.db");
    assert!(SqliteStore::open(&path).is_err());
    let store = SqliteStore::open_with(&path, SqliteOptions::default().with_lost_log()).unwrap();
    assert_eq!(total(&store).await, 0);
    store.commit(&context(), batch().insert(user("u", "n"))).await.unwrap();
    drop(store);
    assert_eq!(total(&SqliteStore::open(&path).unwrap()).await, 1);
}

#[tokio::test]
async fn a_log_that_another_program_moved_is_not_missed() {
    let after = killed(Durability::Full, &["", "-wal", "-mark"]).await;
    let path = after.path().join("scim.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    assert_eq!(other.query_row("SELECT count(*) FROM scim_resource", [], count).unwrap(), 10);
    drop(other);
    assert!(!after.path().join("scim.db-wal").exists());
    assert_eq!(total(&SqliteStore::open(&path).unwrap()).await, 10);
}

/// While the log is being moved, the file may have any part of it.
#[tokio::test]
async fn a_log_that_was_being_moved_is_missed() {
    let after = killed(Durability::Full, &["", "-wal"]).await;
    let path = after.path().join("scim.db");
    std::fs::write(after.path().join("scim.db-mark"), "moving                     \n").unwrap();
    let log = after.path().join("scim.db-wal");
    let kept = std::fs::read(&log).unwrap();
    std::fs::remove_file(&log).unwrap();
    for _ in 0..2 {
        assert!(reason(SqliteStore::open(&path).unwrap_err()).contains("the log of"));
    }
    std::fs::write(&log, kept).unwrap();
    assert_eq!(total(&SqliteStore::open(&path).unwrap()).await, 10);
}

#[tokio::test]
async fn what_is_not_promised_is_not_missed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("scim.db");
    let options = SqliteOptions::default().with_durability(Durability::Off);
    let store = SqliteStore::open_with(&path, options).unwrap();
    store.commit(&context(), batch().insert(user("u", "n"))).await.unwrap();
    assert!(!directory.path().join("scim.db-mark").exists());
    assert!(SqliteStore::open(left(directory.path(), &[""]).path().join("scim.db")).is_ok());
}
