//! A disk that fails or loses power, for the files of one folder that this process uses.
//!
//! [`Disk::watch`] replaces functions of the C library. It sees what SQLite reads, writes, syncs and truncates, and
//! what the store does without SQLite. The call that a [`Plan`] names fails. Each change is recorded, so that
//! [`Disk::image`] can write what a power cut at any moment may leave: everything that was synced, and any part of the
//! rest.
//!
//! The symbols are replaced in the program that this crate is linked to. It works on Linux only.

#[cfg(target_os = "linux")]
mod calls;
mod disk;
mod image;

pub use disk::{Disk, Kind, Plan};
