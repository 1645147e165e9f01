//! `/Me` — RFC 7644 §3.11: the resource of the authenticated person, processed directly.

use std::sync::Arc;

use http::{Method, StatusCode, header};
use scim_core::{Error, ResourceType};
use scim_server_traits::Me;

use crate::etag::Conditions;
use crate::respond::{self, Answer};
use crate::route::Route;
use crate::server::Call;

pub(crate) async fn run(call: &Call<'_>, method: &Method) -> Result<Answer, Error> {
    let Some(resolver) = &call.server.me else {
        return Err(Error::not_implemented("`/Me` is not supported"));
    };
    let found = resolver.resolve(&call.context).await?;
    let named = |name: &str| -> Result<Arc<ResourceType>, Error> {
        let resource_type = call.server.registry.by_name(name).cloned();
        resource_type.ok_or_else(|| Error::internal(format!("there is no resource type `{name}`")))
    };
    if method == Method::POST {
        if found.is_some() {
            return Err(Error::new(StatusCode::CONFLICT, "you have a resource already: see GET /Me"));
        }
        // There is nothing that `If-Match` could name, not even by `*`.
        Conditions::read(call.headers).check_missing()?;
        return call.single(Route::Create(named(resolver.makes())?)).await;
    }
    let Me { resource_type, id, .. } =
        found.ok_or_else(|| Error::not_found("there is no resource of yours"))?;
    let resource_type = named(&resource_type)?;
    // "the HTTP Location header value SHALL be the permanent location".
    let location = respond::location(call.server, &resource_type, &id);
    let route = match *method {
        Method::PUT => Route::Replace(resource_type, id),
        Method::PATCH => Route::Patch(resource_type, id),
        Method::DELETE => Route::Delete(resource_type, id),
        _ => Route::Read(resource_type, id),
    };
    Ok(call.single(route).await?.header(header::LOCATION, location))
}
