//! What the disk and SQLite can do at best.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::server::Durability;

/// The size of one page, which a WAL frame of a changed page holds.
const APPENDED: usize = 4_096;

/// A file to which data is appended and synced, as a store does with its log.
#[derive(Debug)]
pub(crate) struct Disk(File);

impl Disk {
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        Ok(Self(tempfile::tempfile_in(folder)?))
    }

    /// Appends a page, syncs it, and returns how long that takes.
    pub(crate) fn append(&mut self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        self.0.write_all(&[1; APPENDED])?;
        self.0.sync_data()?;
        Ok(started.elapsed())
    }
}

/// A row that one POST writes: the statement, and the values of an existing row, which are varied.
struct Row {
    insert: String,
    columns: Vec<(String, Value)>,
}

impl Row {
    /// Returns the values of this row for user number `made` with the row number `seq`.
    fn values<'a>(&'a self, id: &'a str, seq: i64, made: i64) -> impl Iterator<Item = Value> + 'a {
        self.columns.iter().map(move |(name, value)| match (name.as_str(), value) {
            ("seq", _) => Value::Integer(seq),
            ("id", _) => Value::Text(id.to_owned()),
            // The row that is repeated is the newest change.
            ("number", Value::Integer(newest)) => Value::Integer(newest + made),
            // Unique keys come in scattered order, as those of people do.
            ("key", Value::Text(key)) if key.len() > "false".len() => {
                Value::Text(format!("{:06}{key}{id}", made.wrapping_mul(7_919) % 1_000_003))
            }
            (_, value) => value.clone(),
        })
    }
}

/// The tables that a POST adds rows to, and the condition that finds existing rows like them.
const TABLES: [(&str, &str); 4] = [
    ("scim_resource", "WHERE seq = ?1"),
    ("scim_document", "WHERE seq = ?1"),
    ("scim_key", "WHERE seq = ?1"),
    ("scim_change", "WHERE ?1 > 0 ORDER BY seq DESC LIMIT 1"),
];

/// The statements that look for an existing resource and count the new one.
const BESIDE: [&str; 4] = [
    "SELECT seq FROM scim_resource WHERE tenant = 'load' AND kind = 'User' AND id = ?1",
    "SELECT seq FROM scim_key WHERE key = ?1 AND attr =
        (SELECT attr FROM scim_attr WHERE tenant = 'load' AND kind = 'User' AND path = 'userName')",
    "UPDATE scim_count SET n = n + 1 WHERE tenant = 'load' AND kind = 'User' AND ?1 > ''",
    "UPDATE scim_rank SET n = n + 1 WHERE tenant = 'load' AND kind = 'User' AND block = 1 AND ?1 > ''",
];

/// Returns how many users a second SQLite itself can write.
///
/// It writes the rows of the user with this id again and again under new keys, in commits of `group` users.
pub(crate) fn raw(
    file: &Path,
    id: &str,
    durability: Durability,
    group: usize,
    time: Duration,
    round: usize,
) -> anyhow::Result<f64> {
    let connection = Connection::open(file)?;
    let synchronous = if durability == Durability::Full { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update(None, "mmap_size", 1_i64 << 40)?;
    connection.set_prepared_statement_cache_capacity(64);
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let newest = number("SELECT max(seq) FROM scim_resource")?;
    let change = number("SELECT max(seq) FROM scim_change")?;
    let alike = "SELECT seq FROM scim_resource WHERE id = ?1";
    let alike: i64 = connection.query_row(alike, [id], |row| row.get(0))?;
    let mut rows = Vec::new();
    for (table, which) in TABLES {
        let first = if table == "scim_change" { change } else { newest };
        rows.extend(read(&connection, table, which, alike)?.into_iter().map(|row| (first, row)));
    }
    let started = Instant::now();
    let mut made = 0_i64;
    while started.elapsed() < time {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for _ in 0..group {
            made += 1;
            let id = format!("ffffffff-{round:04x}-7000-8000-{made:012x}");
            for sql in BESIDE {
                let mut statement = connection.prepare_cached(sql)?;
                let _ = if sql.starts_with("SELECT") {
                    statement.exists([&id])?
                } else {
                    statement.execute([&id])? > 0
                };
            }
            for (first, row) in &rows {
                let values = params_from_iter(row.values(&id, first + made, made));
                connection.prepare_cached(&row.insert)?.execute(values)?;
            }
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
    }
    Ok(made as f64 / started.elapsed().as_secs_f64())
}

fn read(connection: &Connection, table: &str, which: &str, seq: i64) -> anyhow::Result<Vec<Row>> {
    let mut select = connection.prepare(&format!("SELECT * FROM {table} {which}"))?;
    let names: Vec<String> = select.column_names().map(str::to_owned).collect();
    let marks: Vec<String> = (1..=names.len()).map(|number| format!("?{number}")).collect();
    let insert = format!("INSERT INTO {table} VALUES ({})", marks.join(", "));
    let mut rows = select.query([seq])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..names.len()).map(|at| row.get(at)).collect::<Result<Vec<Value>, _>>()?;
        let columns = names.iter().cloned().zip(values).collect();
        found.push(Row { insert: insert.clone(), columns });
    }
    Ok(found)
}
