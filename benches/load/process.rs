//! A server in a process of its own, and what the system reports about it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::server::Durability;

/// A running server. It ends with its process.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts the engine on this file.
    pub(crate) async fn engine(
        core: Option<usize>,
        file: &Path,
        durability: Durability,
    ) -> anyhow::Result<Self> {
        let mut command = command(core)?;
        let durability = match durability {
            Durability::Full => "full",
            Durability::Normal => "normal",
        };
        command.arg("--durability").arg(durability).arg("--file").arg(file);
        start(command).await
    }

    /// Starts the server that only answers bytes.
    pub(crate) async fn bare(core: Option<usize>) -> anyhow::Result<Self> {
        start(command(core)?).await
    }

    /// Ends the server as Ctrl-C does, and waits until its file is closed.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait().await?;
        anyhow::ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// Returns its memory without file-backed pages, in MiB, if the system reports it.
    pub(crate) fn memory(&self) -> Option<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
        let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
        Some(kibibytes / 1_024.0)
    }

    /// Returns the CPU time of its threads, in seconds.
    pub(crate) fn busy(&self) -> Option<f64> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()?)).ok()?;
        let nanoseconds = tasks.flatten().filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        });
        Some(nanoseconds.sum::<f64>() / 1e9)
    }
}

fn command(core: Option<usize>) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("serve");
    if let Some(core) = core {
        command.arg("--core").arg(core.to_string());
    }
    Ok(command)
}

async fn start(mut command: Command) -> anyhow::Result<Process> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("cannot start a server")?;
    let out = child.stdout.take().context("no standard output")?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).await?;
    let address = line.trim().parse().context("the server did not become ready")?;
    Ok(Process { address, child })
}
