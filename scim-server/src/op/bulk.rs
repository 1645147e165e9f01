//! `POST /Bulk` — RFC 7644 §3.7. Each entry goes through the operation of its single request.
//!
//! Whatever a POST makes has its id before anything is done, so a reference by `bulkId` only says what has to be
//! there first (`bulk/order.rs`). Creates that follow each other and need nothing of each other are one batch, or
//! where that fails, each its own; everything else waits for what comes before it.

mod entry;
mod order;

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use scim_core::{
    BulkMethod, BulkResponse, BulkResult, Error, Lenience, Limits, Reference, parse_json, shorten,
    take_members, urn,
};
use scim_patch::{RelationEdit, RelationStep};
use scim_server_traits::{Batch, EntityTag, Update};
use serde_json::Value;

use self::entry::{Entry, Names};
use self::order::{Step, order};
use super::create;
use crate::etag;
use crate::known_links;
use crate::observe;
use crate::parameters::Parameters;
use crate::respond::{self, Answer};
use crate::route::{Route, route_below};
use crate::server::{Call, Input};

/// How much one bulk request may hold.
// BULK-021
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkLimits {
    /// The most operations.
    pub operations: usize,
    /// The largest body, in bytes.
    pub payload: usize,
}

impl BulkLimits {
    /// These limits.
    pub fn new(operations: usize, payload: usize) -> Self {
        Self { operations, payload }
    }
}

impl Default for BulkLimits {
    /// 1,000 operations, 8 MiB.
    fn default() -> Self {
        Self { operations: 1_000, payload: 8 << 20 }
    }
}

/// How many creates are one batch, or under way together, at most: other writes want their turn.
const TOGETHER: usize = 512;

pub(crate) async fn run(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(limits) = call.server.bulk else {
        return Err(Error::not_implemented("bulk operations are not supported"));
    };
    let (entries, most_errors) = read(call, &limits)?;
    let results = entries.iter().map(|_| None).collect();
    let mut job = Job { call, entries, results, errors: 0, most_errors };
    job.run().await;
    Answer::json(StatusCode::OK, &BulkResponse::new(job.results.into_iter().flatten()))
}

/// The entries, and after how many errors to stop.
fn read(call: &Call<'_>, limits: &BulkLimits) -> Result<(Vec<Entry>, usize), Error> {
    let too_large = |detail: String| Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    let Input::Bytes(bytes) = &call.input else {
        return Err(Error::invalid_syntax("a bulk request holds no bulk request"));
    };
    if bytes.len() > limits.payload {
        return too_large(format!(
            "the body has {} bytes: maxPayloadSize is {}",
            bytes.len(),
            limits.payload
        ));
    }
    let body = parse_json(bytes, &Limits { bytes: limits.payload, ..call.server.limits })?;
    let Value::Object(body) = body else {
        return Err(Error::invalid_syntax("the body must be an object"));
    };
    let names = ["schemas", "failOnErrors", "Operations"];
    let [schemas, fail_on_errors, operations] =
        call.reading(|lenience| take_members("", body, names, lenience))?;
    let names_it = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(urn::BULK_REQUEST));
    let schemas = schemas.as_ref().and_then(Value::as_array);
    if !schemas.is_some_and(|urns| urns.iter().any(names_it)) {
        return Err(Error::invalid_syntax(format!("`schemas` must be [\"{}\"]", urn::BULK_REQUEST)));
    }
    let most_errors = match fail_on_errors {
        None | Some(Value::Null) => usize::MAX,
        Some(number) => number
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| *number > 0)
            .ok_or_else(|| Error::invalid_value(format!("`failOnErrors` must be 1 or more, not {number}")))?,
    };
    let Some(Value::Array(operations)) = operations else {
        return Err(Error::invalid_syntax("`Operations` must be an array"));
    };
    if operations.len() > limits.operations {
        let (given, most) = (operations.len(), limits.operations);
        return too_large(format!("`Operations` holds {given}: maxOperations is {most}"));
    }
    let mut entries: Vec<Entry> = operations
        .into_iter()
        .enumerate()
        .map(|(place, operation)| Entry::read(place, operation, call.server.lenience()))
        .collect();
    let names = Names::give(&mut entries, call.server)?;
    entries.iter_mut().for_each(|entry| entry.resolve(&names));
    Ok((entries, most_errors))
}

/// A bulk request on its way.
struct Job<'a> {
    call: &'a Call<'a>,
    entries: Vec<Entry>,
    /// What became of each entry that was tried.
    results: Vec<Option<BulkResult>>,
    errors: usize,
    most_errors: usize,
}

impl Job<'_> {
    async fn run(&mut self) {
        let mut together = Vec::new();
        for step in order(&self.entries) {
            let room = self.most_errors - self.errors;
            match &step {
                // No more than may fail: what comes after the last error that is accepted is not done (BULK-010).
                Step::One(at) if together.len() < room && self.goes_with(*at, &together) => {
                    together.push(*at);
                    continue;
                }
                _ => self.creates(&mut together).await,
            }
            if self.errors >= self.most_errors {
                return;
            }
            match step {
                Step::One(at) if self.goes_with(at, &[]) => together.push(at),
                Step::One(at) => {
                    let result = self.one(at).await;
                    self.note(at, result);
                }
                Step::Circle(circle) => self.circle(&circle).await,
            }
            if self.errors >= self.most_errors {
                return;
            }
        }
        self.creates(&mut together).await;
    }

    /// Whether it is a create that needs none of these.
    fn goes_with(&self, at: usize, together: &[usize]) -> bool {
        let entry = &self.entries[at];
        entry.method == BulkMethod::Post
            && entry.fault.is_none()
            && !entry.needs.iter().any(|needed| together.contains(needed))
    }

    async fn creates(&mut self, together: &mut Vec<usize>) {
        let together = std::mem::take(together);
        for some in together.chunks(TOGETHER) {
            let made = if some.len() > 1 { self.at_once(some).await.ok() } else { None };
            if let Some(made) = made {
                for (at, result) in some.iter().zip(made) {
                    self.note(*at, result);
                }
                continue;
            }
            // Some of them cannot be made: each by itself tells which. Begun in order, so that a store that keeps
            // it decides as if they came one by one.
            let creates: Vec<_> = some.iter().map(|at| self.one(*at)).collect();
            let results: Vec<_> = stream::iter(creates).buffered(TOGETHER).collect().await;
            for (at, result) in some.iter().zip(results) {
                self.note(*at, result);
            }
        }
    }

    fn note(&mut self, at: usize, result: BulkResult) {
        self.errors += usize::from(!result.status.is_success());
        self.results[at] = Some(result);
    }

    /// An operation as if it had come alone.
    async fn one(&self, at: usize) -> BulkResult {
        let entry = &self.entries[at];
        let route = match self.check(entry, &[]) {
            Ok(route) => route,
            Err(error) => return self.refused(entry, &error),
        };
        let mut headers = HeaderMap::new();
        if let Some(version) = &entry.version {
            // BULK-007. What cannot stand in a header is no tag of ours.
            let value = HeaderValue::from_str(version).unwrap_or(HeaderValue::from_static("\"\""));
            headers.insert(header::IF_MATCH, value);
        }
        let call = self.call_for(entry, &headers);
        let outcome = call.single(route).await;
        let lenience = call.into_lenience();
        observe::report(&lenience);
        match outcome {
            Ok(answer) => {
                let mut result = self.result(entry, answer.status());
                self.tell(&mut result, &lenience);
                // Nothing of the resource is shown, so the tag is the version's.
                let tag = answer.get(&header::ETAG);
                result.version = tag.map(|tag| etag::of_version(tag).unwrap_or_else(|| tag.to_owned()));
                result.location = answer.get(&header::LOCATION).map(str::to_owned);
                result.location = result.location.or_else(|| self.location(entry));
                result
            }
            Err(error) => self.refused(entry, &error),
        }
    }

    fn call_for<'b>(&'b self, entry: &'b Entry, headers: &'b HeaderMap) -> Call<'b> {
        let input = Input::Json(entry.data.as_ref().unwrap_or(&Value::Null));
        let context = self.call.context.clone();
        let mut call = Call::new(self.call.server, context, headers, input, Parameters::default());
        call.id.clone_from(&entry.id);
        call.with_lenience(entry.lenience.clone())
    }

    /// Where the operation leads, once all that it needs is there, or among those that are made with it.
    fn check(&self, entry: &Entry, with: &[usize]) -> Result<Route, Error> {
        if let Some(fault) = &entry.fault {
            return Err(fault.clone());
        }
        // What nothing is left for is not begun.
        self.call.context.work().affords(1)?;
        let is_there =
            |at: &&usize| self.results[**at].as_ref().is_some_and(|result| result.status.is_success());
        if let Some(missing) = entry.needs.iter().find(|at| !with.contains(at) && !is_there(at)) {
            let name = self.entries[*missing].bulk_id.as_deref().unwrap_or_default();
            return Err(Error::new(StatusCode::CONFLICT, format!("`bulkId:{name}` was not created")));
        }
        self.route(entry)
    }

    fn route(&self, entry: &Entry) -> Result<Route, Error> {
        let method = entry.http_method()?;
        let path = entry.path.as_str();
        let route = route_below(&self.call.server.registry, &method, path)
            .map_err(|error| error.into_parts(&method, path, self.call.server.patching).0)?;
        match route {
            Route::Create(_) | Route::Replace(..) | Route::Patch(..) if entry.data.is_none() => {
                Err(Error::invalid_value(format!("`data` is missing: {method} needs it")))
            }
            Route::Create(_) | Route::Replace(..) | Route::Patch(..) | Route::Delete(..) => Ok(route),
            _ => Err(Error::invalid_value(format!(
                "`path`: `{}` is no resource and no endpoint of one",
                shorten(path)
            ))),
        }
    }

    /// Creates that refer to each other in a circle, all or none.
    // BULK-016
    async fn circle(&mut self, circle: &[usize]) {
        let outcome = self.at_once(circle).await;
        let refused =
            |error: &Error| circle.iter().map(|at| self.refused(&self.entries[*at], error)).collect();
        let results: Vec<_> = outcome.unwrap_or_else(|error| refused(&error));
        for (at, result) in circle.iter().zip(results) {
            self.note(*at, result);
        }
    }

    /// Creates in one batch, all or none: each is made without the links to those that are made later, and then
    /// gets them.
    async fn at_once(&self, creates: &[usize]) -> Result<Vec<BulkResult>, Error> {
        let headers = HeaderMap::new();
        let server = self.call.server;
        let ids = creates.iter().filter_map(|at| self.entries[*at].id.as_deref());
        let mut to_come: BTreeSet<&str> = ids.collect();
        let (mut batch, mut updates) = (Batch::new(server.clock.now()), Vec::new());
        let (mut notes, mut results) = (Vec::new(), Vec::new());
        for at in creates {
            let entry = &self.entries[*at];
            let Route::Create(resource_type) = self.check(entry, creates)? else {
                return Err(Error::internal("only creates are made together"));
            };
            let call = self.call_for(entry, &headers);
            let mut insert = create::new(&call, &resource_type)?.insert;
            notes.push(call.into_lenience());
            let mut later = Vec::new();
            for (relation, references) in &mut insert.links {
                let is_later = |reference: &mut Reference| to_come.contains(reference.value.as_str());
                let links: Vec<_> = references.extract_if(.., is_later).collect();
                if !links.is_empty() {
                    later.push(RelationEdit::new(relation.clone(), RelationStep::Add(links)));
                }
            }
            to_come.remove(insert.id.as_str());
            let mut result = self.result(entry, StatusCode::CREATED);
            result.location = Some(respond::location(server, &resource_type, &insert.id));
            results.push(result);
            if !later.is_empty() {
                updates
                    .push((results.len() - 1, Update::new(resource_type, &insert.id).with_relations(later)));
            }
            batch = batch.insert(insert);
        }
        let (updated, updates): (Vec<_>, Vec<_>) = updates.into_iter().unzip();
        let batch = updates.into_iter().fold(batch, Batch::update);
        let mut dropped = Vec::new();
        let written = known_links::commit(server, &self.call.context, batch, &mut dropped).await?;
        for loss in dropped {
            // The updates come after the creates.
            let at = match loss.write.checked_sub(creates.len()) {
                None => Some(loss.write),
                Some(update) => updated.get(update).copied(),
            };
            if let Some(lenience) = at.and_then(|at| notes.get_mut(at)) {
                loss.note(lenience);
            }
        }
        for (result, lenience) in results.iter_mut().zip(&notes) {
            observe::report(lenience);
            self.tell(result, lenience);
        }
        // The last write of each says the version.
        for (at, written) in (0..creates.len()).chain(updated).zip(written) {
            results[at].version = Some(EntityTag(written.version).to_string());
        }
        Ok(results)
    }

    /// Names what an operation said in vain.
    fn tell(&self, result: &mut BulkResult, lenience: &Lenience) {
        if self.call.server.names_passed_over {
            result.passed_over = lenience.passed_over().names().map(str::to_owned).collect();
        }
    }

    fn result(&self, entry: &Entry, status: StatusCode) -> BulkResult {
        let mut result = BulkResult::new(entry.method.clone(), status);
        result.bulk_id.clone_from(&entry.bulk_id);
        result
    }

    /// What the operation is on, also where that is not there: §3.7.3 asks for it with all but failed POSTs.
    fn location(&self, entry: &Entry) -> Option<String> {
        let segments = entry.segments();
        if entry.method == BulkMethod::Post || segments.is_empty() {
            return None;
        }
        let escape = |segment| percent_encoding::utf8_percent_encode(segment, respond::SEGMENT).to_string();
        let path: Vec<String> = segments.iter().map(|segment| escape(segment)).collect();
        Some(format!("{}/{}", self.call.server.base, path.join("/")))
    }

    fn refused(&self, entry: &Entry, error: &Error) -> BulkResult {
        let mut result = self.result(entry, error.status);
        result.location = self.location(entry);
        result.response = Some(self.call.server.errors.value(error));
        result
    }
}
