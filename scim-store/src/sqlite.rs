//! A store in one SQLite file.

mod backup;
mod by_key;
mod cause;
mod checkpointer;
mod checksum;
mod epoch;
mod fault;
mod feed;
mod file;
mod health;
mod in_place;
mod keys;
mod layout;
mod lock;
mod log;
mod mark;
mod moving;
mod names;
mod narrow;
mod options;
mod pace;
mod partial;
mod private;
mod queue;
mod rank;
mod read;
mod readers;
mod reads;
mod record;
mod reindex;
mod relations;
mod schema;
mod sync;
mod write;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use scim_core::{ResourceType, Timestamp, Work};
use scim_server_traits::{
    Batch, Change, ChangeFeed, ChangeFeedError, Context, FeedPosition, Get, KeptRecord, Link, LinkChunks,
    Match, MoreLinks, OperatorFeed, Page, Query, RecordQuery, Records, Store, StoreError, Stored, TenantId,
    Write, Written,
};

pub use backup::{BackupProgress, backup};
pub use health::SqliteHealth;
pub use options::{Durability, SqliteOptions};

use fault::Fault;
use in_place::InPlace;
use keys::{Keys, Made};
use names::Names;
use pace::Pace;
use read::Left;
use readers::{Readers, Snapshot};
use relations::Targets;
use writer::Writer;

use crate::news::News;

/// A store in one SQLite file. Clones share it, and dropping the last one closes it.
///
/// One thread writes. It commits queued batches together, each of them all or nothing, and answers when the commit is
/// durable. Reads do not wait for the writer, and each sees one consistent state. Short reads run on the caller's
/// thread, for 1 ms at most unless the disk has to be read. Long reads run on a few threads, and end early if the
/// caller no longer waits. The store needs no particular async runtime, and no other call blocks the thread that polls
/// it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// use scim_store::SqliteStore;
/// let store = SqliteStore::open(directory.path().join("scim.db"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteStore {
    threads: Arc<Threads>,
    path: PathBuf,
    /// The configured length of the log, in bytes.
    log: u64,
}

/// Dropped in this order: the writer closes the file last, so that no log is left behind.
struct Threads {
    readers: Readers,
    writer: Writer,
    keys: Arc<Keys>,
    news: Arc<News>,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the file, or creates it, with the default options. A successful write survives a power cut. A file of an
    /// earlier released version is brought to the present layout.
    ///
    /// On Unix only the owner can open a new file, its log and its lock (mode 0600). If others can open an existing
    /// file, a warning is logged, with the command that prevents it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Backend`] if the file cannot be opened, is no database, is damaged, or is served by another
    /// process. Also if it was written by a newer version of this crate, or by one before its first release.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteOptions::default())
    }

    /// Opens a file with these options.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let path = path.as_ref();
        if path.as_os_str().is_empty() || path.as_os_str() == ":memory:" {
            return Err(Fault::NoFile.into());
        }
        // SQLite follows symbolic links, so the lock and the log are next to the file that they lead to.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        // The writer creates the file and its tables; readers cannot.
        let names = Arc::new(Names::new(options.names));
        let keys = Arc::new(Keys::default());
        let reading = (Arc::new(Readers::reads(&options)), Arc::new(InPlace::new(&path, &options)));
        let news = Arc::new(News::default());
        let shared = (Arc::clone(&names), Arc::clone(&keys), Arc::clone(&news));
        let writer = Writer::open(&path, &options, shared, reading.clone())?;
        let readers = Readers::open(&path, &options, names, reading)?;
        private::warn_of_others(&path);
        Ok(Self { threads: Arc::new(Threads { readers, writer, keys, news }), path, log: options.log })
    }

    /// Rebuilds the index keys of a tenant's types whose indexed or unique attributes have changed.
    ///
    /// Returns for how many resources keys were rebuilt. It is 0 if nothing is different, which is cheap to find out.
    /// Call it for each tenant with all types that the tenant is served, before they are served. A type for which the
    /// call is missing, or whose keys are being rebuilt, is refused with [`StoreError::StaleIndex`]. Otherwise queries
    /// and writes of documents would use keys of other attributes. The rebuild works in chunks, between the writes of
    /// other types, and starts again after an interruption.
    ///
    /// # Errors
    ///
    /// [`StoreError::Backend`] if two resources, which it names, have the same value of an attribute that is unique
    /// now. Also if another call for the same type began meanwhile.
    pub async fn reindex(
        &self,
        tenant: &TenantId,
        resource_types: &[Arc<ResourceType>],
    ) -> Result<u64, StoreError> {
        let writer = &self.threads.writer;
        let mut resources = 0;
        for resource_type in resource_types {
            let of = (tenant.clone(), Arc::clone(resource_type));
            let (first, last, keys) = (of.clone(), of.clone(), Arc::clone(&self.threads.keys));
            let begin = move |connection: &_| reindex::begin(connection, &keys, first.0.as_str(), &first.1);
            let Some(turn) = writer.alone(begin).await? else { continue };
            let mut after = 0;
            loop {
                let next = of.clone();
                let keys = Arc::clone(&self.threads.keys);
                let chunk = move |connection: &_| {
                    reindex::chunk(connection, &keys, next.0.as_str(), &next.1, turn, after)
                };
                let Some((count, reached)) = writer.alone(chunk).await? else { break };
                (resources, after) = (resources + count, reached);
            }
            writer
                .alone(move |connection| reindex::finish(connection, last.0.as_str(), &last.1, turn))
                .await?;
        }
        Ok(resources)
    }

    /// Copies the store to the new file `to` while it is in use, as [`backup`] does, on a thread of its own.
    ///
    /// ```
    /// # async fn example(store: &scim_store::SqliteStore) -> Result<(), scim_server_traits::StoreError> {
    /// store.backup("scim-2025-12-31.db", |progress| println!("{} of {}", progress.done, progress.total)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`backup`].
    pub async fn backup(
        &self,
        to: impl AsRef<Path>,
        progress: impl FnMut(BackupProgress) + Send + 'static,
    ) -> Result<(), StoreError> {
        Ok(backup::spawn(self.clone(), self.path.clone(), to.as_ref().to_owned(), self.log, progress).await?)
    }

    /// Returns 32 random bytes that are created with the file and never change. A server can sign its cursors with
    /// them. A person who can read the file can read them.
    pub fn secret(&self) -> [u8; 32] {
        self.threads.writer.secret
    }

    /// Returns whether the store can write, and how much is in its log. Of the disk it reads only the free room.
    pub fn health(&self) -> SqliteHealth {
        self.threads.writer.health()
    }

    /// Reads the page, with keys that fit the type.
    async fn read_page(&self, context: &Context, query: Arc<Query>) -> Result<read::Read, Fault> {
        let tenant = context.tenant();
        let Threads { readers, keys, .. } = &*self.threads;
        let resource_type = &query.resource_type;
        loop {
            let generation = keys.generation();
            let fit = keys.fit(tenant.as_str(), resource_type);
            let (tenant_of, asked) = (tenant.clone(), Arc::clone(&query));
            let pace = Pace::charging(context.work().clone());
            let paced = pace.clone();
            let read = move |snapshot: Snapshot<'_>| {
                // Checked on the state that the page is read from.
                let made = if fit {
                    Made::NotYet
                } else {
                    keys::check(snapshot.connection, tenant_of.as_str(), &asked.resource_type)?
                };
                let page = read::query(snapshot, tenant_of.as_str(), &asked, &paced)?;
                Ok((made, page))
            };
            let (made, page) = readers.run(context, pace, read).await?;
            // Otherwise a rebuild of keys began meanwhile, perhaps of these.
            if keys.generation() == generation {
                if made == Made::Fitting {
                    keys.note(generation, tenant.as_str(), resource_type);
                }
                return Ok(page);
            }
        }
    }

    /// Remembers that the keys fit the type, if they do. The writer decides in the end.
    async fn check_keys(&self, context: &Context, resource_type: &Arc<ResourceType>) -> Result<(), Fault> {
        let keys = &self.threads.keys;
        let tenant = context.tenant();
        let generation = keys.generation();
        let (tenant_of, asked) = (tenant.clone(), Arc::clone(resource_type));
        let check =
            move |snapshot: Snapshot<'_>| keys::check(snapshot.connection, tenant_of.as_str(), &asked);
        if self.threads.readers.run(context, Pace::free(context.work().clone()), check).await?
            == Made::Fitting
        {
            keys.note(generation, tenant.as_str(), resource_type);
        }
        Ok(())
    }

    fn with_more(&self, context: &Context, mut stored: Stored, left: Vec<Left>) -> Stored {
        for Left { relation, targets } in left {
            stored.more.insert(
                relation,
                MoreLinks::new(Chunks { store: self.clone(), context: of_stream(context), targets }),
            );
        }
        stored
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        let tenant = context.tenant().clone();
        let read = move |snapshot: Snapshot<'_>| read::get(snapshot, tenant.as_str(), &get);
        let found = self.threads.readers.run(context, Pace::free(context.work().clone()), read).await?;
        Ok(found.map(|(stored, left)| self.with_more(context, stored, left)))
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        let (total, matches) = self.read_page(context, Arc::new(query)).await?;
        let found = |(found, left): (Match, _)| {
            Match::new(found.position, self.with_more(context, found.stored, left))
        };
        Ok(Page::new(total, matches.into_iter().map(found).collect()))
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        let tenant = context.tenant();
        for resource_type in batch.writes.iter().filter_map(writes_keys_of) {
            if !self.threads.keys.fit(tenant.as_str(), resource_type) {
                self.check_keys(context, resource_type).await?;
            }
        }
        Ok(self.threads.writer.commit(context, batch).await?)
    }
}

/// Returns the context for the chunks of a streamed answer. The request, and so its account, has ended by then.
fn of_stream(context: &Context) -> Context {
    Context::new(context.tenant().clone()).with_principal(context.principal().clone())
}

/// Returns the context for reads of the change feed, which belong to the operator.
fn operator() -> Context {
    Context::new(TenantId::new(""))
}

/// Returns the type of the document that is written.
fn writes_keys_of(write: &Write) -> Option<&Arc<ResourceType>> {
    match write {
        Write::Insert(insert) => Some(&insert.resource_type),
        Write::Update(update) => update.resource.as_ref().map(|_| &update.resource_type),
        _ => None,
    }
}

/// The links of a large relation, read on demand.
struct Chunks {
    store: SqliteStore,
    context: Context,
    targets: Targets,
}

#[async_trait]
impl LinkChunks for Chunks {
    async fn chunk(&self, number: usize) -> Result<Option<Vec<Link>>, StoreError> {
        let targets = self.targets.clone();
        let read = move |snapshot: Snapshot<'_>| targets.chunk(snapshot.connection, number);
        let run = self.store.threads.readers.run(&self.context, Pace::free(Work::unlimited()), read);
        Ok(run.await?)
    }

    fn held(&self) -> usize {
        self.targets.held()
    }
}

impl SqliteStore {
    /// Reads what SQLite finds without being charged.
    async fn look<T: Send + 'static>(
        &self,
        read: impl Fn(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let read = move |snapshot: Snapshot<'_>| read(snapshot.connection);
        Ok(self.threads.readers.run(&operator(), Pace::free(Work::unlimited()), read).await?)
    }
}

#[async_trait]
impl ChangeFeed for SqliteStore {
    async fn newest(&self, tenant: &TenantId) -> Result<u64, ChangeFeedError> {
        let tenant = tenant.clone();
        Ok(self.look(move |connection| feed::newest(connection, tenant.as_str())).await?)
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Change>, ChangeFeedError> {
        let tenant = tenant.clone();
        self.look(move |connection| feed::after(connection, tenant.as_str(), after, limit)).await?
    }

    async fn changed(&self, tenant: &TenantId, after: u64) -> Result<(), ChangeFeedError> {
        self.threads.news.until(Some(tenant), || async { Ok(self.newest(tenant).await? != after) }).await
    }
}

#[async_trait]
impl OperatorFeed for SqliteStore {
    async fn newest_of_all(&self) -> Result<FeedPosition, ChangeFeedError> {
        Ok(self.look(feed::position).await?)
    }

    async fn changes_of_all(
        &self,
        after: &FeedPosition,
        limit: usize,
    ) -> Result<(Vec<Change>, FeedPosition), ChangeFeedError> {
        let after = after.number()?;
        self.look(move |connection| feed::after_of_all(connection, after, limit)).await?
    }

    async fn changed_of_all(&self, after: &FeedPosition) -> Result<(), ChangeFeedError> {
        self.threads.news.until(None, || async { Ok(self.newest_of_all().await? != *after) }).await
    }
}

#[async_trait]
impl Records for SqliteStore {
    async fn records(&self, context: &Context, query: RecordQuery) -> Result<Vec<KeptRecord>, StoreError> {
        let tenant = context.tenant().clone();
        let pace = Pace::charging(context.work().clone());
        let paced = pace.clone();
        let read = move |snapshot: Snapshot<'_>| record::read(snapshot, tenant.as_str(), &query, &paced);
        Ok(self.threads.readers.run(context, pace, read).await?)
    }

    async fn prune(&self, context: &Context, stream: &str, until: Timestamp) -> Result<u64, StoreError> {
        let mut pruned = 0;
        loop {
            let (tenant, stream) = (context.tenant().clone(), stream.to_owned());
            let some = move |connection: &_| record::prune(connection, tenant.as_str(), &stream, until);
            let (gone, may_be_more) = self.threads.writer.alone(some).await?;
            pruned += gone;
            if !may_be_more {
                return Ok(pruned);
            }
        }
    }
}
