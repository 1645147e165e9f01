//! Who is in which team.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use scim_core::{Reference, Timestamp};
use scim_patch::RelationStep;
use scim_server_traits::{Link, StoreError};

use crate::kind::Kind;
use crate::store::{failed, touch};

/// The far ends by row, so in order of creation: identifier and name.
pub(crate) type Ends = BTreeMap<i64, (String, String)>;

/// Relation and identifier of links, as [`Written`](scim_server_traits::Written) says them.
type Listed = Vec<(String, String)>;

/// What a link to a row `t` of this table shows.
fn name(table: &str) -> &'static str {
    if table == "users" { "coalesce(t.full_name, t.login)" } else { "t.title" }
}

/// The links of a row, of a team or from behind of a user.
pub(crate) fn of(connection: &Connection, kind: &Kind, row: i64) -> rusqlite::Result<Ends> {
    let (near, far, table) = (kind.near, kind.far, kind.other().table);
    let name = name(table);
    let sql = format!(
        "SELECT t.row, t.scim_id, {name} FROM team_users l JOIN {table} t ON t.row = l.{far} WHERE l.{near} = ?1"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let ends = select.query_map([row], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    ends.collect()
}

/// Carries out steps on the members of a team, and says what is added and what removed in the end.
///
/// All members are read for it: for teams of thousands, work on the rows that a step names.
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
            RelationStep::Add(references) => add(transaction, kind, &mut after, references)?,
            RelationStep::Remove(ids) => after.retain(|_, (id, _)| !ids.contains(id)),
            RelationStep::RemoveWhere(filter) => after.retain(|_, (id, name)| match filter.only_values() {
                Some(ids) => !ids.contains(&id.as_str()),
                None => {
                    let link = Link::new(&*id, kind.other().name, Some(name.clone()));
                    !filter.matches(&link.to_element())
                }
            }),
            RelationStep::Set(references) => {
                after.clear();
                add(transaction, kind, &mut after, references)?;
            }
        }
    }
    let (near, far) = (kind.near, kind.far);
    let insert = format!("INSERT INTO team_users ({near}, {far}) VALUES (?1, ?2)");
    let delete = format!("DELETE FROM team_users WHERE {near} = ?1 AND {far} = ?2");
    let difference = |sql: &str, these: &Ends, those: &Ends| -> Result<Listed, StoreError> {
        let mut listed = Vec::new();
        for (end, (id, _)) in these.iter().filter(|(end, _)| !those.contains_key(end)) {
            transaction.prepare_cached(sql).and_then(|mut sql| sql.execute([row, *end])).map_err(failed)?;
            listed.push((kind.links.to_owned(), id.clone()));
        }
        Ok(listed)
    };
    Ok((difference(&insert, &after, &before)?, difference(&delete, &before, &after)?))
}

fn add(
    transaction: &Transaction<'_>,
    kind: &Kind,
    ends: &mut Ends,
    references: Vec<Reference>,
) -> Result<(), StoreError> {
    let table = kind.other().table;
    let sql = format!("SELECT t.row, {} FROM {table} t WHERE t.scim_id = ?1", name(table));
    let mut select = transaction.prepare_cached(&sql).map_err(failed)?;
    for Reference { value: id, .. } in references {
        let found =
            select.query_row([&id], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(failed)?;
        let unknown = || StoreError::UnknownTarget { relation: kind.links.to_owned(), id: id.clone() };
        let (end, name) = found.ok_or_else(unknown)?;
        ends.insert(end, (id, name));
    }
    Ok(())
}

/// Ends the links of a row that is about to go: a user's teams get a new version, a team's members are listed.
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
        return Ok(ends.into_values().map(|(id, _)| (kind.links.to_owned(), id)).collect());
    }
    let other = kind.other();
    for team in ends.into_keys() {
        let sql = format!("SELECT version FROM {} WHERE row = ?1", other.table);
        let version: i64 = transaction.query_row(&sql, params![team], |row| row.get(0)).map_err(failed)?;
        touch(transaction, other, team, version.cast_unsigned() + 1, now).map_err(failed)?;
    }
    Ok(Vec::new())
}
