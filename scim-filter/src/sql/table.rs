//! Where a developer's tables keep which attribute.

use std::collections::BTreeMap;

use scim_core::ResourceType;

/// Where the attributes of one resource type are kept.
///
/// Paths are those of the schema, in any case, without the URN of the base schema: `userName`, `name.givenName`,
/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`; besides `id`, `meta.created`,
/// `meta.lastModified` and `meta.version`, which are in no document.
///
/// Names of tables and columns are quoted as they are, so they are in the case that the database knows.
#[derive(Clone, Debug)]
pub struct Table {
    name: String,
    key: String,
    places: BTreeMap<String, Place>,
    json: Option<Json>,
}

/// Where one attribute is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Nowhere,
    Column(Column),
    Rows(Rows),
    Links(Links),
}

impl Table {
    /// A table with a row for each resource, by the name that the statement's `FROM` gives it, and the column by
    /// which other tables refer to its rows.
    pub fn new(name: impl Into<String>, key: impl Into<String>) -> Self {
        Self { name: name.into(), key: key.into(), places: BTreeMap::new(), json: None }
    }

    /// A single value in a column: a simple attribute, or a sub-attribute of a single complex one.
    #[must_use]
    pub fn column(self, path: &str, column: Column) -> Self {
        self.place(path, Place::Column(column))
    }

    /// The values of an attribute in rows of another table, one each.
    #[must_use]
    pub fn rows(self, path: &str, rows: Rows) -> Self {
        self.place(path, Place::Rows(rows))
    }

    /// A relation, such as `members` and `groups`.
    #[must_use]
    pub fn links(self, path: &str, links: Links) -> Self {
        self.place(path, Place::Links(links))
    }

    /// An attribute or sub-attribute that is not kept, so that no resource has a value of it.
    #[must_use]
    pub fn absent(self, path: &str) -> Self {
        self.place(path, Place::Nowhere)
    }

    /// All attributes of the document that nothing else is said of.
    #[must_use]
    pub fn json(mut self, json: Json) -> Self {
        self.json = Some(json);
        self
    }

    /// The paths that the resource type does not know, in lower case. A test of one's own should find none: what is
    /// mapped under a misspelt name is not read, and the JSON, if there is one, is read in its place.
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

/// A column with one value, and the form it has there.
#[derive(Clone, Debug)]
pub struct Column {
    pub(super) name: String,
    pub(super) form: Form,
}

/// How values are written.
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
    /// The [comparable form](super::comparable).
    pub fn comparable(name: impl Into<String>) -> Self {
        Self::new(name, Form::Comparable)
    }

    /// The value as it was sent. Enough for what is compared as it is: strings that are `caseExact`, references,
    /// booleans and numbers; and for presence.
    pub fn verbatim(name: impl Into<String>) -> Self {
        Self::new(name, Form::Verbatim)
    }

    /// A text as it was sent, of which it is known that it never has any but ASCII characters: compared by
    /// `lower()`, which is exact for those alone. An index on that expression serves; for PostgreSQL it is
    /// `lower(column COLLATE "C")`.
    pub fn ascii(name: impl Into<String>) -> Self {
        Self::new(name, Form::Ascii)
    }

    /// A value of a type of the database's own, such as `uuid` or `bigint` for an `id`, that is compared by its
    /// text. An index on the cast to text serves.
    pub fn as_text(name: impl Into<String>) -> Self {
        Self::new(name, Form::AsText)
    }

    /// An instant as whole milliseconds since 1970, in an integer. Exact for instants that have no finer part.
    pub fn unix_millis(name: impl Into<String>) -> Self {
        Self::new(name, Form::UnixMillis)
    }

    /// An instant in a column of PostgreSQL's type `timestamptz`. Exact for instants of the years 1 to 9999 that
    /// have nothing finer than microseconds.
    pub fn timestamptz(name: impl Into<String>) -> Self {
        Self::new(name, Form::Timestamptz)
    }

    fn new(name: impl Into<String>, form: Form) -> Self {
        Self { name: name.into(), form }
    }
}

/// A table with a row for each value of an attribute. A value without any content has a row, too.
#[derive(Clone, Debug)]
pub struct Rows {
    pub(super) table: String,
    pub(super) owner: String,
    places: BTreeMap<String, Option<Column>>,
}

impl Rows {
    /// Rows of `table`, whose column `owner` holds the key of the resource's row.
    pub fn new(table: impl Into<String>, owner: impl Into<String>) -> Self {
        Self { table: table.into(), owner: owner.into(), places: BTreeMap::new() }
    }

    /// A sub-attribute; for an attribute that has none, the value itself under the name `value`.
    #[must_use]
    pub fn column(mut self, sub_attribute: &str, column: Column) -> Self {
        self.places.insert(sub_attribute.to_ascii_lowercase(), Some(column));
        self
    }

    /// A sub-attribute that is not kept, so that no value has it.
    #[must_use]
    pub fn absent(mut self, sub_attribute: &str) -> Self {
        self.places.insert(sub_attribute.to_ascii_lowercase(), None);
        self
    }

    /// Whether and where the sub-attribute is kept; `None` if nothing is said of it.
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

/// A table in which the target's `id` is found by its key.
#[derive(Clone, Debug)]
pub(super) struct Through {
    pub(super) table: String,
    pub(super) key: String,
    pub(super) id: Column,
}

impl Links {
    /// Rows of `table`, whose column `owner` holds the key of the resource's row, and `target` the `id` of what it
    /// is linked with. For `members` the owner is the group; for `groups` it is the user, and the group's id the
    /// target.
    pub fn new(table: impl Into<String>, owner: impl Into<String>, target: Column) -> Self {
        Self { table: table.into(), owner: owner.into(), target, through: None }
    }

    /// The target column holds no `id` but the `key` of a row of `table`, where `id` is the column of the `id`.
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
    /// The document as [`comparable_document`](super::comparable_document) makes it: answers everything.
    pub fn comparable(column: impl Into<String>) -> Self {
        Self { column: column.into(), form: Form::Comparable }
    }

    /// The document as it is: answers what [`Column::verbatim`] answers.
    pub fn verbatim(column: impl Into<String>) -> Self {
        Self { column: column.into(), form: Form::Verbatim }
    }

    /// The document as it is, of which it is known that its strings never have any but ASCII characters: answers
    /// what [`Column::ascii`] answers.
    pub fn ascii(column: impl Into<String>) -> Self {
        Self { column: column.into(), form: Form::Ascii }
    }
}
