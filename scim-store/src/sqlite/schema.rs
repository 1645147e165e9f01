//! Opens connections to the file.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::Fault;
use super::mark::Mark;
use super::options::{Durability, SqliteOptions};
use super::{file, layout};

/// How many statements a connection caches. It is more than the crate has, so that each is compiled once; filters share
/// the rest.
const STATEMENTS: usize = 256;

/// How many bytes of the file are mapped, as far as SQLite is built for it. It is more than any file has, if there are
/// enough addresses. The rest is read.
const MAPPED: i64 = if usize::BITS < 64 { 1 << 30 } else { 1 << 40 };

/// The size of a page in bytes. Larger pages would make reads in large files a little cheaper, but creates more
/// expensive by more than that. Keys land in scattered pages, each of which is written to the log and to the file.
const PAGE: u32 = 4_096;

/// How long to wait for another process that holds the file.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the connection that writes, and creates the tables.
pub(super) fn writing(path: &Path, options: &SqliteOptions, mark: &Mark) -> Result<Connection, Fault> {
    let mut connection = open(path, WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
    // Only has an effect on a file that is still empty.
    connection.pragma_update(None, "page_size", PAGE)?;
    let journal: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if journal != "wal" {
        return Err(Fault::NoWal(journal));
    }
    set_synchronous(&connection, options.durability)?;
    // The mover does this instead.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // Key rows are scattered all over their tree, so a large import depends on pages in memory.
    connection.pragma_update(None, "cache_size", -65_536)?;
    mark.check(&connection)?;
    if options.check {
        check(&connection)?;
    }
    check_room(path, &connection)?;
    // What a migration puts into temporary tables need not fit into memory.
    connection.pragma_update(None, "temp_store", "FILE")?;
    layout::make(&mut connection)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    if let Some(most) = options.most_bytes {
        let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let pages = i64::try_from(most).unwrap_or(i64::MAX) / page.max(1);
        // SQLite does not go below what the file already has.
        connection.pragma_update(None, "max_page_count", pages.clamp(1, u32::MAX.into()))?;
    }
    // Moves what a killed process, or a migration, left in the log now, while no caller waits for a commit. If another
    // connection still reads, the log stays.
    connection.busy_timeout(Duration::ZERO)?;
    mark.begin_to_move()?;
    match move_log(&connection, "TRUNCATE") {
        Err(fault) if fault.is_lost_write() => return Err(fault),
        _ => connection.busy_timeout(PATIENCE)?,
    }
    mark.end_to_move(&connection)?;
    Ok(connection)
}

/// How far the log was moved.
pub(super) struct Moved {
    /// Whether nothing was in the way: for `PASSIVE` another checkpoint, otherwise readers too.
    pub(super) done: bool,
    /// Whether all of it is in the file.
    pub(super) all: bool,
}

/// Moves the log into the file, as `PRAGMA wal_checkpoint` does in this mode.
pub(super) fn move_log(connection: &Connection, mode: &str) -> Result<Moved, Fault> {
    let sql = format!("PRAGMA wal_checkpoint({mode})");
    let (busy, pages, moved): (i64, i64, i64) =
        connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(Moved { done: busy == 0, all: pages == moved })
}

const WRITE: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// Opens a connection that moves the log into the file.
pub(super) fn moving(path: &Path, durability: Durability) -> Result<Connection, Fault> {
    let connection = open(path, WRITE)?;
    set_synchronous(&connection, durability)?;
    connection.pragma_update(None, "cache_size", -1_024)?;
    Ok(connection)
}

fn set_synchronous(connection: &Connection, durability: Durability) -> Result<(), Fault> {
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::Normal => "NORMAL",
        Durability::Off => "OFF",
    };
    Ok(connection.pragma_update(None, "synchronous", synchronous)?)
}

/// Checks that the file is as SQLite left it: each page in its place, each row in its form.
fn check(connection: &Connection) -> Result<(), Fault> {
    let first: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if first == "ok" { Ok(()) } else { Err(Fault::Damaged(first.replace('\n', " "))) }
}

/// Opens a connection that only reads, with the file mapped into memory or not.
pub(super) fn reading(path: &Path, mapped: bool) -> Result<Connection, Fault> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // Pages that are not in a connection's own cache come from the system's cache without a call and a copy. So
    // look-ups cost the same in a file that has outgrown the connection's cache.
    connection.pragma_update(None, "mmap_size", if mapped { MAPPED } else { 0 })?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, Fault> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // A connection that writes does not map the file. So an unreadable page is an error; in a mapped file it is a
    // signal that ends the process in the middle of a commit.
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Otherwise statements with an unindexed `= ?` or a `LIMIT ?` are planned again for each bound value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    keep_log(&connection, true)?;
    Ok(connection)
}

/// Sets whether the log stays as it is if this connection is the last to be closed. Otherwise SQLite moves it into the
/// file and deletes it, whatever happened before.
pub(super) fn keep_log(connection: &Connection, keep: bool) -> Result<(), Fault> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)?;
    Ok(())
}

/// Checks that the disk has room for a migration, because what is copied within the file is first in the log.
fn check_room(path: &Path, connection: &Connection) -> Result<(), Fault> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    if !layout::migrates(connection)? {
        return Ok(());
    }
    let length = number("PRAGMA page_count")?.saturating_mul(number("PRAGMA page_size")?);
    let needed = length.cast_unsigned().saturating_mul(2);
    // If the free room is unknown, the migration will show it.
    let there = fs4::available_space(file::folder(path)).unwrap_or(u64::MAX);
    if there < needed { Err(Fault::NoRoom { path: path.to_owned(), needed, there }) } else { Ok(()) }
}

/// Returns the secret of the file. Creates it if it is missing.
pub(super) fn secret(connection: &Connection) -> Result<[u8; 32], Fault> {
    let fresh: [u8; 32] = random()?;
    let sql = "INSERT INTO scim_secret (name, value) VALUES ('file', ?1) ON CONFLICT DO NOTHING";
    connection.execute(sql, [fresh])?;
    let sql = "SELECT value FROM scim_secret WHERE name = 'file'";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Returns random bytes of the operating system.
pub(super) fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Fault> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(Fault::NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn only_what_reads_is_mapped_and_only_if_it_is_to_be() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scim.db");
        let options = SqliteOptions::default();
        let writer = writing(&path, &options, &Mark::find(&path, &options).unwrap()).unwrap();
        let mapped = |connection: &Connection| {
            connection.query_row("PRAGMA mmap_size", [], |row| row.get::<_, i64>(0)).unwrap() > 0
        };
        assert!(!mapped(&writer) && !mapped(&moving(&path, options.durability).unwrap()));
        assert!(mapped(&reading(&path, true).unwrap()) && !mapped(&reading(&path, false).unwrap()));
    }
}
