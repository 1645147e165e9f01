//! The server as a tower service, for axum, hyper and every other host.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use scim_core::Error;
use tower_service::Service;

use crate::body::Body;
use crate::server::Server;
use crate::tenants::Tenants;

/// How many bytes past the limit are read and thrown away, so that a client that is still sending gets
/// to see the 413 instead of a broken connection.
const DRAIN: usize = 64 << 20;

/// What can answer a request whose body has been read.
macro_rules! service {
    ($type:ty) => {
        impl<B> Service<Request<B>> for $type
        where
            B: http_body::Body + Send + 'static,
            B::Data: Send,
            B::Error: std::fmt::Display,
        {
            type Response = Response<Body>;
            type Error = Infallible;
            type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: Request<B>) -> Self::Future {
                let server = self.clone();
                Box::pin(async move {
                    let (parts, body) = request.into_parts();
                    Ok(match read_body(body, server.max_body()).await {
                        Ok(bytes) => server.handle(Request::from_parts(parts, bytes)).await,
                        Err(error) => server.refuse(error),
                    })
                })
            }
        }
    };
}

service!(Server);
service!(Tenants);

/// Reads a request's body to its end.
///
/// Errors: 413 past `limit` bytes, 400 `invalidSyntax` when the connection breaks. What is past the limit
/// is read and thrown away, within reason.
pub async fn read_body<B>(body: B, limit: usize) -> Result<Bytes, Error>
where
    B: http_body::Body + Send,
    B::Error: std::fmt::Display,
{
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::new();
    let mut seen = 0usize;
    while let Some(frame) = body.as_mut().frame().await {
        let data = frame
            .map_err(|error| Error::invalid_syntax(format!("the body could not be read: {error}")))?
            .into_data();
        let Ok(data) = data else { continue };
        seen = seen.saturating_add(data.remaining());
        if seen <= limit {
            bytes.put(data);
        } else {
            bytes = BytesMut::new();
            if seen > limit.saturating_add(DRAIN) {
                break;
            }
        }
    }
    if seen > limit {
        let detail = format!("the body is larger than the {limit} bytes that are taken");
        return Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    Ok(bytes.freeze())
}
