//! PATCH against fixtures, the matrix of RFC 7644 §3.5.2, and the law of atomicity.

#![allow(clippy::unwrap_used, reason = "tests")]

mod core;
mod diff;
mod errors;
mod explain;
mod fixtures;
mod laws;
mod lenient;
mod limits;
mod matrix;
mod model;
mod rules;
mod sequences;
mod sugar;
mod suites;
mod suites_2;
