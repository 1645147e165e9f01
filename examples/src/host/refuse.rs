//! The host's own refusals, in the form of the service.

use http::Response;
use scim_core::Error;
use scim_emu::Enterprise;
use scim_server::{Body, Server};

/// Makes the host's own refusals in the form that the service uses.
pub trait Refuse {
    /// Makes the response to this error.
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
