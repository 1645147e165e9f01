//! The operations of the protocol, one per file.
//!
//! A change of one resource returns an [`Outcome`]. `render` turns it into HTTP, `bulk` into the result of a bulk
//! request.

pub(crate) mod bulk;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod discovery;
pub(crate) mod list;
pub(crate) mod me;
pub(crate) mod openapi;
mod outcome;
pub(crate) mod patch;
pub(crate) mod read;
pub(crate) mod replace;
pub(crate) mod search;

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use scim_core::{Error, ResourceType};
use scim_server_traits::{Precondition, StoreError};

pub(crate) use self::outcome::{Done, Outcome};
use crate::call::{Call, Given};
use crate::route::Target;
use crate::turns::Turn;

/// Carries out a change of one resource.
pub(crate) async fn change(call: &Call<'_>, target: Target, given: Given) -> Result<Outcome, Error> {
    match target {
        Target::Create(resource_type) => create::run(call, resource_type, given).await,
        Target::Replace(resource_type, id) => replace::run(call, resource_type, id, given).await,
        Target::Patch(resource_type, id) => patch::run(call, resource_type, id, given).await,
        Target::Delete(resource_type, id) => delete::run(call, resource_type, id, given.precondition).await,
    }
}

/// How many attempts a writer makes without a turn.
const BESIDE_OTHERS: usize = 3;

/// How many attempts a read-compute-write has in all. With a turn, a writer loses only to changes that take none: a
/// deleted member, or a write by another process. Load does not reach this bound; a faulty store does.
const ATTEMPTS: usize = 1_000;

/// The attempts of one read-compute-write on one resource.
pub(crate) struct Attempts<'a> {
    call: &'a Call<'a>,
    resource_type: &'a ResourceType,
    id: &'a str,
    turn: Option<Turn<'a>>,
    lost: usize,
}

impl<'a> Attempts<'a> {
    /// Begins the attempts. Waits for a turn if writers of this resource take turns.
    async fn begin(call: &'a Call<'a>, resource_type: &'a Arc<ResourceType>, id: &'a str) -> Self {
        let turn = call.server.turns.join(call.context.tenant(), resource_type, id).await;
        Self { call, resource_type, id, turn, lost: 0 }
    }

    /// Returns if the caller should try again, because another request wrote in between. Any other error is returned as
    /// the answer. A request that named versions gets 412 from the next attempt's read, unless it allows the new
    /// version.
    async fn again(&mut self, error: StoreError, precondition: &Precondition) -> Result<(), Error> {
        if !matches!(error, StoreError::Precondition { .. }) {
            return Err(error.into());
        }
        self.lost += 1;
        if self.lost >= ATTEMPTS {
            return Err(refused(error, precondition));
        }
        if self.turn.is_none() && self.lost >= BESIDE_OTHERS {
            let tenant = self.call.context.tenant();
            self.turn = Some(self.call.server.turns.take(tenant, self.resource_type, self.id).await);
        }
        Ok(())
    }
}

/// Returns the error after the last attempt. Without named versions it is 503, because 412 would say that the request
/// named an old one.
fn refused(error: StoreError, precondition: &Precondition) -> Error {
    if *precondition != Precondition::None {
        return error.into();
    }
    let detail = "the resource is being changed by others at this moment: try again";
    let mut busy = Error::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    busy.retry_after = Some(Duration::from_secs(1));
    busy
}

/// Fails with 412 if the request allows no change of this version.
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
