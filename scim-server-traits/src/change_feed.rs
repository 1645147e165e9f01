//! The feed of committed changes, in order, for its consumers.

use std::sync::Arc;

use async_trait::async_trait;
use scim_core::Timestamp;

use crate::cause::Cause;
use crate::context::TenantId;
use crate::error::StoreError;

/// The committed changes of each tenant, in the order of commits. Not every store has a feed.
///
/// A change enters the feed in the transaction that makes it, so that neither exists without the other. The changes of a
/// tenant are numbered without gaps. A consumer stores the [`sequence`](Change::sequence) of the last change that it has
/// processed, and asks for the changes after it.
///
/// A new consumer asks for [`newest`](ChangeFeed::newest), reads all resources, and follows the feed from there. A
/// change made during that read comes again. That does no harm if the consumer compares versions.
///
/// A store that was restored to an earlier state must not reuse sequence numbers, because its consumers would miss
/// changes. Its numbers continue elsewhere, and the consumers get an error.
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// Returns the sequence number of the tenant's newest change. Without a change it is the number before the first.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Store`] if the store failed.
    async fn newest(&self, tenant: &TenantId) -> Result<u64, ChangeFeedError>;

    /// Returns at most `limit` changes of the tenant after this sequence number, oldest first. The list is empty if
    /// there is nothing new.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Gone`] if some of the changes are no longer kept, and [`ChangeFeedError::Ahead`] if the
    /// number has not been reached.
    async fn changes(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Change>, ChangeFeedError>;

    /// Waits until the tenant has a change after this sequence number, or until [`changes`](Self::changes) would fail.
    ///
    /// Dropping the future ends the wait.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Store`] if the store failed.
    async fn changed(&self, tenant: &TenantId, after: u64) -> Result<(), ChangeFeedError>;
}

/// The committed changes of all tenants, for the operator's own programs.
///
/// The changes of each tenant come in the order of their sequence numbers. A consumer keeps the position that comes with
/// them, without looking into it.
#[async_trait]
pub trait OperatorFeed: Send + Sync {
    /// Returns the position after the newest change.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Store`] if the store failed.
    async fn newest_of_all(&self) -> Result<FeedPosition, ChangeFeedError>;

    /// Returns at most `limit` changes after this position, and the position after them.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Gone`] and [`ChangeFeedError::Ahead`] as for [`ChangeFeed::changes`], and
    /// [`ChangeFeedError::Position`] if the position is not one of this store.
    async fn changes_of_all(
        &self,
        after: &FeedPosition,
        limit: usize,
    ) -> Result<(Vec<Change>, FeedPosition), ChangeFeedError>;

    /// Waits until there is a change after this position, or until [`changes_of_all`](Self::changes_of_all) would fail.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Store`] if the store failed.
    async fn changed_of_all(&self, after: &FeedPosition) -> Result<(), ChangeFeedError>;
}

#[async_trait]
impl<F: ChangeFeed + ?Sized> ChangeFeed for Arc<F> {
    async fn newest(&self, tenant: &TenantId) -> Result<u64, ChangeFeedError> {
        (**self).newest(tenant).await
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Change>, ChangeFeedError> {
        (**self).changes(tenant, after, limit).await
    }

    async fn changed(&self, tenant: &TenantId, after: u64) -> Result<(), ChangeFeedError> {
        (**self).changed(tenant, after).await
    }
}

#[async_trait]
impl<F: OperatorFeed + ?Sized> OperatorFeed for Arc<F> {
    async fn newest_of_all(&self) -> Result<FeedPosition, ChangeFeedError> {
        (**self).newest_of_all().await
    }

    async fn changes_of_all(
        &self,
        after: &FeedPosition,
        limit: usize,
    ) -> Result<(Vec<Change>, FeedPosition), ChangeFeedError> {
        (**self).changes_of_all(after, limit).await
    }

    async fn changed_of_all(&self, after: &FeedPosition) -> Result<(), ChangeFeedError> {
        (**self).changed_of_all(after).await
    }
}

/// A place in the feed of all tenants. Only the store that made it knows what it means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FeedPosition(String);

impl FeedPosition {
    /// Makes a position from a store's text, or from what a consumer has kept.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text, to be kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Makes the position of a store that numbers all its changes.
    pub fn of_number(number: u64) -> Self {
        Self(number.to_string())
    }

    /// Returns the number of a store that numbers all its changes.
    ///
    /// # Errors
    ///
    /// [`ChangeFeedError::Position`] if it is no number.
    pub fn number(&self) -> Result<u64, ChangeFeedError> {
        self.0.parse().map_err(|_| ChangeFeedError::Position(scim_core::shorten(&self.0)))
    }
}

/// A change of one resource by one write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The position in the tenant's feed. Each is greater than the previous one by 1, without gaps.
    pub sequence: u64,
    /// The tenant of the resource.
    pub tenant: TenantId,
    /// The resource type's name.
    pub resource_type: String,
    /// The identifier.
    pub id: String,
    /// The `externalId` after the change; for a delete, the last one.
    pub external_id: Option<String>,
    /// The kind of the change.
    pub kind: ChangeKind,
    /// The new version; for a delete, the last one.
    pub version: u64,
    /// The moment of the change.
    pub moment: Timestamp,
    /// Who caused the change.
    ///
    /// A group that loses a deleted member changes by the cause of that deletion.
    pub cause: Cause,
    /// The paths of the attributes that an update changed ([`changed_paths`](crate::changed_paths)), at most
    /// [`Change::MOST_PATHS`] of them.
    pub paths: Vec<String>,
    /// The new value of `active`, if an update changed it.
    pub activation: Option<bool>,
    /// The changes of the resource's own links.
    pub links: LinkChanges,
}

impl Change {
    /// The maximum number of paths that a change lists. If there are more, the last path is `*`.
    pub const MOST_PATHS: usize = 100;

    /// Makes a change that is not in a feed, without a cause, that touches no attributes and no links.
    pub fn new(
        tenant: TenantId,
        resource_type: impl Into<String>,
        id: impl Into<String>,
        kind: ChangeKind,
        version: u64,
        moment: Timestamp,
    ) -> Self {
        Self {
            sequence: 0,
            tenant,
            resource_type: resource_type.into(),
            id: id.into(),
            external_id: None,
            kind,
            version,
            moment,
            cause: Cause::default(),
            paths: Vec::new(),
            activation: None,
            links: LinkChanges::default(),
        }
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
    /// The position was not made by this store.
    #[error("`{0}` is no position of this feed")]
    Position(String),
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
