//! The programs as people and scripts run them: real processes, real sockets, real files.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod host;
mod hostile;
mod kill;
mod kill_mixed;
mod own_types;
mod programs;
mod server;
mod terminal;
mod tokens;
