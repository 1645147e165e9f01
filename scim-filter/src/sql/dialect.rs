//! The differences between the databases.

use super::SqlError;

/// The SQL of one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite: parameters are `?1`, `?2`, …
    Sqlite,
    /// PostgreSQL: parameters are `$1`, `$2`, …
    Postgres,
}

/// The location of a JSON value: names of members to follow from a JSON expression.
#[derive(Clone, Debug)]
pub(super) struct JsonPath<'a> {
    pub(super) base: String,
    pub(super) names: Vec<&'a str>,
}

impl Dialect {
    pub(super) fn parameter(self, number: usize) -> String {
        match self {
            Self::Sqlite => format!("?{number}"),
            Self::Postgres => format!("${number}"),
        }
    }

    /// Writes a text parameter that is compared by code point.
    ///
    /// SQLite's columns compare so unless declared otherwise. Naming the collation would keep its indexes from
    /// answering `OR`.
    pub(super) fn text(self, number: usize) -> String {
        match self {
            Self::Sqlite => self.parameter(number),
            Self::Postgres => format!("${number}::text COLLATE \"C\""),
        }
    }

    /// Writes `value` in lower case; only ASCII letters change.
    pub(super) fn ascii_lower(self, value: &str) -> String {
        match self {
            Self::Sqlite => format!("lower({value})"),
            Self::Postgres => format!("lower({value} COLLATE \"C\")"),
        }
    }

    /// Writes a test whether `value` contains `part`.
    pub(super) fn contains(self, value: &str, part: &str) -> String {
        match self {
            Self::Sqlite => format!("instr({value}, {part}) > 0"),
            Self::Postgres => format!("strpos({value}, {part}) > 0"),
        }
    }

    /// Writes a test whether `value` ends with `end`, which must not be empty.
    pub(super) fn ends_with(self, value: &str, end: &str) -> String {
        match self {
            Self::Sqlite => format!("substr({value}, -length({end})) = {end}"),
            Self::Postgres => format!("right({value}, length({end})) = {end}"),
        }
    }

    /// Writes `value` without as many characters at its end as `end` has. If `value` is shorter, the result is
    /// undefined.
    pub(super) fn without_end(self, value: &str, end: &str) -> String {
        match self {
            Self::Sqlite => format!("substr({value}, 1, length({value}) - length({end}))"),
            Self::Postgres => format!("left({value}, -length({end}))"),
        }
    }

    /// Writes a JSON scalar: in SQLite as the SQL value of its kind, in PostgreSQL as text.
    pub(super) fn json_scalar(self, path: &JsonPath<'_>) -> Result<String, SqlError> {
        let JsonPath { base, names } = path;
        Ok(match (self, names.split_last()) {
            (Self::Sqlite, None) => base.clone(),
            (Self::Sqlite, Some(_)) => format!("json_extract({base}, {})", sqlite_path(names)?),
            (Self::Postgres, None) => format!("({base} #>> '{{}}')"),
            (Self::Postgres, Some((last, before))) => {
                format!("({}{} ->> {})", base, postgres_steps(before), literal(last))
            }
        })
    }

    /// Writes a JSON number as a number.
    pub(super) fn json_number(self, path: &JsonPath<'_>) -> Result<String, SqlError> {
        match self {
            Self::Sqlite => self.json_scalar(path),
            Self::Postgres => {
                let json = postgres_json(path);
                Ok(format!("(CASE WHEN jsonb_typeof({json}) = 'number' THEN {json}::numeric END)"))
            }
        }
    }

    /// Writes a test whether the JSON value exists.
    pub(super) fn json_exists(self, path: &JsonPath<'_>) -> Result<String, SqlError> {
        Ok(match self {
            Self::Sqlite => format!("(json_type({}, {}) IS NOT NULL)", path.base, sqlite_path(&path.names)?),
            Self::Postgres => format!("({} IS NOT NULL)", postgres_json(path)),
        })
    }

    /// Writes a test whether the value holds a scalar that is not empty, at any depth.
    pub(super) fn json_present(self, path: &JsonPath<'_>) -> Result<String, SqlError> {
        Ok(match self {
            // In SQLite's `json_tree`, arrays, objects and null have no atom.
            Self::Sqlite => {
                let path_text = sqlite_path(&path.names)?;
                format!("EXISTS (SELECT 1 FROM json_tree({}, {path_text}) WHERE atom <> '')", path.base)
            }
            Self::Postgres => format!(
                "COALESCE(jsonb_path_exists({}, '$.** ? (@.type() == \"boolean\" || @.type() == \"number\" || \
                @.type() == \"string\" && @ != \"\")'), FALSE)",
                postgres_json(path)
            ),
        })
    }

    /// Writes the elements of a JSON array as rows for `FROM`, in the column `value`.
    pub(super) fn json_elements(self, path: &JsonPath<'_>, alias: &str) -> Result<String, SqlError> {
        Ok(match self {
            Self::Sqlite => {
                format!("json_each({}, {}) AS {}", path.base, sqlite_path(&path.names)?, quoted(alias))
            }
            // Unlike `jsonb_array_elements`, this raises no error for a value that is not an array.
            Self::Postgres => {
                format!("jsonb_path_query({}, '$[*]') AS {}(\"value\")", postgres_json(path), quoted(alias))
            }
        })
    }
}

/// Quotes an identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a string constant.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn postgres_json(path: &JsonPath<'_>) -> String {
    if path.names.is_empty() {
        return path.base.clone();
    }
    format!("({}{})", path.base, postgres_steps(&path.names))
}

fn postgres_steps(names: &[&str]) -> String {
    names.iter().map(|name| format!(" -> {}", literal(name))).collect()
}

/// Writes a path for SQLite, which has no escape for quotes.
///
/// Backslashes are literal in some releases only.
fn sqlite_path(names: &[&str]) -> Result<String, SqlError> {
    if let Some(name) = names.iter().find(|name| name.contains(['"', '\\'])) {
        return Err(SqlError::unfit(name, "is a name that SQLite's JSON paths cannot say"));
    }
    let steps: String = names.iter().map(|name| format!(".\"{name}\"")).collect();
    Ok(literal(&format!("${steps}")))
}
