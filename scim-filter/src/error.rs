//! The errors of filters and PATCH paths.

use std::fmt::Write as _;

use scim_core::{Error, Type, shorten};

/// An error in a filter or a path.
///
/// There is a variant for each case that a caller may want to handle. Each, except [`FilterError::TooLong`], has the
/// byte position in the text that was parsed.
///
/// `From` turns it into 400 `invalidFilter` (RFC 7644 §3.12). The error of a PATCH path is a [`PathError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// The text departs from the grammar.
    #[error("at byte {position}: expected {expected}, found {found}")]
    Syntax {
        /// The byte position.
        position: usize,
        /// What the grammar expects there.
        expected: &'static str,
        /// The word that is there, in backticks, or `the end`.
        found: String,
    },
    /// A word that is not an operator is where one is expected.
    // FILT-016
    #[error(
        "at byte {position}: unknown operator `{}`, use eq, ne, co, sw, ew, gt, ge, lt, le or pr",
        shorten(operator)
    )]
    UnknownOperator {
        /// The byte position.
        position: usize,
        /// The word.
        operator: String,
    },
    /// A bracket inside brackets.
    // D2
    #[error("at byte {position}: a value path cannot stand inside another value path")]
    NestedValuePath {
        /// The byte position of the inner bracket.
        position: usize,
    },
    /// The filter is nested deeper than the budget allows.
    #[error("at byte {position}: the filter is nested more than {limit} deep")]
    TooDeep {
        /// The byte position at which the budget was exceeded.
        position: usize,
        /// The budget.
        limit: usize,
    },
    /// The filter has more terms than the budget allows.
    #[error("at byte {position}: the filter has more than {limit} terms")]
    TooManyTerms {
        /// The byte position at which the budget was exceeded.
        position: usize,
        /// The budget.
        limit: usize,
    },
    /// The filter is longer than the budget allows.
    #[error("the filter is {length} bytes long, more than the {limit} allowed")]
    TooLong {
        /// The length in bytes.
        length: usize,
        /// The budget.
        limit: usize,
    },
    /// The resource type has no such attribute.
    #[error("at byte {position}: `{}` is no attribute of {resource_type}", shorten(path))]
    UnknownAttribute {
        /// The byte position.
        position: usize,
        /// The path as it was written.
        path: String,
        /// The resource type's name.
        resource_type: String,
    },
    /// The attribute is known but cannot be used in this way.
    // FILT-010, FILT-013, FILT-024
    #[error("at byte {position}: `{attribute}` {reason}")]
    Unsupported {
        /// The byte position.
        position: usize,
        /// The attribute.
        attribute: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// The operand does not fit the attribute's type.
    #[error("at byte {position}: `{attribute}` is compared with {expected}, found `{}`", shorten(found))]
    Operand {
        /// The byte position.
        position: usize,
        /// The attribute.
        attribute: String,
        /// The attribute's type.
        expected: Type,
        /// The literal as it was written.
        found: String,
    },
}

impl FilterError {
    /// Returns the byte position in the text that was parsed; 0 for [`FilterError::TooLong`].
    pub fn position(&self) -> usize {
        match self {
            Self::Syntax { position, .. }
            | Self::UnknownOperator { position, .. }
            | Self::NestedValuePath { position }
            | Self::TooDeep { position, .. }
            | Self::TooManyTerms { position, .. }
            | Self::UnknownAttribute { position, .. }
            | Self::Unsupported { position, .. }
            | Self::Operand { position, .. } => *position,
            Self::TooLong { .. } => 0,
        }
    }

    /// Formats the message below the text, with a caret at the position, for terminals and logs.
    ///
    /// ```
    /// let text = "userName regex \"x\"";
    /// let error = text.parse::<scim_filter::Filter>().unwrap_err();
    /// assert!(error.render(text).starts_with("userName regex \"x\"\n         ^ "));
    /// ```
    pub fn render(&self, text: &str) -> String {
        const AROUND: usize = 60;
        let at = floor_boundary(text, self.position().min(text.len()));
        let from = floor_boundary(text, at.saturating_sub(AROUND));
        let to = floor_boundary(text, at.saturating_add(AROUND).min(text.len()));
        let line = text[from..to].replace(char::is_control, " ");
        let column = text[from..at].chars().count();
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = write!(out, "{line}\n{:column$}^ {self}", "");
        out
    }
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl From<FilterError> for Error {
    fn from(error: FilterError) -> Self {
        Self::invalid_filter(error.to_string())
    }
}

/// Why a PATCH path is refused: 400 `invalidPath` or 400 `invalidFilter` (RFC 7644 §3.12 Table 9).
///
/// ```
/// use scim_core::{Error, ScimType};
/// use scim_filter::{Path, PathError};
/// let scim_type = |text: &str| Error::from(text.parse::<Path>().unwrap_err()).scim_type;
/// assert_eq!(scim_type("emails["), Some(ScimType::InvalidPath));
/// assert_eq!(scim_type("emails[type is \"work\"]"), Some(ScimType::InvalidFilter));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path itself is at fault.
    #[error(transparent)]
    Path(FilterError),
    /// The filter between its brackets is at fault.
    #[error(transparent)]
    Filter(FilterError),
}

impl PathError {
    /// Returns the underlying error.
    pub fn fault(&self) -> &FilterError {
        match self {
            Self::Path(fault) | Self::Filter(fault) => fault,
        }
    }
}

impl From<PathError> for Error {
    fn from(error: PathError) -> Self {
        match error {
            PathError::Path(fault) => Self::invalid_path(fault.to_string()),
            PathError::Filter(fault) => fault.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filt_016_the_detail_names_the_operator() {
        let error = "userName regex \"x\"".parse::<crate::Filter>().unwrap_err();
        assert_eq!(error.position(), 9);
        let error = Error::from(error);
        assert_eq!(error.status, 400);
        assert_eq!(error.scim_type, Some(scim_core::ScimType::InvalidFilter));
        assert!(error.detail.contains("`regex`"), "{}", error.detail);
    }

    #[test]
    fn rendering_never_splits_a_character() {
        let text = format!("userName eq {}", "é".repeat(100));
        let error = text.parse::<crate::Filter>().unwrap_err();
        for position in 0..text.len() + 3 {
            let moved = FilterError::NestedValuePath { position };
            assert!(moved.render(&text).contains('^'));
        }
        assert!(error.render(&text).contains("expected"));
    }
}
