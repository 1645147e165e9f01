//! The source of truth: the people and groups of an organisation.

use std::collections::HashSet;

use scim_core::printable;
use serde::{Deserialize, Serialize};

/// A directory: all people, and the groups that they are in.
///
/// ```
/// use scim_provision::{Directory, Status};
/// let directory = Directory::from_json(br#"{
///     "users": [{"id": "1", "userPrincipalName": "ada@northwind.example", "displayName": "Ada Okafor",
///                "givenName": "Ada", "surname": "Okafor"}],
///     "groups": [{"id": "g1", "displayName": "Engineering", "members": ["1"]}]
/// }"#)?;
/// assert_eq!(directory.users[0].status, Status::Active);
/// # Ok::<(), scim_provision::DirectoryError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directory {
    /// The people, whatever their status.
    pub users: Vec<Person>,
    /// The groups.
    #[serde(default)]
    pub groups: Vec<Team>,
}

impl Directory {
    /// Reads a directory and [checks](Directory::check) it.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::Json`] when it cannot be read, and the errors of [`check`](Self::check).
    pub fn from_json(json: &[u8]) -> Result<Self, DirectoryError> {
        let directory: Self = serde_json::from_slice(json)?;
        directory.check()?;
        Ok(directory)
    }

    /// Checks for everything that would make a run go wrong.
    ///
    /// That is an id or user name that is missing or used twice, and a member or manager that is not in the directory.
    /// The case of a user name does not count. Two people may share a user name if one of them is deleted.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::Inconsistent`], which names all problems.
    pub fn check(&self) -> Result<(), DirectoryError> {
        let mut problems = Vec::new();
        let mut people = HashSet::new();
        let mut names = HashSet::new();
        for person in &self.users {
            let Person { id, user_principal_name: name, .. } = person;
            if id.is_empty() || name.is_empty() {
                problems.push(format!("user `{name}` with id `{id}`: both are needed"));
            }
            if !people.insert(id.as_str()) {
                problems.push(format!("user id `{id}` is taken twice"));
            }
            if person.status != Status::Deleted && !names.insert(name.to_lowercase()) {
                problems.push(format!("userPrincipalName `{name}` is taken twice"));
            }
        }
        for person in &self.users {
            let Some(manager) = person.manager.as_deref().filter(|id| !people.contains(id)) else { continue };
            problems.push(format!("`{}` has the manager `{manager}`: nobody", person.user_principal_name));
        }
        let mut teams = HashSet::new();
        for team in &self.groups {
            let Team { id, display_name: name, .. } = team;
            if id.is_empty() || name.is_empty() {
                problems.push(format!("group `{name}` with id `{id}`: both are needed"));
            }
            if !teams.insert(id.as_str()) {
                problems.push(format!("group id `{id}` is taken twice"));
            }
            for member in team.members.iter().filter(|id| !people.contains(id.as_str())) {
                problems.push(format!("group `{name}` has the member `{member}`: nobody"));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(DirectoryError::Inconsistent { problems }) }
    }
}

/// One person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The id in the directory, which becomes `externalId`. It never changes.
    pub id: String,
    /// The name to sign in with, which becomes `userName`.
    pub user_principal_name: String,
    /// The name shown to people.
    pub display_name: String,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub surname: String,
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// The title. It is not provisioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// The department. It is provisioned with [`Options::enterprise_extension`](crate::Options).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The id of the manager. It is provisioned with [`Options::enterprise_extension`](crate::Options).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// The role at the service provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whether the account is active, suspended or deleted.
    #[serde(default)]
    pub status: Status,
}

/// Whether the account of a person is active, suspended or deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// The account is active.
    #[default]
    Active,
    /// The account is disabled and kept.
    Suspended,
    /// The account is deleted.
    Deleted,
}

/// One group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// The id in the directory, which becomes `externalId`. It never changes.
    pub id: String,
    /// The name shown to people.
    pub display_name: String,
    /// The ids of the people in it.
    #[serde(default)]
    pub members: Vec<String>,
    /// Whether the group exists or is deleted.
    #[serde(default)]
    pub status: TeamStatus,
}

/// Whether a group exists or is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TeamStatus {
    /// The group exists.
    #[default]
    Active,
    /// The group is deleted.
    Deleted,
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// It is not the JSON that is expected.
    #[error("the directory cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// It contradicts itself.
    #[error("the directory is inconsistent: {}", printable(&problems.join("; ")))]
    Inconsistent {
        /// What is wrong, one sentence for each problem.
        problems: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_names_everything_that_is_wrong() {
        let json = br#"{"users": [
            {"id": "1", "userPrincipalName": "A@x", "displayName": "A", "givenName": "A", "surname": "A", "manager": "9"},
            {"id": "1", "userPrincipalName": "a@x", "displayName": "A", "givenName": "A", "surname": "A"},
            {"id": "2", "userPrincipalName": "a@x", "displayName": "A", "givenName": "A", "surname": "A", "status": "deleted"}],
            "groups": [{"id": "g", "displayName": "G", "members": ["1", "8"]}, {"id": "g", "displayName": ""}]}"#;
        let Err(DirectoryError::Inconsistent { problems }) = Directory::from_json(json) else { panic!() };
        assert_eq!(
            problems,
            [
                "user id `1` is taken twice",
                "userPrincipalName `a@x` is taken twice",
                "`A@x` has the manager `9`: nobody",
                "group `G` has the member `8`: nobody",
                "group `` with id `g`: both are needed",
                "group id `g` is taken twice",
            ]
        );
    }

    #[test]
    fn a_name_steers_no_terminal() {
        let group = r#"{"id": "g", "displayName": "\u001b[31mG", "members": ["8"]}"#;
        let json = format!(r#"{{"users": [], "groups": [{group}]}}"#);
        let error = Directory::from_json(json.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            r"the directory is inconsistent: group `\u{1b}[31mG` has the member `8`: nobody"
        );
    }
}
