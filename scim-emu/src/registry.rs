//! The resource types of an EMU enterprise: the attributes that GitHub knows, and no others.

use std::sync::Arc;

use scim_core::{
    Registry, RegistryError, Relation, ResourceType, ResourceTypeDocument, Schema, SchemaError, urn,
};

/// The name of the user type.
pub(crate) const USER: &str = "User";
/// The name of the group type.
pub(crate) const GROUP: &str = "Group";

/// Makes `User` and `Group` as GitHub documents them.
///
/// Attributes are required as documented, `externalId` is unique, and only users may be members of groups.
// E-21, E-40
pub(crate) fn registry() -> Result<Registry, RegistryError> {
    let user = ResourceTypeDocument::new(USER, "/Users", urn::USER).description("Managed user");
    let user = ResourceType::builder(user)
        .schema(schema(include_str!("schema/user.json"))?)
        .relation(Relation::reverse("groups", "members", GROUP))
        .unique("externalId")
        .indexed(["userName", "externalId", "displayName"])
        .build()?;
    let group = ResourceTypeDocument::new(GROUP, "/Groups", urn::GROUP).description("Group of managed users");
    let group = ResourceType::builder(group)
        .schema(schema(include_str!("schema/group.json"))?)
        .relation(Relation::own("members", [USER]))
        .unique("externalId")
        .indexed(["externalId", "displayName"])
        .build()?;
    Registry::builder().resource_type(Arc::new(user)).resource_type(Arc::new(group)).build()
}

fn schema(text: &str) -> Result<Arc<Schema>, SchemaError> {
    let document = serde_json::from_str(text).map_err(|error| SchemaError::Document(error.to_string()))?;
    Ok(Arc::new(Schema::from_json(document)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_17_e_18_e_39_required_attributes() {
        let registry = registry().unwrap();
        let user = registry.by_name(USER).unwrap();
        for path in ["userName", "displayName", "active", "emails", "emails.value", "name.familyName"] {
            assert!(user.resolve(path).unwrap().leaf().required, "{path}");
        }
        assert!(user.unique().iter().any(|path| path.to_string() == "externalId"));
    }
}
