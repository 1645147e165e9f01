//! GitHub's rules that no schema can express.

use scim_core::{Error, Resource, ResourceType};
use scim_filter::BoundFilter;
use serde_json::Value;

use crate::registry::{GROUP, USER};
use crate::role::Role;

/// Checks what every user and group must have, whichever operation wrote it.
pub(crate) fn check(resource_type: &ResourceType, resource: &Resource) -> Result<(), Error> {
    // E-17, E-39: `externalId` is common to all types, so our schemas cannot require it.
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

/// Checks that each e-mail address of a create or replace has `type` and `primary`.
///
/// A PATCH may add one with its `type` alone, as Entra does.
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

/// Checks that a filter is a single `eq` on one of a few attributes.
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
