//! The forms in which identity providers write requests, as values instead of branches of the engine.

use std::fmt;
use std::str::FromStr;

use scim_core::urn;
use serde_json::{Map, Value, json};

use crate::mapping::{Change, Path, extended};

/// The form in which an identity provider writes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    name: &'static str,
    add: &'static str,
    replace: &'static str,
    remove: &'static str,
    booleans: Booleans,
    operations: Operations,
    new_elements: NewElements,
    references: References,
    removed_members: RemovedMembers,
    /// What a new group has in `schemas` in addition to the RFC's URN.
    group_schemas: &'static [&'static str],
    /// Whether a new resource names its own type in `meta`.
    sends_meta: bool,
}

/// How `true` and `false` are written in a PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Booleans {
    Json,
    /// As the strings `True` and `False`.
    //
    Text,
}

/// How attributes are distributed over the operations of a PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operations {
    OneEach,
    /// Simple attributes share one operation without a path.
    //
    Shared,
}

/// How a multi-valued attribute gets an element that it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NewElements {
    /// The whole element is added to the attribute.
    Added,
    /// A value path selects an element that does not exist yet.
    //
    ByValuePath,
}

/// How a complex attribute that refers to a resource is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum References {
    Object,
    /// As the id alone.
    //
    Text,
}

/// How members are removed from a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RemovedMembers {
    /// One operation for each member, which selects it by a value path.
    ByPath,
    /// One operation whose value is all of them.
    //
    ByValue,
}

impl Dialect {
    /// The form of RFC 7644 and nothing else, for any service provider.
    pub const RFC: Self = Self {
        name: "rfc",
        add: "add",
        replace: "replace",
        remove: "remove",
        booleans: Booleans::Json,
        operations: Operations::OneEach,
        new_elements: NewElements::Added,
        references: References::Object,
        removed_members: RemovedMembers::ByPath,
        group_schemas: &[],
        sends_meta: false,
    };

    /// Microsoft Entra ID with its default settings.
    //
    pub const ENTRA: Self = Self {
        name: "entra",
        add: "Add",
        replace: "Replace",
        remove: "Remove",
        booleans: Booleans::Text,
        operations: Operations::OneEach,
        new_elements: NewElements::ByValuePath,
        references: References::Text,
        removed_members: RemovedMembers::ByValue,
        //
        group_schemas: &["http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        sends_meta: true,
    };

    /// Microsoft Entra ID with its flag `aadOptscim062020`.
    //
    pub const ENTRA_FLAG: Self = Self {
        name: "entra-flag",
        add: "add",
        replace: "replace",
        remove: "remove",
        booleans: Booleans::Json,
        operations: Operations::Shared,
        references: References::Object,
        removed_members: RemovedMembers::ByPath,
        ..Self::ENTRA
    };

    /// All dialects.
    pub const ALL: [Self; 3] = [Self::RFC, Self::ENTRA, Self::ENTRA_FLAG];

    /// Returns the name in configuration.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn group_schemas(self) -> impl Iterator<Item = &'static str> {
        std::iter::once(urn::GROUP).chain(self.group_schemas.iter().copied())
    }

    pub(crate) fn sends_meta(self) -> bool {
        self.sends_meta
    }

    /// Makes a PATCH that sets attributes. If `active` changes too, it comes first.
    pub(crate) fn set(self, active: Option<bool>, changes: Vec<Change>) -> Value {
        let active = active.map(|active| {
            let value = match (self.booleans, active) {
                (Booleans::Json, active) => json!(active),
                (Booleans::Text, true) => json!("True"),
                (Booleans::Text, false) => json!("False"),
            };
            Change { path: Path::attribute("active"), value, new: false }
        });
        let changes = active.into_iter().chain(changes);
        envelope(match self.operations {
            Operations::OneEach => changes.map(|change| self.operation(change)).collect(),
            Operations::Shared => self.shared(changes),
        })
    }

    /// Makes a PATCH that sets the manager.
    pub(crate) fn set_manager(self, id: &str, new: bool) -> Value {
        let value = match self.references {
            References::Object => json!({"value": id}),
            References::Text => json!(id),
        };
        self.set(None, vec![Change { path: Path::attribute(extended("manager")), value, new }])
    }

    /// Makes a PATCH that adds members to a group.
    pub(crate) fn add_members(self, ids: &[String]) -> Value {
        envelope(vec![json!({"op": self.add, "path": "members", "value": values(ids)})])
    }

    /// Makes a PATCH that removes members from a group.
    pub(crate) fn remove_members(self, ids: &[String]) -> Value {
        let remove = self.remove;
        envelope(match self.removed_members {
            RemovedMembers::ByValue => vec![json!({"op": remove, "path": "members", "value": values(ids)})],
            RemovedMembers::ByPath => ids
                .iter()
                .map(|id| json!({"op": remove, "path": format!("members[value eq {}]", json!(id))}))
                .collect(),
        })
    }

    fn operation(self, Change { path, value, new }: Change) -> Value {
        match (path, self.new_elements) {
            (Path::Element { attribute, of_type }, NewElements::Added) if new => {
                json!({"op": self.add, "path": attribute, "value": [{"type": of_type, "value": value}]})
            }
            (path, _) => json!({"op": self.word(new), "path": path.to_string(), "value": value}),
        }
    }

    /// Gives each element its own operation. If there are several other attributes, they share one.
    fn shared(self, changes: impl Iterator<Item = Change>) -> Vec<Value> {
        let mut operations = Vec::new();
        let (mut added, mut replaced) = (Map::new(), Map::new());
        for Change { path, value, new } in changes {
            match path {
                Path::Attribute(path) => {
                    let values = if new { &mut added } else { &mut replaced };
                    values.insert(path, value);
                }
                path => operations.push(self.operation(Change { path, value, new })),
            }
        }
        for (new, values) in [(true, added), (false, replaced)] {
            let op = self.word(new);
            if values.len() > 1 {
                operations.push(json!({"op": op, "value": values}));
            } else {
                let one = |(path, value)| json!({"op": op, "path": path, "value": value});
                operations.extend(values.into_iter().map(one));
            }
        }
        operations
    }

    fn word(self, new: bool) -> &'static str {
        if new { self.add } else { self.replace }
    }
}

impl Default for Dialect {
    fn default() -> Self {
        Self::RFC
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Self, UnknownDialect> {
        let known = Self::ALL.into_iter().find(|dialect| dialect.name == text);
        known.ok_or_else(|| UnknownDialect(text.to_owned()))
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The name of a dialect that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no dialect: use {names}", names = Dialect::ALL.map(|dialect| dialect.name).join(", "))]
pub struct UnknownDialect(String);

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
        Change { path: Path::attribute(path), value: value.into(), new }
    }

    fn work_email(new: bool) -> Change {
        Change { path: Path::WORK_EMAIL, value: "nh@x.example".into(), new }
    }

    #[test]
    fn q_1_q_2_the_default_form() {
        let dialect = Dialect::ENTRA;
        assert_eq!(
            operations(dialect.set(Some(false), vec![])),
            json!([{"op": "Replace", "path": "active", "value": "False"}])
        );
        let changes = vec![
            change("displayName", "Noor H", false),
            work_email(false),
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
        let dialect = Dialect::ENTRA_FLAG;
        assert_eq!(
            operations(dialect.set(Some(false), vec![])),
            json!([{"op": "replace", "path": "active", "value": false}])
        );
        let changes = vec![
            change("name.givenName", "Noor", true),
            change("name.familyName", "Haddad", true),
            work_email(true),
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
            operations(Dialect::ENTRA.remove_members(&ids)),
            json!([{"op": "Remove", "path": "members", "value": [{"value": "u-7"}, {"value": "u-8"}]}])
        );
        assert_eq!(
            operations(Dialect::ENTRA_FLAG.remove_members(&ids)),
            json!([{"op": "remove", "path": "members[value eq \"u-7\"]"},
                   {"op": "remove", "path": "members[value eq \"u-8\"]"}])
        );
        assert_eq!(
            operations(Dialect::ENTRA.add_members(&ids)),
            json!([{"op": "Add", "path": "members", "value": [{"value": "u-7"}, {"value": "u-8"}]}])
        );
    }

    #[test]
    fn q_13_the_manager_in_both_forms() {
        let path = extended("manager");
        assert_eq!(
            operations(Dialect::ENTRA.set_manager("u-9", true)),
            json!([{"op": "Add", "path": path, "value": "u-9"}])
        );
        assert_eq!(
            operations(Dialect::ENTRA_FLAG.set_manager("u-9", false)),
            json!([{"op": "replace", "path": path, "value": {"value": "u-9"}}])
        );
    }

    #[test]
    fn the_rfc_form() {
        let dialect = Dialect::RFC;
        let changes = vec![
            change("name.givenName", "Noor", true),
            change("displayName", "Noor H", false),
            work_email(false),
            change(&extended("department"), "Legal", true),
        ];
        assert_eq!(
            operations(dialect.set(Some(false), changes)),
            json!([
                {"op": "replace", "path": "active", "value": false},
                {"op": "add", "path": "name.givenName", "value": "Noor"},
                {"op": "replace", "path": "displayName", "value": "Noor H"},
                {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "nh@x.example"},
                {"op": "add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Legal"},
            ])
        );
        assert_eq!(
            operations(dialect.set(None, vec![work_email(true)])),
            json!([{"op": "add", "path": "emails", "value": [{"type": "work", "value": "nh@x.example"}]}])
        );
        assert_eq!(
            operations(dialect.remove_members(&["u-7".to_owned()])),
            json!([{"op": "remove", "path": "members[value eq \"u-7\"]"}])
        );
        assert_eq!(
            operations(dialect.set_manager("u-9", true)),
            json!([{"op": "add", "path": extended("manager"), "value": {"value": "u-9"}}])
        );
    }

    #[test]
    fn each_is_found_by_its_name() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.to_string().parse(), Ok(dialect));
        }
        let error = "okta".parse::<Dialect>().unwrap_err().to_string();
        assert_eq!(error, "`okta` is no dialect: use rfc, entra, entra-flag");
    }
}
