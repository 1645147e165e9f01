//! What a change of one resource came to, before anybody is told.

use std::sync::Arc;

use http::StatusCode;
use scim_core::{Projection, ResourceType};
use scim_server_traits::Stored;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Created,
    Replaced,
    Patched,
    Deleted,
}

/// What a change of one resource came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) done: Done,
    pub(crate) resource_type: Arc<ResourceType>,
    pub(crate) id: String,
    /// The version that is stored now; `None` for a resource that is gone.
    pub(crate) version: Option<u64>,
    /// What an answer shows of the resource, if it shows anything. It is read only by a renderer that needs it.
    pub(crate) shown: Option<Projection>,
    /// What was created, where that is all there is to show.
    pub(crate) made: Option<Stored>,
}

impl Outcome {
    /// The status that says it.
    pub(crate) fn status(&self) -> StatusCode {
        match (self.done, &self.shown) {
            (Done::Created, _) => StatusCode::CREATED,
            (_, Some(_)) => StatusCode::OK,
            (_, None) => StatusCode::NO_CONTENT,
        }
    }
}
