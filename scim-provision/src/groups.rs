//! One group: match, create, rename, then its members.

use std::collections::HashSet;

use serde_json::Value;

use scim_client::{View, filter_eq};
use scim_core::{Group, MemberRef, ResourceMeta};

use crate::calls::{During, Fault, Made};
use crate::dialect::Dialect;
use crate::directory::{Status, Team, TeamStatus};
use crate::engine::{Link, ProvisionError, Run};
use crate::mapping::{Change, Path};
use crate::report::{Action, Kind, Outcome};

impl<'a> Run<'a> {
    pub(crate) async fn group(&self, team: &'a Team) -> Result<(), ProvisionError> {
        match self.sync_group(team).await {
            Ok(outcome) => outcome.into_iter().for_each(|outcome| self.report().groups.note(outcome)),
            Err(fault) => self.fail(which(team), fault)?,
        }
        Ok(())
    }

    /// Matches, creates or changes a group.
    ///
    /// Returns `None` for a group that is deleted later, and for one whose failures are in the report already.
    async fn sync_group(&self, team: &'a Team) -> Result<Option<Outcome>, (Action, Fault)> {
        let dialect = self.options.dialect;
        let groups = self.client.groups();
        let filter = filter_eq("externalId", team.id.as_str());
        let view = View::without(["members"]);
        let found = self.calls.repeat(|| groups.find_with(&filter, &view)).await.during(Action::Match)?;
        let (found, made) = match (found, team.status) {
            (None, TeamStatus::Active) => {
                let created = self.calls.create(&groups, &new_group(team, dialect), &filter, &view).await;
                created.during(Action::Create)?
            }
            (None, TeamStatus::Deleted) => {
                self.set_link(Kind::Group, &team.id, Link::Nowhere);
                return Ok(Some(Outcome::Unchanged));
            }
            (Some(found), _) => (found, Made::Found),
        };
        let id = found.resource.id.ok_or((Action::Match, Fault::NoId))?;
        self.set_link(Kind::Group, &team.id, Link::At { id: id.clone(), manager: None });
        if team.status == TeamStatus::Deleted {
            return Ok(None);
        }
        let mut writes = Writes::default();
        if found.resource.display_name != team.display_name {
            let path = Path::attribute("displayName");
            let change = Change { path, value: team.display_name.clone().into(), new: false };
            self.write(team, &id, Action::Update, dialect.set(None, vec![change]), &mut writes).await?;
        }
        self.sync_members(team, &id, &mut writes).await?;
        Ok(match (writes, made) {
            (Writes { failed: true, .. }, _) => None,
            (_, Made::Created) => Some(Outcome::Created),
            (Writes { done: 0, .. }, Made::Found) => Some(Outcome::Unchanged),
            (_, Made::Found) => Some(Outcome::Updated),
        })
    }

    async fn sync_members(
        &self,
        team: &'a Team,
        id: &str,
        writes: &mut Writes,
    ) -> Result<(), (Action, Fault)> {
        let groups = self.client.groups();
        let current = self.calls.repeat(|| groups.get(id)).await.during(Action::Read)?;
        let (add, remove) = self.membership(team, &current.resource.members);
        let size = self.options.member_batch.max(1);
        for batch in add.chunks(size) {
            let body = self.options.dialect.add_members(batch);
            if self.write(team, id, Action::AddMembers, body, writes).await? {
                self.report().members_added += batch.len() as u64;
            }
        }
        for batch in remove.chunks(size) {
            let body = self.options.dialect.remove_members(batch);
            if self.write(team, id, Action::RemoveMembers, body, writes).await? {
                self.report().members_removed += batch.len() as u64;
            }
        }
        Ok(())
    }

    /// Returns the members to add and to remove.
    ///
    /// Active people must be members. Suspended people are neither added nor removed: some targets hide them and
    /// restore them later, and others still show them. A member is removed only if it is not in the directory's group.
    // E-49
    fn membership(&self, team: &Team, members: &[MemberRef]) -> (Vec<String>, Vec<String>) {
        let present: HashSet<&str> = members.iter().map(|member| member.value.as_str()).collect();
        let mut listed = HashSet::new();
        let mut add = Vec::new();
        let mut everybody_is_known = true;
        for person in &team.members {
            match self.link(Kind::User, person) {
                Some(Link::At { id, .. }) => {
                    let active = self.people.get(person.as_str()).is_some_and(|p| p.status == Status::Active);
                    if listed.insert(id.clone()) && active && !present.contains(id.as_str()) {
                        add.push(id);
                    }
                }
                Some(Link::Nowhere) => {}
                None => everybody_is_known = false,
            }
        }
        // A member that is not known may be one whose look-up failed.
        let known = (!everybody_is_known).then(|| self.known_users());
        let goes = |id: &str| !listed.contains(id) && known.as_ref().is_none_or(|known| known.contains(id));
        let mut remove: Vec<String> = present.into_iter().filter(|id| goes(id)).map(str::to_owned).collect();
        remove.sort_unstable();
        (add, remove)
    }

    fn known_users(&self) -> HashSet<String> {
        let target = |id: &&str| match self.link(Kind::User, id) {
            Some(Link::At { id, .. }) => Some(id),
            _ => None,
        };
        self.people.keys().filter_map(target).collect()
    }

    /// Sends a PATCH for a group. A failure goes to the report, and the next write is still attempted.
    async fn write(
        &self,
        team: &Team,
        id: &str,
        action: Action,
        body: Value,
        writes: &mut Writes,
    ) -> Result<bool, (Action, Fault)> {
        let groups = self.client.groups();
        match self.calls.repeat(|| groups.patch_json(id, &body)).await {
            Ok(_) => {
                writes.done += 1;
                Ok(true)
            }
            Err(fault) => {
                writes.failed = true;
                self.fail(which(team), (action, fault)).map_err(|error| (action, Fault::Stop(error)))?;
                Ok(false)
            }
        }
    }
}

#[derive(Default)]
struct Writes {
    done: usize,
    failed: bool,
}

fn new_group(team: &Team, dialect: Dialect) -> Group {
    let mut group = Group::new(&team.display_name);
    group.schemas = dialect.group_schemas().map(Into::into).collect();
    group.external_id = Some(team.id.clone());
    group.meta = dialect.sends_meta().then(|| ResourceMeta::of_type("Group"));
    group
}

fn which(team: &Team) -> (Kind, &str, &str) {
    (Kind::Group, &team.id, &team.display_name)
}
