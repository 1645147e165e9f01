//! How long another client waits while work is done that is proportional to what is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use scim_core::urn;
use scim_server::Server;
use serde_json::json;

use crate::requests::Dear;

/// The longest that a read and a write of another client took.
pub(crate) struct Waits {
    pub(crate) read: Duration,
    pub(crate) write: Duration,
}

/// How many requests each of the two clients sends before the dear one comes.
const AHEAD: usize = 20;

/// Carries out the request while one client reads and another one writes, one request after the other.
pub(crate) async fn beside(server: &Server, dear: &Dear) -> anyhow::Result<Waits> {
    let read = |number: usize| Dear::new("a read", Method::GET, format!("/Users/u{}", number % 1_000), None);
    let write = |number: usize| {
        let change = json!({"op": "replace", "path": "title", "value": format!("Title {number}")});
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": [change]});
        Dear::new("a write", Method::PATCH, format!("/Users/u{}", number % 1_000), Some(body))
    };
    let goes_on = Arc::new(AtomicBool::new(true));
    let (reads, writes) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let reading = tokio::spawn(longest(server.clone(), read, Arc::clone(&goes_on), Arc::clone(&reads)));
    let writing = tokio::spawn(longest(server.clone(), write, Arc::clone(&goes_on), Arc::clone(&writes)));
    while reads.load(Ordering::Relaxed) < AHEAD || writes.load(Ordering::Relaxed) < AHEAD {
        anyhow::ensure!(!reading.is_finished() && !writing.is_finished(), "a client failed");
        tokio::task::yield_now().await;
    }
    let (server, dear) = (server.clone(), dear.clone());
    let done = tokio::spawn(async move { crate::run(&server, &dear).await });
    let done = done.await?;
    goes_on.store(false, Ordering::Relaxed);
    let (read, write) = (reading.await??, writing.await??);
    done.map(|_| Waits { read, write })
}

/// Sends requests until it is told to stop. Returns the longest time of one.
async fn longest(
    server: Server,
    request: impl Fn(usize) -> Dear,
    goes_on: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
) -> anyhow::Result<Duration> {
    let mut longest = Duration::ZERO;
    while goes_on.load(Ordering::Relaxed) {
        let dear = request(sent.load(Ordering::Relaxed));
        let begun = Instant::now();
        let (response, ..) = crate::run(&server, &dear).await?;
        longest = longest.max(begun.elapsed());
        anyhow::ensure!(response.status().is_success(), "{}: {}", dear.name, response.status());
        sent.fetch_add(1, Ordering::Relaxed);
        // A server of its own process never waits, and would keep the thread for itself.
        tokio::task::yield_now().await;
    }
    Ok(longest)
}
