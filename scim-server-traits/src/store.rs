//! Where resources are kept.

use std::sync::Arc;

use async_trait::async_trait;

use crate::batch::{Batch, Written};
use crate::context::Context;
use crate::error::StoreError;
use crate::query::{Get, Page, Query, Stored};

/// A place that keeps the resources of all tenants, three calls wide.
///
/// Every call sees one tenant only: the context's. The contract, sentence by sentence, is what
/// the conformance kit checks.
#[async_trait]
pub trait Store: Send + Sync {
    /// Reads one resource; `None` when the tenant has none of that type and id.
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError>;

    /// Reads a page of the resources that match, in the order of the query, with their exact number.
    ///
    /// Who walks from page to page by position meets each resource that stays there, under the same key,
    /// exactly once, whatever else is written meanwhile.
    ///
    /// Errors: [`StoreError::TooMany`] past the scan budget.
    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError>;

    /// Carries out a batch, all or nothing, and says what came of each write, in order.
    ///
    /// What was answered is kept: a store that promises durability promises it from here on.
    ///
    /// Errors: [`NotFound`](StoreError::NotFound), [`Precondition`](StoreError::Precondition),
    /// [`Uniqueness`](StoreError::Uniqueness), [`Claimed`](StoreError::Claimed),
    /// [`UnknownTarget`](StoreError::UnknownTarget), [`Full`](StoreError::Full).
    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError>;
}

#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        (**self).get(context, get).await
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        (**self).query(context, query).await
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        (**self).commit(context, batch).await
    }
}
