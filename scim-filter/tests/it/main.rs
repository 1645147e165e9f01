//! Tests the crate from outside: requirements by number, fixtures, cases of other suites, properties, hostile input.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod agreement;
mod binding;
mod cases;
mod core;
mod evaluation;
mod hostile;
mod naive;
mod paths;
mod planning;
mod properties;
mod sql;
mod suites_2;
mod support;
mod syntax;
mod thing;
