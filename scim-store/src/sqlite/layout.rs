//! The tables of a file: those of the first layout, and what migrations have changed since.

use rusqlite::{Connection, TransactionBehavior};

use super::fault::Fault;

/// The layout that the SQL script creates. `PRAGMA user_version` of a file says which layout it has. Earlier layouts
/// belong to versions that were never released.
const FIRST: i64 = 13;

/// The migration to each layout, beginning with the one after [`FIRST`]. Once a version with a migration is released,
/// the migration never changes; another one follows it.
const MIGRATIONS: &[&str] = &[];

/// Returns the layout of this version.
fn known(migrations: &[&str]) -> i64 {
    FIRST.saturating_add_unsigned(migrations.len() as u64)
}

/// Returns the layout of a file; 0 for an empty one.
fn of(connection: &Connection) -> Result<i64, Fault> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Returns whether the file has tables that [`make`] will change.
pub(super) fn migrates(connection: &Connection) -> Result<bool, Fault> {
    let found = of(connection)?;
    Ok(found != 0 && found < known(MIGRATIONS))
}

/// Creates the tables of an empty file, or migrates a file to the layout of this version, all or nothing.
pub(super) fn make(connection: &mut Connection) -> Result<(), Fault> {
    bring(connection, MIGRATIONS)
}

fn bring(connection: &mut Connection, migrations: &[&str]) -> Result<(), Fault> {
    let known = known(migrations);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = match of(&transaction)? {
        0 => {
            transaction.execute_batch(include_str!("layout.sql"))?;
            FIRST
        }
        found if found < FIRST => return Err(Fault::Older { found, known }),
        found if found > known => return Err(Fault::Newer { found, known }),
        found => found,
    };
    for (_, migration) in (FIRST + 1..).zip(migrations).filter(|(layout, _)| *layout > found) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    fn filled() -> Connection {
        let mut file = Connection::open_in_memory().unwrap();
        bring(&mut file, &[]).unwrap();
        file.execute("INSERT INTO scim_resource (tenant, kind, id) VALUES ('octo', 'User', 'u1')", [])
            .unwrap();
        file
    }

    #[test]
    fn a_migration_changes_a_file_once_and_keeps_what_is_in_it() {
        let add = "ALTER TABLE scim_resource ADD COLUMN colour TEXT NOT NULL DEFAULT 'green'";
        let rename = "ALTER TABLE scim_resource RENAME COLUMN colour TO paint";
        let mut file = filled();
        for (migrations, layout) in
            [(&[add][..], FIRST + 1), (&[add, rename], FIRST + 2), (&[add, rename], FIRST + 2)]
        {
            bring(&mut file, migrations).unwrap();
            assert_eq!(of(&file).unwrap(), layout);
        }
        let sql = "SELECT id || paint FROM scim_resource";
        assert_eq!(file.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap(), "u1green");
        // A new file gets there as well.
        let mut new = Connection::open_in_memory().unwrap();
        bring(&mut new, &[add, rename]).unwrap();
        assert_eq!(
            new.query_row("SELECT count(paint) FROM scim_resource", [], |row| row.get::<_, i64>(0)),
            Ok(0)
        );
    }

    #[test]
    fn a_migration_that_fails_leaves_the_file_as_it_was() {
        let mut file = filled();
        let half = "ALTER TABLE scim_resource ADD COLUMN colour TEXT; INSERT INTO nowhere VALUES (1)";
        assert!(bring(&mut file, &[half]).is_err());
        assert_eq!(of(&file).unwrap(), FIRST);
        assert!(file.prepare("SELECT colour FROM scim_resource").is_err());
        bring(&mut file, &[]).unwrap();
    }

    #[test]
    fn a_file_of_another_layout_is_refused_and_both_versions_are_named() {
        let mut file = filled();
        for layout in [FIRST - 1, FIRST + 1] {
            file.pragma_update(None, "user_version", layout).unwrap();
            let error = bring(&mut file, &[]).unwrap_err();
            let (older, text) = (matches!(error, Fault::Older { .. }), error.to_string());
            assert_eq!(older, layout < FIRST);
            let both = text.contains(&format!("layout {layout}")) && text.contains(&FIRST.to_string());
            assert!(both, "{text}");
        }
    }
}
