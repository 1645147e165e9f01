//! The channels of the writer's queue, which do what those of `async-channel` and `futures-channel` do.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use shuttle::future::block_on;
use shuttle::sync::atomic::AtomicUsize;

use super::sync::Ordering::SeqCst;

/// What both ends of a channel share. Each change wakes every waiting task.
struct Shared<T> {
    state: Mutex<State<T>>,
    looks: AtomicUsize,
}

struct State<T> {
    sent: VecDeque<T>,
    /// One of the ends is gone.
    is_closed: bool,
    waiting: Vec<Waker>,
}

impl<T> Shared<T> {
    fn new() -> Arc<Self> {
        let state = State { sent: VecDeque::new(), is_closed: false, waiting: Vec::new() };
        Arc::new(Self { state: Mutex::new(state), looks: AtomicUsize::new(0) })
    }

    /// Lets others run first. Not while a panic unwinds: for the standard library all threads here are one, so others
    /// would seem to panic too.
    fn look(&self) -> MutexGuard<'_, State<T>> {
        if !std::thread::panicking() {
            self.looks.fetch_add(1, SeqCst);
        }
        self.state.lock().unwrap()
    }

    fn change<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        let (done, woken) = {
            let mut state = self.look();
            (change(&mut state), std::mem::take(&mut state.waiting))
        };
        woken.into_iter().for_each(Waker::wake);
        done
    }

    /// Closes the channel. What was sent stays, and is dropped with the last of both ends.
    fn close(&self) {
        self.change(|state| state.is_closed = true);
    }

    /// Returns what was sent, or an error if nothing more will be sent. Otherwise waits.
    fn poll(&self, context: &Context<'_>) -> Poll<Result<T, Closed>> {
        let (sent, woken) = {
            let mut state = self.look();
            match (state.sent.pop_front(), state.is_closed) {
                (None, false) => {
                    state.waiting.push(context.waker().clone());
                    return Poll::Pending;
                }
                (sent, _) => (sent, std::mem::take(&mut state.waiting)),
            }
        };
        woken.into_iter().for_each(Waker::wake);
        Poll::Ready(sent.ok_or(Closed))
    }
}

#[derive(Debug)]
pub(crate) struct Closed;

pub(super) struct Sender<T> {
    shared: Arc<Shared<T>>,
    room: usize,
}

pub(super) struct Receiver<T>(Arc<Shared<T>>);

pub(super) fn bounded<T>(room: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Shared::new();
    (Sender { shared: Arc::clone(&shared), room }, Receiver(shared))
}

impl<T> Sender<T> {
    pub(super) async fn send(&self, what: T) -> Result<(), Closed> {
        let mut what = Some(what);
        let poll = |context: &mut Context<'_>| {
            let (done, woken) = {
                let mut state = self.shared.look();
                if state.is_closed {
                    return Poll::Ready(Err(Closed));
                }
                if state.sent.len() >= self.room {
                    state.waiting.push(context.waker().clone());
                    return Poll::Pending;
                }
                state.sent.extend(what.take());
                (Ok(()), std::mem::take(&mut state.waiting))
            };
            woken.into_iter().for_each(Waker::wake);
            Poll::Ready(done)
        };
        poll_fn(poll).await
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<T> Receiver<T> {
    pub(super) fn recv_blocking(&self) -> Result<T, Closed> {
        block_on(poll_fn(|context| self.0.poll(context)))
    }

    pub(super) fn try_recv(&self) -> Result<T, Closed> {
        self.0.change(|state| state.sent.pop_front()).ok_or(Closed)
    }

    pub(super) fn len(&self) -> usize {
        self.0.look().sent.len()
    }

    pub(super) fn close(&self) {
        self.0.close();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.close();
    }
}

/// A channel for one answer.
pub(super) mod oneshot {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use super::{Closed, Shared};

    pub(crate) struct Sender<T>(Arc<Shared<T>>);

    pub(crate) struct Receiver<T>(Arc<Shared<T>>);

    pub(crate) fn channel<T>() -> (Sender<T>, Receiver<T>) {
        let shared = Shared::new();
        (Sender(Arc::clone(&shared)), Receiver(shared))
    }

    impl<T> Sender<T> {
        pub(crate) fn send(self, answer: T) -> Result<(), T> {
            self.0.change(|state| {
                if state.is_closed {
                    return Err(answer);
                }
                state.sent.push_back(answer);
                Ok(())
            })
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            self.0.close();
        }
    }

    impl<T> Future for Receiver<T> {
        type Output = Result<T, Closed>;

        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            self.0.poll(context)
        }
    }

    impl<T> Drop for Receiver<T> {
        fn drop(&mut self) {
            self.0.close();
        }
    }
}
