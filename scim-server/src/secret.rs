//! What must never be stored: attributes that clients write and nobody reads.

use scim_core::{Mutability, Resource, ResourceType, Returned};

/// Drops write-only, never-returned attributes such as `password` before anything is stored (CORE-052).
///
/// This service provider checks no passwords (`changePassword` is not supported), so the safest place for
/// one is nowhere.
pub(crate) fn discard(resource_type: &ResourceType, resource: &mut Resource) {
    for attribute in resource_type.schema().attributes() {
        if attribute.mutability == Mutability::WriteOnly && attribute.returned == Returned::Never {
            resource.as_map_mut().remove(&attribute.name);
        }
    }
}
