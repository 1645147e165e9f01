//! Tells how the store is. A server whose disk failed ends, so that whatever started it starts it again: only then can
//! it write.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use scim_store::{SqliteHealth, SqliteStore};
use tokio::time::sleep;

/// How a program ends whose disk failed: what `sysexits.h` calls an error of input or output.
pub const DISK_FAILED: u8 = 74;

/// What the help of the servers says of their exit codes.
pub const EXIT_HELP: &str = "Exit codes:
  0   stopped by Ctrl-C or SIGTERM
  1   could not start, or not go on
  2   wrong arguments
  74  the disk failed to keep what was written: start it again, and it recovers what was answered from the log";

/// How long one warning is enough.
const QUIET: Duration = Duration::from_secs(60);

/// Less room on the disk than this, in bytes, is worth a warning.
const LITTLE: u64 = 256 << 20;

/// More in the log than this, in bytes, ought to be moved.
const MUCH: u64 = 16 << 20;

/// After how long.
const LATE: Duration = Duration::from_secs(120);

/// How often the store is asked.
const EVERY: Duration = Duration::from_millis(500);

/// The disk failed under the store.
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

/// Looks after a store while it is served.
#[derive(Debug)]
pub struct Watch {
    store: Option<SqliteStore>,
}

impl Watch {
    /// One over this store; a store in memory needs none.
    pub fn new(store: Option<SqliteStore>) -> Self {
        Self { store }
    }

    /// Done when `stop` is, or when the disk failed.
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

    /// How serving ended.
    ///
    /// # Errors
    ///
    /// [`DiskFailed`], for which [`conclude`](crate::conclude) has an exit code of its own.
    pub fn verdict(self) -> Result<(), DiskFailed> {
        match self.store.and_then(|store| store.health().failed) {
            Some(failed) => Err(DiskFailed(failed)),
            None => Ok(()),
        }
    }
}

/// Shows how the store is, until its disk fails.
async fn failed(store: Option<SqliteStore>) {
    let Some(store) = store else { return std::future::pending().await };
    let mut last_said = None;
    loop {
        let health = store.health();
        show(&health);
        if health.failed.is_some() {
            // The store has said it.
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

/// Gauges, for a program that installed a recorder.
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

/// What an operator should look at.
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
