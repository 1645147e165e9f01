//! The errors of PATCH (RFC 7644 §3.12).

use std::fmt;

use http::StatusCode;
use scim_core::{Error, Exhausted, ScimType};
use scim_filter::PathError;

/// An error in a PATCH. Nothing was changed.
///
/// `From` turns it into the response: 400 with the `scimType` that its kind names. The exceptions are
/// [`PatchErrorKind::TooLarge`] (413), [`PatchErrorKind::Late`] (503) and [`PatchErrorKind::Stored`] (500).
///
/// ```
/// use scim_core::{Lenience, ResourceType};
/// use scim_patch::{PatchErrorKind, PatchRequest};
/// let request = PatchRequest::new().remove("userName");
/// let error = request.compile(&ResourceType::user(), &mut Lenience::strict()).unwrap_err();
/// assert_eq!((error.kind, error.path.as_str(), error.operation), (PatchErrorKind::Required, "userName", Some(0)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PatchError {
    /// The kind of the error.
    pub kind: PatchErrorKind,
    /// The attribute, in the schema's spelling if it was found. A path that is itself at fault is kept as it was sent.
    /// Empty if the error is in the message or in the resource as a whole.
    pub path: String,
    /// What is wrong, for people.
    pub detail: String,
    /// The position of the operation in the request, from 0, if one operation is at fault.
    pub operation: Option<usize>,
}

/// The kinds of errors that a caller may want to handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PatchErrorKind {
    /// `invalidSyntax`: the body is not a PATCH message.
    InvalidSyntax,
    /// `invalidPath`: the path cannot be read, or the resource type has no such attribute.
    InvalidPath,
    /// `invalidFilter`: the filter between the path's brackets cannot be read, or does not fit the schema.
    InvalidFilter,
    /// `noTarget`: the path selects nothing that could be changed, or a `remove` has no `path`.
    NoTarget,
    /// `mutability`: only the service provider writes the attribute.
    ReadOnly,
    /// `mutability`: the attribute is immutable and has a value.
    Immutable,
    /// `mutability`: the attribute is required and cannot be removed.
    // PATCH-022
    Required,
    /// `invalidValue`: the value is missing or does not fit, or the resource would lack something required.
    InvalidValue,
    /// The request is larger than the limits allow.
    TooLarge,
    /// The time of the request is up, or the client no longer waits.
    Late,
    /// The stored document does not have the form of its schema. The client cannot correct that.
    Stored,
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation {
            write!(f, "Operations[{operation}]: ")?;
        }
        f.write_str(&self.detail)
    }
}

impl std::error::Error for PatchError {}

impl PatchError {
    fn new(kind: PatchErrorKind, path: impl ToString, detail: impl Into<String>) -> Self {
        Self { kind, path: path.to_string(), detail: detail.into(), operation: None }
    }

    pub(crate) fn syntax(detail: impl Into<String>) -> Self {
        Self::new(PatchErrorKind::InvalidSyntax, "", detail)
    }

    pub(crate) fn no_target(path: impl ToString, detail: impl Into<String>) -> Self {
        Self::new(PatchErrorKind::NoTarget, path, detail)
    }

    pub(crate) fn read_only(path: impl ToString) -> Self {
        let path = path.to_string();
        let detail = format!("`{path}` is read-only");
        Self::new(PatchErrorKind::ReadOnly, path, detail)
    }

    pub(crate) fn immutable(path: impl ToString, detail: impl Into<String>) -> Self {
        Self::new(PatchErrorKind::Immutable, path, detail)
    }

    pub(crate) fn required(path: impl ToString, detail: impl Into<String>) -> Self {
        Self::new(PatchErrorKind::Required, path, detail)
    }

    pub(crate) fn value(path: impl ToString, detail: impl Into<String>) -> Self {
        Self::new(PatchErrorKind::InvalidValue, path, detail)
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(PatchErrorKind::TooLarge, "", detail)
    }

    pub(crate) fn stored(path: impl ToString) -> Self {
        let path = path.to_string();
        let detail = format!("`{path}` is stored in a form that is not its schema's");
        Self::new(PatchErrorKind::Stored, path, detail)
    }

    /// Makes the error for a path that cannot be used.
    pub(crate) fn in_path(path: &str, error: &PathError) -> Self {
        let kind = match error {
            PathError::Path(_) => PatchErrorKind::InvalidPath,
            PathError::Filter(_) => PatchErrorKind::InvalidFilter,
        };
        Self::new(kind, path, error.to_string())
    }

    /// Makes the error for a value that `scim-core` refuses there.
    pub(crate) fn in_value(path: impl ToString, error: Error) -> Self {
        let kind = match error.scim_type {
            Some(ScimType::Mutability) => PatchErrorKind::ReadOnly,
            _ => PatchErrorKind::InvalidValue,
        };
        Self::new(kind, path, error.detail)
    }

    /// Makes the error for a body that `scim-core` cannot read.
    pub(crate) fn in_body(error: Error) -> Self {
        match error.scim_type {
            None => Self::too_large(error.detail),
            Some(_) => Self::syntax(error.detail),
        }
    }

    /// Names the operation that is at fault.
    pub(crate) fn in_operation(self, index: usize) -> Self {
        Self { operation: Some(index), ..self }
    }
}

impl From<Exhausted> for PatchError {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::Steps => {
                Self::too_large("the request looks at too many values: change fewer at a time")
            }
            late => Self::new(PatchErrorKind::Late, "", late.to_string()),
        }
    }
}

impl From<PatchError> for Error {
    fn from(error: PatchError) -> Self {
        let detail = error.to_string();
        match error.kind {
            PatchErrorKind::InvalidSyntax => Self::invalid_syntax(detail),
            PatchErrorKind::InvalidPath => Self::invalid_path(detail),
            PatchErrorKind::InvalidFilter => Self::invalid_filter(detail),
            PatchErrorKind::NoTarget => Self::no_target(detail),
            PatchErrorKind::ReadOnly | PatchErrorKind::Immutable | PatchErrorKind::Required => {
                Self::mutability(detail)
            }
            PatchErrorKind::InvalidValue => Self::invalid_value(detail),
            PatchErrorKind::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail),
            PatchErrorKind::Late => Self::new(StatusCode::SERVICE_UNAVAILABLE, detail),
            PatchErrorKind::Stored => Self::internal(detail),
        }
    }
}
