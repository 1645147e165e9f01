#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "conformance"), allow(rustdoc::broken_intra_doc_links))]

mod access;
mod auth;
mod batch;
mod cause;
mod change_feed;
mod changed_paths;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod context;
mod entity_tag;
mod error;
mod index;
mod me;
mod policy;
mod query;
mod record;
mod sort;
mod store;
mod tenant;

pub use access::{Access, Right, Scope, ScopeError};
pub use auth::{AuthError, Authenticator};
pub use batch::{Batch, Claim, Delete, Insert, Precondition, Update, Write, Written};
pub use cause::Cause;
pub use change_feed::{
    Change, ChangeFeed, ChangeFeedError, ChangeKind, FeedPosition, LinkChanges, OperatorFeed,
};
pub use changed_paths::{activation, changed_paths};
pub use clock::{Clock, IdSource, ManualClock, SystemClock};
pub use context::{Context, Principal, TenantId};
pub use entity_tag::EntityTag;
pub use error::{StoreError, Unavailable};
pub use index::{Key, index_keys, label, unique_keys};
pub use me::{Me, MeResolver};
pub use policy::{Action, ByAccess, Operation, Policy};
pub use query::{Get, Link, LinkChunks, Match, MoreLinks, Page, Query, Seek, Stored};
pub use record::{KeptRecord, Record, RecordPosition, RecordPositionError, RecordQuery, Records};
pub use sort::{Position, Sort, SortBy};
pub use store::Store;
pub use tenant::TenantResolver;
