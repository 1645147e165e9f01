//! `PATCH /{type}/{id}` — RFC 7644 §3.5.2.
//!
//! A plan that names relations only is one commit and no read: adding a member to a group of any size
//! costs the same.

use std::sync::Arc;

use http::{StatusCode, header};
use scim_core::{Error, Relation, ResourceType};
use scim_patch::{Changed, PatchPlan, PatchRequest};
use scim_server_traits::{Batch, EntityTag, Precondition, StoreError, Update, Written};

use super::{Attempts, check_version, read};
use crate::config::PatchResponse;
use crate::etag::Conditions;
use crate::respond::Answer;
use crate::secret;
use crate::server::Call;

pub(crate) async fn run(
    call: &Call<'_>,
    resource_type: Arc<ResourceType>,
    id: String,
) -> Result<Answer, Error> {
    let server = call.server;
    if !server.patching {
        return Err(Error::not_implemented("PATCH is not supported: replace the resource by PUT"));
    }
    let precondition = Conditions::read(call.headers).precondition();
    let body = call.json()?;
    let plan = call.reading(|lenience| {
        PatchRequest::from_value_within(body, lenience, &server.limits)?.compile(&resource_type, lenience)
    })?;
    let with_body = match server.patch_response {
        _ if call.parameters.names_attributes() => true,
        PatchResponse::Auto => !resource_type.relations().iter().any(Relation::is_own),
        PatchResponse::Body => true,
        PatchResponse::None => false,
    };
    // Worked out before anything is written, for it may be refused.
    let projection = if with_body {
        let on_request = resource_type.returned_on_request().iter();
        let on_request: Vec<_> = on_request.filter(|path| plan.writes(path)).cloned().collect();
        Some(call.parameters.projection_after(&resource_type, &on_request)?)
    } else {
        None
    };
    let mut attempts = Attempts::begin(call, &resource_type, &id).await;
    let written = loop {
        let update = update(call, &plan, &resource_type, &id, &precondition).await?;
        match commit(call, update).await {
            Ok(written) => break written,
            Err(error) if plan.touches_document() => attempts.again(error, &precondition).await?,
            Err(error) => return Err(error.into()),
        }
    };
    drop(attempts);
    if let Some(projection) = projection {
        return read::show(call, &resource_type, &id, &projection).await?.answer(StatusCode::OK, &projection);
    }
    // Nothing is shown, so the tag is the version's.
    Ok(Answer::empty(StatusCode::NO_CONTENT).header(header::ETAG, EntityTag(written.version).to_string()))
}

/// What the plan comes to for this resource, as it is now.
async fn update(
    call: &Call<'_>,
    plan: &PatchPlan,
    resource_type: &Arc<ResourceType>,
    id: &str,
    precondition: &Precondition,
) -> Result<Update, Error> {
    let update = Update::new(Arc::clone(resource_type), id).with_relations(plan.relations().to_vec());
    if !plan.touches_document() {
        return Ok(update.when(precondition.clone()));
    }
    let mut stored = read::current(call, resource_type, id).await?;
    check_version(precondition, resource_type.name(), id, stored.version)?;
    let changed = plan.apply_within(&mut stored.resource, &mut call.context.work().meter())?;
    secret::discard(resource_type, &mut stored.resource);
    let update = update.when(Precondition::Match(vec![stored.version]));
    Ok(match changed {
        Changed::No => update,
        Changed::Yes(_) => update.with_resource(stored.resource),
    })
}

async fn commit(call: &Call<'_>, update: Update) -> Result<Written, StoreError> {
    let batch = Batch::new(call.server.clock.now()).update(update);
    let written = call.commit(batch).await?;
    written.into_iter().next().ok_or_else(|| StoreError::backend("the store answered nothing"))
}
