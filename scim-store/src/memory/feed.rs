//! The change feed of a store in memory.

use std::collections::{BTreeMap, VecDeque};

use scim_server_traits::{Change, ChangeFeedError, FeedPosition, TenantId};

/// How many changes are kept.
const KEPT: usize = 100_000;

/// The newest changes of all tenants, oldest first.
#[derive(Debug, Default)]
pub(super) struct Feed {
    changes: VecDeque<Change>,
    /// How many changes there were.
    newest: u64,
    tenants: BTreeMap<TenantId, Numbers>,
}

/// The changes of one tenant.
#[derive(Debug, Default)]
struct Numbers {
    newest: u64,
    /// The places of the kept ones, counted from the first change of all.
    places: VecDeque<u64>,
}

impl Feed {
    /// Appends changes. Returns those that are no longer kept.
    pub(super) fn append(&mut self, changes: Vec<Change>) -> Vec<Change> {
        for mut change in changes {
            let numbers = self.tenants.entry(change.tenant.clone()).or_default();
            numbers.newest += 1;
            numbers.places.push_back(self.newest);
            change.sequence = numbers.newest;
            self.newest += 1;
            self.changes.push_back(change);
        }
        let excess = self.changes.len().saturating_sub(KEPT);
        let gone: Vec<_> = self.changes.drain(..excess).collect();
        for change in &gone {
            if let Some(numbers) = self.tenants.get_mut(&change.tenant) {
                numbers.places.pop_front();
            }
        }
        gone
    }

    pub(super) fn newest(&self, tenant: &TenantId) -> u64 {
        self.tenants.get(tenant).map_or(0, |numbers| numbers.newest)
    }

    pub(super) fn after(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Change>, ChangeFeedError> {
        let none = Numbers::default();
        let numbers = self.tenants.get(tenant).unwrap_or(&none);
        let oldest = numbers.newest - numbers.places.len() as u64 + 1;
        let passed = passed(after, oldest, numbers.newest)?;
        let places = numbers.places.iter().skip(passed).take(limit);
        let first = self.newest - self.changes.len() as u64;
        let at = |place: &u64| self.changes.get(usize::try_from(place - first).ok()?).cloned();
        Ok(places.filter_map(at).collect())
    }

    pub(super) fn position(&self) -> FeedPosition {
        FeedPosition::of_number(self.newest)
    }

    pub(super) fn after_of_all(
        &self,
        after: &FeedPosition,
        limit: usize,
    ) -> Result<(Vec<Change>, FeedPosition), ChangeFeedError> {
        let after = after.number()?;
        let oldest = self.newest - self.changes.len() as u64 + 1;
        let passed = passed(after, oldest, self.newest)?;
        let changes: Vec<_> = self.changes.iter().skip(passed).take(limit).cloned().collect();
        let reached = after + changes.len() as u64;
        Ok((changes, FeedPosition::of_number(reached)))
    }
}

/// Returns how many of the kept changes a consumer has seen.
fn passed(after: u64, oldest: u64, newest: u64) -> Result<usize, ChangeFeedError> {
    ChangeFeedError::check(after, oldest, newest)?;
    Ok(usize::try_from(after + 1 - oldest).unwrap_or(usize::MAX))
}
