//! The primitives that threads hand over with. A test compiles the files that use them with others of these names, and
//! runs them in thousands of orders.

pub(super) use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
pub(super) use std::sync::mpsc::RecvTimeoutError;
pub(super) use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};
pub(super) use std::thread::yield_now;

pub(super) use async_channel::{Receiver, Sender, bounded};
pub(super) use futures_channel::oneshot;

/// What wakes the mover.
pub(super) type Nudges = std::sync::mpsc::Receiver<()>;
