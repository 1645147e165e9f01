//! Roles in the enterprise.

// E-26 to E-28

use std::fmt;

use scim_core::Resource;
use serde_json::Value;

/// A role, in order of privilege.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees only what they were invited to.
    GuestCollaborator,
    /// A plain member.
    #[default]
    User,
    /// Manages the billing.
    BillingManager,
    /// Owns the enterprise.
    EnterpriseOwner,
}

/// Every spelling that is accepted: the current words, the ids of Entra's application roles, and the words of older
/// versions.
const SPELLINGS: &[(&str, Role)] = &[
    ("user", Role::User),
    ("27d9891d-2c17-4f45-a262-781a0e55c80a", Role::User),
    ("guest_collaborator", Role::GuestCollaborator),
    ("1ebc4a02-e56c-43a6-92a5-02ee09b90824", Role::GuestCollaborator),
    ("restricted_user", Role::GuestCollaborator),
    ("restricted user", Role::GuestCollaborator),
    ("enterprise_owner", Role::EnterpriseOwner),
    ("enterprise owner", Role::EnterpriseOwner),
    ("981df190-8801-4618-a08a-d91f6206c954", Role::EnterpriseOwner),
    ("ba4987ab-a1c3-412a-b58c-360fc407cb10", Role::EnterpriseOwner),
    ("billing_manager", Role::BillingManager),
    ("billing manager", Role::BillingManager),
    ("0e338b8c-cc7f-498a-928d-ea3470d7e7e3", Role::BillingManager),
    ("e6be2762-e4ad-4108-b72d-1bbe884a0f91", Role::BillingManager),
];

impl Role {
    /// Returns the role that a value of `roles` means, or `None` for any other value.
    pub fn parse(value: &str) -> Option<Self> {
        SPELLINGS.iter().find(|(word, _)| word.eq_ignore_ascii_case(value)).map(|(_, role)| *role)
    }

    /// Returns the current word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GuestCollaborator => "guest_collaborator",
            Self::User => "user",
            Self::BillingManager => "billing_manager",
            Self::EnterpriseOwner => "enterprise_owner",
        }
    }

    /// Returns the role of a person: the most privileged of those given, or that of a plain user.
    pub fn effective(user: &Resource) -> Self {
        values(user).filter_map(Self::parse).max().unwrap_or_default()
    }

    /// Returns the first value of `roles` that is not a role.
    pub(crate) fn unknown(user: &Resource) -> Option<&str> {
        values(user).find(|value| Self::parse(value).is_none())
    }
}

fn values(user: &Resource) -> impl Iterator<Item = &str> {
    let roles = user.as_map().get("roles").and_then(Value::as_array).into_iter().flatten();
    roles.filter_map(|role| role.get("value").and_then(Value::as_str))
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn e_26_spellings() {
        assert_eq!(Role::parse("User"), Some(Role::User));
        assert_eq!(Role::parse("981DF190-8801-4618-a08a-d91f6206c954"), Some(Role::EnterpriseOwner));
        assert_eq!(Role::parse("Restricted User"), Some(Role::GuestCollaborator));
        assert_eq!(Role::parse("app_admin"), None);
    }

    #[test]
    fn e_27_e_28_the_most_privileged_counts() {
        let user =
            |roles: Value| Resource::from_canonical(json!({"roles": roles}).as_object().unwrap().clone());
        let two = json!([{"value": "user"}, {"value": "billing_manager"}]);
        assert_eq!(Role::effective(&user(two)), Role::BillingManager);
        assert_eq!(Role::effective(&user(json!([{"value": "guest_collaborator"}]))), Role::GuestCollaborator);
        assert_eq!(Role::effective(&user(json!([]))), Role::User);
    }
}
