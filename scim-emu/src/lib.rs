#![doc = include_str!("../README.md")]

mod account;
mod enterprise;
mod handle;
mod member_keys;
mod product;
mod rate_limit;
mod registry;
mod role;
mod rules;
mod store;
mod token;

pub use account::Account;
pub use enterprise::{Enterprise, EnterpriseBuilder, EnterpriseError};
pub use handle::{Handle, HandleError};
pub use member_keys::MemberKeys;
pub use product::{HandleConflict, IdentityProvider, Product, ShortCode, ShortCodeError};
pub use role::Role;
pub use token::Token;
