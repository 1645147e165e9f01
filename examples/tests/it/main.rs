//! The programs as people and scripts run them: real processes, real sockets, real files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod connections;
#[cfg(target_os = "linux")]
mod disk;
mod host;
mod hostile;
mod http2;
mod kill;
mod kill_mixed;
mod memory;
mod own_types;
mod programs;
mod server;
mod terminal;
mod tokens;
