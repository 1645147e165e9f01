//! Where resources are kept.

use std::sync::Arc;

use async_trait::async_trait;

use crate::batch::{Batch, Written};
use crate::context::Context;
use crate::error::StoreError;
use crate::query::{Get, Page, Query, Stored};

/// A place that keeps the resources of all tenants, three calls wide.
///
/// Every call sees one tenant only, the context's, and everything that was committed before it began. The contract is
/// what these documents say; the [conformance kit](crate::conformance) checks it sentence by sentence. Two parts are
/// easily missed: what counts towards the [scan budget](crate::Query::scan_limit), and what the filter of a
/// [`RemoveWhere`](scim_patch::RelationStep::RemoveWhere) is asked about ([`Link::to_element`](crate::Link::to_element)).
///
/// A store that keeps [index keys](crate::index_keys) never answers from keys that were made of other attributes than
/// the type of the call has indexed or unique: it makes them again, or refuses with
/// [`StaleIndex`](StoreError::StaleIndex).
///
/// A store that keeps documents as they were written keeps the type's
/// [fingerprint](scim_core::ResourceType::fingerprint) beside each. If the fingerprint is another one when the document is
/// read, the store [makes it fit](scim_core::ResourceType::fit) before it evaluates filters and orders or returns it.
#[async_trait]
pub trait Store: Send + Sync {
    /// Reads one resource; `None` when the tenant has none of that type and id. Identifiers are case-sensitive, and
    /// two resources of different types may have the same.
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError>;

    /// Reads a page of the resources that match, in the order of the query, with their exact number.
    ///
    /// The total is that of all matches, wherever the page begins and ends; page and total are of one state. Each
    /// resource comes with its position. A walk from page to page by position meets each resource that stays, under
    /// the same key, exactly once, whatever else is written meanwhile. A position need not be one that the store gave:
    /// with a place of `i64::MIN` or `i64::MAX` it is before or after all resources of its key.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooMany`] past the [scan budget](crate::Query::scan_limit).
    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError>;

    /// Carries out a batch, all or nothing, and returns one outcome for each write, in order.
    ///
    /// Each write sees those before it. A resource starts at version 1, and each write that changes its document or
    /// its own links makes the version greater by one; a write that changes nothing leaves version and `modified` as
    /// they are. `modified` never goes back: a change at a moment before it leaves it. What was answered is kept: a store that promises durability promises it from here on.
    ///
    /// # Errors
    ///
    /// [`NotFound`](StoreError::NotFound), [`Precondition`](StoreError::Precondition),
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
