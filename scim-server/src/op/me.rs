//! `/Me` — RFC 7644 §3.11: the resource of the authenticated person, processed directly.

use std::sync::Arc;

use http::{Method, StatusCode, header};
use scim_core::{Error, ResourceType};
use scim_server_traits::{Action, Me, Operation};

use super::{change, read};
use crate::call::{Call, Given, Input};
use crate::etag::Conditions;
use crate::render;
use crate::respond::{self, Answer};
use crate::route::Target;

pub(crate) async fn run(
    call: &Call<'_>,
    method: &Method,
    conditions: &Conditions,
    input: Input,
) -> Result<Answer, Error> {
    let Some(resolver) = &call.server.me else {
        return Err(Error::not_implemented("`/Me` is not supported"));
    };
    let found = resolver.resolve(&call.context).await?;
    let named = |name: &str| -> Result<Arc<ResourceType>, Error> {
        let resource_type = call.server.registry.by_name(name).cloned();
        resource_type.ok_or_else(|| Error::internal(format!("there is no resource type `{name}`")))
    };
    let given = Given { input, precondition: conditions.precondition(), id: None, is_shown: true };
    if method == Method::POST {
        if found.is_some() {
            return Err(Error::new(StatusCode::CONFLICT, "you have a resource already: see GET /Me"));
        }
        // There is nothing that `If-Match` could name, not even by `*`.
        conditions.check_missing()?;
        let target = Target::Create(named(resolver.makes())?);
        call.authorize(&target.action())?;
        let outcome = change(call, target, given).await?;
        return render::http(call, outcome).await;
    }
    let Me { resource_type, id, .. } =
        found.ok_or_else(|| Error::not_found("there is no resource of yours"))?;
    let resource_type = named(&resource_type)?;
    // "the HTTP Location header value SHALL be the permanent location".
    let location = respond::location(call.server, &resource_type, &id);
    let target = match *method {
        Method::PUT => Target::Replace(resource_type, id),
        Method::PATCH => Target::Patch(resource_type, id),
        Method::DELETE => Target::Delete(resource_type, id),
        _ => {
            call.authorize(&Action::new(Operation::Read, Some(&resource_type), Some(&id)))?;
            let answer = read::run(call, conditions, resource_type, id).await?;
            return Ok(answer.header(header::LOCATION, location));
        }
    };
    call.authorize(&target.action())?;
    let outcome = change(call, target, given).await?;
    Ok(render::http(call, outcome).await?.header(header::LOCATION, location))
}
