//! The feed of committed changes, in order, for its consumers.

use std::sync::Arc;

use async_trait::async_trait;
use scim_core::Timestamp;

use crate::context::TenantId;
use crate::error::StoreError;

/// All committed changes of all tenants, in the order of commits. Not every store has a feed.
///
/// A change enters the feed in the transaction that makes it, so that neither exists without the other. A consumer
/// stores the [`sequence`](Change::sequence) of the last change that it has processed, and asks for the changes after
/// it.
///
/// A new consumer asks for [`newest`](ChangeFeed::newest), reads all resources, and follows the feed from there. A
/// change made during that read comes again. That does no harm if the consumer compares versions.
///
/// A store that was restored to an earlier state must not reuse sequence numbers, because its consumers would miss
/// changes. Its numbers continue elsewhere, and the consumers get an error.
///
/// The feed is for the operator's own programs, because it spans all tenants.
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// Returns the sequence number of the newest change; 0 if there is no change.
    async fn newest(&self) -> Result<u64, ChangeFeedError>;

    /// Returns at most `limit` changes after this sequence number, oldest first. The list is empty if there is nothing
    /// new.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Gone`] if some of the changes are no longer kept, and [`ChangeFeedError::Ahead`] if the
    /// number has not been reached.
    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, ChangeFeedError>;
}

#[async_trait]
impl<F: ChangeFeed + ?Sized> ChangeFeed for Arc<F> {
    async fn newest(&self) -> Result<u64, ChangeFeedError> {
        (**self).newest().await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, ChangeFeedError> {
        (**self).changes(after, limit).await
    }
}

/// A change of one resource by one write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The position in the feed. Each is greater than the previous one by 1, without gaps.
    pub sequence: u64,
    /// The tenant of the resource.
    pub tenant: TenantId,
    /// The resource type's name.
    pub resource_type: String,
    /// The identifier.
    pub id: String,
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The new version; for a delete, the last one.
    pub version: u64,
    /// The moment of the change.
    pub moment: Timestamp,
    /// The changes of the resource's own links.
    pub links: LinkChanges,
}

impl Change {
    /// Makes a change that is not in a feed and touches no links.
    pub fn new(
        tenant: TenantId,
        resource_type: impl Into<String>,
        id: impl Into<String>,
        kind: ChangeKind,
        version: u64,
        moment: Timestamp,
    ) -> Self {
        let (resource_type, id) = (resource_type.into(), id.into());
        Self { sequence: 0, tenant, resource_type, id, kind, version, moment, links: LinkChanges::default() }
    }
}

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// The resource was created.
    Created,
    /// Its document or its own links changed, for example because a member was deleted.
    Updated,
    /// The resource was deleted, with its links.
    Deleted,
}

/// The links that one change added and removed: relation and identifier.
///
/// The number is limited, because a change may concern more links than a feed should carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkChanges {
    /// New links.
    pub added: Vec<(String, String)>,
    /// Removed links.
    pub removed: Vec<(String, String)>,
    /// The number of further links, new or removed, that are not listed. A consumer that needs them reads the resource.
    pub untold: u64,
}

impl LinkChanges {
    /// The maximum number of links that a change lists.
    pub const MOST: usize = 100;

    /// Lists as many of these links as fit, added ones first.
    pub fn of(added: &[(String, String)], removed: &[(String, String)]) -> Self {
        let told_added = added.len().min(Self::MOST);
        let told_removed = removed.len().min(Self::MOST - told_added);
        let untold = (added.len() - told_added) + (removed.len() - told_removed);
        Self {
            added: added.iter().take(told_added).cloned().collect(),
            removed: removed.iter().take(told_removed).cloned().collect(),
            untold: untold as u64,
        }
    }

    /// Whether no link changed.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.untold == 0
    }
}

/// Why a consumer cannot get the next changes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeFeedError {
    /// The consumer is too late. It has to read everything again, as a new consumer does.
    #[error("changes after {after} are no longer kept: the oldest is {oldest}")]
    Gone {
        /// The sequence number that it asked for.
        after: u64,
        /// The oldest change that is kept.
        oldest: u64,
    },
    /// The consumer is ahead of the feed, perhaps because the store was restored from a backup. It has to read
    /// everything again.
    #[error("there is no change {after} yet: the newest is {newest}")]
    Ahead {
        /// The sequence number that it asked for.
        after: u64,
        /// The newest change.
        newest: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ChangeFeedError {
    /// Checks a consumer's position against the changes that are kept, from `oldest` to `newest`.
    ///
    /// An empty feed has kept everything up to `newest`, so its `oldest` is `newest + 1`.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Gone`] and [`ChangeFeedError::Ahead`].
    pub fn check(after: u64, oldest: u64, newest: u64) -> Result<(), Self> {
        if after > newest {
            Err(Self::Ahead { after, newest })
        } else if after.saturating_add(1) < oldest {
            Err(Self::Gone { after, oldest })
        } else {
            Ok(())
        }
    }
}
