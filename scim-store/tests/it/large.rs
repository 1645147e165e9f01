//! Large data: pages far behind, groups with many members, reads that take long.

use std::sync::Arc;

use scim_core::ResourceType;
use scim_server_traits::{Batch, Context, Delete, Get, Query, Store, TenantId, Update};
use scim_store::{Durability, SqliteOptions, SqliteStore};
use tempfile::TempDir;

use super::given::{batch, context, group, user};

/// More than one block of rows, and more than one chunk of links.
const PEOPLE: usize = 2_500;

async fn filled(directory: &TempDir) -> SqliteStore {
    let options = SqliteOptions::default().with_durability(Durability::Off);
    let store = SqliteStore::open_with(directory.path().join("scim.db"), options).unwrap();
    let people = (0..PEOPLE).map(|number| user(&format!("u{number}"), &format!("person{number}")));
    // Rows of another tenant lie between them.
    let (one, two): (Vec<_>, Vec<_>) = people.enumerate().partition(|(number, _)| number % 5 < 3);
    for (first, second) in one.chunks(750).zip(two.chunks(500)) {
        for (context, people) in [(context(), first), (elsewhere(), second)] {
            let inserts = people.iter().map(|(_, insert)| insert.clone());
            store.commit(&context, inserts.fold(batch(), Batch::insert)).await.unwrap();
        }
    }
    store
}

fn elsewhere() -> Context {
    Context::new(TenantId::new("elsewhere"))
}

async fn page(store: &SqliteStore, offset: u64, limit: u64) -> (u64, Vec<String>) {
    let query = Query::new(ResourceType::user()).page(offset, limit);
    let page = store.query(&context(), query).await.unwrap();
    (page.total, page.into_resources().map(|stored| stored.id).collect())
}

/// Each page is the one that counting everything before it would find.
async fn tile(store: &SqliteStore) {
    let (total, all) = page(store, 0, 10_000).await;
    assert_eq!(total, all.len() as u64);
    for offset in [0, 1, 1_023, 1_024, 1_025, 1_300, total - 1, total, total + 1, 5_000] {
        let from = usize::try_from(offset).unwrap().min(all.len());
        let expected = &all[from..all.len().min(from + 3)];
        assert_eq!(page(store, offset, 3).await, (total, expected.to_vec()), "at {offset}");
    }
}

#[tokio::test]
async fn a_page_at_depth_is_where_counting_finds_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(&directory).await;
    tile(&store).await;
    // Holes, up to a whole block of rows.
    let (_, ids) = page(&store, 0, 10_000).await;
    let gone = ids.iter().enumerate().filter(|(place, _)| place % 7 == 0 || (300..1_100).contains(place));
    let deletes = gone.map(|(_, id)| Delete::new(ResourceType::user(), id));
    store.commit(&context(), deletes.fold(batch(), Batch::delete)).await.unwrap();
    tile(&store).await;
    drop(store);

    let file = rusqlite::Connection::open(directory.path().join("scim.db")).unwrap();
    let rows = |sql: &str| {
        let mut select = file.prepare(sql).unwrap();
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let rows = select.query_map([], row).unwrap().collect::<Result<Vec<(String, String, i64, i64)>, _>>();
        rows.unwrap()
    };
    let kept = rows("SELECT tenant, kind, block, n FROM scim_rank");
    let counted = "SELECT tenant, kind, seq / 1024, count(*) FROM scim_resource GROUP BY 1, 2, 3";
    assert_eq!(kept, rows(counted), "counted while written, and at once");
}

#[tokio::test]
async fn many_links_come_in_chunks() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(&directory).await;
    let (_, ids) = page(&store, 0, 10_000).await;
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    store.commit(&context(), batch().insert(group("g1", &ids))).await.unwrap();
    let get = Get::new(ResourceType::group(), "g1").with_relations(vec!["members".into()]);
    let whole = store.get(&context(), get.clone()).await.unwrap().unwrap();
    assert_eq!((whole.links["members"].len(), whole.more.len()), (1_500, 0));
    let sparing = store.get(&context(), get.at_once(1_000)).await.unwrap().unwrap();
    assert!(sparing.links["members"].is_empty());
    let more = &sparing.more["members"];
    let mut chunks = Vec::new();
    while let Some(links) = more.chunk(chunks.len()).await.unwrap() {
        chunks.push(links);
    }
    assert!(chunks.iter().all(|links| links.len() <= 1_000));
    assert_eq!(chunks.concat(), whole.links["members"]);
}

/// A member that is suspended before a chunk is read is hidden in it.
#[tokio::test]
async fn who_is_hidden_is_in_no_chunk() {
    let directory = tempfile::tempdir().unwrap();
    let store = filled(&directory).await;
    let (_, ids) = page(&store, 0, 10_000).await;
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    store.commit(&context(), batch().insert(group("g1", &ids))).await.unwrap();
    let suspend = async |id: &str| {
        let mut update = Update::new(ResourceType::user(), id);
        update.dormant = Some(true);
        store.commit(&context(), batch().update(update)).await.unwrap();
    };
    suspend(ids[3]).await;
    let get = Get::new(ResourceType::group(), "g1").with_relations(vec!["members".into()]).at_once(1_000);
    let stored = store.get(&context(), get).await.unwrap().unwrap();
    suspend(ids[5]).await;
    let links = stored.more["members"].chunk(0).await.unwrap().unwrap();
    let shown: Vec<&str> = links.iter().take(4).map(|link| &*link.id).collect();
    assert_eq!(shown, [ids[0], ids[1], ids[2], ids[4]]);
    assert_eq!(links.iter().filter(|link| [ids[3], ids[5]].contains(&&*link.id)).count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn long_reads_and_many_reads_are_answered() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(filled(&directory).await);
    let reads = (0..64).map(|number| {
        let store = Arc::clone(&store);
        // Short reads, and reads that take more than is done in place.
        let limit = if number % 2 == 0 { 1 } else { 10_000 };
        tokio::spawn(async move { page(&store, 0, limit).await.1.len() as u64 == limit.min(1_500) })
    });
    let reads: Vec<_> = reads.collect();
    for read in reads {
        assert!(read.await.unwrap());
    }
}
