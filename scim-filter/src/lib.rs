#![doc = include_str!("../README.md")]

mod bind;
mod compare;
mod display;
mod element;
mod error;
mod eval;
mod filter;
mod links;
mod literal;
mod look;
mod number;
mod parse;
mod path;
mod plan;
mod scan;
mod sort_key;
#[cfg(feature = "sql")]
pub mod sql;
mod tree;
mod view;

pub use bind::BoundFilter;
pub use element::ElementFilter;
pub use error::{FilterError, PathError};
pub use eval::{Entry, NoRelations, Relations};
pub use filter::{Budget, Filter};
pub use literal::{CompareOp, Literal};
pub use path::{BoundPath, Path};
pub use plan::{KeyProbe, Narrow, Plan, index_key};
pub use sort_key::sort_key;
pub use view::{Branch, Branches, Expr};
