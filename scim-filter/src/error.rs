//! What can be wrong with a filter or a PATCH path.

use std::fmt::Write as _;

use scim_core::{Error, Type, shorten};

/// A filter or a path that is refused. Each variant is something a caller may want to decide upon; each
/// but [`FilterError::TooLong`] knows the byte position in the text it was parsed from.
///
/// `From` turns it into 400 `invalidFilter` (RFC 7644 §3.12); for PATCH paths use
/// [`FilterError::into_path_error`].
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
    /// The fault lies in a PATCH path itself, not in a filter between its brackets.
    #[error(transparent)]
    InPath(Box<FilterError>),
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
            Self::InPath(inner) => inner.position(),
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

    /// Whether the fault lies in a PATCH path itself rather than in a filter between its brackets.
    pub fn is_path_fault(&self) -> bool {
        matches!(self, Self::InPath(_))
    }

    /// The answer to a PATCH operation: 400 `invalidPath` for faults of the path, 400 `invalidFilter` for
    /// faults of the filter between its brackets (RFC 7644 §3.12 Table 9).
    pub fn into_path_error(self) -> Error {
        if self.is_path_fault() { Error::invalid_path(self.to_string()) } else { self.into() }
    }

    pub(crate) fn in_path(self) -> Self {
        if self.is_path_fault() { self } else { Self::InPath(Box::new(self)) }
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
