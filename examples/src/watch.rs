//! A server whose disk failed ends, so that whatever started it starts it again: only then can it write.

use std::process::ExitCode;
use std::time::Duration;

use scim_store::SqliteStore;

/// How a program ends whose disk failed: what `sysexits.h` calls an error of input or output.
pub const DISK_FAILED: u8 = 74;

/// What the help of the servers says of their exit codes.
pub const EXIT_HELP: &str = "Exit codes:
  0   stopped by Ctrl-C or SIGTERM
  1   could not start, or not go on
  2   wrong arguments
  74  the disk failed to keep what was written: start it again, and it recovers what was answered from the log";

/// How often the store is asked.
const EVERY: Duration = Duration::from_millis(500);

/// The disk failed under the store.
#[derive(Debug, thiserror::Error)]
#[error(
    "the disk failed under the database ({0}): start the server again, which recovers what was answered from the log"
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

async fn failed(store: Option<SqliteStore>) {
    let Some(store) = store else { return std::future::pending().await };
    while store.health().failed.is_none() {
        tokio::time::sleep(EVERY).await;
    }
}
