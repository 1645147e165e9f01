//! What the keys of a resource type depend on.

use std::fmt::Write as _;
use std::sync::Arc;

use scim_core::ResourceType;
use scim_server_traits::StoreError;

/// Returns the indexed and unique attributes of a type as a text, which is equal exactly if the keys are.
pub(crate) fn attributes(resource_type: &ResourceType) -> String {
    let mut text = String::new();
    for (list, paths) in [("indexed", resource_type.indexed()), ("unique", resource_type.unique())] {
        text.push_str(list);
        for path in paths {
            let exact = if path.leaf().compares_exactly() { "exact" } else { "folded" };
            // Writing to a `String` cannot fail.
            let _ = write!(text, " {path} {} {exact};", path.leaf().r#type);
        }
    }
    text
}

/// Returns whether both types have the same keys.
pub(crate) fn are_same(one: &Arc<ResourceType>, other: &Arc<ResourceType>) -> bool {
    Arc::ptr_eq(one, other) || attributes(one) == attributes(other)
}

/// Returns the error for a type whose keys were made of other attributes.
pub(crate) fn stale(resource_type: &ResourceType, remedy: &'static str) -> StoreError {
    StoreError::StaleIndex { resource_type: resource_type.name().to_owned(), remedy }
}
