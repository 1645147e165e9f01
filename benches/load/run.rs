//! The whole run, from filled stores to the table.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use core_affinity::CoreId;
use tokio::runtime::Builder;

use crate::Run;
use crate::ceiling::{self, Disk};
use crate::measure::{self, Asked, Effort, Engine, Figure, middle};
use crate::people::{Size, large_group_id, person_id};
use crate::process::Process;
use crate::progress;
use crate::seed::{copied, remove, seeded};
use crate::server::Durability;
use crate::table::{Line, Wanted, table};

pub(crate) fn run(arguments: &Run) -> anyhow::Result<ExitCode> {
    let temporary = tempfile::tempdir()?;
    let folder = arguments.data.as_deref().unwrap_or(temporary.path());
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    // Filling may use all cores; measuring must not.
    Builder::new_multi_thread().enable_all().build()?.block_on(async {
        for size in arguments.sizes() {
            seeded(folder, size).await?;
        }
        anyhow::Ok(())
    })?;
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let (server, generator) = match cores[..] {
        [server, generator, ..] => (Some(server.id), Some(generator)),
        _ => {
            eprintln!("one core only: server and generator share it");
            (None, None)
        }
    };
    if let Some(generator) = generator {
        core_affinity::set_for_current(CoreId { id: generator.id });
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let lines = runtime.block_on(async { Measuring::start(folder, arguments, server).await?.all().await })?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", table(&lines))?;
    let missed = lines.iter().filter(|line| line.fails()).count();
    if missed > 0 {
        writeln!(out, "\n{missed} floors are missed.")?;
    }
    Ok(if arguments.fail && missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A run in progress.
struct Measuring<'a> {
    folder: &'a Path,
    effort: Effort,
    only: &'a str,
    core: Option<usize>,
    bare: Process,
    small: Engine,
    middle: Engine,
    large: Engine,
    lines: Vec<Line>,
    bar: indicatif::ProgressBar,
}

async fn engine(
    folder: &Path,
    core: Option<usize>,
    size: Size,
    durability: Durability,
) -> anyhow::Result<Engine> {
    let file = folder.join(format!("run-{}.db", size.people()));
    copied(&seeded(folder, size).await?, &file)?;
    Ok(Engine { size, process: Process::engine(core, &file, durability).await?, file })
}

impl<'a> Measuring<'a> {
    async fn start(folder: &'a Path, arguments: &'a Run, core: Option<usize>) -> anyhow::Result<Self> {
        let [small, middle, large] = arguments.sizes();
        let full = Durability::Full;
        Ok(Self {
            folder,
            effort: arguments.effort(),
            only: &arguments.only,
            core,
            bare: Process::bare(core).await?,
            small: engine(folder, core, small, full).await?,
            middle: engine(folder, core, middle, full).await?,
            large: engine(folder, core, large, full).await?,
            lines: Vec::new(),
            bar: progress::bar(12, "measuring"),
        })
    }

    async fn all(mut self) -> anyhow::Result<Vec<Line>> {
        self.reads().await?;
        self.depth().await?;
        self.members().await?;
        self.writes(Asked::PatchUser, Durability::Full, None).await?;
        self.writes(Asked::Post, Durability::Full, Some(Wanted::Least(0.04, 0.055))).await?;
        self.memory().await?;
        self.small = self.small.reopened(self.core, Durability::Normal).await?;
        self.large = self.large.reopened(self.core, Durability::Normal).await?;
        self.writes(Asked::Post, Durability::Normal, Some(Wanted::Least(0.06, 0.085))).await?;
        self.end().await
    }

    /// Shows the next measurement, and returns whether it was selected.
    fn step(&self, what: &str) -> bool {
        self.bar.inc(1);
        self.bar.set_message(what.to_owned());
        what.contains(self.only)
    }

    async fn reads(&mut self) -> anyhow::Result<()> {
        for (asked, wanted) in [
            (Asked::Get, Some(Wanted::Least(0.30, 0.40))),
            (Asked::GetAttributes, Some(Wanted::Least(0.25, 0.30))),
            (Asked::Filter, Some(Wanted::Least(0.20, 0.25))),
            (Asked::List, None),
        ] {
            if !self.step(asked.name()) {
                continue;
            }
            let engines = [&self.small, &self.middle, &self.large];
            let measured = measure::throughput(asked, &engines, &self.bare, self.effort).await?;
            for (engine, figure) in engines.iter().zip(&measured.engines) {
                let what = format!("{}, {} users", asked.name(), people(engine.size.people()));
                // The largest store has no floor here. For the filter, it is compared with the smallest one below.
                let wanted = wanted.filter(|_| engine.size != self.large.size);
                self.lines.push(line(what, figure, &measured.bare, wanted));
            }
            if let (Asked::Filter, [small, .., large]) = (asked, &measured.engines[..]) {
                let ratio = large.per_second / small.per_second;
                let what = format!("{}, the largest store against the smallest", asked.name());
                let line = Line::new(what, rate(large)).beside(rate(small), ratio);
                self.lines.push(line.wanted(Wanted::Least(0.8, 0.8)));
            }
        }
        Ok(())
    }

    async fn depth(&mut self) -> anyhow::Result<()> {
        let (size, effort) = (self.large.size, self.effort);
        let depth = size.people() / 10 * 9;
        if !self.step("page at depth") {
            return Ok(());
        }
        let by_cursor = measure::walk(&self.large, depth).await?;
        let first = "/scim/v2/Users?count=100&cursor";
        let by_index = format!("/scim/v2/Users?count=100&startIndex={}", depth + 1);
        for (what, first, deep, wanted) in [
            ("cursor", first, by_cursor, Wanted::Most(2.0, 1.2)),
            ("`startIndex`", "/scim/v2/Users?count=100&startIndex=1", by_index, Wanted::Most(20.0, 5.0)),
        ] {
            let (first, deep) = measure::turns(&self.large, first, &deep, effort).await?;
            let what = format!("page of 100 by {what} at {}, against the first page", people(depth));
            self.lines.push(latency(what, deep, first).wanted(wanted));
        }
        Ok(())
    }

    async fn members(&mut self) -> anyhow::Result<()> {
        if !self.step("PATCH one member") {
            return Ok(());
        }
        let groups = self.large.size.large_groups();
        let mut taken = vec![Vec::new(); groups.len()];
        let (mut disk, mut appended) = (Disk::open(self.folder)?, Vec::new());
        for _ in 0..self.effort.rounds {
            for (members, taken) in groups.iter().zip(&mut taken) {
                let group = large_group_id(*members);
                let (added, append) =
                    measure::add_member(&self.large, &group, &mut disk, self.effort).await?;
                taken.push(added);
                appended.push(append);
            }
        }
        let disk = middle(appended);
        let taken: Vec<Duration> = taken.into_iter().map(middle).collect();
        for (members, taken) in groups.iter().zip(&taken) {
            let what = format!(
                "PATCH add one of {} members, p50, against append and sync of the disk",
                people(*members)
            );
            self.lines.push(latency(what, *taken, disk).wanted(Wanted::Most(3.0, 2.0)));
        }
        if let [small, .., large] = taken[..] {
            let what = "PATCH add one member, the largest group against the smallest";
            self.lines.push(latency(what.into(), large, small).wanted(Wanted::Most(1.2, 1.2)));
        }
        Ok(())
    }

    async fn writes(
        &mut self,
        asked: Asked,
        durability: Durability,
        wanted: Option<Wanted>,
    ) -> anyhow::Result<()> {
        let survives = if durability == Durability::Full { "power loss" } else { "the process" };
        if !self.step(asked.name()) {
            return Ok(());
        }
        let engines = [&self.small, &self.large];
        let measured = measure::throughput(asked, &engines, &self.bare, self.effort).await?;
        for (engine, figure) in engines.iter().zip(&measured.engines) {
            let size = people(engine.size.people());
            let what = format!("{}, survives {survives}, {size} users", asked.name());
            self.lines.push(line(what, figure, &measured.bare, wanted));
        }
        if asked == Asked::Post {
            for (engine, figure) in engines.iter().zip(&measured.engines) {
                let raw = self.raw(engine.size, durability).await?;
                let size = people(engine.size.people());
                let what = format!("the same against SQLite itself, {size} users");
                self.lines.push(
                    Line::new(what, rate(figure)).beside(format!("{raw:.0}/s"), figure.per_second / raw),
                );
            }
        }
        Ok(())
    }

    /// Measures SQLite on a copy of the file.
    async fn raw(&self, size: Size, durability: Durability) -> anyhow::Result<f64> {
        let file = self.folder.join("raw.db");
        let mut figures = Vec::new();
        copied(&seeded(self.folder, size).await?, &file)?;
        for round in 0..self.effort.rounds {
            let id = person_id(size.somebody(round as u64));
            let group = Asked::Post.connections();
            figures.push(ceiling::raw(&file, &id, durability, group, self.effort.time, round)?);
        }
        remove(&file)?;
        figures.sort_by(f64::total_cmp);
        Ok(figures[figures.len() / 2])
    }

    async fn memory(&mut self) -> anyhow::Result<()> {
        if !self.step("memory and a large group") {
            return Ok(());
        }
        let wanted = Wanted::Most(250.0, 120.0);
        let (size, engine) = (self.large.size, &self.large);
        let stores = format!("{} users and {} groups", people(size.people()), people(size.groups()));
        let mut line = |what: String, memory: Option<f64>, beside: String| {
            let Some(memory) = memory else { return };
            let line = Line::new(what, format!("{memory:.0} MiB")).beside(beside, memory);
            self.lines.push(line.wanted(wanted));
        };
        line(format!("memory in MiB after the run, {stores}"), engine.process.memory(), String::new());
        let read = measure::read_group(engine, &large_group_id(size.people())).await?;
        let beside = format!("{:.1} MB in {:.2} s", read.bytes as f64 / 1e6, read.time.as_secs_f64());
        let what = format!("memory in MiB while a group of {} is read", people(size.people()));
        line(what, read.memory, beside);
        Ok(())
    }

    async fn end(self) -> anyhow::Result<Vec<Line>> {
        self.bar.finish_and_clear();
        self.bare.stop().await?;
        for engine in [self.small, self.middle, self.large] {
            engine.process.stop().await?;
            remove(&engine.file)?;
        }
        Ok(self.lines)
    }
}

/// Writes a number with a comma between thousands.
fn people(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|three| std::str::from_utf8(three).ok()).collect();
    groups.join(",")
}

fn rate(figure: &Figure) -> String {
    format!("{:.0}/s", figure.per_second)
}

fn line(what: String, figure: &Figure, bare: &Figure, wanted: Option<Wanted>) -> Line {
    let line = Line::new(what, rate(figure))
        .beside(rate(bare), figure.per_second / bare.per_second)
        .p99(figure.p99)
        .core(figure.core, bare.core);
    match wanted {
        Some(wanted) => line.wanted(wanted),
        None => line,
    }
}

fn latency(what: String, taken: Duration, beside: Duration) -> Line {
    let text = |time: Duration| format!("{:.0} µs", time.as_secs_f64() * 1e6);
    Line::new(what, text(taken)).beside(text(beside), taken.as_secs_f64() / beside.as_secs_f64())
}
