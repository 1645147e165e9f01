//! The queue to the writing thread. Jobs that wait together are carried out together, and each caller is answered.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::sync::{Receiver, Sender, bounded, oneshot, yield_now};

/// How many batches are carried out one by one after a group found no room, so that a batch that makes room gets
/// through.
const CAREFUL: usize = 1_000;

/// What the writing thread does with jobs from the queue.
pub(super) trait Writes {
    /// What one caller wants written.
    type Part;
    /// What that caller is told.
    type Outcome;
    /// What work that runs alone uses.
    type File;

    /// Returns whether others may be carried out along with it.
    fn may_share(part: &Self::Part) -> bool;

    /// Called after jobs were taken from the queue and before they are carried out.
    fn begin(&mut self);

    /// Carries these out together. Returns an outcome for each, in their order, and whether room was missing.
    fn carry_out(&mut self, parts: Vec<Self::Part>) -> (impl Iterator<Item = Self::Outcome>, bool);

    fn file(&self) -> &Self::File;

    /// Called after everything that was taken is answered.
    fn end(&mut self);
}

/// The callers' end of the queue.
pub(super) struct Jobs<P, O, F>(Sender<Job<P, O, F>>);

/// The writing thread's end of the queue.
pub(super) struct Queue<P, O, F>(Receiver<Job<P, O, F>>);

/// The thread is gone, and the job may not have been done.
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

/// Creates a queue in which this many jobs may wait; at least 1.
pub(super) fn queue<P, O, F>(room: usize) -> (Jobs<P, O, F>, Queue<P, O, F>) {
    let (jobs, queue) = bounded(room.max(1));
    (Jobs(jobs), Queue(queue))
}

impl<P, O, F> Jobs<P, O, F> {
    /// Has this part carried out, perhaps with others.
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
        // A caller that no longer listens needs no answer.
        let work = move |file: &_| drop(answer.send(work(file)));
        self.send(Job::Alone(Box::new(work))).await?;
        outcome.await.map_err(|_| Stopped)
    }

    /// Waits while the queue is full, without blocking a thread.
    async fn send(&self, job: Job<P, O, F>) -> Result<(), Stopped> {
        self.0.send(job).await.map_err(|_| Stopped)
    }
}

impl<P, O, F> Queue<P, O, F> {
    /// Carries out jobs, at most this many in one group, until no caller can send any more.
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

/// Empties the queue if the thread ends early, which tells the callers. The channel keeps what was sent as long as a
/// sender exists.
impl<P, O, F> Drop for Queue<P, O, F> {
    fn drop(&mut self) {
        self.0.close();
        while self.0.try_recv().is_ok() {}
    }
}

/// Carries out commits. Returns whether room was missing.
fn carry_out<W: Writes>(writer: &mut W, commits: Vec<Commit<W::Part, W::Outcome>>) -> bool {
    let (answers, parts): (Vec<_>, Vec<_>) =
        commits.into_iter().map(|commit| (commit.answer, commit.part)).unzip();
    let (outcomes, full) = writer.carry_out(parts);
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // A caller that no longer listens needs no answer.
        let _ = answer.send(outcome);
    }
    full
}

/// Waits briefly, so that callers that just got an answer can send their next job. If they share a core with this
/// thread, their job would otherwise take a commit of its own, and each commit writes its last pages again.
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
