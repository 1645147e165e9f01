//! What one request holds while it is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, StatusCode};
use scim_core::Error;
use scim_server::Reserve;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::budget::Budget;
use super::places::{Connection, now, since};

/// The bytes of the [`Budget`] that one request holds. While it exists, its connection is busy.
///
/// Both end when this is dropped. That is when the last byte of the answer was sent, or never will be.
#[derive(Debug)]
pub(super) struct Held {
    budget: Arc<Budget>,
    connection: Arc<Connection>,
    progress: Arc<Progress>,
    bytes: AtomicUsize,
    /// Whether there is an answer already that waits to be sent.
    is_answered: AtomicBool,
}

/// What a request takes at least, in addition to its head. An answer of this size always has room.
const ROOM: usize = 16 << 10;

/// What a waiting answer takes at least.
const LEAST: usize = 4 << 10;

impl Held {
    /// Begins a request with a head of this size.
    ///
    /// # Errors
    ///
    /// 503 if the budget has no room.
    pub(super) fn new(
        budget: &Arc<Budget>,
        connection: &Arc<Connection>,
        progress: &Arc<Progress>,
        head: usize,
    ) -> (Arc<Self>, Result<(), Error>) {
        connection.begin();
        let held = Self {
            budget: Arc::clone(budget),
            connection: Arc::clone(connection),
            progress: Arc::clone(progress),
            bytes: AtomicUsize::new(0),
            is_answered: AtomicBool::new(false),
        };
        let outcome = held.reserve(head + ROOM);
        (Arc::new(held), outcome)
    }

    /// Counts an answer that takes this much memory until it is sent, instead of the request.
    ///
    /// # Errors
    ///
    /// 503 if the budget has no room.
    pub(super) fn count(&self, bytes: usize) -> Result<(), Error> {
        let (needed, held) = (bytes.max(LEAST), self.bytes.load(Ordering::Relaxed));
        if needed > held {
            self.reserve(needed - held)?;
        } else {
            self.bytes.store(needed, Ordering::Relaxed);
            self.budget.give(&self.connection, held - needed);
        }
        Ok(())
    }

    /// Begins to wait for the client to take the answer, until this is dropped.
    pub(super) fn answered(&self) {
        self.is_answered.store(true, Ordering::Relaxed);
        self.progress.begin();
    }

    /// Records that the client took a part of the answer.
    pub(super) fn moved(&self) {
        self.progress.moved();
    }
}

impl Reserve for Held {
    fn reserve(&self, bytes: usize) -> Result<(), Error> {
        if !self.budget.take(&self.connection, bytes) {
            return Err(no_room());
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.give(&self.connection, *self.bytes.get_mut());
        if *self.is_answered.get_mut() {
            self.progress.finish();
        }
        self.connection.finish();
    }
}

fn no_room() -> Error {
    let detail = "the server holds as many bytes of requests and answers as it may: try again later";
    let mut error = Error::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    error.retry_after = Some(Duration::from_secs(2));
    error
}

/// Returns about how many bytes the head of a request takes in memory.
pub(super) fn size_of_head<B>(request: &Request<B>) -> usize {
    /// What a header takes in addition to its name and its value.
    const HEADER: usize = 64;
    let uri = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let header =
        |(name, value): (&http::HeaderName, &http::HeaderValue)| name.as_str().len() + value.len() + HEADER;
    uri + request.headers().iter().map(header).sum::<usize>()
}

/// Whether the client takes its answers, for one HTTP/2 stream or one HTTP/1 connection.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// How many answers wait to be sent.
    waiting: AtomicUsize,
    /// When the client last took something.
    moved: AtomicU64,
    sent: Notify,
}

impl Progress {
    /// Records that an answer begins to wait for the client.
    fn begin(&self) {
        self.moved();
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that the client took a part.
    fn moved(&self) {
        self.moved.store(now(), Ordering::Relaxed);
    }

    /// Records that the client took the last part of an answer, or never will.
    fn finish(&self) {
        self.moved();
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.sent.notify_one();
    }

    /// Returns when the client has taken nothing of a waiting answer for `silence`.
    pub(super) async fn stalled(&self, silence: Duration) {
        loop {
            let mut rest = silence;
            if self.waiting.load(Ordering::Relaxed) > 0 {
                rest = silence.saturating_sub(since(self.moved.load(Ordering::Relaxed)));
                if rest.is_zero() {
                    return;
                }
            }
            sleep(rest).await;
        }
    }

    /// Returns when no answer waits.
    pub(super) async fn sent(&self) {
        while self.waiting.load(Ordering::Relaxed) > 0 {
            self.sent.notified().await;
        }
    }
}
