//! What a principal may do.

use std::fmt;
use std::str::FromStr;

use scim_core::shorten;

/// What a principal may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    #[default]
    Full,
    /// What at least one of these scopes allows. Without a scope, nothing.
    Scopes(Vec<Scope>),
}

/// A right, perhaps for one resource type only: `read`, `write`, `read:User`.
///
/// ```
/// use scim_server_traits::{Right, Scope};
/// let scope: Scope = "write:Group".parse().unwrap();
/// assert_eq!((scope.right, scope.resource_type.as_deref()), (Right::Write, Some("Group")));
/// assert_eq!(scope.to_string(), "write:Group");
/// assert!("delete".parse::<Scope>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The right.
    pub right: Right,
    /// The name of the resource type; `None` for all.
    pub resource_type: Option<String>,
}

/// Whether something is read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// Reading, listing, searching.
    Read,
    /// Creating, changing, deleting.
    Write,
}

impl Access {
    /// Allows reading, and nothing else.
    pub fn read() -> Self {
        Self::Scopes(vec![Scope { right: Right::Read, resource_type: None }])
    }

    /// Allows writing, and nothing else.
    pub fn write() -> Self {
        Self::Scopes(vec![Scope { right: Right::Write, resource_type: None }])
    }

    /// Returns whether this right is allowed for the resource type; without one, for all types.
    ///
    /// ```
    /// use scim_server_traits::{Access, Right};
    /// let access: Access = "read write:Group".parse().unwrap();
    /// assert!(access.allows(Right::Read, None) && access.allows(Right::Write, Some("Group")));
    /// assert!(!access.allows(Right::Write, Some("User")) && !access.allows(Right::Write, None));
    /// ```
    pub fn allows(&self, right: Right, resource_type: Option<&str>) -> bool {
        let covers = |scope: &Scope| match (&scope.resource_type, resource_type) {
            (None, _) => true,
            (Some(only), Some(asked)) => only == asked,
            (Some(_), None) => false,
        };
        match self {
            Self::Full => true,
            Self::Scopes(scopes) => scopes.iter().any(|scope| scope.right == right && covers(scope)),
        }
    }

    /// Returns whether this right is allowed for any resource type.
    pub fn allows_some(&self, right: Right) -> bool {
        match self {
            Self::Full => true,
            Self::Scopes(scopes) => scopes.iter().any(|scope| scope.right == right),
        }
    }
}

impl FromIterator<Scope> for Access {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self::Scopes(scopes.into_iter().collect())
    }
}

impl FromStr for Access {
    type Err = ScopeError;

    /// Reads scopes with spaces between them, as OAuth writes them (RFC 6749 §3.3).
    fn from_str(text: &str) -> Result<Self, ScopeError> {
        text.split_ascii_whitespace().map(str::parse).collect()
    }
}

/// A text that is no [`Scope`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope: expected `read` or `write`, perhaps with a resource type as in `read:User`")]
pub struct ScopeError(String);

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let (right, resource_type) = match text.split_once(':') {
            Some((right, resource_type)) => (right, Some(resource_type)),
            None => (text, None),
        };
        let right = match right {
            "read" => Right::Read,
            "write" => Right::Write,
            _ => return Err(ScopeError(shorten(text))),
        };
        if resource_type.is_some_and(str::is_empty) {
            return Err(ScopeError(shorten(text)));
        }
        Ok(Self { right, resource_type: resource_type.map(str::to_owned) })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.right {
            Right::Read => "read",
            Right::Write => "write",
        })?;
        self.resource_type.iter().try_for_each(|resource_type| write!(f, ":{resource_type}"))
    }
}
