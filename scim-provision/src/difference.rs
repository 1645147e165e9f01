//! The ways in which a target can differ from a directory.

use std::fmt;

use scim_core::printable;

use crate::report::Kind;

/// One way in which a target differs from the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The target does not have the person or group.
    Missing {
        /// A person or a group.
        kind: Kind,
        /// The user name, or the group's name.
        name: String,
    },
    /// The target has a person or group that the directory does not have, or has as deleted.
    Unexpected {
        /// A person or a group.
        kind: Kind,
        /// The name at the target.
        name: String,
        /// The id at the target.
        id: String,
    },
    /// The target has it more than once.
    Repeated {
        /// A person or a group.
        kind: Kind,
        /// The user name, or the group's name.
        name: String,
    },
    /// An attribute has another value.
    Attribute {
        /// A person or a group.
        kind: Kind,
        /// The user name, or the group's name.
        name: String,
        /// The attribute's path.
        attribute: String,
        /// The value in the directory.
        expected: String,
        /// The value at the target.
        found: Option<String>,
    },
    /// A group lacks a member.
    MemberMissing {
        /// The group's name.
        group: String,
        /// The member's user name.
        member: String,
    },
    /// A group has a member that it should not have.
    MemberUnexpected {
        /// The group's name.
        group: String,
        /// The member's user name, or the id at the target if there is no such user.
        member: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::Missing { kind, name } => format!("{kind} `{name}` is missing"),
            Self::Unexpected { kind, name, id } => {
                format!("{kind} `{name}` with id `{id}` should not be there")
            }
            Self::Repeated { kind, name } => format!("{kind} `{name}` is there more than once"),
            Self::Attribute { kind, name, attribute, expected, found: Some(found) } => {
                format!("{kind} `{name}`: `{attribute}` should be `{expected}` and is `{found}`")
            }
            Self::Attribute { kind, name, attribute, expected, found: None } => {
                format!("{kind} `{name}`: `{attribute}` should be `{expected}` and is not set")
            }
            Self::MemberMissing { group, member } => {
                format!("group `{group}` lacks the member `{member}`")
            }
            Self::MemberUnexpected { group, member } => {
                format!("group `{group}` has the member `{member}`, who should not be in it")
            }
        };
        f.write_str(&printable(&sentence))
    }
}
