//! The attributes of the two types, as the judge knows them: written by hand, not read from the registry.

use scim_core::urn;
use serde_json::{Value, json};

pub(crate) const ODD: &str = "urn:example:odd";

/// An attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attr {
    /// The extension's URN; empty in the base schema.
    pub(crate) urn: &'static str,
    pub(crate) name: &'static str,
    pub(crate) multi: bool,
    /// The sub-attributes of a complex attribute.
    pub(crate) subs: &'static [&'static str],
    pub(crate) kind: Kind,
}

/// The type of a simple value, or of the `value` of a complex one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Bool,
    Number,
    /// The id of a user.
    Link,
}

const fn simple(urn: &'static str, name: &'static str, kind: Kind, multi: bool) -> Attr {
    Attr { urn, name, multi, subs: &[], kind }
}

const fn complex(urn: &'static str, name: &'static str, multi: bool, subs: &'static [&'static str]) -> Attr {
    Attr { urn, name, multi, subs, kind: Kind::Text }
}

pub(crate) const USER: &[Attr] = &[
    simple("", "title", Kind::Text, false),
    simple("", "active", Kind::Bool, false),
    complex("", "name", false, &["familyName", "givenName"]),
    complex("", "emails", true, &["value", "type", "display", "primary"]),
    complex("", "addresses", true, &["streetAddress", "locality", "type", "primary"]),
    simple(urn::ENTERPRISE_USER, "department", Kind::Text, false),
    complex(urn::ENTERPRISE_USER, "manager", false, &["value", "$ref"]),
    simple(ODD, "tags", Kind::Text, true),
    simple(ODD, "flags", Kind::Bool, true),
    simple(ODD, "level", Kind::Number, false),
    complex(ODD, "crate", false, &["label", "value"]),
];

pub(crate) const GROUP: &[Attr] = &[
    simple("", "externalId", Kind::Text, false),
    Attr { kind: Kind::Link, ..complex("", "members", true, &["value", "$ref", "display", "type"]) },
];

/// The schema of the extension.
pub(crate) fn odd_schema() -> Value {
    json!({"id": ODD, "name": "Odd", "attributes": [
        {"name": "tags", "multiValued": true},
        {"name": "flags", "type": "boolean", "multiValued": true},
        {"name": "level", "type": "integer"},
        {"name": "crate", "type": "complex", "subAttributes": [{"name": "label"}, {"name": "value"}]},
    ]})
}

impl Attr {
    pub(crate) fn is_complex(&self) -> bool {
        !self.subs.is_empty()
    }

    /// Returns the name, after the extension if there is one.
    pub(crate) fn path(&self) -> String {
        if self.urn.is_empty() { self.name.to_owned() } else { format!("{}:{}", self.urn, self.name) }
    }

    /// Returns the value in a resource.
    pub(crate) fn of<'a>(&self, resource: &'a Value) -> &'a Value {
        if self.urn.is_empty() { &resource[self.name] } else { &resource[self.urn][self.name] }
    }

    /// Returns the sub-attribute of this name, in any letter case.
    pub(crate) fn sub(&self, name: &str) -> Option<&'static str> {
        self.subs.iter().find(|sub| sub.eq_ignore_ascii_case(name)).copied()
    }
}
