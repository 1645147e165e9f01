//! GitHub's provisioning limits (E-52): a thousand new people an hour, and a thousand new members an hour
//! for each group. Off unless asked for.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::StatusCode;
use scim_core::Error;
use scim_server_traits::Clock;

/// How many of each an hour.
const PER_HOUR: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);

type Limiter = RateLimiter<String, DashMapStateStore<String>, Hours, NoOpMiddleware<Nanos>>;

/// The two limits. Each starts with a full hour's worth and fills up again evenly.
pub(crate) struct RateLimits {
    people: Limiter,
    members: Limiter,
    clock: Hours,
}

impl RateLimits {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let clock = Hours(clock);
        let quota = Quota::per_hour(PER_HOUR);
        Self {
            people: RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()),
            members: RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()),
            clock,
        }
    }

    /// Counts new people of an enterprise; 429 with a wait past the limit.
    pub(crate) fn people(&self, enterprise: &str, count: usize) -> Result<(), Error> {
        self.check(&self.people, enterprise.to_owned(), count, "people to the enterprise")
    }

    /// Counts new members of a group; 429 with a wait past the limit.
    pub(crate) fn members(&self, enterprise: &str, group: &str, count: usize) -> Result<(), Error> {
        self.check(&self.members, format!("{enterprise}/{group}"), count, "members to one group")
    }

    fn check(&self, limiter: &Limiter, key: String, count: usize, what: &str) -> Result<(), Error> {
        let Some(count) = u32::try_from(count).ok().and_then(NonZeroU32::new) else { return Ok(()) };
        let wait = match limiter.check_key_n(&key, count) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(not_until)) => not_until.wait_time_from(self.clock.now()),
            // More at once than an hour allows can never pass.
            Err(_) => Duration::from_secs(3_600),
        };
        let detail = format!("rate limit: at most {PER_HOUR} {what} an hour");
        let mut error = Error::new(StatusCode::TOO_MANY_REQUESTS, detail);
        error.retry_after = Some(Duration::from_secs(wait.as_secs() + 1));
        Err(error)
    }
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimits").finish_non_exhaustive()
    }
}

/// The server's clock as the limiter reads it.
#[derive(Clone)]
struct Hours(Arc<dyn Clock>);

impl governor::clock::Clock for Hours {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let millis = u64::try_from(self.0.now().as_millis()).unwrap_or_default();
        Nanos::from(Duration::from_millis(millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim_core::Timestamp;
    use scim_server_traits::ManualClock;

    #[test]
    fn e_52_a_thousand_an_hour_and_a_hint() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        let limits = RateLimits::new(clock.clone());
        assert!(limits.people("octo", 1_000).is_ok());
        let error = limits.people("octo", 1).unwrap_err();
        assert_eq!(error.status, 429);
        assert!(error.retry_after.unwrap() <= Duration::from_secs(5));
        assert!(limits.people("other", 1).is_ok(), "enterprises do not share a limit");
        assert!(limits.members("octo", "g1", 1_000).is_ok() && limits.members("octo", "g2", 1_000).is_ok());
        clock.advance(Duration::from_secs(3_600));
        assert!(limits.people("octo", 1_000).is_ok());
    }
}
