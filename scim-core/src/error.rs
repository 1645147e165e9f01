//! The error that every refusal returns — RFC 7644 §3.12.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::printable::printable;
use crate::urn;

/// A SCIM error: HTTP status, optional `scimType`, and a sentence for people.
///
/// It is both a Rust error and a message. It serialises to the body of RFC 7644 §3.12, with `status` as a JSON string.
/// It also deserialises from a number as `status`, and from a body without `schemas`, because servers send these.
///
/// ```
/// use scim_core::{Error, ScimType};
/// let error = Error::invalid_value("emails.type: expected a string, found a number");
/// assert_eq!(error.status, 400);
/// assert_eq!(error.scim_type, Some(ScimType::InvalidValue));
/// assert!(serde_json::to_string(&error).unwrap().contains(r#""status":"400""#));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct Error {
    /// The HTTP status of the answer.
    pub status: StatusCode,
    /// The keyword of RFC 7644 Table 9, if one fits.
    pub scim_type: Option<ScimType>,
    /// What is wrong, where, and what was expected.
    pub detail: String,
    /// How long to wait before trying again.
    ///
    /// It is sent as `Retry-After`, never in the body. It is sent in whole seconds, because Okta understands no other
    /// form.
    // Q-32
    pub retry_after: Option<Duration>,
}

impl Error {
    /// An error with a status and a sentence, without a `scimType`.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into(), retry_after: None }
    }

    /// Makes a 400 with this `scimType`.
    ///
    /// The status of [`ScimType::Sensitive`] is 403, and that of [`ScimType::Uniqueness`] is 409.
    // decisions X1 and X3
    pub fn scim(scim_type: ScimType, detail: impl Into<String>) -> Self {
        let status = match scim_type {
            ScimType::Uniqueness => StatusCode::CONFLICT,
            ScimType::Sensitive => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { status, scim_type: Some(scim_type), detail: detail.into(), retry_after: None }
    }

    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::scim(ScimType::InvalidFilter, detail)
    }

    /// 400 `invalidSyntax`: the body's structure is wrong.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::scim(ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidValue`: a value is missing or does not fit its attribute.
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::scim(ScimType::InvalidValue, detail)
    }

    /// 400 `invalidPath`: a PATCH path cannot be understood.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::scim(ScimType::InvalidPath, detail)
    }

    /// 400 `noTarget`: a PATCH path yields nothing to operate on.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::scim(ScimType::NoTarget, detail)
    }

    /// 400 `mutability`: the attribute may not be changed that way.
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::scim(ScimType::Mutability, detail)
    }

    /// 409 `uniqueness`: the value is taken.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self::scim(ScimType::Uniqueness, detail)
    }

    /// 404: no such resource or endpoint.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 501: the service provider does not offer this.
    pub fn not_implemented(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, detail)
    }

    /// 500. The detail must reveal nothing internal.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status.as_u16())?;
        if let Some(scim_type) = &self.scim_type {
            write!(f, " {scim_type}")?;
        }
        write!(f, ": {}", printable(&self.detail))
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire<'a> {
            schemas: [&'static str; 1],
            status: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            scim_type: Option<&'a str>,
            detail: &'a str,
        }
        Wire {
            schemas: [urn::ERROR],
            status: self.status.as_str(),
            scim_type: self.scim_type.as_ref().map(ScimType::as_str),
            detail: &self.detail,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Error {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Status {
            Text(String),
            Number(u16),
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            status: Status,
            scim_type: Option<String>,
            detail: Option<String>,
        }
        let wire = Wire::deserialize(deserializer)?;
        let status = match wire.status {
            Status::Text(text) => text.trim().parse::<u16>().map_err(D::Error::custom)?,
            Status::Number(number) => number,
        };
        Ok(Self {
            status: StatusCode::from_u16(status).map_err(D::Error::custom)?,
            scim_type: wire.scim_type.as_deref().filter(|text| !text.is_empty()).map(ScimType::from),
            detail: wire.detail.unwrap_or_default(),
            retry_after: None,
        })
    }
}

/// The keywords of RFC 7644 Table 9 and RFC 9865 §2.1. Unknown keywords are kept.
// CLI-030
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScimType {
    /// The filter's syntax, or the pair of attribute and operator, is not supported.
    InvalidFilter,
    /// The query yields more results than the server is willing to process.
    TooMany,
    /// A value is already in use.
    Uniqueness,
    /// The change is not compatible with the attribute's mutability.
    Mutability,
    /// The body's structure is wrong.
    InvalidSyntax,
    /// The PATCH path is malformed.
    InvalidPath,
    /// The PATCH path yields nothing to operate on.
    NoTarget,
    /// A value is missing or does not fit.
    InvalidValue,
    /// The protocol version is not supported.
    InvalidVers,
    /// The request's URI carries sensitive data.
    Sensitive,
    /// The cursor is invalid (RFC 9865).
    InvalidCursor,
    /// The cursor has expired (RFC 9865).
    ExpiredCursor,
    /// The count is out of range, or changed while paging (RFC 9865).
    InvalidCount,
    /// A keyword this version does not know.
    Other(String),
}

impl ScimType {
    /// The keyword as it is on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
            Self::Other(text) => text,
        }
    }
}

impl From<&str> for ScimType {
    fn from(text: &str) -> Self {
        match text {
            "invalidFilter" => Self::InvalidFilter,
            "tooMany" => Self::TooMany,
            "uniqueness" => Self::Uniqueness,
            "mutability" => Self::Mutability,
            "invalidSyntax" => Self::InvalidSyntax,
            "invalidPath" => Self::InvalidPath,
            "noTarget" => Self::NoTarget,
            "invalidValue" => Self::InvalidValue,
            "invalidVers" => Self::InvalidVers,
            "sensitive" => Self::Sensitive,
            "invalidCursor" => Self::InvalidCursor,
            "expiredCursor" => Self::ExpiredCursor,
            "invalidCount" => Self::InvalidCount,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for ScimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(self.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_094_status_is_a_string_and_a_number_is_read() {
        let error = Error::uniqueness("userName `x` is taken");
        let body = serde_json::to_value(&error).unwrap();
        assert_eq!(body["status"], "409");
        assert_eq!(body["schemas"][0], urn::ERROR);
        assert_eq!(serde_json::from_value::<Error>(body).unwrap(), error);
        let read: Error = serde_json::from_str(r#"{"status":404,"detail":null}"#).unwrap();
        assert_eq!(read.status, 404);
    }

    #[test]
    fn cli_030_unknown_keywords_survive() {
        let read: Error = serde_json::from_str(r#"{"status":"400","scimType":"odd"}"#).unwrap();
        assert_eq!(read.scim_type, Some(ScimType::Other("odd".into())));
    }

    #[test]
    fn an_error_steers_no_terminal() {
        let error = Error::scim(ScimType::Other("o\u{7}dd".into()), "\u{1b}[31mred\nWARN forged");
        assert_eq!(error.to_string(), r"400 o\u{7}dd: \u{1b}[31mred\nWARN forged");
        let body = serde_json::to_value(&error).unwrap();
        assert_eq!(body["detail"], "\u{1b}[31mred\nWARN forged", "the wire holds it as it is");
    }
}
