//! `PUT /{type}/{id}` — RFC 7644 §3.5.1.

use std::sync::Arc;

use scim_core::{Error, ResourceType, ingest_value};
use scim_patch::{RelationEdit, RelationStep};
use scim_server_traits::{Operation, Precondition, Update};

use super::{Attempts, Done, Outcome, check_version, read};
use crate::away;
use crate::call::{Call, Given};
use crate::secret;

pub(super) async fn run(
    call: &Call<'_>,
    resource_type: Arc<ResourceType>,
    id: String,
    given: Given,
) -> Result<Outcome, Error> {
    let Given { input, precondition, .. } = given;
    let (steps, limits) = (input.steps(), call.server.limits);
    let body = Arc::new(away::run(steps, move || input.into_json(&limits)).await?);
    let mut attempts = Attempts::begin(call, &resource_type, &id).await;
    let (written, shown) = loop {
        let previous = read::current(call, &resource_type, &id).await?;
        check_version(&precondition, resource_type.name(), &id, previous.version)?;
        let (version, of_type, body) = (previous.version, Arc::clone(&resource_type), Arc::clone(&body));
        let ingested = call.reading_away(steps, move |lenience| {
            // A copy, because another attempt may be needed.
            ingest_value((*body).clone(), &of_type, Some(&previous.resource), lenience)
        });
        let mut ingested = ingested.await?;
        secret::discard(&resource_type, &mut ingested.resource);
        // Worked out before anything is written, because it may be refused.
        let projection = call.parameters.projection_after(&resource_type, &ingested.written)?;
        // A replace gives the whole relation, so a relation that is left out becomes empty (E-42).
        let relations = resource_type
            .relations()
            .iter()
            .filter(|relation| relation.is_own())
            .map(|relation| {
                let links = ingested.relations.remove(&relation.name).unwrap_or_default();
                RelationEdit::new(&relation.name, RelationStep::Set(links))
            })
            .collect();
        let update = Update::new(Arc::clone(&resource_type), &id)
            .when(Precondition::Match(vec![version]))
            .with_whole(ingested.resource)
            .with_relations(relations);
        match call.commit_one(call.batch(Operation::Replace).update(update)).await {
            Ok(written) => break (written, projection),
            Err(error) => attempts.again(error, &precondition).await?,
        }
    };
    drop(attempts);
    let (done, version, shown) = (Done::Replaced, Some(written.version), Some(shown));
    Ok(Outcome { done, resource_type, id, version, shown, made: None })
}
