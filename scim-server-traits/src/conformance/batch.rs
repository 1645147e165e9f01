//! Batches: all or nothing, in order.

use std::sync::Arc;

use super::kit::{Kit, add, at, done, members, remove, set};
use crate::{Batch, Claim, Delete, Get, Precondition, Query, StoreError};

pub(super) async fn outcomes_come_in_order(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    let batch = Batch::new(at(5))
        .delete(kit.delete_user("u2"))
        .insert(kit.insert_user("u3"))
        .update(kit.update_user("u1").with_resource(kit.named("renamed")));
    let written = done(kit.commit(batch).await);
    let outcomes: Vec<_> = written.iter().map(|written| (&*written.id, written.version)).collect();
    assert_eq!(outcomes, [("u2", 1), ("u3", 1), ("u1", 2)], "outcomes of delete, insert, update");
    assert!(done(kit.commit(Batch::new(at(6))).await).is_empty(), "outcomes of an empty batch");
}

pub(super) async fn later_writes_see_earlier_ones(kit: Kit) {
    kit.has_users(&["u1"]).await;
    let mut inherits = kit.insert_user("u2");
    inherits.resource = kit.named("u1");
    let batch = Batch::new(at(5))
        .delete(kit.delete_user("u1"))
        .insert(inherits)
        .insert(kit.insert_group("g1", &["u2"]))
        .update(kit.update_group("g1", [add(&["u2"])]).when(Precondition::Match(vec![1])))
        .update(kit.update_group("g1", [remove(&["u2"])]))
        .update(kit.update_group("g1", [set(&["u2"])]).when(Precondition::Match(vec![2])));
    let written = done(kit.commit(batch).await);
    let outcomes: Vec<_> = written[2..].iter().map(|written| (written.version, written.changed)).collect();
    assert_eq!(outcomes, [(1, true), (1, false), (2, true), (3, true)], "versions within one batch");
    assert_eq!(written[5].added, members(&["u2"]), "links that the last update added");
    let error = kit
        .refusal(Batch::new(at(6)).delete(kit.delete_user("u2")).insert(kit.insert_group("g2", &["u2"])))
        .await;
    assert!(matches!(error, StoreError::UnknownTarget { .. }), "a link to what was just deleted: {error:?}");
    let error =
        kit.refusal(Batch::new(at(7)).insert(kit.insert_user("u3")).insert(kit.insert_user("u3"))).await;
    assert!(matches!(error, StoreError::Uniqueness { .. }), "the same user twice: {error:?}");
}

pub(super) async fn a_batch_can_close_a_circle(kit: Kit) {
    let batch = Batch::new(at(0))
        .insert(kit.insert_group("g1", &[]))
        .insert(kit.insert_group("g2", &["g1"]))
        .update(kit.update_group("g1", [add(&["g2"])]));
    done(kit.commit(batch).await);
    assert_eq!(kit.members("g1").await, ["g2"], "members of the one");
    assert_eq!(kit.members("g2").await, ["g1"], "members of the other");
    let batch = Batch::new(at(1))
        .delete(Delete::new(Arc::clone(&kit.group), "g1"))
        .delete(Delete::new(Arc::clone(&kit.group), "g2"));
    done(kit.commit(batch).await);
}

/// Commits a batch that changes all existing resources and then fails.
async fn fail(kit: &Kit) {
    let mut renamed = kit.update_user("u1").with_resource(kit.named("renamed"));
    renamed.claims = Some(vec![Claim::new("handle", "new")]);
    renamed.dormant = Some(true);
    let batch = Batch::new(at(5))
        .update(renamed)
        .delete(kit.delete_user("u2"))
        .insert(kit.insert_user("u3"))
        .update(kit.update_group("g1", [remove(&["u1"]), add(&["u3"])]))
        .delete(Delete::new(Arc::clone(&kit.group), "g2"))
        .insert(kit.insert_group("g3", &["none"]));
    let error = kit.refusal(batch).await;
    assert!(matches!(error, StoreError::UnknownTarget { .. }), "the last write's error: {error:?}");
}

async fn some_resources(kit: &Kit) {
    let mut insert = kit.insert_user("u1");
    insert.claims = vec![Claim::new("handle", "old")];
    kit.insert(at(0), insert).await;
    kit.has_users(&["u2"]).await;
    kit.has_group("g1", &["u1", "u2"]).await;
    kit.has_group("g2", &["g1"]).await;
}

pub(super) async fn a_failed_batch_leaves_nothing(kit: Kit) {
    some_resources(&kit).await;
    let before = everything(&kit).await;
    fail(&kit).await;
    assert_eq!(everything(&kit).await, before, "all resources after a batch that failed");
    assert!(kit.get(Get::new(Arc::clone(&kit.user), "u3")).await.is_none(), "what it inserted");
    let finds = [
        ("userName eq \"u1\"", vec!["u1"]),
        ("userName eq \"renamed\"", vec![]),
        ("userName eq \"u2\"", vec!["u2"]),
        ("userName eq \"u3\"", vec![]),
        ("groups eq \"g1\"", vec!["u1", "u2"]),
    ];
    for (filter, expected) in finds {
        assert_eq!(kit.find(&kit.user, filter).await, expected, "`{filter}` after a batch that failed");
    }
    assert_eq!(kit.find(&kit.group, r#"members eq "g1""#).await, ["g2"], "groups by member");
}

pub(super) async fn a_failed_batch_gives_back_what_it_took(kit: Kit) {
    some_resources(&kit).await;
    fail(&kit).await;
    let mut old = kit.insert_user("u4");
    old.claims = vec![Claim::new("handle", "old")];
    let error = kit.refusal(Batch::new(at(6)).insert(old)).await;
    assert!(matches!(error, StoreError::Claimed { .. }), "a claim that is held as before: {error:?}");
    let mut new = kit.insert_user("u3");
    new.claims = vec![Claim::new("handle", "new")];
    let mut renamed = kit.insert_user("u5");
    renamed.resource = kit.named("renamed");
    done(kit.commit(Batch::new(at(7)).insert(new).insert(renamed)).await);
    let error = kit.refusal(Batch::new(at(8)).insert(kit.insert_user("u2"))).await;
    assert!(matches!(error, StoreError::Uniqueness { .. }), "a name that is held as before: {error:?}");
}

pub(super) async fn a_failed_batch_is_as_if_it_had_not_been(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &["u1", "u2"]).await;
    let before = everything(&kit).await;
    let batch = Batch::new(at(5))
        .update(kit.update_user("u1").with_resource(kit.named("renamed")))
        .delete(kit.delete_user("u2"))
        .insert(kit.insert_user("u3"))
        .update(kit.update_group("g1", [add(&["u3"])]))
        .insert(kit.insert_group("g2", &["none"]));
    let error = kit.refusal(batch).await;
    assert!(matches!(error, StoreError::UnknownTarget { .. }), "the last write's error: {error:?}");
    assert_eq!(everything(&kit).await, before, "all resources after a batch that failed");
}

async fn everything(kit: &Kit) -> Vec<crate::Page> {
    let users = Query::new(Arc::clone(&kit.user)).with_relations(vec!["groups".into()]);
    let groups = Query::new(Arc::clone(&kit.group)).with_relations(vec!["members".into()]);
    vec![kit.query(users).await, kit.query(groups).await]
}
