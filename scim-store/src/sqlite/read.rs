//! Reading, on one consistent state of the file.

use rusqlite::{Connection, OptionalExtension, Params, Row, params, params_from_iter};
use scim_core::{Resource, ResourceType, Timestamp};
use scim_filter::{BoundFilter, Entry, Narrow, Plan};
use scim_server_traits::{EntityTag, Get, Page, Query, StoreError, Stored};

use super::fault::Fault;
use super::narrow::{Candidates, integer};
use super::relations::{End, View, links};
use crate::tables::Seq;

pub(super) fn get(connection: &Connection, tenant: &str, get: &Get) -> Result<Option<Stored>, Fault> {
    let kind = get.resource_type.name();
    let sql = "SELECT r.seq, r.dormant, r.id, r.version, r.created, r.modified, d.doc
        FROM scim_resource r JOIN scim_document d ON d.seq = r.seq
        WHERE r.tenant = ?1 AND r.kind = ?2 AND r.id = ?3";
    let found = one(connection, sql, [tenant, kind, &get.id])?;
    found.map(|found| found.with_links(connection, &get.resource_type, &get.relations)).transpose()
}

pub(super) fn query(connection: &Connection, tenant: &str, query: &Query) -> Result<Page, Fault> {
    let reading = Reading { connection, tenant, query };
    match &query.filter {
        None => reading.page(&Narrow::All),
        Some(filter) => match filter.plan() {
            Plan { narrow, exact: true } => reading.page(&narrow),
            Plan { narrow, .. } => reading.scan(&narrow, filter),
        },
    }
}

/// A row with its document.
struct Found {
    end: End,
    stored: Stored,
}

impl Found {
    /// Columns `seq, dormant, id, version, created, modified, doc`.
    fn read(row: &Row<'_>) -> Result<Self, Fault> {
        let end = End { seq: row.get(0)?, dormant: row.get(1)? };
        let document = serde_json::from_str(row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?)?;
        let stored = Stored::new(
            row.get::<_, String>(2)?,
            row.get::<_, i64>(3)?.cast_unsigned(),
            Timestamp::from_millis(row.get(4)?),
            Timestamp::from_millis(row.get(5)?),
            Resource::from_canonical(document),
        );
        Ok(Self { end, stored })
    }

    fn with_links(
        mut self,
        connection: &Connection,
        resource_type: &ResourceType,
        relations: &[String],
    ) -> Result<Stored, Fault> {
        for name in relations {
            if let Some(relation) = resource_type.relation(name) {
                self.stored.links.insert(name.clone(), links(connection, relation, self.end)?);
            }
        }
        Ok(self.stored)
    }
}

fn one(connection: &Connection, sql: &str, params: impl Params) -> Result<Option<Found>, Fault> {
    let mut select = connection.prepare_cached(sql)?;
    select.query_row(params, |row| Ok(Found::read(row))).optional()?.transpose()
}

/// A query under way.
struct Reading<'a> {
    connection: &'a Connection,
    tenant: &'a str,
    query: &'a Query,
}

impl Reading<'_> {
    /// What the index alone decides: only the page's documents are read.
    fn page(&self, narrow: &Narrow) -> Result<Page, Fault> {
        let Query { offset, limit, .. } = *self.query;
        let (total, seqs) = match narrow {
            Narrow::All => (self.count()?, self.all(offset, limit)?),
            narrow => {
                let candidates = self.candidates(narrow)?;
                let seqs = if limit > 0 { candidates.page(offset, limit)? } else { Vec::new() };
                // A page that is not full ends where the matches end.
                let ends = limit > seqs.len() as u64 && (offset == 0 || !seqs.is_empty());
                let total = if ends { offset + seqs.len() as u64 } else { candidates.count()? };
                (total, seqs)
            }
        };
        let mut resources = Vec::with_capacity(seqs.len());
        for seq in seqs {
            if let Some(found) = self.row(seq)? {
                resources.push(self.with_links(found)?);
            }
        }
        Ok(Page::new(total, resources))
    }

    /// What the evaluator decides, over the index's candidates.
    fn scan(&self, narrow: &Narrow, filter: &BoundFilter) -> Result<Page, Fault> {
        let too_many = || Fault::from(StoreError::TooMany { limit: self.query.scan_limit });
        let mut scan = Scan {
            query: self.query,
            filter,
            view: View::new(self.connection, self.tenant, &self.query.resource_type),
            total: 0,
            page: Vec::new(),
        };
        if *narrow == Narrow::All {
            if self.count()? > self.query.scan_limit {
                return Err(too_many());
            }
            let sql = "SELECT r.seq, r.dormant, r.id, r.version, r.created, r.modified, d.doc
                FROM scim_resource r CROSS JOIN scim_document d ON d.seq = r.seq
                WHERE r.tenant = ?1 AND r.kind = ?2 ORDER BY r.seq";
            let mut select = self.connection.prepare_cached(sql)?;
            let mut rows = select.query([self.tenant, self.query.resource_type.name()])?;
            while let Some(row) = rows.next()? {
                scan.decide(Found::read(row)?)?;
            }
        } else {
            let enough = self.query.scan_limit.saturating_add(1);
            let seqs = self.candidates(narrow)?.page(0, enough)?;
            if seqs.len() as u64 > self.query.scan_limit {
                return Err(too_many());
            }
            for seq in seqs {
                if let Some(found) = self.row(seq)? {
                    scan.decide(found)?;
                }
            }
        }
        let resources =
            scan.page.into_iter().map(|found| self.with_links(found)).collect::<Result<_, _>>()?;
        Ok(Page::new(scan.total, resources))
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

    fn all(&self, offset: u64, limit: u64) -> Result<Vec<Seq>, Fault> {
        let sql = "SELECT seq FROM scim_resource WHERE tenant = ?1 AND kind = ?2
            ORDER BY seq LIMIT ?3 OFFSET ?4";
        let text = |text: &str| rusqlite::types::Value::Text(text.to_owned());
        let (tenant, kind) = (text(self.tenant), text(self.query.resource_type.name()));
        let mut select = self.connection.prepare_cached(sql)?;
        let values = params_from_iter([tenant, kind, integer(limit), integer(offset)]);
        let seqs = select.query_map(values, |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(seqs)
    }

    fn row(&self, seq: Seq) -> Result<Option<Found>, Fault> {
        let sql = "SELECT r.seq, r.dormant, r.id, r.version, r.created, r.modified, d.doc
            FROM scim_resource r JOIN scim_document d ON d.seq = r.seq WHERE r.seq = ?1";
        one(self.connection, sql, params![seq])
    }

    fn with_links(&self, found: Found) -> Result<Stored, Fault> {
        found.with_links(self.connection, &self.query.resource_type, &self.query.relations)
    }
}

/// The evaluator's walk: counts what matches and keeps the page.
struct Scan<'a> {
    query: &'a Query,
    filter: &'a BoundFilter,
    view: View<'a>,
    total: u64,
    page: Vec<Found>,
}

impl Scan<'_> {
    fn decide(&mut self, found: Found) -> Result<(), Fault> {
        self.view.turn_to(found.end);
        let matches = self.filter.matches(&Entry {
            id: &found.stored.id,
            created: found.stored.created,
            modified: found.stored.modified,
            resource_type: self.query.resource_type.name(),
            version: &EntityTag(found.stored.version),
            resource: &found.stored.resource,
            relations: &self.view,
        });
        self.view.check()?;
        if matches {
            if self.total >= self.query.offset && (self.page.len() as u64) < self.query.limit {
                self.page.push(found);
            }
            self.total += 1;
        }
        Ok(())
    }
}
