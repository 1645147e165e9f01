//! What a run did.

use std::fmt;
use std::time::Duration;

use scim_core::printable;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// How many calls were made, including repeated ones.
    pub requests: u64,
    /// How the people were processed.
    pub users: Counts,
    /// How the groups were processed.
    pub groups: Counts,
    /// How many managers were set.
    pub managers_set: u64,
    /// How many members were added to groups.
    pub members_added: u64,
    /// How many members were removed from groups.
    pub members_removed: u64,
    /// What failed, in the directory's order.
    pub failures: Vec<Failure>,
    /// How long it took.
    pub elapsed: Duration,
}

impl Report {
    /// Returns whether the run changed the target.
    pub fn changed(&self) -> bool {
        self.users.changed()
            || self.groups.changed()
            || self.managers_set + self.members_added + self.members_removed > 0
    }
}

/// How people or groups were processed, as numbers.
///
/// Each person or group is counted once, in the first of these that fits. It is not counted if it is among the
/// failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Created.
    pub created: u64,
    /// Changed, renamed, or given other members.
    pub updated: u64,
    /// Disabled.
    pub suspended: u64,
    /// Enabled again and updated.
    pub reactivated: u64,
    /// Deleted.
    pub deleted: u64,
    /// Already as they should be.
    pub unchanged: u64,
    /// Skipped, because they were suspended before they had an account.
    pub skipped: u64,
}

impl Counts {
    /// Returns whether anything was written.
    pub fn changed(&self) -> bool {
        self.created + self.updated + self.suspended + self.reactivated + self.deleted > 0
    }

    pub(crate) fn note(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Suspended => &mut self.suspended,
            Outcome::Reactivated => &mut self.reactivated,
            Outcome::Deleted => &mut self.deleted,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Skipped => &mut self.skipped,
        } += 1;
    }
}

/// How one person or group was processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Created,
    Updated,
    Suspended,
    Reactivated,
    Deleted,
    Unchanged,
    Skipped,
}

/// An action that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// A person or a group.
    pub kind: Kind,
    /// The id in the directory.
    pub id: String,
    /// The user name, or the group's name.
    pub name: String,
    /// What was tried.
    pub action: Action,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// What the target, or the network, said.
    pub detail: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, detail) = (printable(&self.name), printable(&self.detail));
        write!(f, "{} `{name}`: {} failed: {detail}", self.kind, self.action)
    }
}

/// What a failure is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A person.
    User,
    /// A group.
    Group,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user",
            Self::Group => "group",
        })
    }
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Looking for the account or the group.
    Match,
    /// Creating it.
    Create,
    /// Reading it.
    Read,
    /// Changing it.
    Update,
    /// Disabling it.
    Suspend,
    /// Enabling it again.
    Reactivate,
    /// Setting the manager.
    SetManager,
    /// Adding members.
    AddMembers,
    /// Removing members.
    RemoveMembers,
    /// Deleting it.
    Delete,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Match => "match",
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Suspend => "suspend",
            Self::Reactivate => "reactivate",
            Self::SetManager => "set manager",
            Self::AddMembers => "add members",
            Self::RemoveMembers => "remove members",
            Self::Delete => "delete",
        })
    }
}
