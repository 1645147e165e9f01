//! Filters as SQL, for an application's own tables (feature `sql`).
//!
//! [`BoundFilter::to_sql`] makes a condition for `WHERE` from a filter and a [`Table`], which says where each attribute
//! is kept. The condition finds exactly the resources for which [`BoundFilter::matches`] is true.
//!
//! ```
//! use scim_core::{Leniency, ResourceType};
//! use scim_filter::Filter;
//! use scim_filter::sql::{Column, Dialect, Json, Links, Param, Rows, Table};
//!
//! let users = Table::new("users", "row")
//!     .column("id", Column::verbatim("id"))
//!     .column("userName", Column::comparable("user_name_folded"))
//!     .column("meta.created", Column::unix_millis("created"))
//!     .rows(
//!         "emails",
//!         Rows::new("user_emails", "user_row")
//!             .column("value", Column::comparable("address_folded"))
//!             .column("type", Column::ascii("type")),
//!     )
//!     .links("groups", Links::new("group_members", "user_row", Column::verbatim("group_id")))
//!     .json(Json::comparable("rest"));
//!
//! let filter: Filter = r#"userName eq "Jo" and emails[type eq "work" and value ew "@x"]"#.parse()?;
//! let condition = filter.bind(&ResourceType::user(), &mut Leniency::INTEROP.into())?.to_sql(&users, Dialect::Sqlite, 0)?;
//! let statement = format!("SELECT id FROM users WHERE {}", condition.sql);
//! assert!(statement.contains(r#"WHERE (("users"."user_name_folded" IS NOT NULL AND "#));
//! assert_eq!(condition.params, [Param::Text("jo".into()), Param::Text("work".into()), Param::Text("@x".into())]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What goes into the text
//!
//! Keywords, the quoted names of the [`Table`] and of the schema, and numbered parameters. What a client wrote is only
//! ever a parameter.
//!
//! The condition is true or false, never `NULL`, so it can be joined with others and negated.
//!
//! # The comparable form
//!
//! No database compares as SCIM does. SQLite's `lower()` handles ASCII only, and PostgreSQL's depends on the locale.
//! Neither handles width or composition. Instants and base64 have many spellings.
//!
//! So a column of its own is best for what a filter reads. It is written from [`comparable`] next to the value as it
//! was sent ([`Column::comparable`]). A whole document can be made by [`comparable_document`] ([`Json::comparable`]):
//!
//! | attribute type | comparable form | in a column of SQLite | of PostgreSQL |
//! | --- | --- | --- | --- |
//! | string | [`scim_core::fold`], unchanged if `caseExact` | `TEXT` | `text COLLATE "C"` |
//! | reference | unchanged | `TEXT` | `text COLLATE "C"` |
//! | boolean | unchanged | `INTEGER`, 0 or 1 | `boolean` |
//! | integer | unchanged | `INTEGER` | `bigint` |
//! | decimal | unchanged, whole numbers as integers | `NUMERIC` | `numeric` |
//! | dateTime | a text that sorts by time, to full precision | `TEXT` | `text COLLATE "C"` |
//! | binary | hexadecimal | `TEXT` | `text COLLATE "C"` |
//!
//! If the form is "unchanged", [`Column::verbatim`] works too. A JSON column is text or JSONB in SQLite, and `jsonb` in
//! PostgreSQL.
//!
//! # What it rests on
//!
//! * Documents and rows are made from canonical resources ([`scim_core::Resource`]): no `null`, the types of the
//!   schema, arrays for multi-valued attributes. A missing value is SQL's `NULL`.
//! * Texts are compared by code point.
//! * For PostgreSQL, which needs a UTF-8 database, the text says `COLLATE "C"` whatever the column's collation is. An
//!   index can answer only if the column, the index or the whole database is declared so.
//! * In SQLite, columns must have the collation `BINARY`, which is the default. The text does not name it, because that
//!   would keep SQLite from using indexes for `or`.
//! * `sw` is a range. Such an index answers it, `eq` and the orderings. `co` and `ew` read every row that the rest of
//!   the filter leaves. Nothing uses `LIKE`.
//! * Texts contain no U+0000, because PostgreSQL cannot store it.
//! * Numbers are compared exactly, with 2 exceptions. Whole numbers from 2^63 on are floats in SQLite. In a verbatim
//!   document in PostgreSQL, whole numbers from 2^53 on are inexact if the document has them as floats.
//! * SQLite 3.38 and PostgreSQL 12 or later.

use std::fmt;

use crate::bind::BoundFilter;

mod comparable;
mod dialect;
mod table;
mod value;
mod write;

pub use comparable::{comparable, comparable_document};
pub use dialect::Dialect;
pub use table::{Column, Json, Links, Rows, Table};

/// A condition for `WHERE`, true or false for every row. It has brackets where it needs them.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The SQL text.
    pub sql: String,
    /// The values of the parameters, in the order of their numbers.
    pub params: Vec<Param>,
}

/// The value of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// Text; in PostgreSQL of type `text`.
    Text(String),
    /// A whole number; in PostgreSQL of type `bigint`.
    Integer(i64),
    /// Any other number. Only SQLite gets these: PostgreSQL gets decimals as text, which is exact.
    Real(f64),
}

/// Why a filter has no SQL. [`BoundFilter::matches`] can still decide it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The table has no place for the attribute.
    #[error("`{path}` is in no column, row or JSON that is known of")]
    NotMapped {
        /// The attribute.
        path: String,
    },
    /// The attribute is stored in a form that cannot answer the comparison.
    #[error("`{path}` {reason}")]
    Unfit {
        /// The attribute.
        path: String,
        /// Why it cannot.
        reason: &'static str,
    },
}

impl SqlError {
    fn not_mapped(path: &dyn fmt::Display) -> Self {
        Self::NotMapped { path: path.to_string() }
    }

    fn unfit(path: &dyn fmt::Display, reason: &'static str) -> Self {
        Self::Unfit { path: path.to_string(), reason }
    }
}

impl BoundFilter {
    /// Writes the filter as a condition on the rows of `table`.
    ///
    /// `before` is the number of parameters that the statement has already. If it is 0, the first parameter of the
    /// condition is `?1` or `$1`.
    ///
    /// `meta.resourceType` is assumed to be the type to which the filter is bound. So a table of several types needs an
    /// additional condition.
    ///
    /// # Errors
    ///
    /// [`SqlError::NotMapped`] if `table` has no place for an attribute, and [`SqlError::Unfit`] if its place cannot
    /// answer the comparison.
    pub fn to_sql(&self, table: &Table, dialect: Dialect, before: usize) -> Result<Condition, SqlError> {
        write::condition(self, table, dialect, before)
    }
}
