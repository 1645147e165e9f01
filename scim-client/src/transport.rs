//! What carries a request to the server and brings the response.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

/// Anything that turns a request into a response: an HTTP library, a server in the same process, a
/// recorder.
///
/// It must not follow redirects: the [`Client`](crate::Client) does, so that method, body and token
/// stay right.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request. Its URI is absolute; any status is a success here.
    ///
    /// A transport over a network bounds the time and the size of the body: the client has no such limits.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        (**self).send(request).await
    }
}

/// A transport made of a closure.
///
/// ```
/// use bytes::Bytes;
/// use scim_client::transport_fn;
///
/// let nobody = transport_fn(|_request| async {
///     Ok(http::Response::new(Bytes::from_static(br#"{"totalResults": 0}"#)))
/// });
/// # let _ = nobody;
/// ```
pub fn transport_fn<F, Fut>(send: F) -> TransportFn<F>
where
    F: Fn(Request<Bytes>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Response<Bytes>, TransportError>> + Send,
{
    TransportFn(send)
}

/// What [`transport_fn`] makes.
#[derive(Clone, Copy)]
pub struct TransportFn<F>(F);

impl<F> fmt::Debug for TransportFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransportFn")
    }
}

#[async_trait]
impl<F, Fut> Transport for TransportFn<F>
where
    F: Fn(Request<Bytes>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Response<Bytes>, TransportError>> + Send,
{
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        (self.0)(request).await
    }
}

/// Why no response came. Whether the server acted on the request is unknown, except after
/// [`TransportError::Connect`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The server was not reached: name, port, certificate.
    #[error("could not connect to the server")]
    Connect(#[source] Box<dyn Error + Send + Sync>),
    /// It took too long.
    #[error("the server did not answer in time")]
    Timeout(#[source] Box<dyn Error + Send + Sync>),
    /// The response is larger than the transport takes.
    #[error("the response is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that are taken.
        limit: usize,
    },
    /// Anything else.
    #[error("the request could not be carried out")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}
