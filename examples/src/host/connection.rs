//! One connection: how it is opened, how its requests are answered, and when it is closed.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use scim_core::Error;
use scim_server::{Body, Reservation};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::coming::Coming;
use super::frames::Frames;
use super::going::{Going, going, uncounted};
use super::held::{Held, Progress, size_of_head};
use super::places::Connection;
use super::refuse::Refuse;
use super::rules::Rules;
use super::streams::{self, Streams};

/// How large the head of a request may be.
const HEAD: usize = 64 << 10;
/// How much of one answer an HTTP/2 connection buffers before the client has taken it.
const STREAM_SENDS: usize = 32 << 10;
/// How much of one body an HTTP/2 client may send before it is read.
const STREAM_TAKES: u32 = 64 << 10;
/// How much of all bodies of one connection together a client may send before they are read.
const CONNECTION_TAKES: u32 = 256 << 10;

/// A connection that is ready for requests, and whether HTTP/2 was agreed on.
pub(super) struct Opened {
    io: Box<dyn Io>,
    http2: bool,
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// Closes a connection whose client takes nothing of an answer for `silence`, or over HTTP/2 sends nothing.
fn patient<T: AsyncRead + AsyncWrite + Send + 'static>(
    stream: T,
    silence: Duration,
    http2: bool,
) -> TimeoutStream<T> {
    let mut io = TimeoutStream::new(stream);
    io.set_write_timeout(Some(silence));
    if http2 {
        // A ping is sent after each `silence`, and its answer may take another one.
        io.set_read_timeout(Some(2 * silence + Duration::from_secs(1)));
    }
    io
}

/// Waits for the first byte, then for the end of the TLS handshake if there is one.
///
/// Returns `None` if either takes too long.
pub(super) async fn open(stream: TcpStream, tls: Option<TlsAcceptor>, rules: &Rules) -> Option<Opened> {
    let _ = stream.set_nodelay(true);
    timeout(rules.first_byte, stream.peek(&mut [0])).await.ok()?.ok().filter(|bytes| *bytes > 0)?;
    let silence = rules.silence;
    let Some(tls) = tls else {
        return Some(Opened { io: Box::new(Box::pin(patient(stream, silence, false))), http2: false });
    };
    let secured = timeout(silence, tls.accept(stream)).await.ok()?.ok()?;
    let http2 = secured.get_ref().1.alpn_protocol() == Some(b"h2");
    let io: Box<dyn Io> = if http2 {
        let counted = Frames::new(secured, rules.control_frames);
        Box::new(Box::pin(patient(counted, silence, http2)))
    } else {
        Box::new(Box::pin(patient(secured, silence, http2)))
    };
    Some(Opened { io, http2 })
}

/// Answers the requests of a connection.
///
/// A connection is closed if no request begins within `silence`, or if a head is not complete by then. It is also
/// closed if the client takes nothing of its answer for that long. So nobody holds a place by doing nothing. Over
/// HTTP/2 the client has to answer a ping, and each stream is watched separately.
pub(super) async fn talk<S>(
    opened: Opened,
    service: S,
    rules: Arc<Rules>,
    connection: Arc<Connection>,
    watcher: Watcher,
) where
    S: Service<Request<Coming>, Response = Response<Body>, Error = Infallible>
        + Refuse
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let silence = rules.silence;
    let io = TokioIo::new(opened.io);
    // How a connection ends concerns only the client, so the result is ignored.
    if opened.http2 {
        let mut http = http2::Builder::new(Streams { connection: Arc::clone(&connection), silence });
        http.timer(TokioTimer::new())
            .keep_alive_interval(silence)
            .keep_alive_timeout(silence)
            .max_concurrent_streams(rules.streams)
            .max_send_buf_size(STREAM_SENDS)
            .max_header_list_size(HEAD as u32)
            .initial_stream_window_size(STREAM_TAKES)
            .initial_connection_window_size(CONNECTION_TAKES);
        let service = service_fn(move |request| {
            let (service, rules, connection) = (service.clone(), Arc::clone(&rules), Arc::clone(&connection));
            async move {
                let progress = streams::progress().unwrap_or_default();
                answer(request, service, &rules, &connection, &progress).await
            }
        });
        let _ = watcher.watch(http.serve_connection(io, service)).await;
    } else {
        let progress = Arc::<Progress>::default();
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(silence).max_buf_size(HEAD).max_header_size(HEAD);
        let stalled = Arc::clone(&progress);
        let service = service_fn(move |request| {
            let (service, rules, connection) = (service.clone(), Arc::clone(&rules), Arc::clone(&connection));
            let progress = Arc::clone(&progress);
            async move { answer(request, service, &rules, &connection, &progress).await }
        });
        tokio::select! {
            _ = watcher.watch(http.serve_connection(io, service)) => {}
            () = stalled.stalled(silence) => {}
        }
    }
}

/// Answers one request, within the limits of time and memory.
async fn answer<S>(
    request: Request<Incoming>,
    mut service: S,
    rules: &Rules,
    connection: &Arc<Connection>,
    progress: &Arc<Progress>,
) -> Result<Response<Going>, Infallible>
where
    S: Service<Request<Coming>, Response = Response<Body>, Error = Infallible> + Refuse + Clone,
{
    let (method, uri, refusing) = (request.method().clone(), request.uri().clone(), service.clone());
    let (held, room) = Held::new(&rules.budget, connection, progress, size_of_head(&request));
    if let Err(error) = room {
        return Ok(uncounted(refuse(&refusing, error, &method), &held));
    }
    let mut request = request.map(|body| Coming::new(body, rules.pace));
    if !request.body().is_end_stream() {
        request.extensions_mut().insert(Reservation::new(Arc::clone(&held) as _));
    }
    let answer = async {
        poll_fn(|task| service.poll_ready(task)).await?;
        service.call(request).await
    };
    let response = match timeout(rules.request, answer).await {
        Ok(response) => response?,
        Err(_) => {
            tracing::warn!(%method, path = uri.path(), "the request took too long");
            refuse(&refusing, too_late(), &method)
        }
    };
    Ok(going(response, &held).unwrap_or_else(|mut error| {
        if !method.is_safe() {
            error.detail.push_str(": a write may have been carried out all the same");
        }
        uncounted(refuse(&refusing, error, &method), &held)
    }))
}

/// Makes a refusal by the host, without a body if the method is HEAD.
fn refuse(service: &impl Refuse, error: Error, method: &Method) -> Response<Body> {
    let answer = service.refuse(error);
    if *method == Method::HEAD { answer.map(|_| Body::empty()) } else { answer }
}

fn too_late() -> Error {
    let detail = "the request took too long: a write may have been carried out all the same";
    Error::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}
