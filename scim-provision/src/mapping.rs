//! How a person becomes a user: Entra's attribute mapping for GitHub's managed users.

use std::fmt;

use scim_core::{EnterpriseUser, MultiValue, Name, ResourceMeta, User, urn};
use serde_json::{Value, json};

use crate::directory::Person;
use crate::options::{Matching, Options};

/// What a mapping writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// An attribute or a sub-attribute.
    Attribute(String),
    /// The `value` of the element that has this `type`.
    Element { attribute: &'static str, of_type: &'static str },
}

impl Path {
    pub(crate) const WORK_EMAIL: Self = Self::Element { attribute: "emails", of_type: "work" };

    pub(crate) fn attribute(path: impl Into<String>) -> Self {
        Self::Attribute(path.into())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(path) => f.write_str(path),
            Self::Element { attribute, of_type } => write!(f, "{attribute}[type eq \"{of_type}\"].value"),
        }
    }
}

const ROLES: &str = "roles";

/// One mapped attribute: its value in the directory and at the target.
pub(crate) struct Pair {
    pub(crate) path: Path,
    pub(crate) want: String,
    pub(crate) found: Option<String>,
}

/// Returns the mapped attributes for which the directory has a value.
///
/// Entra provisions no nulls, so an attribute without a value in the directory keeps its value at the target.
pub(crate) fn pairs(person: &Person, user: &User) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut pair = |path: Path, want: &str, found: Option<String>| {
        pairs.push(Pair { path, want: want.to_owned(), found });
    };
    let name = user.name.clone().unwrap_or_default();
    pair(Path::attribute("userName"), &person.user_principal_name, Some(user.user_name.clone()));
    pair(Path::attribute("displayName"), &person.display_name, user.display_name.clone());
    pair(Path::attribute("name.givenName"), &person.given_name, name.given_name);
    pair(Path::attribute("name.familyName"), &person.surname, name.family_name);
    pair(Path::attribute("name.formatted"), &formatted(person), name.formatted);
    if let Some(mail) = &person.mail {
        let work =
            |email: &&MultiValue| email.r#type.as_deref().is_some_and(|t| t.eq_ignore_ascii_case("work"));
        pair(Path::WORK_EMAIL, mail, user.emails.iter().find(work).and_then(|email| email.value.clone()));
    }
    if let Some(role) = &person.role {
        let roles: Vec<_> = user.roles.iter().filter_map(|role| role.value.clone()).collect();
        pair(Path::attribute(ROLES), role, (!roles.is_empty()).then(|| roles.join(", ")));
    }
    pairs
}

/// One attribute to write.
pub(crate) struct Change {
    pub(crate) path: Path,
    pub(crate) value: Value,
    /// Whether the target has no value yet.
    pub(crate) new: bool,
}

/// Returns what to write so that the target has the values of the directory.
pub(crate) fn changes(person: &Person, user: &User, options: &Options) -> Vec<Change> {
    let mut pairs = pairs(person, user);
    if options.matching == Matching::UserName {
        let found = user.external_id.clone();
        pairs.push(Pair { path: Path::attribute("externalId"), want: person.id.clone(), found });
    }
    if let Some(department) = person.department.as_ref().filter(|_| options.enterprise_extension) {
        let found = enterprise(user)["department"].as_str().map(str::to_owned);
        pairs.push(Pair { path: Path::attribute(extended("department")), want: department.clone(), found });
    }
    let differing = pairs.into_iter().filter(|pair| pair.found.as_ref() != Some(&pair.want));
    differing
        .map(|Pair { path, want, found }| {
            let is_role = matches!(&path, Path::Attribute(name) if name == ROLES);
            let value = if is_role { json!([{"value": want, "primary": true}]) } else { want.into() };
            Change { path, value, new: found.is_none() }
        })
        .collect()
}

/// Makes the body of a create (3.2: the manager follows when both have an account).
pub(crate) fn new_user(person: &Person, options: &Options) -> Result<User, serde_json::Error> {
    let mut user = User::new(&person.user_principal_name);
    let mut name = Name::new(&person.given_name, &person.surname);
    name.formatted = Some(formatted(person));
    user.name = Some(name);
    user.external_id = Some(person.id.clone());
    user.active = Some(true);
    user.display_name = Some(person.display_name.clone());
    user.emails = person.mail.iter().map(|mail| MultiValue::new(mail).of_type("work").primary()).collect();
    user.roles = person.role.iter().map(|role| MultiValue::new(role).primary()).collect();
    user.meta = options.dialect.sends_meta().then(|| ResourceMeta::of_type("User"));
    if let Some(department) = person.department.as_ref().filter(|_| options.enterprise_extension) {
        user.set_extension(&EnterpriseUser::new().with_department(department))?;
    }
    Ok(user)
}

/// Returns the id of the manager at the target, from the RFC's form or a bare string.
//
pub(crate) fn manager(user: &User) -> Option<&str> {
    let manager = &enterprise(user)["manager"];
    manager["value"].as_str().or(manager.as_str())
}

/// Returns the path of an attribute of the enterprise extension.
pub(crate) fn extended(attribute: &str) -> String {
    format!("{}:{attribute}", urn::ENTERPRISE_USER)
}

fn enterprise(user: &User) -> &Value {
    user.other.get(urn::ENTERPRISE_USER).unwrap_or(&Value::Null)
}

fn formatted(person: &Person) -> String {
    format!("{} {}", person.given_name, person.surname).trim().to_owned()
}
