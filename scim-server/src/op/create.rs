//! `POST /{type}` — RFC 7644 §3.3.

use std::sync::Arc;

use http::StatusCode;
use scim_core::{Error, ResourceType, ingest};
use scim_server_traits::{Batch, Get, Insert, Stored};

use crate::respond::{Answer, Shown, wanted_relations};
use crate::secret;
use crate::server::Call;

pub(crate) async fn run(call: &Call<'_>, resource_type: Arc<ResourceType>) -> Result<Answer, Error> {
    let server = call.server;
    call.parameters.projection(&resource_type)?;
    let mut read = ingest(call.body, &resource_type, None, &server.leniency, &server.limits)?;
    let projection = call.parameters.projection_after(&resource_type, &read.written)?;
    call.report(read.quirks);
    secret::discard(&resource_type, &mut read.resource);
    let id = server.ids.next_id();
    let insert = read.relations.iter().fold(
        Insert::new(Arc::clone(&resource_type), &id, read.resource.clone()),
        |insert, (relation, references)| insert.with_links(relation, references.clone()),
    );
    let written = server.store.commit(&call.context, Batch::new(server.clock.now()).insert(insert)).await?;
    let written = written.into_iter().next().ok_or_else(|| Error::internal("the store answered nothing"))?;
    // A new resource is in nobody's relation yet, so only its own links are worth a read.
    let shown = wanted_relations(&resource_type, &projection);
    let linked = read.relations.iter().any(|(name, links)| !links.is_empty() && shown.contains(name));
    let stored = if linked {
        let get = Get::new(Arc::clone(&resource_type), &id).with_relations(shown);
        server.store.get(&call.context, get).await?
    } else {
        None
    };
    let stored = stored.unwrap_or_else(|| {
        Stored::new(id, written.version, written.created, written.modified, read.resource)
    });
    Shown::new(server, &resource_type, stored).answer(StatusCode::CREATED, &projection)
}
