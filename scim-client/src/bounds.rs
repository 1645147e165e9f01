//! How much a client accepts from a server.

use scim_core::Limits;

use crate::query::Query;

/// The most resources in a page, if the query has no `count`.
const PAGE: u64 = 100_000;

/// The most resources that are read through [`Pages`](crate::Pages).
const RESOURCES: u64 = 1_000_000;

/// A page nests each resource two levels deeper: in an object and an array.
const LEVELS_OF_A_PAGE: usize = 2;

/// How much a client accepts from a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The limits for the JSON of one response.
    pub(crate) json: Limits,
    /// The most resources that [`Pages`](crate::Pages) returns.
    pub(crate) resources: u64,
}

impl Bounds {
    /// Returns the most resources that the page of this query may hold.
    pub(crate) fn page(query: &Query) -> u64 {
        query.page_size().unwrap_or(PAGE)
    }
}

impl Default for Bounds {
    fn default() -> Self {
        let resource = Limits::default();
        // The transport limits the bytes. Here they are in memory already.
        let json = Limits { bytes: usize::MAX, depth: resource.depth + LEVELS_OF_A_PAGE, ..resource };
        Self { json, resources: RESOURCES }
    }
}
