//! The queue to the thread that writes: what waits in it together is carried out together, and each caller is answered.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::sync::{Receiver, Sender, bounded, oneshot, yield_now};

/// How many batches are carried out each by itself after there was no room for a group, so that what makes room gets
/// through.
const CAREFUL: usize = 1_000;

/// What the writing thread does with what it takes from the queue.
pub(super) trait Writes {
    /// What one caller wants written.
    type Part;
    /// What that caller is told.
    type Outcome;
    /// What is used by work that runs alone.
    type File;

    /// Whether others may be carried out along with it.
    fn may_share(part: &Self::Part) -> bool;

    /// Something was taken from the queue, and nothing of it is done yet.
    fn begin(&mut self);

    /// Carries these out together. Returns an outcome for each, in their order, and whether there was no room.
    fn carry_out(&mut self, parts: Vec<Self::Part>) -> (impl Iterator<Item = Self::Outcome>, bool);

    fn file(&self) -> &Self::File;

    /// Everything that was taken is answered.
    fn end(&mut self);
}

/// The callers' end of the queue.
pub(super) struct Jobs<P, O, F>(Sender<Job<P, O, F>>);

/// The end of the thread that writes.
pub(super) struct Queue<P, O, F>(Receiver<Job<P, O, F>>);

/// The thread is gone, and what was asked of it may not have been done.
#[derive(Debug)]
pub(super) struct Stopped;

enum Job<P, O, F> {
    /// Shares a transaction with others.
    Commit(Commit<P, O>),
    /// Has the file for itself.
    Alone(Box<dyn FnOnce(&F) + Send>),
}

struct Commit<P, O> {
    part: P,
    answer: oneshot::Sender<O>,
}

/// A queue in which so many may wait; at least one.
pub(super) fn queue<P, O, F>(room: usize) -> (Jobs<P, O, F>, Queue<P, O, F>) {
    let (jobs, queue) = bounded(room.max(1));
    (Jobs(jobs), Queue(queue))
}

impl<P, O, F> Jobs<P, O, F> {
    /// Has this carried out, with others perhaps.
    pub(super) async fn commit(&self, part: P) -> Result<O, Stopped> {
        let (answer, outcome) = oneshot::channel();
        self.send(Job::Commit(Commit { part, answer })).await?;
        outcome.await.map_err(|_| Stopped)
    }

    /// Runs `work` between two commits.
    pub(super) async fn alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&F) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (answer, outcome) = oneshot::channel();
        // Who no longer listens does not need to know.
        let work = move |file: &_| drop(answer.send(work(file)));
        self.send(Job::Alone(Box::new(work))).await?;
        outcome.await.map_err(|_| Stopped)
    }

    /// Waits, without a thread, while the queue is full.
    async fn send(&self, job: Job<P, O, F>) -> Result<(), Stopped> {
        self.0.send(job).await.map_err(|_| Stopped)
    }
}

impl<P, O, F> Queue<P, O, F> {
    /// Carries out what is asked for, so many in one group at most, until nobody can ask any more.
    pub(super) fn work<W: Writes<Part = P, Outcome = O, File = F>>(self, group: usize, mut writer: W) {
        let queue = &self.0;
        let mut careful = 0;
        while let Ok(first) = queue.recv_blocking() {
            gather(queue);
            let (mut commits, mut alone) = (Vec::new(), None);
            let waiting = std::iter::from_fn(|| queue.try_recv().ok());
            let most = if careful > 0 { 1 } else { group.max(1) };
            for job in std::iter::once(first).chain(waiting).take(most) {
                match job {
                    Job::Commit(commit) if W::may_share(&commit.part) => commits.push(commit),
                    job => {
                        alone = Some(job);
                        break;
                    }
                }
            }
            writer.begin();
            // A panic drops the answers' senders, which tells the callers.
            let full = catch_unwind(AssertUnwindSafe(|| {
                let full = !commits.is_empty() && carry_out(&mut writer, commits);
                match alone {
                    None => full,
                    Some(Job::Commit(commit)) => carry_out(&mut writer, vec![commit]) || full,
                    Some(Job::Alone(work)) => {
                        work(writer.file());
                        full
                    }
                }
            }));
            careful = if full.unwrap_or_default() { CAREFUL } else { careful.saturating_sub(1) };
            writer.end();
        }
    }
}

/// The channel keeps what was sent as long as somebody can send. So when the thread ends early, what is still in it goes
/// here, which tells the callers.
impl<P, O, F> Drop for Queue<P, O, F> {
    fn drop(&mut self) {
        self.0.close();
        while self.0.try_recv().is_ok() {}
    }
}

/// Whether there was no room.
fn carry_out<W: Writes>(writer: &mut W, commits: Vec<Commit<W::Part, W::Outcome>>) -> bool {
    let (answers, parts): (Vec<_>, Vec<_>) =
        commits.into_iter().map(|commit| (commit.answer, commit.part)).unzip();
    let (outcomes, full) = writer.carry_out(parts);
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // Who no longer listens does not need to know.
        let _ = answer.send(outcome);
    }
    full
}

/// Lets those come along who have just been answered and send their next: where they share a core with this thread,
/// they would otherwise wait for a commit of their own, and each commit writes its last pages again.
fn gather<T>(queue: &Receiver<T>) {
    let mut waiting = queue.len();
    loop {
        yield_now();
        let more = queue.len();
        if more <= waiting {
            break;
        }
        waiting = more;
    }
}
