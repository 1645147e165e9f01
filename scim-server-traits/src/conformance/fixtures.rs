//! What the checks work with, given by who has a store that cannot keep everything.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use scim_core::{Resource, ResourceType};

use super::Check;
use super::kit::{group, user};

/// What the checks write, what the store lacks, and how calls get under way together. The default is for a store
/// that keeps any document.
#[derive(Clone)]
#[non_exhaustive]
pub struct Fixtures {
    /// The type of users: with a `userName` that is unique, and a relation `groups`.
    pub user_type: Arc<ResourceType>,
    /// The type of groups: with a `displayName`, and a relation `members`.
    pub group_type: Arc<ResourceType>,
    /// A user of this `userName`, as the store gives it back; different names make different documents.
    pub user: fn(&str) -> Resource,
    /// A group of this `displayName`, as the store gives it back.
    pub group: fn(&str) -> Resource,
    /// What the store lacks: the checks that need it are left out.
    pub lacks: Vec<Ability>,
    /// Starts a call on a task of its own; the answer is done when the call is. By default all calls are polled on
    /// one task, which tells little of a store that never waits.
    pub spawn: Spawn,
}

/// A call under way.
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
    /// With users of this type and form.
    #[must_use]
    pub fn with_users(mut self, user_type: Arc<ResourceType>, user: fn(&str) -> Resource) -> Self {
        (self.user_type, self.user) = (user_type, user);
        self
    }

    /// With groups of this type and form.
    #[must_use]
    pub fn with_groups(mut self, group_type: Arc<ResourceType>, group: fn(&str) -> Resource) -> Self {
        (self.group_type, self.group) = (group_type, group);
        self
    }

    /// For a store that lacks these.
    #[must_use]
    pub fn without(mut self, abilities: &[Ability]) -> Self {
        self.lacks.extend_from_slice(abilities);
        self
    }

    /// The checks that a store can be held to that lacks these abilities.
    pub fn checks(&self) -> Vec<Check> {
        let lacking = |check: &Check| check.needs.iter().any(|need| self.lacks.contains(need));
        super::checks().into_iter().filter(|check| !lacking(check)).collect()
    }

    /// With calls that get under way like this:
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

/// What a store with tables of an application's own may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ability {
    /// More than one tenant. Each check needs a store of its own then.
    Tenants,
    /// Claims beyond unique attributes.
    Claims,
    /// Resources whose links are hidden.
    Dormancy,
    /// Members that are groups.
    NestedGroups,
    /// Documents with any attribute of the standard schemas, and others.
    AnyDocument,
    /// Resource types beside users and groups.
    OtherTypes,
    /// A `display` of the link's own.
    LinkDisplay,
    /// A budget for documents that are read to decide a filter: one that reads none needs none.
    ScanBudget,
    /// Orders other than that of creation: the server over such a store has sorting switched off.
    Order,
    /// Pages that begin after or before a position: the server over such a store has cursors switched off.
    Seek,
}
