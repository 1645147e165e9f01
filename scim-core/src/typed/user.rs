//! A user.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Address, ExtensionType, MemberRef, MultiValue, Name, ResourceMeta, ScimResource, extensible};
use crate::urn;
use crate::wire::or_default;

/// A user — RFC 7643 §4.1.
///
/// ```
/// use scim_core::{EnterpriseUser, MultiValue, Name, User};
/// let mut user = User::new("ada@example.com")
///     .with_name(Name::new("Ada", "Lovelace"))
///     .with_email(MultiValue::new("ada@example.com").of_type("work").primary());
/// user.set_extension(&EnterpriseUser::new().with_department("R&D")).unwrap();
/// let extension: EnterpriseUser = user.extension().unwrap().unwrap();
/// assert_eq!(extension.department.as_deref(), Some("R&D"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct User {
    /// The schemas in use.
    pub schemas: Vec<String>,
    /// The identifier that the service provider assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The identifier that the client assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name with which the user signs in. It is empty if an answer left it out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_name: String,
    /// The parts of the user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The name shown to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What people call the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nick_name: Option<String>,
    /// The URL of the user's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_url: Option<String>,
    /// The title, such as "Vice President".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The relation to the organisation, such as "Contractor".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_type: Option<String>,
    /// The preferred languages, in the form of `Accept-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_language: Option<String>,
    /// The language tag for dates, numbers and the like, such as `en-US`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The IANA time zone, such as `America/Los_Angeles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Whether the account is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// The password. It is written and never returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// E-mail addresses.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<MultiValue>,
    /// Phone numbers.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub phone_numbers: Vec<MultiValue>,
    /// Addresses of instant messengers.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub ims: Vec<MultiValue>,
    /// URLs of pictures.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<MultiValue>,
    /// Postal addresses.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// The groups that the user is in. The attribute is read-only.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<MemberRef>,
    /// Entitlements.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub entitlements: Vec<MultiValue>,
    /// Roles.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<MultiValue>,
    /// Certificates, each one DER in base64.
    #[serde(
        rename = "x509Certificates",
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub x509_certificates: Vec<MultiValue>,
    /// The service provider's data about the user. It is ignored when it is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<ResourceMeta>,
    /// Everything else: further attributes, and extensions under their URN.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl User {
    /// Makes a user with the only required attribute.
    pub fn new(user_name: impl Into<String>) -> Self {
        Self { schemas: vec![urn::USER.into()], user_name: user_name.into(), ..Self::default() }
    }

    /// Sets `externalId`, the client's own identifier.
    #[must_use]
    pub fn with_external_id(mut self, external_id: impl Into<String>) -> Self {
        self.external_id = Some(external_id.into());
        self
    }

    /// Sets `name`.
    #[must_use]
    pub fn with_name(mut self, name: Name) -> Self {
        self.name = Some(name);
        self
    }

    /// Sets `displayName`.
    #[must_use]
    pub fn with_display_name(mut self, display_name: impl Into<String>) -> Self {
        self.display_name = Some(display_name.into());
        self
    }

    /// Sets `active`.
    #[must_use]
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }

    /// Sets `password`.
    #[must_use]
    pub fn with_password(mut self, password: impl Into<Password>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Adds an e-mail address.
    #[must_use]
    pub fn with_email(mut self, email: MultiValue) -> Self {
        self.emails.push(email);
        self
    }

    /// Adds a phone number.
    #[must_use]
    pub fn with_phone_number(mut self, phone_number: MultiValue) -> Self {
        self.phone_numbers.push(phone_number);
        self
    }

    /// Adds a role.
    #[must_use]
    pub fn with_role(mut self, role: MultiValue) -> Self {
        self.roles.push(role);
        self
    }
}

extensible!(User);

impl ScimResource for User {
    const SCHEMA: &'static str = urn::USER;
    const ENDPOINT: &'static str = "/Users";

    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

/// A password in clear text. It serialises as it is, and `Debug` never shows it.
// CORE-052
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// Makes a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;
    use serde_json::json;

    #[test]
    fn cli_034_unknown_attributes_survive_a_round_trip() {
        let body = json!({
            "schemas": [urn::USER], "id": "u1", "userName": "ada", "nickName": "a", "shoeSize": 5,
            "name": {"givenName": "A", "phonetic": "ei"}, "emails": [{"value": "e", "verified": true}],
            "meta": {"resourceType": "User"}, "urn:x": {"y": 1},
        });
        let user: User = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(user.meta, Some(ResourceMeta::of_type("User")));
        assert_eq!(serde_json::to_value(&user).unwrap(), body);
    }

    #[test]
    fn cli_034_every_attribute_of_the_schema_is_a_field() {
        let mut body =
            json!({"schemas": [urn::USER], "id": "1", "externalId": "2", "meta": {"version": "3"}});
        for attribute in Schema::user().attributes() {
            let value = match (&*attribute.name, attribute.multi_valued) {
                ("name", _) => json!({"familyName": "f"}),
                ("active", _) => json!(true),
                (_, true) if attribute.sub_attribute("value").is_some() => json!([{"value": "v"}]),
                (_, true) => json!([{"country": "US"}]),
                (_, false) => json!("text"),
            };
            body[&attribute.name] = value;
        }
        let user: User = serde_json::from_value(body.clone()).unwrap();
        assert!(user.other.is_empty(), "{:?}", user.other);
        assert_eq!(serde_json::to_value(&user).unwrap(), body);
    }

    #[test]
    fn cli_034_what_an_answer_leaves_out_is_not_made_up() {
        let body = json!({"schemas": [urn::USER], "id": "1", "groups": [{"display": "G"}]});
        let user: User = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(serde_json::to_value(&user).unwrap(), body);
    }

    #[test]
    fn a_password_is_written_but_not_shown() {
        let user = User::new("ada").with_password("s3cret");
        assert!(!format!("{user:?}").contains("s3cret"));
        assert_eq!(serde_json::to_value(&user).unwrap()["password"], "s3cret");
        assert_eq!(user.password, Some(Password::from("s3cret".to_owned())));
        assert_eq!(Password::new("x").expose(), "x");
    }

    #[test]
    fn core_030_null_and_nothing_and_empty_are_the_same() {
        let body =
            json!({"schemas": [urn::USER], "userName": "ada", "emails": null, "title": null, "roles": []});
        assert_eq!(serde_json::from_value::<User>(body).unwrap(), User::new("ada"));
    }

    #[test]
    fn the_builder_names_what_it_sets() {
        let user = User::new("ada")
            .with_external_id("x")
            .with_name(Name::new("Ada", "Lovelace"))
            .with_display_name("Ada")
            .with_active(true)
            .with_email(MultiValue::new("a@example.com"))
            .with_phone_number(MultiValue::new("+1"))
            .with_role(MultiValue::new("admin"));
        assert_eq!(
            serde_json::to_value(user).unwrap(),
            json!({
                "schemas": [urn::USER], "userName": "ada", "externalId": "x", "displayName": "Ada",
                "name": {"givenName": "Ada", "familyName": "Lovelace"}, "active": true,
                "emails": [{"value": "a@example.com"}], "phoneNumbers": [{"value": "+1"}],
                "roles": [{"value": "admin"}],
            })
        );
    }
}
