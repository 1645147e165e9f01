//! The change feed.

use std::sync::Arc;

use super::kit::{Kit, add, at, members, remove};
use crate::{Batch, Change, ChangeFeed, ChangeFeedError, ChangeKind, Delete, LinkChanges, Precondition};

/// A feed, starting from its newest change when the check began.
struct Following {
    kit: Kit,
    feed: Arc<dyn ChangeFeed>,
    from: u64,
}

impl Following {
    async fn new(kit: Kit, feed: Arc<dyn ChangeFeed>) -> Self {
        let from = done(feed.newest().await);
        Self { kit, feed, from }
    }

    /// Returns the changes of this check's tenant since the last call.
    async fn news(&mut self) -> Vec<Change> {
        let mut news = Vec::new();
        loop {
            let page = done(self.feed.changes(self.from, 3).await);
            assert!(page.len() <= 3, "a page of at most 3: {page:?}");
            let Some(last) = page.last() else { break };
            for (change, expected) in page.iter().zip(self.from + 1..) {
                assert_eq!(change.sequence, expected, "sequence numbers without gaps: {page:?}");
            }
            self.from = last.sequence;
            news.extend(page.into_iter().filter(|change| change.tenant == *self.kit.context.tenant()));
        }
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

pub(super) async fn each_change_is_told_once_in_order(kit: Kit, feed: Arc<dyn ChangeFeed>) {
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

pub(super) async fn what_changes_nothing_is_not_told(kit: Kit, feed: Arc<dyn ChangeFeed>) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    let mut following = Following::new(kit.clone(), feed).await;
    kit.update(at(2), kit.update_user("u1").with_resource(kit.named("u1"))).await;
    kit.update(at(3), kit.update_group("g1", [add(&["u1"])])).await;
    assert!(following.news().await.is_empty(), "an equal document and a member that is there");
}

pub(super) async fn a_failed_batch_is_not_told(kit: Kit, feed: Arc<dyn ChangeFeed>) {
    kit.has_users(&["u1"]).await;
    let mut following = Following::new(kit.clone(), feed).await;
    let stale = kit.update_user("u1").when(Precondition::Match(vec![9])).with_resource(kit.named("x"));
    kit.refusal(Batch::new(at(1)).insert(kit.insert_user("u2")).update(stale)).await;
    assert!(following.news().await.is_empty(), "the first write of a batch whose second one was refused");
    kit.has_users(&["u3"]).await;
    assert_eq!(following.brief().await, [told("User", "u3", ChangeKind::Created, 1)], "the next batch");
}

pub(super) async fn links_that_change_are_told(kit: Kit, feed: Arc<dyn ChangeFeed>) {
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

pub(super) async fn who_loses_a_deleted_member_is_told(kit: Kit, feed: Arc<dyn ChangeFeed>) {
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

pub(super) async fn many_links_are_counted(kit: Kit, feed: Arc<dyn ChangeFeed>) {
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

pub(super) async fn a_consumer_resumes_where_it_was(kit: Kit, feed: Arc<dyn ChangeFeed>) {
    let from = done(feed.newest().await);
    kit.has_users(&["u1", "u2", "u3"]).await;
    let first = done(feed.changes(from, 2).await);
    let again = done(feed.changes(from, 2).await);
    assert_eq!(first, again, "what was read is still there for another consumer");
    let mut resumed = Following { kit, feed, from: first.last().map_or(from, |change| change.sequence) };
    let told = first.iter().filter(|change| change.tenant == *resumed.kit.context.tenant()).count();
    assert_eq!(told + resumed.news().await.len(), 3, "both parts together");
    assert_eq!(done(resumed.feed.changes(resumed.from, 0).await), [], "nothing, when nothing is asked for");
}

pub(super) async fn a_consumer_from_the_future_is_refused(kit: Kit, feed: Arc<dyn ChangeFeed>) {
    kit.has_users(&["u1"]).await;
    let far = done(feed.newest().await) + 1_000_000;
    let outcome = feed.changes(far, 1).await;
    assert!(matches!(outcome, Err(ChangeFeedError::Ahead { after, .. }) if after == far), "{outcome:?}");
}
