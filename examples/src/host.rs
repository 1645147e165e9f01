//! Where a server program listens, and what it does to keep standing: TLS, a limit of connections, a limit of time.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use scim_core::Error;
use scim_emu::Enterprise;
use scim_server::{Body, Server};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tower_service::Service;

/// The arguments that all servers share.
#[derive(Args, Clone, Debug)]
pub struct Host {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    listen: String,
    /// The URL that clients reach this server at, if it is not the one it listens on: that of a proxy, a tunnel or a
    /// container's host, perhaps with a path before `/scim/v2`. Locations in answers begin with it.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A PEM file with the certificate chain: HTTPS instead of HTTP.
    #[arg(long, requires = "key", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// A PEM file with the certificate's private key.
    #[arg(long, requires = "certificate", value_name = "FILE")]
    key: Option<PathBuf>,
    /// How many connections may be open; more wait to be accepted.
    #[arg(long, default_value_t = 1_024, value_name = "NUMBER")]
    connections: usize,
    /// After how many seconds a request is answered 503.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    request_timeout: u64,
    /// After how many seconds a connection is closed whose client does not end its TLS handshake, or the head of a
    /// request, or begins none, or takes nothing of an answer.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    header_timeout: u64,
}

impl Host {
    /// A host on any free port of this machine.
    pub fn local() -> Self {
        let listen = "127.0.0.1:0".to_owned();
        let (connections, request_timeout, header_timeout) = (1_024, 60, 30);
        Self {
            listen,
            public_url: None,
            certificate: None,
            key: None,
            connections,
            request_timeout,
            header_timeout,
        }
    }

    /// Begins to listen.
    pub async fn open(&self) -> anyhow::Result<Listening> {
        let tls = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some(acceptor(certificate, key)?),
            _ => None,
        };
        let listener = TcpListener::bind(&self.listen)
            .await
            .with_context(|| format!("cannot listen on `{}`: is the port taken?", self.listen))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = listener.local_addr()?;
        let url = format!("{scheme}://{address}");
        let public_url = match &self.public_url {
            Some(public) => public.trim_end_matches('/').to_owned(),
            None => url.clone(),
        };
        if self.public_url.is_none() && address.ip().is_unspecified() {
            eprintln!("Answers name {url}, which no other machine can reach: give --public-url.");
        }
        let seconds = |number: u64| Duration::from_secs(number.max(1));
        let permits = Arc::new(Semaphore::new(self.connections.max(1)));
        let (limit, silence) = (seconds(self.request_timeout), seconds(self.header_timeout));
        Ok(Listening { listener, url, public_url, permits, tls, limit, silence })
    }
}

fn acceptor(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("cannot read the certificate `{}`", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("cannot read the private key `{}`", key.display()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("certificate and key do not fit")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A host that listens.
pub struct Listening {
    listener: TcpListener,
    url: String,
    public_url: String,
    permits: Arc<Semaphore>,
    tls: Option<TlsAcceptor>,
    limit: Duration,
    silence: Duration,
}

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

/// How long requests that are under way may take to end once the server is to stop.
const GRACE: Duration = Duration::from_secs(5);

impl Listening {
    /// Scheme, host and port that it listens on.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL that clients reach it at, perhaps with a path; the one it listens on unless said.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Serves until `stop` is done, then finishes the requests that are under way.
    pub async fn serve<S>(
        self,
        service: S,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()>
    where
        S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>
            + Refuse
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let graceful = GracefulShutdown::new();
        let accepting = async {
            while let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await {
                let stream = match self.listener.accept().await {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Out of file descriptors, most often: some will be free again.
                        tracing::warn!(%error, "no connection was accepted");
                        sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                };
                let (tls, service, watcher) = (self.tls.clone(), service.clone(), graceful.watcher());
                let (limit, silence) = (self.limit, self.silence);
                // One client's handshake keeps no other waiting; the permit is free when the connection ends.
                tokio::spawn(async move {
                    if let Some(io) = open(stream, tls, silence).await {
                        talk(io, service, limit, silence, watcher).await;
                    }
                    drop(permit);
                });
            }
        };
        tokio::select! {
            () = accepting => {}
            () = stop => {}
        }
        drop(self.listener);
        // A client that never ends its request must not keep the process alive.
        let _ = timeout(GRACE, graceful.shutdown()).await;
        Ok(())
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A connection that can be talked on, and whether HTTP/2 was agreed on.
struct Opened {
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

async fn open(stream: TcpStream, tls: Option<TlsAcceptor>, patience: Duration) -> Option<Opened> {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return Some(patient(stream, patience, false)) };
    let secured = timeout(patience, tls.accept(stream)).await.ok()?.ok()?;
    let http2 = secured.get_ref().1.alpn_protocol() == Some(b"h2");
    Some(patient(secured, patience, http2))
}

/// Answers the requests of a connection. One that begins no request, or does not end its head, within `silence` is
/// closed, so that nobody holds a place by saying nothing, and so is one that takes nothing of its answer for that
/// long; over HTTP/2 the other side has to answer a ping.
async fn talk<S>(opened: Opened, service: S, limit: Duration, silence: Duration, watcher: Watcher)
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
