//! The outcome of a change of one resource, before it is rendered.

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

/// The outcome of a change of one resource.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) done: Done,
    pub(crate) resource_type: Arc<ResourceType>,
    pub(crate) id: String,
    /// The version that is stored now; `None` for a resource that is gone.
    pub(crate) version: Option<u64>,
    /// What an answer shows of the resource, if anything. A renderer reads the resource only if it needs it.
    pub(crate) shown: Option<Projection>,
    /// What was created, if nothing else has to be read to show it.
    pub(crate) made: Option<Stored>,
}

impl Outcome {
    /// Returns the status of this outcome.
    pub(crate) fn status(&self) -> StatusCode {
        match (self.done, &self.shown) {
            (Done::Created, _) => StatusCode::CREATED,
            (_, Some(_)) => StatusCode::OK,
            (_, None) => StatusCode::NO_CONTENT,
        }
    }
}
