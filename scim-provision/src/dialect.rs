//! PATCH bodies in Entra's two forms (identity-providers 1.1, "Flag off vs on").

use scim_core::urn;
use serde_json::{Map, Value, json};

use crate::mapping::{Change, extended};
use crate::options::EntraDialect;

impl EntraDialect {
    /// Sets attributes, and `active` first if it changes too.
    pub(crate) fn set(self, active: Option<bool>, changes: Vec<Change>) -> Value {
        let active = active.map(|active| {
            let value = match self {
                Self::Default if active => json!("True"),
                Self::Default => json!("False"),
                Self::Flag => json!(active),
            };
            Change { path: "active".into(), value, new: false }
        });
        let changes = active.into_iter().chain(changes);
        envelope(match self {
            Self::Default => changes
                .map(|Change { path, value, new }| {
                    json!({"op": if new { "Add" } else { "Replace" }, "path": path, "value": value})
                })
                .collect(),
            Self::Flag => merge(changes),
        })
    }

    /// Sets the manager.
    pub(crate) fn set_manager(self, id: &str, new: bool) -> Value {
        let value = match self {
            Self::Default => json!(id),
            Self::Flag => json!({"value": id}),
        };
        self.set(None, vec![Change { path: extended("manager"), value, new }])
    }

    /// Adds members to a group.
    pub(crate) fn add_members(self, ids: &[String]) -> Value {
        let op = match self {
            Self::Default => "Add",
            Self::Flag => "add",
        };
        envelope(vec![json!({"op": op, "path": "members", "value": values(ids)})])
    }

    /// Removes members from a group.
    pub(crate) fn remove_members(self, ids: &[String]) -> Value {
        envelope(match self {
            Self::Default => vec![json!({"op": "Remove", "path": "members", "value": values(ids)})],
            Self::Flag => ids
                .iter()
                .map(|id| json!({"op": "remove", "path": format!("members[value eq {}]", json!(id))}))
                .collect(),
        })
    }
}

/// Value paths stay operations of their own; the other attributes share one operation without path,
/// where there are several.
fn merge(changes: impl Iterator<Item = Change>) -> Vec<Value> {
    let mut operations = Vec::new();
    let (mut added, mut replaced) = (Map::new(), Map::new());
    for Change { path, value, new } in changes {
        if path.contains('[') {
            operations.push(json!({"op": if new { "add" } else { "replace" }, "path": path, "value": value}));
        } else if new {
            added.insert(path, value);
        } else {
            replaced.insert(path, value);
        }
    }
    for (op, values) in [("add", added), ("replace", replaced)] {
        if values.len() > 1 {
            operations.push(json!({"op": op, "value": values}));
        } else {
            operations.extend(
                values.into_iter().map(|(path, value)| json!({"op": op, "path": path, "value": value})),
            );
        }
    }
    operations
}

fn values(ids: &[String]) -> Vec<Value> {
    ids.iter().map(|id| json!({"value": id})).collect()
}

fn envelope(operations: Vec<Value>) -> Value {
    json!({"schemas": [urn::PATCH_OP], "Operations": operations})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations(body: Value) -> Value {
        assert_eq!(body["schemas"], json!([urn::PATCH_OP]));
        body["Operations"].clone()
    }

    fn change(path: &str, value: &str, new: bool) -> Change {
        Change { path: path.into(), value: value.into(), new }
    }

    #[test]
    fn q_1_q_2_the_default_form() {
        let dialect = EntraDialect::Default;
        assert_eq!(
            operations(dialect.set(Some(false), vec![])),
            json!([{"op": "Replace", "path": "active", "value": "False"}])
        );
        let changes = vec![
            change("displayName", "Noor H", false),
            change("emails[type eq \"work\"].value", "nh@x.example", false),
            change(&extended("department"), "Legal", true),
        ];
        assert_eq!(
            operations(dialect.set(Some(true), changes)),
            json!([
                {"op": "Replace", "path": "active", "value": "True"},
                {"op": "Replace", "path": "displayName", "value": "Noor H"},
                {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "nh@x.example"},
                {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Legal"},
            ])
        );
    }

    #[test]
    fn q_5_q_6_the_flag_form() {
        let dialect = EntraDialect::Flag;
        assert_eq!(
            operations(dialect.set(Some(false), vec![])),
            json!([{"op": "replace", "path": "active", "value": false}])
        );
        let changes = vec![
            change("name.givenName", "Noor", true),
            change("name.familyName", "Haddad", true),
            change("emails[type eq \"work\"].value", "nh@x.example", true),
            change("displayName", "Noor H", false),
        ];
        assert_eq!(
            operations(dialect.set(None, changes)),
            json!([
                {"op": "add", "path": "emails[type eq \"work\"].value", "value": "nh@x.example"},
                {"op": "add", "value": {"name.givenName": "Noor", "name.familyName": "Haddad"}},
                {"op": "replace", "path": "displayName", "value": "Noor H"},
            ])
        );
    }

    #[test]
    fn q_10_members_in_both_forms() {
        let ids = ["u-7".to_owned(), "u-8".to_owned()];
        assert_eq!(
            operations(EntraDialect::Default.remove_members(&ids)),
            json!([{"op": "Remove", "path": "members", "value": [{"value": "u-7"}, {"value": "u-8"}]}])
        );
        assert_eq!(
            operations(EntraDialect::Flag.remove_members(&ids)),
            json!([{"op": "remove", "path": "members[value eq \"u-7\"]"},
                   {"op": "remove", "path": "members[value eq \"u-8\"]"}])
        );
        assert_eq!(
            operations(EntraDialect::Default.add_members(&ids)),
            json!([{"op": "Add", "path": "members", "value": [{"value": "u-7"}, {"value": "u-8"}]}])
        );
    }

    #[test]
    fn q_13_the_manager_in_both_forms() {
        let path = extended("manager");
        assert_eq!(
            operations(EntraDialect::Default.set_manager("u-9", true)),
            json!([{"op": "Add", "path": path, "value": "u-9"}])
        );
        assert_eq!(
            operations(EntraDialect::Flag.set_manager("u-9", false)),
            json!([{"op": "replace", "path": path, "value": {"value": "u-9"}}])
        );
    }
}
