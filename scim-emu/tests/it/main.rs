//! An enterprise as GitHub documents it, request by request (E-…).

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod client;
mod edge;
mod groups;
mod suspension;
mod users;
