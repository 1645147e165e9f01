//! Why a PATCH is refused — RFC 7644 §3.12.

use scim_core::{Error, Exhausted, ScimType};
use scim_filter::FilterError;

/// A PATCH that is refused, and nothing was changed. Each variant is something a caller may want to decide
/// upon; `path` is the attribute's, in the schema's spelling where it was found.
///
/// `From` turns it into the answer: 400 with the `scimType` that each variant names, but for
/// [`PatchError::TooLarge`] (413), [`PatchError::Late`] (503) and [`PatchError::Stored`] (500).
///
/// ```
/// use scim_core::{Lenience, ResourceType};
/// use scim_patch::{PatchError, PatchRequest};
/// let plan = PatchRequest::new().remove("userName").compile(&ResourceType::user(), &mut Lenience::strict());
/// assert!(matches!(plan, Err(PatchError::Required { path, .. }) if path == "userName"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// `invalidSyntax`: the body is not a PATCH message.
    #[error("{detail}")]
    InvalidSyntax {
        /// What is wrong with it.
        detail: String,
    },
    /// `invalidPath`: the path cannot be read, or leads to no attribute of the resource type.
    #[error("{detail}")]
    InvalidPath {
        /// The path as it was sent.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// `invalidFilter`: the filter between the path's brackets cannot be read, or does not fit the schema.
    #[error("{detail}")]
    InvalidFilter {
        /// The path as it was sent.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// `noTarget`: the path yields nothing that could be changed; without a `path` it is empty.
    #[error("{detail}")]
    NoTarget {
        /// Where nothing is.
        path: String,
        /// What was looked for.
        detail: String,
    },
    /// `mutability`: only the service provider writes it.
    #[error("{detail}")]
    ReadOnly {
        /// The attribute.
        path: String,
        /// What was tried.
        detail: String,
    },
    /// `mutability`: it has a value, and that stays.
    #[error("{detail}")]
    Immutable {
        /// The attribute.
        path: String,
        /// What was tried.
        detail: String,
    },
    /// `mutability`: it is required and cannot be taken away.
    // PATCH-022
    #[error("{detail}")]
    Required {
        /// The attribute, or the extension's URN.
        path: String,
        /// What was tried.
        detail: String,
    },
    /// `invalidValue`: the value is missing or does not fit, or the resource would lack something required.
    #[error("{detail}")]
    InvalidValue {
        /// Where the value would have gone; empty for the resource as a whole.
        path: String,
        /// What was expected.
        detail: String,
    },
    /// The request is larger than the limits allow.
    #[error("{detail}")]
    TooLarge {
        /// Which limit.
        detail: String,
    },
    /// The time of the request is up, or nobody waits for it any more.
    #[error("{detail}")]
    Late {
        /// Which of the two.
        detail: String,
    },
    /// The stored document does not have its schema's form: no client can help that.
    #[error("{detail}")]
    Stored {
        /// The attribute.
        path: String,
        /// What is wrong.
        detail: String,
    },
}

impl PatchError {
    pub(crate) fn syntax(detail: impl Into<String>) -> Self {
        Self::InvalidSyntax { detail: detail.into() }
    }

    pub(crate) fn no_target(path: impl ToString, detail: impl Into<String>) -> Self {
        Self::NoTarget { path: path.to_string(), detail: detail.into() }
    }

    pub(crate) fn read_only(path: impl ToString) -> Self {
        let path = path.to_string();
        Self::ReadOnly { detail: format!("`{path}` is read-only"), path }
    }

    pub(crate) fn immutable(path: impl ToString, detail: impl Into<String>) -> Self {
        Self::Immutable { path: path.to_string(), detail: detail.into() }
    }

    pub(crate) fn required(path: impl ToString, detail: impl Into<String>) -> Self {
        Self::Required { path: path.to_string(), detail: detail.into() }
    }

    pub(crate) fn value(path: impl ToString, detail: impl Into<String>) -> Self {
        Self::InvalidValue { path: path.to_string(), detail: detail.into() }
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::TooLarge { detail: detail.into() }
    }

    pub(crate) fn stored(path: impl ToString) -> Self {
        let path = path.to_string();
        Self::Stored { detail: format!("`{path}` is stored in a form that is not its schema's"), path }
    }

    /// A path that cannot be used, and whether the path itself or its filter is to blame.
    pub(crate) fn in_path(path: &str, error: FilterError) -> Self {
        let in_path = error.is_path_fault();
        let (path, detail) = (path.to_owned(), error.to_string());
        if in_path { Self::InvalidPath { path, detail } } else { Self::InvalidFilter { path, detail } }
    }

    /// A value that `scim-core` does not take there.
    pub(crate) fn in_value(path: impl ToString, error: Error) -> Self {
        let (path, detail) = (path.to_string(), error.detail);
        match error.scim_type {
            Some(ScimType::Mutability) => Self::ReadOnly { path, detail },
            _ => Self::InvalidValue { path, detail },
        }
    }

    /// A body that `scim-core` does not read.
    pub(crate) fn in_body(error: Error) -> Self {
        match error.scim_type {
            None => Self::too_large(error.detail),
            Some(_) => Self::syntax(error.detail),
        }
    }

    /// Puts the operation's place before what the error says.
    pub(crate) fn in_operation(mut self, index: usize) -> Self {
        let (Self::InvalidSyntax { detail }
        | Self::TooLarge { detail }
        | Self::Late { detail }
        | Self::InvalidPath { detail, .. }
        | Self::InvalidFilter { detail, .. }
        | Self::NoTarget { detail, .. }
        | Self::ReadOnly { detail, .. }
        | Self::Immutable { detail, .. }
        | Self::Required { detail, .. }
        | Self::InvalidValue { detail, .. }
        | Self::Stored { detail, .. }) = &mut self;
        *detail = format!("Operations[{index}]: {detail}");
        self
    }
}

impl From<Exhausted> for PatchError {
    fn from(exhausted: Exhausted) -> Self {
        match exhausted {
            Exhausted::Steps => {
                Self::too_large("the request looks at too many values: change fewer at a time")
            }
            late => Self::Late { detail: late.to_string() },
        }
    }
}

impl From<PatchError> for Error {
    fn from(error: PatchError) -> Self {
        match error {
            PatchError::InvalidSyntax { detail } => Self::invalid_syntax(detail),
            PatchError::InvalidPath { detail, .. } => Self::invalid_path(detail),
            PatchError::InvalidFilter { detail, .. } => Self::invalid_filter(detail),
            PatchError::NoTarget { detail, .. } => Self::no_target(detail),
            PatchError::ReadOnly { detail, .. }
            | PatchError::Immutable { detail, .. }
            | PatchError::Required { detail, .. } => Self::mutability(detail),
            PatchError::InvalidValue { detail, .. } => Self::invalid_value(detail),
            PatchError::TooLarge { detail } => Self::new(http::StatusCode::PAYLOAD_TOO_LARGE, detail),
            PatchError::Late { detail } => Self::new(http::StatusCode::SERVICE_UNAVAILABLE, detail),
            PatchError::Stored { detail, .. } => Self::internal(detail),
        }
    }
}
