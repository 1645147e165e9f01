//! Gives the members of a JSON object the names of their schema.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::canonical::Presence;
use crate::error::Error;

/// Normalizes each member of `object` in place: its name and its value.
///
/// `find` returns the schema's name for a key, and what the key refers to. `visit` makes the value canonical and
/// returns what is left of it. Only a member with another spelling is moved. Two keys for one name are an error, even
/// if one of them holds `null`, because either may be meant.
pub(crate) fn settle<'s, T: Copy>(
    object: &mut Map<String, Value>,
    find: impl Fn(&str) -> Option<(&'s str, T)>,
    twice: impl Fn(&str) -> Error,
    mut visit: impl FnMut(&str, Option<T>, &mut Value) -> Result<Presence, Error>,
) -> Result<(), Error> {
    let mut misspelt: Vec<(&'s str, T, Value)> = Vec::new();
    let (mut gaps, mut unknown_stays) = (false, false);
    for (key, value) in object.iter_mut() {
        let stays = match find(key) {
            Some((name, _)) if name != key && misspelt.iter().any(|(other, ..)| *other == name) => {
                return Err(twice(name));
            }
            Some((name, what)) if name != key => {
                misspelt.push((name, what, value.take()));
                false
            }
            Some((_, what)) => visit(key, Some(what), value)?.is_assigned(),
            None => {
                let stays = visit(key, None, value)?.is_assigned();
                unknown_stays |= stays;
                stays
            }
        };
        if !stays {
            *value = Value::Null;
            gaps = true;
        }
    }
    if let Some((name, ..)) = misspelt.iter().find(|(name, ..)| object.contains_key(*name)) {
        return Err(twice(name));
    }
    if gaps {
        object.retain(|_, value| !value.is_null());
    }
    if unknown_stays {
        let mut seen = HashSet::with_capacity(object.len());
        if let Some(key) = object.keys().find(|key| !seen.insert(key.to_ascii_lowercase())) {
            return Err(twice(key));
        }
    }
    for (name, what, mut value) in misspelt {
        if visit(name, Some(what), &mut value)?.is_assigned() {
            object.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

/// Whether a value of an unknown attribute is assigned. `null`, `[]` and `{}` are not (RFC 7643 §2.5).
///
/// ```
/// assert!(scim_core::is_assigned(&"".into()) && !scim_core::is_assigned(&serde_json::json!([])));
/// ```
// CORE-030
pub fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn each_member_is_looked_up_once_and_visited_once() {
        for many in [10, 1_000, 100_000] {
            let mut object: Map<String, Value> = (0..many).map(|at| (format!("x{at}"), at.into())).collect();
            object.insert("NAME".into(), 1.into());
            let (found, visited) = (Cell::new(0), Cell::new(0));
            settle(
                &mut object,
                |key| {
                    found.set(found.get() + 1);
                    key.eq_ignore_ascii_case("name").then_some(("name", ()))
                },
                |name| Error::invalid_syntax(name),
                |_, _, _| {
                    visited.set(visited.get() + 1);
                    Ok(Presence::Assigned)
                },
            )
            .unwrap();
            assert_eq!((found.get(), visited.get()), (many + 1, many + 1));
            assert!(object.contains_key("name") && !object.contains_key("NAME"));
        }
    }

    #[test]
    fn core_002_two_spellings_of_one_name_are_refused_even_for_null() {
        for (one, other) in [("name", "NAME"), ("Name", "NAME")] {
            let mut object = Map::from_iter([(one.to_owned(), Value::Null), (other.to_owned(), 1.into())]);
            let find = |key: &str| key.eq_ignore_ascii_case("name").then_some(("name", ()));
            assert!(
                settle(
                    &mut object,
                    find,
                    |name| Error::invalid_syntax(name),
                    |_, _, _| Ok(Presence::Assigned)
                )
                .is_err()
            );
        }
    }
}
