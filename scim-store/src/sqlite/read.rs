//! Reads from one consistent state of the file.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Params, Row, params, params_from_iter};
use scim_core::{Resource, ResourceType, Timestamp};
use scim_filter::{BoundFilter, Entry, Narrow, Plan};
use scim_server_traits::{EntityTag, Get, Match, Position, Query, Seek, SortBy, StoreError, Stored};

use super::by_key::ByKey;
use super::checksum::{self, Whose};
use super::fault::Fault;
use super::names::NamesOf;
use super::narrow::{Candidates, integer};
use super::pace::Pace;
use super::partial;
use super::rank;
use super::readers::{Snapshot, Turn};
use super::relations::{End, Targets, View, links};
use crate::scan::ScanWork;
use crate::tables::Seq;

/// Reads one resource, and what is left of its relations.
pub(super) fn get(
    Snapshot { connection, names, .. }: Snapshot<'_>,
    tenant: &str,
    get: &Get,
) -> Result<Option<(Stored, Vec<Left>)>, Fault> {
    let kind = get.resource_type.name();
    let sql = "SELECT d.seq, d.dormant, d.id, d.version, d.created, d.modified, d.doc, d.definition,
            d.checksum
        FROM scim_resource r CROSS JOIN scim_document d ON d.seq = r.seq
        WHERE r.tenant = ?1 AND r.kind = ?2 AND r.id = ?3";
    let Some(Found { end, mut stored, .. }) =
        one(connection, sql, [tenant, kind, &get.id], &Form::of_one(tenant, get), |_| Ok(()))?
    else {
        return Ok(None);
    };
    let relations = (&*get.resource_type, &*get.relations);
    let left = link(connection, names, &mut stored, end, relations, get.at_once)?;
    Ok(Some((stored, left)))
}

/// Gives a resource its links of these relations, except those with more links than may come at once.
fn link(
    connection: &Connection,
    names: NamesOf<'_>,
    stored: &mut Stored,
    end: End,
    (resource_type, relations): (&ResourceType, &[String]),
    at_once: usize,
) -> Result<Vec<Left>, Fault> {
    let mut left = Vec::new();
    for name in relations {
        let Some(relation) = resource_type.relation(name) else { continue };
        let mut first = links(connection, names, relation, end, at_once.saturating_add(1))?;
        if first.len() > at_once
            && let Some(targets) = Targets::of(connection, relation, end)?
        {
            // Hidden targets are in `targets` but not in `first`. All links come later.
            first.clear();
            left.push(Left { relation: name.clone(), targets });
        }
        stored.links.insert(name.clone(), first);
    }
    Ok(left)
}

/// The links of a relation that do not come at once.
pub(super) struct Left {
    pub(super) relation: String,
    pub(super) targets: Targets,
}

/// The number of matches, and the resources of the page, each with what is left of its relations.
pub(super) type Read = (u64, Vec<(Match, Vec<Left>)>);

pub(super) fn query(
    Snapshot { connection, names, turn }: Snapshot<'_>,
    tenant: &str,
    query: &Query,
    pace: &Pace,
) -> Result<Read, Fault> {
    let reading = Reading { connection, names, tenant, query, turn, pace };
    match &query.filter {
        None => reading.page(&Narrow::All),
        Some(filter) => {
            let Plan { narrow, exact } = filter.plan();
            if narrow.questions() > QUESTIONS {
                turn.long()?;
                pace.is_one_part();
            }
            if exact { reading.page(&narrow) } else { reading.scan(&narrow, Some(filter)) }
        }
    }
}

/// If an index is asked more questions than this, they are one part of the work. How much each finds shows only when it
/// is answered.
const QUESTIONS: usize = 100;

/// How a document is returned.
struct Form<'a> {
    tenant: &'a str,
    resource_type: &'a ResourceType,
    keeps_unknown: bool,
    part: Part<'a>,
}

/// How much of a document is returned, and in which form.
enum Part<'a> {
    /// Its text, as it is stored.
    Text,
    /// All of it.
    Whole,
    /// At least these members.
    Members(BTreeSet<&'a str>),
}

impl Part<'_> {
    fn to_give(as_text: bool) -> Self {
        if as_text { Self::Text } else { Self::Whole }
    }
}

impl<'a> Form<'a> {
    fn of_one(tenant: &'a str, get: &'a Get) -> Self {
        let part = Part::to_give(get.as_text);
        Self { tenant, resource_type: &get.resource_type, keeps_unknown: get.keeps_unknown, part }
    }

    /// Returns only what decides the query.
    fn decisive(tenant: &'a str, query: &'a Query, filter: Option<&'a BoundFilter>) -> Self {
        let mut members = filter.map(BoundFilter::members).unwrap_or_default();
        if let SortBy::Attribute(attribute) = &query.sort.by {
            members.insert(attribute.member());
        }
        Self { part: Part::Members(members), ..Self::of_page(tenant, query) }
    }

    /// Returns what the query wants.
    fn of_page(tenant: &'a str, query: &'a Query) -> Self {
        let part = Part::to_give(query.as_text);
        Self { tenant, resource_type: &query.resource_type, keeps_unknown: query.keeps_unknown, part }
    }

    /// Returns the document, or its text instead, without what does not fit the type.
    fn document(&self, text: &str, definition: u64) -> Result<(Resource, Option<String>), Fault> {
        if definition == self.resource_type.fingerprint() {
            return Ok(match &self.part {
                Part::Text => (Resource::default(), Some(text.to_owned())),
                Part::Whole => (Resource::from_canonical(serde_json::from_str(text)?), None),
                Part::Members(members) => (Resource::from_canonical(partial::read(text, members)?), None),
            });
        }
        let mut resource = Resource::from_canonical(serde_json::from_str(text)?);
        self.resource_type.fit(&mut resource, self.keeps_unknown);
        Ok(match &self.part {
            Part::Text => (Resource::default(), Some(serde_json::to_string(resource.as_map())?)),
            Part::Whole | Part::Members(_) => (resource, None),
        })
    }
}

/// A row with its document.
struct Found {
    end: End,
    /// The length of the document's text.
    bytes: usize,
    stored: Stored,
}

impl Found {
    /// Reads the columns `seq, dormant, id, version, created, modified, doc, definition, checksum`. First, `may` is
    /// given the length of the document and can refuse to read it.
    fn read(
        row: &Row<'_>,
        form: &Form<'_>,
        may: impl FnOnce(usize) -> Result<(), Fault>,
    ) -> Result<Self, Fault> {
        let end = End { seq: row.get(0)?, dormant: row.get(1)? };
        let text = row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?;
        let bytes = text.len();
        may(bytes)?;
        let id = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        let whose = Whose { tenant: form.tenant, kind: form.resource_type.name(), id };
        checksum::check(end.seq, text, row.get(8)?, whose)?;
        let (resource, text) = form.document(text, row.get::<_, i64>(7)?.cast_unsigned())?;
        let mut stored = Stored::new(
            id.to_owned(),
            row.get::<_, i64>(3)?.cast_unsigned(),
            Timestamp::from_millis(row.get(4)?),
            Timestamp::from_millis(row.get(5)?),
            resource,
        );
        stored.text = text;
        Ok(Self { end, bytes, stored })
    }
}

fn one(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    form: &Form<'_>,
    may: impl FnOnce(usize) -> Result<(), Fault>,
) -> Result<Option<Found>, Fault> {
    let mut select = connection.prepare_cached(sql)?;
    select.query_row(params, |row| Ok(Found::read(row, form, may))).optional()?.transpose()
}

/// A query under way.
struct Reading<'a> {
    connection: &'a Connection,
    names: NamesOf<'a>,
    tenant: &'a str,
    query: &'a Query,
    turn: Turn,
    pace: &'a Pace,
}

impl Reading<'_> {
    /// Answers a query whose filter the index decides. Only the page's documents are read, unless the order needs all
    /// of them.
    fn page(&self, narrow: &Narrow) -> Result<Read, Fault> {
        let Query { resource_type, sort, seek, offset, limit, .. } = self.query;
        let (offset, limit) = (*offset, *limit);
        match (&sort.by, sort.by.indexed(resource_type)) {
            (SortBy::Creation, _) => {
                let (down, from) = (self.query.walks_down(), seek.position().map(|at| at.place));
                let (total, seqs) = if *narrow == Narrow::All {
                    (self.count()?, self.all(down, from, offset, limit)?)
                } else {
                    let candidates = self.candidates(narrow)?;
                    let seqs =
                        if limit > 0 { candidates.walk(down, from, offset, limit)? } else { Vec::new() };
                    // If a page is not full, the matches end with it.
                    let ends =
                        limit > seqs.len() as u64 && (offset == 0 || !seqs.is_empty()) && from.is_none();
                    let total = if ends { offset + seqs.len() as u64 } else { candidates.count()? };
                    (total, seqs)
                };
                let mut positions: Vec<_> = seqs.into_iter().map(|seq| Position::new(None, seq)).collect();
                if matches!(seek, Seek::Before(_)) {
                    positions.reverse();
                }
                self.resources(total, positions)
            }
            (_, Some(attribute)) if *narrow == Narrow::All => {
                let kind = resource_type.name();
                let by_key = ByKey { connection: self.connection, tenant: self.tenant, kind, attribute };
                self.resources(self.count()?, by_key.page(self.query)?)
            }
            (_, Some(attribute)) => self.gathered(self.candidates(narrow)?.keyed(&attribute, self.enough())?),
            (by, None) if !by.is_in_document() => {
                self.gathered(self.candidates(narrow)?.heads(by, self.enough())?)
            }
            _ => self.scan(narrow, None),
        }
    }

    /// Evaluates the document of each candidate.
    fn scan(&self, narrow: &Narrow, filter: Option<&BoundFilter>) -> Result<Read, Fault> {
        let mut scan = Scan {
            query: self.query,
            filter,
            turn: self.turn,
            view: View::new(self.connection, self.tenant, &self.query.resource_type),
            positions: Vec::new(),
        };
        let form = Form::decisive(self.tenant, self.query, filter);
        if *narrow == Narrow::All {
            let count = self.count()?;
            self.within(count)?;
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            self.turn.documents(count)?;
            let mut work = self.scanning(count)?;
            let sql = "SELECT d.seq, d.dormant, d.id, d.version, d.created, d.modified, d.doc, d.definition,
                    d.checksum
                FROM scim_resource r CROSS JOIN scim_document d ON d.seq = r.seq
                WHERE r.tenant = ?1 AND r.kind = ?2 ORDER BY r.seq";
            let mut select = self.connection.prepare_cached(sql)?;
            let mut rows = select.query([self.tenant, self.query.resource_type.name()])?;
            while let Some(row) = rows.next()? {
                let found = Found::read(row, &form, |bytes| scan.comes_to(bytes, &mut work))?;
                scan.decide(&found, &mut work)?;
            }
        } else {
            let seqs = self.candidates(narrow)?.page(0, self.enough())?;
            self.within(seqs.len() as u64)?;
            self.turn.documents(seqs.len())?;
            let mut work = self.scanning(seqs.len())?;
            for seq in seqs {
                if let Some(found) = self.row_if(seq, &form, |bytes| scan.comes_to(bytes, &mut work))? {
                    scan.decide(&found, &mut work)?;
                }
            }
        }
        self.selected(scan.positions)
    }

    fn scanning(&self, candidates: usize) -> Result<ScanWork, Fault> {
        ScanWork::new(&self.turn.work(self.pace), candidates)
            .map_err(|exhausted| self.turn.exhausted(exhausted))
    }

    /// Returns one more than may be scanned.
    fn enough(&self) -> u64 {
        self.query.scan_limit.saturating_add(1)
    }

    /// Refuses the query if it may not scan this many resources.
    fn within(&self, count: u64) -> Result<(), Fault> {
        let limit = self.query.scan_limit;
        if count > limit { Err(StoreError::TooMany { limit }.into()) } else { Ok(()) }
    }

    /// Selects the page among these, unless they are too many to be sorted.
    fn gathered(&self, positions: Vec<Position>) -> Result<Read, Fault> {
        self.within(positions.len() as u64)?;
        self.selected(positions)
    }

    /// Selects the page among the positions of all matches.
    fn selected(&self, positions: Vec<Position>) -> Result<Read, Fault> {
        self.resources(positions.len() as u64, self.query.page_of(positions))
    }

    fn resources(&self, total: u64, positions: Vec<Position>) -> Result<Read, Fault> {
        self.turn.documents(positions.len())?;
        self.pace.release();
        let Query { resource_type, relations, at_once, .. } = self.query;
        let form = Form::of_page(self.tenant, self.query);
        let mut matches = Vec::with_capacity(positions.len());
        let mut read = 0;
        for position in positions {
            if let Some(Found { end, bytes, mut stored }) = self.row(position.place, &form)? {
                read += bytes;
                self.turn.bytes(read)?;
                let relations = (&**resource_type, &**relations);
                let left = link(self.connection, self.names, &mut stored, end, relations, *at_once)?;
                matches.push((Match::new(position, stored), left));
            }
        }
        Ok((total, matches))
    }

    fn candidates(&self, narrow: &Narrow) -> Result<Candidates<'_>, Fault> {
        Candidates::find(self.connection, self.tenant, &self.query.resource_type, narrow)
    }

    fn count(&self) -> Result<u64, Fault> {
        let sql = "SELECT n FROM scim_count WHERE tenant = ?1 AND kind = ?2";
        let mut select = self.connection.prepare_cached(sql)?;
        let count: Option<i64> =
            select.query_row([self.tenant, self.query.resource_type.name()], |row| row.get(0)).optional()?;
        Ok(count.unwrap_or_default().cast_unsigned())
    }

    fn all(&self, down: bool, from: Option<Seq>, offset: u64, limit: u64) -> Result<Vec<Seq>, Fault> {
        let (from, offset) = match from {
            None if !down => {
                rank::near(self.connection, self.tenant, self.query.resource_type.name(), offset)?
            }
            from => (from, offset),
        };
        let sql = match (down, from.is_some()) {
            (false, false) => {
                "SELECT seq FROM scim_resource WHERE tenant = ?1 AND kind = ?2
                ORDER BY seq LIMIT ?3 OFFSET ?4"
            }
            (false, true) => {
                "SELECT seq FROM scim_resource WHERE tenant = ?1 AND kind = ?2 AND seq > ?5
                ORDER BY seq LIMIT ?3 OFFSET ?4"
            }
            (true, false) => {
                "SELECT seq FROM scim_resource WHERE tenant = ?1 AND kind = ?2
                ORDER BY seq DESC LIMIT ?3 OFFSET ?4"
            }
            (true, true) => {
                "SELECT seq FROM scim_resource WHERE tenant = ?1 AND kind = ?2 AND seq < ?5
                ORDER BY seq DESC LIMIT ?3 OFFSET ?4"
            }
        };
        let text = |text: &str| Value::Text(text.to_owned());
        let (tenant, kind) = (text(self.tenant), text(self.query.resource_type.name()));
        let values = [tenant, kind, integer(limit), integer(offset)].into_iter();
        let mut select = self.connection.prepare_cached(sql)?;
        let values = params_from_iter(values.chain(from.map(Value::Integer)));
        let seqs = select.query_map(values, |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(seqs)
    }

    fn row(&self, seq: Seq, form: &Form<'_>) -> Result<Option<Found>, Fault> {
        self.row_if(seq, form, |_| Ok(()))
    }

    fn row_if(
        &self,
        seq: Seq,
        form: &Form<'_>,
        may: impl FnOnce(usize) -> Result<(), Fault>,
    ) -> Result<Option<Found>, Fault> {
        let sql = "SELECT seq, dormant, id, version, created, modified, doc, definition, checksum
            FROM scim_document WHERE seq = ?1";
        one(self.connection, sql, params![seq], form, may)
    }
}

/// A scan of documents, with the positions of those that match.
struct Scan<'a> {
    query: &'a Query,
    filter: Option<&'a BoundFilter>,
    turn: Turn,
    view: View<'a>,
    positions: Vec<Position>,
}

impl Scan<'_> {
    /// Charges a document before it is parsed. One that is too expensive is not parsed.
    fn comes_to(&self, bytes: usize, work: &mut ScanWork) -> Result<(), Fault> {
        work.next(bytes).map_err(|exhausted| self.turn.exhausted(exhausted))
    }

    fn decide(&mut self, found: &Found, work: &mut ScanWork) -> Result<(), Fault> {
        let exhausted = |exhausted| self.turn.exhausted(exhausted);
        self.view.turn_to(found.end);
        let Stored { id, version, created, modified, resource, .. } = &found.stored;
        let entry = Entry {
            id,
            created: *created,
            modified: *modified,
            resource_type: self.query.resource_type.name(),
            version: &EntityTag(*version),
            resource,
            relations: &self.view,
        };
        let matches = work.matches(self.filter, &entry).map_err(exhausted)?;
        self.view.check()?;
        if matches {
            let key = self.query.sort.by.key(id, *version, *created, *modified, Some(resource));
            work.keeps(key.as_deref()).map_err(exhausted)?;
            self.positions.push(Position::new(key, found.end.seq));
        }
        Ok(())
    }
}
