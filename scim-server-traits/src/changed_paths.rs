//! What differs between two versions of a document.

use scim_core::Resource;
use serde_json::{Map, Value};

/// Returns the paths of the attributes that differ, in order of their names.
///
/// A sub-attribute is named if its attribute has a single value before and after. `schemas` follows from the rest and is
/// not named.
///
/// ```
/// use scim_core::Resource;
/// use scim_server_traits::changed_paths;
/// let resource = |value: serde_json::Value| Resource::from_canonical(value.as_object().cloned().unwrap_or_default());
/// let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// let before = serde_json::json!({"active": true, "name": {"givenName": "Ada", "familyName": "King"}, "title": "Dr"});
/// let after = serde_json::json!({"active": true, "name": {"givenName": "Ada", "familyName": "Byron"},
///     urn: {"department": "Research"}});
/// let expected = ["name.familyName", "title", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"];
/// assert_eq!(changed_paths(&resource(before), &resource(after)), expected);
/// ```
pub fn changed_paths(before: &Resource, after: &Resource) -> Vec<String> {
    let mut paths = Vec::new();
    each_difference(before.as_map(), after.as_map(), |name, before, after| {
        let (joint, parts) = match (before, after) {
            // No attribute name contains a colon, so this is an extension.
            (before, after) if name.contains(':') => {
                (':', [before, after].map(|value| value.and_then(Value::as_object)))
            }
            (Some(Value::Object(before)), Some(Value::Object(after))) => ('.', [Some(before), Some(after)]),
            _ if name == "schemas" => return,
            _ => return paths.push(name.to_owned()),
        };
        let nothing = Map::new();
        let [before, after] = parts.map(|part| part.unwrap_or(&nothing));
        each_difference(before, after, |part, _, _| paths.push(format!("{name}{joint}{part}")));
    });
    paths
}

fn each_difference(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    mut note: impl FnMut(&str, Option<&Value>, Option<&Value>),
) {
    let new = after.keys().filter(|name| !before.contains_key(*name));
    let mut names: Vec<&String> = before.keys().chain(new).collect();
    names.sort_unstable();
    for name in names {
        let (before, after) = (before.get(name), after.get(name));
        if before != after {
            note(name, before, after);
        }
    }
}

/// Returns the new value of `active`, if it differs from the one before.
///
/// ```
/// use scim_core::Resource;
/// use scim_server_traits::activation;
/// let user = |active: bool| {
///     Resource::from_canonical([("active".to_owned(), active.into())].into_iter().collect())
/// };
/// assert_eq!(activation(&user(true), &user(false)), Some(false));
/// assert_eq!(activation(&user(true), &user(true)), None);
/// ```
pub fn activation(before: &Resource, after: &Resource) -> Option<bool> {
    let active = |resource: &Resource| resource.as_map().get("active").and_then(Value::as_bool);
    active(after).filter(|after| active(before) != Some(*after))
}
