//! The operations of the protocol, one per file.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod discovery;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod read;
pub(crate) mod replace;
pub(crate) mod search;

use scim_server_traits::{Precondition, StoreError};

use crate::etag::Condition;

/// How often a read-compute-write is tried again when another write comes in between. The only retry
/// loop there is.
const ATTEMPTS: usize = 16;

/// The precondition of a write that needed no read.
fn precondition(condition: &Condition) -> Precondition {
    match condition {
        Condition::None | Condition::Any => Precondition::None,
        Condition::Versions(versions) => Precondition::Match(versions.clone()),
    }
}

/// Whether a failed attempt is worth another: somebody else wrote in between, and the client did not ask
/// for a version.
fn again(error: &StoreError, condition: &Condition, attempt: usize) -> bool {
    matches!(error, StoreError::Precondition { .. })
        && !matches!(condition, Condition::Versions(_))
        && attempt + 1 < ATTEMPTS
}
