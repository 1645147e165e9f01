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
        /// What is wrong with it. The text never quotes the URL, because a URL may hold a password.
        reason: String,
    },
    /// A token or a user agent holds characters that no header may hold.
    #[error("the {what} holds a character that no header may hold")]
    Header {
        /// `bearer token` or `user agent`.
        what: &'static str,
    },
    /// The crate was built without the `reqwest` feature, and the builder was given no transport.
    #[error("no transport: give the builder one, or build with the `reqwest` feature")]
    NoTransport,
    /// The id cannot be part of a URL.
    #[error("`{}` cannot be the id of a resource", printable(id))]
    InvalidId {
        /// The id.
        id: String,
    },
    /// The base URL and the path of an endpoint do not make a URL.
    #[error("`{}` is no URL", printable(url))]
    Url {
        /// The base URL joined with the path.
        url: String,
    },
    /// The value could not be written as JSON.
    #[error("the request could not be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// No response came.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The server refused the request, or failed.
    #[error("the server answered {status}: {body}")]
    Status {
        /// The HTTP status.
        status: StatusCode,
        /// What the server said.
        body: ErrorBody,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The answer was not what was asked for, or had more JSON values than
    /// [`ClientBuilder::max_response_values`](crate::ClientBuilder::max_response_values) allows.
    #[error("the server's answer could not be read")]
    Decode {
        /// What could not be read, and where.
        #[source]
        source: serde_json::Error,
        /// The answer.
        body: Bytes,
    },
    /// The server redirected to another origin, or its `Location` is not a URL.
    #[error(
        "the server points to `{}`, which is not followed: another origin, or no URL",
        printable(location)
    )]
    Location {
        /// The `Location` header.
        location: String,
    },
    /// The server redirected too often.
    #[error("the server redirected {hops} times")]
    TooManyRedirects {
        /// How many redirects there were.
        hops: usize,
    },
    /// Several resources match a filter that should match one.
    #[error("{matches} resources match `{}`: one was looked for", printable(filter))]
    Ambiguous {
        /// The filter.
        filter: String,
        /// How many match.
        matches: u64,
    },
    /// A page has more resources than the query's `count`, or more than 100,000 if there is no `count`.
    #[error(
        "the page holds {found} resources, but at most {limit} are taken: if that many are right, ask with a \
         larger `count`"
    )]
    PageTooLarge {
        /// How many resources the page has.
        found: u64,
        /// How many it may have.
        limit: u64,
    },
    /// A list has more resources than the client reads page by page.
    #[error(
        "the list has {resources} resources, but at most {limit} are walked through: narrow the filter, or raise \
         `max_resources`"
    )]
    ListTooLong {
        /// How many resources match, as far as known.
        resources: u64,
        /// How many may match.
        limit: u64,
    },
    /// The server sends page after page, but the list does not end.
    #[error(
        "the list does not end: {pages} pages were read, and the last {fruitless} of them held nothing new: \
         narrow the filter, or ask with a larger `count`"
    )]
    EndlessPages {
        /// How many pages were read.
        pages: u64,
        /// How many pages in a row, up to the last, had nothing new.
        fruitless: u64,
    },
}

impl ClientError {
    /// Returns the HTTP status, if the server answered with an error.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns whether there is no such resource or endpoint.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Returns whether another resource has the value already.
    pub fn is_conflict(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT)
    }

    /// Returns whether the resource changed since its entity tag was read.
    pub fn is_precondition_failed(&self) -> bool {
        self.status() == Some(StatusCode::PRECONDITION_FAILED)
    }

    /// Returns whether the server does not know the token, or does not allow it to do this.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self.status(), Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))
    }

    /// Returns how long the server asks to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns the SCIM error, if the server sent one.
    pub fn scim(&self) -> Option<&scim_core::Error> {
        match self {
            Self::Status { body: ErrorBody::Scim(error), .. } => Some(error),
            _ => None,
        }
    }
}

/// The body of an error response, read as far as possible.
///
/// Its `Display` shows at most 1,000 characters of a SCIM error's detail, and 200 of anything else. Control characters
/// are escaped.
// CLI-030, Q-32
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorBody {
    /// A SCIM error. If its body has no status, it has that of the response.
    Scim(scim_core::Error),
    /// JSON that is not a SCIM error.
    Json(Value),
    /// Not JSON: HTML, plain text or nothing.
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

/// Returns the first characters of a text, with control characters escaped. The text can then neither control a
/// terminal nor begin a line of a log.
fn beginning(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", printable(&text[..end])),
        None => printable(text).into_owned(),
    }
}
