//! `PATCH /{type}/{id}` — RFC 7644 §3.5.2.
//!
//! A plan that names only relations takes one commit and no read. So adding a member to a group of any size costs the
//! same.

use std::sync::Arc;

use scim_core::{Error, Relation, ResourceType};
use scim_patch::{Changed, PatchError, PatchPlan, PatchRequest};
use scim_server_traits::{Operation, Precondition, Update};

use super::{Attempts, Done, Outcome, check_version, read};
use crate::away;
use crate::call::{Call, Given};
use crate::config::PatchResponse;
use crate::secret;

pub(super) async fn run(
    call: &Call<'_>,
    resource_type: Arc<ResourceType>,
    id: String,
    given: Given,
) -> Result<Outcome, Error> {
    let server = call.server;
    if !server.patching {
        return Err(Error::not_implemented("PATCH is not supported: replace the resource by PUT"));
    }
    let Given { input, precondition, .. } = given;
    let (limits, of_type) = (server.limits, Arc::clone(&resource_type));
    let plan = call.reading_away(input.steps(), move |lenience| {
        let request = PatchRequest::from_value_within(input.into_json(&limits)?, lenience, &limits)?;
        Ok::<_, Error>(request.compile(&of_type, lenience)?)
    });
    let plan = Arc::new(plan.await?);
    let with_body = match server.patch_response {
        _ if call.parameters.names_attributes() => true,
        PatchResponse::Auto => !resource_type.relations().iter().any(Relation::is_own),
        PatchResponse::Body => true,
        PatchResponse::None => false,
    };
    // Worked out before anything is written, because it may be refused.
    let shown = if with_body {
        let on_request = resource_type.returned_on_request().iter();
        let on_request: Vec<_> = on_request.filter(|path| plan.writes(path)).cloned().collect();
        Some(call.parameters.projection_after(&resource_type, &on_request)?)
    } else {
        None
    };
    let mut attempts = Attempts::begin(call, &resource_type, &id).await;
    let written = if plan.touches_document() {
        loop {
            let update = update(call, &plan, &resource_type, &id, &precondition).await?;
            match call.commit_one(call.batch(Operation::Patch).update(update)).await {
                Ok(written) => break written,
                Err(error) => attempts.again(error, &precondition).await?,
            }
        }
    } else {
        let update = Update::new(Arc::clone(&resource_type), &id).when(precondition);
        let update = update.with_relations(Arc::unwrap_or_clone(plan).into_relations());
        call.commit_one(call.batch(Operation::Patch).update(update)).await?
    };
    drop(attempts);
    Ok(Outcome { done: Done::Patched, resource_type, id, version: Some(written.version), shown, made: None })
}

/// Applies the plan to the resource as it is now. Returns the update that results.
async fn update(
    call: &Call<'_>,
    plan: &Arc<PatchPlan>,
    resource_type: &Arc<ResourceType>,
    id: &str,
    precondition: &Precondition,
) -> Result<Update, Error> {
    let stored = read::current(call, resource_type, id).await?;
    check_version(precondition, resource_type.name(), id, stored.version)?;
    let (mut resource, version) = (stored.resource, stored.version);
    // Each edit may read the whole document.
    let steps = (resource.weight() as u64 / 4).saturating_mul(plan.edits() as u64);
    let (edits, work) = (Arc::clone(plan), call.context.work().clone());
    let applied = away::run(steps, move || {
        let changed = edits.apply_within(&mut resource, &mut work.part_meter())?;
        Ok::<_, PatchError>((resource, changed))
    });
    let (mut resource, changed) = applied.await?;
    secret::discard(resource_type, &mut resource);
    let update = Update::new(Arc::clone(resource_type), id)
        .when(Precondition::Match(vec![version]))
        .with_relations(plan.relations().to_vec());
    Ok(match changed {
        Changed::No => update,
        Changed::Yes(_) => update.with_resource(resource),
    })
}
