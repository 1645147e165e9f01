//! Streams of records: one row for each, in the transaction of its batch.

use rusqlite::{Connection, Row, params};
use scim_core::{Exhausted, Resource, Timestamp};
use scim_server_traits::{KeptRecord, Record, RecordPosition, RecordQuery};

use super::cause;
use super::checksum::{self, Whose};
use super::fault::Fault;
use super::pace::Pace;
use super::readers::Snapshot;
use crate::records::Reading;

pub(super) fn append(
    connection: &Connection,
    tenant: &str,
    cause: &str,
    now: Timestamp,
    record: &Record,
) -> Result<(), Fault> {
    let stream = record.stream.name();
    // The clock may have gone back, but the moments of a stream do not.
    let sql =
        "SELECT max(coalesce((SELECT max(moment) FROM scim_record WHERE tenant = ?1 AND stream = ?2), ?3),
        coalesce((SELECT moment FROM scim_pruned WHERE tenant = ?1 AND stream = ?2), ?3), ?3)";
    let moment: i64 = connection
        .prepare_cached(sql)?
        .query_row(params![tenant, stream, now.as_millis()], |row| row.get(0))?;
    let text = serde_json::to_string(record.data.as_map())?;
    let sql = "INSERT INTO scim_record (tenant, stream, moment, cause, doc, definition, checksum)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (definition, sum) = (record.stream.fingerprint().cast_signed(), checksum::of(moment, &text));
    connection.prepare_cached(sql)?.execute(params![tenant, stream, moment, cause, text, definition, sum])?;
    Ok(())
}

/// Reads records between the bounds of the query until there are enough.
pub(super) fn read(
    Snapshot { connection, turn, .. }: Snapshot<'_>,
    tenant: &str,
    query: &RecordQuery,
    pace: &Pace,
) -> Result<Vec<KeptRecord>, Fault> {
    let sql = if query.newest_first {
        "SELECT moment, seq, cause, doc, definition, checksum FROM scim_record
        WHERE tenant = ?1 AND stream = ?2 AND (moment, seq) > (?3, ?4) AND (moment, seq) < (?5, ?6)
        ORDER BY moment DESC, seq DESC"
    } else {
        "SELECT moment, seq, cause, doc, definition, checksum FROM scim_record
        WHERE tenant = ?1 AND stream = ?2 AND (moment, seq) > (?3, ?4) AND (moment, seq) < (?5, ?6)
        ORDER BY moment, seq"
    };
    let (after, before) = query.bounds();
    let number = |position: RecordPosition| i64::try_from(position.number).unwrap_or(i64::MAX);
    let bounds = params![
        tenant,
        query.stream.name(),
        after.moment.as_millis(),
        number(after),
        before.moment.as_millis(),
        number(before)
    ];
    let exhausted = |exhausted: Exhausted| turn.exhausted(exhausted);
    let mut reading = Reading::new(query, &turn.work(pace));
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(bounds)?;
    while !reading.is_done()
        && let Some(row) = rows.next()?
    {
        let text = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        reading.comes_to(text.len()).map_err(exhausted)?;
        let record = kept(row, text, tenant, query)?;
        if reading.takes(record.position, &record.data).map_err(exhausted)? {
            reading.keep(record);
        }
    }
    Ok(reading.into_records())
}

fn kept(row: &Row<'_>, text: &str, tenant: &str, query: &RecordQuery) -> Result<KeptRecord, Fault> {
    let moment: i64 = row.get(0)?;
    let number = row.get::<_, i64>(1)?.cast_unsigned();
    let position = RecordPosition { moment: Timestamp::from_millis(moment), number };
    let id = position.to_string();
    checksum::check(moment, text, row.get(5)?, Whose { tenant, kind: query.stream.name(), id: &id })?;
    let mut data = Resource::from_canonical(serde_json::from_str(text)?);
    if row.get::<_, i64>(4)?.cast_unsigned() != query.stream.fingerprint() {
        query.stream.fit(&mut data, true);
    }
    let cause = cause::read(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?;
    Ok(KeptRecord::new(position, cause, data))
}

/// How many records are deleted together. Other batches are written in between.
const CHUNK: u64 = 1_000;

/// Deletes some of the records before this moment. Returns how many, and whether there may be more.
pub(super) fn prune(
    connection: &Connection,
    tenant: &str,
    stream: &str,
    until: Timestamp,
) -> Result<(u64, bool), Fault> {
    let transaction = connection.unchecked_transaction()?;
    // The moment from which the stream goes on, even if no record is left.
    let sql = "INSERT INTO scim_pruned (tenant, stream, moment)
        SELECT ?1, ?2, max(moment) FROM scim_record WHERE tenant = ?1 AND stream = ?2 HAVING max(moment) IS NOT NULL
        ON CONFLICT DO UPDATE SET moment = max(moment, excluded.moment)";
    transaction.prepare_cached(sql)?.execute([tenant, stream])?;
    let sql = "DELETE FROM scim_record WHERE seq IN (SELECT seq FROM scim_record
        WHERE tenant = ?1 AND stream = ?2 AND moment < ?3 ORDER BY moment, seq LIMIT ?4)";
    let gone = transaction.prepare_cached(sql)?.execute(params![
        tenant,
        stream,
        until.as_millis(),
        CHUNK.cast_signed()
    ])?;
    transaction.commit()?;
    Ok((gone as u64, gone as u64 == CHUNK))
}

/// Returns the number of the newest record of all, even if that record was deleted.
pub(super) fn newest(connection: &Connection) -> Result<u64, Fault> {
    let sql = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'scim_record'";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?.cast_unsigned())
}

/// Continues the numbers of a copy behind those of the original.
pub(super) fn begin_anew(connection: &Connection, from: i64) -> Result<(), Fault> {
    let sql = "UPDATE sqlite_sequence SET seq = max(seq, ?1) WHERE name = 'scim_record'";
    if connection.execute(sql, [from])? == 0 {
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('scim_record', ?1)", [from])?;
    }
    Ok(())
}
