//! The databases, each with equal tables.

use postgres::types::ToSql;
use rusqlite::params_from_iter;
use rusqlite::types::Value as Sqlite;
use scim_filter::sql::{Condition, Dialect, Param};
use serde_json::{Map, Value};

/// Rows of one table, by column.
pub(super) type Loaded = Vec<Map<String, Value>>;

/// A column, and its type in SQLite and in PostgreSQL.
type Declared = (&'static str, &'static str, &'static str);

/// Each table with its columns. In PostgreSQL the collation of some differs from SCIM's order.
pub(super) const TABLES: [(&str, &[Declared]); 8] = [
    (
        "users",
        &[
            ("row", "INTEGER PRIMARY KEY", "bigint PRIMARY KEY"),
            ("id", "TEXT", "text"),
            ("created", "INTEGER", "bigint"),
            ("created_at", "TEXT", "timestamptz"),
            ("modified", "INTEGER", "bigint"),
            ("userName", "TEXT", "text COLLATE \"und-x-icu\""),
            ("raw userName", "TEXT", "varchar(20)"),
            ("externalId", "TEXT", "text"),
            ("title", "TEXT", "text"),
            ("active", "INTEGER", "boolean"),
            ("name.familyName", "TEXT", "text"),
            ("name.givenName", "TEXT", "text"),
            ("code", "TEXT", "text COLLATE \"und-x-icu\""),
            ("label", "TEXT", "text COLLATE \"und-x-icu\""),
            ("count", "INTEGER", "bigint"),
            ("ratio", "NUMERIC", "numeric"),
            ("since", "TEXT", "text"),
            ("blob", "TEXT", "text"),
            ("flag", "INTEGER", "boolean"),
            ("home", "TEXT", "text"),
            ("boss", "TEXT", "text"),
            ("document", "TEXT", "jsonb"),
            ("comparable", "TEXT", "jsonb"),
            ("rest", "TEXT", "jsonb"),
        ],
    ),
    (
        "emails",
        &[
            ("owner", "INTEGER", "bigint"),
            ("value", "TEXT", "text"),
            ("type", "TEXT", "text"),
            ("display", "TEXT", "text"),
            ("primary", "INTEGER", "boolean"),
        ],
    ),
    ("tags", &[("owner", "INTEGER", "bigint"), ("value", "TEXT", "text")]),
    ("marks", &[("owner", "INTEGER", "bigint"), ("value", "INTEGER", "bigint")]),
    ("manager", &[("owner", "INTEGER", "bigint"), ("value", "TEXT", "text"), ("$ref", "TEXT", "text")]),
    ("links", &[("user", "INTEGER", "bigint"), ("group", "TEXT", "text")]),
    ("members", &[("user", "INTEGER", "bigint"), ("group", "INTEGER", "bigint")]),
    ("groups", &[("row", "INTEGER", "bigint"), ("id", "TEXT", "text")]),
];

/// A database with the tables.
pub(super) trait Database {
    const DIALECT: Dialect;

    /// Replaces all rows by these, with tables in the order of [`TABLES`].
    fn load(&mut self, tables: &[Loaded]);

    /// Returns the result of each condition for each user, in the order of their rows. Parameters are numbered across
    /// all conditions.
    fn ask(&mut self, conditions: &[Condition]) -> Vec<Vec<Option<bool>>>;
}

fn ddl(column_type: impl Fn(&Declared) -> String) -> String {
    let tables = TABLES.map(|(table, columns)| {
        let columns: Vec<_> =
            columns.iter().map(|column| format!("\"{}\" {}", column.0, column_type(column))).collect();
        format!("CREATE TEMPORARY TABLE \"{table}\" ({});", columns.join(", "))
    });
    tables.concat()
}

fn select(conditions: &[Condition]) -> String {
    let columns: Vec<_> = conditions.iter().map(|condition| condition.sql.as_str()).collect();
    format!("SELECT {} FROM users ORDER BY users.row", columns.join(", "))
}

pub(super) fn sqlite() -> rusqlite::Connection {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection.execute_batch(&ddl(|column| column.1.to_owned())).unwrap();
    connection
}

impl Database for rusqlite::Connection {
    const DIALECT: Dialect = Dialect::Sqlite;

    fn load(&mut self, tables: &[Loaded]) {
        for ((table, columns), rows) in TABLES.iter().zip(tables) {
            self.execute(&format!("DELETE FROM \"{table}\""), []).unwrap();
            let marks = vec!["?"; columns.len()].join(", ");
            let mut insert =
                self.prepare_cached(&format!("INSERT INTO \"{table}\" VALUES ({marks})")).unwrap();
            for row in rows {
                let values = columns.iter().map(|column| sqlite_value(row.get(column.0)));
                insert.execute(params_from_iter(values)).unwrap();
            }
        }
    }

    fn ask(&mut self, conditions: &[Condition]) -> Vec<Vec<Option<bool>>> {
        let params = conditions.iter().flat_map(|condition| &condition.params).map(sqlite_param);
        let mut select = self.prepare(&select(conditions)).unwrap_or_else(|error| panic!("{error}"));
        let rows = select.query_map(params_from_iter(params), |row| {
            (0..conditions.len()).map(|at| row.get::<_, Option<bool>>(at)).collect()
        });
        rows.unwrap().collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}"))
    }
}

pub(super) fn sqlite_param(param: &Param) -> Sqlite {
    match param {
        Param::Text(text) => Sqlite::Text(text.clone()),
        Param::Integer(integer) => Sqlite::Integer(*integer),
        Param::Real(real) => Sqlite::Real(*real),
    }
}

fn sqlite_value(value: Option<&Value>) -> Sqlite {
    match value {
        None | Some(Value::Null) => Sqlite::Null,
        Some(Value::Bool(truth)) => Sqlite::Integer((*truth).into()),
        Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Sqlite::Integer(integer),
            (None, float) => float.map_or(Sqlite::Null, Sqlite::Real),
        },
        Some(Value::String(text)) => Sqlite::Text(text.clone()),
        Some(json) => Sqlite::Text(json.to_string()),
    }
}

/// Connects to the server named by `SCIM_POSTGRES`. `None` says that the test is skipped.
pub(super) fn postgres() -> Option<postgres::Client> {
    let server = scim_testdata::required("SCIM_POSTGRES")?;
    let mut client = postgres::Client::connect(&server, postgres::NoTls).unwrap();
    // Compiling a statement that runs once takes far longer than running it.
    client.batch_execute("SET jit = off").unwrap();
    client.batch_execute(&ddl(|column| column.2.to_owned())).unwrap();
    Some(client)
}

impl Database for postgres::Client {
    const DIALECT: Dialect = Dialect::Postgres;

    fn load(&mut self, tables: &[Loaded]) {
        // DELETE would leave dead rows for a vacuum, which temporary tables never get.
        let names = TABLES.map(|(table, _)| format!("\"{table}\"")).join(", ");
        self.batch_execute(&format!("TRUNCATE {names}")).unwrap();
        for ((table, _), rows) in TABLES.iter().zip(tables) {
            let rows = serde_json::to_string(rows).unwrap();
            let insert = format!(
                "INSERT INTO \"{table}\" SELECT * FROM jsonb_populate_recordset(NULL::\"{table}\", $1::text::jsonb)"
            );
            self.execute(&insert, &[&rows]).unwrap_or_else(|error| panic!("{error:?}: {rows}"));
        }
    }

    fn ask(&mut self, conditions: &[Condition]) -> Vec<Vec<Option<bool>>> {
        let params: Vec<_> =
            conditions.iter().flat_map(|condition| &condition.params).map(postgres_param).collect();
        let select = select(conditions);
        let rows = self.query(&select, &params).unwrap_or_else(|error| panic!("{error:?}: {select}"));
        rows.iter().map(|row| (0..conditions.len()).map(|at| row.get(at)).collect()).collect()
    }
}

fn postgres_param(param: &Param) -> &(dyn ToSql + Sync) {
    match param {
        Param::Text(text) => text,
        Param::Integer(integer) => integer,
        Param::Real(real) => real,
    }
}
