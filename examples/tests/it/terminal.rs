//! What a person at a terminal sees.

use std::process::{Output, Stdio};
use std::time::Duration;

use scim_client::{Client, Query};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

const PROGRAMS: [(&str, &str); 3] = [
    ("emu", env!("CARGO_BIN_EXE_emu")),
    ("standalone", env!("CARGO_BIN_EXE_standalone")),
    ("own_table", env!("CARGO_BIN_EXE_own_table")),
];

async fn output(program: &str, arguments: &[&str], columns: usize) -> Output {
    Command::new(program).args(arguments).env("COLUMNS", columns.to_string()).output().await.unwrap()
}

#[tokio::test]
async fn version_names_the_program() {
    for (name, program) in PROGRAMS {
        let output = output(program, &["--version"], 80).await;
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.trim(), format!("{name} {}", env!("CARGO_PKG_VERSION")));
    }
}

#[tokio::test]
async fn help_wraps_at_the_width_of_the_terminal() {
    let [(_, emu), (_, standalone), (_, own_table)] = PROGRAMS;
    for (program, arguments) in [
        (emu, &["--help"][..]),
        (emu, &["demo", "--help"]),
        (emu, &["serve", "--help"]),
        (emu, &["provision", "--help"]),
        (standalone, &["--help"]),
        (standalone, &["backup", "--help"]),
        (own_table, &["--help"]),
    ] {
        for columns in [80, 120] {
            let output = output(program, arguments, columns).await;
            let text = String::from_utf8(output.stdout).unwrap();
            let longest = text.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(longest <= columns, "{arguments:?} at {columns}:\n{text}");
        }
    }
}

/// Colour codes in a file make it hard to read and to search.
#[tokio::test]
async fn a_log_that_is_no_terminal_has_no_colours_and_one_line_a_request() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(["serve", "--listen", "127.0.0.1:0", "--token", "T"])
        .env("RUST_LOG", "info")
        .env_remove("NO_COLOR")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready: Value = serde_json::from_str(&stdout.next_line().await.unwrap().unwrap()).unwrap();
    let client = Client::builder(ready["base_url"].as_str().unwrap()).bearer_token("T").build().unwrap();
    client.users().list(&Query::new()).await.unwrap();
    child.start_kill().unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).await.unwrap();
    assert!(!log.contains('\u{1b}'), "{log:?}");
    let lines: Vec<_> = log.lines().filter(|line| line.contains("INFO")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    for word in ["method=\"GET\"", "operation=\"list\"", "principal=\"token-1\"", "status=200"] {
        assert!(lines[0].contains(word), "{word}: {log}");
    }
}

#[tokio::test]
async fn emu_demo_fits_the_terminal_and_stays_to_be_looked_at() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_emu"))
        .args(["demo", "--keep"])
        .env("COLUMNS", "80")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = Vec::new();
    let ready = loop {
        let line = timeout(Duration::from_secs(300), lines.next_line()).await.unwrap().unwrap();
        let line = line.unwrap_or_else(|| panic!("it ended: {seen:#?}"));
        if let Ok(ready @ Value::Object(_)) = serde_json::from_str(&line) {
            break ready;
        }
        seen.push(line);
    };
    let runs = seen.iter().position(|line| line.starts_with("run ")).unwrap();
    let table = &seen[runs..];
    assert!(table.iter().all(|line| line.chars().count() <= 80), "{table:#?}");
    assert!(table.iter().any(|line| line.starts_with("Wednesday")));
    assert!(!table.iter().any(|line| line.contains("failed")), "a column of zeros: {table:#?}");

    let text = |name: &str| ready[name].as_str().unwrap().to_owned();
    let client = Client::builder(&text("base_url")).bearer_token(text("token")).build().unwrap();
    assert_eq!(client.users().list(&Query::new()).await.unwrap().total_results, 1_005);
    let kill = format!("kill -TERM {}", child.id().unwrap());
    assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
    assert!(timeout(Duration::from_secs(60), child.wait()).await.unwrap().unwrap().success());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
    assert!(said.contains("Stop with Ctrl-C"), "{said}");
}
