//! Comparing a whole target with a directory.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, TryStreamExt, stream};

use scim_client::{Client, ClientError, Query};
use scim_core::{Group, User};

use crate::difference::Difference;
use crate::directory::{Directory, Person, Status, Team, TeamStatus};
use crate::mapping::pairs;
use crate::report::Kind;

const PAGE: u64 = 100;
const CONCURRENCY: usize = 8;

/// Reads everything at the target and returns how it differs from the directory.
///
/// People and groups are matched by `externalId`. Department and manager are not compared, and of a suspended person
/// only `active` is. A suspended person may be without an account, because nobody is created suspended. Such a person
/// may be a member of a group or not.
///
/// # Errors
///
/// [`ClientError`] when the target cannot be read.
pub async fn verify(client: &Client, directory: &Directory) -> Result<Vec<Difference>, ClientError> {
    let users = client.users().all(&Query::new().count(PAGE)).await?;
    let listed = client.groups().all(&Query::new().excluded_attributes(["members"]).count(PAGE)).await?;
    let groups: Vec<Group> = stream::iter(listed)
        .map(|group| async move {
            let id = group.id.unwrap_or_default();
            Ok::<_, ClientError>(client.groups().get(&id).await?.resource)
        })
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;

    let mut differences = Vec::new();
    let people = match_up(&users, directory.users.iter().map(Wanted::person), &mut differences);
    for person in &directory.users {
        if let Some(user) = people.get(person.id.as_str()) {
            compare_user(person, user, &mut differences);
        }
    }
    let teams = match_up(&groups, directory.groups.iter().map(Wanted::team), &mut differences);
    let status: HashMap<_, _> =
        directory.users.iter().map(|person| (person.id.as_str(), person.status)).collect();
    let names: HashMap<_, _> = users.iter().map(|user| (user.id(), user.name())).collect();
    for team in &directory.groups {
        if let Some(group) = teams.get(team.id.as_str()) {
            let listed = team
                .members
                .iter()
                .filter_map(|id| Some((people.get(id.as_str())?, status.get(id.as_str())?)));
            let listed = listed.map(|(user, status)| (user.id(), *status)).collect();
            compare_group(team, group, &listed, &names, &mut differences);
        }
    }
    Ok(differences)
}

/// Matches what the target has with what the directory lists, and adds what is missing or too much to `differences`.
fn match_up<'d, 't, T: Entry>(
    target: &'t [T],
    wanted: impl Iterator<Item = Wanted<'d>>,
    differences: &mut Vec<Difference>,
) -> HashMap<&'d str, &'t T> {
    let mut entries: HashMap<&str, Vec<&T>> = HashMap::new();
    for entry in target {
        entries.entry(entry.external_id()).or_default().push(entry);
    }
    let unexpected = |entry: &T| Difference::Unexpected {
        kind: T::KIND,
        name: entry.name().to_owned(),
        id: entry.id().to_owned(),
    };
    let mut matched = HashMap::new();
    let mut listed = HashSet::new();
    for Wanted { id, name, presence } in wanted {
        listed.insert(id);
        let name = name.to_owned();
        match (entries.get(id).map(Vec::as_slice), presence) {
            (Some(found), Presence::Forbidden) => {
                differences.extend(found.iter().map(|entry| unexpected(entry)));
            }
            (Some([first, others @ ..]), _) => {
                matched.insert(id, *first);
                if !others.is_empty() {
                    differences.push(Difference::Repeated { kind: T::KIND, name });
                }
            }
            (_, Presence::Required) => differences.push(Difference::Missing { kind: T::KIND, name }),
            _ => {}
        }
    }
    differences.extend(target.iter().filter(|entry| !listed.contains(entry.external_id())).map(unexpected));
    matched
}

fn compare_user(person: &Person, user: &User, differences: &mut Vec<Difference>) {
    let mut attribute = |attribute: &str, expected: String, found: Option<String>| {
        let (kind, name) = (Kind::User, person.user_principal_name.clone());
        let attribute = attribute.to_owned();
        differences.push(Difference::Attribute { kind, name, attribute, expected, found });
    };
    let active = person.status == Status::Active;
    if user.active.unwrap_or(true) != active {
        attribute("active", active.to_string(), Some((!active).to_string()));
    }
    if active {
        for pair in pairs(person, user).into_iter().filter(|pair| pair.found.as_ref() != Some(&pair.want)) {
            attribute(&pair.path.to_string(), pair.want, pair.found);
        }
    }
}

fn compare_group(
    team: &Team,
    group: &Group,
    listed: &HashMap<&str, Status>,
    names: &HashMap<&str, &str>,
    differences: &mut Vec<Difference>,
) {
    let name = &team.display_name;
    if group.display_name != *name {
        differences.push(Difference::Attribute {
            kind: Kind::Group,
            name: name.clone(),
            attribute: "displayName".into(),
            expected: name.clone(),
            found: Some(group.display_name.clone()),
        });
    }
    let person = |id: &str| names.get(id).copied().unwrap_or(id).to_owned();
    let shown: HashSet<&str> = group.members.iter().map(|member| member.value.as_str()).collect();
    let mut missing: Vec<_> = listed
        .iter()
        .filter(|(id, status)| **status == Status::Active && !shown.contains(**id))
        .map(|(id, _)| Difference::MemberMissing { group: name.clone(), member: person(id) })
        .collect();
    missing.sort_by_key(ToString::to_string);
    differences.extend(missing);
    for member in group.members.iter().filter(|member| !listed.contains_key(member.value.as_str())) {
        differences.push(Difference::MemberUnexpected { group: name.clone(), member: person(&member.value) });
    }
}

/// What the directory says about one person or group.
struct Wanted<'d> {
    id: &'d str,
    name: &'d str,
    presence: Presence,
}

enum Presence {
    Required,
    Optional,
    Forbidden,
}

impl<'d> Wanted<'d> {
    fn person(person: &'d Person) -> Self {
        let presence = match person.status {
            Status::Active => Presence::Required,
            Status::Suspended => Presence::Optional,
            Status::Deleted => Presence::Forbidden,
        };
        Self { id: &person.id, name: &person.user_principal_name, presence }
    }

    fn team(team: &'d Team) -> Self {
        let presence = match team.status {
            TeamStatus::Active => Presence::Required,
            TeamStatus::Deleted => Presence::Forbidden,
        };
        Self { id: &team.id, name: &team.display_name, presence }
    }
}

/// A user or a group at the target. An attribute that it lacks is empty, and ids in the directory never are.
trait Entry {
    const KIND: Kind;
    fn id(&self) -> &str;
    fn external_id(&self) -> &str;
    fn name(&self) -> &str;
}

impl Entry for User {
    const KIND: Kind = Kind::User;

    fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    fn external_id(&self) -> &str {
        self.external_id.as_deref().unwrap_or_default()
    }

    fn name(&self) -> &str {
        &self.user_name
    }
}

impl Entry for Group {
    const KIND: Kind = Kind::Group;

    fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    fn external_id(&self) -> &str {
        self.external_id.as_deref().unwrap_or_default()
    }

    fn name(&self) -> &str {
        &self.display_name
    }
}
