//! What is requested from the servers, and the results.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::ceiling::Disk;
use crate::client::{Connection, Load, load, request};
use crate::people::{Person, Size, person_id, user_name};
use crate::process::Process;
use crate::server::Durability;

/// An engine on a copy of a seeded file.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) size: Size,
    pub(crate) process: Process,
    /// The file that the process serves.
    pub(crate) file: PathBuf,
}

impl Engine {
    /// Serves the file by another process.
    pub(crate) async fn reopened(self, core: Option<usize>, durability: Durability) -> anyhow::Result<Self> {
        self.process.stop().await?;
        let process = Process::engine(core, &self.file, durability).await?;
        Ok(Self { process, ..self })
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    /// How many requests are sent one after the other.
    pub(crate) turns: usize,
}

/// A request that many connections send at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Get,
    GetAttributes,
    Filter,
    List,
    Post,
    PatchUser,
}

thread_local! {
    /// Counts the requests of all rounds, so that no user is created twice.
    static NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// Returns a number that was not used before.
pub(crate) fn fresh() -> u64 {
    NUMBER.replace(NUMBER.get() + 1)
}

impl Asked {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET by id",
            Self::GetAttributes => "GET by id, `attributes=userName,name.familyName,emails`",
            Self::Filter => "`filter=userName eq`",
            Self::List => "list of 100",
            Self::Post => "POST",
            Self::PatchUser => "PATCH a user's title",
        }
    }

    fn writes(self) -> bool {
        matches!(self, Self::Post | Self::PatchUser)
    }

    pub(crate) fn connections(self) -> usize {
        if self.writes() { 64 } else { 8 }
    }

    pub(crate) fn status(self) -> u16 {
        if self == Self::Post { 201 } else { 200 }
    }

    /// Makes the request of this number.
    fn request(self, size: Size, person: &Person, number: u64) -> anyhow::Result<Vec<u8>> {
        let somebody = size.somebody(number);
        let by_id = format!("/scim/v2/Users/{}", person_id(somebody));
        Ok(match self {
            Self::Get => request("GET", &by_id, b""),
            Self::GetAttributes => {
                request("GET", &format!("{by_id}?attributes=userName,name.familyName,emails"), b"")
            }
            Self::Filter => {
                let filter = format!("userName%20eq%20%22{}%22", user_name(somebody));
                request("GET", &format!("/scim/v2/Users?filter={filter}"), b"")
            }
            Self::List => request("GET", "/scim/v2/Users?count=100", b""),
            Self::Post => {
                let number = usize::try_from(number)?;
                request("POST", "/scim/v2/Users", &person.body(10_000_000 + number)?)
            }
            Self::PatchUser => {
                let body = json!({
                    "schemas": [scim_core::urn::PATCH_OP],
                    "Operations": [{"op": "replace", "path": "title", "value": format!("Guide {number}")}],
                });
                request("PATCH", &by_id, body.to_string().as_bytes())
            }
        })
    }
}

/// The medians of the rounds: those of the engines, and that of the server that answers the same bytes.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) engines: Vec<Figure>,
    pub(crate) bare: Figure,
}

/// How many turns a round has for each server that reads.
///
/// The turns are short, so that a change of the machine's speed affects all servers. A write may leave work for later,
/// which has to be counted, so writes have one long turn.
const TURNS: u32 = 10;

/// The median of some rounds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figure {
    pub(crate) per_second: f64,
    pub(crate) p99: Duration,
    /// The server's CPU time for one request, if the system reports it.
    pub(crate) core: Option<Duration>,
}

/// Measures each engine and the bare server in turns, so that other load of the machine affects all of them.
pub(crate) async fn throughput(
    asked: Asked,
    engines: &[&Engine],
    bare: &Process,
    effort: Effort,
) -> anyhow::Result<Measured> {
    let person = Person::new();
    let path = format!("/{asked:?}");
    let first = engines.first().context("no engine")?;
    let example = asked.request(first.size, &person, fresh())?;
    teach(bare, &path, &example, first).await?;
    let end = find_body(&example);
    let method = std::str::from_utf8(&example)?.split(' ').next().unwrap_or("GET").to_owned();
    let plain = request(&method, &path, &example[end..]);
    for engine in engines {
        // A server that has just started reads each page of its file for the first time.
        let next = || asked.request(engine.size, &person, fresh());
        turn(&engine.process, asked, effort.time, next)?;
    }
    let turns_each = if asked.writes() { 1 } else { TURNS };
    let time = effort.time / turns_each;
    let (mut of_engines, mut of_bare) = (vec![Vec::new(); engines.len()], Vec::new());
    for _ in 0..effort.rounds {
        let (mut turns, mut bare_turns) = (vec![Vec::new(); engines.len()], Vec::new());
        for _ in 0..turns_each {
            for (engine, turns) in engines.iter().zip(&mut turns) {
                let next = || asked.request(engine.size, &person, fresh());
                turns.push(turn(&engine.process, asked, time, next)?);
            }
            bare_turns.push(turn(bare, asked, time, || Ok(plain.clone()))?);
        }
        for (figures, turns) in of_engines.iter_mut().zip(turns) {
            figures.push(round(&turns));
        }
        of_bare.push(round(&bare_turns));
    }
    Ok(Measured { engines: of_engines.into_iter().map(median).collect(), bare: median(of_bare) })
}

/// Combines turns of equal length.
fn round(turns: &[Figure]) -> Figure {
    let all: f64 = turns.iter().map(|turn| turn.per_second).sum();
    let busy: Option<f64> = turns.iter().map(|turn| Some(turn.core?.as_secs_f64() * turn.per_second)).sum();
    Figure {
        per_second: all / turns.len() as f64,
        p99: turns.iter().map(|turn| turn.p99).max().unwrap_or_default(),
        core: busy.map(|busy| Duration::from_secs_f64(busy / all)),
    }
}

fn turn(
    process: &Process,
    asked: Asked,
    time: Duration,
    next: impl FnMut() -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<Figure> {
    let before = process.busy();
    let Load { per_second, p99, count } =
        load(process.address, asked.connections(), time, asked.status(), next)
            .with_context(|| format!("{} failed", asked.name()))?;
    let busy = before.zip(process.busy()).map(|(before, after)| after - before);
    let core = busy.map(|busy| Duration::from_secs_f64(busy.max(0.0) / count.max(1) as f64));
    Ok(Figure { per_second, p99, core })
}

fn median(mut figures: Vec<Figure>) -> Figure {
    figures.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn find_body(request: &[u8]) -> usize {
    request.windows(4).position(|window| window == b"\r\n\r\n").map_or(request.len(), |at| at + 4)
}

/// Makes the bare server answer what the engine answers.
async fn teach(bare: &Process, path: &str, example: &[u8], engine: &Engine) -> anyhow::Result<()> {
    let mut connection = Connection::open(engine.process.address).await?;
    let answer = connection.ask(example).await?;
    let (status, body) = (answer.status, answer.body.to_vec());
    ensure!(status < 300, "{}{}", answer.head, String::from_utf8_lossy(answer.body));
    let mut put = format!(
        "PUT {path} HTTP/1.1\r\nhost: localhost\r\nx-status: {status}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    put.extend(body);
    Connection::open(bare.address).await?.ask(&put).await?;
    Ok(())
}

/// Measures the median time of adding a member to a group, and that of the disk's append in between.
///
/// The requests go one after the other over one connection. Each added member is removed again, so that the group keeps
/// its size.
pub(crate) async fn add_member(
    engine: &Engine,
    group: &str,
    disk: &mut Disk,
    effort: Effort,
) -> anyhow::Result<(Duration, Duration)> {
    let mut connection = Connection::open(engine.process.address).await?;
    let target = format!("/scim/v2/Groups/{group}");
    let patch = |op: &str, person: &str| {
        let mut operation = json!({"op": op, "path": "members", "value": [{"value": person}]});
        if op == "remove" {
            operation = json!({"op": op, "path": format!("members[value eq \"{person}\"]")});
        }
        let body = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [operation]});
        request("PATCH", &target, body.to_string().as_bytes())
    };
    let (mut taken, mut appended) = (Vec::new(), Vec::new());
    for turn in 0..effort.turns {
        let person = person_id(engine.size.people() + turn % crate::people::SPARE);
        let (add, remove) = (patch("add", &person), patch("remove", &person));
        let started = std::time::Instant::now();
        let status = connection.ask(&add).await?.status;
        taken.push(started.elapsed());
        ensure!(status == 204, "adding a member was answered {status}");
        let status = connection.ask(&remove).await?.status;
        ensure!(status == 204, "removing a member was answered {status}");
        appended.push(disk.append()?);
    }
    Ok((middle(taken), middle(appended)))
}

/// Returns the median.
pub(crate) fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Measures the median times of 2 requests that take turns on one connection.
pub(crate) async fn turns(
    engine: &Engine,
    one: &str,
    other: &str,
    effort: Effort,
) -> anyhow::Result<(Duration, Duration)> {
    let mut connection = Connection::open(engine.process.address).await?;
    let requests = [request("GET", one, b""), request("GET", other, b"")];
    let mut taken = [Vec::new(), Vec::new()];
    for _ in 0..effort.turns {
        for (request, taken) in requests.iter().zip(&mut taken) {
            let started = std::time::Instant::now();
            let answer = connection.ask(request).await?;
            taken.push(started.elapsed());
            ensure!(answer.status == 200, "{}", answer.head);
        }
    }
    Ok(taken.map(middle).into())
}

/// Reads this many people by cursor, and returns the target of the next page.
pub(crate) async fn walk(engine: &Engine, depth: usize) -> anyhow::Result<String> {
    const PAGE: usize = 100;
    let mut connection = Connection::open(engine.process.address).await?;
    let mut cursor = String::new();
    let bar = crate::progress::bar(depth, "walking by cursor");
    for _ in 0..depth / PAGE {
        let target = format!("/scim/v2/Users?attributes=userName&count={PAGE}&cursor={cursor}");
        let answer = connection.ask(&request("GET", &target, b"")).await?;
        let page: Value = serde_json::from_slice(answer.body)?;
        cursor = page["nextCursor"].as_str().context("the walk has ended early")?.to_owned();
        bar.inc(PAGE as u64);
    }
    bar.finish_and_clear();
    Ok(format!("/scim/v2/Users?count={PAGE}&cursor={cursor}"))
}

/// The result of reading a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
    /// The most memory that was measured meanwhile, in MiB.
    pub(crate) memory: Option<f64>,
}

/// Reads a whole group and watches the server's memory.
pub(crate) async fn read_group(engine: &Engine, group: &str) -> anyhow::Result<Read> {
    let mut connection = Connection::open(engine.process.address).await?;
    let started = std::time::Instant::now();
    let target = request("GET", &format!("/scim/v2/Groups/{group}"), b"");
    let asked = async {
        let answer = connection.ask(&target).await?;
        ensure!(answer.status == 200 && answer.header("etag").is_some(), "{}", answer.head);
        anyhow::Ok(answer.length)
    };
    let mut most = engine.process.memory();
    let watch = async {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        loop {
            tick.tick().await;
            let now = engine.process.memory();
            most = most.zip(now).map(|(most, now)| most.max(now));
        }
    };
    let bytes = tokio::select! {
        bytes = asked => bytes?,
        () = watch => 0,
    };
    Ok(Read { bytes, time: started.elapsed(), memory: most })
}
