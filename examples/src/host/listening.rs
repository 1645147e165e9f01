//! A host that listens and accepts connections.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper_util::server::graceful::GracefulShutdown;
use scim_server::Body;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use super::coming::Coming;
use super::connection::{open, talk};
use super::places::Places;
use super::refuse::Refuse;
use super::rules::Rules;

/// A host that listens.
pub struct Listening {
    pub(super) listener: TcpListener,
    pub(super) url: String,
    pub(super) public_url: String,
    pub(super) places: Arc<Places>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) rules: Arc<Rules>,
}

/// How long requests that are under way may take to end after the server is told to stop.
const GRACE: Duration = Duration::from_secs(5);

impl Listening {
    /// Returns scheme, host and port that it listens on.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the URL at which clients reach it, which may have a path. By default it is the one that it listens on.
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Serves until `stop` is done, then finishes the requests that are under way.
    ///
    /// # Errors
    ///
    /// It returns no error so far. If a connection cannot be accepted, a warning is logged.
    pub async fn serve<S>(
        self,
        service: S,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()>
    where
        S: Service<Request<Coming>, Response = Response<Body>, Error = Infallible>
            + Refuse
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let graceful = GracefulShutdown::new();
        let accepting = async {
            loop {
                let (stream, address) = match self.listener.accept().await {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        // Most often there are no file descriptors left. Some will be free again.
                        tracing::warn!(%error, "no connection was accepted");
                        sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                };
                let Some(place) = self.places.take(address.ip()).await else {
                    tracing::debug!(peer = %address.ip(), "a peer with too many connections is refused one");
                    continue;
                };
                let (tls, service, watcher) = (self.tls.clone(), service.clone(), graceful.watcher());
                let rules = Arc::clone(&self.rules);
                // A slow handshake must not delay other clients. The place is free again when the connection ends.
                tokio::spawn(async move {
                    let connection = Arc::clone(place.connection());
                    let talking = async {
                        if let Some(opened) = open(stream, tls, &rules).await {
                            talk(opened, service, Arc::clone(&rules), Arc::clone(&connection), watcher).await;
                        }
                    };
                    tokio::select! {
                        () = talking => {}
                        () = connection.ended() => {}
                    }
                    drop(place);
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
