//! Reports the state of the store. A server whose disk failed ends, because it can write only after a restart.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use scim_store::{SqliteHealth, SqliteStore};
use tokio::time::sleep;

/// The exit code after the disk failed, which `sysexits.h` defines as an input or output error.
pub const DISK_FAILED: u8 = 74;

/// What the help of the servers says of their exit codes.
pub const EXIT_HELP: &str = "Exit codes:
  0   stopped by Ctrl-C or SIGTERM
  1   could not start, or not go on
  2   wrong arguments
  74  the disk failed to keep what was written: start it again, and it recovers what was answered from the log";

/// The least time between 2 warnings.
const QUIET: Duration = Duration::from_secs(60);

/// With less room on the disk than this, in bytes, there is a warning.
const LITTLE: u64 = 256 << 20;

/// A log of more bytes than this ought to be moved into the file.
const MUCH: u64 = 16 << 20;

/// After how long a large log that was not moved causes a warning.
const LATE: Duration = Duration::from_secs(120);

/// How often the state of the store is read.
const EVERY: Duration = Duration::from_millis(500);

/// The error after the disk of the store failed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database can no longer be written ({0}): start the server again, which recovers what was answered from the log"
)]
pub struct DiskFailed(String);

impl DiskFailed {
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(DISK_FAILED)
    }
}

/// Watches a store while it is served.
#[derive(Debug)]
pub struct Watch {
    store: Option<SqliteStore>,
}

impl Watch {
    /// Watches this store. A store in memory needs no watching.
    pub fn new(store: Option<SqliteStore>) -> Self {
        Self { store }
    }

    /// Returns a future that is done when `stop` is, or when the disk failed.
    pub fn or_failed(
        &self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let store = self.store.clone();
        async move {
            tokio::select! {
                () = stop => {}
                () = failed(store) => {}
            }
        }
    }

    /// Returns how serving ended.
    ///
    /// # Errors
    ///
    /// [`DiskFailed`]. [`conclude`](crate::conclude) has an exit code for it.
    pub fn verdict(self) -> Result<(), DiskFailed> {
        match self.store.and_then(|store| store.health().failed) {
            Some(failed) => Err(DiskFailed(failed)),
            None => Ok(()),
        }
    }
}

/// Publishes the state of the store until its disk fails.
async fn failed(store: Option<SqliteStore>) {
    let Some(store) = store else { return std::future::pending().await };
    let mut last_said = None;
    loop {
        let health = store.health();
        show(&health);
        if health.failed.is_some() {
            // The store has logged it.
            return;
        }
        let may_speak = last_said.is_none_or(|said: Instant| said.elapsed() >= QUIET);
        if let Some(trouble) = trouble(&health).filter(|_| may_speak) {
            tracing::warn!(
                log_bytes = health.log,
                moved_seconds = health.moved.as_secs(),
                room_bytes = health.room,
                "{trouble}"
            );
            last_said = Some(Instant::now());
        }
        sleep(EVERY).await;
    }
}

/// Sets gauges, for a program that installed a recorder.
fn show(health: &SqliteHealth) {
    let flag = |is: bool| if is { 1.0 } else { 0.0 };
    metrics::gauge!("scim_store_failed").set(flag(health.failed.is_some()));
    metrics::gauge!("scim_store_full").set(flag(health.no_room));
    metrics::gauge!("scim_store_log_full").set(flag(health.log_full));
    metrics::gauge!("scim_store_log_bytes").set(health.log as f64);
    metrics::gauge!("scim_store_moved_seconds").set(health.moved.as_secs_f64());
    if let Some(room) = health.room {
        metrics::gauge!("scim_store_room_bytes").set(room as f64);
    }
}

/// Returns what an operator should look at.
fn trouble(health: &SqliteHealth) -> Option<&'static str> {
    if health.log_full {
        Some(
            "another program reads the database and keeps its log from being moved: nothing is written until it ends",
        )
    } else if health.no_room {
        Some("there was no room to write on the disk of the database")
    } else if health.room.is_some_and(|room| room < LITTLE) {
        Some("there is little room left on the disk of the database")
    } else if health.log > MUCH && health.moved > LATE {
        Some("the log of the database was not moved into it for long")
    } else {
        None
    }
}
