//! `POST /Bulk` — RFC 7644 §3.7. Each entry goes through the operation of its single request.
//!
//! Each POST gets its id before anything is done, so a reference by `bulkId` only says what has to exist first.
//! Consecutive creates that do not need each other are one batch. If that fails, each is a batch of its own. Every
//! other operation waits for those before it.

mod entry;
mod order;
mod result;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use scim_core::{
    BulkMethod, BulkResponse, BulkResult, Error, Limits, Reference, parse_json, shorten, take_members, urn,
};
use scim_patch::{RelationEdit, RelationStep};
use scim_server_traits::{Batch, Operation, Precondition, Update};
use serde_json::Value;

use self::entry::{Entry, Names};
use self::order::{Step, order};
use super::{Done, Outcome, change, create};
use crate::away;
use crate::call::{Call, Given, Input};
use crate::etag::Conditions;
use crate::known_links;
use crate::observe;
use crate::parameters::Parameters;
use crate::respond::Answer;
use crate::route::{Route, Target, route_below};

/// The limits of one bulk request.
// BULK-021
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BulkLimits {
    /// The greatest number of operations.
    pub operations: usize,
    /// The largest body, in bytes.
    pub payload: usize,
}

impl BulkLimits {
    /// Creates these limits.
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

/// How many creates are one batch, or run together, at most. Other writes need a turn too.
const TOGETHER: usize = 512;

pub(crate) async fn run(call: &Call<'_>, body: Bytes) -> Result<Answer, Error> {
    let Some(limits) = call.server.bulk else {
        return Err(Error::not_implemented("bulk operations are not supported"));
    };
    let (entries, most_errors) = read(call, body, &limits).await?;
    let results = entries.iter().map(|_| None).collect();
    let mut job = Job { call, entries, results, errors: 0, most_errors };
    job.run().await;
    Answer::json(StatusCode::OK, &BulkResponse::new(job.results.into_iter().flatten()))
}

/// Reads the entries, and after how many errors to stop.
async fn read(call: &Call<'_>, bytes: Bytes, limits: &BulkLimits) -> Result<(Vec<Entry>, usize), Error> {
    let too_large = |detail: String| Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    if bytes.len() > limits.payload {
        return too_large(format!(
            "the body has {} bytes: maxPayloadSize is {}",
            bytes.len(),
            limits.payload
        ));
    }
    let of_body = Limits { bytes: limits.payload, ..call.server.limits };
    let body = away::run(bytes.len() as u64, move || parse_json(&bytes, &of_body)).await?;
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

/// A bulk request under way.
struct Job<'a> {
    call: &'a Call<'a>,
    entries: Vec<Entry>,
    /// The result of each entry that was tried.
    results: Vec<Option<BulkResult>>,
    errors: usize,
    most_errors: usize,
}

impl Job<'_> {
    async fn run(&mut self) {
        let mut together = Vec::new();
        for step in order(&self.entries) {
            away::turn().await;
            let room = self.most_errors - self.errors;
            match &step {
                // Not more than may fail, because nothing is done after the last error that is accepted (BULK-010).
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
                    let data = self.entries[at].data.take();
                    let result = self.one(at, data).await;
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

    /// Returns whether the entry is a create that needs none of these.
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
            // Some of them cannot be created, and each by itself shows which. They begin in order, so that a store that
            // keeps the order decides as if they came one by one.
            let data: Vec<_> = some.iter().map(|at| (*at, self.entries[*at].data.take())).collect();
            let creates: Vec<_> = data.into_iter().map(|(at, data)| self.one(at, data)).collect();
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

    /// Carries out one operation as if it were a single request.
    async fn one(&self, at: usize, data: Option<Value>) -> BulkResult {
        let entry = &self.entries[at];
        let target = match self.check(entry, data.is_some(), &[]) {
            Ok(target) => target,
            Err(error) => return self.refused(entry, &error),
        };
        let call = self.call_for(entry);
        let outcome = change(&call, target, given(entry, data)).await;
        let lenience = call.into_lenience();
        observe::report(&lenience);
        match outcome {
            Ok(outcome) => self.done(entry, &outcome, &lenience),
            Err(error) => self.refused(entry, &error),
        }
    }

    fn call_for(&self, entry: &Entry) -> Call<'_> {
        let call = Call::new(self.call.server, self.call.context.clone(), Parameters::default());
        call.with_lenience(entry.lenience.clone())
    }

    /// Returns the target of the operation, if everything that it needs exists or is created together with it.
    fn check(&self, entry: &Entry, has_data: bool, with: &[usize]) -> Result<Target, Error> {
        if let Some(fault) = &entry.fault {
            return Err(fault.clone());
        }
        // An operation is not begun if nothing is left for it.
        self.call.context.work().affords(1)?;
        let is_there =
            |at: &&usize| self.results[**at].as_ref().is_some_and(|result| result.status.is_success());
        if let Some(missing) = entry.needs.iter().find(|at| !with.contains(at) && !is_there(at)) {
            let name = self.entries[*missing].bulk_id.as_deref().unwrap_or_default();
            return Err(Error::new(StatusCode::CONFLICT, format!("`bulkId:{name}` was not created")));
        }
        self.target(entry, has_data)
    }

    fn target(&self, entry: &Entry, has_data: bool) -> Result<Target, Error> {
        let method = entry.http_method()?;
        let path = entry.path.as_str();
        let route = route_below(&self.call.server.registry, &method, path)
            .map_err(|error| error.into_parts(&method, path, self.call.server.patching).0)?;
        match route {
            Route::Change(target) if target.takes_body() && !has_data => {
                Err(Error::invalid_value(format!("`data` is missing: {method} needs it")))
            }
            Route::Change(target) => {
                self.call.authorize(&target.action())?;
                Ok(target)
            }
            _ => Err(Error::invalid_value(format!(
                "`path`: `{}` is no resource and no endpoint of one",
                shorten(path)
            ))),
        }
    }

    /// Carries out creates that refer to each other in a circle, all or none.
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

    /// Carries out creates in one batch, all or none. Each is created without the links to those that are created
    /// later, and then gets them.
    async fn at_once(&self, creates: &[usize]) -> Result<Vec<BulkResult>, Error> {
        let server = self.call.server;
        let ids = creates.iter().filter_map(|at| self.entries[*at].id.as_deref());
        let mut to_come: BTreeSet<&str> = ids.collect();
        let (mut batch, mut updates) = (self.call.batch(Operation::Create), Vec::new());
        let (mut notes, mut outcomes) = (Vec::new(), Vec::new());
        for at in creates {
            let entry = &self.entries[*at];
            away::turn().await;
            // A POST to an endpoint creates a resource and does nothing else.
            let target = self.check(entry, entry.data.is_some(), creates)?;
            let resource_type = Arc::clone(target.resource_type());
            let call = self.call_for(entry);
            // A copy, because each is created by itself if the batch fails.
            let mut insert =
                create::new(&call, &resource_type, given(entry, entry.data.clone())).await?.insert;
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
            if !later.is_empty() {
                let update = Update::new(Arc::clone(&resource_type), &insert.id).with_relations(later);
                updates.push((outcomes.len(), update));
            }
            let (done, id) = (Done::Created, insert.id.clone());
            outcomes.push(Outcome { done, resource_type, id, version: None, shown: None, made: None });
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
        // The last write of each resource has its version.
        for (at, written) in (0..creates.len()).chain(updated).zip(written) {
            outcomes[at].version = Some(written.version);
        }
        let results = creates.iter().zip(&outcomes).zip(&notes).map(|((at, outcome), lenience)| {
            observe::report(lenience);
            self.done(&self.entries[*at], outcome, lenience)
        });
        Ok(results.collect())
    }
}

/// Returns the input of the operation, with its data taken out of the entry.
fn given(entry: &Entry, data: Option<Value>) -> Given {
    // BULK-007
    let precondition = entry.version.as_deref().map_or(Precondition::None, Conditions::of_version);
    Given {
        input: Input::Json(data.unwrap_or_default()),
        precondition,
        id: entry.id.clone(),
        is_shown: false,
    }
}
