//! Walking through a list whose pages are not consistent with each other — RFC 7644 §3.4.2.4,
//! RFC 9865 §2.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use scim_core::ListResponse;

use crate::answer::{decode_list, decode_value};
use crate::endpoint::Endpoint;
use crate::error::ClientError;
use crate::query::Query;

/// The pages of a list, begun by [`Endpoint::pages`].
///
/// The server may return fewer resources than asked for (CLI-016); resources that moved between two
/// pages are returned once (CLI-015); a server that hands out cursors is followed by cursor (CLI-023).
pub struct Pages<'a, R> {
    endpoint: Endpoint<'a, R>,
    query: Query,
    seen: HashSet<String>,
    done: bool,
}

impl<'a, R: Serialize + DeserializeOwned> Pages<'a, R> {
    pub(crate) fn new(endpoint: Endpoint<'a, R>, query: Query) -> Self {
        Self { endpoint, query, seen: HashSet::new(), done: false }
    }

    /// Reads the next page; `None` behind the last. After an error the same page is read again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<R>>, ClientError> {
        if self.done {
            return Ok(None);
        }
        let page: ListResponse<Value> = decode_list(self.endpoint.list_body(&self.query).await?.body())?;
        let (total, count, next) = (page.total_results, page.resources.len(), page.next_cursor);
        let decode = |resource: Value| {
            let id = resource["id"].as_str().map(str::to_owned);
            decode_value(resource).map(|resource| (id, resource))
        };
        let decoded = page.resources.into_iter().map(decode).collect::<Result<Vec<(_, R)>, _>>()?;
        self.advance(total, count, next);
        let mut is_new = |id: Option<String>| id.is_none_or(|id| self.seen.insert(id));
        Ok(Some(decoded.into_iter().filter_map(|(id, resource)| is_new(id).then_some(resource)).collect()))
    }

    fn advance(&mut self, total: u64, count: usize, next_cursor: Option<String>) {
        if let Some(cursor) = next_cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
            // An empty page with a cursor is not the end (CLI-019); the same cursor again is.
            self.done = self.query.cursor_text() == Some(cursor);
            self.query = self.query.clone().cursor(cursor);
            return;
        }
        // Counted from what was asked for: a server that echoes another `startIndex` cannot make us
        // walk in circles.
        let next = self.query.position().unwrap_or(1).max(1) + count as u64;
        self.done = self.query.cursor_text().is_some() || count == 0 || next > total;
        if !self.done {
            self.query = self.query.clone().start_index(next);
        }
    }
}

impl<R> fmt::Debug for Pages<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
