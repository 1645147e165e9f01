//! What the keys of a resource type depend on.

use std::fmt::Write as _;
use std::sync::Arc;

use scim_core::ResourceType;
use scim_server_traits::StoreError;

/// The indexed and the unique attributes of a type, as a text that is equal exactly when the keys are.
pub(crate) fn attributes(resource_type: &ResourceType) -> String {
    let mut text = String::new();
    for (list, paths) in [("indexed", resource_type.indexed()), ("unique", resource_type.unique())] {
        text.push_str(list);
        for path in paths {
            let exact = if path.leaf().compares_exactly() { "exact" } else { "folded" };
            // A `String` takes everything.
            let _ = write!(text, " {path} {} {exact};", path.leaf().r#type);
        }
    }
    text
}

/// Whether the keys of one type are those of the other.
pub(crate) fn are_same(one: &Arc<ResourceType>, other: &Arc<ResourceType>) -> bool {
    Arc::ptr_eq(one, other) || attributes(one) == attributes(other)
}

/// The refusal of a type whose keys were made of other attributes.
pub(crate) fn stale(resource_type: &ResourceType, remedy: &'static str) -> StoreError {
    StoreError::StaleIndex { resource_type: resource_type.name().to_owned(), remedy }
}
