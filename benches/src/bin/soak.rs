//! Puts a mixed load on `standalone` for any time, with one hostile request in a hundred.
//!
//! No answer may be a server error or another unexpected one, and the server's memory must not grow.
//!
//! `cargo build --release -p scim-examples && cargo run --release -p scim-benches --bin soak -- --seconds 1800`

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use comfy_table::Table;
use http::Method;
use indicatif::{ProgressBar, ProgressStyle};
use scim_benches::Wire;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// Loads a server and watches it.
#[derive(Parser)]
#[command(name = "soak", version)]
struct Arguments {
    /// How long it runs, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// How many connections are busy all the time.
    #[arg(long, default_value_t = 16)]
    connections: u64,
    /// About how many users there are.
    #[arg(long, default_value_t = 2_000)]
    users: u64,
    /// The server's program. By default it is the one in the folder of this program.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

/// By how much memory without the file's pages may grow from the third quarter of the time to the last. Caches fill.
const GROWTH: u64 = 16 << 20;

#[tokio::main]
async fn main() -> ExitCode {
    scim_examples::conclude(run(&Arguments::parse()).await)
}

async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let directory = tempfile::tempdir()?;
    let beside = || Ok::<_, std::io::Error>(std::env::current_exe()?.with_file_name("standalone"));
    let program = arguments.server.clone().map_or_else(beside, Ok)?;
    let mut server = Command::new(&program)
        .args(["--listen", "127.0.0.1:0", "--token", "T", "--data"])
        .arg(directory.path().join("soak.db"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start `{}`: build it first", program.display()))?;
    let base_url = ready(&mut server).await?;
    let ends = Instant::now() + Duration::from_secs(arguments.seconds);
    let requests = Arc::new(AtomicU64::new(0));
    let each = (arguments.users / arguments.connections.max(1)).max(1);
    let workers = (0..arguments.connections.max(1)).map(|number| {
        let (base_url, requests) = (base_url.clone(), Arc::clone(&requests));
        tokio::spawn(async move { Worker::new(base_url, number, each).await?.run(ends, &requests).await })
    });
    let workers: Vec<_> = workers.collect();
    let memory = watch(&server, arguments.seconds, ends, &requests).await?;
    let mut seen: BTreeMap<&str, Seen> = BTreeMap::new();
    for worker in workers {
        for (what, one) in worker.await?? {
            seen.entry(what).or_default().merge(one);
        }
    }
    let wrong = tell(&seen);
    let grown = grown(&memory);
    println!(
        "memory beyond the file's pages: {} MiB at the end, {} KiB more than before",
        memory.last().copied().unwrap_or_default() >> 20,
        grown >> 10
    );
    ensure!(server.try_wait()?.is_none(), "the server has ended");
    Ok(if wrong > 0 || grown > GROWTH { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Returns the base URL that the server prints.
async fn ready(server: &mut Child) -> anyhow::Result<String> {
    let output = server.stdout.take().context("the server says nothing")?;
    let mut line = String::new();
    timeout(Duration::from_secs(30), BufReader::new(output).read_line(&mut line)).await??;
    let ready: Value = serde_json::from_str(&line).context("the server did not start")?;
    Ok(ready["base_url"].as_str().context("the server says no base URL")?.to_owned())
}

/// Samples the server's memory without file-backed pages, in bytes, at most 200 times until the end.
async fn watch(
    server: &Child,
    seconds: u64,
    ends: Instant,
    requests: &AtomicU64,
) -> anyhow::Result<Vec<u64>> {
    let status = format!("/proc/{}/status", server.id().context("the server has ended")?);
    let bar = ProgressBar::new(seconds);
    bar.set_style(ProgressStyle::with_template("{wide_bar} {elapsed} of {len} s, {msg}")?);
    let pause = Duration::from_millis((seconds * 5).clamp(100, 10_000));
    let mut memory = Vec::new();
    while Instant::now() < ends {
        sleep(pause.min(ends.saturating_duration_since(Instant::now()))).await;
        let text = std::fs::read_to_string(&status).context("the server has ended")?;
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or_default();
        memory.push(kilobytes << 10);
        bar.set_position(seconds.saturating_sub(ends.saturating_duration_since(Instant::now()).as_secs()));
        bar.set_message(format!("{} requests, {} MiB", requests.load(Ordering::Relaxed), kilobytes >> 10));
    }
    bar.finish_and_clear();
    Ok(memory)
}

/// Returns by how much the median of the last quarter is above that of the quarter before.
fn grown(memory: &[u64]) -> u64 {
    let quarter = memory.len() / 4;
    let median = |part: &[u64]| {
        let mut part = part.to_vec();
        part.sort_unstable();
        part.get(part.len() / 2).copied().unwrap_or_default()
    };
    let (before, last) = memory[memory.len() - 2 * quarter..].split_at(quarter);
    median(last).saturating_sub(median(before))
}

/// Prints the table, and returns how many answers were not as expected.
fn tell(seen: &BTreeMap<&str, Seen>) -> u64 {
    let mut table = Table::new();
    table.set_header(["request", "times", "p50 ms", "p99 ms", "longest ms", "not as expected"]);
    for (what, seen) in seen {
        let milliseconds = |time: Duration| format!("{:.2}", time.as_secs_f64() * 1e3);
        table.add_row([
            (*what).to_owned(),
            seen.times.to_string(),
            milliseconds(seen.quantile(0.5)),
            milliseconds(seen.quantile(0.99)),
            milliseconds(seen.longest),
            seen.wrong.to_string(),
        ]);
    }
    println!("{table}");
    for (what, example) in seen.iter().filter_map(|(what, seen)| Some((what, seen.example.as_ref()?))) {
        println!("{what}: {example}");
    }
    seen.values().map(|seen| seen.wrong).sum()
}

/// How long one kind of request took, in steps of 2 %.
#[derive(Default)]
struct Seen {
    steps: BTreeMap<u16, u64>,
    times: u64,
    longest: Duration,
    wrong: u64,
    example: Option<String>,
}

const STEP: f64 = 1.02;

impl Seen {
    fn note(&mut self, took: Duration, wrong: Option<String>) {
        let microseconds = took.as_secs_f64().max(1e-6) * 1e6;
        *self.steps.entry(microseconds.log(STEP) as u16).or_default() += 1;
        self.times += 1;
        self.longest = self.longest.max(took);
        self.wrong += u64::from(wrong.is_some());
        self.example = self.example.take().or(wrong);
    }

    fn merge(&mut self, other: Self) {
        for (step, times) in other.steps {
            *self.steps.entry(step).or_default() += times;
        }
        self.times += other.times;
        self.longest = self.longest.max(other.longest);
        self.wrong += other.wrong;
        self.example = self.example.take().or(other.example);
    }

    fn quantile(&self, part: f64) -> Duration {
        let mut left = (self.times as f64 * part).ceil() as u64;
        for (step, times) in &self.steps {
            if left <= *times {
                return Duration::from_secs_f64(STEP.powi(i32::from(*step) + 1) / 1e6).min(self.longest);
            }
            left -= times;
        }
        self.longest
    }
}

/// One connection with its own users and group, so that it knows what each answer must be.
struct Worker {
    base_url: String,
    wire: Wire,
    number: u64,
    chance: u64,
    users: Vec<(String, String)>,
    group: String,
    most: u64,
    made: u64,
    seen: BTreeMap<&'static str, Seen>,
}

impl Worker {
    async fn new(base_url: String, number: u64, most: u64) -> anyhow::Result<Self> {
        let mut wire = Wire::connect(&base_url, "T").await?;
        let body = json!({"schemas": [scim_core::urn::GROUP], "displayName": format!("group {number}")});
        let reply = wire.send(Method::POST, "/Groups", body.to_string()).await?;
        let group = id(&reply.body).context("no group was made")?;
        let (chance, users, seen) = (number * 2 + 1, Vec::new(), BTreeMap::new());
        Ok(Self { base_url, wire, number, chance, users, group, most, made: 0, seen })
    }

    async fn run(
        mut self,
        ends: Instant,
        requests: &AtomicU64,
    ) -> anyhow::Result<BTreeMap<&'static str, Seen>> {
        while Instant::now() < ends {
            if self.below(100) == 0 {
                self.hostile().await?;
            } else {
                self.good().await?;
            }
            requests.fetch_add(1, Ordering::Relaxed);
        }
        Ok(self.seen)
    }

    /// Returns the next number of xorshift, so that the load is equal each time.
    fn below(&mut self, end: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % end.max(1)
    }

    async fn ask(
        &mut self,
        what: &'static str,
        method: Method,
        path: &str,
        body: String,
        expected: u16,
    ) -> anyhow::Result<bytes::Bytes> {
        let started = Instant::now();
        let reply = self.wire.send(method, path, body).await?;
        let wrong = (reply.status != expected)
            .then(|| format!("{} for {expected}: {}", reply.status, String::from_utf8_lossy(&reply.body)));
        self.seen.entry(what).or_default().note(started.elapsed(), wrong);
        Ok(reply.body)
    }

    async fn good(&mut self) -> anyhow::Result<()> {
        if (self.users.len() as u64) < self.most.div_ceil(2) {
            return self.create().await;
        }
        let at = self.below(self.users.len() as u64);
        let Some((user, name)) = usize::try_from(at).ok().and_then(|at| self.users.get(at).cloned()) else {
            bail!("there are more users than can be counted");
        };
        let group = self.group.clone();
        match self.below(20) {
            0..8 => self.ask("read", Method::GET, &format!("/Users/{user}"), String::new(), 200).await,
            8..11 => {
                let path = format!("/Users?filter=userName%20eq%20%22{name}%22");
                self.ask("find", Method::GET, &path, String::new(), 200).await
            }
            11 => self.ask("list", Method::GET, "/Users?count=100", String::new(), 200).await,
            12 => {
                let path = "/Users?count=20&sortBy=userName&cursor&attributes=userName";
                self.ask("sorted", Method::GET, path, String::new(), 200).await
            }
            13..15 => {
                let value = format!("title {}", self.below(1_000_000));
                let body = patch(&json!({"op": "replace", "path": "title", "value": value}));
                self.ask("change", Method::PATCH, &format!("/Users/{user}"), body, 200).await
            }
            15..17 => {
                let op = if self.below(2) == 0 {
                    json!({"op": "add", "path": "members", "value": [{"value": user}]})
                } else {
                    json!({"op": "remove", "path": format!("members[value eq \"{user}\"]")})
                };
                self.ask("member", Method::PATCH, &format!("/Groups/{group}"), patch(&op), 204).await
            }
            _ if (self.users.len() as u64) < self.most && self.below(2) == 0 => return self.create().await,
            _ => {
                self.users.retain(|(id, _)| *id != user);
                self.ask("delete", Method::DELETE, &format!("/Users/{user}"), String::new(), 204).await
            }
        }?;
        Ok(())
    }

    async fn create(&mut self) -> anyhow::Result<()> {
        self.made += 1;
        let name = format!("user-{}-{}", self.number, self.made);
        let body = json!({
            "schemas": [scim_core::urn::USER],
            "userName": name,
            "externalId": name,
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"value": format!("{name}@example.com"), "type": "work", "primary": true}],
        });
        let made = self.ask("create", Method::POST, "/Users", body.to_string(), 201).await?;
        self.users.extend(id(&made).map(|id| (id, name)));
        Ok(())
    }

    /// Sends what no client should send. If there is an answer, it must be a client error.
    async fn hostile(&mut self) -> anyhow::Result<()> {
        let deep = format!("/Users?filter={}userName%20pr{}", "(".repeat(3_000), ")".repeat(3_000));
        match self.below(10) {
            0 => self.refused(Method::POST, "/Users", "{\"userName\":".to_owned(), 400).await,
            1 => self.refused(Method::GET, &deep, String::new(), 400).await,
            2 => self.refused(Method::POST, "/Users", "[".repeat(100_000), 400).await,
            3 => self.refused(Method::GET, "/Users?cursor=AAAA", String::new(), 400).await,
            4 => self.refused(Method::POST, "/Users", " ".repeat(9 << 20), 413).await,
            5 => self.refused(Method::PUT, "/Users/%00", "{}".to_owned(), 404).await,
            6 => {
                let many = vec![json!({"op": "add", "path": "title", "value": "t"}); 2_000];
                let body = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": many});
                self.refused(Method::PATCH, "/Users/none", body.to_string(), 413).await
            }
            7 => {
                let mut stranger = Wire::connect(&self.base_url, "wrong").await?;
                let started = Instant::now();
                let reply = stranger.send(Method::POST, "/Users", "x".repeat(100_000)).await?;
                let wrong = (reply.status != 401).then(|| format!("{} for 401", reply.status));
                self.seen.entry("hostile").or_default().note(started.elapsed(), wrong);
                Ok(())
            }
            8 => self.raw(b"GET / HTTP/9.9\r\n\r\n\0\xff\xfe", true).await,
            // The connection is closed in the middle of a body.
            _ => {
                self.raw(b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{", false)
                    .await
            }
        }
    }

    async fn refused(&mut self, method: Method, path: &str, body: String, status: u16) -> anyhow::Result<()> {
        self.ask("hostile", method, path, body, status).await.map(drop)
    }

    async fn raw(&mut self, bytes: &[u8], waits: bool) -> anyhow::Result<()> {
        let authority = self.base_url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        let started = Instant::now();
        let mut stream = TcpStream::connect(authority).await?;
        stream.write_all(bytes).await?;
        let mut answer = Vec::new();
        if waits {
            // The connection may be reset, because the request cannot be understood.
            let _ = timeout(Duration::from_secs(60), stream.read_to_end(&mut answer)).await?;
        }
        let wrong = answer.starts_with(b"HTTP/1.1 5").then(|| String::from_utf8_lossy(&answer).into_owned());
        self.seen.entry("hostile").or_default().note(started.elapsed(), wrong);
        Ok(())
    }
}

fn patch(operation: &Value) -> String {
    json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [operation]}).to_string()
}

fn id(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body["id"].as_str().map(str::to_owned)
}
