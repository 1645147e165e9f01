//! How a run reports its progress.

use std::fmt;

/// Receives the progress of a run. Calls may come from several threads.
pub trait Progress: Send + Sync {
    /// A phase begins, with this many steps.
    fn begin(&self, phase: Phase, total: usize);
    /// A step of the phase is done, whether it succeeded or not.
    fn step(&self, phase: Phase);
    /// The phase is over.
    fn done(&self, phase: Phase);
}

/// Reports nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _: Phase, _: usize) {}
    fn step(&self, _: Phase) {}
    fn done(&self, _: Phase) {}
}

/// The phases of a run. Some of them occur twice; see the crate's documentation for the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Phase {
    /// People are matched, created and updated.
    Users,
    /// Managers are set; only with the enterprise extension.
    Managers,
    /// Groups are matched, created, renamed and filled.
    Groups,
    /// Resources that the directory has as deleted are deleted.
    Deletions,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Users => "users",
            Self::Managers => "managers",
            Self::Groups => "groups",
            Self::Deletions => "deletions",
        })
    }
}
