//! A week of an organisation: events that change its directory.

use anyhow::{Context as _, bail};
use scim_provision::{Directory, Person, Status};
use serde::Deserialize;

/// One day and its events.
#[derive(Debug, Deserialize)]
pub(crate) struct Day {
    pub(crate) day: String,
    pub(crate) events: Vec<Event>,
}

/// An event that concerns people or groups.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Event {
    /// A new person joins.
    Join { user: Person, groups: Vec<String> },
    /// A person is renamed.
    #[serde(rename_all = "camelCase")]
    Rename { user: String, user_principal_name: String, display_name: String, surname: String },
    /// A person is suspended.
    Suspend { user: String },
    /// A person returns.
    Return { user: String },
    /// A person gets another role.
    Role { user: String, role: String },
    /// A person leaves for good.
    Leave { user: String },
    /// A group loses all its members.
    Empty { group: String },
    /// A person changes groups.
    Move { user: String, from: String, to: String },
}

impl Event {
    /// Changes the directory, and returns a sentence that says what happened.
    pub(crate) fn apply(&self, directory: &mut Directory) -> anyhow::Result<String> {
        Ok(match self {
            Self::Join { user, groups } => {
                directory.users.push(user.clone());
                for group in groups {
                    members(directory, group)?.push(user.id.clone());
                }
                format!("{} joins", user.display_name)
            }
            Self::Rename { user, user_principal_name, display_name, surname } => {
                let person = person(directory, user)?;
                let old = std::mem::replace(&mut person.display_name, display_name.clone());
                person.user_principal_name.clone_from(user_principal_name);
                person.mail = Some(user_principal_name.clone());
                person.surname.clone_from(surname);
                format!("{old} is now {display_name}")
            }
            Self::Suspend { user } => set_status(directory, user, Status::Suspended, "is suspended")?,
            Self::Return { user } => set_status(directory, user, Status::Active, "returns")?,
            Self::Leave { user } => {
                for group in &mut directory.groups {
                    group.members.retain(|member| member != user);
                }
                for person in &mut directory.users {
                    if person.manager.as_deref() == Some(user) {
                        person.manager = None;
                    }
                }
                set_status(directory, user, Status::Deleted, "leaves for good")?
            }
            Self::Role { user, role } => {
                let person = person(directory, user)?;
                person.role = Some(role.clone());
                format!("{} is now {role}", person.display_name)
            }
            Self::Empty { group } => {
                let count = std::mem::take(members(directory, group)?).len();
                format!("{} loses its {count} members", name_of(directory, group))
            }
            Self::Move { user, from, to } => {
                let left = members(directory, from)?;
                let before = left.len();
                left.retain(|member| member != user);
                if left.len() == before {
                    bail!("`{user}` is no member of `{from}`");
                }
                members(directory, to)?.push(user.clone());
                let name = person(directory, user)?.display_name.clone();
                format!("{name} moves from {} to {}", name_of(directory, from), name_of(directory, to))
            }
        })
    }
}

fn set_status(directory: &mut Directory, id: &str, status: Status, verb: &str) -> anyhow::Result<String> {
    let person = person(directory, id)?;
    person.status = status;
    Ok(format!("{} {verb}", person.display_name))
}

fn person<'a>(directory: &'a mut Directory, id: &str) -> anyhow::Result<&'a mut Person> {
    directory
        .users
        .iter_mut()
        .find(|person| person.id == id)
        .with_context(|| format!("nobody has the id `{id}`"))
}

fn members<'a>(directory: &'a mut Directory, id: &str) -> anyhow::Result<&'a mut Vec<String>> {
    let group = directory.groups.iter_mut().find(|group| group.id == id);
    Ok(&mut group.with_context(|| format!("no group has the id `{id}`"))?.members)
}

fn name_of(directory: &Directory, id: &str) -> String {
    directory
        .groups
        .iter()
        .find(|group| group.id == id)
        .map_or_else(String::new, |group| group.display_name.clone())
}
