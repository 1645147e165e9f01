//! The server as a tower service, for axum, hyper and every other host.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use crate::body::Body;
use crate::server::Server;
use crate::tenants::Tenants;

/// Implements `Service` for a type that answers requests.
macro_rules! service {
    ($type:ty) => {
        impl<B> Service<Request<B>> for $type
        where
            B: http_body::Body + Send + 'static,
            B::Data: Send,
            B::Error: std::fmt::Display + 'static,
        {
            type Response = Response<Body>;
            type Error = Infallible;
            type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: Request<B>) -> Self::Future {
                let server = self.clone();
                Box::pin(async move { Ok(server.serve(request).await) })
            }
        }
    };
}

service!(Server);
service!(Tenants);
