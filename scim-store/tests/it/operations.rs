//! A SQLite file in operation: backups, damage, a second process, a full disk, the log.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use scim_core::{Lenience, ResourceType, ResourceTypeDocument, Schema};
use scim_filter::Filter;
use scim_server_traits::{
    ChangeFeed, Claim, Context, Delete, Get, Insert, Query, Store, StoreError, TenantId, Update,
};
use scim_store::{Durability, SqliteOptions, SqliteStore, backup};
use serde_json::json;
use tempfile::TempDir;

use super::given::{batch, context, group, reason, resource, total, user};

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn fast() -> SqliteOptions {
    SqliteOptions::default().with_durability(Durability::Off)
}

/// A user with a title of 10,000 characters.
fn large(number: usize) -> Insert {
    let document = json!({"userName": format!("u{number}"), "title": "x".repeat(10_000)});
    Insert::new(ResourceType::user(), format!("u{number}"), resource(document))
}

fn is_sound(path: &Path) -> bool {
    let file = rusqlite::Connection::open(path).unwrap();
    let check: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    check == "ok"
}

#[tokio::test]
async fn a_full_file_refuses_writes_keeps_what_it_has_and_takes_them_when_there_is_room() {
    let directory = directory();
    let path = directory.path().join("scim.db");
    let store = SqliteStore::open_with(&path, fast().with_most_bytes(1 << 20)).unwrap();
    let mut kept = 0;
    let error = loop {
        match store.commit(&context(), batch().insert(large(kept))).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full(_)), "{error:?}");
    assert_eq!(scim_core::Error::from(error).status, 507);
    assert!(kept > 20, "{kept}");
    assert_eq!(total(&store).await, kept as u64, "everything that was answered, and nothing else");
    assert_eq!(store.newest(context().tenant()).await.unwrap(), kept as u64, "nor is anything else told");

    let user = ResourceType::user();
    let room = (0..3)
        .fold(batch(), |batch, number| batch.delete(Delete::new(Arc::clone(&user), format!("u{number}"))));
    store.commit(&context(), room).await.unwrap();
    store.commit(&context(), batch().insert(large(kept))).await.unwrap();
    assert_eq!(total(&store).await, kept as u64 - 2);
    drop(store);
    assert!(is_sound(&path));

    let store = SqliteStore::open_with(&path, fast()).unwrap();
    for number in 0..3 {
        store.commit(&context(), batch().insert(large(number))).await.unwrap();
    }
    assert_eq!(total(&store).await, kept as u64 + 1, "a larger disk takes more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_writes_on_a_full_file_exactly_the_answered_ones_are_kept() {
    let directory = directory();
    let path = directory.path().join("scim.db");
    let store = SqliteStore::open_with(&path, fast().with_most_bytes(1 << 20)).unwrap();
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(&context(), batch().insert(large(number))).await })
        })
        .collect();
    let mut answered = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => answered += 1,
            Err(StoreError::Full(_)) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(total(&store).await, answered);
    drop(store);
    assert!(is_sound(&path));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_is_one_state_of_a_store_that_is_being_written() {
    let directory = directory();
    let (path, copy) = (directory.path().join("scim.db"), directory.path().join("copy.db"));
    let store = SqliteStore::open_with(&path, fast()).unwrap();
    for number in 0..300 {
        store.commit(&context(), batch().insert(large(number))).await.unwrap();
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (store, stop) = (store.clone(), Arc::clone(&stop));
        async move {
            let mut number = 300;
            while !stop.load(Ordering::SeqCst) {
                // Both are in the copy, or neither is.
                let id = format!("g{number}");
                let writes = batch().insert(large(number)).insert(group(&id, &[&format!("u{number}")]));
                store.commit(&context(), writes).await.unwrap();
                number += 1;
            }
        }
    });
    let reports = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&reports);
    store.backup(&copy, move |progress| noted.lock().unwrap().push(progress)).await.unwrap();
    stop.store(true, Ordering::SeqCst);
    writing.await.unwrap();
    let reports = reports.lock().unwrap().clone();
    assert!(reports.len() > 3, "{reports:?}");
    assert!(reports.is_sorted_by_key(|progress| progress.done), "{reports:?}");
    assert!(reports.last().is_some_and(|last| last.done == last.total), "{reports:?}");

    let error = store.backup(&copy, |_| {}).await.unwrap_err();
    assert!(reason(error).ends_with("copy.db is there already: a backup overwrites nothing"));
    assert!(is_sound(&copy));
    let copied = SqliteStore::open(&copy).unwrap();
    let groups = copied.query(&context(), Query::new(ResourceType::group()).page(0, 0)).await.unwrap().total;
    assert_eq!(total(&copied).await, 300 + groups);
    assert!(copied.newest(context().tenant()).await.unwrap() > 300 + 2 * groups, "a feed of its own");
}

#[tokio::test]
async fn a_file_can_be_backed_up_from_outside() {
    let directory = directory();
    let (path, copy) = (directory.path().join("scim.db"), directory.path().join("copy.db"));
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&context(), batch().insert(user("u1", "u1"))).await.unwrap();
    let steps = AtomicUsize::new(0);
    backup(&path, &copy, |_| _ = steps.fetch_add(1, Ordering::SeqCst)).unwrap();
    assert!(steps.into_inner() > 0);
    assert_eq!(total(&SqliteStore::open(&copy).unwrap()).await, 1);
    let none = directory.path().join("none.db");
    assert!(backup(&none, directory.path().join("other.db"), |_| {}).is_err());
    let mut files: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("scim.db"))
        .collect();
    files.sort();
    assert_eq!(files, ["copy.db", "copy.db-lock"], "no backup leaves a part of itself behind");
}

/// Links and keys must be gone too.
#[tokio::test]
async fn of_what_is_deleted_no_row_is_left() {
    let directory = directory();
    let path = directory.path().join("scim.db");
    let store = SqliteStore::open_with(&path, fast()).unwrap();
    let mut claiming = user("u1", "ada");
    claiming.claims.push(Claim::new("handle", "ada"));
    let writes = batch().insert(claiming).insert(group("g1", &["u1"])).insert(group("g2", &["u1"]));
    store.commit(&context(), writes).await.unwrap();
    // The member is deleted after one group, and the other group stays.
    for (resource_type, id) in [(ResourceType::group(), "g1"), (ResourceType::user(), "u1")] {
        store.commit(&context(), batch().delete(Delete::new(resource_type, id))).await.unwrap();
    }
    drop(store);
    let file = rusqlite::Connection::open(&path).unwrap();
    let columns =
        [("document", "seq"), ("key", "seq"), ("claim", "seq"), ("link", "owner"), ("link", "target")];
    for (table, column) in columns {
        let sql = format!(
            "SELECT count(*) FROM scim_{table} WHERE {column} NOT IN (SELECT seq FROM scim_resource)"
        );
        let rows: i64 = file.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "scim_{table}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_not_opened_unless_one_insists() {
    let directory = directory();
    let path = directory.path().join("scim.db");
    let store = SqliteStore::open_with(&path, fast()).unwrap();
    for number in 0..50 {
        store
            .commit(&context(), batch().insert(user(&format!("u{number}"), &format!("u{number}"))))
            .await
            .unwrap();
    }
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let root: u32 = {
        let file = rusqlite::Connection::open(&path).unwrap();
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'scim_key'";
        file.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let root = usize::try_from(root).unwrap();
    bytes[(root - 1) * 4096 + 8..root * 4096].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();

    let reason = reason(SqliteStore::open_with(&path, fast()).unwrap_err());
    assert!(reason.starts_with("the file is damaged (") && reason.contains("put back a backup"), "{reason}");
    let store = SqliteStore::open_with(&path, fast().without_check()).unwrap();
    assert_eq!(total(&store).await, 50, "what is not damaged can be read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_stays_short() {
    const LOG: u64 = 8 << 20;
    let directory = directory();
    let path = directory.path().join("scim.db");
    let store = SqliteStore::open_with(&path, fast().with_log(LOG)).unwrap();
    let mut longest = 0;
    for round in 0..60 {
        let writes = (0..100).fold(batch(), |batch, number| batch.insert(large(round * 100 + number)));
        store.commit(&context(), writes).await.unwrap();
        let length = directory.path().join("scim.db-wal").metadata().unwrap().len();
        longest = longest.max(length);
    }
    // One batch may exceed the bound.
    assert!((LOG..2 * LOG + (4 << 20)).contains(&longest), "{longest}");
    assert_eq!(total(&store).await, 6_000);
}

#[tokio::test]
async fn a_log_that_is_quiet_is_moved() {
    let directory = directory();
    let path = directory.path().join("scim.db");
    let store = SqliteStore::open_with(&path, fast()).unwrap();
    let writes = (0..500).fold(batch(), |batch, number| batch.insert(large(number)));
    store.commit(&context(), writes).await.unwrap();
    let length = |name: &str| directory.path().join(name).metadata().unwrap().len();
    let log = length("scim.db-wal");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while length("scim.db") < log / 2 {
        assert!(std::time::Instant::now() < deadline, "{} of {log}", length("scim.db"));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Users whose titles are indexed, and unique if `unique`.
fn titled(unique: bool) -> Arc<ResourceType> {
    let document = ResourceTypeDocument::new("User", "/Users", scim_core::urn::USER);
    let builder = ResourceType::builder(document).schema(Schema::user()).indexed(["userName", "title"]);
    let builder = if unique { builder.unique("title") } else { builder };
    Arc::new(builder.build().unwrap())
}

async fn count(store: &SqliteStore, resource_type: &Arc<ResourceType>, filter: &str) -> u64 {
    let filter: Filter = filter.parse().unwrap();
    let mut query = Query::new(Arc::clone(resource_type));
    query = query.with_filter(filter.bind(resource_type, &mut Lenience::strict()).unwrap()).page(0, 0);
    // What the index answers needs no document.
    query.scan_limit = 0;
    store.query(&context(), query).await.unwrap().total
}

#[tokio::test]
async fn other_indexed_attributes_are_found_after_reindexing() {
    let directory = directory();
    let path = directory.path().join("scim.db");
    let store = SqliteStore::open_with(&path, fast()).unwrap();
    let before = ResourceType::user();
    assert_eq!(store.reindex(context().tenant(), &[Arc::clone(&before)]).await.unwrap(), 0);
    let writes = (0..1_201).fold(batch(), |batch, number| {
        let document = json!({"userName": format!("u{number}"), "title": format!("T{}", number / 2),
            "displayName": "same"});
        batch.insert(Insert::new(ResourceType::user(), format!("u{number}"), resource(document)))
    });
    store.commit(&context(), writes).await.unwrap();
    assert_eq!(
        store.reindex(context().tenant(), &[Arc::clone(&before)]).await.unwrap(),
        0,
        "nothing is different"
    );
    drop(store);

    let store = SqliteStore::open_with(&path, fast()).unwrap();
    let after = titled(false);
    assert!(is_stale(store.query(&context(), by(&after, r#"title eq "t17""#)).await));
    assert_eq!(
        store.reindex(context().tenant(), &[Arc::clone(&after), ResourceType::group()]).await.unwrap(),
        1_201
    );
    assert_eq!(count(&store, &after, r#"title eq "t17""#).await, 2);
    assert_eq!(count(&store, &after, r#"userName eq "u1200""#).await, 1);
    assert_eq!(store.reindex(context().tenant(), &[Arc::clone(&after)]).await.unwrap(), 0, "it is done");

    let reason = reason(store.reindex(context().tenant(), &[titled(true)]).await.unwrap_err());
    assert!(
        reason.contains("`title` of User is to be unique, but `u0` and `u1` of tenant `octo`"),
        "{reason}"
    );
    assert_eq!(
        store.reindex(context().tenant(), &[after]).await.unwrap(),
        1_201,
        "what was not finished is done again"
    );
    assert_eq!(store.newest(context().tenant()).await.unwrap(), 1_201, "no resource has changed");
    drop(store);
    assert!(is_sound(&path));
}

fn is_stale<T>(outcome: Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::StaleIndex { resource_type, remedy })
        if resource_type == "User" && remedy.contains("`SqliteStore::reindex`"))
}

fn by(resource_type: &Arc<ResourceType>, filter: &str) -> Query {
    let filter: Filter = filter.parse().unwrap();
    Query::new(Arc::clone(resource_type))
        .with_filter(filter.bind(resource_type, &mut Lenience::strict()).unwrap())
}

/// A file that was written under one definition, and is served under another.
#[tokio::test]
async fn a_forgotten_reindex_is_refused() {
    let directory = directory();
    let path = directory.path().join("scim.db");
    let boss = |name: &str| resource(json!({"userName": name, "title": "Boss"}));
    let store = SqliteStore::open_with(&path, fast()).unwrap();
    let first = Insert::new(ResourceType::user(), "u1", boss("u1"));
    store.commit(&context(), batch().insert(first)).await.unwrap();
    drop(store);

    let store = SqliteStore::open_with(&path, fast()).unwrap();
    let other = titled(true);
    for filter in [r#"title eq "boss""#, r#"userName eq "u1""#, "title pr"] {
        assert!(is_stale(store.query(&context(), by(&other, filter)).await), "{filter}");
    }
    assert!(is_stale(store.query(&context(), Query::new(Arc::clone(&other))).await), "a list");
    let second = || Insert::new(Arc::clone(&other), "u2", boss("u2"));
    assert!(is_stale(store.commit(&context(), batch().insert(second())).await), "a create");
    let replace = Update::new(Arc::clone(&other), "u1").with_whole(boss("new"));
    assert!(is_stale(store.commit(&context(), batch().update(replace.clone())).await), "a replace");
    // Requests that use no key are served: a resource by its id, links, and what has the first definition.
    let got = store.get(&context(), Get::new(Arc::clone(&other), "u1")).await.unwrap();
    assert_eq!(got.unwrap().resource, boss("u1"));
    let group = Insert::new(ResourceType::group(), "g1", resource(json!({"displayName": "g1"})));
    let group = group.with_links("members", vec![scim_core::Reference::new("u1")]);
    store.commit(&context(), batch().insert(group)).await.unwrap();
    assert_eq!(count(&store, &ResourceType::user(), r#"userName eq "u1""#).await, 1);

    assert_eq!(store.reindex(context().tenant(), &[Arc::clone(&other)]).await.unwrap(), 1);
    assert_eq!(count(&store, &other, r#"title eq "boss""#).await, 1);
    let taken = store.commit(&context(), batch().insert(second())).await;
    assert!(matches!(taken, Err(StoreError::Uniqueness { attribute, .. }) if attribute == "title"));
    store.commit(&context(), batch().update(replace)).await.unwrap();
    // Now the first definition is the stale one.
    assert!(is_stale(store.query(&context(), by(&ResourceType::user(), r#"userName eq "new""#)).await));
}

/// Older versions recorded what keys are made of only if `reindex` was called.
#[tokio::test]
async fn keys_of_which_nobody_knows_what_they_are_made_of_fit_no_type() {
    let directory = directory();
    let path = directory.path().join("scim.db");
    let store = SqliteStore::open_with(&path, fast()).unwrap();
    let user = ResourceType::user();
    let insert = |id: &str| Insert::new(Arc::clone(&user), id, resource(json!({"userName": id})));
    store.commit(&context(), batch().insert(insert("u1"))).await.unwrap();
    drop(store);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute("DELETE FROM scim_indexed", []).unwrap();
    file.close().unwrap();

    let store = SqliteStore::open_with(&path, fast()).unwrap();
    assert!(is_stale(store.query(&context(), Query::new(Arc::clone(&user))).await));
    assert!(is_stale(store.commit(&context(), batch().insert(insert("u2"))).await));
    assert_eq!(store.reindex(context().tenant(), &[Arc::clone(&user)]).await.unwrap(), 1);
    store.commit(&context(), batch().insert(insert("u2"))).await.unwrap();
    assert_eq!(total(&store).await, 2);
}

/// Equal definitions need not be the same object.
#[tokio::test]
async fn an_equal_definition_is_served() {
    let directory = directory();
    let store = SqliteStore::open_with(directory.path().join("scim.db"), fast()).unwrap();
    for number in 0..200 {
        let document = resource(json!({"userName": format!("u{number}"), "title": "Boss"}));
        let insert = Insert::new(titled(false), format!("u{number}"), document);
        store.commit(&context(), batch().insert(insert)).await.unwrap();
        assert_eq!(count(&store, &titled(false), r#"title eq "boss""#).await, number + 1);
    }
}

/// A read that meets a rebuild is complete, or refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reads_beside_a_rebuild_never_find_too_little() {
    let directory = directory();
    let store = SqliteStore::open_with(directory.path().join("scim.db"), fast()).unwrap();
    let (before, after) = (ResourceType::user(), titled(false));
    let writes = (0..2_000).fold(batch(), |batch, number| {
        let document = json!({"userName": format!("u{number}"), "title": "Boss", "externalId": "same"});
        batch.insert(Insert::new(Arc::clone(&before), format!("u{number}"), resource(document)))
    });
    store.commit(&context(), writes).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = [(&before, r#"externalId eq "same""#), (&after, r#"title eq "boss""#)]
        .map(|(resource_type, filter)| {
            let (store, done, query) =
                (store.clone(), Arc::clone(&done), by(resource_type, filter).page(0, 0));
            tokio::spawn(async move {
                let mut answered = 0;
                while !done.load(Ordering::SeqCst) {
                    match store.query(&context(), query.clone()).await {
                        Ok(page) => {
                            assert_eq!(page.total, 2_000);
                            answered += 1;
                        }
                        Err(error) => assert!(is_stale::<()>(Err(error))),
                    }
                    tokio::task::yield_now().await;
                }
                answered
            })
        })
        .into();
    for _ in 0..3 {
        for served in [&after, &before] {
            store.reindex(context().tenant(), std::slice::from_ref(served)).await.unwrap();
        }
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
}

/// Two rebuilds for two definitions at once never leave keys that are partly of each.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_rebuilds_the_later_one_counts() {
    let directory = directory();
    let store = SqliteStore::open_with(directory.path().join("scim.db"), fast()).unwrap();
    let writes = (0..2_000).fold(batch(), |batch, number| {
        let document = json!({"userName": format!("u{number}"), "title": "Boss", "externalId": "same"});
        batch.insert(Insert::new(ResourceType::user(), format!("u{number}"), resource(document)))
    });
    store.commit(&context(), writes).await.unwrap();
    let others = [titled(false), titled(true)];
    let tenant = context().tenant().clone();
    let (first, second) = tokio::join!(
        store.reindex(&tenant, std::slice::from_ref(&others[0])),
        store.reindex(&tenant, std::slice::from_ref(&others[1])),
    );
    // The second finds two resources with one title, in whatever order they come.
    let refused = reason(second.unwrap_err());
    assert!(refused.contains("is to be unique") || refused.contains("began meanwhile"), "{refused}");
    match first {
        Ok(made) => assert_eq!((made, count(&store, &others[0], r#"title eq "boss""#).await), (2_000, 2_000)),
        Err(error) => {
            assert!(reason(error).contains("began meanwhile"));
            assert!(is_stale(store.query(&context(), by(&others[0], "title pr")).await));
        }
    }
}

#[tokio::test]
async fn srv_015_the_keys_of_one_tenant_are_not_those_of_another() {
    let directory = directory();
    let store = SqliteStore::open_with(directory.path().join("scim.db"), fast()).unwrap();
    let (plain, titled) = (ResourceType::user(), titled(false));
    let (octo, acme) = (context(), Context::new(TenantId::new("acme")));
    let insert = |resource_type: &Arc<ResourceType>, name: &str| {
        let document = json!({"userName": name, "displayName": "same", "title": "Boss"});
        batch().insert(Insert::new(Arc::clone(resource_type), name, resource(document)))
    };
    for (number, open) in ["one", "two"].into_iter().enumerate() {
        for (tenant, served) in [(&octo, &titled), (&acme, &plain)] {
            let made = store.reindex(tenant.tenant(), std::slice::from_ref(served)).await.unwrap();
            assert_eq!(made, 0, "{} is served as before", tenant.tenant());
        }
        store.commit(&octo, insert(&titled, open)).await.unwrap();
        store.commit(&acme, insert(&plain, open)).await.unwrap();
        assert_eq!(count(&store, &titled, r#"title eq "boss""#).await, number as u64 + 1);
    }
    assert_eq!(store.reindex(acme.tenant(), &[Arc::clone(&titled)]).await.unwrap(), 2);
    assert_eq!(store.reindex(octo.tenant(), &[titled]).await.unwrap(), 0, "another tenant's affair");
}

/// Old keys, which treat values as equal that are not equal any more, do not count.
#[tokio::test]
async fn what_is_unique_now_is_judged_by_its_new_keys() {
    let directory = directory();
    let store = SqliteStore::open_with(directory.path().join("scim.db"), fast()).unwrap();
    let titled = |exact: bool| {
        let mut schema = serde_json::to_value(&*Schema::user()).unwrap();
        for attribute in schema["attributes"].as_array_mut().unwrap() {
            if attribute["name"] == "title" {
                attribute["caseExact"] = json!(exact);
            }
        }
        let schema: Schema = serde_json::from_value(schema).unwrap();
        let document = ResourceTypeDocument::new("User", "/Users", scim_core::urn::USER);
        let builder = ResourceType::builder(document).schema(Arc::new(schema)).indexed(["userName", "title"]);
        Arc::new(if exact { builder.unique("title") } else { builder }.build().unwrap())
    };
    let before = titled(false);
    store.reindex(context().tenant(), &[Arc::clone(&before)]).await.unwrap();
    for (id, title) in [("a", "bob"), ("b", "Bob")] {
        let document = resource(json!({"userName": id, "title": title}));
        store
            .commit(&context(), batch().insert(Insert::new(Arc::clone(&before), id, document)))
            .await
            .unwrap();
    }
    assert_eq!(store.reindex(context().tenant(), &[titled(true)]).await.unwrap(), 2);
}

#[tokio::test]
async fn after_a_backup_the_file_can_be_opened_again() {
    let directory = directory();
    for number in 0..20 {
        let store = SqliteStore::open_with(directory.path().join("scim.db"), fast()).unwrap();
        store.backup(directory.path().join(format!("copy-{number}.db")), |_| {}).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_backups_to_one_place_one_is_made() {
    let directory = directory();
    let (path, copy) = (directory.path().join("scim.db"), directory.path().join("copy.db"));
    let store = SqliteStore::open_with(&path, fast()).unwrap();
    let writes = (0..500).fold(batch(), |batch, number| batch.insert(large(number)));
    store.commit(&context(), writes).await.unwrap();
    // Both backups have begun before either goes on.
    let begun = Arc::new(std::sync::Barrier::new(2));
    let waiting = || {
        let (begun, mut first) = (Arc::clone(&begun), true);
        move |_| {
            if std::mem::take(&mut first) {
                begun.wait();
            }
        }
    };
    let (one, other) = tokio::join!(store.backup(&copy, waiting()), store.backup(&copy, waiting()));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let refused = reason(one.and(other).unwrap_err());
    assert!(refused.contains("there already"), "{refused}");
    let mut files: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.retain(|name| name.to_string_lossy().starts_with("copy"));
    assert_eq!(files, ["copy.db"]);
    assert!(is_sound(&copy));
    assert_eq!(total(&SqliteStore::open(&copy).unwrap()).await, 500);
}
