//! Identifiers for new resources.

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use scim_server_traits::IdSource;
use uuid::{ContextV7, Timestamp, Uuid};

/// Creates time-ordered UUIDs (version 7). New rows land at the end of every index, and no two ids are equal. Ids stay
/// in order even if the clock goes back.
#[derive(Clone, Copy, Debug, Default)]
pub struct UuidSource;

impl IdSource for UuidSource {
    fn next_id(&self) -> String {
        id(SystemTime::now()).to_string()
    }
}

fn id(now: SystemTime) -> Uuid {
    static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());
    // `Uuid::now_v7` panics before 1970.
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(&CONTEXT, since.as_secs(), since.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn core_034_core_036_ids_differ_and_never_say_bulk_id() {
        let (a, b) = (UuidSource.next_id(), UuidSource.next_id());
        assert!(a < b && !a.contains("bulkId"));
    }

    #[test]
    fn core_034_ids_differ_whatever_the_clock_shows() {
        let now = SystemTime::now();
        let day = Duration::from_secs(86_400);
        let ids = [now, now - day, UNIX_EPOCH - day, now].map(id);
        assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    }
}
