//! What a store refuses or fails at: each variant is a decision that a caller can take.

use std::error::Error as StdError;

use scim_core::{Exhausted, ScimType};

/// Why a store call did not succeed. Nothing of a failed batch is kept, but where [`Unavailable`] says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The resource that was to be changed is not there.
    #[error("{resource_type} `{id}` does not exist")]
    NotFound {
        /// The resource type's name.
        resource_type: String,
        /// The identifier.
        id: String,
    },
    /// The resource is at a version that the precondition does not allow.
    #[error("{resource_type} `{id}` is not at a version that the request allows: read it again")]
    Precondition {
        /// The resource type's name.
        resource_type: String,
        /// The identifier.
        id: String,
    },
    /// Another resource has this value already.
    #[error("`{attribute}` is already in use by another {resource_type}")]
    Uniqueness {
        /// The resource type's name.
        resource_type: String,
        /// The attribute's path.
        attribute: String,
    },
    /// Another resource holds this claim.
    #[error("the {space} `{key}` is already taken")]
    Claimed {
        /// What is claimed, such as `handle`.
        space: String,
        /// The name that is taken.
        key: String,
    },
    /// A link leads to a resource that is not there.
    #[error("`{relation}`: there is no resource `{id}` to refer to")]
    UnknownTarget {
        /// The relation.
        relation: String,
        /// The identifier that leads nowhere.
        id: String,
    },
    /// The query would read more documents than the scan budget allows.
    #[error(
        "the filter would have to look at more than {limit} resources: narrow it by an indexed attribute"
    )]
    TooMany {
        /// The budget.
        limit: u64,
    },
    /// The request may cost no more, its time is up, or nobody waits for it.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// The store's index keys of this type were made of other attributes than the type has indexed or unique now, so
    /// that a filter would find too little, and a value be taken for unique that is not.
    #[error(
        "the index of {resource_type} was made for other indexed or unique attributes than it has now: {remedy}"
    )]
    StaleIndex {
        /// The resource type's name.
        resource_type: String,
        /// The next step for the operator of the store.
        remedy: &'static str,
    },
    /// There is no room for what was to be written. Nothing of it is kept; what was there before can be read, and
    /// writes succeed again when there is room.
    #[error("the store is full: nothing of this was written")]
    Full(#[source] Box<dyn StdError + Send + Sync>),
    /// The store cannot do this now, and says why: nothing is wrong with what was asked.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A layer between engine and store refuses, with its own answer.
    #[error(transparent)]
    Rejected(scim_core::Error),
    /// The store itself fails.
    #[error("the store failed")]
    Backend(#[source] Box<dyn StdError + Send + Sync>),
}

/// Why a store can do nothing for a while, in words that a client may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The disk failed to keep what was written. From then on nothing is written until the store is opened again.
    /// Whether the batch that met the failure is kept shows only then; what was answered before is kept, and can be
    /// read.
    #[error(
        "the disk of the service provider failed: nothing is written until it is restarted, and whether this was \
         shows then"
    )]
    DiskFailed,
    /// The file that kept the database for this process alone is gone or another one, so that another process may be
    /// writing by now. Nothing of the batch is kept, nor is anything written until the store is opened again.
    #[error(
        "the service provider no longer has its database for itself: nothing is written until it is restarted"
    )]
    LockLost,
    /// The log of the store is as long as it may be, and cannot be moved, because another program reads the database.
    /// Nothing of the batch is kept; writes succeed again when that program is done.
    #[error(
        "another program reads the database of the service provider for so long that no more can be written until \
         it ends: try again later"
    )]
    LogFull,
    /// The read was ended, because it took so long that what was written meanwhile could not be put away.
    #[error("the service provider ended this request, which read for too long: ask for less")]
    ReadEnded,
}

impl StoreError {
    /// Wraps a failure of the store's own machinery.
    pub fn backend(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Backend(error.into())
    }
}

impl From<StoreError> for scim_core::Error {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match error {
            StoreError::NotFound { .. } => Self::not_found(detail),
            // Decision X2: 412, not 409.
            StoreError::Precondition { .. } => Self::new(http::StatusCode::PRECONDITION_FAILED, detail),
            StoreError::Uniqueness { .. } | StoreError::Claimed { .. } => Self::uniqueness(detail),
            StoreError::UnknownTarget { .. } => Self::invalid_value(detail),
            StoreError::Exhausted(exhausted) => exhausted.into(),
            StoreError::TooMany { .. } => Self::scim(ScimType::TooMany, detail),
            // RFC 4918 §11.5: temporary, and not for the client to mend.
            StoreError::Full(_) => Self::new(http::StatusCode::INSUFFICIENT_STORAGE, detail),
            // What to do about it is for the log: no client can.
            StoreError::StaleIndex { resource_type, .. } => Self::new(
                http::StatusCode::SERVICE_UNAVAILABLE,
                format!("the service provider has yet to rebuild its index of {resource_type}"),
            ),
            StoreError::Unavailable(_) => Self::new(http::StatusCode::SERVICE_UNAVAILABLE, detail),
            StoreError::Rejected(error) => error,
            // What failed inside is for the log, not for the client.
            StoreError::Backend(_) => {
                Self::internal("the service provider could not carry this out: try again")
            }
        }
    }
}
