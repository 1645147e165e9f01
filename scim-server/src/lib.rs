#![doc = include_str!("../README.md")]

mod bearer;
mod body;
mod config;
mod cursor;
mod elements;
mod error_body;
mod etag;
mod id;
mod known_links;
mod masked;
mod negotiate;
mod observe;
mod op;
mod parameters;
mod passed_over;
mod reserve;
mod respond;
mod route;
mod secret;
mod server;
mod service;
mod shown;
mod single;
mod tenants;
mod turns;

pub use bearer::{Access, BearerTokens, Grant};
pub use body::Body;
pub use config::{ConfigError, PatchResponse, ServerBuilder};
pub use error_body::ErrorMember;
pub use id::UuidSource;
pub use op::bulk::BulkLimits;
pub use reserve::{Reservation, Reserve};
pub use server::Server;
pub use tenants::{ByHost, ByPath, ByPrincipal, Tenants};
