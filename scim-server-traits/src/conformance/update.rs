//! Updates of documents and claims.

use std::sync::Arc;

use scim_core::urn;
use serde_json::json;

use super::kit::{Kit, add, at, document, remove};
use crate::{Batch, Claim, Delete, Insert, Precondition, StoreError, Update};

pub(super) async fn an_update_of_what_is_missing_is_refused(kit: Kit) {
    kit.has_group("g1", &[]).await;
    for id in ["none", "g1"] {
        let update = kit.update_user(id).when(Precondition::Match(vec![1])).with_resource(kit.named("x"));
        let error = kit.refusal(Batch::new(at(1)).update(update)).await;
        assert!(
            matches!(&error, StoreError::NotFound { resource_type, id: missing }
                if resource_type == "User" && missing == id),
            "user `{id}` is not there: {error:?}"
        );
    }
}

pub(super) async fn an_update_under_an_old_version_is_refused(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.update(at(1), kit.update_user("u1").with_resource(kit.named("second"))).await;
    let before = kit.user("u1").await;
    let none_match = [vec![2], vec![1, 2]].map(Precondition::NoneMatch);
    for condition in [vec![1], vec![3], vec![]].map(Precondition::Match).into_iter().chain(none_match) {
        let update = kit.update_user("u1").when(condition.clone()).with_resource(kit.named("third"));
        let error = kit.refusal(Batch::new(at(2)).update(update)).await;
        assert!(matches!(error, StoreError::Precondition { .. }), "version 2 under {condition:?}: {error:?}");
    }
    assert_eq!(kit.user("u1").await, before, "the resource after refused updates");
}

pub(super) async fn an_update_under_a_current_version_succeeds(kit: Kit) {
    kit.has_users(&["u1"]).await;
    let update = |version, name| {
        kit.update_user("u1").when(Precondition::Match(version)).with_resource(kit.named(name))
    };
    let written = kit.update(at(1), update(vec![1], "second")).await;
    assert_eq!(written.version, 2, "version after the first update");
    let written = kit.update(at(2), update(vec![9, 2], "third")).await;
    assert_eq!(written.version, 3, "version after the second update, under one of several");
    for (name, versions, version) in [("fourth", vec![], 4), ("fifth", vec![1, 2, 3], 5)] {
        let condition = Precondition::NoneMatch(versions);
        let update = kit.update_user("u1").when(condition).with_resource(kit.named(name));
        let written = kit.update(at(3), update).await;
        assert_eq!(written.version, version, "version after an update under versions it must not have");
    }
}

pub(super) async fn an_update_is_what_a_read_shows(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    let written = kit.update(at(5), kit.update_user("u1").with_resource(kit.named("new"))).await;
    let outcome = (&*written.id, written.version, written.created, written.modified, written.changed);
    assert_eq!(outcome, ("u1", 2, at(0), at(5), true), "outcome of a change");
    let stored = kit.user("u1").await;
    assert_eq!(stored.resource, kit.named("new"), "the new document");
    assert_eq!((stored.version, stored.created, stored.modified), (2, at(0), at(5)), "its version");
    assert!(kit.find(&kit.user, r#"userName eq "u1""#).await.is_empty(), "found by what it was");
    assert_eq!(kit.find(&kit.user, r#"userName eq "new""#).await, ["u1"], "found by what it is");
    assert_eq!(kit.find(&kit.user, "userName pr").await, ["u1", "u2"], "its place is that of its creation");
    kit.insert(at(6), kit.insert_user("other")).await;
    let freed = Insert::new(Arc::clone(&kit.user), "u3", kit.named("u1"));
    kit.insert(at(7), freed).await;
}

pub(super) async fn versions_grow_by_one_with_each_change(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &[]).await;
    let titled = |steps: Vec<_>, name| kit.update_group("g1", steps).with_resource(kit.titled(name));
    let changes = [
        (titled(Vec::new(), "second"), 2),
        (titled(vec![add(&["u1"])], "third"), 3),
        (kit.update_group("g1", [add(&["u2"]), remove(&["u1"])]), 4),
        (titled(vec![add(&["u2"])], "third"), 4),
        (titled(vec![add(&["u2"])], "fourth"), 5),
    ];
    for (now, (update, version)) in (1..).zip(changes) {
        let written = kit.update(at(now), update.clone()).await;
        let stored = kit.group("g1").await;
        assert_eq!(written.version, version, "the version after {update:?}");
        let shown = (stored.version, stored.created, stored.modified);
        assert_eq!(shown, (written.version, written.created, written.modified), "what a read shows of it");
    }
    let error = kit.refusal(Batch::new(at(9)).update(titled(vec![add(&["none"])], "lost"))).await;
    assert!(matches!(error, StoreError::UnknownTarget { .. }), "a member that is not there: {error:?}");
    let stored = kit.group("g1").await;
    assert_eq!((stored.version, stored.resource), (5, kit.titled("fourth")), "after a refused update");
}

pub(super) async fn a_clock_that_goes_back_moves_nothing_back(kit: Kit) {
    kit.insert(at(5), kit.insert_user("u1")).await;
    kit.insert(at(5), kit.insert_group("g1", &["u1"])).await;
    let written = kit.update(at(-86_400_000), kit.update_user("u1").with_resource(kit.named("second"))).await;
    let outcome = (written.version, written.created, written.modified);
    assert_eq!(outcome, (2, at(5), at(5)), "a change a day before the creation");
    kit.update(at(9), kit.update_user("u1").with_resource(kit.named("third"))).await;
    let written = kit.update(at(7), kit.update_user("u1").with_resource(kit.named("fourth"))).await;
    assert_eq!((written.version, written.modified), (4, at(9)), "a change before the last one");
    let stored = kit.user("u1").await;
    assert_eq!((stored.version, stored.created, stored.modified), (4, at(5), at(9)), "what a read shows");
    let deleted = kit.commit(Batch::new(at(3)).delete(Delete::new(Arc::clone(&kit.user), "u1"))).await;
    assert!(deleted.is_ok(), "the delete: {deleted:?}");
    let group = kit.group("g1").await;
    assert_eq!(
        (group.version, group.modified),
        (2, at(5)),
        "the group of somebody who is deleted before it was made"
    );
}

pub(super) async fn an_update_replaces_the_document_and_its_keys(kit: Kit) {
    let before = json!({"schemas": [urn::USER], "userName": "u1", "active": true, "title": "x",
        "emails": [{"value": "a@x"}, {"value": "b@x"}]});
    kit.insert(at(0), Insert::new(Arc::clone(&kit.user), "u1", document(before))).await;
    let after = document(json!({"schemas": [urn::USER], "userName": "new", "active": false,
        "emails": [{"value": "b@x"}, {"value": "c@x"}]}));
    let written = kit.update(at(5), kit.update_user("u1").with_resource(after.clone())).await;
    let outcome = (written.version, written.created, written.modified, written.changed);
    assert_eq!(outcome, (2, at(0), at(5), true), "outcome of a change");
    let stored = kit.user("u1").await;
    assert_eq!(stored.resource, after, "the new document");
    assert_eq!((stored.version, stored.created, stored.modified), (2, at(0), at(5)), "its version");
    for filter in [r#"userName eq "u1""#, "active eq true", r#"emails.value eq "a@x""#, "title pr"] {
        assert!(kit.find(&kit.user, filter).await.is_empty(), "found by what it was: {filter}");
    }
    for filter in
        [r#"userName eq "NEW""#, "active eq false", r#"emails.value eq "b@x""#, r#"emails.value sw "c""#]
    {
        assert_eq!(kit.find(&kit.user, filter).await, ["u1"], "not found by what it is: {filter}");
    }
}

pub(super) async fn an_equal_document_is_no_change(kit: Kit) {
    kit.has_users(&["u1"]).await;
    for update in [kit.update_user("u1").with_resource(kit.named("u1")), kit.update_user("u1")] {
        let written = kit.update(at(5), update).await;
        let outcome = (written.version, written.created, written.modified, written.changed);
        assert_eq!(outcome, (1, at(0), at(0), false), "outcome of an update without change");
    }
    let stored = kit.user("u1").await;
    assert_eq!((stored.version, stored.modified), (1, at(0)), "version after updates without change");
}

pub(super) async fn a_unique_value_may_be_kept_or_given_up(kit: Kit) {
    kit.has_users(&["u1"]).await;
    let more = document(json!({"schemas": [urn::USER], "userName": "u1", "displayName": "more"}));
    kit.update(at(1), kit.update_user("u1").with_resource(more)).await;
    kit.update(at(2), kit.update_user("u1").with_resource(kit.named("other"))).await;
    kit.insert(at(3), Insert::new(Arc::clone(&kit.user), "u2", kit.named("u1"))).await;
    assert_eq!(kit.find(&kit.user, r#"userName eq "u1""#).await, ["u2"], "who has the name now");
}

pub(super) async fn an_update_to_a_taken_unique_value_is_refused(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    let error =
        kit.refusal(Batch::new(at(1)).update(kit.update_user("u2").with_resource(kit.named("u1")))).await;
    assert!(
        matches!(&error, StoreError::Uniqueness { attribute, .. } if attribute == "userName"),
        "a name that is taken: {error:?}"
    );
    assert_eq!(kit.user("u2").await.version, 1, "version after a refused update");
}

pub(super) async fn an_update_replaces_the_claims(kit: Kit) {
    let claim = |key: &str| Claim::new("handle", key);
    let claims = |id, keys: &[&str]| {
        let mut update = kit.update_user(id);
        update.claims = Some(keys.iter().map(|key| claim(key)).collect());
        update
    };
    let mut insert = kit.insert_user("u1");
    insert.claims = vec![claim("a"), claim("b")];
    kit.insert(at(0), insert).await;
    kit.has_users(&["u2"]).await;
    kit.update(at(1), claims("u1", &["b", "c", "c"])).await;
    for taken in ["b", "c"] {
        let error = kit.refusal(Batch::new(at(2)).update(claims("u2", &[taken]))).await;
        assert!(matches!(error, StoreError::Claimed { .. }), "`{taken}` is held: {error:?}");
    }
    kit.update(at(3), claims("u2", &["a"])).await;
    kit.update(at(4), kit.update_user("u1").with_resource(kit.named("renamed"))).await;
    let error = kit.refusal(Batch::new(at(5)).update(claims("u2", &["a", "b"]))).await;
    assert!(matches!(error, StoreError::Claimed { .. }), "`b` is held after another update: {error:?}");
    kit.update(at(6), claims("u1", &[])).await;
    kit.update(at(7), claims("u2", &["a", "b", "c"])).await;
}

pub(super) async fn claims_move_no_version(kit: Kit) {
    kit.has_group("g1", &[]).await;
    let mut update = Update::new(Arc::clone(&kit.group), "g1").with_resource(kit.titled("g1"));
    update.claims = Some(vec![Claim::new("slug", "g1")]);
    let written = kit.update(at(5), update).await;
    assert_eq!((written.version, written.modified, written.changed), (1, at(0), false), "claims alone");
}
