//! The host's own refusals, in the words of the service.

use http::Response;
use scim_core::Error;
use scim_emu::Enterprise;
use scim_server::{Body, Server};

/// Words the host's own refusals as the service words its own.
pub trait Refuse {
    /// The response to this error.
    fn refuse(&self, error: Error) -> Response<Body>;
}

impl Refuse for Server {
    fn refuse(&self, error: Error) -> Response<Body> {
        Server::refuse(self, error)
    }
}

impl Refuse for Enterprise {
    fn refuse(&self, error: Error) -> Response<Body> {
        Enterprise::refuse(self, error)
    }
}
