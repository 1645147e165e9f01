//! The engine: one run over a directory, phase by phase.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt, stream};
use http::StatusCode;

use scim_client::{Client, ClientError, filter_eq};

use crate::calls::{Calls, Fault, Sleeper, TokioSleeper};
use crate::directory::{Directory, DirectoryError, Person, Status, Team, TeamStatus};
use crate::options::Options;
use crate::progress::{Phase, Progress};
use crate::report::{Action, Failure, Kind, Report};

/// An `externalId` that nobody has.
const NOBODY: &str = "5f0c1d1e-7a51-4f0e-9b43-0c2d3e4f5a6b";

/// Makes a target agree with a directory.
#[derive(Clone)]
pub struct Engine {
    client: Client,
    options: Options,
    sleeper: Arc<dyn Sleeper>,
}

impl Engine {
    /// Makes an engine for the target that the client talks to.
    pub fn new(client: Client, options: Options) -> Self {
        Self { client, options, sleeper: Arc::new(TokioSleeper) }
    }

    /// Sets how the engine waits.
    #[must_use]
    pub fn sleeper(mut self, sleeper: Arc<dyn Sleeper>) -> Self {
        self.sleeper = sleeper;
        self
    }

    /// Asks the target for a person who does not exist. It must answer with an empty list.
    ///
    /// # Errors
    ///
    /// [`ProvisionError::Refused`] when the target refuses the token, [`ProvisionError::Unusable`] when it does not
    /// answer as SCIM does, and [`ProvisionError::IgnoresFilters`].
    //
    pub async fn test_connection(&self) -> Result<(), ProvisionError> {
        self.probe(&Calls::new(self.sleeper.clone(), &self.options)).await
    }

    /// Makes the target agree with the directory.
    ///
    /// It begins with the people who are deleted in the directory, so that their names become free for others. Then
    /// come all other people, their managers, the groups, and the deletion of groups.
    ///
    /// What fails for one person or group is in [`Report::failures`], and the next run tries it again. The run stops
    /// only if no other call would succeed either. A run writes nothing if the target agrees already.
    ///
    /// # Errors
    ///
    /// [`ProvisionError::Directory`] when the directory is inconsistent, and the errors of
    /// [`test_connection`](Self::test_connection).
    pub async fn run(
        &self,
        directory: &Directory,
        progress: &dyn Progress,
    ) -> Result<Report, ProvisionError> {
        let started = Instant::now();
        directory.check()?;
        let run = Run {
            client: &self.client,
            options: &self.options,
            calls: Calls::new(self.sleeper.clone(), &self.options),
            people: directory.users.iter().map(|person| (person.id.as_str(), person)).collect(),
            links: Mutex::default(),
            report: Mutex::default(),
        };
        self.probe(&run.calls).await?;

        let (leavers, others): (Vec<&Person>, Vec<&Person>) =
            directory.users.iter().partition(|person| person.status == Status::Deleted);
        for (people, doomed) in [(leavers, true), (others, false)] {
            run.phase(progress, Phase::Users, people, |person| run.user(person)).await?;
            if doomed {
                let doomed = run.doomed(directory, Kind::User);
                run.phase(progress, Phase::Deletions, doomed, |doomed| run.delete(doomed)).await?;
            }
        }
        if self.options.enterprise_extension {
            let reporting = |person: &&Person| person.status == Status::Active && person.manager.is_some();
            let reporting = directory.users.iter().filter(reporting).collect();
            run.phase(progress, Phase::Managers, reporting, |person| run.manager(person)).await?;
        }
        let groups: Vec<&Team> = directory.groups.iter().collect();
        run.phase(progress, Phase::Groups, groups, |team| run.group(team)).await?;
        let doomed = run.doomed(directory, Kind::Group);
        run.phase(progress, Phase::Deletions, doomed, |doomed| run.delete(doomed)).await?;

        let mut report = run.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        let users = directory.users.iter().map(|person| (Kind::User, &person.id));
        let groups = directory.groups.iter().map(|team| (Kind::Group, &team.id));
        let order: HashMap<_, usize> = users.chain(groups).zip(0..).collect();
        report.failures.sort_by_key(|failure| order.get(&(failure.kind, &failure.id)).copied());
        report.requests = run.calls.made();
        report.elapsed = started.elapsed();
        Ok(report)
    }

    async fn probe(&self, calls: &Calls) -> Result<(), ProvisionError> {
        let filter = filter_eq(self.options.matching.attribute(), NOBODY);
        match calls.repeat(|| self.client.users().find(&filter)).await {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(ProvisionError::IgnoresFilters),
            Err(Fault::Stop(error)) => Err(error),
            Err(Fault::Local(error)) if matches!(*error, ClientError::Ambiguous { .. }) => {
                Err(ProvisionError::IgnoresFilters)
            }
            Err(Fault::Local(error)) => Err(ProvisionError::Unusable(error)),
            Err(Fault::NoId) => Ok(()),
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("client", &self.client)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// The directory contradicts itself.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The target does not accept the token.
    #[error(
        "the target refused the token with {status}: {detail}; check that it is the right one, has not \
         expired, and may write SCIM (at GitHub the scope `scim:enterprise`)"
    )]
    Refused {
        /// 401 or 403.
        status: StatusCode,
        /// What the target said.
        detail: String,
    },
    /// The target cannot be reached, or is not a SCIM service provider.
    #[error("the target does not answer `GET /Users` as SCIM does; check the base URL")]
    Unusable(#[source] Box<ClientError>),
    /// The target returns people who do not match the filter, so every look-up would find the wrong one.
    #[error("the target ignores the filter that people are matched by: everybody would be the wrong one")]
    IgnoresFilters,
}

/// The state of one run.
pub(crate) struct Run<'a> {
    pub(crate) client: &'a Client,
    pub(crate) options: &'a Options,
    pub(crate) calls: Calls,
    pub(crate) people: HashMap<&'a str, &'a Person>,
    links: Mutex<HashMap<(Kind, &'a str), Link>>,
    report: Mutex<Report>,
}

/// Where a person or a group is at the target. If there is no link, the look-up failed, so that is not known.
#[derive(Clone, Debug)]
pub(crate) enum Link {
    /// It has this id, and its manager has that one.
    At { id: String, manager: Option<String> },
    /// It is not at the target.
    Nowhere,
}

/// A resource to delete.
pub(crate) struct Doomed<'a> {
    pub(crate) kind: Kind,
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) target: String,
}

impl<'a> Run<'a> {
    async fn phase<T, F>(
        &self,
        progress: &dyn Progress,
        phase: Phase,
        items: Vec<T>,
        step: impl Fn(T) -> F,
    ) -> Result<(), ProvisionError>
    where
        F: Future<Output = Result<(), ProvisionError>>,
    {
        if items.is_empty() {
            return Ok(());
        }
        progress.begin(phase, items.len());
        let step = &step;
        stream::iter(items)
            .map(Ok::<T, ProvisionError>)
            .try_for_each_concurrent(self.options.concurrency.max(1), |item| async move {
                step(item).await?;
                progress.step(phase);
                Ok(())
            })
            .await?;
        progress.done(phase);
        Ok(())
    }

    /// Returns the resources of a kind that are at the target and have to be deleted.
    fn doomed(&self, directory: &'a Directory, of: Kind) -> Vec<Doomed<'a>> {
        let groups = directory.groups.iter().filter(|team| team.status == TeamStatus::Deleted);
        let groups = groups.map(|team| (Kind::Group, &team.id, &team.display_name));
        let users = directory.users.iter().filter(|person| person.status == Status::Deleted);
        let users = users.map(|person| (Kind::User, &person.id, &person.user_principal_name));
        groups
            .chain(users)
            .filter(|(kind, ..)| *kind == of)
            .filter_map(|(kind, id, name)| match self.link(kind, id)? {
                Link::At { id: target, .. } => Some(Doomed { kind, id, name, target }),
                Link::Nowhere => None,
            })
            .collect()
    }

    pub(crate) fn link(&self, kind: Kind, id: &str) -> Option<Link> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner).get(&(kind, id)).cloned()
    }

    pub(crate) fn set_link(&self, kind: Kind, id: &'a str, link: Link) {
        self.links.lock().unwrap_or_else(PoisonError::into_inner).insert((kind, id), link);
    }

    pub(crate) fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a failure to the report, or returns it if it ends the run.
    pub(crate) fn fail(
        &self,
        (kind, id, name): (Kind, &str, &str),
        (action, fault): (Action, Fault),
    ) -> Result<(), ProvisionError> {
        let (status, detail) = (fault.status(), fault.detail());
        if let Fault::Stop(error) = fault {
            return Err(error);
        }
        let (id, name) = (id.to_owned(), name.to_owned());
        self.report().failures.push(Failure { kind, id, name, action, status, detail });
        Ok(())
    }
}
