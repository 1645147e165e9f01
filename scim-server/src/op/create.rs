//! `POST /{type}` — RFC 7644 §3.3.

use std::sync::Arc;

use http::StatusCode;
use scim_core::{AttrRef, Error, ResourceType, ingest_value};
use scim_server_traits::{Batch, Insert, Stored};

use crate::op::read::AT_ONCE;
use crate::respond::{Answer, wanted_relations};
use crate::secret;
use crate::server::Call;
use crate::shown::Shown;

/// A resource to be made.
pub(super) struct New {
    pub(super) insert: Insert,
    /// What was given and is otherwise only returned on request.
    written: Vec<AttrRef>,
}

/// Reads the body.
pub(super) fn new(call: &Call<'_>, resource_type: &Arc<ResourceType>) -> Result<New, Error> {
    let body = call.json()?;
    let mut read = call.reading(|lenience| ingest_value(body, resource_type, None, lenience))?;
    secret::discard(resource_type, &mut read.resource);
    let id = call.id.clone().unwrap_or_else(|| call.server.ids.next_id());
    let mut insert = Insert::new(Arc::clone(resource_type), id, read.resource);
    insert.links = read.relations.into_iter().collect();
    Ok(New { insert, written: read.written })
}

pub(crate) async fn run(call: &Call<'_>, resource_type: Arc<ResourceType>) -> Result<Answer, Error> {
    let server = call.server;
    let New { insert, written } = new(call, &resource_type)?;
    let projection = call.parameters.projection_after(&resource_type, &written)?;
    // A new resource is in nobody's relation yet, so only its own links are worth a read.
    let shown = wanted_relations(&resource_type, &projection);
    let linked = insert.links.iter().any(|(name, links)| !links.is_empty() && shown.contains(name));
    let (id, resource) = (insert.id.clone(), insert.resource.clone());
    let written = call.commit(Batch::new(server.clock.now()).insert(insert)).await?;
    let written = written.into_iter().next().ok_or_else(|| Error::internal("the store answered nothing"))?;
    let stored = if linked {
        let get = server.get(&resource_type, &id).with_relations(shown).at_once(AT_ONCE);
        server.store.get(&call.context, get).await?
    } else {
        None
    };
    let stored = stored
        .unwrap_or_else(|| Stored::new(id, written.version, written.created, written.modified, resource));
    Shown::new(server, &resource_type, stored).answer(StatusCode::CREATED, &projection)
}
