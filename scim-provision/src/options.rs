//! The options of a run.

use std::time::Duration;

use crate::dialect::Dialect;

/// How to provision. Any service provider understands the defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How people are matched at the target.
    pub matching: Matching,
    /// How many people or groups are processed at the same time.
    pub concurrency: usize,
    /// Whether department and manager are sent, in the enterprise extension.
    pub enterprise_extension: bool,
    /// The most members that one PATCH adds or removes.
    pub member_batch: usize,
    /// The form of request bodies.
    pub dialect: Dialect,
    /// How often a call is attempted while the target is busy or cannot be reached.
    pub attempts: u32,
    /// The longest wait that the target may ask for. If it asks for a longer one, the call fails until the next run.
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

/// How people are matched at the target. Groups are always matched by `externalId`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// By `externalId`, so that people who are renamed keep their account.
    #[default]
    ExternalId,
    /// By `userName`, for targets with accounts that nobody provisioned.
    UserName,
}

impl Matching {
    /// Returns the attribute that look-ups filter by.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::ExternalId => "externalId",
            Self::UserName => "userName",
        }
    }
}
