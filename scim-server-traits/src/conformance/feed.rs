//! The change feed.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use serde_json::json;

use super::kit::{Kit, add, at, document, members, remove};
use super::race::together;
use crate::{
    Batch, Cause, Change, ChangeFeed, ChangeFeedError, ChangeKind, Delete, FeedPosition, LinkChanges,
    OperatorFeed, Precondition, TenantId,
};

/// Both feeds of a store.
pub(super) trait Feeds: ChangeFeed + OperatorFeed {}

impl<F: ChangeFeed + OperatorFeed> Feeds for F {}

/// The feed of this check's tenant, starting from its newest change when the check began.
struct Following {
    kit: Kit,
    feed: Arc<dyn Feeds>,
    from: u64,
}

impl Following {
    async fn new(kit: Kit, feed: Arc<dyn Feeds>) -> Self {
        let from = done(feed.newest(kit.context.tenant()).await);
        Self { kit, feed, from }
    }

    fn tenant(&self) -> &TenantId {
        self.kit.context.tenant()
    }

    /// Returns the changes since the last call.
    async fn news(&mut self) -> Vec<Change> {
        let mut news = Vec::new();
        loop {
            let page = done(self.feed.changes(self.tenant(), self.from, 3).await);
            assert!(page.len() <= 3, "a page of at most 3: {page:?}");
            let Some(last) = page.last() else { break };
            for (change, expected) in page.iter().zip(self.from + 1..) {
                assert_eq!(change.sequence, expected, "sequence numbers without gaps: {page:?}");
                assert_eq!(change.tenant, *self.tenant(), "a change of another tenant");
            }
            self.from = last.sequence;
            news.extend(page);
        }
        assert_eq!(done(self.feed.newest(self.tenant()).await), self.from, "the newest change");
        news
    }

    /// Returns the changes as type, id, kind and version.
    async fn brief(&mut self) -> Vec<(String, String, ChangeKind, u64)> {
        let news = self.news().await.into_iter();
        news.map(|change| (change.resource_type, change.id, change.kind, change.version)).collect()
    }
}

fn done<T>(result: Result<T, ChangeFeedError>) -> T {
    result.unwrap_or_else(|error| panic!("the feed refused what it must answer: {error} ({error:?})"))
}

fn told(resource_type: &str, id: &str, kind: ChangeKind, version: u64) -> (String, String, ChangeKind, u64) {
    (resource_type.to_owned(), id.to_owned(), kind, version)
}

pub(super) async fn each_change_is_told_once_in_order(kit: Kit, feed: Arc<dyn Feeds>) {
    let mut following = Following::new(kit.clone(), feed).await;
    kit.insert(at(1), kit.insert_user("u1")).await;
    kit.update(at(2), kit.update_user("u1").with_resource(kit.named("other"))).await;
    kit.delete(at(3), kit.delete_user("u1")).await;
    let news = following.news().await;
    let moments: Vec<_> = news.iter().map(|change| (change.kind, change.version, change.moment)).collect();
    let expected =
        [(ChangeKind::Created, 1, at(1)), (ChangeKind::Updated, 2, at(2)), (ChangeKind::Deleted, 2, at(3))];
    assert_eq!(moments, expected, "what happened to the user");
    assert!(news.iter().all(|change| change.resource_type == "User" && change.id == "u1"), "{news:?}");
    let batch = Batch::new(at(4)).insert(kit.insert_user("u2")).insert(kit.insert_group("g1", &[]));
    super::kit::done(kit.commit(batch).await);
    let expected = [told("User", "u2", ChangeKind::Created, 1), told("Group", "g1", ChangeKind::Created, 1)];
    assert_eq!(following.brief().await, expected, "the writes of one batch");
    assert!(following.news().await.is_empty(), "nothing is told twice");
}

pub(super) async fn what_changes_nothing_is_not_told(kit: Kit, feed: Arc<dyn Feeds>) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    let mut following = Following::new(kit.clone(), feed).await;
    kit.update(at(2), kit.update_user("u1").with_resource(kit.named("u1"))).await;
    kit.update(at(3), kit.update_group("g1", [add(&["u1"])])).await;
    assert!(following.news().await.is_empty(), "an equal document and a member that is there");
}

pub(super) async fn a_failed_batch_is_not_told(kit: Kit, feed: Arc<dyn Feeds>) {
    kit.has_users(&["u1"]).await;
    let mut following = Following::new(kit.clone(), feed).await;
    let stale = kit.update_user("u1").when(Precondition::Match(vec![9])).with_resource(kit.named("x"));
    kit.refusal(Batch::new(at(1)).insert(kit.insert_user("u2")).update(stale)).await;
    assert!(following.news().await.is_empty(), "the first write of a batch whose second one was refused");
    kit.has_users(&["u3"]).await;
    assert_eq!(following.brief().await, [told("User", "u3", ChangeKind::Created, 1)], "the next batch");
}

pub(super) async fn links_that_change_are_told(kit: Kit, feed: Arc<dyn Feeds>) {
    kit.has_users(&["u1", "u2", "u3"]).await;
    let mut following = Following::new(kit.clone(), feed).await;
    kit.has_group("g1", &["u1", "u2"]).await;
    kit.update(at(2), kit.update_group("g1", [add(&["u2", "u3"]), remove(&["u1"])])).await;
    kit.delete(at(3), Delete::new(Arc::clone(&kit.group), "g1")).await;
    let links: Vec<LinkChanges> = following.news().await.into_iter().map(|change| change.links).collect();
    let expected = [
        LinkChanges::of(&members(&["u1", "u2"]), &[]),
        LinkChanges::of(&members(&["u3"]), &members(&["u1"])),
        LinkChanges::of(&[], &members(&["u2", "u3"])),
    ];
    assert_eq!(links, expected, "links of a new, a changed and a deleted group");
}

pub(super) async fn who_loses_a_deleted_member_is_told(kit: Kit, feed: Arc<dyn Feeds>) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &["u1", "u2"]).await;
    kit.has_group("g2", &["u2"]).await;
    let mut following = Following::new(kit.clone(), feed).await;
    kit.delete(at(2), kit.delete_user("u1")).await;
    let news = following.news().await;
    let brief: Vec<_> = news.iter().map(|change| (&*change.id, change.kind, change.version)).collect();
    assert_eq!(brief, [("g1", ChangeKind::Updated, 2), ("u1", ChangeKind::Deleted, 1)], "a deleted member");
    assert_eq!(news[0].links, LinkChanges::of(&[], &members(&["u1"])), "what its group lost");
    assert_eq!(kit.group("g1").await.version, 2, "the version that was told");
}

pub(super) async fn many_links_are_counted(kit: Kit, feed: Arc<dyn Feeds>) {
    let ids: Vec<String> = (0..LinkChanges::MOST + 20).map(|number| format!("u{number:03}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    kit.has_users(&ids).await;
    let mut following = Following::new(kit.clone(), feed).await;
    kit.has_group("g1", &ids).await;
    let news = following.news().await;
    let links = &news[0].links;
    assert_eq!(links.added, members(&ids[..LinkChanges::MOST]), "as many links as a change tells");
    assert_eq!(links.untold, 20, "and how many there are beside them");
}

pub(super) async fn a_consumer_resumes_where_it_was(kit: Kit, feed: Arc<dyn Feeds>) {
    let tenant = kit.context.tenant().clone();
    let from = done(feed.newest(&tenant).await);
    kit.has_users(&["u1", "u2", "u3"]).await;
    let first = done(feed.changes(&tenant, from, 2).await);
    let again = done(feed.changes(&tenant, from, 2).await);
    assert_eq!(first, again, "what was read is still there for another consumer");
    let mut resumed = Following { kit, feed, from: first.last().map_or(from, |change| change.sequence) };
    assert_eq!(first.len() + resumed.news().await.len(), 3, "both parts together");
    assert_eq!(
        done(resumed.feed.changes(&tenant, resumed.from, 0).await),
        [],
        "nothing, when nothing is asked for"
    );
}

pub(super) async fn a_consumer_from_the_future_is_refused(kit: Kit, feed: Arc<dyn Feeds>) {
    kit.has_users(&["u1"]).await;
    let tenant = kit.context.tenant();
    let far = done(feed.newest(tenant).await) + 1_000_000;
    let outcome = feed.changes(tenant, far, 1).await;
    assert!(matches!(outcome, Err(ChangeFeedError::Ahead { after, .. }) if after == far), "{outcome:?}");
    done(feed.changed(tenant, far).await);
}

pub(super) async fn each_tenant_has_numbers_of_its_own(kit: Kit, feed: Arc<dyn Feeds>) {
    let other = kit.elsewhere();
    let mut following = Following::new(kit.clone(), Arc::clone(&feed)).await;
    let mut beside = Following::new(other.clone(), feed).await;
    for id in ["u1", "u2", "u3"] {
        kit.has_users(&[id]).await;
        other.has_users(&[id]).await;
    }
    let ids = |news: Vec<Change>| news.into_iter().map(|change| change.id).collect::<Vec<_>>();
    assert_eq!(ids(following.news().await), ["u1", "u2", "u3"], "one tenant");
    assert_eq!(ids(beside.news().await), ["u1", "u2", "u3"], "the other one");
}

pub(super) async fn a_change_says_who_caused_it(kit: Kit, feed: Arc<dyn Feeds>) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    let mut following = Following::new(kit.clone(), feed).await;
    let mut cause = Cause::new("okta", "delete");
    cause.request = "r-\"1".into();
    super::kit::done(
        kit.commit(Batch::new(at(1)).caused_by(cause.clone()).delete(kit.delete_user("u1"))).await,
    );
    kit.has_users(&["u2"]).await;
    let causes: Vec<_> = following.news().await.into_iter().map(|change| (change.id, change.cause)).collect();
    let expected =
        [("g1".to_owned(), cause.clone()), ("u1".to_owned(), cause), ("u2".to_owned(), Cause::default())];
    assert_eq!(causes, expected, "what one request caused, and what nobody did");
}

pub(super) async fn a_change_says_what_it_changed(kit: Kit, feed: Arc<dyn Feeds>) {
    let user = |active: bool, given: &str, external: &str| {
        document(json!({"schemas": [scim_core::urn::USER], "userName": "ADA", "active": active,
            "name": {"givenName": given, "familyName": "King"}, "externalId": external}))
    };
    let mut following = Following::new(kit.clone(), feed).await;
    let mut insert = kit.insert_user("u1");
    insert.resource = user(true, "Ada", "e1");
    kit.insert(at(0), insert).await;
    kit.update(at(1), kit.update_user("u1").with_resource(user(false, "Ada", "e2"))).await;
    kit.update(at(2), kit.update_user("u1").with_resource(user(false, "Augusta", "e2"))).await;
    kit.update(at(3), kit.update_user("u1").with_resource(user(true, "Augusta", "e2"))).await;
    kit.delete(at(4), kit.delete_user("u1")).await;
    let told: Vec<_> = following
        .news()
        .await
        .into_iter()
        .map(|change| (change.external_id.unwrap_or_default(), change.paths.join(" "), change.activation))
        .collect();
    let change =
        |external: &str, paths: &str, activation| (external.to_owned(), paths.to_owned(), activation);
    let expected = [
        change("e1", "", None),
        change("e2", "active externalId", Some(false)),
        change("e2", "name.givenName", None),
        change("e2", "active", Some(true)),
        change("e2", "", None),
    ];
    assert_eq!(told, expected, "externalId, changed paths and activation");
}

pub(super) async fn a_change_of_links_says_who_it_is_about(kit: Kit, feed: Arc<dyn Feeds>) {
    kit.has_users(&["u1"]).await;
    let mut insert = kit.insert_group("g1", &[]);
    let named = json!({"schemas": [scim_core::urn::GROUP], "displayName": "g1", "externalId": "e1"});
    insert.resource = document(named);
    kit.insert(at(0), insert).await;
    let mut following = Following::new(kit.clone(), feed).await;
    kit.update(at(1), kit.update_group("g1", [add(&["u1"])])).await;
    kit.delete(at(2), kit.delete_user("u1")).await;
    let news = following.news().await;
    assert_eq!(news[0].external_id.as_deref(), Some("e1"), "a group that gets a member");
    assert_eq!(news[1].external_id.as_deref(), Some("e1"), "a group that loses a deleted member");
    assert!(news.iter().all(|change| change.paths.is_empty()), "links are no attributes: {news:?}");
}

pub(super) async fn a_follower_waits_for_its_tenant(kit: Kit, feed: Arc<dyn Feeds>) {
    let tenant = kit.context.tenant().clone();
    kit.has_users(&["u1"]).await;
    let newest = done(feed.newest(&tenant).await);
    done(feed.changed(&tenant, newest - 1).await);
    let mut waiting = Box::pin(feed.changed(&tenant, newest));
    let first = poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context))).await;
    assert!(first.is_pending(), "told of no change: {first:?}");
    kit.has_users(&["u2"]).await;
    done(waiting.await);
    assert_eq!(done(feed.changes(&tenant, newest, 9).await).len(), 1, "the change that was waited for");
}

pub(super) async fn a_follower_that_waits_misses_nothing(kit: Kit, feed: Arc<dyn Feeds>) {
    let tenant = kit.context.tenant().clone();
    let from = done(feed.newest(&tenant).await);
    together(&kit, 2, |kit, number| {
        let (feed, tenant) = (Arc::clone(&feed), tenant.clone());
        async move {
            if number == 0 {
                for number in 0..20 {
                    kit.insert(at(number), kit.insert_user(&format!("u{number}"))).await;
                }
                return;
            }
            let mut seen = from;
            while seen < from + 20 {
                done(feed.changed(&tenant, seen).await);
                seen += done(feed.changes(&tenant, seen, 100).await).len() as u64;
            }
        }
    })
    .await;
}

pub(super) async fn an_operator_that_waits_misses_nothing(kit: Kit, feed: Arc<dyn Feeds>) {
    let from = done(feed.newest_of_all().await);
    together(&kit, 2, |kit, number| {
        let (feed, mut position) = (Arc::clone(&feed), from.clone());
        async move {
            if number == 0 {
                for number in 0..20 {
                    kit.insert(at(number), kit.insert_user(&format!("u{number}"))).await;
                }
                return;
            }
            let mut seen = 0;
            while seen < 20 {
                done(feed.changed_of_all(&position).await);
                let (page, reached) = done(feed.changes_of_all(&position, 100).await);
                seen += page.iter().filter(|change| change.tenant == *kit.context.tenant()).count();
                position = reached;
            }
        }
    })
    .await;
}

pub(super) async fn the_operator_sees_each_tenant_in_order(kit: Kit, feed: Arc<dyn Feeds>) {
    let other = kit.elsewhere();
    let from = done(feed.newest_of_all().await);
    for (kit, id) in [(&kit, "u1"), (&other, "u1"), (&kit, "u2"), (&other, "u2")] {
        kit.has_users(&[id]).await;
    }
    done(feed.changed_of_all(&from).await);
    let (mut position, mut seen) = (from, Vec::new());
    loop {
        let (page, reached) = done(feed.changes_of_all(&position, 3).await);
        assert!(page.len() <= 3, "a page of at most 3: {page:?}");
        if page.is_empty() {
            assert_eq!(reached, position, "the position when nothing is new");
            break;
        }
        position = reached;
        seen.extend(page);
    }
    for kit in [&kit, &other] {
        let own = seen.iter().filter(|change| change.tenant == *kit.context.tenant());
        let own: Vec<_> = own.map(|change| (change.id.as_str(), change.sequence)).collect();
        let first = own.first().map_or(0, |(_, sequence)| *sequence);
        assert_eq!(
            own,
            [("u1", first), ("u2", first + 1)],
            "the changes of one tenant, as its own feed has them"
        );
    }
    let strange = feed.changes_of_all(&FeedPosition::new("no position"), 1).await;
    assert!(matches!(strange, Err(ChangeFeedError::Position(_))), "{strange:?}");
}
