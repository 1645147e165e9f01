//! The trait of stores, which keep resources.

use std::sync::Arc;

use async_trait::async_trait;

use crate::batch::{Batch, Written};
use crate::context::Context;
use crate::error::StoreError;
use crate::query::{Get, Page, Query, Stored};

/// Keeps the resources of all tenants. It has 3 calls.
///
/// Each call sees only the tenant of its context, and everything that was committed before it began. This documentation
/// is the contract, and the [conformance kit](crate::conformance) checks it sentence by sentence.
///
/// Two parts are easily missed: what counts towards the [scan budget](crate::Query::scan_limit), and the element to
/// which a store applies the filter of a [`RemoveWhere`](scim_patch::RelationStep::RemoveWhere)
/// ([`Link::to_element`](crate::Link::to_element)).
///
/// A store that keeps [index keys](crate::index_keys) never answers from keys of outdated definitions. If the keys were
/// made for other attributes than the type of the call has indexed or unique, it rebuilds them or refuses with
/// [`StaleIndex`](StoreError::StaleIndex).
///
/// A store that keeps documents as they were written keeps the type's
/// [fingerprint](scim_core::ResourceType::fingerprint) with each. If the fingerprint differs when the document is read,
/// the store [makes it fit](scim_core::ResourceType::fit) before it evaluates filters and orders or returns it.
#[async_trait]
pub trait Store: Send + Sync {
    /// Reads one resource; `None` if the tenant has none with that type and id.
    ///
    /// Identifiers are case-sensitive. Two resources of different types may have equal ones.
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError>;

    /// Reads a page of the resources that match, in the order of the query, with the exact total.
    ///
    /// The total counts all matches, wherever the page begins and ends. Page and total are of one state. Each resource
    /// comes with its position.
    ///
    /// A walk from page to page by position returns each resource whose key does not change exactly once, whatever else
    /// is written meanwhile. A position need not come from the store: with a place of `i64::MIN` or `i64::MAX` it is
    /// before or after all resources of its key.
    ///
    /// # Errors
    ///
    /// [`StoreError::TooMany`] if the [scan budget](crate::Query::scan_limit) is exceeded.
    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError>;

    /// Carries out a batch, all or nothing, and returns one outcome for each write, in order.
    ///
    /// Each write sees those before it. A resource starts at version 1. Each write that changes its document or its own
    /// links increases the version by 1. A write that changes nothing leaves version and `modified` unchanged.
    /// `modified` never goes back: a change at an earlier moment leaves it unchanged.
    ///
    /// Acknowledged writes are kept. A store that promises durability promises it from the return of this call.
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
