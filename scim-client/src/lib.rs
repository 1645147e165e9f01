#![doc = include_str!("../README.md")]

mod answer;
mod base_url;
mod bounds;
mod builder;
mod client;
mod endpoint;
mod error;
mod pages;
mod query;
#[cfg(feature = "reqwest")]
mod reqwest_transport;
mod stored;
mod transport;

pub use builder::ClientBuilder;
pub use client::Client;
pub use endpoint::Endpoint;
pub use error::{ClientError, ErrorBody};
pub use pages::Pages;
pub use query::{Query, View, filter_eq};
#[cfg(feature = "reqwest")]
pub use reqwest_transport::ReqwestTransport;
pub use scim_core::SortOrder;
pub use stored::Stored;
pub use transport::{Transport, TransportError, TransportFn, transport_fn};
