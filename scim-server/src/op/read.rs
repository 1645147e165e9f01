//! `GET /{type}/{id}` — RFC 7644 §3.4.1.

use std::sync::Arc;

use http::{StatusCode, header};
use scim_core::{Error, Projection, ResourceType};
use scim_server_traits::Stored;

use crate::call::Call;
use crate::etag::Conditions;
use crate::respond::{Answer, wanted_relations};
use crate::shown::Shown;

pub(crate) async fn run(
    call: &Call<'_>,
    conditions: &Conditions,
    resource_type: Arc<ResourceType>,
    id: String,
) -> Result<Answer, Error> {
    let projection = call.parameters.projection(&resource_type)?;
    let shown = show(call, &resource_type, &id, &projection).await?;
    let shown = shown.ok_or_else(|| missing(&resource_type, &id))?;
    let tag = shown.tag();
    match conditions.check_read(tag, shown.is_tagged_exactly()) {
        Ok(()) => shown.answer(StatusCode::OK, &projection),
        Err(unmet) => Ok(unmet.answer()?.header(header::ETAG, tag.to_string())),
    }
}

/// How many links of a relation are held at once. If there are more, the answer is streamed.
pub(super) const AT_ONCE: usize = 1_000;

/// Reads a resource with the relations that the projection shows.
pub(crate) async fn show(
    call: &Call<'_>,
    resource_type: &Arc<ResourceType>,
    id: &str,
    projection: &Projection,
) -> Result<Option<Shown>, Error> {
    let relations = wanted_relations(resource_type, projection);
    let mut get = call.server.get(resource_type, id).with_relations(relations).at_once(AT_ONCE);
    // A document that is shown whole does not have to be parsed.
    get.as_text = projection.is_default();
    let stored = call.server.store.get(&call.context, get).await?;
    Ok(stored.map(|stored| Shown::new(call.server, resource_type, stored)))
}

/// Reads the document as it is now, for an operation that changes it. It is charged by its size, because many
/// operations of one request may be about one large resource.
pub(crate) async fn current(
    call: &Call<'_>,
    resource_type: &Arc<ResourceType>,
    id: &str,
) -> Result<Stored, Error> {
    let get = call.server.get(resource_type, id);
    let stored = call.server.store.get(&call.context, get).await?;
    let stored = stored.ok_or_else(|| missing(resource_type, id))?;
    call.context.work().charge(stored.resource.weight() as u64 / 2)?;
    Ok(stored)
}

/// Returns 404 for a resource that does not exist.
pub(crate) fn missing(resource_type: &ResourceType, id: &str) -> Error {
    Error::not_found(format!("{} `{id}` does not exist", resource_type.name()))
}
