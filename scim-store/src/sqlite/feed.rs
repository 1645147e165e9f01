//! The change feed: one narrow row for each changed resource, in the transaction that changes it.

use rusqlite::{Connection, Row, params};
use scim_core::Timestamp;
use scim_server_traits::{Change, ChangeFeedError, ChangeKind, LinkChanges, TenantId};
use serde_json::{Value, json};

use super::fault::Fault;
use super::schema;
use crate::tables::Changed;

/// After how many new changes old ones are deleted. To delete one for each new one would touch a second page.
const SWEEP: i64 = 1_024;

pub(super) fn append(
    connection: &Connection,
    tenant: &str,
    changed: &Changed<'_>,
    kept: u64,
) -> Result<(), Fault> {
    let Changed { kind, id, what, version, moment, links } = changed;
    let links = (!links.is_empty()).then(|| text(links));
    let sql = "INSERT INTO scim_change (tenant, kind, id, what, version, moment, links)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (what, version) = (number(*what), version.cast_signed());
    connection.prepare_cached(sql)?.execute(params![
        tenant,
        kind,
        id,
        what,
        version,
        moment.as_millis(),
        links
    ])?;
    let newest = connection.last_insert_rowid();
    if newest % SWEEP == 0 {
        // The newest change always stays, because the next number follows from it.
        let last = newest.saturating_sub_unsigned(kept.max(1));
        connection.prepare_cached("DELETE FROM scim_change WHERE seq <= ?1")?.execute([last])?;
    }
    Ok(())
}

/// The number of changes that one file is assumed never to reach.
const EPOCH: i64 = 1 << 32;

/// Continues the feed of a copy at a number of its own. A position in the original is then always too old or too new
/// for the copy, however many changes both will have. The numbers stay below 2^53, which every JSON reader reads
/// exactly.
pub(super) fn begin_anew(connection: &mut Connection) -> Result<(), Fault> {
    let epoch = i64::from(u32::from_be_bytes(schema::random()?) >> 12) + 1;
    let transaction = connection.transaction()?;
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'scim_change'";
    // An empty file has no feed yet.
    if transaction.prepare(sql)?.exists([])? {
        transaction.execute("DELETE FROM scim_change", [])?;
        // Not a change. It says where the numbers go on, and no consumer asks for changes after a number before it.
        let sql = "INSERT INTO scim_change (seq, tenant, kind, id, what, version, moment)
            VALUES (?1, '', '', '', 0, 0, 0)";
        transaction.execute(sql, [epoch * EPOCH])?;
    }
    Ok(transaction.commit()?)
}

pub(super) fn newest(connection: &Connection) -> Result<u64, Fault> {
    let sql = "SELECT coalesce(max(seq), 0) FROM scim_change";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?.cast_unsigned())
}

/// Reads changes after a number. The outer result is the file's, the inner one the feed's.
pub(super) fn after(
    connection: &Connection,
    after: u64,
    limit: usize,
) -> Result<Result<Vec<Change>, ChangeFeedError>, Fault> {
    let newest = newest(connection)?;
    let sql = "SELECT coalesce(min(seq), 1) FROM scim_change";
    let oldest = connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?;
    if let Err(error) = ChangeFeedError::check(after, oldest.cast_unsigned(), newest) {
        return Ok(Err(error));
    }
    let sql = "SELECT seq, tenant, kind, id, what, version, moment, links FROM scim_change
        WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([after.cast_signed(), limit])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        changes.push(change(row)?);
    }
    Ok(Ok(changes))
}

fn change(row: &Row<'_>) -> Result<Change, Fault> {
    let tenant = TenantId::new(row.get::<_, String>(1)?);
    let (kind, id): (String, String) = (row.get(2)?, row.get(3)?);
    let version = row.get::<_, i64>(5)?.cast_unsigned();
    let moment = Timestamp::from_millis(row.get(6)?);
    let mut change = Change::new(tenant, kind, id, what(row.get(4)?), version, moment);
    change.sequence = row.get::<_, i64>(0)?.cast_unsigned();
    if let Some(text) = row.get::<_, Option<String>>(7)? {
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
