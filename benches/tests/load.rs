//! The load program runs and prints its table.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::process::Command;

#[test]
fn a_quick_run_comes_to_its_table() {
    let run = Command::new(env!("CARGO_BIN_EXE_load"))
        .args(["--quick", "--rounds", "1", "--time", "10"])
        .output()
        .unwrap();
    let (table, errors) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{errors}");
    for line in ["GET by id", "POST, survives power loss", "PATCH add one of"] {
        assert!(table.contains(line), "no `{line}` in:\n{table}\n{errors}");
    }
}
