#![doc = include_str!("../README.md")]

mod apply;
mod compile;
mod diff;
mod elements;
mod error;
mod explain;
mod plan;
mod read_only;
mod relation;
mod request;
mod selection;

pub use apply::Changed;
pub use diff::{diff, diff_relation};
pub use error::{PatchError, PatchErrorKind};
pub use plan::PatchPlan;
pub use relation::{RelationEdit, RelationStep};
pub use request::{Op, Operation, PatchRequest};
