//! `POST /{type}/.search` and `POST /.search` — RFC 7644 §3.4.3: the same as a GET, with the parameters in
//! the body.

use std::sync::Arc;

use scim_core::{Error, ResourceType, parse_json};

use super::list;
use crate::call::Call;
use crate::parameters::Parameters;
use crate::respond::Answer;

pub(crate) async fn run(
    call: &Call<'_>,
    body: &[u8],
    resource_type: Option<Arc<ResourceType>>,
) -> Result<Answer, Error> {
    let body = parse_json(body, &call.server.limits)?;
    let parameters = call.reading(|lenience| Parameters::from_search(body, lenience))?;
    match resource_type {
        Some(resource_type) => list::run(call, &parameters, &resource_type).await,
        None => list::run_all(call, &parameters).await,
    }
}
