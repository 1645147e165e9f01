//! Identifiers for new resources.

use scim_server_traits::IdSource;

/// Time-ordered UUIDs (version 7): new rows land at the end of every index, and no two are the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct UuidSource;

impl IdSource for UuidSource {
    fn next_id(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_034_core_036_ids_differ_and_never_say_bulk_id() {
        let (a, b) = (UuidSource.next_id(), UuidSource.next_id());
        assert!(a < b && !a.contains("bulkId"));
    }
}
