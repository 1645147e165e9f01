//! Finds the row of the n-th resource in the order of creation.

use rusqlite::{Connection, params};

use super::fault::Fault;
use crate::tables::Seq;

/// How many rows are counted together. The layout of the file names this number too.
const BLOCK: i64 = 1_024;

/// Returns the block that a row is in.
pub(super) fn block(seq: Seq) -> i64 {
    seq / BLOCK
}

/// Adds to the count of resources in a block.
pub(super) fn count(
    connection: &Connection,
    tenant: &str,
    kind: &str,
    block: i64,
    by: i64,
) -> Result<(), Fault> {
    let sql = "INSERT INTO scim_rank (tenant, kind, block, n) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT DO UPDATE SET n = n + ?4";
    connection.prepare_cached(sql)?.execute(params![tenant, kind, block, by])?;
    if by < 0 {
        // Otherwise tenants that come and go would leave rows behind.
        let sql = "DELETE FROM scim_rank WHERE tenant = ?1 AND kind = ?2 AND block = ?3 AND n = 0";
        connection.prepare_cached(sql)?.execute(params![tenant, kind, block])?;
    }
    Ok(())
}

/// Returns the last row of the block that ends at or before `offset`, and how many resources remain to skip after it.
pub(super) fn near(
    connection: &Connection,
    tenant: &str,
    kind: &str,
    offset: u64,
) -> Result<(Option<Seq>, u64), Fault> {
    if offset < BLOCK.cast_unsigned() {
        return Ok((None, offset));
    }
    let sql = "SELECT block, n FROM scim_rank WHERE tenant = ?1 AND kind = ?2 ORDER BY block";
    let mut select = connection.prepare_cached(sql)?;
    let mut blocks = select.query([tenant, kind])?;
    let (mut last, mut left) = (None, offset);
    while let Some(row) = blocks.next()? {
        let (block, count): (i64, i64) = (row.get(0)?, row.get(1)?);
        if count.cast_unsigned() > left {
            break;
        }
        (last, left) = (Some((block + 1) * BLOCK - 1), left - count.cast_unsigned());
    }
    Ok((last, left))
}
