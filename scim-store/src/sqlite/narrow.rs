//! Turns a filter's plan into SQL over the narrow tables, with bind parameters only.

use std::ops::Bound;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use scim_core::{ResourceType, Side, Timestamp};
use scim_filter::{KeyProbe, Narrow};
use scim_server_traits::{Position, SortBy};

use super::fault::Fault;
use super::relations::{find, visible};
use crate::tables::{Seq, is_flat};

/// Candidates as a `SELECT seq …` that yields each once, in any order.
pub(super) struct Candidates<'a> {
    connection: &'a Connection,
    tenant: &'a str,
    kind: &'a str,
    set: Set,
}

/// SQL with the values of its numbered parameters.
struct Set {
    sql: String,
    values: Vec<Value>,
}

/// How far the branches of an `and` are counted to find the smallest.
const COUNTED: u64 = 256;

impl<'a> Candidates<'a> {
    pub(super) fn find(
        connection: &'a Connection,
        tenant: &'a str,
        resource_type: &'a ResourceType,
        narrow: &Narrow,
    ) -> Result<Self, Fault> {
        let mut writing = Writing { connection, tenant, resource_type, values: Vec::new() };
        let sql = writing.set(narrow)?;
        let set = Set { sql, values: writing.values };
        Ok(Self { connection, tenant, kind: resource_type.name(), set })
    }

    pub(super) fn count(&self) -> Result<u64, Fault> {
        self.set.count(self.connection, None)
    }

    /// Returns candidates in order of creation.
    pub(super) fn page(&self, offset: u64, limit: u64) -> Result<Vec<Seq>, Fault> {
        self.walk(false, None, offset, limit)
    }

    /// Returns candidates by creation: those after `from` ascending, or those before it descending.
    pub(super) fn walk(
        &self,
        down: bool,
        from: Option<Seq>,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Seq>, Fault> {
        let Set { sql, values } = &self.set;
        let number = values.len();
        let (limit_at, offset_at, from_at) = (number + 1, number + 2, number + 3);
        let order = if down { "seq DESC" } else { "seq" };
        let range = match (from, down) {
            (None, _) => String::new(),
            (Some(_), false) => format!("WHERE seq > ?{from_at}"),
            (Some(_), true) => format!("WHERE seq < ?{from_at}"),
        };
        let sql =
            format!("SELECT seq FROM ({sql}) {range} ORDER BY {order} LIMIT ?{limit_at} OFFSET ?{offset_at}");
        let values = values.iter().cloned().chain([integer(limit), integer(offset)]);
        let values = values.chain(from.map(Value::Integer));
        let mut select = self.connection.prepare_cached(&sql)?;
        let seqs = select.query_map(params_from_iter(values), |row| row.get(0))?;
        Ok(seqs.collect::<Result<_, _>>()?)
    }

    /// Returns at most this many candidates in any order, each with the key that the index has for an attribute.
    pub(super) fn keyed(&self, attribute: &str, most: u64) -> Result<Vec<Position>, Fault> {
        let Set { sql, values } = &self.set;
        let [tenant_at, kind_at, path_at, most_at] = [1, 2, 3, 4].map(|number| values.len() + number);
        let sql = format!(
            "SELECT k.key, c.seq FROM ({sql}) c LEFT JOIN scim_key k INDEXED BY scim_key_seq
            ON k.seq = c.seq AND k.attr = (SELECT attr FROM scim_attr
                WHERE tenant = ?{tenant_at} AND kind = ?{kind_at} AND path = ?{path_at}) LIMIT ?{most_at}"
        );
        let scope = [self.tenant, self.kind, attribute].map(|text| Value::Text(text.to_owned()));
        let values = values.iter().cloned().chain(scope).chain([integer(most)]);
        let mut select = self.connection.prepare_cached(&sql)?;
        let positions = select.query_map(params_from_iter(values), position)?;
        Ok(positions.collect::<Result<_, _>>()?)
    }

    /// Returns at most this many candidates in any order, each with the sort key from the head next to its document.
    pub(super) fn heads(&self, by: &SortBy, most: u64) -> Result<Vec<Position>, Fault> {
        let Set { sql, values } = &self.set;
        let most_at = values.len() + 1;
        let sql = format!(
            "SELECT d.seq, d.id, d.version, d.created, d.modified
            FROM ({sql}) c CROSS JOIN scim_document d ON d.seq = c.seq LIMIT ?{most_at}"
        );
        let values = values.iter().cloned().chain([integer(most)]);
        let mut select = self.connection.prepare_cached(&sql)?;
        let positions = select.query_map(params_from_iter(values), |row| {
            let version = row.get::<_, i64>(2)?.cast_unsigned();
            let (created, modified) = (row.get(3)?, row.get(4)?);
            let (created, modified) = (Timestamp::from_millis(created), Timestamp::from_millis(modified));
            let id = row.get_ref(1)?.as_str()?;
            Ok(Position::new(by.key(id, version, created, modified, None), row.get(0)?))
        })?;
        Ok(positions.collect::<Result<_, _>>()?)
    }
}

/// Reads a position from the columns `key, seq`.
pub(super) fn position(row: &Row<'_>) -> rusqlite::Result<Position> {
    Ok(Position::new(row.get(0)?, row.get(1)?))
}

impl Set {
    fn count(&self, connection: &Connection, most: Option<u64>) -> Result<u64, Fault> {
        let sql = match most {
            None => format!("SELECT count(*) FROM ({})", self.sql),
            Some(most) => format!("SELECT count(*) FROM (SELECT seq FROM ({}) LIMIT {most})", self.sql),
        };
        let mut select = connection.prepare_cached(&sql)?;
        let count: i64 = select.query_row(params_from_iter(&self.values), |row| row.get(0))?;
        Ok(count.cast_unsigned())
    }
}

pub(super) fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// SQL while it is written. The parameters are numbered in the order of `values`.
struct Writing<'a> {
    connection: &'a Connection,
    tenant: &'a str,
    resource_type: &'a ResourceType,
    values: Vec<Value>,
}

/// Selects no row.
const NONE: &str = "SELECT seq FROM scim_resource WHERE 0";

impl Writing<'_> {
    fn text(&mut self, text: &str) -> String {
        self.values.push(Value::Text(text.to_owned()));
        format!("?{}", self.values.len())
    }

    fn list<T>(&mut self, items: &[T], value: impl Fn(&T) -> Value) -> String {
        let from = self.values.len() + 1;
        self.values.extend(items.iter().map(value));
        let numbers: Vec<String> = (from..=self.values.len()).map(|number| format!("?{number}")).collect();
        numbers.join(", ")
    }

    fn texts(&mut self, texts: &[String]) -> String {
        self.list(texts, |text| Value::Text(text.clone()))
    }

    /// Selects the candidates, each once.
    fn set(&mut self, narrow: &Narrow) -> Result<String, Fault> {
        Ok(match narrow {
            Narrow::All => {
                let scope = self.scope();
                format!("SELECT seq FROM scim_resource WHERE {scope}")
            }
            Narrow::Ids(ids) if ids.is_empty() => NONE.to_owned(),
            Narrow::Ids(ids) => {
                let (scope, ids) = (self.scope(), self.texts(ids));
                format!("SELECT seq FROM scim_resource WHERE {scope} AND id IN ({ids})")
            }
            Narrow::Key { attribute, probe } => {
                // One key has each resource once and in order; several keys may have a resource more than once.
                let one = matches!(probe, KeyProbe::In(keys) if keys.len() == 1);
                let distinct = if one { "" } else { "DISTINCT " };
                format!("SELECT {distinct}seq FROM scim_key WHERE {}", self.probe(attribute, probe))
            }
            Narrow::Link { relation, target } => self.linked(relation, target)?,
            Narrow::Linked { relation } => {
                let scope = self.scope();
                format!(
                    "SELECT r.seq AS seq FROM scim_resource r WHERE {scope} AND {}",
                    self.any(relation, "r.seq")
                )
            }
            Narrow::And(branches) => self.all_of(branches)?,
            Narrow::Or(branches) => {
                let sets = branches.iter().map(|narrow| self.set(narrow)).collect::<Result<Vec<_>, _>>()?;
                union(&sets)
            }
        })
    }

    fn scope(&mut self) -> String {
        let tenant = self.text(self.tenant);
        let kind = self.text(self.resource_type.name());
        format!("tenant = {tenant} AND kind = {kind}")
    }

    fn probe(&mut self, attribute: &str, probe: &KeyProbe) -> String {
        let (scope, path) = (self.scope(), self.text(attribute));
        let attribute = format!("(SELECT attr FROM scim_attr WHERE {scope} AND path = {path})");
        match probe {
            KeyProbe::In(keys) if keys.len() == 1 => {
                format!("attr = {attribute} AND key = {}", self.texts(keys))
            }
            KeyProbe::In(keys) => format!("attr = {attribute} AND key IN ({})", self.texts(keys)),
            KeyProbe::Range(from, to) => {
                let from = match from {
                    Bound::Included(key) => format!(" AND key >= {}", self.text(key)),
                    Bound::Excluded(key) => format!(" AND key > {}", self.text(key)),
                    Bound::Unbounded => String::new(),
                };
                let to = match to {
                    Bound::Included(key) => format!(" AND key <= {}", self.text(key)),
                    Bound::Excluded(key) => format!(" AND key < {}", self.text(key)),
                    Bound::Unbounded => String::new(),
                };
                format!("attr = {attribute}{from}{to}")
            }
        }
    }

    fn linked(&mut self, relation: &str, id: &str) -> Result<String, Fault> {
        match self.resource_type.relation(relation).map(|relation| &relation.side) {
            Some(Side::Own { targets }) => {
                let targets = visible(self.connection, self.tenant, targets, id)?;
                if targets.is_empty() {
                    return Ok(NONE.to_owned());
                }
                let distinct = if targets.len() == 1 { "" } else { "DISTINCT " };
                let targets = self.list(&targets, |seq| Value::Integer(*seq));
                let (name, kind) = (self.text(relation), self.text(self.resource_type.name()));
                Ok(format!(
                    "SELECT {distinct}l.owner AS seq FROM scim_link l \
                    CROSS JOIN scim_resource o ON o.seq = l.owner \
                    WHERE l.target IN ({targets}) AND l.relation = {name} AND o.kind = {kind}"
                ))
            }
            Some(Side::Reverse { of, owner }) => {
                let Some(owner) = find(self.connection, self.tenant, owner, id)? else {
                    return Ok(NONE.to_owned());
                };
                let owner = self.list(&[owner], |seq| Value::Integer(*seq));
                let (name, kind) = (self.text(of), self.text(self.resource_type.name()));
                Ok(format!(
                    "SELECT l.target AS seq FROM scim_link l \
                    CROSS JOIN scim_resource t ON t.seq = l.target \
                    WHERE l.owner = {owner} AND l.relation = {name} AND t.kind = {kind} AND t.dormant = 0"
                ))
            }
            _ => Ok(NONE.to_owned()),
        }
    }

    /// Tests whether the row `seq` is visibly linked with anything.
    fn any(&mut self, relation: &str, seq: &str) -> String {
        match self.resource_type.relation(relation).map(|relation| &relation.side) {
            Some(Side::Own { .. }) => {
                let name = self.text(relation);
                format!(
                    "EXISTS (SELECT 1 FROM scim_link l CROSS JOIN scim_resource t ON t.seq = l.target \
                    WHERE l.owner = {seq} AND l.relation = {name} AND t.dormant = 0)"
                )
            }
            Some(Side::Reverse { of, owner }) => {
                let (name, owner) = (self.text(of), self.text(owner));
                format!(
                    "EXISTS (SELECT 1 FROM scim_resource t CROSS JOIN scim_link l ON l.target = t.seq \
                    CROSS JOIN scim_resource o ON o.seq = l.owner \
                    WHERE t.seq = {seq} AND t.dormant = 0 AND l.relation = {name} AND o.kind = {owner})"
                )
            }
            _ => "0".to_owned(),
        }
    }

    /// Selects the set of the smallest branch, and tests each of its rows for the other branches. So no large set is
    /// gathered for a small one.
    fn all_of(&mut self, branches: &[Narrow]) -> Result<String, Fault> {
        let mut smallest = (u64::MAX, 0);
        for (at, narrow) in branches.iter().enumerate().filter(|(_, narrow)| is_flat(narrow)) {
            let set = Candidates::find(self.connection, self.tenant, self.resource_type, narrow)?.set;
            smallest = smallest.min((set.count(self.connection, Some(COUNTED))?, at));
        }
        let (_, smallest) = smallest;
        let Some(first) = branches.get(smallest) else { return Ok(NONE.to_owned()) };
        let set = self.set(first)?;
        let mut tests = Vec::new();
        for (at, narrow) in branches.iter().enumerate() {
            if at != smallest {
                tests.push(self.test(narrow)?);
            }
        }
        Ok(format!("SELECT c.seq AS seq FROM ({set}) c WHERE {}", balanced(&tests, "AND")))
    }

    /// Tests whether `c.seq` is a candidate.
    fn test(&mut self, narrow: &Narrow) -> Result<String, Fault> {
        Ok(match narrow {
            Narrow::All => "1".to_owned(),
            Narrow::Ids(_) => format!("c.seq IN ({})", self.set(narrow)?),
            Narrow::Key { attribute, probe } => {
                let probe = self.probe(attribute, probe);
                // Searched by resource, because a resource has few keys but a key may have many resources.
                format!(
                    "EXISTS (SELECT 1 FROM scim_key INDEXED BY scim_key_seq WHERE seq = c.seq AND {probe})"
                )
            }
            Narrow::Link { relation, target } => {
                let set = self.linked(relation, target)?;
                if set == NONE {
                    "0".to_owned()
                } else {
                    format!("EXISTS (SELECT 1 FROM ({set}) x WHERE x.seq = c.seq)")
                }
            }
            Narrow::Linked { relation } => self.any(relation, "c.seq"),
            Narrow::And(branches) | Narrow::Or(branches) => {
                let tests = branches.iter().map(|narrow| self.test(narrow)).collect::<Result<Vec<_>, _>>()?;
                balanced(&tests, if matches!(narrow, Narrow::And(_)) { "AND" } else { "OR" })
            }
        })
    }
}

/// Joins tests as a shallow tree, because SQLite allows only 1,000 levels.
fn balanced(tests: &[String], operator: &str) -> String {
    match tests {
        [] => "1".to_owned(),
        [test] => test.clone(),
        _ => {
            let (left, right) = tests.split_at(tests.len() / 2);
            format!("({} {operator} {})", balanced(left, operator), balanced(right, operator))
        }
    }
}

/// Joins sets in steps, because SQLite allows only 500 at once.
fn union(sets: &[String]) -> String {
    const TOGETHER: usize = 100;
    let selects: Vec<String> = sets.iter().map(|set| format!("SELECT seq FROM ({set})")).collect();
    if selects.len() <= TOGETHER {
        return selects.join(" UNION ");
    }
    let larger: Vec<String> = selects.chunks(TOGETHER).map(|chunk| chunk.join(" UNION ")).collect();
    union(&larger)
}
