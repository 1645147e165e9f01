//! Watches each HTTP/2 stream. If the client takes nothing of its answer, the stream is reset.

use std::sync::Arc;
use std::time::Duration;

use hyper::rt::Executor;

use super::held::Progress;
use super::places::Connection;

tokio::task_local! {
    static PROGRESS: Arc<Progress>;
}

/// Returns the progress of the stream that this task belongs to, or `None` outside of a stream.
pub(super) fn progress() -> Option<Arc<Progress>> {
    PROGRESS.try_with(Arc::clone).ok()
}

/// Runs the streams of one connection.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    pub(super) connection: Arc<Connection>,
    pub(super) silence: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let progress = Arc::<Progress>::default();
        let watched = watch(stream, Arc::clone(&progress), Arc::clone(&self.connection), self.silence);
        tokio::spawn(PROGRESS.scope(progress, watched));
    }
}

async fn watch(
    stream: impl Future<Output = ()>,
    progress: Arc<Progress>,
    connection: Arc<Connection>,
    silence: Duration,
) {
    tokio::select! {
        biased;
        () = stream => {}
        // Dropping a stream resets it.
        () = progress.stalled(silence) => return,
    }
    // The last piece is in the connection's buffer and cannot be removed from it alone.
    tokio::select! {
        biased;
        () = progress.sent() => {}
        () = progress.stalled(silence) => connection.end(),
    }
}
