//! Deletes.

use std::sync::Arc;

use super::kit::{Kit, add, at, members};
use crate::{Batch, Claim, Delete, Get, Insert, Precondition, Query, StoreError};

pub(super) async fn a_delete_ends_the_resource_and_frees_its_names(kit: Kit) {
    let with_claim = |id| {
        let mut insert = kit.insert_user(id);
        insert.resource = kit.named("name");
        insert.claims = vec![Claim::new("handle", "mona")];
        insert
    };
    kit.insert(at(0), with_claim("u1")).await;
    kit.update(at(1), kit.update_user("u1").with_resource(kit.named("other"))).await;
    kit.update(at(2), kit.update_user("u1").with_resource(kit.named("name"))).await;
    let written = kit.delete(at(5), kit.delete_user("u1")).await;
    assert_eq!((written.id.as_str(), written.version, written.changed), ("u1", 3, true), "outcome");
    assert!(kit.get(Get::new(Arc::clone(&kit.user), "u1")).await.is_none(), "read after a delete");
    assert_eq!(kit.query(Query::new(Arc::clone(&kit.user))).await.total, 0, "listed after a delete");
    assert!(kit.find(&kit.user, r#"userName eq "name""#).await.is_empty(), "found after a delete");
    assert!(kit.find(&kit.user, r#"id eq "u1""#).await.is_empty(), "found by id after a delete");
    kit.insert(at(6), with_claim("u2")).await;
}

pub(super) async fn what_is_deleted_is_gone(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &["u1", "u2"]).await;
    let written = kit.delete(at(5), kit.delete_user("u1")).await;
    let outcome = (&*written.id, written.version, written.created, written.modified, written.changed);
    assert_eq!(outcome, ("u1", 1, at(0), at(0), true), "outcome of a delete");
    assert!(
        written.added.is_empty() && written.removed.is_empty(),
        "it had no links of its own: {written:?}"
    );
    assert!(kit.get(Get::new(Arc::clone(&kit.user), "u1")).await.is_none(), "read after a delete");
    assert_eq!(kit.find(&kit.user, "userName pr").await, ["u2"], "listed after a delete");
    assert!(kit.find(&kit.user, r#"userName eq "u1""#).await.is_empty(), "found after a delete");
    assert_eq!(kit.members("g1").await, ["u2"], "members of the group that held it");
    assert!(kit.find(&kit.group, r#"members eq "u1""#).await.is_empty(), "found by what is deleted");
    // Its name is free.
    kit.insert(at(6), Insert::new(Arc::clone(&kit.user), "u3", kit.named("u1"))).await;
    let written = kit.delete(at(7), Delete::new(Arc::clone(&kit.group), "g1")).await;
    assert_eq!((written.version, written.removed), (2, members(&["u2"])), "outcome of a group's delete");
    assert!(kit.groups("u2").await.is_empty(), "groups of a member it had");
    assert_eq!(kit.user("u2").await.version, 1, "the version of a member it had");
}

pub(super) async fn a_delete_ends_links_in_both_directions(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("inner", &["u1", "u2"]).await;
    kit.has_group("outer", &["u1", "inner"]).await;
    let written = kit.delete(at(5), Delete::new(Arc::clone(&kit.group), "inner")).await;
    assert_eq!(written.removed, members(&["u1", "u2"]), "the links of what is deleted");
    assert_eq!(kit.members("outer").await, ["u1"], "members of a group that held it");
    assert_eq!(kit.groups("u1").await, ["outer"], "groups of a member it had");
    assert!(kit.find(&kit.group, r#"members eq "inner""#).await.is_empty(), "found by what is deleted");
    // A link must not come back with the identifier.
    kit.has_group("inner", &[]).await;
    assert_eq!(kit.members("outer").await, ["u1"], "members after the id was used again");
    assert!(kit.members("inner").await.is_empty(), "members of what uses the id again");
}

pub(super) async fn a_delete_moves_the_version_of_each_owner_once(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &["u1", "u2"]).await;
    kit.has_group("g2", &["u1"]).await;
    kit.has_group("g3", &["u2"]).await;
    kit.delete(at(5), kit.delete_user("u1")).await;
    for id in ["g1", "g2"] {
        let stored = kit.group(id).await;
        assert_eq!((stored.version, stored.modified), (2, at(5)), "`{id}`, which held it");
        assert_eq!(stored.created, at(0), "`{id}` was made when it was");
    }
    let stored = kit.group("g3").await;
    assert_eq!((stored.version, stored.modified), (1, at(0)), "a group that did not hold it");
}

pub(super) async fn a_delete_moves_owners_from_which_it_was_hidden(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    let mut update = kit.update_user("u1");
    update.dormant = Some(true);
    kit.update(at(1), update).await;
    kit.delete(at(5), kit.delete_user("u1")).await;
    let stored = kit.group("g1").await;
    assert_eq!((stored.version, stored.modified), (2, at(5)), "a group that held it, hidden");
}

pub(super) async fn a_delete_of_what_is_missing_is_refused(kit: Kit) {
    kit.has_group("g1", &[]).await;
    for id in ["none", "g1"] {
        let error = kit.refusal(Batch::new(at(1)).delete(kit.delete_user(id))).await;
        assert!(matches!(error, StoreError::NotFound { .. }), "user `{id}` is not there: {error:?}");
    }
    kit.has_users(&["u1"]).await;
    kit.delete(at(2), kit.delete_user("u1")).await;
    let error = kit.refusal(Batch::new(at(3)).delete(kit.delete_user("u1"))).await;
    assert!(matches!(error, StoreError::NotFound { .. }), "deleted twice: {error:?}");
}

pub(super) async fn a_delete_under_an_old_version_is_refused(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &[]).await;
    kit.update(at(1), kit.update_group("g1", [add(&["u1"])])).await;
    let delete = |condition| Delete::new(Arc::clone(&kit.group), "g1").when(condition);
    for condition in [Precondition::Match(vec![1]), Precondition::NoneMatch(vec![2])] {
        let error = kit.refusal(Batch::new(at(2)).delete(delete(condition.clone()))).await;
        assert!(matches!(error, StoreError::Precondition { .. }), "version 2 under {condition:?}: {error:?}");
        assert_eq!(kit.members("g1").await, ["u1"], "the group after a refused delete");
    }
    kit.delete(at(3), delete(Precondition::Match(vec![2]))).await;
    kit.has_group("g2", &[]).await;
    let delete = Delete::new(Arc::clone(&kit.group), "g2").when(Precondition::NoneMatch(vec![2]));
    kit.delete(at(4), delete).await;
}
