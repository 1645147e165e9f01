#![doc = include_str!("../README.md")]

mod keys;
mod lanes;
mod memory;
mod news;
mod records;
mod scan;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tables;
mod write;

pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{BackupProgress, Durability, SqliteHealth, SqliteOptions, SqliteStore, backup};
