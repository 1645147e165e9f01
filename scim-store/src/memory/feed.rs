//! The change feed of a store in memory.

use std::collections::VecDeque;

use scim_server_traits::{Change, ChangeFeedError};

/// How many changes are kept.
const KEPT: usize = 100_000;

/// The newest changes of all tenants, oldest first.
#[derive(Debug, Default)]
pub(super) struct Feed {
    changes: VecDeque<Change>,
    newest: u64,
}

impl Feed {
    pub(super) fn append(&mut self, changes: Vec<Change>) {
        for mut change in changes {
            self.newest += 1;
            change.sequence = self.newest;
            self.changes.push_back(change);
        }
        let excess = self.changes.len().saturating_sub(KEPT);
        self.changes.drain(..excess);
    }

    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    pub(super) fn after(&self, after: u64, limit: usize) -> Result<Vec<Change>, ChangeFeedError> {
        let oldest = self.newest - self.changes.len() as u64 + 1;
        ChangeFeedError::check(after, oldest, self.newest)?;
        let passed = usize::try_from(after + 1 - oldest).unwrap_or(usize::MAX);
        Ok(self.changes.iter().skip(passed).take(limit).cloned().collect())
    }
}
