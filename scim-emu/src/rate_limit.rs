//! GitHub's provisioning limits: 1,000 new people an hour, and 1,000 new members an hour for each group.
//!
//! They are off by default. Only changes that really happened count: a refused create or a member that was there
//! already costs nothing. So the count is checked before a commit and charged after it, which no rate-limiting library
//! offers.

// E-52

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use scim_core::{Error, Timestamp};
use scim_server_traits::Clock;

/// How many of each are allowed in an hour.
const PER_HOUR: usize = 1_000;

const HOUR: i64 = 3_600_000;

/// What is limited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Limited {
    /// The new people of an enterprise.
    People { enterprise: String },
    /// The new members of a group.
    Members { enterprise: String, group: String },
}

/// Counts what happened in each hour that has begun.
pub(crate) struct RateLimits {
    hours: Mutex<HashMap<Limited, Hour>>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Copy)]
struct Hour {
    since: Timestamp,
    used: usize,
}

impl RateLimits {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { hours: Mutex::default(), clock }
    }

    /// Refuses with 429 and a wait if this hour has no room for `count` more.
    pub(crate) fn check(&self, what: &Limited, count: usize) -> Result<(), Error> {
        let now = self.clock.now();
        let hour = self.hours().get(what).copied().filter(|hour| !hour.is_over(now));
        let (since, used) = hour.map_or((now, 0), |hour| (hour.since, hour.used));
        if count == 0 || used + count <= PER_HOUR {
            return Ok(());
        }
        let of = match what {
            Limited::People { .. } => "people to the enterprise",
            Limited::Members { .. } => "members to one group",
        };
        let mut error =
            Error::new(StatusCode::TOO_MANY_REQUESTS, format!("rate limit: at most {PER_HOUR} {of} an hour"));
        let left = HOUR.saturating_sub(now.as_millis().saturating_sub(since.as_millis()));
        error.retry_after =
            Some(Duration::from_millis(u64::try_from(left).unwrap_or(0)) + Duration::from_secs(1));
        Err(error)
    }

    /// Counts what happened.
    pub(crate) fn charge(&self, what: Limited, count: usize) {
        if count == 0 {
            return;
        }
        let now = self.clock.now();
        let mut hours = self.hours();
        hours.retain(|_, hour| !hour.is_over(now));
        hours.entry(what).or_insert(Hour { since: now, used: 0 }).used += count;
    }

    fn hours(&self) -> MutexGuard<'_, HashMap<Limited, Hour>> {
        self.hours.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hour {
    /// An hour is also over if the clock went back, so that nobody waits longer than an hour.
    fn is_over(self, now: Timestamp) -> bool {
        !(0..HOUR).contains(&now.as_millis().saturating_sub(self.since.as_millis()))
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimits").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim_server_traits::ManualClock;

    #[test]
    fn e_52_a_thousand_an_hour_and_a_hint() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        let limits = RateLimits::new(clock.clone());
        let people = |enterprise: &str| Limited::People { enterprise: enterprise.into() };
        assert!(limits.check(&people("octo"), 1_000).is_ok());
        assert!(limits.check(&people("octo"), 1_000).is_ok(), "asking costs nothing");
        limits.charge(people("octo"), 1_000);
        clock.advance(Duration::from_secs(600));
        let error = limits.check(&people("octo"), 1).unwrap_err();
        assert_eq!((error.status.as_u16(), error.retry_after), (429, Some(Duration::from_secs(3_001))));
        assert!(limits.check(&people("octo"), 0).is_ok());
        assert!(limits.check(&people("other"), 1).is_ok(), "enterprises do not share a limit");
        clock.advance(Duration::from_secs(3_000));
        assert!(limits.check(&people("octo"), 1_000).is_ok());
    }

    #[test]
    fn e_52_a_clock_that_goes_back_begins_another_hour() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
        let limits = RateLimits::new(clock.clone());
        let people = || Limited::People { enterprise: "octo".into() };
        for millis in [-86_400_000, i64::MIN, i64::MAX, 0] {
            limits.charge(people(), 1_000);
            assert!(limits.check(&people(), 1).is_err());
            clock.set(Timestamp::from_millis(millis));
            assert!(limits.check(&people(), 1_000).is_ok(), "{millis}");
        }
    }
}
