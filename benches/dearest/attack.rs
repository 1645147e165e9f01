//! How an honest client is slowed down while 2 others send the dearest requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use scim_benches::Wire;
use scim_examples::Host;
use scim_server_traits::Store;
use tokio::sync::oneshot;

use crate::data::GROUPS;
use crate::requests::{self, Dear};

/// How long the honest client sends requests in quiet, and how long during the attack.
const TIME: Duration = Duration::from_secs(5);

/// The most that its 99th percentile may be, unless 5 times that in quiet is more.
const MOST: Duration = Duration::from_millis(25);

/// Measures and prints it. Returns 1 if it is too slow.
pub(crate) async fn show(store: Arc<dyn Store>) -> anyhow::Result<usize> {
    let listening = Host::local().open().await?;
    let url = listening.url().to_owned();
    let server = crate::server(store, &format!("{url}/scim/v2"))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(listening.serve(server, async {
        let _ = stopped.await;
    }));
    let quiet = slowest_of_a_hundred(&url).await?;
    let attacked = Arc::new(AtomicBool::new(true));
    let intruders: Vec<_> = ["intruder1", "intruder2"]
        .into_iter()
        .map(|token| tokio::spawn(intrude(url.clone(), token, Arc::clone(&attacked))))
        .collect();
    let beside = slowest_of_a_hundred(&url).await?;
    attacked.store(false, Ordering::Relaxed);
    let mut sent = 0;
    for intruder in intruders {
        sent += intruder.await??;
    }
    let _ = stop.send(());
    serving.await??;
    let most = MOST.max(quiet * 5);
    let holds = beside <= most;
    println!(
        "an honest client's p99: {:.1} ms in quiet, {:.1} ms beside two who sent {sent} dear requests (at most {:.1} ms) {}",
        quiet.as_secs_f64() * 1e3,
        beside.as_secs_f64() * 1e3,
        most.as_secs_f64() * 1e3,
        if holds { "✓" } else { "✗" }
    );
    Ok(usize::from(!holds))
}

/// Reads one user after the other, and returns the 99th percentile of the times.
async fn slowest_of_a_hundred(url: &str) -> anyhow::Result<Duration> {
    let mut wire = Wire::connect(&format!("{url}/scim/v2"), "honest").await?;
    let mut times = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < TIME {
        let asked = Instant::now();
        let number = times.len() % 1_000;
        wire.send(Method::GET, &format!("/Users/u{number}"), "").await?;
        times.push(asked.elapsed());
    }
    times.sort_unstable();
    Ok(times[times.len() * 99 / 100])
}

/// Sends dear requests that change nothing, again and again. Returns how many it sent.
async fn intrude(url: String, token: &'static str, goes_on: Arc<AtomicBool>) -> anyhow::Result<usize> {
    let mut wire = Wire::connect(&format!("{url}/scim/v2"), token).await?;
    let dear: Vec<Dear> = requests::all(GROUPS[0]).into_iter().filter(|dear| !dear.proportional).collect();
    let mut sent = 0;
    for dear in dear.iter().cycle() {
        if !goes_on.load(Ordering::Relaxed) {
            break;
        }
        let body = dear.body.as_ref().map(ToString::to_string).unwrap_or_default();
        wire.send(dear.method.clone(), &dear.path, body).await?;
        sent += 1;
    }
    Ok(sent)
}
