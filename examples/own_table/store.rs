//! A whole [`Store`] on existing tables: fixed columns, one tenant.
//!
//! Everything that is specific to the tables is in module `kind`. The code here is needed for any tables. One
//! connection behind a lock is enough for an example. A busy application hands calls to its own threads, as
//! `scim-store` does. The tables have no room for some parts of the contract: other tenants, claims, dormancy, and
//! groups in groups.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::types::Value as Sql;
use rusqlite::{
    Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params, params_from_iter,
};
use scim_core::{Error, Resource, ResourceType, Timestamp, fold};
use scim_filter::sql::{Condition, Dialect, Param};
use scim_patch::RelationStep;
use scim_server_traits::{
    Batch, Context, Get, Match, Page, Position, Precondition, Query, Seek, Sort, Store, StoreError, Stored,
    Write, Written,
};

use crate::kind::Kind;
use crate::links;

/// The application's database.
#[derive(Debug)]
pub(crate) struct OwnTables {
    connection: Mutex<Connection>,
}

/// What a write needs to know of a row.
struct Head {
    row: i64,
    version: u64,
    created: Timestamp,
    modified: Timestamp,
}

impl OwnTables {
    /// Opens the application's database, and adds what SCIM needs if that is not there yet.
    pub(crate) fn open(mut connection: Connection) -> Result<Self, StoreError> {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let sql = "SELECT count(*) FROM pragma_table_info('users') WHERE name = 'scim_id'";
        if transaction.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(failed)? == 0 {
            take_over(&transaction).map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // A call that panicked has rolled back its transaction.
        work(&mut self.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Adds ids and comparable forms to existing rows.
fn take_over(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(include_str!("scim.sql"))?;
    for (table, text, key) in [
        ("users", "login", "login_key"),
        ("users", "full_name", "full_name_key"),
        ("teams", "title", "title_key"),
    ] {
        let mut select =
            transaction.prepare(&format!("SELECT row, {text} FROM {table} WHERE {text} NOTNULL"))?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (row, text) in rows.collect::<rusqlite::Result<Vec<(i64, String)>>>()? {
            let sql = format!("UPDATE {table} SET {key} = ?2 WHERE row = ?1");
            transaction.execute(&sql, params![row, fold(&text)])?;
        }
        transaction
            .execute(&format!("UPDATE {table} SET scim_id = {table}.row WHERE scim_id IS NULL"), [])?;
    }
    Ok(())
}

#[async_trait]
impl Store for OwnTables {
    async fn get(&self, _: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        let kind = kind(&get.resource_type)?;
        self.with(|connection| {
            let condition = Condition { sql: "scim_id = ?1".into(), params: vec![Param::Text(get.id)] };
            let page = select(connection, kind, &condition, "", &get.relations).map_err(failed)?;
            Ok(page.into_iter().next().map(|found| found.stored))
        })
    }

    async fn query(&self, _: &Context, query: Query) -> Result<Page, StoreError> {
        let kind = kind(&query.resource_type)?;
        if query.sort != Sort::default() {
            // The server was told that there is no sorting. A request for it must not get another order.
            return Err(StoreError::backend("these tables are read in the order of creation only"));
        }
        let condition = match &query.filter {
            // Every attribute of these types has a column. So a filter without SQL is not a valid filter.
            Some(filter) => filter
                .to_sql(&(kind.sql)(), Dialect::Sqlite, 0)
                .map_err(|error| StoreError::Rejected(Error::invalid_filter(error.to_string())))?,
            None => Condition { sql: "true".into(), params: Vec::new() },
        };
        self.with(|connection| {
            // The total and the page must come from one snapshot.
            let transaction = connection.transaction().map_err(failed)?;
            let sql = format!("SELECT count(*) FROM {} WHERE {}", kind.table, condition.sql);
            let count = transaction.query_row(&sql, params_from_iter(values(&condition)), |row| row.get(0));
            let total: i64 = count.map_err(failed)?;
            let page = page(&transaction, kind, condition, &query).map_err(failed)?;
            Ok(Page::new(total.cast_unsigned(), page))
        })
    }

    async fn commit(&self, _: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        let Batch { now, writes, records, .. } = batch;
        // The tables have no place for them.
        no_room(records.is_empty())?;
        self.with(|connection| {
            let immediate = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(immediate).map_err(failed)?;
            let written = writes.into_iter().map(|write| write_one(&transaction, now, write));
            let written = written.collect::<Result<_, _>>()?;
            transaction.commit().map_err(failed)?;
            Ok(written)
        })
    }
}

/// Carries out one write. On an error the transaction is dropped and rolled back, so a batch is all or nothing.
fn write_one(transaction: &Transaction<'_>, now: Timestamp, write: Write) -> Result<Written, StoreError> {
    match write {
        Write::Insert(insert) => {
            let kind = kind(&insert.resource_type)?;
            no_room(insert.claims.is_empty() && !insert.dormant)?;
            if find(transaction, kind, &insert.id)?.is_some() {
                return Err(taken(kind, "id"));
            }
            check_unique(transaction, kind, 0, &insert.resource)?;
            let row = make(transaction, kind, &insert.id, now, &insert.resource).map_err(failed)?;
            let mut written = Written::new(insert.id, 1, now, now, true);
            let steps = insert.links.into_iter().map(|(_, references)| RelationStep::Add(references));
            (written.added, written.removed) = links::change(transaction, kind, row, steps)?;
            Ok(written)
        }
        Write::Update(update) => {
            let kind = kind(&update.resource_type)?;
            let claims = update.claims.unwrap_or_default();
            no_room(claims.is_empty() && update.dormant != Some(true))?;
            let head = existing(transaction, kind, &update.id, &update.precondition)?;
            let mut changed = false;
            if let Some(resource) = update.resource {
                check_unique(transaction, kind, head.row, &resource)?;
                changed = replace(transaction, kind, head.row, &resource).map_err(failed)?;
            }
            let steps = update.relations.into_iter().map(|edit| edit.step);
            let (added, removed) = links::change(transaction, kind, head.row, steps)?;
            changed |= !(added.is_empty() && removed.is_empty());
            let (version, modified) = if changed {
                (head.version + 1, now.max(head.modified))
            } else {
                (head.version, head.modified)
            };
            if changed {
                touch(transaction, kind, head.row, version, modified).map_err(failed)?;
            }
            let mut written = Written::new(update.id, version, head.created, modified, changed);
            (written.added, written.removed) = (added, removed);
            Ok(written)
        }
        Write::Delete(delete) => {
            let kind = kind(&delete.resource_type)?;
            let head = existing(transaction, kind, &delete.id, &delete.precondition)?;
            let mut written = Written::new(delete.id, head.version, head.created, head.modified, true);
            written.removed = links::end(transaction, kind, head.row, now)?;
            let sql = format!("DELETE FROM {} WHERE row = ?1", kind.table);
            transaction.execute(&sql, [head.row]).map_err(failed)?;
            Ok(written)
        }
        _ => no_room(false).and(Err(StoreError::backend("this kind of write is newer than the store"))),
    }
}

fn make(
    transaction: &Transaction<'_>,
    kind: &Kind,
    id: &str,
    now: Timestamp,
    resource: &Resource,
) -> rusqlite::Result<i64> {
    let (columns, values): (Vec<_>, Vec<_>) = kind.values(resource).into_iter().unzip();
    let places = vec!["?"; columns.len()].join(", ");
    let sql = format!(
        "INSERT INTO {} ({}, scim_id, created, modified) VALUES ({places}, ?, ?, ?)",
        kind.table,
        columns.join(", ")
    );
    let rest = [Sql::Text(id.to_owned()), now.as_millis().into(), now.as_millis().into()];
    transaction.prepare_cached(&sql)?.execute(params_from_iter(values.into_iter().chain(rest)))?;
    Ok(transaction.last_insert_rowid())
}

/// Writes the columns of a row, and returns whether anything changed.
fn replace(
    transaction: &Transaction<'_>,
    kind: &Kind,
    row: i64,
    resource: &Resource,
) -> rusqlite::Result<bool> {
    let (columns, values): (Vec<_>, Vec<_>) = kind.values(resource).into_iter().unzip();
    let columns = columns.join(", ");
    let places = vec!["?"; values.len()].join(", ");
    let sql = format!(
        "UPDATE {} SET ({columns}) = ({places}) WHERE row = ? AND ({columns}) IS NOT ({places})",
        kind.table
    );
    let all = values.clone().into_iter().chain([row.into()]).chain(values);
    Ok(transaction.prepare_cached(&sql)?.execute(params_from_iter(all))? > 0)
}

pub(crate) fn touch(
    transaction: &Transaction<'_>,
    kind: &Kind,
    row: i64,
    version: u64,
    modified: Timestamp,
) -> rusqlite::Result<()> {
    // The clock may have gone back.
    let sql = format!("UPDATE {} SET version = ?2, modified = max(modified, ?3) WHERE row = ?1", kind.table);
    transaction
        .prepare_cached(&sql)?
        .execute(params![row, version.cast_signed(), modified.as_millis()])
        .map(drop)
}

fn find(transaction: &Transaction<'_>, kind: &Kind, id: &str) -> Result<Option<Head>, StoreError> {
    let sql = format!("SELECT row, version, created, modified FROM {} WHERE scim_id = ?1", kind.table);
    let head = |row: &Row<'_>| {
        Ok(Head {
            row: row.get(0)?,
            version: row.get::<_, i64>(1)?.cast_unsigned(),
            created: Timestamp::from_millis(row.get(2)?),
            modified: Timestamp::from_millis(row.get(3)?),
        })
    };
    let mut select = transaction.prepare_cached(&sql).map_err(failed)?;
    select.query_row([id], head).optional().map_err(failed)
}

fn existing(
    transaction: &Transaction<'_>,
    kind: &Kind,
    id: &str,
    precondition: &Precondition,
) -> Result<Head, StoreError> {
    let (resource_type, id) = (kind.name.to_owned(), id.to_owned());
    match find(transaction, kind, &id)? {
        None => Err(StoreError::NotFound { resource_type, id }),
        Some(head) if !precondition.holds(head.version) => {
            Err(StoreError::Precondition { resource_type, id })
        }
        Some(head) => Ok(head),
    }
}

fn check_unique(
    transaction: &Transaction<'_>,
    kind: &Kind,
    own: i64,
    resource: &Resource,
) -> Result<(), StoreError> {
    let values = kind.values(resource);
    for field in kind.fields.iter().filter(|field| field.unique) {
        let column = field.key.unwrap_or(field.column);
        let value = values.iter().find(|(name, _)| *name == column).map(|(_, value)| value);
        let sql = format!("SELECT 1 FROM {} WHERE {column} = ?1 AND row <> ?2", kind.table);
        let mut select = transaction.prepare_cached(&sql).map_err(failed)?;
        if select.exists(params![value, own]).map_err(failed)? {
            return Err(taken(kind, field.attribute));
        }
    }
    Ok(())
}

/// Returns the page of a query among the rows that meet the condition.
fn page(
    connection: &Connection,
    kind: &Kind,
    mut condition: Condition,
    query: &Query,
) -> rusqlite::Result<Vec<Match>> {
    let beyond = match &query.seek {
        Seek::Start => None,
        Seek::After(position) => Some((">", position)),
        Seek::Before(position) => Some(("<", position)),
    };
    if let Some((beyond, position)) = beyond {
        condition.params.push(Param::Integer(position.place));
        condition.sql = format!("({}) AND row {beyond} ?{}", condition.sql, condition.params.len());
    }
    let is_back = matches!(query.seek, Seek::Before(_));
    let count = |number| i64::try_from(number).unwrap_or(i64::MAX);
    let (limit, offset) = (count(query.limit), count(query.offset));
    let order = if is_back { "row DESC" } else { "row" };
    let part = format!("ORDER BY {order} LIMIT {limit} OFFSET {offset}");
    let mut page = select(connection, kind, &condition, &part, &query.relations)?;
    if is_back {
        page.reverse();
    }
    Ok(page)
}

/// Returns the resources that meet the condition. `part` sets their order and number; the position is the row number.
fn select(
    connection: &Connection,
    kind: &Kind,
    condition: &Condition,
    part: &str,
    relations: &[String],
) -> rusqlite::Result<Vec<Match>> {
    let columns: Vec<_> = kind.fields.iter().map(|field| field.column).collect();
    let sql = format!(
        "SELECT row, scim_id, version, created, modified, {} FROM {} WHERE {} {part}",
        columns.join(", "),
        kind.table,
        condition.sql,
    );
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query(params_from_iter(values(condition)))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut stored = Stored::new(
            row.get::<_, String>(1)?,
            row.get::<_, i64>(2)?.cast_unsigned(),
            Timestamp::from_millis(row.get(3)?),
            Timestamp::from_millis(row.get(4)?),
            kind.resource(row, 5)?,
        );
        if relations.iter().any(|relation| relation == kind.links) {
            let links = links::of(connection, kind, row.get(0)?)?;
            let links = links.into_values().map(|end| end.link).collect();
            stored.links = BTreeMap::from([(kind.links.to_owned(), links)]);
        }
        found.push(Match::new(Position::new(None, row.get(0)?), stored));
    }
    Ok(found)
}

fn values(condition: &Condition) -> Vec<Sql> {
    let value = |param: &Param| match param {
        Param::Text(text) => text.clone().into(),
        Param::Integer(number) => (*number).into(),
        Param::Real(number) => (*number).into(),
    };
    condition.params.iter().map(value).collect()
}

fn kind(resource_type: &ResourceType) -> Result<&'static Kind, StoreError> {
    Kind::of(resource_type).ok_or_else(|| StoreError::backend("there is no table for this resource type"))
}

fn taken(kind: &Kind, attribute: &str) -> StoreError {
    StoreError::Uniqueness { resource_type: kind.name.to_owned(), attribute: attribute.to_owned() }
}

/// Refuses what the tables cannot store.
fn no_room(is_plain: bool) -> Result<(), StoreError> {
    is_plain.then_some(()).ok_or_else(|| StoreError::backend("these tables keep no claims and no dormancy"))
}

pub(crate) fn failed(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => StoreError::Full(error.into()),
        _ => StoreError::backend(error),
    }
}
