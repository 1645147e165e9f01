//! What can be wrong with a filter or a PATCH path.

use std::fmt::Write as _;

use scim_core::{Error, Type, shorten};

/// A filter or a path that is refused. Each variant is something a caller may want to decide upon; each
/// but [`FilterError::TooLong`] knows the byte position in the text it was parsed from.
///
/// `From` turns it into 400 `invalidFilter` (RFC 7644 §3.12). What is wrong with a PATCH path is a [`PathError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// The text departs from the grammar.
    #[error("at byte {position}: expected {expected}, found {found}")]
    Syntax {
        /// Where.
        position: usize,
        /// What the grammar wants there.
        expected: &'static str,
        /// What is there, in back-ticks, or `the end`.
        found: String,
    },
    /// A word stands where an operator belongs.
    // FILT-016
    #[error(
        "at byte {position}: unknown operator `{}`, use eq, ne, co, sw, ew, gt, ge, lt, le or pr",
        shorten(operator)
    )]
    UnknownOperator {
        /// Where.
        position: usize,
        /// The word.
        operator: String,
    },
    /// A bracket inside brackets (D2).
    #[error("at byte {position}: a value path cannot stand inside another value path")]
    NestedValuePath {
        /// Where the inner bracket opens.
        position: usize,
    },
    /// Nested deeper than the budget.
    #[error("at byte {position}: the filter is nested more than {limit} deep")]
    TooDeep {
        /// Where the budget ran out.
        position: usize,
        /// The budget.
        limit: usize,
    },
    /// More terms than the budget.
    #[error("at byte {position}: the filter has more than {limit} terms")]
    TooManyTerms {
        /// Where the budget ran out.
        position: usize,
        /// The budget.
        limit: usize,
    },
    /// Longer than the budget.
    #[error("the filter is {length} bytes long, more than the {limit} allowed")]
    TooLong {
        /// How long it is.
        length: usize,
        /// The budget.
        limit: usize,
    },
    /// The resource type has no such attribute.
    #[error("at byte {position}: `{}` is no attribute of {resource_type}", shorten(path))]
    UnknownAttribute {
        /// Where.
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
        /// Where.
        position: usize,
        /// The attribute.
        attribute: String,
        /// Why it cannot.
        reason: String,
    },
    /// The operand does not fit the attribute's type.
    #[error("at byte {position}: `{attribute}` is compared with {expected}, found `{}`", shorten(found))]
    Operand {
        /// Where.
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
    /// The byte position in the text that was parsed; 0 for [`FilterError::TooLong`].
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

    /// The message below the text it is about, with a caret at the position: for terminals and logs.
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
    /// The filter between its brackets is.
    #[error(transparent)]
    Filter(FilterError),
}

impl PathError {
    /// The fault, wherever it lies.
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
