//! Concurrent calls.

use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use super::fixtures::Task;
use super::kit::{Kit, add, at, done, linked};
use crate::{Batch, Get, Insert, Precondition, Query, StoreError};

/// The number of concurrent calls.
const MANY: usize = 32;

pub(super) async fn one_of_many_equal_names_wins(kit: Kit) {
    let outcomes = together(&kit, MANY, |kit, number| async move {
        let insert = Insert::new(Arc::clone(&kit.user), format!("u{number}"), kit.named("same"));
        kit.commit(Batch::new(at(0)).insert(insert)).await
    })
    .await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1, "of {MANY} users of one name, how many exist");
    let refused = |error: &StoreError| matches!(error, StoreError::Uniqueness { .. });
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(refused), "{outcomes:?}");
    assert_eq!(kit.find(&kit.user, r#"userName eq "same""#).await.len(), 1, "users of the name");
}

pub(super) async fn one_of_many_writes_on_a_version_wins(kit: Kit) {
    kit.has_users(&["u1"]).await;
    let outcomes = together(&kit, MANY, |kit, number| async move {
        let update = kit.update_user("u1").when(Precondition::Match(vec![1]));
        kit.commit(Batch::new(at(1)).update(update.with_resource(kit.named(&format!("name{number}"))))).await
    })
    .await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1, "of {MANY} updates under one version, how many happened");
    let refused = |error: &StoreError| matches!(error, StoreError::Precondition { .. });
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(refused), "{outcomes:?}");
    assert_eq!(kit.user("u1").await.version, 2, "version after them");
}

pub(super) async fn members_added_at_once_are_all_there(kit: Kit) {
    let ids: Vec<String> = (0..MANY).map(|number| format!("u{number:02}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    kit.has_users(&ids).await;
    kit.has_group("g1", &[]).await;
    let outcomes = together(&kit, MANY, |kit, number| async move {
        let update = kit.update_group("g1", [add(&[&format!("u{number:02}")])]);
        kit.commit(Batch::new(at(1)).update(update)).await
    })
    .await;
    let mut versions: Vec<u64> = outcomes.into_iter().flat_map(done).map(|written| written.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=MANY as u64 + 1).collect::<Vec<_>>(), "each adding has a version of its own");
    assert_eq!(kit.members("g1").await, ids, "members that were added one by one, at once");
}

pub(super) async fn a_member_added_while_it_is_deleted_is_not_left_behind(kit: Kit) {
    for round in 0..8 {
        let (user, group) = (format!("u{round}"), format!("g{round}"));
        kit.has_users(&[&user]).await;
        kit.has_group(&group, &[]).await;
        let outcomes = together(&kit, 4, |kit, number| {
            let (user, group) = (user.clone(), group.clone());
            async move {
                let batch = Batch::new(at(1));
                let batch = if number == 2 {
                    batch.delete(kit.delete_user(&user))
                } else {
                    batch.update(kit.update_group(&group, [add(&[&user])]))
                };
                kit.commit(batch).await
            }
        })
        .await;
        for (number, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Ok(_) => {}
                Err(StoreError::UnknownTarget { .. }) if number != 2 => {}
                Err(error) => panic!("neither added nor unknown, call {number}: {error:?}"),
            }
        }
        assert!(kit.members(&group).await.is_empty(), "members, the only one deleted");
        let filter = format!(r#"members eq "{user}""#);
        assert!(kit.find(&kit.group, &filter).await.is_empty(), "groups by the member that is deleted");
    }
}

pub(super) async fn a_read_sees_a_batch_whole_or_not_at_all(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &[]).await;
    let odd =
        together(&kit, MANY, |kit, number| async move {
            if number % 2 == 0 {
                let pair = [format!("a{number}"), format!("b{number}")];
                let batch =
                    pair.iter().fold(Batch::new(at(1)), |batch, id| batch.insert(kit.insert_user(id)));
                done(kit.commit(batch.update(kit.update_group("g1", [add(&[&pair[0], &pair[1]])]))).await);
                return None;
            }
            let users = kit.query(Query::new(Arc::clone(&kit.user))).await;
            let get = Get::new(Arc::clone(&kit.group), "g1").with_relations(vec!["members".into()]);
            let members = kit.get(get).await.map_or(0, |group| group.links["members"].len());
            (users.total % 2 == 0 || users.total != users.matches.len() as u64 || members % 2 == 1)
                .then_some((users.total, users.matches.len(), members))
        })
        .await;
    let odd: Vec<_> = odd.into_iter().flatten().collect();
    assert!(
        odd.is_empty(),
        "one user and pairs of users, all of them members: total, users, members {odd:?}"
    );
}

pub(super) async fn a_name_that_was_changed_is_shown(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    let shown = async |kit: &Kit| {
        let links = linked(&kit.user("u1").await, "groups");
        links.into_iter().map(|link| link.display.unwrap_or_default()).collect::<Vec<_>>()
    };
    let odd = together(&kit, MANY, |kit, number| async move {
        for round in 0..MANY {
            if number > 0 {
                // A read during the change may see either name, but must not keep the old one for other reads.
                shown(&kit).await;
                continue;
            }
            let name = format!("name{round}");
            let update = kit.update_group("g1", []).with_resource(kit.titled(&name));
            done(kit.commit(Batch::new(at(1)).update(update)).await);
            let shown = shown(&kit).await;
            if shown != [name.clone()] {
                return Some((name, shown));
            }
        }
        None
    })
    .await;
    let odd: Vec<_> = odd.into_iter().flatten().collect();
    assert!(odd.is_empty(), "after a group was renamed, its name and what its members show: {odd:?}");
}

pub(super) async fn names_that_change_together_are_shown_together(kit: Kit) {
    const ROUNDS: usize = 400;
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    kit.has_group("g2", &["u1"]).await;
    let changes = Arc::new(AtomicBool::new(true));
    let name = |kit: &Kit, name: &str| {
        let named = |group| kit.update_group(group, []).with_resource(kit.titled(name));
        Batch::new(at(1)).update(named("g1")).update(named("g2"))
    };
    done(kit.commit(name(&kit, "name")).await);
    let odd = together(&kit, 4, |kit, number| {
        let changes = Arc::clone(&changes);
        async move {
            if number == 0 {
                let mut last = Ok(Vec::new());
                for round in 0..ROUNDS {
                    last = last.and(kit.commit(name(&kit, &format!("name{round}"))).await);
                }
                changes.store(false, Ordering::SeqCst);
                done(last);
                return None;
            }
            while changes.load(Ordering::SeqCst) {
                let groups = linked(&kit.user("u1").await, "groups");
                let shown: Vec<_> = groups.into_iter().map(|link| link.display).collect();
                if shown.len() != 2 || shown[0] != shown[1] {
                    return Some(shown);
                }
                // If all calls share a thread, the others go on here.
                yield_now().await;
            }
            None
        }
    })
    .await;
    let odd: Vec<_> = odd.into_iter().flatten().collect();
    assert!(odd.is_empty(), "names of two groups that are always renamed together: {odd:?}");
}

/// Lets other tasks run.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Starts this many calls and waits for all. Their outcomes are in the order of their numbers.
pub(super) async fn together<T, F>(kit: &Kit, count: usize, call: impl Fn(Kit, usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let outcomes = Arc::new(Mutex::new((0..count).map(|_| None).collect::<Vec<Option<T>>>()));
    let start = |number| {
        let (call, outcomes) = (call(kit.clone(), number), Arc::clone(&outcomes));
        let task: Task = Box::pin(async move {
            let outcome = call.await;
            if let Some(place) = outcomes.lock().unwrap_or_else(PoisonError::into_inner).get_mut(number) {
                *place = Some(outcome);
            }
        });
        Some((kit.fixtures.spawn)(task))
    };
    let mut tasks: Vec<Option<Task>> = (0..count).map(start).collect();
    poll_fn(|context| {
        for task in &mut tasks {
            if task.as_mut().is_some_and(|running| running.as_mut().poll(context).is_ready()) {
                *task = None;
            }
        }
        if tasks.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let outcomes = std::mem::take(&mut *outcomes.lock().unwrap_or_else(PoisonError::into_inner));
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| panic!("a call panicked"))).collect()
}
