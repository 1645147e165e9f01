//! The protocol over a memory store, request by request, without a socket.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod budget;
mod bulk;
mod caching;
mod client;
mod clock;
mod contention;
mod controls;
mod core;
mod cursor;
mod discovery;
mod etag;
mod fixtures;
mod hostile;
mod law;
mod lifecycle;
mod list;
mod me;
mod observe;
mod outdated;
mod passed_over;
mod patch;
mod policy;
mod precis;
mod protocol;
mod resources;
mod secrets;
mod sort;
mod streamed;
mod suites_2;
mod tenants;
