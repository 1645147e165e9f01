//! The SQLite store on a disk that fails, and after power cuts: what was answered is there, and no batch is half done.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod failing;
mod history;
mod lost_log;
mod points;
mod run;
mod told;
mod verify;
