//! What can be chosen about a run.

use std::time::Duration;

use crate::dialect::Dialect;

/// How to provision. By default, so that any service provider understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How people are recognised at the target.
    pub matching: Matching,
    /// How many people or groups are worked on at once.
    pub concurrency: usize,
    /// Whether department and manager are sent, in the enterprise extension.
    pub enterprise_extension: bool,
    /// The most members that one PATCH adds or removes.
    pub member_batch: usize,
    /// The form of request bodies.
    pub dialect: Dialect,
    /// How often a call is tried while the target is busy or out of reach.
    pub attempts: u32,
    /// The longest wait that the target may ask for; longer ones count as failure until the next run.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            matching: Matching::ExternalId,
            concurrency: 8,
            enterprise_extension: false,
            member_batch: 100,
            dialect: Dialect::RFC,
            attempts: 5,
            patience: Duration::from_secs(15 * 60),
        }
    }
}

/// How people are recognised at the target. Groups always are by `externalId`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// By `externalId`: people keep their account when they are renamed.
    #[default]
    ExternalId,
    /// By `userName`: for targets that hold accounts which nobody provisioned.
    UserName,
}

impl Matching {
    /// The attribute that lookups filter by.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::ExternalId => "externalId",
            Self::UserName => "userName",
        }
    }
}
