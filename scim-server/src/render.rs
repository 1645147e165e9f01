//! Turns the outcome of a change into an HTTP response.

use http::header;
use scim_core::Error;
use scim_server_traits::EntityTag;

use crate::call::Call;
use crate::op::{Done, Outcome, read};
use crate::respond::{self, Answer};
use crate::shown::Shown;

/// Answers a single request.
pub(crate) async fn http(call: &Call<'_>, outcome: Outcome) -> Result<Answer, Error> {
    let status = outcome.status();
    let Outcome { done, resource_type, id, version, shown, made } = outcome;
    if let Some(projection) = shown {
        let shown = match made {
            Some(made) => Some(Shown::new(call.server, &resource_type, made)),
            None => read::show(call, &resource_type, &id, &projection).await?,
        };
        match shown {
            Some(shown) => return shown.answer(status, &projection),
            // Another request deleted it in between. It was created all the same.
            None if done == Done::Created => {}
            None => return Err(read::missing(&resource_type, &id)),
        }
    }
    // Nothing is shown, so the tag is the version's.
    let answer = Answer::empty(status);
    let answer = match version {
        Some(version) => answer.header(header::ETAG, EntityTag(version).to_string()),
        None => answer,
    };
    Ok(match done {
        Done::Created => answer.header(header::LOCATION, respond::location(call.server, &resource_type, &id)),
        _ => answer,
    })
}
