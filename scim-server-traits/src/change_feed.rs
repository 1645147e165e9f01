//! What was committed, in order, for those who follow it.

use std::sync::Arc;

use async_trait::async_trait;
use scim_core::Timestamp;

use crate::context::TenantId;
use crate::error::StoreError;

/// Every committed change of every tenant, in the order of commits: an ability that not every store has.
///
/// A change enters the feed in the transaction that makes it, so that neither is ever there without the other.
/// A consumer keeps the [`sequence`](Change::sequence) of the last change it has dealt with, and asks for what
/// comes after it. One that begins asks for [`newest`](ChangeFeed::newest), reads what there is, and follows
/// from there: what changed while it read comes again, which does no harm to a consumer that looks at versions.
///
/// A store that is put back to an earlier state must not go on with numbers that it has given already, or its consumers
/// would miss what has changed: its numbers go on elsewhere, and the consumers are refused.
///
/// The feed is for the operator's own programs: it does not stop at the borders of a tenant.
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// The sequence number of the newest change; 0 before the first.
    async fn newest(&self) -> Result<u64, ChangeFeedError>;

    /// The changes after this sequence number, oldest first, at most `limit`; none when there is nothing new.
    ///
    /// Errors: [`ChangeFeedError::Gone`] when some of them are no longer kept, [`ChangeFeedError::Ahead`] when
    /// the number has not been reached.
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

/// One resource, changed by one write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// Its place in the feed: each one more than the one before, without gaps.
    pub sequence: u64,
    /// Whose resource it is.
    pub tenant: TenantId,
    /// The resource type's name.
    pub resource_type: String,
    /// The identifier.
    pub id: String,
    /// What happened.
    pub kind: ChangeKind,
    /// The version it brought; for a delete, the last one.
    pub version: u64,
    /// When.
    pub moment: Timestamp,
    /// What happened to its own links.
    pub links: LinkChanges,
}

impl Change {
    /// A change that is in no feed yet, and touches no links.
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

/// What happened to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was made.
    Created,
    /// Its document or its own links are different now; also when a member of it was deleted.
    Updated,
    /// It is gone, with its links.
    Deleted,
}

/// The links that one change added and removed: relation and identifier. Bounded, for a change may concern more
/// of them than a feed should carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkChanges {
    /// Links that are new.
    pub added: Vec<(String, String)>,
    /// Links that are gone.
    pub removed: Vec<(String, String)>,
    /// How many more there were, of both, that are not told: who needs them reads the resource.
    pub untold: u64,
}

impl LinkChanges {
    /// How many links a change tells at most.
    pub const MOST: usize = 100;

    /// What is told of these: added ones first.
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

/// Why a consumer cannot be told what comes next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeFeedError {
    /// The consumer comes too late. It has to read everything again, as one that begins.
    #[error("changes after {after} are no longer kept: the oldest is {oldest}")]
    Gone {
        /// What it asked for.
        after: u64,
        /// The oldest change that is kept.
        oldest: u64,
    },
    /// The consumer has seen more than there is: the store was put back to an earlier state, from a backup
    /// perhaps. It has to read everything again.
    #[error("there is no change {after} yet: the newest is {newest}")]
    Ahead {
        /// What it asked for.
        after: u64,
        /// The newest change.
        newest: u64,
    },
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ChangeFeedError {
    /// Checks a consumer's place against what is kept: from `oldest` to `newest`. An empty feed has kept
    /// everything up to `newest`, so its oldest is the next one.
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
