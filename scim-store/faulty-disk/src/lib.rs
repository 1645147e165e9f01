//! A disk that fails, and one that loses power, under whatever this process does with the files of a folder.
//!
//! [`Disk::watch`] stands between the process and the C library: it sees what SQLite reads, writes, syncs and cuts, and
//! what the store does beside SQLite. It lets the call fail that a [`Plan`] names, and notes each change, so that
//! [`Disk::image`] can write out what a power cut at any moment may leave: what was synced, and of the rest any part.
//!
//! It replaces symbols of the C library in the program that it is linked to, and works on Linux only.

#[cfg(target_os = "linux")]
mod calls;
mod disk;
mod image;

pub use disk::{Disk, Kind, Plan};
