//! Walks over a bound filter, joins its parts and finds the values of each attribute.

use std::sync::Arc;

use scim_core::{AttrRef, Attribute};

use super::dialect::{Dialect, JsonPath, quoted};
use super::table::{Column, Form, Links, Place, Rows, Table};
use super::{Condition, Param, SqlError};
use crate::bind::{BoundFilter, Leaf, Logic};
use crate::compare::{Comparison, Test};
use crate::links::LinkTest;

/// Text that can be an operand of any operator without more brackets, or an error.
pub(super) type Written = Result<String, SqlError>;

pub(super) fn condition(
    filter: &BoundFilter,
    table: &Table,
    dialect: Dialect,
    before: usize,
) -> Result<Condition, SqlError> {
    let mut writer = Writer { table, dialect, before, params: Vec::new() };
    let sql = writer.logic(&filter.logic, &mut |writer, leaf| writer.leaf(leaf, &filter.resource_type))?;
    Ok(Condition { sql, params: writer.params })
}

/// A condition while it is written.
pub(super) struct Writer<'a> {
    table: &'a Table,
    pub(super) dialect: Dialect,
    before: usize,
    params: Vec<Param>,
}

/// Where the parts of one value of an attribute are read.
enum Element<'a> {
    /// In the resource's own row. The attribute has at most one value.
    Own,
    /// In a row of another table.
    Row { rows: &'a Rows, alias: String },
    /// In an element of a JSON array.
    Json { value: String, form: Form },
}

/// Where one simple value is stored.
pub(super) enum Source<'a> {
    Nowhere,
    Column { sql: String, form: Form },
    Json { path: JsonPath<'a>, form: Form },
}

type Each<'f, 'a> = dyn FnMut(&mut Writer<'a>, &Element<'a>) -> Written + 'f;

impl<'a> Writer<'a> {
    /// Adds a parameter and returns its number.
    pub(super) fn param(&mut self, param: Param) -> usize {
        self.params.push(param);
        self.before + self.params.len()
    }

    fn logic<L>(&mut self, logic: &Logic<L>, leaf: &mut dyn FnMut(&mut Self, &L) -> Written) -> Written {
        match logic {
            Logic::Constant(truth) => Ok(constant(*truth)),
            Logic::Leaf(term) => leaf(self, term),
            Logic::Not(inner) => Ok(format!("(NOT {})", self.logic(inner, leaf)?)),
            Logic::And(branches) => self.chain(branches, "AND", leaf),
            Logic::Or(branches) => self.chain(branches, "OR", leaf),
        }
    }

    /// Writes a long chain as a tree of little depth, because SQLite allows only 1,000 levels.
    fn chain<L>(
        &mut self,
        branches: &[Logic<L>],
        operator: &str,
        leaf: &mut dyn FnMut(&mut Self, &L) -> Written,
    ) -> Written {
        const FLAT: usize = 4;
        let parts = if branches.len() <= FLAT {
            branches.iter().map(|branch| self.logic(branch, leaf)).collect::<Result<Vec<_>, _>>()?
        } else {
            let (left, right) = branches.split_at(branches.len() / 2);
            vec![self.chain(left, operator, leaf)?, self.chain(right, operator, leaf)?]
        };
        Ok(joined(&parts, operator))
    }

    fn leaf(&mut self, leaf: &Leaf, resource_type: &str) -> Written {
        match leaf {
            Leaf::Attribute { attr, test, .. } => {
                self.any(attr, &mut |writer, element| writer.part(element, attr, attr.sub(), test))
            }
            Leaf::Element { attr, filter } => self.any(attr, &mut |writer, element| {
                let fits = writer.logic(filter.logic(), &mut |writer, term| {
                    writer.part(element, attr, term.sub.as_ref(), &term.test)
                })?;
                match element {
                    Element::Own => Ok(format!("({} AND {fits})", writer.exists(attr)?)),
                    Element::Row { .. } | Element::Json { .. } => Ok(fits),
                }
            }),
            Leaf::Link(test) => self.link(test),
            Leaf::Id(comparison) => self.beside("id", comparison),
            // Constant for all resources of the type.
            Leaf::ResourceType(comparison) => Ok(constant(comparison.holds_name(resource_type))),
            Leaf::Created(comparison) => self.beside("meta.created", comparison),
            Leaf::LastModified(comparison) => self.beside("meta.lastModified", comparison),
            Leaf::Version(comparison) => self.beside("meta.version", comparison),
        }
    }

    /// Writes a comparison with a property that is in no document.
    fn beside(&mut self, path: &str, comparison: &Comparison) -> Written {
        let Some(Place::Column(column)) = self.table.at(path) else {
            return Err(SqlError::not_mapped(&path));
        };
        let source = self.own_column(column);
        self.comparison(&source, &path, comparison)
    }

    fn link(&mut self, test: &LinkTest) -> Written {
        let Some(Place::Links(links)) = self.table.at(&test.relation) else {
            return Err(SqlError::not_mapped(&test.relation));
        };
        let Links { table, owner, target, through } = links;
        let alias = self.alias("link");
        let link = quoted(&alias);
        let mut from = format!("{} AS {link}", quoted(table));
        let mut conditions = vec![format!("{link}.{} = {}", quoted(owner), self.own(self.table.key()))];
        if let Some(id) = &test.target {
            let source = match through {
                None => column_of(&alias, target),
                Some(through) => {
                    let alias = self.alias("target");
                    let found = quoted(&alias);
                    from += &format!(", {} AS {found}", quoted(&through.table));
                    let (key, target) = (quoted(&through.key), quoted(&target.name));
                    conditions.push(format!("{found}.{key} = {link}.{target}"));
                    column_of(&alias, &through.id)
                }
            };
            conditions.push(self.same_id(&source, &test.relation, id)?);
        }
        Ok(format!("EXISTS (SELECT 1 FROM {from} WHERE {})", conditions.join(" AND ")))
    }

    /// Writes a test whether any value of the attribute passes `test`.
    fn any(&mut self, attr: &AttrRef, test: &mut Each<'_, 'a>) -> Written {
        let whole = attr.without_sub();
        let multi_valued = attr.attribute().multi_valued;
        match self.table.at(&whole.to_string()) {
            Some(Place::Nowhere) => Ok(constant(false)),
            Some(Place::Rows(rows)) => {
                let alias = self.alias("row");
                let row = quoted(&alias);
                let (table, owner) = (quoted(&rows.table), quoted(&rows.owner));
                let key = self.own(self.table.key());
                let fits = test(self, &Element::Row { rows, alias })?;
                Ok(format!("EXISTS (SELECT 1 FROM {table} AS {row} WHERE {row}.{owner} = {key} AND {fits})"))
            }
            Some(Place::Links(_)) => Err(SqlError::not_mapped(&whole)),
            Some(Place::Column(_)) if multi_valued => {
                Err(SqlError::unfit(&whole, "is multi-valued: it belongs in rows or JSON"))
            }
            None if multi_valued => {
                let (path, form) = self.json(&whole)?;
                self.any_of_json(&path, "element", &mut |writer, value| {
                    test(writer, &Element::Json { value, form })
                })
            }
            Some(Place::Column(_)) | None => test(self, &Element::Own),
        }
    }

    fn any_of_json(
        &mut self,
        path: &JsonPath<'_>,
        kind: &str,
        test: &mut dyn FnMut(&mut Self, String) -> Written,
    ) -> Written {
        let alias = self.alias(kind);
        let elements = self.dialect.json_elements(path, &alias)?;
        let fits = test(self, format!("{}.\"value\"", quoted(&alias)))?;
        Ok(format!("EXISTS (SELECT 1 FROM {elements} WHERE {fits})"))
    }

    /// Writes one test of one value of `attr`: of a sub-attribute, or of the value itself.
    fn part(
        &mut self,
        element: &Element<'a>,
        attr: &AttrRef,
        sub: Option<&Arc<Attribute>>,
        test: &Test,
    ) -> Written {
        let Some(sub) = sub else {
            if attr.attribute().is_complex() {
                return self.complex_present(element, attr);
            }
            let source = self.source(element, attr, None)?;
            return self.test(&source, attr.attribute(), attr, test);
        };
        let path = attr.with_sub(Arc::clone(sub));
        match self.source(element, attr, Some(sub))? {
            Source::Json { path: json, form } if sub.multi_valued => {
                self.any_of_json(&json, "part", &mut |writer, value| {
                    let source = Source::Json { path: JsonPath { base: value, names: Vec::new() }, form };
                    writer.test(&source, sub, &path, test)
                })
            }
            Source::Column { .. } if sub.multi_valued => {
                Err(SqlError::unfit(&path, "is multi-valued: it belongs in JSON"))
            }
            source => self.test(&source, sub, &path, test),
        }
    }

    /// Returns where a sub-attribute of the value is, or the value itself.
    fn source<'n>(
        &self,
        element: &Element<'a>,
        attr: &'n AttrRef,
        sub: Option<&'n Arc<Attribute>>,
    ) -> Result<Source<'n>, SqlError> {
        let path = || sub.map_or_else(|| attr.clone(), |sub| attr.with_sub(Arc::clone(sub))).to_string();
        match element {
            Element::Own => match self.table.at(&path()) {
                Some(Place::Nowhere) => Ok(Source::Nowhere),
                Some(Place::Column(column)) => Ok(self.own_column(column)),
                Some(Place::Rows(_) | Place::Links(_)) => Err(SqlError::not_mapped(&path())),
                None => {
                    let (mut json, form) = self.json(attr).map_err(|_| SqlError::not_mapped(&path()))?;
                    json.names.extend(sub.map(|sub| sub.name.as_str()));
                    Ok(Source::Json { path: json, form })
                }
            },
            Element::Row { rows, alias } => match rows.at(sub.map_or("value", |sub| &sub.name)) {
                Some(Some(column)) => Ok(column_of(alias, column)),
                Some(None) => Ok(Source::Nowhere),
                None => Err(SqlError::not_mapped(&path())),
            },
            Element::Json { value, form } => {
                let names = sub.map(|sub| sub.name.as_str()).into_iter().collect();
                Ok(Source::Json { path: JsonPath { base: value.clone(), names }, form: *form })
            }
        }
    }

    /// Writes a test whether a complex value holds anything that is not empty.
    // FILT-008
    fn complex_present(&mut self, element: &Element<'a>, attr: &AttrRef) -> Written {
        match element {
            Element::Json { value, .. } => {
                self.dialect.json_present(&JsonPath { base: value.clone(), names: Vec::new() })
            }
            Element::Own if self.is_all_json(attr) => self.dialect.json_present(&self.json(attr)?.0),
            Element::Own | Element::Row { .. } => {
                self.any_sub(attr, &mut |writer, sub| writer.part(element, attr, Some(sub), &Test::Present))
            }
        }
    }

    /// Writes a test whether a single-valued complex attribute exists, even with empty strings only.
    fn exists(&mut self, attr: &AttrRef) -> Written {
        if self.is_all_json(attr) {
            return self.dialect.json_exists(&self.json(attr)?.0);
        }
        self.any_sub(attr, &mut |writer, sub| match writer.source(&Element::Own, attr, Some(sub))? {
            Source::Nowhere => Ok(constant(false)),
            Source::Column { sql, .. } => Ok(format!("({sql} IS NOT NULL)")),
            Source::Json { path, .. } => writer.dialect.json_exists(&path),
        })
    }

    fn any_sub(
        &mut self,
        attr: &AttrRef,
        test: &mut dyn FnMut(&mut Self, &Arc<Attribute>) -> Written,
    ) -> Written {
        let subs = &attr.attribute().sub_attributes;
        let parts = subs.iter().map(|sub| test(self, sub)).collect::<Result<Vec<_>, _>>()?;
        let known: Vec<_> = parts.into_iter().filter(|part| *part != constant(false)).collect();
        Ok(if known.is_empty() { constant(false) } else { joined(&known, "OR") })
    }

    /// Whether all sub-attributes are in the document.
    fn is_all_json(&self, attr: &AttrRef) -> bool {
        let subs = attr.attribute().sub_attributes.iter();
        self.table.rest().is_some()
            && subs
                .into_iter()
                .all(|sub| self.table.at(&attr.with_sub(Arc::clone(sub)).to_string()).is_none())
    }

    /// Returns where the document has the attribute. The path does not include a sub-attribute.
    fn json<'n>(&self, attr: &'n AttrRef) -> Result<(JsonPath<'n>, Form), SqlError> {
        let json = self.table.rest().ok_or_else(|| SqlError::not_mapped(attr))?;
        let names = attr.extension().map(|urn| &**urn).into_iter().chain([attr.attribute().name.as_str()]);
        Ok((JsonPath { base: self.own(&json.column), names: names.collect() }, json.form))
    }

    fn own_column(&self, column: &Column) -> Source<'static> {
        column_of(self.table.name(), column)
    }

    /// Writes a column of the resource's own row.
    fn own(&self, column: &str) -> String {
        format!("{}.{}", quoted(self.table.name()), quoted(column))
    }

    /// Returns an alias for rows inside the condition.
    ///
    /// It is never the name of the table, whose rows it must not hide, even if PostgreSQL truncates it.
    fn alias(&self, kind: &str) -> String {
        format!("{kind} of {}", self.table.name())
    }
}

fn column_of(table: &str, column: &Column) -> Source<'static> {
    Source::Column { sql: format!("{}.{}", quoted(table), quoted(&column.name)), form: column.form }
}

pub(super) fn constant(truth: bool) -> String {
    if truth { "TRUE" } else { "FALSE" }.to_owned()
}

fn joined(parts: &[String], operator: &str) -> String {
    match parts {
        [part] => part.clone(),
        _ => format!("({})", parts.join(&format!(" {operator} "))),
    }
}
