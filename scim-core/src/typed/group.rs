//! A group.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ExtensionType, ResourceMeta, ScimResource, extensible};
use crate::urn;
use crate::wire::or_default;

/// A group — RFC 7643 §4.2.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Group {
    /// The schemas in use.
    pub schemas: Vec<String>,
    /// The identifier that the service provider assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The identifier that the client assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name shown to people. It is empty if an answer left it out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// The members.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberRef>,
    /// The service provider's data about the group. It is ignored when it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<ResourceMeta>,
    /// Everything else: further attributes, and extensions under their URN.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Group {
    /// Makes an empty group with this name.
    pub fn new(display_name: impl Into<String>) -> Self {
        Self { schemas: vec![urn::GROUP.into()], display_name: display_name.into(), ..Self::default() }
    }

    /// Sets `externalId`, the client's own identifier.
    #[must_use]
    pub fn with_external_id(mut self, external_id: impl Into<String>) -> Self {
        self.external_id = Some(external_id.into());
        self
    }

    /// Adds members.
    #[must_use]
    pub fn with_members(mut self, members: impl IntoIterator<Item = MemberRef>) -> Self {
        self.members.extend(members);
        self
    }
}

extensible!(Group);

impl ScimResource for Group {
    const SCHEMA: &'static str = urn::GROUP;
    const ENDPOINT: &'static str = "/Groups";

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// One element of `Group.members` or `User.groups`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct MemberRef {
    /// The other resource's `id`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Its URI.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The other resource's display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// `User` or `Group` for a member, `direct` or `indirect` for a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl MemberRef {
    /// Makes a reference to this id.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cli_034_groups_and_members_survive() {
        let body = json!({
            "schemas": [urn::GROUP], "id": "g", "displayName": "G", "externalId": "x",
            "members": [{"value": "u", "$ref": "../Users/u", "type": "User", "display": "U", "since": 1}],
            "meta": {"resourceType": "Group"}, "owner": "o",
        });
        let group: Group = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(group.meta, Some(ResourceMeta::of_type("Group")));
        assert_eq!(serde_json::to_value(&group).unwrap(), body);
        let built = Group::new("G").with_external_id("x").with_members([MemberRef::new("u")]);
        assert_eq!((built.external_id, built.members.len()), (group.external_id, 1));
    }
}
