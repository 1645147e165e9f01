//! `GET /{type}` and `GET /` — RFC 7644 §3.4.2, RFC 9865.

use std::sync::Arc;

use scim_core::{
    Error, Lenience, ListResponse, PaginationMethod, Projection, Quirk, Resolved, ResourceType, ScimType,
};
use scim_filter::{BoundFilter, Filter};
use scim_server_traits::{Match, Position, Query, Seek, Sort, SortBy};

use super::read::AT_ONCE;
use crate::call::Call;
use crate::cursor::{Cursor, Cursors, Walk};
use crate::etag;
use crate::parameters::Parameters;
use crate::respond::{Answer, wanted_relations};
use crate::shown::Shown;

/// Answers with the resources of one type.
pub(crate) async fn run(
    call: &Call<'_>,
    parameters: &Parameters,
    resource_type: &Arc<ResourceType>,
) -> Result<Answer, Error> {
    let sort = match &parameters.sort_by {
        None => Sort::default(),
        Some(path) => {
            let by = call.reading(|lenience| SortBy::bind(path, resource_type, lenience))?;
            sort(call, parameters, by, resource_type)?
        }
    };
    let filter = filter(call, parameters)?;
    let part = Part::new(
        call,
        parameters,
        resource_type,
        filter.as_ref().map(|it| (it, Filter::bind as Bind)),
        sort,
    )?;
    Listing { call, parameters, endpoint: resource_type.endpoint(), parts: vec![part] }.answer().await
}

/// Answers with an empty list for a type that is not served, if the quirk is on; otherwise 404. Some clients query such
/// a type to see whether it is served.
//
pub(crate) fn run_unserved(call: &Call<'_>, path: &str) -> Result<Answer, Error> {
    if !call.reading(|lenience| lenience.uses(Quirk::ListUnservedTypeAsEmpty)) {
        return Err(Error::not_found(format!("there is no endpoint `{path}`")));
    }
    Answer::list(ListResponse::page(0, 1, Vec::new()), 0, |_| Ok(()))
}

/// Answers with the resources of all types: one type after the other, unless they are sorted.
// SRV-036
pub(crate) async fn run_all(call: &Call<'_>, parameters: &Parameters) -> Result<Answer, Error> {
    let types = call.server.registry.resource_types();
    // FILT-019: an attribute that a type lacks has no value there, but some type must know each attribute.
    let filter = filter(call, parameters)?;
    if let Some(filter) = &filter {
        let knows = |resource_type: &ResourceType, path: &str| {
            call.reading(|lenience| resource_type.resolve_with(path, lenience)).is_ok()
        };
        let is_known = |path: &str| {
            // `value` means the values themselves if they have no sub-attributes.
            let itself = path.strip_suffix(".value").unwrap_or(path);
            types.iter().any(|resource_type| knows(resource_type, path) || knows(resource_type, itself))
        };
        if let Some(path) = filter.paths().into_iter().find(|path| !is_known(path)) {
            return Err(Error::invalid_filter(format!("`{path}` is no attribute of any resource type")));
        }
    }
    let orders: Vec<_> = match &parameters.sort_by {
        None => types.iter().map(|_| Ok(SortBy::Creation)).collect(),
        Some(path) => {
            let bind =
                |known: &Arc<ResourceType>| call.reading(|lenience| SortBy::bind(path, known, lenience));
            types.iter().map(bind).collect()
        }
    };
    let is_known = orders.iter().any(Result::is_ok);
    let mut parts = Vec::new();
    for (resource_type, by) in types.iter().zip(orders) {
        let by = if is_known { by.unwrap_or_default() } else { by? };
        let sort = sort(call, parameters, by, resource_type)?;
        let filter = filter.as_ref().map(|filter| (filter, Filter::bind_at_root as Bind));
        parts.push(Part::new(call, parameters, resource_type, filter, sort)?);
    }
    Listing { call, parameters, endpoint: "/", parts }.answer().await
}

/// Parses the filter of the request. It is not bound to a type yet.
fn filter(call: &Call<'_>, parameters: &Parameters) -> Result<Option<Filter>, Error> {
    let parse = |text: &String| call.reading(|lenience| Filter::parse_with(text, lenience));
    Ok(parameters.filter.as_ref().map(parse).transpose()?)
}

/// Returns the order that the request asks for.
fn sort(
    call: &Call<'_>,
    parameters: &Parameters,
    by: SortBy,
    resource_type: &ResourceType,
) -> Result<Sort, Error> {
    if parameters.sort_by.is_none() {
        return Ok(Sort::default());
    }
    if !call.server.sorting {
        // A client that asks for an order and gets another would be misled (FILT-030).
        return Err(Error::not_implemented("sorting is not supported: leave `sortBy` out"));
    }
    if let (true, Some(path)) = (parameters.in_url, &parameters.sort_by)
        && is_sensitive(call, path, resource_type)
    {
        // Cursors hold values of the attribute, and they are in URLs too.
        return Err(sensitive(path));
    }
    let descending = parameters.descending()?;
    Ok(if descending { Sort::descending(by) } else { Sort::ascending(by) })
}

/// How a filter is bound to a type.
pub(crate) type Bind =
    fn(&Filter, &ResourceType, &mut Lenience) -> Result<BoundFilter, scim_filter::FilterError>;

/// The query and the projection of a request for one resource type.
pub(crate) struct Part {
    resource_type: Arc<ResourceType>,
    pub(crate) query: Query,
    pub(crate) projection: Projection,
}

impl Part {
    pub(crate) fn new(
        call: &Call<'_>,
        parameters: &Parameters,
        resource_type: &Arc<ResourceType>,
        filter: Option<(&Filter, Bind)>,
        sort: Sort,
    ) -> Result<Self, Error> {
        let projection = parameters.projection(resource_type)?;
        let mut query = Query::new(Arc::clone(resource_type))
            .with_relations(wanted_relations(resource_type, &projection))
            .at_once(AT_ONCE)
            .sorted(sort);
        query.scan_limit = call.server.scan_limit;
        query.as_text = projection.is_default();
        query.keeps_unknown = call.server.keeps_unknown();
        if let Some((filter, bind)) = filter {
            if parameters.in_url && !call.server.sensitive.is_empty() {
                refuse_sensitive(call, filter, resource_type)?;
            }
            let bound = call.reading(|lenience| bind(filter, resource_type, lenience))?;
            query.filter = Some(bound.with_versions(etag::of_version));
        }
        Ok(Self { resource_type: Arc::clone(resource_type), query, projection })
    }
}

/// Refuses a filter in a URL if it names a sensitive attribute. Clients use `.search` for it.
// FILT-026
fn refuse_sensitive(call: &Call<'_>, filter: &Filter, resource_type: &ResourceType) -> Result<(), Error> {
    match filter.paths().iter().find(|path| is_sensitive(call, path, resource_type)) {
        Some(path) => Err(sensitive(path)),
        None => Ok(()),
    }
}

fn is_sensitive(call: &Call<'_>, path: &str, resource_type: &ResourceType) -> bool {
    match call.reading(|lenience| resource_type.resolve_with(path, lenience)) {
        // A path without sub-attribute means all of them; so does a sensitive path without one.
        Ok(Resolved::Attribute(asked)) => call.server.sensitive.iter().any(|known| {
            known.extension() == asked.extension()
                && known.attribute().name == asked.attribute().name
                && known.sub().zip(asked.sub()).is_none_or(|(known, asked)| known.name == asked.name)
        }),
        _ => false,
    }
}

fn sensitive(path: &str) -> Error {
    Error::scim(
        ScimType::Sensitive,
        format!("`{path}` must not be asked for in a URL: send the query to `.search` by POST"),
    )
}

/// A list under way.
struct Listing<'a> {
    call: &'a Call<'a>,
    parameters: &'a Parameters,
    endpoint: &'a str,
    parts: Vec<Part>,
}

/// A resource that was found, and the part of the request that it belongs to.
struct Found {
    part: usize,
    found: Match,
}

impl Found {
    fn position(&self) -> &Position {
        &self.found.position
    }
}

impl Listing<'_> {
    async fn answer(&self) -> Result<Answer, Error> {
        let server = self.call.server;
        let by_default =
            server.default_paging == PaginationMethod::Cursor && !self.parameters.has_start_index();
        match (&self.parameters.cursor, &server.cursors) {
            (Some(_), None) => {
                Err(Error::not_implemented("cursor paging is not supported: use `startIndex` and `count`"))
            }
            // SRV-058: it is not defined which of the two would count.
            (Some(_), Some(_)) if self.parameters.has_start_index() => {
                Err(Error::invalid_value("`startIndex` and `cursor` exclude each other"))
            }
            (Some(text), Some(cursors)) => self.by_cursor(cursors, text).await,
            (None, Some(cursors)) if by_default => self.by_cursor(cursors, "").await,
            (None, _) => self.by_index().await,
        }
    }

    async fn by_index(&self) -> Result<Answer, Error> {
        let server = self.call.server;
        let count = self.parameters.count(server.default_page, server.max_page)?;
        let offset = self.parameters.start_index()? - 1;
        let is_sorted = self.parts.iter().any(|part| part.query.sort.by != SortBy::Creation);
        let (total, found) = if is_sorted && self.parts.len() > 1 {
            self.merged(offset, count).await?
        } else {
            self.one_after_the_other(offset, count).await?
        };
        self.page(ListResponse::page(total, offset + 1, Vec::new()), found)
    }

    /// Pages by cursor (RFC 9865 §2). Reads one more than was asked for, to know whether the walk goes on.
    async fn by_cursor(&self, cursors: &Cursors, text: &str) -> Result<Answer, Error> {
        let server = self.call.server;
        let Parameters { filter, sort_by, .. } = self.parameters;
        let descending = self.parameters.descending()?;
        let walk =
            Walk::new(&self.call.context, self.endpoint, filter.as_deref(), sort_by.as_deref(), descending);
        let given = self.parameters.count(server.default_page, server.max_page);
        let mut count = given.map_err(|error| Error::scim(ScimType::InvalidCount, error.detail))?;
        let now = server.clock.now();
        let at = if text.is_empty() { None } else { Some(cursors.read(text, &walk, now)?) };
        if let Some(at) = &at {
            // SRV-053: all pages of a walk are of one size.
            if self.parameters.has_count() && count != at.count {
                let detail = format!("`count` must stay {} on all pages of a query", at.count);
                return Err(Error::scim(ScimType::InvalidCount, detail));
            }
            count = at.count;
        }
        let back = at.as_ref().is_some_and(|at| at.back);
        let limit = if count == 0 { 0 } else { count.saturating_add(1) };
        let (total, mut found) = match &at {
            None if self.parts.len() == 1 => self.one_after_the_other(0, limit).await?,
            at => self.sought(at.as_ref(), limit).await?,
        };
        let more = found.len() as u64 > count;
        if more && back {
            found.remove(0);
        } else if more {
            found.pop();
        }
        let issue = |cursor: Cursor| cursors.issue(cursor, &walk, now);
        let cursor = |back: bool, found: &Found| Cursor::new(back, found.part, found.position(), count);
        // SRV-050: never on the first page.
        let has_previous = if back { more } else { at.is_some() };
        let previous = found.first().filter(|first| has_previous && Cursor::fits(first.position()));
        let previous = previous.map(|first| issue(cursor(true, first))).transpose()?;
        let next = match (found.last(), &at) {
            (Some(last), _) if more || back => {
                if !Cursor::fits(last.position()) {
                    let path = sort_by.as_deref().unwrap_or_default();
                    let detail = format!(
                        "`sortBy`: a value of `{path}` is too long for a cursor: page by `startIndex`, or sort by \
                         something else"
                    );
                    return Err(Error::invalid_value(detail));
                }
                Some(issue(cursor(false, last))?)
            }
            // SRV-049: the resources before the position are gone, those after it are not.
            (None, Some(at)) if back && count > 0 => Some(issue(at.turned(self.is_descending()))?),
            _ => None,
        };
        let mut page = ListResponse::by_cursor(Some(total), next, Vec::new());
        page.previous_cursor = previous;
        self.page(page, found)
    }

    /// Returns how many match, and those of a page, one type after the other.
    async fn one_after_the_other(&self, offset: u64, count: u64) -> Result<(u64, Vec<Found>), Error> {
        let (mut total, mut found) = (0, Vec::new());
        for number in 0..self.parts.len() {
            let left = count - found.len() as u64;
            let (matches, more) = self.query(number, Seek::Start, offset.saturating_sub(total), left).await?;
            total += matches;
            found.extend(more);
        }
        Ok((total, found))
    }

    /// Returns the page of all types in one order.
    async fn merged(&self, offset: u64, count: u64) -> Result<(u64, Vec<Found>), Error> {
        // An index this deep in a merge takes reading everything before it. A cursor does not.
        let end = offset.saturating_add(count);
        let limit = self.call.server.scan_limit;
        if end > limit {
            let detail = format!("no more than {limit} sorted resources are passed over: page by `cursor`");
            return Err(Error::scim(ScimType::TooMany, detail));
        }
        let (total, mut found) = self.sought(None, end).await?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(found.len());
        Ok((total, found.split_off(offset)))
    }

    /// Returns what follows a cursor, or comes before it, in one order over all types.
    async fn sought(&self, at: Option<&Cursor>, limit: u64) -> Result<(u64, Vec<Found>), Error> {
        let (mut total, mut found) = (0, Vec::new());
        for number in 0..self.parts.len() {
            let seek = at.map_or(Seek::Start, |at| at.seek(number));
            let (matches, more) = self.query(number, seek, 0, limit).await?;
            total += matches;
            found.extend(more);
        }
        let descending = self.is_descending();
        found.sort_by(|a: &Found, b: &Found| {
            let (a, b) = if descending { (b, a) } else { (a, b) };
            let keys = a.position().cmp_key(b.position());
            keys.then(a.part.cmp(&b.part)).then(a.position().place.cmp(&b.position().place))
        });
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if at.is_some_and(|at| at.back) {
            found.drain(..found.len().saturating_sub(limit));
        } else {
            found.truncate(limit);
        }
        Ok((total, found))
    }

    fn is_descending(&self) -> bool {
        self.parts.iter().any(|part| part.query.sort.descending)
    }

    async fn query(
        &self,
        part: usize,
        seek: Seek,
        offset: u64,
        limit: u64,
    ) -> Result<(u64, Vec<Found>), Error> {
        let query = self.parts[part].query.clone().seek(seek).page(offset, limit);
        let page = self.call.server.store.query(&self.call.context, query).await?;
        let found = page.matches.into_iter().map(|found| Found { part, found }).collect();
        Ok((page.total, found))
    }

    /// Returns the answer with these resources.
    fn page(&self, page: ListResponse<()>, found: Vec<Found>) -> Result<Answer, Error> {
        Answer::list(page, found.len(), |pieces| {
            for (number, Found { part, found }) in found.into_iter().enumerate() {
                if number > 0 {
                    pieces.end().push(b',');
                }
                let Part { resource_type, projection, .. } = &self.parts[part];
                Shown::new(self.call.server, resource_type, found.stored).write(pieces, projection)?;
            }
            Ok(())
        })
    }
}
