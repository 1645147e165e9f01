//! What can go wrong between a client and its server.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

use crate::transport::TransportError;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The base URL cannot be used.
    #[error("the base URL cannot be used: {reason}")]
    BaseUrl {
        /// What is wrong with it. It never quotes the URL, which may hold a password.
        reason: String,
    },
    /// A token or a user agent holds characters that no header may hold.
    #[error("the {what} holds a character that no header may hold")]
    Header {
        /// `bearer token` or `user agent`.
        what: &'static str,
    },
    /// The crate was built without the `reqwest` feature and the builder was given no transport.
    #[error("no transport: give the builder one, or build with the `reqwest` feature")]
    NoTransport,
    /// The id cannot be part of a URL.
    #[error("`{id}` cannot be the id of a resource")]
    InvalidId {
        /// The id.
        id: String,
    },
    /// The path of an endpoint is no path.
    #[error("`{url}` is no URL")]
    Url {
        /// What came out of base URL and path.
        url: String,
    },
    /// The value could not be written as JSON.
    #[error("the request could not be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// No response came.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The server refused, or failed.
    #[error("the server answered {status}: {body}")]
    Status {
        /// The HTTP status.
        status: StatusCode,
        /// What the server said.
        body: ErrorBody,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The server answered with something else than was asked for.
    #[error("the server's answer could not be read")]
    Decode {
        /// Where it stopped making sense.
        #[source]
        source: serde_json::Error,
        /// The answer.
        body: Bytes,
    },
    /// The server pointed to another origin, or to nowhere.
    #[error("the server points to `{location}`, which is not followed: another origin, or no URL")]
    Location {
        /// The `Location` header.
        location: String,
    },
    /// The server redirects in circles.
    #[error("the server redirected {hops} times")]
    TooManyRedirects {
        /// How often it did.
        hops: usize,
    },
    /// More than one resource matches where one was looked for.
    #[error("{matches} resources match `{filter}`: one was looked for")]
    Ambiguous {
        /// The filter.
        filter: String,
        /// How many match.
        matches: u64,
    },
}

impl ClientError {
    /// The HTTP status, if the server answered with an error.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether there is no such resource (or endpoint).
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Whether a value is taken by another resource.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT)
    }

    /// Whether the resource has changed since its entity tag was read.
    pub fn is_precondition_failed(&self) -> bool {
        self.status() == Some(StatusCode::PRECONDITION_FAILED)
    }

    /// Whether the server does not know the token, or does not let it do this.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self.status(), Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))
    }

    /// How long the server asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The SCIM error, if the server sent one.
    pub fn scim(&self) -> Option<&scim_core::Error> {
        match self {
            Self::Status { body: ErrorBody::Scim(error), .. } => Some(error),
            _ => None,
        }
    }
}

/// The body of an error response, understood as far as possible (CLI-030, Q-32).
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorBody {
    /// A SCIM error; where its body names no status, it has the response's.
    Scim(scim_core::Error),
    /// Some other JSON.
    Json(Value),
    /// No JSON: HTML, plain text, nothing.
    Bytes(Bytes),
}

impl fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scim(error) => {
                if let Some(scim_type) = &error.scim_type {
                    write!(f, "{scim_type}: ")?;
                }
                f.write_str(&error.detail)
            }
            Self::Json(value) => write!(f, "{}", beginning(&value.to_string())),
            Self::Bytes(bytes) if bytes.is_empty() => f.write_str("no body"),
            Self::Bytes(bytes) => write!(f, "{}", beginning(&String::from_utf8_lossy(bytes))),
        }
    }
}

/// Enough of a body to recognise it by.
fn beginning(text: &str) -> String {
    const CHARS: usize = 200;
    let mut short: String = text.chars().take(CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(CHARS).is_some() {
        short.push('…');
    }
    short
}
