//! The errors of a store. Each variant is a case that a caller can handle.

use std::error::Error as StdError;

use scim_core::{Exhausted, ScimType};

/// Why a store call failed. Nothing of a failed batch is kept, unless [`Unavailable`] says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The resource to be changed does not exist.
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
        /// The kind of name, such as `handle`.
        space: String,
        /// The name that is taken.
        key: String,
    },
    /// A link leads to a resource that does not exist.
    #[error("`{relation}`: there is no resource `{id}` to refer to")]
    UnknownTarget {
        /// The relation.
        relation: String,
        /// The identifier that no resource has.
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
    /// The request may cost no more, its time is up, or the client no longer waits.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// The index keys of this type were made for other indexed or unique attributes than the type has now.
    ///
    /// With these keys a filter would find too little, and a duplicate value could pass as unique.
    #[error(
        "the index of {resource_type} was made for other indexed or unique attributes than it has now: {remedy}"
    )]
    StaleIndex {
        /// The resource type's name.
        resource_type: String,
        /// The next step for the operator of the store.
        remedy: &'static str,
    },
    /// The store is full. Nothing of the batch is kept. Existing data can be read, and writes succeed again when there
    /// is room.
    #[error("the store is full: nothing of this was written")]
    Full(#[source] Box<dyn StdError + Send + Sync>),
    /// The store cannot do this now, and says why. The request itself is valid.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A layer between engine and store refuses the call with its own error.
    #[error(transparent)]
    Rejected(scim_core::Error),
    /// The store itself failed.
    #[error("the store failed")]
    Backend(#[source] Box<dyn StdError + Send + Sync>),
}

/// Why a store is temporarily unavailable, in words that a client may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unavailable {
    /// The disk failed to keep what was written. Nothing more is written until the store is opened again.
    ///
    /// Only then does it show whether the batch that met the failure is kept. Batches already acknowledged are kept,
    /// and can be read.
    #[error(
        "the disk of the service provider failed: nothing is written until it is restarted, and whether this was \
         shows then"
    )]
    DiskFailed,
    /// The lock file that reserved the database for this process is gone or was replaced. So another process may be
    /// writing.
    ///
    /// Nothing of the batch is kept, and nothing is written until the store is opened again.
    #[error(
        "the service provider no longer has its database for itself: nothing is written until it is restarted"
    )]
    LockLost,
    /// The WAL has reached its maximum size and cannot be checkpointed, because another program reads the database.
    ///
    /// Nothing of the batch is kept. Writes succeed again when that program ends its read.
    #[error(
        "another program reads the database of the service provider for so long that no more can be written until \
         it ends: try again later"
    )]
    LogFull,
    /// The read was ended because it took too long: while it ran, the WAL could not be restarted.
    #[error("the service provider ended this request, which read for too long: ask for less")]
    ReadEnded,
}

impl StoreError {
    /// Wraps an internal failure of the store.
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
            // RFC 4918 §11.5: it is temporary, and the client cannot correct it.
            StoreError::Full(_) => Self::new(http::StatusCode::INSUFFICIENT_STORAGE, detail),
            // The remedy is for the log, because no client can apply it.
            StoreError::StaleIndex { resource_type, .. } => Self::new(
                http::StatusCode::SERVICE_UNAVAILABLE,
                format!("the service provider has yet to rebuild its index of {resource_type}"),
            ),
            StoreError::Unavailable(_) => Self::new(http::StatusCode::SERVICE_UNAVAILABLE, detail),
            StoreError::Rejected(error) => error,
            // The internal failure is for the log, not for the client.
            StoreError::Backend(_) => {
                Self::internal("the service provider could not carry this out: try again")
            }
        }
    }
}
