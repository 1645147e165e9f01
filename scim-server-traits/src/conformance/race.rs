//! Calls under way at the same time.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::kit::{Kit, at, user};
use crate::{Batch, Insert, Precondition, StoreError};

/// As many calls as are under way together.
const MANY: usize = 32;

pub(super) async fn one_of_many_equal_names_wins(kit: Kit) {
    let calls = (0..MANY).map(|number| {
        let insert = Insert::new(std::sync::Arc::clone(&kit.user), format!("u{number}"), user("same"));
        kit.commit(Batch::new(at(0)).insert(insert))
    });
    let outcomes = together(calls).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1, "of {MANY} users of one name, how many exist");
    let refused = |error: &StoreError| matches!(error, StoreError::Uniqueness { .. });
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(refused), "{outcomes:?}");
    assert_eq!(kit.find(&kit.user, r#"userName eq "same""#).await.len(), 1, "users of the name");
}

pub(super) async fn one_of_many_writes_on_a_version_wins(kit: Kit) {
    kit.has_users(&["u1"]).await;
    let calls = (0..MANY).map(|number| {
        let update = kit.update_user("u1").when(Precondition::Match(vec![1]));
        kit.commit(Batch::new(at(1)).update(update.with_resource(user(&format!("name{number}")))))
    });
    let outcomes = together(calls).await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1, "of {MANY} updates under one version, how many happened");
    let refused = |error: &StoreError| matches!(error, StoreError::Precondition { .. });
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(refused), "{outcomes:?}");
    assert_eq!(kit.user("u1").await.version, 2, "version after them");
}

/// Polls all futures until each is done; in the order of `futures`.
async fn together<F: Future + Send>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = pending.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, output) in pending.iter_mut().zip(&mut outputs).filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        if outputs.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
