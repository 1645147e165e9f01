//! The limits of a connection.

use std::sync::Arc;
use std::time::Duration;

use super::budget::Budget;
use super::coming::Pace;

/// The limits that all connections share.
#[derive(Debug)]
pub(super) struct Rules {
    /// The memory that requests and answers may take.
    pub(super) budget: Arc<Budget>,
    /// How long a request may take.
    pub(super) request: Duration,
    /// How long a client may send nothing when something is due, or take nothing of an answer.
    pub(super) silence: Duration,
    /// How long a client may send nothing after it has connected.
    pub(super) first_byte: Duration,
    /// How slowly a body may arrive.
    pub(super) pace: Pace,
    /// How many requests may be under way on one HTTP/2 connection.
    pub(super) streams: u32,
    /// How many HTTP/2 control frames may come at once, in addition to those of requests and answers.
    pub(super) control_frames: u32,
}
