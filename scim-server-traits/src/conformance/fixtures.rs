//! The fixtures of the checks, for a store that cannot do everything.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use scim_core::{Resource, ResourceType};

use super::Check;
use super::kit::{group, user};

/// What the checks write, what the store lacks, and how concurrent calls are started.
///
/// The default is for a store that keeps any document.
#[derive(Clone)]
#[non_exhaustive]
pub struct Fixtures {
    /// The type of users, with a unique `userName` and a relation `groups`.
    pub user_type: Arc<ResourceType>,
    /// The type of groups, with a `displayName` and a relation `members`.
    pub group_type: Arc<ResourceType>,
    /// Makes a user with this `userName`, as the store returns it. Different names make different documents.
    pub user: fn(&str) -> Resource,
    /// Makes a group with this `displayName`, as the store returns it.
    pub group: fn(&str) -> Resource,
    /// The abilities that the store lacks. Checks that need them are left out.
    pub lacks: Vec<Ability>,
    /// Starts a call in its own task. The returned task is done when the call is.
    ///
    /// By default all calls are polled in one task, which tests little of a store that never waits.
    pub spawn: Spawn,
}

/// A running call.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts a task in the runtime that the store needs.
pub type Spawn = Arc<dyn Fn(Task) -> Task + Send + Sync>;

impl Default for Fixtures {
    fn default() -> Self {
        Self {
            user_type: ResourceType::user(),
            group_type: ResourceType::group(),
            user,
            group,
            lacks: Vec::new(),
            spawn: Arc::new(|task| task),
        }
    }
}

impl Fixtures {
    /// Sets the type of users and their form.
    #[must_use]
    pub fn with_users(mut self, user_type: Arc<ResourceType>, user: fn(&str) -> Resource) -> Self {
        (self.user_type, self.user) = (user_type, user);
        self
    }

    /// Sets the type of groups and their form.
    #[must_use]
    pub fn with_groups(mut self, group_type: Arc<ResourceType>, group: fn(&str) -> Resource) -> Self {
        (self.group_type, self.group) = (group_type, group);
        self
    }

    /// Declares that the store lacks these abilities.
    #[must_use]
    pub fn without(mut self, abilities: &[Ability]) -> Self {
        self.lacks.extend_from_slice(abilities);
        self
    }

    /// Returns the checks that apply to a store without the abilities that it lacks.
    pub fn checks(&self) -> Vec<Check> {
        let lacking = |check: &Check| check.needs.iter().any(|need| self.lacks.contains(need));
        super::checks().into_iter().filter(|check| !lacking(check)).collect()
    }

    /// Sets how calls are started:
    ///
    /// ```
    /// # use scim_server_traits::conformance::Fixtures;
    /// # struct Handle;
    /// # impl Handle { async fn join(self) {} }
    /// # fn spawn<F>(_: F) -> Handle { Handle }
    /// let fixtures = Fixtures::default().with_spawn(|task| {
    ///     let running = spawn(task); // such as `tokio::spawn`
    ///     Box::pin(async { drop(running.join().await) })
    /// });
    /// ```
    #[must_use]
    pub fn with_spawn(mut self, spawn: impl Fn(Task) -> Task + Send + Sync + 'static) -> Self {
        self.spawn = Arc::new(spawn);
        self
    }
}

impl fmt::Debug for Fixtures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixtures").field("lacks", &self.lacks).finish_non_exhaustive()
    }
}

/// Abilities that a store on an application's own tables may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ability {
    /// More than one tenant. Without it, each check needs its own store.
    Tenants,
    /// Claims in addition to unique attributes.
    Claims,
    /// Resources whose links are hidden.
    Dormancy,
    /// Members that are groups.
    NestedGroups,
    /// Documents with any attribute of the standard schemas, and others.
    AnyDocument,
    /// Resource types other than users and groups.
    OtherTypes,
    /// A `display` for each link.
    LinkDisplay,
    /// A budget for documents that are read to decide a filter. A store that reads no documents for this needs no
    /// budget.
    ScanBudget,
    /// Orders other than that of creation. Without it, the server has sorting switched off.
    Order,
    /// Pages that begin after or before a position. Without it, the server has cursors switched off.
    Seek,
}
