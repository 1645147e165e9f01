//! Random filters over random resources. In each layout, each database decides as the evaluator does, and never says
//! `NULL`.

use std::cell::RefCell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use scim_core::{Lenience, Leniency, ResourceType};
use scim_filter::sql::{
    Column, Condition, Dialect, Json, Links, Rows, SqlError, Table, comparable, comparable_document,
};
use scim_filter::{BoundFilter, CompareOp, Filter};
use serde_json::{Map, Value, json};

use super::data::{Case, Fields, TEST, case, decimals, instants, literal, references, texts, user};
use super::databases::{Database, Loaded, postgres, sqlite};
use crate::support::Stored;

#[test]
fn sqlite_agrees_with_the_evaluator() {
    on_random_cases(sqlite());
}

#[test]
fn postgres_agrees_with_the_evaluator() {
    if let Some(client) = postgres() {
        on_random_cases(client);
    }
}

#[test]
fn filt_029_sqlite_agrees_on_every_pair_of_values() {
    on_every_pair(sqlite());
}

#[test]
fn filt_029_postgres_agrees_on_every_pair_of_values() {
    if let Some(client) = postgres() {
        on_every_pair(client);
    }
}

fn on_random_cases<D: Database>(database: D) {
    let agreement = RefCell::new(Agreement::new(database));
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&case(), |case| agreement.borrow_mut().check(&case));
    agreement.borrow().report();
    result.unwrap_or_else(|error| panic!("{error}"));
}

/// Compares each value with each, for each type whose comparison is written out in SQL.
fn on_every_pair<D: Database>(database: D) {
    use CompareOp::{Eq, Ge, Gt, Le, Lt};
    let ordered: &[_] = &[Eq, Gt, Ge, Lt, Le];
    let mut agreement = Agreement::new(database);
    for (name, values, ops) in [
        ("boss", references(), &[Eq][..]),
        ("ratio", decimals(false), ordered),
        ("since", instants(), ordered),
        ("code", texts(), &CompareOp::ALL),
        ("label", texts(), &CompareOp::ALL),
    ] {
        let resources: Vec<_> = values.iter().map(|value| Fields::with(name, value)).collect();
        let path = format!("{TEST}:{name}");
        let compare = |op: &CompareOp| {
            let filter = |value: &Value| Filter::compare(&path, *op, literal(value.clone())).unwrap();
            values.iter().map(filter).collect::<Vec<_>>()
        };
        // PostgreSQL returns at most 1,664 columns.
        for filters in ops.iter().flat_map(compare).collect::<Vec<_>>().chunks(200) {
            let case = Case { ascii: false, filters: filters.to_vec(), resources: resources.clone() };
            agreement.check(&case).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// A database, with the number of filters asked in each layout and of resources found.
struct Agreement<D> {
    database: D,
    user: ResourceType,
    layouts: [Layout; 4],
    asked: [usize; 4],
    found: [usize; 4],
}

impl<D: Database> Agreement<D> {
    fn new(database: D) -> Self {
        let (user, layouts) = (user(), layouts(D::DIALECT));
        for layout in &layouts {
            assert_eq!(layout.table.unknown_paths(&user), [""; 0], "{}", layout.name);
        }
        Self { database, user, layouts, asked: [0; 4], found: [0; 4] }
    }

    fn check(&mut self, case: &Case) -> Result<(), TestCaseError> {
        let resources: Vec<_> = case.resources.iter().map(Fields::stored).collect();
        let (questions, conditions) = questions(&self.user, &self.layouts, D::DIALECT, case);
        if questions.is_empty() {
            return Ok(());
        }
        self.database.load(&load(&self.user, &resources));
        for (answers, stored) in self.database.ask(&conditions).iter().zip(&resources) {
            let answers = conditions.iter().zip(answers);
            for ((filter, bound, layout), (condition, answer)) in questions.iter().zip(answers) {
                let expected = bound.matches(&stored.entry());
                let (name, resource) = (self.layouts[*layout].name, &stored.resource);
                let what = || format!("{name}: {filter}\n{condition:?}\n{resource:?}");
                prop_assert_eq!(*answer, Some(expected), "{}", what());
                self.found[*layout] += usize::from(expected);
            }
        }
        for (_, _, layout) in &questions {
            self.asked[*layout] += 1;
        }
        Ok(())
    }

    fn report(&self) {
        for (layout, (asked, found)) in self.layouts.iter().zip(self.asked.iter().zip(&self.found)) {
            println!("{:?}, {}: {asked} filters agree and find {found} resources", D::DIALECT, layout.name);
            assert!(*asked > 0 && *found > 0, "{}", layout.name);
        }
    }
}

/// Returns the filters that bind, for each layout that can express them.
fn questions<'c>(
    user: &ResourceType,
    layouts: &[Layout],
    dialect: Dialect,
    case: &'c Case,
) -> (Vec<(&'c Filter, BoundFilter, usize)>, Vec<Condition>) {
    let (mut questions, mut conditions): (_, Vec<Condition>) = (Vec::new(), Vec::new());
    let mut before = 0;
    for filter in &case.filters {
        let Ok(bound) = filter.bind(user, &mut Lenience::new(Leniency::INTEROP)) else { continue };
        for (at, layout) in layouts.iter().enumerate().filter(|(_, layout)| case.ascii || !layout.ascii_only)
        {
            match bound.to_sql(&layout.table, dialect, before) {
                Ok(condition) => {
                    before += condition.params.len();
                    questions.push((filter, bound.clone(), at));
                    conditions.push(condition);
                }
                Err(SqlError::NotMapped { path } | SqlError::Unfit { path, .. }) => {
                    let path = path.strip_prefix(TEST).unwrap_or(&path).trim_start_matches(':');
                    let known = layout.refuses.iter().any(|refused| path.starts_with(refused));
                    assert!(known, "{}: {filter}: {path}", layout.name);
                }
                Err(error) => panic!("{}: {filter}: {error}", layout.name),
            }
        }
    }
    (questions, conditions)
}

struct Layout {
    name: &'static str,
    table: Table,
    /// Attributes for which it has no SQL.
    refuses: &'static [&'static str],
    ascii_only: bool,
}

/// Single values that have their own columns.
const COLUMNS: [&str; 15] = [
    "userName",
    "externalId",
    "title",
    "active",
    "name.familyName",
    "name.givenName",
    "code",
    "count",
    "ratio",
    "since",
    "blob",
    "flag",
    "home",
    "boss",
    "label",
];

/// Returns the path of the attribute in the column.
fn path(column: &str) -> String {
    match column {
        "manager" => format!("{}:{column}", scim_core::urn::ENTERPRISE_USER),
        "code" | "count" | "ratio" | "since" | "blob" | "flag" | "home" | "boss" | "label" | "tags"
        | "marks" | "points" => {
            format!("{TEST}:{column}")
        }
        _ => column.to_owned(),
    }
}

fn layouts(dialect: Dialect) -> [Layout; 4] {
    let beside = || {
        Table::new("users", "row")
            .column("ID", Column::verbatim("id"))
            .column("meta.created", Column::unix_millis("created"))
            .column("meta.lastModified", Column::unix_millis("modified"))
            .links("groups", Links::new("links", "user", Column::verbatim("group")))
    };
    let emails = || {
        ["value", "type", "display", "primary"]
            .into_iter()
            .fold(Rows::new("emails", "owner"), |rows, sub| rows.column(sub, Column::comparable(sub)))
    };
    let value = |table: &str| Rows::new(table, "owner").column("value", Column::comparable("value"));
    let mut columns = beside().rows("emails", emails());
    for column in COLUMNS {
        columns = columns.column(&path(column), Column::comparable(column));
    }
    for absent in ["formatted", "middleName", "honorificPrefix", "honorificSuffix"] {
        columns = columns.absent(&format!("name.{absent}"));
    }
    let manager = value("manager").column("$ref", Column::verbatim("$ref")).absent("displayName");
    let columns = columns
        .rows(&path("tags"), value("tags"))
        .rows(&path("marks"), value("marks"))
        .rows(&path("manager"), manager);
    let members = Links::new("members", "user", Column::verbatim("group"));
    let mixed = beside()
        .links("groups", members.through("groups", "row", Column::verbatim("id")))
        .column("userName", Column::comparable("userName"))
        .column("name.familyName", Column::comparable("name.familyName"))
        .column(&path("ratio"), Column::verbatim("ratio"))
        .column(&path("boss"), Column::verbatim("boss"))
        .rows("emails", emails())
        .rows(&path("tags"), value("tags"))
        .json(Json::comparable("rest"));
    let ascii = beside()
        .column("userName", Column::ascii("raw userName"))
        .column("id", Column::as_text("id"))
        .links("groups", Links::new("links", "user", Column::as_text("group")))
        .json(Json::ascii("document"));
    let ascii = match dialect {
        Dialect::Sqlite => ascii,
        Dialect::Postgres => ascii.column("meta.created", Column::timestamptz("created_at")),
    };
    [
        Layout { name: "columns", table: columns, refuses: &["points"], ascii_only: false },
        Layout {
            name: "json",
            table: beside().json(Json::comparable("comparable")),
            refuses: &[],
            ascii_only: false,
        },
        Layout { name: "mixed", table: mixed, refuses: &[], ascii_only: false },
        Layout { name: "ascii", table: ascii, refuses: &["since", "blob", "points.since"], ascii_only: true },
    ]
}

/// Returns the rows of each table.
fn load(user: &ResourceType, resources: &[Stored]) -> [Loaded; 8] {
    let mut tables: [Loaded; 8] = Default::default();
    for (row, stored) in resources.iter().enumerate() {
        let document = stored.resource.as_map();
        let mut all = comparable_document(user, &stored.resource);
        let mut own = Map::new();
        for column in COLUMNS {
            let attr = user.resolve(&path(column)).unwrap();
            attr.for_each(document, &mut |value| {
                own.insert(column.to_owned(), comparable(attr.leaf(), value));
            });
        }
        own.insert("row".into(), row.into());
        own.insert("id".into(), stored.id.as_str().into());
        own.insert("created".into(), stored.created.as_millis().into());
        own.insert("created_at".into(), stored.created.to_string().into());
        own.insert("modified".into(), stored.modified.as_millis().into());
        own.insert("raw userName".into(), document.get("userName").cloned().unwrap_or_default());
        own.insert("document".into(), Value::Object(document.clone()));
        own.insert("comparable".into(), all.clone());
        for (table, name) in [(1, "emails"), (2, "tags"), (3, "marks"), (4, "manager")] {
            let attr = user.resolve(&path(name)).unwrap();
            attr.for_each(document, &mut |value| {
                let mut element = match value {
                    Value::Object(members) => members
                        .iter()
                        .map(|(name, value)| {
                            let sub = attr.attribute().sub_attribute(name).unwrap();
                            (name.clone(), comparable(sub, value))
                        })
                        .collect(),
                    simple => Map::from_iter([("value".to_owned(), comparable(attr.leaf(), simple))]),
                };
                element.insert("owner".into(), row.into());
                tables[table].push(element);
            });
        }
        for (_, group) in &stored.links.0 {
            let group_row = tables[7].len();
            tables[5].extend(json!({"user": row, "group": group}).as_object().cloned());
            tables[6].extend(json!({"user": row, "group": group_row}).as_object().cloned());
            tables[7].extend(json!({"row": group_row, "id": group}).as_object().cloned());
        }
        // In the mixed layout, what has its own place is not in the JSON.
        for (outer, inner) in [("", "userName"), ("", "emails"), ("name", "familyName")] {
            without(&mut all, outer, inner);
        }
        for inner in ["ratio", "boss", "tags"] {
            without(&mut all, TEST, inner);
        }
        own.insert("rest".into(), all);
        tables[0].push(own);
    }
    tables
}

fn without(document: &mut Value, outer: &str, inner: &str) {
    let members = match outer {
        "" => document.as_object_mut(),
        _ => document.get_mut(outer).and_then(Value::as_object_mut),
    };
    members.and_then(|members| members.remove(inner));
}
