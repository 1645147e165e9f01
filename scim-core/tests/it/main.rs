//! Tests of the crate from outside. They cover requirements by number, the examples and schemas of RFC 7643, and the
//! cases of other suites. They also cover the laws of reading: what is written is read back, and reading takes linear
//! time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod attributes;
mod characteristics;
mod discovery;
mod documents;
mod edges;
mod examples;
mod kept;
mod linear;
mod messages;
mod people;
mod round_trip;
mod suites;
mod suites_2;
mod support;
mod values;
