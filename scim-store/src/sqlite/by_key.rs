//! Pages through all resources of a type in the order of an indexed attribute, along its key rows.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use scim_server_traits::{Position, Query, Seek, StoreError};

use super::fault::Fault;
use super::narrow::{integer, position};

/// Selects the number of the attribute.
const ATTR: &str = "SELECT attr FROM scim_attr WHERE tenant = ?1 AND kind = ?2 AND path = ?3";

pub(super) struct ByKey<'a> {
    pub(super) connection: &'a Connection,
    pub(super) tenant: &'a str,
    pub(super) kind: &'a str,
    pub(super) attribute: String,
}

impl ByKey<'_> {
    /// Reads the page. Ascending, resources with a key come first and those without one last; descending is the
    /// reverse.
    pub(super) fn page(&self, query: &Query) -> Result<Vec<Position>, Fault> {
        let down = query.walks_down();
        let mut left = Left { offset: query.offset, limit: query.limit };
        let mut page = Vec::new();
        for keyed in [!down, down] {
            if left.limit == 0 {
                break;
            }
            let found =
                if keyed { self.keyed(query, down, &left)? } else { self.missing(query, down, &left)? };
            let Some(found) = found else { continue };
            if found.is_empty() && left.offset > 0 && !matches!(query.seek, Seek::Start) {
                // No caller combines a position with an offset. If one did, it would get an empty page, never a wrong
                // one.
                break;
            }
            if found.is_empty() && left.offset > 0 {
                let keys = self.count_keys()?;
                let passed = if keyed { keys } else { self.count_all()? - keys };
                left.offset = left.offset.saturating_sub(passed);
            } else {
                left = Left { offset: 0, limit: left.limit - found.len() as u64 };
            }
            page.extend(found);
        }
        if matches!(query.seek, Seek::Before(_)) {
            page.reverse();
        }
        Ok(page)
    }

    /// Reads resources with a key. Returns `None` if the position is beyond them.
    fn keyed(&self, query: &Query, down: bool, left: &Left) -> Result<Option<Vec<Position>>, Fault> {
        let (range, at) = match query.seek.position() {
            None => ("", None),
            Some(Position { key: Some(key), place, .. }) if down => {
                ("AND (key, seq) < (?6, ?7)", Some((key, *place)))
            }
            Some(Position { key: Some(key), place, .. }) => {
                ("AND (key, seq) > (?6, ?7)", Some((key, *place)))
            }
            Some(_) if down => ("", None),
            Some(_) => return Ok(None),
        };
        let order = if down { "key DESC, seq DESC" } else { "key, seq" };
        let sql = format!(
            "SELECT key, seq FROM scim_key WHERE attr = ({ATTR}) {range}
            ORDER BY {order} LIMIT ?4 OFFSET ?5"
        );
        let at = at.into_iter().flat_map(|(key, place)| [Value::Text(key.clone()), Value::Integer(place)]);
        self.positions(&sql, left, at).map(Some)
    }

    /// Reads resources without a key by creation. Returns `None` if the position is beyond them. They are searched one
    /// by one, within the scan limit, unless the index says that there are none.
    fn missing(&self, query: &Query, down: bool, left: &Left) -> Result<Option<Vec<Position>>, Fault> {
        let (range, at) = match query.seek.position() {
            Some(Position { key: None, place, .. }) if down => ("AND seq < ?4", Some(*place)),
            Some(Position { key: None, place, .. }) => ("AND seq > ?4", Some(*place)),
            Some(_) if down => return Ok(None),
            _ => ("", None),
        };
        let mut found = Vec::new();
        if self.count_keys()? == self.count_all()? {
            return Ok(Some(found));
        }
        let order = if down { "seq DESC" } else { "seq" };
        let sql = format!(
            "SELECT seq, EXISTS (SELECT 1 FROM scim_key INDEXED BY scim_key_seq WHERE seq = r.seq AND attr = ({ATTR}))
            FROM scim_resource r WHERE tenant = ?1 AND kind = ?2 {range} ORDER BY {order}"
        );
        let mut select = self.connection.prepare_cached(&sql)?;
        let scope = [self.tenant, self.kind, &self.attribute].map(|text| Value::Text(text.to_owned()));
        let values = scope.into_iter().chain(at.map(Value::Integer));
        let mut rows = select.query(params_from_iter(values))?;
        let (mut seen, mut passed, limit) = (0, 0, query.scan_limit);
        while (found.len() as u64) < left.limit
            && let Some(row) = rows.next()?
        {
            seen += 1;
            if seen > limit {
                return Err(StoreError::TooMany { limit }.into());
            }
            if row.get(1)? {
                continue;
            }
            if passed < left.offset {
                passed += 1;
            } else {
                found.push(Position::new(None, row.get(0)?));
            }
        }
        Ok(Some(found))
    }

    fn positions(
        &self,
        sql: &str,
        left: &Left,
        at: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Position>, Fault> {
        let text = |text: &str| Value::Text(text.to_owned());
        let scope = [text(self.tenant), text(self.kind), text(&self.attribute)];
        let part = [integer(left.limit), integer(left.offset)];
        let values = params_from_iter(scope.into_iter().chain(part).chain(at));
        let mut select = self.connection.prepare_cached(sql)?;
        Ok(select.query_map(values, position)?.collect::<Result<_, _>>()?)
    }

    fn count_keys(&self) -> Result<u64, Fault> {
        let sql = format!("SELECT count(*) FROM scim_key WHERE attr = ({ATTR})");
        let mut select = self.connection.prepare_cached(&sql)?;
        let count =
            select.query_row([self.tenant, self.kind, &self.attribute], |row| row.get::<_, i64>(0))?;
        Ok(count.cast_unsigned())
    }

    fn count_all(&self) -> Result<u64, Fault> {
        let sql = "SELECT n FROM scim_count WHERE tenant = ?1 AND kind = ?2";
        let mut select = self.connection.prepare_cached(sql)?;
        let count: Option<i64> = select.query_row([self.tenant, self.kind], |row| row.get(0)).optional()?;
        Ok(count.unwrap_or_default().cast_unsigned())
    }
}

/// How many resources are still to be skipped, and to be taken.
struct Left {
    offset: u64,
    limit: u64,
}
