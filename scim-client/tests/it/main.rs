//! The client against a scripted server in the same process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
mod hostile;
#[cfg(feature = "reqwest")]
mod network;
mod paging;
mod script;
