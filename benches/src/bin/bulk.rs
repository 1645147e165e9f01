//! Compares creates in bulk requests over a few connections with single creates over many.
//!
//! Both are durable, and go over HTTP on this machine. The program fails if the bulk requests are not at least twice as
//! fast. Only the ratio counts, because server and clients run in one process. Each measurement uses a new file.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use clap::Parser;
use http::Method;
use scim_benches::Wire;
use scim_examples::Host;
use scim_server::{BearerTokens, Grant, Server};
use scim_server_traits::TenantId;
use scim_store::SqliteStore;
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// Compares bulk requests with single ones.
#[derive(Parser)]
#[command(name = "bulk", version)]
struct Arguments {
    /// How many users are created.
    #[arg(long, default_value_t = 10_000)]
    creates: usize,
    /// How many operations a bulk request has.
    #[arg(long, default_value_t = 1_000)]
    operations: usize,
    /// How many connections send the single requests.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// How many connections send the bulk requests.
    #[arg(long, default_value_t = 4)]
    bulk_connections: usize,
    /// How often each is measured. The medians are compared.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// The least ratio of bulk requests to single ones.
const TARGET: f64 = 2.0;

#[tokio::main]
async fn main() -> ExitCode {
    scim_examples::conclude(run(&Arguments::parse()).await)
}

async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (mut single, mut bulk) = (Vec::new(), Vec::new());
    for _ in 0..arguments.rounds.max(1) {
        single.push(one_by_one(arguments).await?);
        bulk.push(in_bulk(arguments).await?);
    }
    let (single, bulk) = (median(single), median(bulk));
    let per_second = |time: Duration| arguments.creates as f64 / time.as_secs_f64();
    let ratio = single.as_secs_f64() / bulk.as_secs_f64();
    println!("{:24} {:>8.0} creates/s", format!("{} connections", arguments.connections), per_second(single));
    let bulks = format!("bulks of {} over {}", arguments.operations, arguments.bulk_connections);
    println!("{bulks:24} {:>8.0} creates/s", per_second(bulk));
    println!("ratio {ratio:.2}, at least {TARGET:.2}");
    Ok(if ratio < TARGET { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A server on a new file. It stops when this is dropped.
struct Serving {
    base_url: String,
    _stop: oneshot::Sender<()>,
    _directory: tempfile::TempDir,
}

async fn serve() -> anyhow::Result<Serving> {
    let directory = tempfile::tempdir()?;
    let store = SqliteStore::open(directory.path().join("scim.db"))?;
    let tokens = BearerTokens::new().with("T", Grant::new(TenantId::new("one"), "bench"));
    let listening = Host::local().open().await?;
    let base_url = format!("{}/scim/v2", listening.url());
    let server = Server::builder(Arc::new(store), Arc::new(tokens)).base_url(&base_url).build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(listening.serve(server, async {
        let _ = stopped.await;
    }));
    Ok(Serving { base_url, _stop: stop, _directory: directory })
}

fn user(number: usize) -> Value {
    json!({
        "schemas": [scim_core::urn::USER],
        "userName": format!("user{number}@example.com"),
        "externalId": format!("{number:08}"),
        "name": {"givenName": "Ada", "familyName": format!("Lovelace {number}")},
        "displayName": format!("Ada Lovelace {number}"),
        "active": true,
        "emails": [{"value": format!("user{number}@example.com"), "type": "work", "primary": true}],
    })
}

async fn one_by_one(arguments: &Arguments) -> anyhow::Result<Duration> {
    let bodies = (0..arguments.creates).map(|at| (1, user(at).to_string())).collect();
    sent("/Users", bodies, arguments.connections).await
}

async fn in_bulk(arguments: &Arguments) -> anyhow::Result<Duration> {
    let operation =
        |at: usize| json!({"method": "POST", "path": "/Users", "bulkId": at.to_string(), "data": user(at)});
    let numbers: Vec<usize> = (0..arguments.creates).collect();
    let bodies = numbers.chunks(arguments.operations.max(1)).map(|numbers| {
        let operations: Vec<Value> = numbers.iter().map(|at| operation(*at)).collect();
        let body = json!({"schemas": [scim_core::urn::BULK_REQUEST], "Operations": operations});
        (numbers.len(), body.to_string())
    });
    sent("/Bulk", bodies.collect(), arguments.bulk_connections).await
}

/// Returns how long a new server takes to answer all of these over several connections at once.
///
/// Each body comes with the number of users that it must create.
async fn sent(
    path: &'static str,
    bodies: Vec<(usize, String)>,
    connections: usize,
) -> anyhow::Result<Duration> {
    let serving = serve().await?;
    let mut wires = Vec::new();
    for _ in 0..connections.max(1) {
        wires.push(Wire::connect(&serving.base_url, "T").await?);
    }
    let (next, bodies) = (Arc::new(AtomicUsize::new(0)), Arc::new(bodies));
    let started = Instant::now();
    let sending = wires.into_iter().map(|mut wire| {
        let (next, bodies) = (Arc::clone(&next), Arc::clone(&bodies));
        tokio::spawn(async move {
            while let Some((creates, body)) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let reply = wire.send(Method::POST, path, body.clone()).await?;
                let made = if path == "/Bulk" {
                    ensure!(reply.status == 200, "a bulk request was answered {}", reply.status);
                    reply.body.windows(14).filter(|bytes| bytes == b"\"status\":\"201\"").count()
                } else {
                    usize::from(reply.status == 201)
                };
                ensure!(made == *creates, "only {made} of {creates} were created");
            }
            anyhow::Ok(())
        })
    });
    for sending in sending.collect::<Vec<_>>() {
        sending.await??;
    }
    Ok(started.elapsed())
}
