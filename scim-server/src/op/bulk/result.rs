//! Turns the outcome of a change into the result of a bulk request.

use http::StatusCode;
use scim_core::{BulkMethod, BulkResult, Error, Lenience};
use scim_server_traits::EntityTag;

use super::{Entry, Job};
use crate::op::{Done, Outcome};
use crate::respond;

impl Job<'_> {
    /// Returns the result of an operation that was carried out. It shows nothing of the resource, so the tag is the
    /// version's.
    pub(super) fn done(&self, entry: &Entry, outcome: &Outcome, lenience: &Lenience) -> BulkResult {
        let server = self.call.server;
        let mut result = new(entry, outcome.status());
        result.version = outcome.version.map(|version| EntityTag(version).to_string());
        result.location = match outcome.done {
            Done::Created => Some(respond::location(server, &outcome.resource_type, &outcome.id)),
            _ => self.location(entry),
        };
        if server.names_passed_over {
            result.passed_over = lenience.passed_over().names().map(str::to_owned).collect();
        }
        result
    }

    /// Returns the result of an operation that was not carried out.
    pub(super) fn refused(&self, entry: &Entry, error: &Error) -> BulkResult {
        let mut result = new(entry, error.status);
        result.location = self.location(entry);
        result.response = Some(self.call.server.errors.value(error));
        result
    }

    /// Returns the URI that the operation is on, even if nothing is there. RFC 7644 §3.7.3 requires it for all but
    /// failed POSTs.
    fn location(&self, entry: &Entry) -> Option<String> {
        let segments = entry.segments();
        if entry.method == BulkMethod::Post || segments.is_empty() {
            return None;
        }
        let escape = |segment| percent_encoding::utf8_percent_encode(segment, respond::SEGMENT).to_string();
        let path: Vec<String> = segments.iter().map(|segment| escape(segment)).collect();
        Some(format!("{}/{}", self.call.server.base, path.join("/")))
    }
}

fn new(entry: &Entry, status: StatusCode) -> BulkResult {
    let mut result = BulkResult::new(entry.method.clone(), status);
    result.bulk_id.clone_from(&entry.bulk_id);
    result
}
