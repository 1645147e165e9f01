//! What tests begin with.

use scim_core::{Reference, Resource, ResourceType, Timestamp};
use scim_server_traits::{Batch, Context, Insert, TenantId};
use serde_json::json;

pub(super) fn context() -> Context {
    Context::new(TenantId::new("octo"))
}

pub(super) fn user(id: &str, name: &str) -> Insert {
    let document = json!({"userName": name, "displayName": id, "active": true,
        "emails": [{"value": format!("{id}@example.com")}]});
    Insert::new(ResourceType::user(), id, resource(document))
}

pub(super) fn group(id: &str, members: &[&str]) -> Insert {
    let members = members.iter().map(|id| Reference::new(*id)).collect();
    Insert::new(ResourceType::group(), id, resource(json!({"displayName": id})))
        .with_links("members", members)
}

pub(super) fn resource(document: serde_json::Value) -> Resource {
    let serde_json::Value::Object(map) = document else { panic!("no document: {document}") };
    Resource::from_canonical(map)
}

pub(super) fn batch() -> Batch {
    Batch::new(Timestamp::from_millis(1_700_000_000_000))
}

/// Returns the reason of a [`StoreError::Backend`](scim_server_traits::StoreError::Backend).
#[cfg(feature = "sqlite")]
#[track_caller]
pub(super) fn reason(error: scim_server_traits::StoreError) -> String {
    let scim_server_traits::StoreError::Backend(reason) = error else { panic!("not the backend: {error:?}") };
    reason.to_string()
}

/// Returns how many users there are.
#[cfg(feature = "sqlite")]
pub(super) async fn total(store: &scim_store::SqliteStore) -> u64 {
    use scim_server_traits::{Query, Store as _};

    store.query(&context(), Query::new(ResourceType::user()).page(0, 0)).await.unwrap().total
}
