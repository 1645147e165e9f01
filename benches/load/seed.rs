//! Fills a store quickly, by its own `commit` in large batches.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use scim_core::{Reference, ResourceType, Timestamp};
use scim_patch::{RelationEdit, RelationStep};
use scim_server_traits::{Batch, Context, Insert, Store, StoreError, TenantId, Update, Written};
use scim_store::{Durability, SqliteOptions, SqliteStore};
use tokio::task::JoinHandle;

use crate::people::{Person, SPARE, Size, group, group_id, large_group_id, person_id};
use crate::progress;

/// The tenant that everything belongs to.
pub(crate) const TENANT: &str = "load";

/// How many resources one batch creates.
const CHUNK: usize = 1_000;

/// Returns the file with this many people in `folder`, and creates it if it does not exist.
pub(crate) async fn seeded(folder: &Path, size: Size) -> anyhow::Result<PathBuf> {
    let file = folder.join(format!("people-{}.db", size.people()));
    if !file.exists() {
        let partial = folder.join(format!("people-{}-partial.db", size.people()));
        remove(&partial)?;
        fill(&partial, size).await?;
        std::fs::rename(&partial, &file)?;
    }
    // A file that an older version filled gets the present layout. It keeps its page size and has free space between
    // pages. So for figures that are to be kept, begin with an empty folder.
    let store = SqliteStore::open_with(&file, SqliteOptions::default().without_check())?;
    store.reindex(&TenantId::new(TENANT), &[ResourceType::user(), ResourceType::group()]).await?;
    drop(store);
    Ok(file)
}

/// Copies a seeded file, so that the copy can be changed.
///
/// It is written page by page, as the store writes its file. Some systems keep what was written together as one piece.
/// Each later write into a larger piece then takes longer, up to 10 times.
pub(crate) fn copied(file: &Path, to: &Path) -> anyhow::Result<()> {
    remove(to)?;
    let copy = || {
        let (mut from, mut to) = (File::open(file)?, File::create(to)?);
        let mut page = [0; PAGE];
        loop {
            match from.read(&mut page)? {
                0 => return to.sync_all(),
                length => to.write_all(&page[..length])?,
            }
        }
    };
    copy().with_context(|| format!("cannot copy `{}`", file.display()))
}

/// The size of a page of the store's files, in bytes.
const PAGE: usize = 4_096;

/// Removes a database and the files that belong to it.
pub(crate) fn remove(file: &Path) -> anyhow::Result<()> {
    for ending in ["", "-wal", "-shm", "-lock", "-mark"] {
        let mut path = file.as_os_str().to_owned();
        path.push(ending);
        if Path::new(&path).exists() {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

async fn fill(file: &Path, size: Size) -> anyhow::Result<()> {
    let options = SqliteOptions::default().with_durability(Durability::Off).with_kept_changes(1_000);
    let large = size.large_groups();
    let all = size.people() + SPARE + size.groups() + large.iter().sum::<usize>();
    let mut filling = Filling {
        store: SqliteStore::open_with(file, options)?,
        context: Context::new(TenantId::new(TENANT)),
        under_way: None,
    };
    let bar = progress::bar(all, &format!("seeding {} people", size.people()));
    let (users, groups) = (ResourceType::user(), ResourceType::group());
    let person = Person::new();
    for chunk in chunks(size.people() + SPARE) {
        bar.inc(chunk.len() as u64);
        let inserts =
            chunk.map(|number| Insert::new(Arc::clone(&users), person_id(number), person.document(number)));
        filling.commit(inserts.fold(batch(), Batch::insert)).await?;
    }
    for chunk in chunks(size.groups()) {
        bar.inc(chunk.len() as u64);
        let inserts = chunk.map(|number| {
            let members = size.members(number).map(|member| Reference::new(person_id(member))).collect();
            Insert::new(Arc::clone(&groups), group_id(number), group(&format!("Group {number}")))
                .with_links("members", members)
        });
        filling.commit(inserts.fold(batch(), Batch::insert)).await?;
    }
    for members in large {
        let id = large_group_id(members);
        let insert = Insert::new(Arc::clone(&groups), &id, group(&format!("The first {members}")));
        filling.commit(batch().insert(insert)).await?;
        for chunk in chunks(members) {
            bar.inc(chunk.len() as u64);
            let add = RelationStep::Add(chunk.map(|member| Reference::new(person_id(member))).collect());
            let update =
                Update::new(Arc::clone(&groups), &id).with_relations(vec![RelationEdit::new("members", add)]);
            filling.commit(batch().update(update)).await?;
        }
    }
    filling.finish().await?;
    bar.finish_and_clear();
    Ok(())
}

fn chunks(all: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..all).step_by(CHUNK).map(move |from| from..(from + CHUNK).min(all))
}

fn batch() -> Batch {
    Batch::new(Timestamp::from_millis(1_795_305_600_000))
}

/// A store while it is filled. The next batch is made while one is written.
struct Filling {
    store: SqliteStore,
    context: Context,
    under_way: Option<JoinHandle<Result<Vec<Written>, StoreError>>>,
}

impl Filling {
    async fn commit(&mut self, batch: Batch) -> anyhow::Result<()> {
        self.finish().await?;
        let (store, context) = (self.store.clone(), self.context.clone());
        self.under_way = Some(tokio::spawn(async move { store.commit(&context, batch).await }));
        Ok(())
    }

    async fn finish(&mut self) -> anyhow::Result<()> {
        if let Some(under_way) = self.under_way.take() {
            under_way.await??;
        }
        Ok(())
    }
}
