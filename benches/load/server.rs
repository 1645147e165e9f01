//! The 2 servers that are measured, each in a process of its own: the engine, and a bare one.
//!
//! The bare server answers the same bytes without any work.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::IntoResponse;
use clap::ValueEnum;
use core_affinity::CoreId;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use scim_examples::Host;
use scim_server::{BearerTokens, Grant, Server};
use scim_server_traits::TenantId;
use scim_store::{SqliteOptions, SqliteStore};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::seed::TENANT;

/// The bearer token that is accepted.
pub(crate) const TOKEN: &str = "load";

/// What a child process serves.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Child {
    /// The core that it may run on.
    #[arg(long)]
    core: Option<usize>,
    /// The engine's database. The bare server has none.
    #[arg(long)]
    file: Option<PathBuf>,
    #[arg(long, default_value = "full")]
    durability: Durability,
}

/// What survives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durability {
    Full,
    Normal,
}

impl From<Durability> for scim_store::Durability {
    fn from(durability: Durability) -> Self {
        match durability {
            Durability::Full => Self::Full,
            Durability::Normal => Self::Normal,
        }
    }
}

impl Child {
    /// Serves until its standard input ends, which happens when the process that started it ends.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if let Some(id) = self.core {
            core_affinity::set_for_current(CoreId { id });
        }
        // The runtime makes as many threads as there are cores left.
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let _ = stop.send(());
        });
        let stopped = async {
            let _ = stopped.await;
        };
        runtime.block_on(async {
            match self.file {
                Some(file) => engine(file, self.durability, stopped).await,
                None => bare(stopped).await,
            }
        })
    }
}

async fn engine(
    file: PathBuf,
    durability: Durability,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let options = SqliteOptions::default().with_durability(durability.into()).without_check();
    let store = SqliteStore::open_with(file, options)?;
    let tokens = BearerTokens::new().with(TOKEN, Grant::new(TenantId::new(TENANT), "generator"));
    let secret = store.secret();
    let listening = Host::local().open().await?;
    let server = Server::builder(Arc::new(store), Arc::new(tokens))
        .base_url(format!("{}/scim/v2", listening.url()))
        .cursor_key(secret)
        .build()?;
    let address = listening.url().trim_start_matches("http://").parse()?;
    say_ready(address)?;
    listening.serve(server, stopped).await
}

fn say_ready(address: SocketAddr) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{address}")?;
    Ok(out.flush()?)
}

type Answers = Arc<RwLock<HashMap<String, (StatusCode, HeaderMap, Bytes)>>>;

async fn bare(stopped: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
    let app = Router::new().fallback(answer).with_state(Answers::default());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    say_ready(listener.local_addr()?)?;
    axum::serve(listener, app).with_graceful_shutdown(stopped).await.context("the bare server failed")
}

/// Answers what was put at the path, with the status that was given.
async fn answer(
    State(answers): State<Answers>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    if method == Method::PUT {
        let status =
            headers.get("x-status").and_then(|status| StatusCode::from_bytes(status.as_bytes()).ok());
        let mut kept = HeaderMap::new();
        kept.insert(header::CONTENT_TYPE, HeaderValue::from_static(scim_core::urn::MEDIA_TYPE));
        kept.insert(header::ETAG, HeaderValue::from_static("W/\"1\""));
        kept.insert("x-request-id", HeaderValue::from_static("00000000-0000-7000-8000-000000000000"));
        let answer = (status.unwrap_or_default(), kept, body);
        answers.write().unwrap_or_else(PoisonError::into_inner).insert(uri.path().to_owned(), answer);
        return (StatusCode::OK, HeaderMap::new(), Bytes::new());
    }
    let answers = answers.read().unwrap_or_else(PoisonError::into_inner);
    answers.get(uri.path()).cloned().unwrap_or((StatusCode::NOT_FOUND, HeaderMap::new(), Bytes::new()))
}
