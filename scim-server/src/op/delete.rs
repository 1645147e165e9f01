//! `DELETE /{type}/{id}` — RFC 7644 §3.6.

use std::sync::Arc;

use http::StatusCode;
use scim_core::{Error, ResourceType};
use scim_server_traits::{Batch, Delete};

use crate::etag::Conditions;
use crate::respond::Answer;
use crate::server::Call;

pub(crate) async fn run(
    call: &Call<'_>,
    resource_type: Arc<ResourceType>,
    id: String,
) -> Result<Answer, Error> {
    let precondition = Conditions::read(call.headers).precondition();
    let delete = Delete::new(resource_type, id).when(precondition);
    call.server.store.commit(&call.context, Batch::new(call.server.clock.now()).delete(delete)).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
