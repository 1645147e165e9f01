//! Where a server program listens, and what it does to keep standing: TLS, a limit of connections, a limit of time.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Task, Poll};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body as RequestBody;
use clap::Args;
use http::{Request, Response, StatusCode, header};
use scim_core::Error;
use scim_server::Body;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
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
}

impl Host {
    /// A host on any free port of this machine.
    pub fn local() -> Self {
        let listen = "127.0.0.1:0".to_owned();
        Self { listen, certificate: None, key: None, connections: 1_024, request_timeout: 60 }
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
        let address = listener.local_addr()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (connected, connections) = mpsc::channel(1);
        let permits = Arc::new(Semaphore::new(self.connections.max(1)));
        let accepting = tokio::spawn(accept(listener, permits, tls, connected));
        let listener = Listener { connections, accepting, address };
        let limit = Duration::from_secs(self.request_timeout.max(1));
        Ok(Listening { listener, url: format!("{scheme}://{address}"), limit })
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
#[derive(Debug)]
pub struct Listening {
    listener: Listener,
    url: String,
    limit: Duration,
}

/// How long requests that are under way may take to end once the server is to stop.
const GRACE: Duration = Duration::from_secs(5);

impl Listening {
    /// Scheme, host and port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until `stop` is done, then finishes the requests that are under way.
    pub async fn serve<S>(
        self,
        service: S,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()>
    where
        S: Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
    {
        let app = Router::new().fallback_service(Limited { service, limit: self.limit });
        let (stopping, stopped) = oneshot::channel();
        let server = axum::serve(self.listener, app).with_graceful_shutdown(async move {
            stop.await;
            let _ = stopping.send(());
        });
        // A client that never ends its request must not keep the process alive.
        let patience = async {
            match stopped.await {
                Ok(()) => sleep(GRACE).await,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            result = server => result.context("the server failed"),
            () = patience => Ok(()),
        }
    }
}

/// How long a client may take for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

async fn accept(
    listener: TcpListener,
    permits: Arc<Semaphore>,
    tls: Option<TlsAcceptor>,
    connected: mpsc::Sender<(Connection, SocketAddr)>,
) {
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most often: some will be free again.
                tracing::warn!(%error, "no connection was accepted");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (tls, connected) = (tls.clone(), connected.clone());
        // One client's handshake keeps no other waiting.
        tokio::spawn(async move {
            if let Some(io) = open(stream, tls).await {
                let _ = connected.send((Connection { io, _permit: permit }, address)).await;
            }
        });
    }
}

async fn open(stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<Box<dyn Io>> {
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return Some(Box::new(stream)) };
    let secured = timeout(HANDSHAKE, tls.accept(stream)).await.ok()?.ok()?;
    Some(Box::new(secured))
}

/// Connections that are ready to be served.
#[derive(Debug)]
struct Listener {
    connections: mpsc::Receiver<(Connection, SocketAddr)>,
    accepting: JoinHandle<()>,
    address: SocketAddr,
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.connections.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A connection, which makes room for another one when it ends.
struct Connection {
    io: Box<dyn Io>,
    _permit: OwnedSemaphorePermit,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(task, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Task<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(task, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(task, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(task)
    }
}

/// A service that answers within a time, if need be that it could not.
#[derive(Clone)]
struct Limited<S> {
    service: S,
    limit: Duration,
}

impl<S> Service<Request<RequestBody>> for Limited<S>
where
    S: Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(task)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let answer = timeout(self.limit, self.service.call(request));
        Box::pin(async move { answer.await.unwrap_or_else(|_| Ok(too_late())) })
    }
}

fn too_late() -> Response<Body> {
    let detail = "the request took too long: a write may have been carried out all the same";
    let error = Error::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    let mut response = Response::new(Body::from(serde_json::to_vec(&error).unwrap_or_default()));
    *response.status_mut() = error.status;
    let media_type = header::HeaderValue::from_static(scim_core::urn::MEDIA_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}
