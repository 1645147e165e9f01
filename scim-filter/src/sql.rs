//! Filters as SQL, for resources in tables of one's own — feature `sql`.
//!
//! [`BoundFilter::to_sql`] makes a condition for `WHERE` out of a filter and a [`Table`], which says where each
//! attribute is kept. It finds exactly the resources for which [`BoundFilter::matches`] is true.
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
//! Keywords, the names of the [`Table`] and those of the schema, quoted, and numbered parameters. What a client
//! wrote is only ever a parameter.
//!
//! The condition is true or false, never `NULL`, so it can be joined with others and negated.
//!
//! # The comparable form
//!
//! No database compares as SCIM does: `lower()` of SQLite knows ASCII alone, that of PostgreSQL depends on the
//! locale, neither knows width or composition; instants come in many spellings, and so does base64. So what a
//! filter reads is best a column of its own, written from [`comparable`] beside the value as it was sent
//! ([`Column::comparable`]), or a whole document made by [`comparable_document`] ([`Json::comparable`]):
//!
//! | attribute type | comparable form | in a column of SQLite | of PostgreSQL |
//! | --- | --- | --- | --- |
//! | string | [`scim_core::fold`], as it is if `caseExact` | `TEXT` | `text COLLATE "C"` |
//! | reference | as it is | `TEXT` | `text COLLATE "C"` |
//! | boolean | as it is | `INTEGER`, 0 or 1 | `boolean` |
//! | integer | as it is | `INTEGER` | `bigint` |
//! | decimal | as it is, whole numbers as integers | `NUMERIC` | `numeric` |
//! | dateTime | a text that sorts by time, to full precision | `TEXT` | `text COLLATE "C"` |
//! | binary | hexadecimal | `TEXT` | `text COLLATE "C"` |
//!
//! Where the form is "as it is", [`Column::verbatim`] does as well. A JSON column is text or JSONB in SQLite,
//! `jsonb` in PostgreSQL.
//!
//! # What it rests on
//!
//! * Documents and rows are made from canonical resources ([`scim_core::Resource`]): no `null`, the types of the
//!   schema, arrays for multi-valued attributes. A missing value is SQL's `NULL`.
//! * Texts are compared by code point. For PostgreSQL the text says `COLLATE "C"` (in a UTF-8 database) whatever
//!   the column's collation, but an index serves only if the column or the index is declared so, or the whole
//!   database is. In SQLite columns must have the collation `BINARY`, which they have unless declared `NOCASE` or
//!   otherwise: to say it in the text would keep SQLite from using indexes for `or`.
//! * `sw` is a range, which such an index answers, as it answers `eq` and the orderings; `co` and `ew` read every
//!   row that the rest of the filter leaves. Nothing uses `LIKE`.
//! * Texts hold no U+0000: PostgreSQL cannot store it.
//! * Numbers are compared exactly, but for whole numbers from 2^63 on in SQLite, which are floats there, and for
//!   those from 2^53 on that a document has as floats, if PostgreSQL has it verbatim.
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

/// A condition for `WHERE`: in brackets where it needs them, true or false for every row.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The text.
    pub sql: String,
    /// The values of its parameters, in the order of their numbers.
    pub params: Vec<Param>,
}

/// The value of one parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Param {
    /// Text; in PostgreSQL of type `text`.
    Text(String),
    /// A whole number; in PostgreSQL of type `bigint`.
    Integer(i64),
    /// Any other number. Only SQLite has these: PostgreSQL is sent decimals as text, which is exact.
    Real(f64),
}

/// Why a filter has no SQL. [`BoundFilter::matches`] can still decide it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The table says nothing of the attribute.
    #[error("`{path}` is in no column, row or JSON that is known of")]
    NotMapped {
        /// The attribute.
        path: String,
    },
    /// The attribute is kept in a form in which it cannot be compared like this.
    #[error("`{path}` {reason}")]
    Unfit {
        /// The attribute.
        path: String,
        /// What is the matter.
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
    /// The filter as a condition on the rows of `table`.
    ///
    /// `before` is how many parameters the statement has already: the first of the condition is `?1` or `$1` when
    /// it is 0.
    ///
    /// `meta.resourceType` is taken to be the type that the filter is bound to, so a table of several types needs a
    /// condition beside this one.
    ///
    /// # Errors
    ///
    /// [`SqlError::NotMapped`] when `table` has no place for an attribute, and [`SqlError::Unfit`] when its place
    /// cannot answer the comparison.
    pub fn to_sql(&self, table: &Table, dialect: Dialect, before: usize) -> Result<Condition, SqlError> {
        write::condition(self, table, dialect, before)
    }
}
