//! GitHub's rules that no schema can say.

use scim_core::{Error, Resource, ResourceType};
use scim_filter::BoundFilter;
use serde_json::Value;

use crate::registry::{GROUP, USER};
use crate::role::Role;

/// What every user and group must have, however it was written.
pub(crate) fn check(resource_type: &ResourceType, resource: &Resource) -> Result<(), Error> {
    // E-17, E-39: externalId is common to all types, so no schema of ours can require it.
    if resource.text("externalId").is_none_or(str::is_empty) {
        return Err(Error::invalid_value("`externalId` is required"));
    }
    if resource_type.name() == USER
        && let Some(value) = Role::unknown(resource)
    {
        return Err(Error::invalid_value(format!(
            "`roles.value`: `{value}` is no role: use user, guest_collaborator, billing_manager or enterprise_owner"
        )));
    }
    Ok(())
}

/// In a create and a replace, each e-mail says what it is for and whether it is the primary one.
/// A PATCH may add one by its `type` alone, as Entra does.
// E-17, E-29
pub(crate) fn check_whole(resource_type: &ResourceType, resource: &Resource) -> Result<(), Error> {
    if resource_type.name() != USER {
        return Ok(());
    }
    let emails = resource.as_map().get("emails").and_then(Value::as_array).into_iter().flatten();
    for email in emails {
        if let Some(missing) = ["type", "primary"].into_iter().find(|name| email.get(name).is_none()) {
            return Err(Error::invalid_value(format!("`emails.{missing}` is required")));
        }
    }
    Ok(())
}

/// A filter is one `eq` on one of a few attributes.
// E-13 to E-15
pub(crate) fn check_filter(resource_type: &ResourceType, filter: &BoundFilter) -> Result<(), Error> {
    let allowed: &[&str] = match resource_type.name() {
        USER => &["userName", "externalId", "id", "displayName"],
        GROUP => &["externalId", "id", "displayName"],
        _ => &[],
    };
    let single = filter.as_single_eq();
    if single.is_some_and(|attribute| allowed.contains(&attribute.as_str())) {
        return Ok(());
    }
    Err(Error::invalid_filter(format!(
        "a filter on {} must be a single `eq` on one of: {}",
        resource_type.name(),
        allowed.join(", ")
    )))
}
