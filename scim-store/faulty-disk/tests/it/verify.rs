//! Checks whether a file is what it has to be.

use std::path::Path;

use rusqlite::Connection;
use scim_server_traits::Store;
use scim_store::SqliteStore;

use super::history::{LENGTH, batch, block_on, context, expected, state};
use super::run::{Promise, options};

/// Queries that each find a row which does not agree with another table. An empty result means that no batch is half
/// there.
const WRONG: &[&str] = &[
    "SELECT tenant || kind FROM scim_count c WHERE n <> (SELECT count(*) FROM scim_resource r
        WHERE r.tenant = c.tenant AND r.kind = c.kind)",
    "SELECT tenant || kind FROM scim_rank k WHERE n <> (SELECT count(*) FROM scim_resource r
        WHERE r.tenant = k.tenant AND r.kind = k.kind AND r.seq / 1024 = k.block)",
    "SELECT seq FROM scim_resource EXCEPT SELECT seq FROM scim_document",
    "SELECT seq FROM scim_document EXCEPT SELECT seq FROM scim_resource",
    "SELECT seq FROM scim_key EXCEPT SELECT seq FROM scim_resource",
    "SELECT owner FROM scim_link EXCEPT SELECT seq FROM scim_resource",
    "SELECT target FROM scim_link EXCEPT SELECT seq FROM scim_resource",
];

/// Opens what is left, and returns what is wrong with it.
pub(crate) fn check(folder: &Path, promise: &Promise) -> Result<(), String> {
    let Promise { kept, open, durability } = promise;
    let path = folder.join("scim.db");
    let store = SqliteStore::open_with(&path, options(*durability)).map_err(|error| {
        let why = std::error::Error::source(&error).map(ToString::to_string);
        format!("it cannot be opened: {error}: {why:?}")
    })?;
    let found = block_on(state(&store));
    let candidates = (0..=open.len()).map(|more| [&**kept, &open[..more]].concat());
    let Some(all) = candidates.into_iter().find(|batches| *expected(batches) == found) else {
        let lost = expected(kept).iter().filter(|line| !found.contains(line)).count();
        return Err(format!(
            "after {kept:?}, perhaps {open:?}, {lost} lines of what was answered are not there: {found:#?}"
        ));
    };
    // The store can be used as any other.
    if let Some(more) = (0..LENGTH).rev().find(|batch| !all.contains(batch)) {
        let _ = block_on(store.commit(&context(), batch(more)));
        let after = [all, vec![more]].concat();
        if block_on(state(&store)) != *expected(&after) {
            return Err(format!("it does not go on after {after:?}"));
        }
    }
    drop(store);
    let file = Connection::open(&path).map_err(|error| error.to_string())?;
    for wrong in WRONG {
        let row = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
        let found: Vec<_> = file.prepare(wrong).unwrap().query_map([], row).unwrap().collect();
        if !found.is_empty() {
            return Err(format!("{wrong}: {found:?}"));
        }
    }
    Ok(())
}
