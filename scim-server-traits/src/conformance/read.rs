//! Reading one resource.

use std::sync::Arc;

use super::kit::{Kit, at, ids, linked};
use crate::{Get, Insert};

pub(super) async fn what_is_missing_is_none(kit: Kit) {
    let relations = vec!["groups".to_owned()];
    let get = Get::new(Arc::clone(&kit.user), "none").with_relations(relations);
    assert!(kit.get(get.clone()).await.is_none(), "in an empty tenant");
    kit.has_users(&["u1"]).await;
    assert!(kit.get(get).await.is_none(), "beside another user");
    assert!(kit.get(Get::new(Arc::clone(&kit.user), "U1")).await.is_none(), "ids have case");
}

pub(super) async fn an_id_belongs_to_its_type(kit: Kit) {
    kit.has_users(&["u1"]).await;
    assert!(kit.get(Get::new(Arc::clone(&kit.group), "u1")).await.is_none(), "a user's id among groups");
    kit.has_group("same", &["u1"]).await;
    kit.insert(at(1), Insert::new(Arc::clone(&kit.user), "same", kit.named("same"))).await;
    assert_eq!(kit.members("same").await, ["u1"], "the group of two resources with one id");
    assert!(kit.groups("same").await.is_empty(), "the user of two resources with one id");
}

pub(super) async fn only_the_relations_asked_for_are_loaded(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    let get = Get::new(Arc::clone(&kit.group), "g1");
    let bare = kit.get(get.clone()).await.map(|stored| stored.links.len());
    assert_eq!(bare, Some(0), "relations that nobody asked for");
    let stored = kit.get(get.with_relations(vec!["members".into()])).await;
    let members = stored.map(|stored| ids(&linked(&stored, "members")));
    assert_eq!(members, Some(vec!["u1".to_owned()]), "a relation that was asked for");
    let empty = kit.group("g1").await.links.len();
    assert_eq!(empty, 1, "one entry for each relation that was asked for, even without links");
}
