//! Laws of reading: what is written is read back, nothing takes more than linear time, and what no schema
//! knows is kept where that is wanted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod kept;
mod linear;
mod round_trip;
