//! A server process under test.

use std::process::{ExitStatus, Stdio};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running `emu serve` or `standalone`. It is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) base_url: String,
    pub(crate) public_url: String,
    /// The token that was minted, or the `T` that tests give.
    pub(crate) token: String,
    /// The ready line.
    pub(crate) ready: Value,
}

impl Server {
    /// Starts `emu serve` on this data with the token `T`.
    pub(crate) async fn emu(data: &str) -> Self {
        Self::start(
            env!("CARGO_BIN_EXE_emu"),
            &["serve", "--listen", "127.0.0.1:0", "--data", data, "--token", "T"],
        )
        .await
    }

    /// Starts a program and waits for its ready line.
    pub(crate) async fn start(program: &str, arguments: &[&str]) -> Self {
        Self::start_with(Command::new(program).args(arguments)).await
    }

    /// Starts this command and waits for its ready line.
    pub(crate) async fn start_with(command: &mut Command) -> Self {
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let line = BufReader::new(stdout).lines().next_line().await.unwrap().unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let text = |name: &str| ready[name].as_str().unwrap().to_owned();
        let token = ready.get("token").map_or("T", |token| token.as_str().unwrap()).to_owned();
        Self { child, base_url: text("base_url"), public_url: text("public_url"), token, ready }
    }

    /// Returns host and port that it listens on.
    pub(crate) fn address(&self) -> &str {
        self.base_url.split('/').nth(2).unwrap()
    }

    /// Kills the process.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks the process to stop, as an operator would.
    pub(crate) async fn terminate(mut self) -> ExitStatus {
        // The shell's own `kill` is used, because the program of that name is in a separate package.
        let kill = format!("kill -TERM {}", self.child.id().unwrap());
        assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
        self.child.wait().await.unwrap()
    }

    /// Waits until the process ends by itself.
    #[cfg(target_os = "linux")]
    pub(crate) async fn ended(mut self) -> ExitStatus {
        self.child.wait().await.unwrap()
    }

    /// Returns a client that may provision.
    pub(crate) fn client(&self) -> scim_client::Client {
        scim_client::Client::builder(&self.base_url).bearer_token(&self.token).build().unwrap()
    }
}

/// Returns the sample directory.
pub(crate) fn directory() -> scim_provision::Directory {
    scim_provision::Directory::from_json(include_bytes!("../../../testdata/directory/northwind.json"))
        .unwrap()
}
