//! What the example servers share: opening a store, listening, saying that they are ready, stopping.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body as RequestBody;
use http::{Request, Response};
use scim_server::Body;
use scim_server_traits::Store;
use scim_store::{MemoryStore, SqliteStore};
use serde_json::json;
use tokio::net::TcpListener;

/// Opens the store that `--data` names: `:memory:`, or a SQLite file that is made when it is not there.
pub fn open_store(data: &str) -> anyhow::Result<Arc<dyn Store>> {
    if data == ":memory:" {
        return Ok(Arc::new(MemoryStore::new()));
    }
    let store = SqliteStore::open(data).with_context(|| format!("cannot open the database `{data}`"))?;
    Ok(Arc::new(store))
}

/// A socket that listens, with the address it really has.
pub async fn listen(address: &str) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on `{address}`: is the port taken?"))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Prints the one line that scripts wait for, and for people where to begin.
pub fn say_ready(base_url: &str, token: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({"base_url": base_url, "token": token}))?;
    out.flush()?;
    eprintln!("Serving {base_url}");
    eprintln!("Try it:\n  curl -H 'Authorization: Bearer {token}' '{base_url}/Users?count=2'");
    eprintln!("Stop with Ctrl-C.");
    Ok(())
}

/// Serves until `stop` is done, then finishes the requests that are under way.
pub async fn serve<S>(
    listener: TcpListener,
    service: S,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()>
where
    S: tower_service::Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let app = Router::new().fallback_service(service);
    axum::serve(listener, app).with_graceful_shutdown(stop).await.context("the server failed")
}

/// Done at SIGINT or SIGTERM.
pub async fn interrupted() {
    let ctrl_c = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = ctrl_c => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = ctrl_c.await;
}

/// Logs to standard error; `RUST_LOG` says how much, warnings unless it does.
pub fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// The front page of the project, so that its examples are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod front_page {}
