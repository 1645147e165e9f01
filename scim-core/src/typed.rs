//! `User`, `Group` and the enterprise extension as Rust types: the rim for people. Open structs,
//! lossless for what they do not know.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::urn;

/// A Rust type that stands for the resources of one endpoint.
pub trait ScimResource: Serialize + DeserializeOwned {
    /// The URN of the base schema.
    const SCHEMA: &'static str;
    /// The endpoint below the base URL, such as `/Users`.
    const ENDPOINT: &'static str;

    /// The identifier the service provider gave.
    fn id(&self) -> Option<&str>;
}

/// A user — RFC 7643 §4.1.
///
/// ```
/// use scim_core::{EnterpriseUser, User};
/// let mut user = User::new("ada@example.com");
/// user.set_extension(&EnterpriseUser { department: Some("R&D".into()), ..Default::default() }).unwrap();
/// let extension: EnterpriseUser = user.extension().unwrap().unwrap();
/// assert_eq!(extension.department.as_deref(), Some("R&D"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct User {
    /// The schemas in use.
    pub schemas: Vec<String>,
    /// The service provider's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The client's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name the user signs in with.
    pub user_name: String,
    /// The parts of the user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The name shown to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The title, such as "Vice President".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether the account is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// E-mail addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<MultiValue>,
    /// Phone numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phone_numbers: Vec<MultiValue>,
    /// Postal addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// Roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<MultiValue>,
    /// The groups the user is in; read-only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<MemberRef>,
    /// Everything else: further attributes, `meta`, extensions under their URN.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl User {
    /// A user with the one attribute that is required.
    pub fn new(user_name: impl Into<String>) -> Self {
        Self { schemas: vec![urn::USER.into()], user_name: user_name.into(), ..Self::default() }
    }

    /// The extension of type `E`, if the user has it.
    ///
    /// The error is serde's, when what is under the URN is no `E`.
    pub fn extension<E: ExtensionType>(&self) -> Option<Result<E, serde_json::Error>> {
        self.other.get(E::SCHEMA).map(E::deserialize)
    }

    /// Sets the extension of type `E` and names it in `schemas`.
    pub fn set_extension<E: ExtensionType>(&mut self, extension: &E) -> Result<(), serde_json::Error> {
        self.other.insert(E::SCHEMA.into(), serde_json::to_value(extension)?);
        if !self.schemas.iter().any(|urn| urn == E::SCHEMA) {
            self.schemas.push(E::SCHEMA.into());
        }
        Ok(())
    }
}

impl ScimResource for User {
    const SCHEMA: &'static str = urn::USER;
    const ENDPOINT: &'static str = "/Users";

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// A Rust type that stands for a schema extension.
pub trait ExtensionType: Serialize + DeserializeOwned {
    /// The extension's URN.
    const SCHEMA: &'static str;
}

/// The parts of a name — RFC 7643 §4.1.1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Name {
    /// The whole name, ready for display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// The family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// The given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Middle names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// Titles before the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_prefix: Option<String>,
    /// Suffixes behind the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub honorific_suffix: Option<String>,
}

impl Name {
    /// A given name and a family name.
    pub fn new(given: impl Into<String>, family: impl Into<String>) -> Self {
        Self { given_name: Some(given.into()), family_name: Some(family.into()), ..Self::default() }
    }
}

/// One value of a multi-valued attribute with the default sub-attributes — RFC 7643 §2.4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct MultiValue {
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The value for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// What the value is for, such as `work`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Whether it is the preferred one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
}

impl MultiValue {
    /// A value and nothing else.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..Self::default() }
    }

    /// The same, with this type.
    #[must_use]
    pub fn of_type(mut self, r#type: impl Into<String>) -> Self {
        self.r#type = Some(r#type.into());
        self
    }

    /// The same, marked as the preferred one.
    #[must_use]
    pub fn primary(mut self) -> Self {
        self.primary = Some(true);
        self
    }
}

/// A postal address — RFC 7643 §4.1.2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Address {
    /// The whole address, ready for a label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Street, house, apartment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// State or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// What it is for, such as `work`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Whether it is the preferred one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
}

/// The enterprise extension of `User` — RFC 7643 §4.3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnterpriseUser {
    /// The employee number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_number: Option<String>,
    /// The cost centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_center: Option<String>,
    /// The organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The division.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<String>,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// The manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<Manager>,
}

impl ExtensionType for EnterpriseUser {
    const SCHEMA: &'static str = urn::ENTERPRISE_USER;
}

/// A user's manager.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Manager {
    /// The `id` of the manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The manager's URI.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The manager's name; read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// A group — RFC 7643 §4.2.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Group {
    /// The schemas in use.
    pub schemas: Vec<String>,
    /// The service provider's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The client's identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name shown to people.
    pub display_name: String,
    /// The members.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberRef>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Group {
    /// An empty group of this name.
    pub fn new(display_name: impl Into<String>) -> Self {
        Self { schemas: vec![urn::GROUP.into()], display_name: display_name.into(), ..Self::default() }
    }
}

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
    pub value: String,
    /// Its URI.
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Its name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// `User` or `Group` for a member, `direct` or `indirect` for a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
}

impl MemberRef {
    /// A reference to this id.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cli_034_unknown_attributes_survive_a_round_trip() {
        let body = json!({
            "schemas": [urn::USER], "id": "u1", "userName": "ada", "nickName": "a",
            "meta": {"resourceType": "User"}, "urn:x": {"y": 1},
        });
        let user: User = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(serde_json::to_value(&user).unwrap(), body);
    }
}
