//! The operations of the protocol, one per file.

pub(crate) mod bulk;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod discovery;
pub(crate) mod list;
pub(crate) mod me;
pub(crate) mod openapi;
pub(crate) mod patch;
pub(crate) mod read;
pub(crate) mod replace;
pub(crate) mod search;

use std::time::Duration;

use http::StatusCode;
use scim_core::Error;
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

/// Whether a failed attempt is worth another: somebody else wrote in between. Whoever named versions is told
/// 412 by the next attempt's read, unless the new version is one of them.
fn again(error: &StoreError, attempt: usize) -> bool {
    matches!(error, StoreError::Precondition { .. }) && attempt + 1 < ATTEMPTS
}

/// What to answer when a write did not succeed. Who named no version and lost every attempt has not sent a
/// stale one: 412 would be a lie.
fn refused(error: StoreError, condition: &Condition) -> Error {
    if matches!(error, StoreError::Precondition { .. }) && !matches!(condition, Condition::Versions(_)) {
        let detail = "the resource is being changed by others at this moment: try again";
        let mut busy = Error::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        busy.retry_after = Some(Duration::from_secs(1));
        return busy;
    }
    error.into()
}

/// 412 when the client named versions and this is none of them.
fn check_version(
    condition: &Condition,
    resource_type: &str,
    id: &str,
    version: u64,
) -> Result<(), StoreError> {
    match condition {
        Condition::Versions(versions) if !versions.contains(&version) => {
            Err(StoreError::Precondition { resource_type: resource_type.to_owned(), id: id.to_owned() })
        }
        _ => Ok(()),
    }
}
