#![doc = include_str!("../README.md")]

mod apply;
mod compile;
mod elements;
mod error;
mod plan;
mod relation;
mod request;

pub use apply::Changed;
pub use error::PatchError;
pub use plan::PatchPlan;
pub use relation::{RelationEdit, RelationStep};
pub use request::{Op, Operation, PatchRequest};
