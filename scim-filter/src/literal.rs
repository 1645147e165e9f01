//! The operators and literals of a comparison: `compareOp` and `compValue` of RFC 7644 §3.4.2.2.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Number, Value};

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `eq`: identical.
    Eq,
    /// `ne`: not identical. Over the whole attribute it is the exact complement of `eq`.
    Ne,
    /// `co`: the operand is part of the value.
    Co,
    /// `sw`: the value begins with the operand.
    Sw,
    /// `ew`: the value ends with the operand.
    Ew,
    /// `gt`: greater than.
    Gt,
    /// `ge`: greater than or equal to.
    Ge,
    /// `lt`: less than.
    Lt,
    /// `le`: less than or equal to.
    Le,
}

impl CompareOp {
    /// Every operator, in the order of RFC 7644 Table 3.
    pub const ALL: [Self; 9] =
        [Self::Eq, Self::Ne, Self::Co, Self::Sw, Self::Ew, Self::Gt, Self::Ge, Self::Lt, Self::Le];

    /// Returns the operator's word in a filter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Co => "co",
            Self::Sw => "sw",
            Self::Ew => "ew",
            Self::Gt => "gt",
            Self::Ge => "ge",
            Self::Lt => "lt",
            Self::Le => "le",
        }
    }

    /// Returns the operator with that name, in any case; `None` for anything else.
    // D12
    pub(crate) fn named(word: &str) -> Option<Self> {
        let [first, second] = word.as_bytes() else { return None };
        match &[first.to_ascii_lowercase(), second.to_ascii_lowercase()] {
            b"eq" => Some(Self::Eq),
            b"ne" => Some(Self::Ne),
            b"co" => Some(Self::Co),
            b"sw" => Some(Self::Sw),
            b"ew" => Some(Self::Ew),
            b"gt" => Some(Self::Gt),
            b"ge" => Some(Self::Ge),
            b"lt" => Some(Self::Lt),
            b"le" => Some(Self::Le),
            _ => None,
        }
    }
}

impl fmt::Display for CompareOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The operand of a comparison as a filter writes it: a JSON scalar.
///
/// ```
/// use scim_filter::Literal;
/// assert_eq!(Literal::from("a\"b").to_string(), r#""a\"b""#);
/// assert_eq!(Literal::from(true).to_string(), "true");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Literal<'a> {
    /// `null`: `eq null` asks for absence, `ne null` for presence.
    // D16
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number.
    Number(Number),
    /// A string with its escapes decoded.
    String(Cow<'a, str>),
}

impl Literal<'_> {
    /// Returns the text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the literal as a JSON value.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean(truth) => Value::Bool(*truth),
            Self::Number(number) => Value::Number(number.clone()),
            Self::String(text) => Value::String(text.clone().into_owned()),
        }
    }
}

/// Writes the literal as in a filter, with strings quoted and escaped.
impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_value())
    }
}

impl<'a> From<&'a str> for Literal<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Literal<'a> {
    fn from(text: &'a String) -> Self {
        Self::String(Cow::Borrowed(text))
    }
}

impl From<String> for Literal<'_> {
    fn from(text: String) -> Self {
        Self::String(Cow::Owned(text))
    }
}

impl From<bool> for Literal<'_> {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl From<i32> for Literal<'_> {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i64> for Literal<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<u64> for Literal<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

impl From<Number> for Literal<'_> {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}
