//! Describes where an application's tables keep each attribute.

use std::collections::BTreeMap;

use scim_core::ResourceType;

/// Where the attributes of one resource type are kept.
///
/// Paths are those of the schema, in any case and without the URN of the base schema: `userName`, `name.givenName`,
/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`. There are also `id`, `meta.created`,
/// `meta.lastModified` and `meta.version`, which are in no document.
///
/// Names of tables and columns are quoted unchanged, so give them in the case that the database knows.
#[derive(Clone, Debug)]
pub struct Table {
    name: String,
    key: String,
    places: BTreeMap<String, Place>,
    json: Option<Json>,
}

/// Where one attribute is stored.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Nowhere,
    Column(Column),
    Rows(Rows),
    Links(Links),
}

impl Table {
    /// Starts with a table that has a row for each resource.
    ///
    /// `name` is the table's name in the statement's `FROM`. `key` is the column by which other tables refer to its
    /// rows.
    pub fn new(name: impl Into<String>, key: impl Into<String>) -> Self {
        Self { name: name.into(), key: key.into(), places: BTreeMap::new(), json: None }
    }

    /// Maps a path to a column with a single value.
    ///
    /// The path is a simple attribute, or a sub-attribute of a single-valued complex attribute.
    #[must_use]
    pub fn column(self, path: &str, column: Column) -> Self {
        self.place(path, Place::Column(column))
    }

    /// Maps an attribute to the rows of another table, one for each value.
    #[must_use]
    pub fn rows(self, path: &str, rows: Rows) -> Self {
        self.place(path, Place::Rows(rows))
    }

    /// Maps a relation, such as `members` and `groups`, to a table of links.
    #[must_use]
    pub fn links(self, path: &str, links: Links) -> Self {
        self.place(path, Place::Links(links))
    }

    /// Declares that an attribute or sub-attribute is not kept, so that no resource has a value of it.
    #[must_use]
    pub fn absent(self, path: &str) -> Self {
        self.place(path, Place::Nowhere)
    }

    /// Sets the document, which has all attributes that are not mapped otherwise.
    #[must_use]
    pub fn json(mut self, json: Json) -> Self {
        self.json = Some(json);
        self
    }

    /// Returns the paths that the resource type does not know, in lower case.
    ///
    /// Check in your own test that the list is empty. A mapping under a misspelt name is not read; the JSON, if there
    /// is any, is read instead.
    pub fn unknown_paths(&self, resource_type: &ResourceType) -> Vec<String> {
        let mut unknown = Vec::new();
        for (path, place) in &self.places {
            match (resource_type.resolve(path), place) {
                (Err(_), _) => unknown.push(path.clone()),
                (Ok(attr), Place::Rows(rows)) => {
                    let attribute = attr.leaf();
                    let itself = |sub: &str| !attribute.is_complex() && sub == "value";
                    let subs = rows.places.keys();
                    let strange = subs.filter(|sub| attribute.sub_attribute(sub).is_none() && !itself(sub));
                    unknown.extend(strange.map(|sub| format!("{path}.{sub}")));
                }
                (Ok(_), _) => {}
            }
        }
        unknown
    }

    fn place(mut self, path: &str, place: Place) -> Self {
        self.places.insert(path.to_ascii_lowercase(), place);
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn at(&self, path: &str) -> Option<&Place> {
        self.places.get(&path.to_ascii_lowercase())
    }

    pub(super) fn rest(&self) -> Option<&Json> {
        self.json.as_ref()
    }
}

/// A column with one value, and the form of the value.
#[derive(Clone, Debug)]
pub struct Column {
    pub(super) name: String,
    pub(super) form: Form,
}

/// The form in which values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Comparable,
    Verbatim,
    Ascii,
    AsText,
    UnixMillis,
    Timestamptz,
}

impl Column {
    /// Makes a column of the [comparable form](super::comparable).
    pub fn comparable(name: impl Into<String>) -> Self {
        Self::new(name, Form::Comparable)
    }

    /// Makes a column of the value as it was sent.
    ///
    /// It is enough for presence, and for values that are compared as they are: `caseExact` strings, references,
    /// booleans and numbers.
    pub fn verbatim(name: impl Into<String>) -> Self {
        Self::new(name, Form::Verbatim)
    }

    /// Makes a column of a text as it was sent, if all its characters are always ASCII.
    ///
    /// It is compared by `lower()`, which is exact for ASCII only. An index on that expression can be used; for
    /// PostgreSQL it is `lower(column COLLATE "C")`.
    pub fn ascii(name: impl Into<String>) -> Self {
        Self::new(name, Form::Ascii)
    }

    /// Makes a column of a type of the database's own, such as `uuid` or `bigint` for an `id`.
    ///
    /// It is compared by its text. An index on the cast to text can be used.
    pub fn as_text(name: impl Into<String>) -> Self {
        Self::new(name, Form::AsText)
    }

    /// Makes a column of an instant as whole milliseconds since 1970, in an integer.
    ///
    /// It is exact for instants without a finer part.
    pub fn unix_millis(name: impl Into<String>) -> Self {
        Self::new(name, Form::UnixMillis)
    }

    /// Makes a column of an instant of PostgreSQL's type `timestamptz`.
    ///
    /// It is exact for instants of the years 1 to 9999 that have nothing finer than microseconds.
    pub fn timestamptz(name: impl Into<String>) -> Self {
        Self::new(name, Form::Timestamptz)
    }

    fn new(name: impl Into<String>, form: Form) -> Self {
        Self { name: name.into(), form }
    }
}

/// A table with a row for each value of an attribute. A value without content has a row too.
#[derive(Clone, Debug)]
pub struct Rows {
    pub(super) table: String,
    pub(super) owner: String,
    places: BTreeMap<String, Option<Column>>,
}

impl Rows {
    /// Uses the rows of `table`, whose column `owner` holds the key of the resource's row.
    pub fn new(table: impl Into<String>, owner: impl Into<String>) -> Self {
        Self { table: table.into(), owner: owner.into(), places: BTreeMap::new() }
    }

    /// Maps a sub-attribute to a column. If the attribute has no sub-attributes, its value is mapped as `value`.
    #[must_use]
    pub fn column(mut self, sub_attribute: &str, column: Column) -> Self {
        self.places.insert(sub_attribute.to_ascii_lowercase(), Some(column));
        self
    }

    /// Declares that a sub-attribute is not kept, so that no value has it.
    #[must_use]
    pub fn absent(mut self, sub_attribute: &str) -> Self {
        self.places.insert(sub_attribute.to_ascii_lowercase(), None);
        self
    }

    /// Returns the column of the sub-attribute, if it is kept; `None` if it is not mapped.
    pub(super) fn at(&self, sub_attribute: &str) -> Option<Option<&Column>> {
        self.places.get(&sub_attribute.to_ascii_lowercase()).map(Option::as_ref)
    }
}

/// A table with a row for each link of a relation.
#[derive(Clone, Debug)]
pub struct Links {
    pub(super) table: String,
    pub(super) owner: String,
    pub(super) target: Column,
    pub(super) through: Option<Through>,
}

/// A table in which the `id` of the target is looked up by its key.
#[derive(Clone, Debug)]
pub(super) struct Through {
    pub(super) table: String,
    pub(super) key: String,
    pub(super) id: Column,
}

impl Links {
    /// Uses the rows of `table`, one for each link.
    ///
    /// The column `owner` holds the key of the resource's row, and `target` the `id` of the linked resource. For
    /// `members` the owner is the group. For `groups` the owner is the user, and the group's id is the target.
    pub fn new(table: impl Into<String>, owner: impl Into<String>, target: Column) -> Self {
        Self { table: table.into(), owner: owner.into(), target, through: None }
    }

    /// Declares that the target column holds the `key` of a row of `table`, and the column `id` of that row the `id`.
    #[must_use]
    pub fn through(mut self, table: impl Into<String>, key: impl Into<String>, id: Column) -> Self {
        self.through = Some(Through { table: table.into(), key: key.into(), id });
        self
    }
}

/// A column with a document.
#[derive(Clone, Debug)]
pub struct Json {
    pub(super) column: String,
    pub(super) form: Form,
}

impl Json {
    /// Uses the document that [`comparable_document`](super::comparable_document) makes. It answers everything.
    pub fn comparable(column: impl Into<String>) -> Self {
        Self { column: column.into(), form: Form::Comparable }
    }

    /// Uses the document unchanged. It answers what [`Column::verbatim`] answers.
    pub fn verbatim(column: impl Into<String>) -> Self {
        Self { column: column.into(), form: Form::Verbatim }
    }

    /// Uses the document unchanged, if all characters of its strings are always ASCII. It answers what
    /// [`Column::ascii`] answers.
    pub fn ascii(column: impl Into<String>) -> Self {
        Self { column: column.into(), form: Form::Ascii }
    }
}
