//! A store in memory: for tests, demos, and data that may be lost.

mod feed;
mod narrow;
mod read;
mod tables;
mod tenant;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use scim_server_traits::{
    Batch, Change, ChangeFeed, ChangeFeedError, Context, Get, Page, Query, Store, StoreError, Stored,
    TenantId, Written,
};

use crate::write::write_all;
use feed::Feed;
use tables::Transaction;
use tenant::Tenant;

/// A store in memory. Clones share the data.
///
/// Calls never wait for anything but each other: readers share a lock, a batch holds it alone. Nothing
/// outlives the process. Of the changes, the last 100,000 are kept for those who follow them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    tenants: Arc<RwLock<BTreeMap<TenantId, Tenant>>>,
    /// Locked after `tenants`, so that changes are in the order of commits.
    feed: Arc<RwLock<Feed>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn read<T: Default>(
        &self,
        context: &Context,
        read: impl FnOnce(&Tenant) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let tenants = self.tenants.read().map_err(poisoned)?;
        tenants.get(context.tenant()).map_or_else(|| Ok(T::default()), read)
    }
}

/// A batch ended in a panic, half done.
#[derive(Debug, thiserror::Error)]
#[error("an earlier call panicked and may have left the data half changed")]
struct Poisoned;

fn poisoned<T>(_: PoisonError<T>) -> StoreError {
    StoreError::backend(Poisoned)
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        self.read(context, |tenant| Ok(read::get(tenant, &get)))
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        self.read(context, |tenant| read::query(tenant, &query))
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        let Batch { now, writes, .. } = batch;
        let mut tenants = self.tenants.write().map_err(poisoned)?;
        let tenant = tenants.entry(context.tenant().clone()).or_default();
        let mut transaction = Transaction::new(context.tenant(), tenant);
        let written = write_all(&mut transaction, now, writes);
        if written.is_err() {
            transaction.undo();
        } else {
            self.feed.write().map_err(poisoned)?.append(transaction.into_changes());
        }
        written
    }
}

#[async_trait]
impl ChangeFeed for MemoryStore {
    async fn newest(&self) -> Result<u64, ChangeFeedError> {
        Ok(self.feed.read().map_err(poisoned)?.newest())
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, ChangeFeedError> {
        self.feed.read().map_err(poisoned)?.after(after, limit)
    }
}
