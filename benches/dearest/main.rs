//! What the dearest requests cost that the default limits allow, on both stores.
//!
//! It also measures how an honest client is slowed down while 2 others send them.

mod attack;
mod cpu;
mod data;
mod requests;
mod waits;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use clap::Parser;
use comfy_table::Table;
use http::{Request, Response, header};
use http_body_util::BodyExt as _;
use scim_core::urn;
use scim_server::{BearerTokens, Grant, Server};
use scim_server_traits::{Context, Store, TenantId};
use scim_store::{MemoryStore, SqliteStore};

use requests::Dear;

/// Measures the dearest requests.
///
/// Prints the CPU time of each. A request that is carried out may take half a second, and one that is refused may take
/// 50 ms. If the work is proportional to what is stored, it prints the time for 1,000 people, and the longest that a read
/// and a write of other clients took beside it.
#[derive(Parser)]
#[command(
    name = "dearest",
    version,
    after_help = "Examples:\n  dearest                   as many people as a scan may look at\n  dearest --people 1000000  a million; takes minutes and some gigabytes of memory\n  dearest --fail            exit 1 when something is too dear"
)]
struct Arguments {
    /// How many people are stored.
    #[arg(long, default_value_t = 100_000)]
    people: usize,
    /// Exit 1 if something is too dear.
    #[arg(long)]
    fail: bool,
}

/// The most time that a request may take if it is carried out, and if it is refused.
const MOST: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(50));

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let sqlite = SqliteStore::open(folder.path().join("dearest.db"))?;
    let stores: [(&str, Arc<dyn Store>); 2] =
        [("memory", Arc::new(MemoryStore::new())), ("SQLite", Arc::new(sqlite))];
    let mut too_dear = 0;
    for (name, store) in stores {
        eprintln!("{name}: storing {} people", arguments.people);
        data::fill(&*store, &Context::new(TenantId::new(TENANT)), arguments.people).await?;
        println!("\n{name}, {} people", arguments.people);
        too_dear += attack::show(Arc::clone(&store)).await?;
        too_dear += dearest(&server(store, "http://localhost/scim/v2")?, arguments.people).await?;
    }
    println!("\n{too_dear} too dear");
    Ok(if arguments.fail && too_dear > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

const TENANT: &str = "dearest";

/// Makes a server with the default limits. Each token belongs to a different principal.
fn server(store: Arc<dyn Store>, base_url: &str) -> anyhow::Result<Server> {
    let grant = |name: &str| Grant::new(TenantId::new(TENANT), name.to_owned());
    let tokens = ["honest", "intruder1", "intruder2"]
        .into_iter()
        .fold(BearerTokens::new(), |tokens, name| tokens.with(name, grant(name)));
    Ok(Server::builder(store, Arc::new(tokens)).base_url(base_url).cursor_key([7; 32]).build()?)
}

/// Prints what each request costs, and returns how many cost too much.
async fn dearest(server: &Server, people: usize) -> anyhow::Result<usize> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::ASCII_MARKDOWN);
    table.set_header([
        "request",
        "sent",
        "answer",
        "on a core",
        "a 1,000",
        "read beside",
        "write beside",
        "at most",
        "holds",
    ]);
    let mut too_dear = 0;
    for (dear, twin) in requests::all(data::GROUPS[0]).into_iter().zip(requests::all(data::GROUPS[1])) {
        let (response, spent, bytes) = run(server, &dear).await?;
        let is_done = response.status().is_success();
        let most = match (dear.proportional, is_done) {
            (true, _) => None,
            (_, true) => Some(MOST.0),
            (_, false) => Some(MOST.1),
        };
        let holds = most.is_none_or(|most| spent <= most);
        too_dear += usize::from(!holds);
        let millis = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
        let [a_thousand, read, write] = if dear.proportional {
            let waits = waits::beside(server, &twin).await?;
            [spent.mul_f64(1_000.0 / people.max(1_000) as f64), waits.read, waits.write].map(millis)
        } else {
            Default::default()
        };
        table.add_row([
            dear.name.to_owned(),
            format!("{} kB", bytes.div_ceil(1_000)),
            answer(response).await?,
            millis(spent),
            a_thousand,
            read,
            write,
            most.map_or_else(String::new, |most| format!("{} ms", most.as_millis())),
            if holds { "✓" } else { "✗" }.to_owned(),
        ]);
    }
    println!("{table}");
    Ok(too_dear)
}

/// Returns the response, the CPU time that it took, and how many bytes were sent.
async fn run(server: &Server, dear: &Dear) -> anyhow::Result<(Response<Bytes>, Duration, usize)> {
    let body = dear.body.as_ref().map(ToString::to_string).unwrap_or_default();
    let bytes = body.len();
    let request = request("honest", dear, body)?;
    let (before, begun) = (cpu::time(), Instant::now());
    let (parts, body) = server.handle(request).await.into_parts();
    let body = body.collect().await.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    let spent = match (before, cpu::time()) {
        (Some(before), Some(after)) => after.saturating_sub(before),
        _ => begun.elapsed(),
    };
    Ok((Response::from_parts(parts, body), spent, bytes))
}

fn request(token: &str, dear: &Dear, body: String) -> anyhow::Result<Request<Bytes>> {
    let request = Request::builder()
        .method(&dear.method)
        .uri(format!("/scim/v2{}", dear.path))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/scim+json");
    request.body(body.into()).context("a request")
}

/// Returns the status, and the beginning of what an error says.
async fn answer(response: Response<Bytes>) -> anyhow::Result<String> {
    let (status, body) = (response.status(), response.into_body());
    let message: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = message["scimType"].as_str().or_else(|| message["detail"].as_str()).unwrap_or_default();
    let results = message["schemas"][0] == urn::BULK_RESPONSE;
    let failed = |result: &&serde_json::Value| result["status"].as_str().is_none_or(|code| code >= "3");
    Ok(match message["Operations"].as_array().filter(|_| results) {
        Some(operations) => {
            format!(
                "{}, {} of {} refused",
                status.as_u16(),
                operations.iter().filter(failed).count(),
                operations.len()
            )
        }
        None => format!("{} {}", status.as_u16(), detail.chars().take(20).collect::<String>()),
    })
}
