//! Computes index keys in one place, so that all stores agree.

use scim_core::{Resource, ResourceType};
use scim_filter::index_key;

/// One index key of a resource: the attribute's canonical path and the comparison form of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The path, such as `emails.value`.
    pub attribute: String,
    /// The value in its comparison form.
    pub key: String,
}

/// Returns the keys that a store keeps for a resource.
///
/// There is one for each value of an indexed or unique attribute, without duplicates. A
/// [`Narrow::Key`](scim_filter::Narrow::Key) can ask for these.
pub fn index_keys(resource_type: &ResourceType, resource: &Resource) -> Vec<Key> {
    let mut keys = Vec::new();
    for path in resource_type.indexed().iter().chain(resource_type.unique()) {
        path.for_each(resource.as_map(), &mut |value| {
            if let Some(key) = index_key(path.leaf(), value) {
                keys.push(Key { attribute: path.to_string(), key });
            }
        });
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Returns the keys that no two resources of the type may share.
pub fn unique_keys(resource_type: &ResourceType, resource: &Resource) -> Vec<Key> {
    let mut keys = Vec::new();
    for path in resource_type.unique() {
        path.for_each(resource.as_map(), &mut |value| {
            if let Some(key) = index_key(path.leaf(), value) {
                keys.push(Key { attribute: path.to_string(), key });
            }
        });
    }
    keys
}

/// Returns the name that a link to this resource shows as `display`: `displayName`, else `userName`.
pub fn label(resource: &Resource) -> Option<String> {
    let text = resource.text("displayName").or_else(|| resource.text("userName"))?;
    Some(text.to_owned())
}
