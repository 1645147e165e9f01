//! One person: match, then create, update, disable, enable or leave unchanged.

use scim_client::{Stored, View, filter_eq};
use scim_core::User;

use crate::calls::{During, Fault, Made};
use crate::directory::{Person, Status};
use crate::engine::{Doomed, Link, ProvisionError, Run};
use crate::mapping::{changes, manager, new_user};
use crate::options::Matching;
use crate::report::{Action, Kind, Outcome};

impl<'a> Run<'a> {
    pub(crate) async fn user(&self, person: &'a Person) -> Result<(), ProvisionError> {
        match self.sync_user(person).await {
            Ok(outcome) => outcome.into_iter().for_each(|outcome| self.report().users.note(outcome)),
            Err(fault) => self.fail(whom(person), fault)?,
        }
        Ok(())
    }

    /// Matches a person and creates or changes the account. Returns `None` for a person that is deleted later.
    async fn sync_user(&self, person: &'a Person) -> Result<Option<Outcome>, (Action, Fault)> {
        let matching = self.options.matching;
        let value = match matching {
            Matching::ExternalId => &person.id,
            Matching::UserName => &person.user_principal_name,
        };
        let filter = filter_eq(matching.attribute(), value.as_str());
        let users = self.client.users();
        let found = self.calls.repeat(|| users.find(&filter)).await.during(Action::Match)?;
        // A user name may belong to another person by now. That person's account must not be deleted.
        let found = found.filter(|found| {
            person.status != Status::Deleted
                || found.resource.external_id.as_deref().is_none_or(|id| id == person.id)
        });
        match (found, person.status) {
            (None, Status::Active) => self.create_user(person, &filter).await.map(Some),
            (None, status) => {
                self.set_link(Kind::User, &person.id, Link::Nowhere);
                // Entra does not create accounts for people who are disabled (3.2).
                Ok(Some(if status == Status::Suspended { Outcome::Skipped } else { Outcome::Unchanged }))
            }
            (Some(found), Status::Active) => self.update_user(person, found).await.map(Some),
            (Some(found), Status::Suspended) => self.suspend_user(person, found).await.map(Some),
            (Some(found), Status::Deleted) => self.link_user(person, &found).map(|_| None),
        }
    }

    async fn create_user(&self, person: &'a Person, filter: &str) -> Result<Outcome, (Action, Fault)> {
        let user = new_user(person, self.options)
            .map_err(|error| (Action::Create, Fault::from(scim_client::ClientError::Encode(error))))?;
        let created = self.calls.create(&self.client.users(), &user, filter, &View::All).await;
        match created.during(Action::Create)? {
            (created, Made::Created) => self.link_user(person, &created).map(|_| Outcome::Created),
            (found, Made::Found) => self.update_user(person, found).await,
        }
    }

    async fn update_user(&self, person: &'a Person, found: Stored<User>) -> Result<Outcome, (Action, Fault)> {
        let id = self.link_user(person, &found)?;
        let changes = changes(person, &found.resource, self.options);
        let returns = found.resource.active == Some(false);
        let (action, outcome) = match (returns, changes.is_empty()) {
            (false, true) => return Ok(Outcome::Unchanged),
            (false, false) => (Action::Update, Outcome::Updated),
            (true, _) => (Action::Reactivate, Outcome::Reactivated),
        };
        let body = self.options.dialect.set(returns.then_some(true), changes);
        let users = self.client.users();
        self.calls.repeat(|| users.patch_json(&id, &body)).await.during(action)?;
        Ok(outcome)
    }

    /// Writes only `active`.
    ///
    /// Other changes follow when the person is active again, because targets show suspended people under other names.
    // E-33
    async fn suspend_user(
        &self,
        person: &'a Person,
        found: Stored<User>,
    ) -> Result<Outcome, (Action, Fault)> {
        let id = self.link_user(person, &found)?;
        if found.resource.active == Some(false) {
            return Ok(Outcome::Unchanged);
        }
        let body = self.options.dialect.set(Some(false), Vec::new());
        let users = self.client.users();
        self.calls.repeat(|| users.patch_json(&id, &body)).await.during(Action::Suspend)?;
        Ok(Outcome::Suspended)
    }

    fn link_user(&self, person: &'a Person, found: &Stored<User>) -> Result<String, (Action, Fault)> {
        let user = &found.resource;
        let id = user.id.clone().ok_or((Action::Match, Fault::NoId))?;
        let manager = manager(user).map(str::to_owned);
        self.set_link(Kind::User, &person.id, Link::At { id: id.clone(), manager });
        Ok(id)
    }

    pub(crate) async fn manager(&self, person: &'a Person) -> Result<(), ProvisionError> {
        let boss = person.manager.as_deref().and_then(|id| self.link(Kind::User, id));
        let (Some(Link::At { id, manager }), Some(Link::At { id: boss, .. })) =
            (self.link(Kind::User, &person.id), boss)
        else {
            return Ok(());
        };
        if manager.as_deref() == Some(&boss) {
            return Ok(());
        }
        let body = self.options.dialect.set_manager(&boss, manager.is_none());
        let users = self.client.users();
        match self.calls.repeat(|| users.patch_json(&id, &body)).await {
            Ok(_) => self.report().managers_set += 1,
            Err(fault) => self.fail(whom(person), (Action::SetManager, fault))?,
        }
        Ok(())
    }

    pub(crate) async fn delete(
        &self,
        Doomed { kind, id, name, target }: Doomed<'a>,
    ) -> Result<(), ProvisionError> {
        let deleted = match kind {
            Kind::User => self.calls.repeat(|| self.client.users().delete(&target)).await,
            Kind::Group => self.calls.repeat(|| self.client.groups().delete(&target)).await,
        };
        match deleted {
            Err(fault) if !fault.is_not_found() => self.fail((kind, id, name), (Action::Delete, fault)),
            _ => {
                let mut report = self.report();
                let counts = match kind {
                    Kind::User => &mut report.users,
                    Kind::Group => &mut report.groups,
                };
                counts.note(Outcome::Deleted);
                Ok(())
            }
        }
    }
}

fn whom(person: &Person) -> (Kind, &str, &str) {
    (Kind::User, &person.id, &person.user_principal_name)
}
