#![doc = include_str!("../README.md")]

mod calls;
mod dialect;
mod difference;
mod directory;
mod engine;
mod groups;
mod mapping;
mod options;
mod progress;
mod report;
mod users;
mod verify;

pub use calls::{Sleeper, TokioSleeper};
pub use dialect::{Dialect, UnknownDialect};
pub use difference::Difference;
pub use directory::{Directory, DirectoryError, Person, Status, Team, TeamStatus};
pub use engine::{Engine, ProvisionError};
pub use options::{Matching, Options};
pub use progress::{NoProgress, Phase, Progress};
pub use report::{Action, Counts, Failure, Kind, Report};
pub use verify::verify;
