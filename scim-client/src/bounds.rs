//! How much a client takes from a server.

use scim_core::Limits;

use crate::query::Query;

/// Resources in a page for which the query names no `count`.
const PAGE: u64 = 100_000;

/// Resources in a walk.
const RESOURCES: u64 = 1_000_000;

/// A page of resources lies two levels around each of them: an object and an array.
const LEVELS_OF_A_PAGE: usize = 2;

/// How much a client takes from a server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The JSON of one response.
    pub(crate) json: Limits,
    /// The resources that [`Pages`](crate::Pages) returns.
    pub(crate) resources: u64,
}

impl Bounds {
    /// The most resources that the page of this query may hold.
    pub(crate) fn page(query: &Query) -> u64 {
        query.page_size().unwrap_or(PAGE)
    }
}

impl Default for Bounds {
    fn default() -> Self {
        let resource = Limits::default();
        // The transport has bounded the bytes, because they are in memory by now.
        let json = Limits { bytes: usize::MAX, depth: resource.depth + LEVELS_OF_A_PAGE, ..resource };
        Self { json, resources: RESOURCES }
    }
}
