//! One connection: how it begins, what is said on it, and when it is given up.

use std::convert::Infallible;
use std::future::poll_fn;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use scim_core::Error;
use scim_server::Body;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::refuse::Refuse;

/// A connection that can be talked on, and whether HTTP/2 was agreed on.
pub(super) struct Opened {
    io: Box<dyn Io>,
    http2: bool,
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// Gives up a connection whose other side takes nothing of an answer for so long, or over HTTP/2 says nothing.
fn patient<T: AsyncRead + AsyncWrite + Send + 'static>(stream: T, silence: Duration, http2: bool) -> Opened {
    let mut io = TimeoutStream::new(stream);
    io.set_write_timeout(Some(silence));
    if http2 {
        // A ping is due in each `silence`, and its answer in another one.
        io.set_read_timeout(Some(2 * silence + Duration::from_secs(1)));
    }
    Opened { io: Box::new(Box::pin(io)), http2 }
}

pub(super) async fn open(stream: TcpStream, tls: Option<TlsAcceptor>, patience: Duration) -> Option<Opened> {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return Some(patient(stream, patience, false)) };
    let secured = timeout(patience, tls.accept(stream)).await.ok()?.ok()?;
    let http2 = secured.get_ref().1.alpn_protocol() == Some(b"h2");
    Some(patient(secured, patience, http2))
}

/// Answers the requests of a connection. One that begins no request, or does not end its head, within `silence` is
/// closed, so that nobody holds a place by saying nothing, and so is one that takes nothing of its answer for that
/// long; over HTTP/2 the other side has to answer a ping.
pub(super) async fn talk<S>(opened: Opened, service: S, limit: Duration, silence: Duration, watcher: Watcher)
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>
        + Refuse
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let service = service_fn(move |request| {
        let (mut service, late) = (service.clone(), service.clone());
        let (method, uri) = (request.method().clone(), request.uri().clone());
        async move {
            let answer = async {
                poll_fn(|task| service.poll_ready(task)).await?;
                service.call(request).await
            };
            timeout(limit, answer).await.unwrap_or_else(|_| {
                tracing::warn!(%method, path = uri.path(), "the request took too long");
                let answer = late.refuse(too_late());
                Ok(if method == Method::HEAD { answer.map(|_| Body::empty()) } else { answer })
            })
        }
    });
    let io = TokioIo::new(opened.io);
    // How a connection ends is the client's affair.
    let _ = if opened.http2 {
        let mut http = http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new()).keep_alive_interval(silence).keep_alive_timeout(silence);
        watcher.watch(http.serve_connection(io, service)).await
    } else {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(silence);
        watcher.watch(http.serve_connection(io, service)).await
    };
}

fn too_late() -> Error {
    let detail = "the request took too long: a write may have been carried out all the same";
    Error::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}
