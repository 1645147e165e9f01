//! `POST /{type}` — RFC 7644 §3.3.

use std::sync::Arc;

use scim_core::{AttrRef, Error, ResourceType, ingest_value};
use scim_server_traits::{Insert, Operation, Stored};

use super::{Done, Outcome};
use crate::call::{Call, Given};
use crate::respond::wanted_relations;
use crate::secret;

/// A resource that is to be created.
pub(super) struct New {
    pub(super) insert: Insert,
    /// The given attributes that are otherwise returned only on request.
    written: Vec<AttrRef>,
}

/// Reads the body.
pub(super) async fn new(
    call: &Call<'_>,
    resource_type: &Arc<ResourceType>,
    given: Given,
) -> Result<New, Error> {
    let Given { input, id, .. } = given;
    let (limits, of_type) = (call.server.limits, Arc::clone(resource_type));
    let read = call.reading_away(input.steps(), move |lenience| {
        ingest_value(input.into_json(&limits)?, &of_type, None, lenience)
    });
    let mut read = read.await?;
    secret::discard(resource_type, &mut read.resource);
    let id = id.unwrap_or_else(|| call.server.ids.next_id());
    let mut insert = Insert::new(Arc::clone(resource_type), id, read.resource);
    insert.links = read.relations.into_iter().collect();
    Ok(New { insert, written: read.written })
}

pub(super) async fn run(
    call: &Call<'_>,
    resource_type: Arc<ResourceType>,
    given: Given,
) -> Result<Outcome, Error> {
    let is_shown = given.is_shown;
    let New { insert, written } = new(call, &resource_type, given).await?;
    // Worked out before anything is written, because it may be refused.
    let shown = call.parameters.projection_after(&resource_type, &written)?;
    // No relation has the new resource yet, so only links of its own have to be read.
    let wanted = wanted_relations(&resource_type, &shown);
    let is_linked = insert.links.iter().any(|(name, links)| !links.is_empty() && wanted.contains(name));
    let (id, copy) = (insert.id.clone(), (is_shown && !is_linked).then(|| insert.resource.clone()));
    let written = call.commit_one(call.batch(Operation::Create).insert(insert)).await?;
    let stored = |resource| Stored::new(&id, written.version, written.created, written.modified, resource);
    let made = copy.map(stored);
    let (done, version, shown) = (Done::Created, Some(written.version), Some(shown));
    Ok(Outcome { done, resource_type, id, version, shown, made })
}
