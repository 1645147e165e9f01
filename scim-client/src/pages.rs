//! Reading a list page by page, even if its pages are not consistent — RFC 7644 §3.4.2.4, RFC 9865 §2.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use scim_core::ListResponse;

use crate::answer::{decode_list, unreadable};
use crate::endpoint::Endpoint;
use crate::error::ClientError;
use crate::query::Query;

/// The most pages that are read.
const PAGES: u64 = 100_000;

/// The most pages in a row that only repeat resources. Resources that are created meanwhile can cause a few.
const REPEATED: u64 = 10;

/// The most empty pages in a row. RFC 9865 allows empty pages as long as each has a cursor.
const EMPTY: u64 = 1_000;

/// Reads the pages of a list. [`Endpoint::pages`] creates it.
///
/// The server may return fewer resources than asked for. A resource that moved between two pages is returned once. If
/// the server returns cursors, they are used.
///
/// Reading always ends. [`ClientError::ListTooLong`] ends it at the first page that shows that the list has more
/// resources than [`ClientBuilder::max_resources`](crate::ClientBuilder::max_resources). [`ClientError::EndlessPages`]
/// ends it after 10 pages in a row that only repeat resources, after 1,000 empty pages in a row, or after 100,000
/// pages.
// CLI-016, CLI-015, CLI-023
pub struct Pages<'a, R> {
    endpoint: Endpoint<'a, R>,
    query: Query,
    /// How many resources come before the first page.
    skipped: u64,
    seen: HashSet<String>,
    returned: u64,
    read: u64,
    /// How many pages in a row had no new resource.
    fruitless: u64,
    stuck: bool,
    done: bool,
}

impl<'a, R: Serialize + DeserializeOwned> Pages<'a, R> {
    pub(crate) fn new(endpoint: Endpoint<'a, R>, query: Query) -> Self {
        Self {
            endpoint,
            skipped: position(&query) - 1,
            query,
            seen: HashSet::new(),
            returned: 0,
            read: 0,
            fruitless: 0,
            stuck: false,
            done: false,
        }
    }

    /// Reads the next page, or returns `None` after the last one.
    ///
    /// # Errors
    ///
    /// After [`ClientError::ListTooLong`] and [`ClientError::EndlessPages`] there are no more pages. After
    /// any other error the same page is read again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<R>>, ClientError> {
        if self.done {
            return Ok(None);
        }
        if self.stuck {
            self.done = true;
            return Err(ClientError::EndlessPages { pages: self.read, fruitless: self.fruitless });
        }
        let body = self.endpoint.list_body(&self.query).await?;
        let page: ListResponse<Value> = decode_list(&body, self.endpoint.bounds(), &self.query)?;
        let (total, count, next) = (page.total_results, page.resources.len() as u64, page.next_cursor);
        let decode = |resource: Value| {
            let id = resource["id"].as_str().map(str::to_owned);
            R::deserialize(resource).map(|resource| (id, resource))
        };
        let decoded = page.resources.into_iter().map(decode).collect::<Result<Vec<(_, R)>, _>>();
        let decoded = decoded.map_err(|error| unreadable(error, body))?;
        self.advance(total, count, next);
        let mut is_new = |id: Option<String>| id.is_none_or(|id| self.seen.insert(id));
        let new: Vec<R> =
            decoded.into_iter().filter_map(|(id, resource)| is_new(id).then_some(resource)).collect();
        self.note(total, count, new.len() as u64)?;
        Ok(Some(new))
    }

    fn advance(&mut self, total: u64, count: u64, next_cursor: Option<String>) {
        if let Some(cursor) = next_cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
            // An empty page with a cursor is not the end (CLI-019); a repeated cursor is.
            self.done = self.query.cursor_text() == Some(cursor);
            self.query = self.query.clone().cursor(cursor);
            return;
        }
        // The position follows from the request, not from the answer. A server that returns another `startIndex` then
        // cannot make the client read in circles.
        let next = position(&self.query).saturating_add(count);
        self.done = self.query.cursor_text().is_some() || count == 0 || next > total;
        if !self.done {
            self.query = self.query.clone().start_index(next);
        }
    }

    /// Counts a page that was read, and checks whether the list is too long or does not end.
    fn note(&mut self, total: u64, count: u64, new: u64) -> Result<(), ClientError> {
        self.returned += new;
        self.read += 1;
        self.fruitless = if new == 0 { self.fruitless + 1 } else { 0 };
        let patience = if count == 0 { EMPTY } else { REPEATED };
        self.stuck = self.fruitless >= patience || self.read >= PAGES;
        let resources = total.saturating_sub(self.skipped).max(self.returned);
        let limit = self.endpoint.bounds().resources;
        if resources > limit {
            self.done = true;
            return Err(ClientError::ListTooLong { resources, limit });
        }
        Ok(())
    }
}

impl<R> fmt::Debug for Pages<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Returns the position of the first resource that a query asks for, from 1.
fn position(query: &Query) -> u64 {
    query.position().unwrap_or(1).max(1)
}
