//! Records: events that a batch appends to named streams, such as an audit log.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{Resource, ResourceType, Timestamp};
use scim_filter::BoundFilter;

use crate::cause::Cause;
use crate::context::Context;
use crate::error::StoreError;

/// An event that a batch appends to a stream.
///
/// A record and the writes of its batch are kept together or not at all. A batch may consist of records alone. A layer
/// that refuses a write can commit such a batch first, so that the refusal leaves a record.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// The stream: its name is that of the type, and the type's schema says what the data holds.
    ///
    /// The type is for records alone. It is not in the registry of a server.
    pub stream: Arc<ResourceType>,
    /// The data, in canonical form.
    pub data: Resource,
}

impl Record {
    /// Makes a record of this stream.
    pub fn new(stream: Arc<ResourceType>, data: Resource) -> Self {
        Self { stream, data }
    }
}

/// A record as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct KeptRecord {
    /// Its place in the stream.
    pub position: RecordPosition,
    /// The cause of its batch.
    pub cause: Cause,
    /// The data.
    pub data: Resource,
}

impl KeptRecord {
    /// Makes a record that is kept at this place.
    pub fn new(position: RecordPosition, cause: Cause, data: Resource) -> Self {
        Self { position, cause, data }
    }
}

/// The place of a record in its stream: its moment, and a number that orders the records of one moment.
///
/// The moment is that of its batch. If the clock went back, it is the moment of the record before it, so that the order
/// of moments is the order of commits.
///
/// ```
/// use scim_server_traits::RecordPosition;
/// let position: RecordPosition = "1700000000000-42".parse().unwrap();
/// assert_eq!(position.to_string(), "1700000000000-42");
/// assert!("42".parse::<RecordPosition>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordPosition {
    /// The moment of the record.
    pub moment: Timestamp,
    /// Its number. Of two records of one moment, the later one has the greater number.
    pub number: u64,
}

impl fmt::Display for RecordPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.moment.as_millis(), self.number)
    }
}

/// A text that is no [`RecordPosition`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no position of a record: expected milliseconds, a hyphen and a number")]
pub struct RecordPositionError(String);

impl FromStr for RecordPosition {
    type Err = RecordPositionError;

    fn from_str(text: &str) -> Result<Self, RecordPositionError> {
        let read = || {
            let (moment, number) = text.rsplit_once('-')?;
            Some(Self { moment: Timestamp::from_millis(moment.parse().ok()?), number: number.parse().ok()? })
        };
        read().ok_or_else(|| RecordPositionError(scim_core::shorten(text)))
    }
}

/// Selects records of one stream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordQuery {
    /// The stream.
    pub stream: Arc<ResourceType>,
    /// The records that come after this one, in the order of the query.
    pub after: Option<RecordPosition>,
    /// The records of this moment and later ones.
    pub from: Option<Timestamp>,
    /// The records before this moment.
    pub until: Option<Timestamp>,
    /// The filter that the data must match. It sees the record as a resource of the stream's type, whose `id` is the
    /// position and whose `meta.created` and `meta.lastModified` are the moment.
    pub filter: Option<BoundFilter>,
    /// Whether the newest record comes first.
    pub newest_first: bool,
    /// The maximum number of records to return.
    pub limit: usize,
}

impl RecordQuery {
    /// Selects the first 100 records of a stream, oldest first.
    pub fn new(stream: Arc<ResourceType>) -> Self {
        Self { stream, after: None, from: None, until: None, filter: None, newest_first: false, limit: 100 }
    }

    /// Continues after this record.
    #[must_use]
    pub fn after(mut self, position: RecordPosition) -> Self {
        self.after = Some(position);
        self
    }

    /// Selects records from the first moment on, and before the second one.
    #[must_use]
    pub fn between(mut self, from: Timestamp, until: Timestamp) -> Self {
        (self.from, self.until) = (Some(from), Some(until));
        self
    }

    /// Sets the filter.
    #[must_use]
    pub fn with_filter(mut self, filter: BoundFilter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Returns the newest record first.
    #[must_use]
    pub fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// Sets the maximum number of records.
    #[must_use]
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the two positions between which the records lie. Neither belongs to them.
    ///
    /// A store needs only these, the direction and the filter.
    pub fn bounds(&self) -> (RecordPosition, RecordPosition) {
        // Numbers begin at 1, so 0 is before all records of a moment.
        let before_all_of = |moment| RecordPosition { moment, number: 0 };
        let first = before_all_of(self.from.unwrap_or(Timestamp::from_millis(i64::MIN)));
        let last = before_all_of(self.until.unwrap_or(Timestamp::from_millis(i64::MAX)));
        match self.after {
            Some(after) if self.newest_first => (first, last.min(after)),
            Some(after) => (first.max(after), last),
            None => (first, last),
        }
    }
}

/// Reads the records of a store. Not every store keeps records.
///
/// Each call sees only the tenant of its context. The [conformance kit](crate::conformance) checks this documentation.
#[async_trait]
pub trait Records: Send + Sync {
    /// Reads records in the order of their positions, or in the opposite order.
    ///
    /// Reading is charged to the account of the call ([`Context::work`]), because a filter may match few of many.
    ///
    /// # Errors
    ///
    /// [`StoreError::Exhausted`] if the account is used up. The caller can ask for a shorter time.
    async fn records(&self, context: &Context, query: RecordQuery) -> Result<Vec<KeptRecord>, StoreError>;

    /// Deletes the records of a stream before this moment, and returns how many they were.
    ///
    /// # Errors
    ///
    /// [`StoreError::Backend`] if the store failed. Some of the records may be deleted by then.
    async fn prune(&self, context: &Context, stream: &str, until: Timestamp) -> Result<u64, StoreError>;
}

#[async_trait]
impl<R: Records + ?Sized> Records for Arc<R> {
    async fn records(&self, context: &Context, query: RecordQuery) -> Result<Vec<KeptRecord>, StoreError> {
        (**self).records(context, query).await
    }

    async fn prune(&self, context: &Context, stream: &str, until: Timestamp) -> Result<u64, StoreError> {
        (**self).prune(context, stream, until).await
    }
}
