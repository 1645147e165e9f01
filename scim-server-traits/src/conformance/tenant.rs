//! Every call is confined to the tenant of its context.

use std::sync::Arc;

use super::kit::{Kit, at};
use crate::{Batch, Claim, Get, Query, StoreError};

pub(super) async fn ids_of_another_tenant_do_not_exist(kit: Kit) {
    kit.has_users(&["u1"]).await;
    let other = kit.elsewhere();
    let got = other.get(Get::new(Arc::clone(&kit.user), "u1")).await;
    assert!(got.is_none(), "read from another tenant: {got:?}");
    let page = other.query(Query::new(Arc::clone(&kit.user))).await;
    assert_eq!(page.total, 0, "listed in another tenant");
    let found = other.find(&kit.user, r#"userName eq "u1""#).await;
    assert!(found.is_empty(), "found by key in another tenant");
    let error =
        other.refusal(Batch::new(at(1)).update(kit.update_user("u1").with_resource(kit.named("x")))).await;
    assert!(matches!(error, StoreError::NotFound { .. }), "update from another tenant: {error:?}");
    let error = other.refusal(Batch::new(at(1)).delete(kit.delete_user("u1"))).await;
    assert!(matches!(error, StoreError::NotFound { .. }), "delete from another tenant: {error:?}");
    let error = other.refusal(Batch::new(at(1)).insert(kit.insert_group("g1", &["u1"]))).await;
    assert!(matches!(error, StoreError::UnknownTarget { .. }), "link into another tenant: {error:?}");
}

pub(super) async fn values_of_tenants_do_not_clash(kit: Kit) {
    for kit in [kit.elsewhere(), kit] {
        let mut insert = kit.insert_user("u1");
        insert.claims.push(Claim::new("handle", "u1"));
        kit.insert(at(0), insert).await;
        kit.has_group("g1", &["u1"]).await;
        assert_eq!(kit.groups("u1").await, ["g1"], "groups of this tenant's user");
    }
}
