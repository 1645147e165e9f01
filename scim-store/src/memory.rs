//! A store in memory: for tests, demos, and data that may be lost.

mod feed;
mod large;
mod narrow;
mod read;
mod stream;
mod tables;
mod tenant;
mod ticks;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_lock::SemaphoreGuardArc;
use async_trait::async_trait;
use scim_core::{Timestamp, Work};
use scim_server_traits::{
    Batch, Change, ChangeFeed, ChangeFeedError, Context, FeedPosition, Get, KeptRecord, OperatorFeed, Page,
    Query, RecordQuery, Records, Store, StoreError, Stored, TenantId, Written,
};

use crate::lanes::{Lanes, Places};
use crate::news::News;
use crate::scan::IN_PLACE;
use crate::write::write_all;
use feed::Feed;
use tables::Transaction;
use tenant::Tenant;

/// A store in memory. Clones share the data.
///
/// Short reads and writes run on the caller's thread. A read that turns out to be long runs on a snapshot, on a thread
/// of the [`blocking`] pool. So it blocks neither writes nor the caller's thread. A batch that changes more than about
/// 1,000 links is carried out there too, on a copy that then takes the place of the tenant's data: meanwhile only writes
/// of the same tenant wait. Nothing outlives the process. The change feed keeps the last 100,000 changes.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    tenants: Arc<RwLock<BTreeMap<TenantId, Tenant>>>,
    /// One place for each tenant. Whoever changes its data holds it.
    writing: Arc<Places<TenantId>>,
    /// Locked after `tenants`, so that changes are in the order of commits.
    feed: Arc<RwLock<Feed>>,
    news: Arc<News>,
    lanes: Arc<Lanes>,
}

impl MemoryStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        let readers = std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
        let (lanes, writing) = (Arc::new(Lanes::new(readers)), Arc::new(Places::new(1)));
        Self { tenants: Arc::default(), writing, feed: Arc::default(), news: Arc::default(), lanes }
    }

    /// Reads a tenant's data. `read` gets two accounts: one for finding resources, one for returning them.
    async fn read<T: Default + Send + 'static>(
        &self,
        context: &Context,
        read: impl Fn(&Tenant, &Work, &Work) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let short = Work::steps(IN_PLACE);
        match self.tenants.read().map_err(poisoned)?.get(context.tenant()) {
            None => return Ok(T::default()),
            Some(tenant) => match read(tenant, &short, &short) {
                Err(StoreError::Exhausted(_)) => {}
                outcome => return outcome,
            },
        }
        let place = self.lanes.enter(context).await;
        let snapshot = self.tenants.read().map_err(poisoned)?.get(context.tenant()).cloned();
        let Some(snapshot) = snapshot else { return Ok(T::default()) };
        let work = context.work().clone();
        blocking::unblock(move || {
            // Kept until the work is done, even if the caller no longer waits.
            let _place = place;
            read(&snapshot, &work, &work.uncounted())
        })
        .await
    }
}

/// As many changes are freed on the caller's thread.
const FEW: usize = 1_000;

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// A batch panicked, half done.
#[derive(Debug, thiserror::Error)]
#[error("an earlier call panicked and may have left the data half changed")]
struct Poisoned;

fn poisoned<T>(_: PoisonError<T>) -> StoreError {
    StoreError::backend(Poisoned)
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        self.read(context, move |tenant, _, work| read::get(tenant, &get, work)).await
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        let read = move |tenant: &Tenant, work: &Work, page: &Work| read::query(tenant, &query, work, page);
        self.read(context, read).await
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        let turn = self.writing.of(context.tenant().clone()).acquire_arc().await;
        let written = match self.large(context.tenant(), &batch)? {
            Some(copy) => self.commit_elsewhere(context, batch, copy, turn).await,
            None => {
                let written = self.commit_here(context, batch);
                drop(turn);
                written
            }
        };
        self.news.tell(context.tenant());
        written
    }
}

impl MemoryStore {
    /// Returns a copy of the tenant's data if the batch may take long.
    fn large(&self, tenant: &TenantId, batch: &Batch) -> Result<Option<Tenant>, StoreError> {
        let tenants = self.tenants.read().map_err(poisoned)?;
        let nobody = Tenant::default();
        let tenant = tenants.get(tenant).unwrap_or(&nobody);
        Ok(large::is_large(tenant, batch).then(|| tenant.clone()))
    }

    fn commit_here(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        let Batch { now, cause, writes, records, .. } = batch;
        let mut tenants = self.tenants.write().map_err(poisoned)?;
        let tenant = tenants.entry(context.tenant().clone()).or_default();
        let mut transaction = Transaction::new(context.tenant(), &cause, tenant);
        let written = write_all(&mut transaction, now, (writes, records), context.work());
        if written.is_err() {
            transaction.undo();
        } else {
            let evicted = self.feed.write().map_err(poisoned)?.append(transaction.finish(now));
            if evicted.len() > FEW {
                free(evicted);
            }
        }
        written
    }

    /// Carries out a batch on a copy, which then takes the place of the tenant's data. If the caller no longer waits, that
    /// still happens once the work has begun.
    async fn commit_elsewhere(
        &self,
        context: &Context,
        batch: Batch,
        mut copy: Tenant,
        turn: SemaphoreGuardArc,
    ) -> Result<Vec<Written>, StoreError> {
        let Batch { now, cause, writes, records, .. } = batch;
        let (store, tenant, work) = (self.clone(), context.tenant().clone(), context.work().clone());
        let work = move || {
            let mut transaction = Transaction::on_copy(&tenant, &cause, &mut copy);
            let written = write_all(&mut transaction, now, (writes, records), &work)?;
            let changes = transaction.finish(now);
            let replaced = {
                let mut tenants = store.tenants.write().map_err(poisoned)?;
                let evicted = store.feed.write().map_err(poisoned)?.append(changes);
                (tenants.insert(tenant, copy), evicted)
            };
            drop(turn);
            // Freed here, because it takes its time as well.
            drop(replaced);
            Ok(written)
        };
        blocking::unblock(work).await
    }
}

/// Frees something that may be large on another thread.
fn free<T: Send + 'static>(what: T) {
    blocking::unblock(move || drop(what)).detach();
}

#[async_trait]
impl ChangeFeed for MemoryStore {
    async fn newest(&self, tenant: &TenantId) -> Result<u64, ChangeFeedError> {
        Ok(self.feed.read().map_err(poisoned)?.newest(tenant))
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Change>, ChangeFeedError> {
        self.feed.read().map_err(poisoned)?.after(tenant, after, limit)
    }

    async fn changed(&self, tenant: &TenantId, after: u64) -> Result<(), ChangeFeedError> {
        self.news.until(Some(tenant), || async { Ok(self.newest(tenant).await? != after) }).await
    }
}

#[async_trait]
impl OperatorFeed for MemoryStore {
    async fn newest_of_all(&self) -> Result<FeedPosition, ChangeFeedError> {
        Ok(self.feed.read().map_err(poisoned)?.position())
    }

    async fn changes_of_all(
        &self,
        after: &FeedPosition,
        limit: usize,
    ) -> Result<(Vec<Change>, FeedPosition), ChangeFeedError> {
        self.feed.read().map_err(poisoned)?.after_of_all(after, limit)
    }

    async fn changed_of_all(&self, after: &FeedPosition) -> Result<(), ChangeFeedError> {
        self.news.until(None, || async { Ok(self.newest_of_all().await? != *after) }).await
    }
}

#[async_trait]
impl Records for MemoryStore {
    async fn records(&self, context: &Context, query: RecordQuery) -> Result<Vec<KeptRecord>, StoreError> {
        let read = move |tenant: &Tenant, work: &Work, _: &Work| match tenant.stream(query.stream.name()) {
            Some(stream) => stream.read(&query, work),
            None => Ok(Vec::new()),
        };
        self.read(context, read).await
    }

    async fn prune(&self, context: &Context, stream: &str, until: Timestamp) -> Result<u64, StoreError> {
        let _turn = self.writing.of(context.tenant().clone()).acquire_arc().await;
        let mut tenants = self.tenants.write().map_err(poisoned)?;
        let stream = tenants.get_mut(context.tenant()).and_then(|tenant| tenant.stream_mut(stream));
        let Some(pruned) = stream.map(|stream| stream.prune(until)) else { return Ok(0) };
        drop(tenants);
        let count = pruned.len() as u64;
        free(pruned);
        Ok(count)
    }
}
