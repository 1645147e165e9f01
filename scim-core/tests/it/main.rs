//! The crate from outside: requirements by their numbers, the examples and schemas of RFC 7643, the cases of
//! other suites.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod attributes;
mod characteristics;
mod discovery;
mod documents;
mod edges;
mod examples;
mod messages;
mod people;
mod suites;
mod support;
mod values;
