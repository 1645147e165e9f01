//! What can go wrong between a client and its server.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use scim_core::printable;
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
    #[error("`{}` cannot be the id of a resource", printable(id))]
    InvalidId {
        /// The id.
        id: String,
    },
    /// The path of an endpoint is no path.
    #[error("`{}` is no URL", printable(url))]
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
    /// The server answered with something else than was asked for, or with more JSON values than
    /// [`ClientBuilder::max_response_values`](crate::ClientBuilder::max_response_values) allows.
    #[error("the server's answer could not be read")]
    Decode {
        /// Where it stopped making sense.
        #[source]
        source: serde_json::Error,
        /// The answer.
        body: Bytes,
    },
    /// The server pointed to another origin, or to nowhere.
    #[error(
        "the server points to `{}`, which is not followed: another origin, or no URL",
        printable(location)
    )]
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
    #[error("{matches} resources match `{}`: one was looked for", printable(filter))]
    Ambiguous {
        /// The filter.
        filter: String,
        /// How many match.
        matches: u64,
    },
    /// A page holds more resources than the query's `count`, or than 100,000 without one.
    #[error(
        "the page holds {found} resources, but at most {limit} are taken: if that many are right, ask with a \
         larger `count`"
    )]
    PageTooLarge {
        /// How many the page holds.
        found: u64,
        /// How many it may hold.
        limit: u64,
    },
    /// A list is longer than the client walks.
    #[error(
        "the list has {resources} resources, but at most {limit} are walked through: narrow the filter, or raise \
         `max_resources`"
    )]
    ListTooLong {
        /// How many resources match, as far as is known.
        resources: u64,
        /// How many may match.
        limit: u64,
    },
    /// The server sends page after page, but the list does not come to its end.
    #[error(
        "the list does not end: {pages} pages were read, and the last {fruitless} of them held nothing new: \
         narrow the filter, or ask with a larger `count`"
    )]
    EndlessPages {
        /// How many pages were read.
        pages: u64,
        /// How many of them, up to the last, held nothing new.
        fruitless: u64,
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

/// The body of an error response, understood as far as possible.
///
/// Its `Display` shows at most 1,000 characters of a SCIM error's detail and 200 of anything else. Control
/// characters are escaped.
// CLI-030, Q-32
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
                f.write_str(&beginning(&error.detail, 1_000))
            }
            Self::Json(value) => write!(f, "{}", beginning(&value.to_string(), 200)),
            Self::Bytes(bytes) if bytes.is_empty() => f.write_str("no body"),
            Self::Bytes(bytes) => write!(f, "{}", beginning(&String::from_utf8_lossy(bytes), 200)),
        }
    }
}

/// The first characters of a text, which neither steer a terminal nor begin a line of a log.
fn beginning(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", printable(&text[..end])),
        None => printable(text).into_owned(),
    }
}
