//! Reading one resource.

use std::sync::Arc;

use scim_core::Resource;

use super::kit::{Kit, add, at, done, ids, linked, remove};
use crate::{Get, Insert, Query, Stored};

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

pub(super) async fn a_document_that_comes_as_text_is_the_same(kit: Kit) {
    kit.has_users(&["u1"]).await;
    let get = Get::new(Arc::clone(&kit.user), "u1");
    let before = kit.get(get.clone()).await;
    let as_text = kit.get(get.as_text()).await.map(understood);
    assert_eq!(as_text, before, "a resource whose document may come as text");
    let mut query = Query::new(Arc::clone(&kit.user));
    let listed = kit.query(query.clone()).await.into_resources().next();
    let texts =
        [before.as_ref(), listed.as_ref()].map(|stored| stored.and_then(|stored| stored.text.as_ref()));
    assert_eq!(texts, [None, None], "text that nobody asked for");
    query.as_text = true;
    let page = kit.query(query).await.into_resources().map(understood).next();
    assert_eq!(page, before, "a page whose documents may come as text");
}

/// Returns the resource with its text parsed.
fn understood(mut stored: Stored) -> Stored {
    if let Some(text) = stored.text.take() {
        assert_eq!(stored.resource, Resource::default(), "the document beside its text");
        let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        stored.resource = Resource::from_canonical(document);
    }
    stored
}

pub(super) async fn links_in_chunks_are_those_of_the_version(kit: Kit) {
    let users = ["u1", "u2", "u3", "u4", "u5"];
    kit.has_users(&users).await;
    kit.has_group("g1", &users[..4]).await;
    let get = Get::new(Arc::clone(&kit.group), "g1").with_relations(vec!["members".into()]).at_once(3);
    let Some(stored) = kit.get(get.clone().at_once(4)).await else { panic!("the group is not there") };
    assert_eq!(ids(&linked(&stored, "members")), users[..4], "no more links than may come at once");
    let Some(stored) = kit.get(get).await else { panic!("the group is not there") };
    let query = Query::new(Arc::clone(&kit.group)).with_relations(vec!["members".into()]).at_once(3);
    let listed = kit.query(query).await.into_resources().next();
    let Some(listed) = listed else { panic!("the group is not in the list") };
    // Meanwhile one link is removed, one is added, and one resource is deleted with its link.
    kit.update(at(1), kit.update_group("g1", [remove(&["u2"]), add(&["u5"])])).await;
    kit.delete(at(2), kit.delete_user("u3")).await;
    for stored in [stored, listed] {
        let Some(more) = stored.more.get("members") else {
            assert_eq!(ids(&linked(&stored, "members")), users[..4], "all links, where there are no chunks");
            continue;
        };
        let beside = stored.links.get("members").map_or(0, Vec::len);
        assert_eq!(beside, 0, "links at once of a relation that comes in chunks");
        let (mut found, mut number) = (Vec::new(), 0);
        while let Some(links) = done(more.chunk(number).await) {
            found.extend(ids(&links));
            number += 1;
        }
        assert_eq!(found, ["u1", "u2", "u4"], "the links of the version, but those whose other end is gone");
        assert_eq!(done(more.chunk(number + 1).await), None, "a chunk far behind the last");
    }
}

pub(super) async fn links_from_behind_are_all_there(kit: Kit) {
    let groups = ["g1", "g2", "g3", "g4", "g5"];
    kit.has_users(&["u1"]).await;
    for group in groups {
        kit.has_group(group, &["u1"]).await;
    }
    let relations = || vec!["groups".to_owned()];
    let get = Get::new(Arc::clone(&kit.user), "u1").with_relations(relations()).at_once(3);
    let Some(stored) = kit.get(get).await else { panic!("the user is not there") };
    let query = Query::new(Arc::clone(&kit.user)).with_relations(relations()).at_once(3);
    let listed = kit.query(query).await.into_resources().next();
    let Some(listed) = listed else { panic!("the user is not in the list") };
    for stored in [stored, listed] {
        let found = match stored.more.get("groups") {
            Some(more) => {
                let beside = stored.links.get("groups").map_or(0, Vec::len);
                assert_eq!(beside, 0, "links at once of a relation that comes in chunks");
                let (mut found, mut number) = (Vec::new(), 0);
                while let Some(links) = done(more.chunk(number).await) {
                    found.extend(ids(&links));
                    number += 1;
                }
                found
            }
            None => ids(&linked(&stored, "groups")),
        };
        assert_eq!(found, groups, "groups of a member, more than may come at once");
    }
}
