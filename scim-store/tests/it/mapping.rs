//! Whether the file is mapped into memory.

use scim_core::ResourceType;
use scim_server_traits::{Get, Store as _};
use scim_store::{SqliteOptions, SqliteStore};

use super::given::{batch, context, total, user};

/// Returns whether this process has the file mapped after it was read.
async fn is_mapped(options: SqliteOptions) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap().join("scim.db");
    let store = SqliteStore::open_with(&path, options.clone()).unwrap();
    store.commit(&context(), batch().insert(user("u1", "ada"))).await.unwrap();
    drop(store);
    // Reads come from the file only if their pages are no longer in the log.
    let store = SqliteStore::open_with(&path, options).unwrap();
    assert_eq!(total(&store).await, 1);
    assert!(store.get(&context(), Get::new(ResourceType::user(), "u1")).await.unwrap().is_some());
    store.commit(&context(), batch().insert(user("u2", "bob"))).await.unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().any(|line| line.ends_with(path.to_str().unwrap()))
}

#[tokio::test]
async fn the_file_is_mapped_unless_it_is_turned_off() {
    assert!(is_mapped(SqliteOptions::default()).await);
    assert!(!is_mapped(SqliteOptions::default().without_mapping()).await);
}
