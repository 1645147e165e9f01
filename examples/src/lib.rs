//! What the example servers share: opening a store, listening, printing that they are ready, and stopping.

mod host;
mod probe;
mod tokens;
mod watch;

use std::fmt;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use scim_core::ResourceType;
use scim_server_traits::{Store, TenantId};
use scim_store::{MemoryStore, SqliteStore};
use serde_json::json;

pub use host::{Coming, Host, Listening, Refuse};
pub use probe::{PROBE_HELP, Probed};
pub use tokens::{TOKEN_HELP, given_tokens, is_token_digest, token_digest};
pub use watch::{DISK_FAILED, DiskFailed, EXIT_HELP, Watch};

/// A store that is open.
#[derive(Clone)]
pub struct OpenStore {
    /// The store that is served.
    pub store: Arc<dyn Store>,
    /// The store, if it is a file. A file has a secret, and a disk that can fail.
    pub file: Option<SqliteStore>,
}

impl fmt::Debug for OpenStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStore").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Opens the store that `--data` names: `:memory:`, or a SQLite file, which is created if it does not exist.
///
/// If the indexed attributes of the tenant's types changed, their index keys are rebuilt.
///
/// # Errors
///
/// The errors of [`SqliteStore::open`] and [`SqliteStore::reindex`], with the file's name.
pub async fn open_store(
    data: &str,
    tenant: &TenantId,
    resource_types: &[Arc<ResourceType>],
) -> anyhow::Result<OpenStore> {
    if data == ":memory:" {
        return Ok(OpenStore { store: Arc::new(MemoryStore::new()), file: None });
    }
    let cannot = || format!("cannot open the database `{data}`");
    let store = SqliteStore::open(data).with_context(cannot)?;
    store.reindex(tenant, resource_types).await.with_context(cannot)?;
    Ok(OpenStore { store: Arc::new(store.clone()), file: Some(store) })
}

/// Prints the one line that scripts wait for, and tells people where to begin.
///
/// `public_url` is the SCIM base URL for clients. `base_url` has the address that the server listens on instead.
/// `minted` is a token that is not known otherwise. A token that was given is not shown.
///
/// # Errors
///
/// When standard output cannot be written.
pub fn say_ready(base_url: &str, public_url: &str, minted: Option<&str>) -> anyhow::Result<()> {
    let mut line = json!({"base_url": base_url, "public_url": public_url});
    if let Some(token) = minted {
        line["token"] = token.into();
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()?;
    eprintln!("Serving {public_url}");
    let token = minted.unwrap_or("$SCIM_TOKEN");
    eprintln!("Try it:\n  curl -H \"Authorization: Bearer {token}\" '{base_url}/Users?count=2'");
    eprintln!("Stop with Ctrl-C.");
    Ok(())
}

/// Returns a future that is done at SIGINT or SIGTERM. Both are caught from this call on.
///
/// # Errors
///
/// When the system does not allow catching a signal.
pub fn interrupted() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Returns the exit code of a program, and prints an error in one line.
pub fn conclude(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        error.downcast_ref().map_or(ExitCode::FAILURE, DiskFailed::code)
    })
}

/// Logs to standard error: warnings, or what `RUST_LOG` selects.
///
/// Colours are used on a terminal only, and not if `NO_COLOR` is set.
pub fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let colours =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|text| text.is_empty());
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
}

/// The front page of the project, so that its examples are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod front_page {}
