//! The GitHub account of a provisioned identity.

use scim_core::Resource;
use serde_json::Value;

use crate::handle::{Handle, HandleError};
use crate::product::{IdentityProvider, Product, ShortCode};
use crate::role::Role;

/// What GitHub shows of a managed user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The SCIM identifier of the identity.
    pub id: String,
    /// The handle. It is obfuscated while the account is suspended.
    // E-33
    pub handle: Handle,
    /// The e-mail address. It is obfuscated while the account is suspended, except with Entra ID.
    // E-33
    pub email: Option<String>,
    /// The profile name.
    pub display_name: Option<String>,
    /// The role in the enterprise.
    pub role: Role,
    /// Whether the account is suspended.
    pub suspended: bool,
}

impl Account {
    /// Derives the account from an identity.
    ///
    /// The account is not stored, because everything follows from the identity. Reactivation therefore restores it by
    /// itself.
    pub(crate) fn of(
        id: &str,
        user: &Resource,
        product: &Product,
        code: &ShortCode,
        idp: IdentityProvider,
    ) -> Result<Self, HandleError> {
        let suspended = !is_active(user);
        let handle = Handle::derive(user.text("userName").unwrap_or_default(), product, code)?;
        let email = primary_email(user);
        Ok(Self {
            id: id.to_owned(),
            email: match (suspended, idp) {
                (true, IdentityProvider::Other) => {
                    email.map(|_| format!("{}@suspended.invalid", handle.obfuscated(product, code)))
                }
                _ => email.map(str::to_owned),
            },
            handle: if suspended { handle.obfuscated(product, code) } else { handle },
            display_name: user.text("displayName").map(str::to_owned),
            role: Role::effective(user),
            suspended,
        })
    }
}

/// Returns whether an identity is active.
pub(crate) fn is_active(user: &Resource) -> bool {
    user.as_map().get("active") != Some(&Value::Bool(false))
}

fn primary_email(user: &Resource) -> Option<&str> {
    let emails = user.as_map().get("emails")?.as_array()?;
    let primary = emails.iter().find(|email| email["primary"] == true).or_else(|| emails.first())?;
    primary["value"].as_str()
}
