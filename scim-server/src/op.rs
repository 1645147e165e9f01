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

/// How often a read-compute-write is tried again when another write comes in between. The only retry
/// loop there is.
const ATTEMPTS: usize = 16;

/// Whether a failed attempt is worth another: somebody else wrote in between. A request that named versions is told
/// 412 by the next attempt's read, unless it allows the new version.
fn again(error: &StoreError, attempt: usize) -> bool {
    matches!(error, StoreError::Precondition { .. }) && attempt + 1 < ATTEMPTS
}

/// What to answer when a write did not succeed. A request that named no version and lost every attempt has not sent
/// a stale one: 412 would be a lie.
fn refused(error: StoreError, precondition: &Precondition) -> Error {
    if matches!(error, StoreError::Precondition { .. }) && *precondition == Precondition::None {
        let detail = "the resource is being changed by others at this moment: try again";
        let mut busy = Error::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        busy.retry_after = Some(Duration::from_secs(1));
        return busy;
    }
    error.into()
}

/// 412 when the request allows no change of this version.
fn check_version(
    precondition: &Precondition,
    resource_type: &str,
    id: &str,
    version: u64,
) -> Result<(), StoreError> {
    if precondition.holds(version) {
        return Ok(());
    }
    Err(StoreError::Precondition { resource_type: resource_type.to_owned(), id: id.to_owned() })
}
