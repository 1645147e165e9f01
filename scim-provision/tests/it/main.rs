//! The engine against a small service provider in the same process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod failures;
mod fake;
mod runs;
mod wire;
