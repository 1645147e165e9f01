//! Making the keys of a resource type anew when other attributes are indexed or unique than when they were made.

use std::fmt::Write as _;

use rusqlite::{Connection, OptionalExtension, Row, params};
use scim_core::{Resource, ResourceType};

use super::fault::Fault;
use super::write::Rows;
use crate::tables::{Content, Seq, Tables};

/// How many resources one transaction takes, so that other writes get their turn.
const CHUNK: i64 = 500;

/// Whether the keys of the type have to be made anew. From here on they count as unfinished, so that a process that
/// ends in between begins again.
pub(super) fn begin(
    connection: &Connection,
    tenant: &str,
    resource_type: &ResourceType,
) -> Result<bool, Fault> {
    let kind = resource_type.name();
    let sql = "SELECT attrs FROM scim_indexed WHERE tenant = ?1 AND kind = ?2";
    let made: Option<String> = connection.query_row(sql, [tenant, kind], |row| row.get(0)).optional()?;
    if made.is_some_and(|made| made == attributes(resource_type)) {
        return Ok(false);
    }
    connection.execute("DELETE FROM scim_indexed WHERE tenant = ?1 AND kind = ?2", [tenant, kind])?;
    Ok(true)
}

/// The next resources behind `after`: their number and the last of them; `None` at the end.
pub(super) fn chunk(
    connection: &Connection,
    tenant: &str,
    resource_type: &ResourceType,
    after: Seq,
) -> Result<Option<(u64, Seq)>, Fault> {
    let kind = resource_type.name();
    let transaction = connection.unchecked_transaction()?;
    let sql = "SELECT r.seq, d.doc
        FROM scim_resource r CROSS JOIN scim_document d ON d.seq = r.seq
        WHERE r.tenant = ?1 AND r.kind = ?2 AND r.seq > ?3 ORDER BY r.seq LIMIT ?4";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let found: Vec<(Seq, String)> = transaction
        .prepare_cached(sql)?
        .query_map(params![tenant, kind, after, CHUNK], read)?
        .collect::<Result<_, _>>()?;
    let Some(last) = found.last().map(|(seq, ..)| *seq) else { return Ok(None) };
    let count = found.len() as u64;
    let mut named = Vec::new();
    let mut rows = Rows::new(&transaction, tenant, 0, &mut named);
    for (seq, document) in found {
        let content = Content::new(resource_type, Resource::from_canonical(serde_json::from_str(&document)?));
        for key in &content.unique {
            // What comes later may still have a key of before, and is judged in its turn.
            if let Some(other) = rows.unique_holder(kind, key, Some(seq))?.filter(|other| *other < seq) {
                let sql = "SELECT id FROM scim_resource WHERE seq = ?1";
                let [first, second] =
                    [other, seq].map(|seq| transaction.query_row(sql, [seq], |row| row.get(0)));
                let ids = (first?, second?);
                let attribute = key.attribute.clone();
                let (kind, tenant) = (kind.to_owned(), tenant.to_owned());
                return Err(Fault::Duplicate { kind, attribute, ids, tenant });
            }
        }
        rows.set_keys(kind, seq, &content.keys)?;
    }
    transaction.commit()?;
    Ok(Some((count, last)))
}

/// The keys are those of the type now.
pub(super) fn finish(
    connection: &Connection,
    tenant: &str,
    resource_type: &ResourceType,
) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO scim_indexed (tenant, kind, attrs) VALUES (?1, ?2, ?3)";
    connection.execute(sql, [tenant, resource_type.name(), &attributes(resource_type)])?;
    Ok(())
}

/// All that the keys of a type depend on.
fn attributes(resource_type: &ResourceType) -> String {
    let mut text = String::new();
    for (list, paths) in [("indexed", resource_type.indexed()), ("unique", resource_type.unique())] {
        text.push_str(list);
        for path in paths {
            let exact = if path.leaf().compares_exactly() { "exact" } else { "folded" };
            // A `String` takes everything.
            let _ = write!(text, " {path} {} {exact};", path.leaf().r#type);
        }
    }
    text
}
