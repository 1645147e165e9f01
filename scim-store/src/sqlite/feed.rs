//! The change feed: one narrow row for each changed resource, in the transaction that changes it.

use rusqlite::{Connection, Params, Row, params};
use scim_core::Timestamp;
use scim_server_traits::{Change, ChangeFeedError, ChangeKind, FeedPosition, LinkChanges, TenantId};
use serde_json::{Value, json};

use super::fault::Fault;
use super::{cause, record, schema};
use crate::tables::Changed;

/// After how many new changes old ones are deleted. To delete one for each new one would touch a second page.
const SWEEP: i64 = 1_024;

pub(super) fn append(
    connection: &Connection,
    tenant: &str,
    cause: &str,
    changed: &Changed<'_>,
    kept: u64,
) -> Result<(), Fault> {
    let Changed { kind, id, external_id, what, version, moment, document, links } = changed;
    let links = (!links.is_empty()).then(|| text(links));
    let paths = (!document.paths.is_empty()).then(|| json!(document.paths).to_string());
    // Both numbers follow from the newest rows, and the newest row of each tenant always stays.
    let sql = "INSERT INTO scim_change (seq, tenant, number, kind, id, external_id, what, version, moment,
            cause, paths, activation, links)
        VALUES ((SELECT coalesce(max(seq), (SELECT base FROM scim_feed)) + 1 FROM scim_change), ?1,
            (SELECT coalesce(max(number), (SELECT base FROM scim_feed)) + 1 FROM scim_change
                WHERE tenant = ?1),
            ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    connection.prepare_cached(sql)?.execute(params![
        tenant,
        kind,
        id,
        external_id,
        number(*what),
        version.cast_signed(),
        moment.as_millis(),
        cause,
        paths,
        document.activation,
        links
    ])?;
    let newest = connection.last_insert_rowid();
    if newest % SWEEP == 0 {
        sweep(connection, newest.saturating_sub_unsigned(kept.max(1)))?;
    }
    Ok(())
}

/// Deletes changes up to `last`, but not the newest one of a tenant.
///
/// Of those up to the last sweep, each tenant has at most its then newest one. It can go only if the tenant has changed
/// since, so the other tenants are not looked at.
fn sweep(connection: &Connection, last: i64) -> Result<(), Fault> {
    const IS_OLD: &str =
        "number < (SELECT max(number) FROM scim_change newer WHERE newer.tenant = scim_change.tenant)";
    let left = format!(
        "DELETE FROM scim_change WHERE seq IN (
            SELECT (SELECT seq FROM scim_change oldest WHERE oldest.tenant = recent.tenant ORDER BY number LIMIT 1)
            FROM (SELECT DISTINCT tenant FROM scim_change
                WHERE seq > (SELECT max(seq) FROM scim_change) - ?2) recent)
        AND seq <= ?1 AND {IS_OLD}"
    );
    connection.prepare_cached(&left)?.execute([last, SWEEP])?;
    let new = format!(
        "DELETE FROM scim_change WHERE seq > (SELECT swept FROM scim_feed) AND seq <= ?1 AND {IS_OLD}"
    );
    connection.prepare_cached(&new)?.execute([last])?;
    let sql = "UPDATE scim_feed SET swept = max(swept, ?1)";
    connection.prepare_cached(sql)?.execute([last])?;
    Ok(())
}

/// The number of changes that one file is assumed never to reach.
const EPOCH: i64 = 1 << 32;

/// Continues the feed of a copy at a number of its own. A position in the original is then always too old or too new
/// for the copy, however many changes both will have. The numbers stay below 2^53, which every JSON reader reads
/// exactly.
pub(super) fn begin_anew(connection: &mut Connection) -> Result<(), Fault> {
    let epoch = i64::from(u32::from_be_bytes(schema::random()?) >> 12) + 1;
    let from = epoch * EPOCH;
    let transaction = connection.transaction()?;
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'scim_change'";
    // An empty file has no feed yet.
    if transaction.prepare(sql)?.exists([])? {
        transaction.execute("DELETE FROM scim_change", [])?;
        transaction.execute("UPDATE scim_feed SET base = ?1, swept = ?1", [from])?;
        record::begin_anew(&transaction, from)?;
    }
    Ok(transaction.commit()?)
}

/// Returns the number of the tenant's newest change.
pub(super) fn newest(connection: &Connection, tenant: &str) -> Result<u64, Fault> {
    let sql = "SELECT coalesce(max(number), (SELECT base FROM scim_feed)) FROM scim_change WHERE tenant = ?1";
    of_one(connection, sql, [tenant])
}

/// Returns a number that grows with each change and each record that is written. The file may have any layout, or no
/// tables yet.
pub(super) fn written(connection: &Connection) -> Result<u64, Fault> {
    let has = |table: &str| {
        connection.prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = ?1")?.exists([table])
    };
    if has("scim_feed")? {
        Ok(newest_of_all(connection)? + record::newest(connection)?)
    } else if has("scim_change")? {
        of_one(connection, "SELECT coalesce(max(seq), 0) FROM scim_change", [])
    } else {
        Ok(0)
    }
}

/// Returns the number of the newest change of all.
fn newest_of_all(connection: &Connection) -> Result<u64, Fault> {
    of_one(connection, "SELECT coalesce(max(seq), (SELECT base FROM scim_feed)) FROM scim_change", [])
}

fn of_one(connection: &Connection, sql: &str, params: impl Params) -> Result<u64, Fault> {
    Ok(connection.prepare_cached(sql)?.query_row(params, |row| row.get::<_, i64>(0))?.cast_unsigned())
}

/// What a feed says, or refuses to say. The result around it is the file's.
pub(super) type Told<T> = Result<T, ChangeFeedError>;

/// Reads changes of the tenant after a number.
pub(super) fn after(
    connection: &Connection,
    tenant: &str,
    after: u64,
    limit: usize,
) -> Result<Told<Vec<Change>>, Fault> {
    let newest = newest(connection, tenant)?;
    let sql = "SELECT min(number) FROM scim_change WHERE tenant = ?1";
    let oldest: Option<i64> = connection.prepare_cached(sql)?.query_row([tenant], |row| row.get(0))?;
    let oldest = oldest.map_or(newest + 1, i64::cast_unsigned);
    if let Err(error) = ChangeFeedError::check(after, oldest, newest) {
        return Ok(Err(error));
    }
    let which = "WHERE tenant = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
    let read = changes(connection, which, params![tenant, after.cast_signed(), most(limit)])?;
    Ok(Ok(read.into_iter().map(|(_, change)| change).collect()))
}

pub(super) fn position(connection: &Connection) -> Result<FeedPosition, Fault> {
    Ok(FeedPosition::of_number(newest_of_all(connection)?))
}

/// Reads changes of all tenants after a position.
pub(super) fn after_of_all(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Told<(Vec<Change>, FeedPosition)>, Fault> {
    let newest = newest_of_all(connection)?;
    let swept = of_one(connection, "SELECT swept FROM scim_feed", [])?;
    if let Err(error) = ChangeFeedError::check(after, swept + 1, newest) {
        return Ok(Err(error));
    }
    let which = "WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let read = changes(connection, which, params![after.cast_signed(), most(limit)])?;
    let reached = read.last().map_or(after, |(seq, _)| *seq);
    let told = read.into_iter().map(|(_, change)| change).collect();
    Ok(Ok((told, FeedPosition::of_number(reached))))
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Reads the changes that a condition selects, each with its number among those of all tenants.
fn changes(connection: &Connection, which: &str, params: impl Params) -> Result<Vec<(u64, Change)>, Fault> {
    let sql = format!(
        "SELECT number, tenant, kind, id, external_id, what, version, moment, cause, paths, activation,
            links, seq
        FROM scim_change {which}"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params)?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        changes.push((row.get::<_, i64>(12)?.cast_unsigned(), change(row)?));
    }
    Ok(changes)
}

fn change(row: &Row<'_>) -> Result<Change, Fault> {
    let tenant = TenantId::new(row.get::<_, String>(1)?);
    let (kind, id): (String, String) = (row.get(2)?, row.get(3)?);
    let version = row.get::<_, i64>(6)?.cast_unsigned();
    let moment = Timestamp::from_millis(row.get(7)?);
    let mut change = Change::new(tenant, kind, id, what(row.get(5)?), version, moment);
    change.sequence = row.get::<_, i64>(0)?.cast_unsigned();
    change.external_id = row.get(4)?;
    change.cause = cause::read(row.get_ref(8)?.as_str().map_err(rusqlite::Error::from)?)?;
    if let Some(text) = row.get::<_, Option<String>>(9)? {
        change.paths = serde_json::from_str(&text)?;
    }
    change.activation = row.get(10)?;
    if let Some(text) = row.get::<_, Option<String>>(11)? {
        change.links = links(&text)?;
    }
    Ok(change)
}

fn number(what: ChangeKind) -> i64 {
    match what {
        ChangeKind::Created => 0,
        ChangeKind::Updated => 1,
        ChangeKind::Deleted => 2,
    }
}

fn what(number: i64) -> ChangeKind {
    match number {
        0 => ChangeKind::Created,
        2 => ChangeKind::Deleted,
        _ => ChangeKind::Updated,
    }
}

/// Writes down the added links, the removed links, and how many more are not listed.
fn text(links: &LinkChanges) -> String {
    let LinkChanges { added, removed, untold, .. } = links;
    Value::to_string(&json!([added, removed, untold]))
}

fn links(text: &str) -> Result<LinkChanges, Fault> {
    let mut links = LinkChanges::default();
    (links.added, links.removed, links.untold) = serde_json::from_str(text)?;
    Ok(links)
}
