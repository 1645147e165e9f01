//! Leads from a route to the operation that answers it.

use bytes::Bytes;
use http::HeaderMap;
use scim_core::Error;

use crate::call::{Call, Given, Input};
use crate::etag::{Conditions, Unmet};
use crate::op;
use crate::render;
use crate::respond::Answer;
use crate::route::{Route, Target};

/// Answers a single request.
pub(crate) async fn answer(
    call: &Call<'_>,
    route: Route,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Answer, Error> {
    let conditions = Conditions::read(headers);
    let untagged = match route {
        Route::List(resource_type) => op::list::run(call, &call.parameters, &resource_type).await,
        Route::ListUnserved(path) => op::list::run_unserved(call, &path),
        Route::ListAll => op::list::run_all(call, &call.parameters).await,
        Route::ServiceProviderConfig => op::discovery::service_provider_config(call),
        Route::ResourceTypes => op::discovery::resource_types(call),
        Route::ResourceType(name) => op::discovery::resource_type(call, &name),
        Route::Schemas => op::discovery::schemas(call),
        Route::Schema(urn) => op::discovery::schema(call, &urn),
        Route::OpenApi => op::openapi::run(call.server),
        // These select no representation, so they have no conditions (RFC 9110 §13.2.1).
        Route::Search(resource_type) => return op::search::run(call, &body, Some(resource_type)).await,
        Route::SearchAll => return op::search::run(call, &body, None).await,
        Route::Bulk => return op::bulk::run(call, body).await,
        Route::Me(method) => return op::me::run(call, &method, &conditions, Input::Bytes(body)).await,
        Route::Read(resource_type, id) => return op::read::run(call, &conditions, resource_type, id).await,
        Route::Change(target) => {
            if let (Target::Create(_), Err(unmet)) = (&target, conditions.check_untagged(false)) {
                return unmet.answer();
            }
            let input = Input::Bytes(body);
            let given = Given { input, precondition: conditions.precondition(), id: None, is_shown: true };
            let outcome = op::change(call, target, given).await?;
            return render::http(call, outcome).await;
        }
    };
    let answer = untagged?;
    conditions.check_untagged(true).map_or_else(Unmet::answer, |()| Ok(answer))
}
