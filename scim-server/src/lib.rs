#![doc = include_str!("../README.md")]

mod bearer;
mod body;
mod config;
mod cursor;
mod etag;
mod id;
mod negotiate;
mod op;
mod parameters;
mod respond;
mod route;
mod secret;
mod server;
mod service;

pub use bearer::{BearerTokens, Grant};
pub use body::Body;
pub use config::{ConfigError, PatchResponse, ServerBuilder};
pub use id::UuidSource;
pub use op::bulk::BulkLimits;
pub use server::Server;
pub use service::read_body;
