//! `DELETE /{type}/{id}` — RFC 7644 §3.6.

use std::sync::Arc;

use scim_core::{Error, ResourceType};
use scim_server_traits::{Delete, Operation, Precondition};

use super::{Done, Outcome};
use crate::call::Call;

pub(super) async fn run(
    call: &Call<'_>,
    resource_type: Arc<ResourceType>,
    id: String,
    precondition: Precondition,
) -> Result<Outcome, Error> {
    let delete = Delete::new(Arc::clone(&resource_type), &id).when(precondition);
    call.commit_one(call.batch(Operation::Delete).delete(delete)).await?;
    Ok(Outcome { done: Done::Deleted, resource_type, id, version: None, shown: None, made: None })
}
