//! The interface that sends a request to the server and returns the response.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

/// Turns a request into a response.
///
/// It may be an HTTP library, a server in the same process, or a recorder.
///
/// It must not follow redirects. The [`Client`](crate::Client) follows them, so that method, body and token stay right.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends one request. Its URI is absolute; a response of any status is `Ok`.
    ///
    /// A transport over a network must limit the time and the size of the body, because the client does not.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError>;
}

#[async_trait]
impl<T: Transport + ?Sized> Transport for Arc<T> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        (**self).send(request).await
    }
}

/// Makes a transport from a closure.
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

/// The transport that [`transport_fn`] makes.
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

/// Why no response came.
///
/// It is unknown whether the server carried out the request, except after [`TransportError::Connect`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The server was not reached, because of its name, port or certificate.
    #[error("could not connect to the server")]
    Connect(#[source] Box<dyn Error + Send + Sync>),
    /// The exchange took too long.
    #[error("the server did not answer in time")]
    Timeout(#[source] Box<dyn Error + Send + Sync>),
    /// The response is larger than the transport allows.
    #[error("the response is larger than {limit} bytes")]
    TooLarge {
        /// The most bytes that are allowed.
        limit: usize,
    },
    /// Anything else.
    #[error("the request could not be carried out")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}
