//! Moves long work to another thread, because an async worker has other requests to answer.

use std::future::poll_fn;
use std::task::Poll;

/// How much may be done in place, in steps of about 10 ns: about 1 ms.
const IN_PLACE: u64 = 100_000;

/// Does work that may take this many steps. It runs in place if they are few, otherwise on a thread of the [`blocking`]
/// pool. If the request is given up meanwhile, work that charges its account ends by itself.
pub(crate) async fn run<T: Send + 'static>(steps: u64, work: impl FnOnce() -> T + Send + 'static) -> T {
    if steps <= IN_PLACE { work() } else { blocking::unblock(work).await }
}

/// Lets other requests run between two parts of a request that has many.
pub(crate) async fn turn() {
    let mut had = false;
    poll_fn(|context| {
        if std::mem::replace(&mut had, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn only_what_may_take_long_is_done_elsewhere() {
        let here = thread::current().id();
        assert_eq!(run(IN_PLACE, || thread::current().id()).await, here);
        assert_ne!(run(IN_PLACE + 1, || thread::current().id()).await, here);
    }

    #[tokio::test]
    async fn a_turn_lets_another_task_run() {
        let other = tokio::spawn(async { 7 });
        assert!(!other.is_finished());
        turn().await;
        assert!(other.is_finished());
    }
}
