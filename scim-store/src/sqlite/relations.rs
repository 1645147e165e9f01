//! Reads links as clients and filters see them: own or reverse, without hidden ones.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use scim_core::{Relation, ResourceType, Side};
use scim_filter::Relations;
use scim_server_traits::Link;

use super::fault::Fault;
use super::names::{Name, NamesOf};
use crate::tables::Seq;

/// The resource whose links are meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) seq: Seq,
    pub(super) dormant: bool,
}

/// Returns the visible links of a resource, in the order in which the other ends were created. Of own links it returns
/// the first ones up to the limit, of reverse links all.
pub(super) fn links(
    connection: &Connection,
    names: NamesOf<'_>,
    relation: &Relation,
    end: End,
    limit: usize,
) -> Result<Vec<Link>, Fault> {
    let links = match &relation.side {
        Side::Own { .. } => {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let sql = "SELECT t.id, t.kind, coalesce(l.display, t.label)
                FROM scim_link l CROSS JOIN scim_resource t ON t.seq = l.target
                WHERE l.owner = ?1 AND l.relation = ?2 AND t.dormant = 0 ORDER BY l.target LIMIT ?3";
            let mut select = connection.prepare_cached(sql)?;
            select.query_map(params![end.seq, relation.name, limit], link)?.collect::<Result<_, _>>()?
        }
        Side::Reverse { of, owner } if !end.dormant => {
            let sql = "SELECT owner FROM scim_link WHERE target = ?1 AND relation = ?2 ORDER BY owner";
            let mut select = connection.prepare_cached(sql)?;
            let mut owners = select.query(params![end.seq, of])?;
            let mut links = Vec::new();
            while let Some(row) = owners.next()? {
                let name = name(connection, names, row.get(0)?)?.filter(|name| name.kind() == owner);
                links.extend(
                    name.map(|name| Link::new(name.id(), name.kind(), name.label().map(str::to_owned))),
                );
            }
            links
        }
        _ => Vec::new(),
    };
    Ok(links)
}

/// Returns the name of an owner of links. It is cached, because there are few owners and many readers. In a damaged
/// file it may be missing.
fn name(connection: &Connection, names: NamesOf<'_>, owner: Seq) -> Result<Option<Name>, Fault> {
    if let Some(name) = names.get(owner) {
        return Ok(Some(name));
    }
    let mut select = connection.prepare_cached("SELECT id, kind, label FROM scim_resource WHERE seq = ?1")?;
    let read = |row: &Row<'_>| {
        let (id, kind, label) = (row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?);
        Ok(Name::new(id.as_str()?, kind.as_str()?, label.as_str_or_null()?))
    };
    let name = select.query_row([owner], read).optional()?;
    if let Some(name) = &name {
        names.note(owner, name.clone());
    }
    Ok(name)
}

/// Reads a link from the columns `id, kind, display`.
fn link(row: &Row<'_>) -> rusqlite::Result<Link> {
    Ok(Link::new(row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?))
}

/// The targets of one relation of a resource as they were at one moment, 8 bytes each.
#[derive(Clone)]
pub(super) struct Targets {
    owner: Seq,
    relation: Arc<str>,
    /// In order of creation.
    targets: Arc<Vec<Seq>>,
}

/// How many links are read together.
const CHUNK: usize = 1_000;

impl Targets {
    /// Returns how many bytes they take in memory.
    pub(super) fn held(&self) -> usize {
        self.targets.len() * size_of::<Seq>()
    }

    /// Reads the targets. Returns `None` for a relation that is the reverse of another one.
    pub(super) fn of(connection: &Connection, relation: &Relation, end: End) -> Result<Option<Self>, Fault> {
        if !matches!(relation.side, Side::Own { .. }) {
            return Ok(None);
        }
        let sql = "SELECT target FROM scim_link WHERE owner = ?1 AND relation = ?2 ORDER BY target";
        let mut select = connection.prepare_cached(sql)?;
        let targets = select.query_map(params![end.seq, relation.name], |row| row.get(0))?;
        let targets: Vec<Seq> = targets.collect::<Result<_, _>>()?;
        Ok(Some(Self { owner: end.seq, relation: relation.name.as_str().into(), targets: Arc::new(targets) }))
    }

    /// Returns the links of one chunk, without targets that are hidden or gone by now; `None` after the last chunk.
    pub(super) fn chunk(&self, connection: &Connection, number: usize) -> Result<Option<Vec<Link>>, Fault> {
        let Some(targets) = self.targets.chunks(CHUNK).nth(number) else { return Ok(None) };
        let (Some(first), Some(last)) = (targets.first(), targets.last()) else { return Ok(None) };
        let sql = "SELECT t.id, t.kind, coalesce(l.display, t.label), l.target
            FROM scim_link l CROSS JOIN scim_resource t ON t.seq = l.target
            WHERE l.owner = ?1 AND l.relation = ?2 AND l.target BETWEEN ?3 AND ?4 AND t.dormant = 0
            ORDER BY l.target";
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query(params![self.owner, self.relation, first, last])?;
        let mut links = Vec::with_capacity(targets.len());
        let mut wanted = targets.iter().copied().peekable();
        while let Some(row) = rows.next()? {
            let target: Seq = row.get(3)?;
            // Links that have ended since then have no rows any more, although they belong to the version that is read.
            while let Some(ended) = wanted.next_if(|wanted| *wanted < target) {
                links.extend(ended_link(connection, ended)?);
            }
            if wanted.next_if_eq(&target).is_some() {
                links.push(link(row)?);
            }
        }
        for ended in wanted {
            links.extend(ended_link(connection, ended)?);
        }
        Ok(Some(links))
    }
}

/// Returns a link that has ended, with its target's name, unless the target is hidden or gone.
fn ended_link(connection: &Connection, target: Seq) -> Result<Option<Link>, Fault> {
    let sql = "SELECT id, kind, label FROM scim_resource WHERE seq = ?1 AND dormant = 0";
    Ok(connection.prepare_cached(sql)?.query_row([target], link).optional()?)
}

/// Returns the rows of an id that are visible as targets.
pub(super) fn visible(
    connection: &Connection,
    tenant: &str,
    kinds: &[String],
    id: &str,
) -> Result<Vec<Seq>, Fault> {
    let sql = "SELECT seq FROM scim_resource WHERE tenant = ?1 AND kind = ?2 AND id = ?3 AND dormant = 0";
    let mut select = connection.prepare_cached(sql)?;
    let mut found = Vec::new();
    for kind in kinds {
        found.extend(select.query_row([tenant, kind, id], |row| row.get::<_, Seq>(0)).optional()?);
    }
    Ok(found)
}

/// Returns the row of an id, hidden or not.
pub(super) fn find(
    connection: &Connection,
    tenant: &str,
    kind: &str,
    id: &str,
) -> Result<Option<Seq>, Fault> {
    let sql = "SELECT seq FROM scim_resource WHERE tenant = ?1 AND kind = ?2 AND id = ?3";
    let mut select = connection.prepare_cached(sql)?;
    Ok(select.query_row([tenant, kind, id], |row| row.get(0)).optional()?)
}

/// The links of one resource at a time, for the evaluator. The evaluator cannot fail, so the first error is kept for
/// [`View::check`].
pub(super) struct View<'a> {
    connection: &'a Connection,
    tenant: &'a str,
    resource_type: &'a ResourceType,
    end: Cell<End>,
    fault: RefCell<Option<Fault>>,
}

impl<'a> View<'a> {
    pub(super) fn new(connection: &'a Connection, tenant: &'a str, resource_type: &'a ResourceType) -> Self {
        let end = Cell::new(End { seq: 0, dormant: true });
        Self { connection, tenant, resource_type, end, fault: RefCell::default() }
    }

    pub(super) fn turn_to(&self, end: End) {
        self.end.set(end);
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        self.fault.take().map_or(Ok(()), Err)
    }

    fn contains(&self, relation: &Relation, id: &str) -> Result<bool, Fault> {
        let end = self.end.get();
        let is_linked = |name: &str, owner: Seq, target: Seq| {
            let sql = "SELECT 1 FROM scim_link WHERE owner = ?1 AND relation = ?2 AND target = ?3";
            self.exists(sql, params![owner, name, target])
        };
        match &relation.side {
            Side::Own { targets } => {
                for target in visible(self.connection, self.tenant, targets, id)? {
                    if is_linked(&relation.name, end.seq, target)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Side::Reverse { of, owner } if !end.dormant => {
                match find(self.connection, self.tenant, owner, id)? {
                    Some(owner) => is_linked(of, owner, end.seq),
                    None => Ok(false),
                }
            }
            _ => Ok(false),
        }
    }

    fn any(&self, relation: &Relation) -> Result<bool, Fault> {
        let end = self.end.get();
        match &relation.side {
            Side::Own { .. } => {
                let sql = "SELECT 1 FROM scim_link l CROSS JOIN scim_resource t ON t.seq = l.target
                    WHERE l.owner = ?1 AND l.relation = ?2 AND t.dormant = 0 LIMIT 1";
                self.exists(sql, params![end.seq, relation.name])
            }
            Side::Reverse { of, owner } if !end.dormant => {
                let sql = "SELECT 1 FROM scim_link l CROSS JOIN scim_resource o ON o.seq = l.owner
                    WHERE l.target = ?1 AND l.relation = ?2 AND o.kind = ?3 LIMIT 1";
                self.exists(sql, params![end.seq, of, owner])
            }
            _ => Ok(false),
        }
    }

    fn exists(&self, sql: &str, params: impl Params) -> Result<bool, Fault> {
        Ok(self.connection.prepare_cached(sql)?.exists(params)?)
    }

    fn answer(&self, relation: &str, ask: impl FnOnce(&Relation) -> Result<bool, Fault>) -> bool {
        let Some(relation) = self.resource_type.relation(relation) else { return false };
        ask(relation).unwrap_or_else(|fault| {
            self.fault.borrow_mut().get_or_insert(fault);
            false
        })
    }
}

impl Relations for View<'_> {
    fn contains(&self, relation: &str, target: &str) -> bool {
        self.answer(relation, |relation| self.contains(relation, target))
    }

    fn any(&self, relation: &str) -> bool {
        self.answer(relation, |relation| self.any(relation))
    }
}
