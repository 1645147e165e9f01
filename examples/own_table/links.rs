//! The members of teams.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use scim_core::{Reference, Timestamp};
use scim_patch::RelationStep;
use scim_server_traits::{Link, StoreError};

use crate::kind::Kind;
use crate::store::{failed, touch};

/// The far ends by row number, so in order of creation.
pub(crate) type Ends = BTreeMap<i64, End>;

/// The far end of a link.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) link: Link,
    /// The display name that a client gave the link.
    given: Option<String>,
}

/// Relation and id of links, as in [`Written`](scim_server_traits::Written).
type Listed = Vec<(String, String)>;

/// Returns the SQL expression of the name of row `t` of this table.
fn name(table: &str) -> &'static str {
    if table == "users" { "coalesce(t.full_name, t.login)" } else { "t.title" }
}

/// Returns the links of a row: the members of a team, or the teams of a user.
pub(crate) fn of(connection: &Connection, kind: &Kind, row: i64) -> rusqlite::Result<Ends> {
    let (near, far, other) = (kind.near, kind.far, kind.other());
    // Read backwards, a link shows the name of the team.
    let given = if kind.links == "members" { "l.display" } else { "NULL" };
    let (name, table) = (name(other.table), other.table);
    let sql = format!(
        "SELECT t.row, t.scim_id, coalesce({given}, {name}), {given}
        FROM team_users l JOIN {table} t ON t.row = l.{far} WHERE l.{near} = ?1"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let end = |row: &Row<'_>| {
        let link = Link::new(row.get::<_, String>(1)?, other.name, row.get(2)?);
        Ok((row.get(0)?, End { link, given: row.get(3)? }))
    };
    select.query_map([row], end)?.collect()
}

/// Carries out steps on the members of a team, and returns what was added and what was removed in the end.
///
/// All members are read for this. For teams of thousands, change only the rows that a step names.
pub(crate) fn change(
    transaction: &Transaction<'_>,
    kind: &Kind,
    row: i64,
    steps: impl IntoIterator<Item = RelationStep>,
) -> Result<(Listed, Listed), StoreError> {
    let mut steps = steps.into_iter().peekable();
    if steps.peek().is_none() {
        return Ok((Vec::new(), Vec::new()));
    }
    let before = of(transaction, kind, row).map_err(failed)?;
    let mut after = before.clone();
    for step in steps {
        match step {
            RelationStep::Clear => after.clear(),
            RelationStep::Add(references) => add(transaction, kind, &before, &mut after, references)?,
            RelationStep::Remove(ids) => after.retain(|_, end| !ids.contains(&end.link.id)),
            RelationStep::RemoveWhere(filter) => after.retain(|_, end| match filter.only_values() {
                Some(ids) => !ids.contains(&&*end.link.id),
                None => !filter.matches(&end.link.to_element()),
            }),
            RelationStep::Set(references) => {
                after.clear();
                add(transaction, kind, &before, &mut after, references)?;
            }
        }
    }
    let (near, far) = (kind.near, kind.far);
    let insert = format!("INSERT INTO team_users ({near}, {far}, display) VALUES (?1, ?2, ?3)");
    let delete = format!("DELETE FROM team_users WHERE {near} = ?1 AND {far} = ?2");
    let (mut added, mut removed) = (Vec::new(), Vec::new());
    for (far, end) in after.iter().filter(|(far, _)| !before.contains_key(far)) {
        let mut insert = transaction.prepare_cached(&insert).map_err(failed)?;
        insert.execute(params![row, far, end.given]).map_err(failed)?;
        added.push((kind.links.to_owned(), end.link.id.clone()));
    }
    for (far, end) in before.iter().filter(|(far, _)| !after.contains_key(far)) {
        let mut delete = transaction.prepare_cached(&delete).map_err(failed)?;
        delete.execute(params![row, far]).map_err(failed)?;
        removed.push((kind.links.to_owned(), end.link.id.clone()));
    }
    Ok((added, removed))
}

/// Adds links that are new. An existing link does not change.
fn add(
    transaction: &Transaction<'_>,
    kind: &Kind,
    before: &Ends,
    after: &mut Ends,
    references: Vec<Reference>,
) -> Result<(), StoreError> {
    let other = kind.other();
    let sql = format!("SELECT t.row, {} FROM {} t WHERE t.scim_id = ?1", name(other.table), other.table);
    let mut select = transaction.prepare_cached(&sql).map_err(failed)?;
    for Reference { value: id, display: given, .. } in references {
        let found =
            select.query_row([&id], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(failed)?;
        let unknown = || StoreError::UnknownTarget { relation: kind.links.to_owned(), id: id.clone() };
        let (far, name): (i64, String) = found.ok_or_else(unknown)?;
        after.entry(far).or_insert_with(|| {
            let new = || End { link: Link::new(id, other.name, Some(given.clone().unwrap_or(name))), given };
            before.get(&far).cloned().unwrap_or_else(new)
        });
    }
    Ok(())
}

/// Ends the links of a row that is about to be deleted.
///
/// The teams of a user get a new version. The members of a team are returned.
pub(crate) fn end(
    transaction: &Transaction<'_>,
    kind: &Kind,
    row: i64,
    now: Timestamp,
) -> Result<Listed, StoreError> {
    let ends = of(transaction, kind, row).map_err(failed)?;
    let sql = format!("DELETE FROM team_users WHERE {} = ?1", kind.near);
    transaction.execute(&sql, [row]).map_err(failed)?;
    if kind.links == "members" {
        return Ok(ends.into_values().map(|end| (kind.links.to_owned(), end.link.id)).collect());
    }
    let other = kind.other();
    for team in ends.into_keys() {
        let sql = format!("SELECT version FROM {} WHERE row = ?1", other.table);
        let version: i64 = transaction.query_row(&sql, params![team], |row| row.get(0)).map_err(failed)?;
        touch(transaction, other, team, version.cast_unsigned() + 1, now).map_err(failed)?;
    }
    Ok(Vec::new())
}
