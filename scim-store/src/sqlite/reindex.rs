//! Rebuilds the keys of a resource type whose indexed or unique attributes have changed.

use rusqlite::{Connection, Row, params};
use scim_core::{Resource, ResourceType};

use super::checksum::{self, Whose};
use super::fault::Fault;
use super::keys::{self, Keys};
use super::write::Rows;
use crate::keys::attributes;
use crate::tables::{Content, Seq, Tables};

/// How many resources one transaction takes, so that other writes get their turn.
const CHUNK: i64 = 500;

/// A rebuild under way. A later one of the same type replaces it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rebuild(u64);

impl Rebuild {
    /// Returns what the file holds instead of the attributes meanwhile. It fits no type.
    fn mark(self) -> String {
        format!("being rebuilt ({})", self.0)
    }

    /// Fails if another rebuild has begun.
    fn check(self, connection: &Connection, tenant: &str, resource_type: &ResourceType) -> Result<(), Fault> {
        let kind = resource_type.name();
        if keys::made_of(connection, tenant, kind)?.is_some_and(|made| made == self.mark()) {
            return Ok(());
        }
        Err(Fault::Superseded { kind: kind.to_owned(), tenant: tenant.to_owned() })
    }
}

/// Begins to rebuild the keys of the type, if needed. From here on they fit no type, so that a rebuild that was
/// interrupted starts again.
pub(super) fn begin(
    connection: &Connection,
    keys: &Keys,
    tenant: &str,
    resource_type: &ResourceType,
) -> Result<Option<Rebuild>, Fault> {
    let kind = resource_type.name();
    if keys::made_of(connection, tenant, kind)?.is_some_and(|made| made == attributes(resource_type)) {
        return Ok(None);
    }
    let rebuild = Rebuild(keys.generation() + 1);
    keys::set_made_of(connection, tenant, kind, &rebuild.mark())?;
    // After the file says so, and before the first key changes.
    keys.forget(tenant);
    Ok(Some(rebuild))
}

/// Rebuilds the keys of the next resources after `after`. Returns their number and the last of them; `None` at the end.
pub(super) fn chunk(
    connection: &Connection,
    keys: &Keys,
    tenant: &str,
    resource_type: &ResourceType,
    rebuild: Rebuild,
    after: Seq,
) -> Result<Option<(u64, Seq)>, Fault> {
    let kind = resource_type.name();
    rebuild.check(connection, tenant, resource_type)?;
    let transaction = connection.unchecked_transaction()?;
    let sql = "SELECT r.seq, d.doc, d.checksum, d.id
        FROM scim_resource r CROSS JOIN scim_document d ON d.seq = r.seq
        WHERE r.tenant = ?1 AND r.kind = ?2 AND r.seq > ?3 ORDER BY r.seq LIMIT ?4";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let found: Vec<(Seq, String, i64, String)> = transaction
        .prepare_cached(sql)?
        .query_map(params![tenant, kind, after, CHUNK], read)?
        .collect::<Result<_, _>>()?;
    let Some(last) = found.last().map(|(seq, ..)| *seq) else { return Ok(None) };
    let count = found.len() as u64;
    let mut named = Vec::new();
    let mut rows = Rows::new((&transaction, tenant, ""), 0, keys, &mut named);
    for (seq, document, checksum, id) in found {
        checksum::check(seq, &document, checksum, Whose { tenant, kind, id: &id })?;
        let mut resource = Resource::from_canonical(serde_json::from_str(&document)?);
        // The document may be older than the definition. Unknown attributes have no keys.
        resource_type.fit(&mut resource, true);
        let content = Content::new(resource_type, resource);
        for key in &content.unique {
            // A later resource may still have an old key. It is checked in its turn.
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

/// Records that the keys are now those of the type.
pub(super) fn finish(
    connection: &Connection,
    tenant: &str,
    resource_type: &ResourceType,
    rebuild: Rebuild,
) -> Result<(), Fault> {
    rebuild.check(connection, tenant, resource_type)?;
    keys::set_made_of(connection, tenant, resource_type.name(), &attributes(resource_type))
}
