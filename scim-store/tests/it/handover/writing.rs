//! The queue of the writer: each caller is answered for its own batch, whatever becomes of the writer.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use futures_util::FutureExt as _;
use shuttle::future::block_on;
use shuttle::rand::{Rng as _, thread_rng};
use shuttle::sync::{Arc, Mutex as Held};
use shuttle::thread;

use super::in_many_orders;
use super::queue::{Jobs, Writes, queue};

/// What becomes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    /// It is kept, and shares no group.
    Alone,
    /// There is no room for it, nor for those that share a group with it.
    Full,
    /// The writer panics, and continues with the next batch.
    Panics,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    number: usize,
    fate: Fate,
}

/// The number of the batch, and whether it is kept.
type Outcome = (usize, bool);

/// What was done, in groups.
type Book = Held<Vec<Vec<Part>>>;

type Calls = Jobs<Part, Outcome, Arc<Book>>;

struct Scribe {
    book: Arc<Book>,
    /// How many more times it begins before its thread ends.
    begins: usize,
}

impl Writes for Scribe {
    type Part = Part;
    type Outcome = Outcome;
    type File = Arc<Book>;

    fn may_share(part: &Part) -> bool {
        part.fate != Fate::Alone
    }

    fn begin(&mut self) {
        match self.begins.checked_sub(1) {
            Some(left) => self.begins = left,
            None => end(),
        }
    }

    fn carry_out(&mut self, parts: Vec<Part>) -> (impl Iterator<Item = Outcome>, bool) {
        self.book.lock().unwrap().push(parts.clone());
        let is_any = |fate| parts.iter().any(|part| part.fate == fate);
        if is_any(Fate::Panics) {
            end();
        }
        let full = is_any(Fate::Full);
        (parts.into_iter().map(move |part| (part.number, !full)), full)
    }

    fn file(&self) -> &Arc<Book> {
        &self.book
    }

    fn end(&mut self) {
        thread::yield_now();
    }
}

/// Panics without printing anything.
fn end() -> ! {
    resume_unwind(Box::new(()))
}

/// How each call ended; `None` for one that gave up.
type Answers = Vec<(Part, Option<Result<Outcome, ()>>)>;

/// Sends batches. A call that gives up does so as soon as its batch is sent, or if there is no room for it.
fn call(jobs: &Calls, parts: &[Part]) -> Answers {
    let call = |part: &Part| {
        let gives_up = thread_rng().gen_bool(0.2);
        let call = async { jobs.commit(*part).await.map_err(drop) };
        let answer = if gives_up { call.now_or_never() } else { Some(block_on(call)) };
        (*part, answer)
    };
    parts.iter().map(call).collect()
}

/// The number of batches of each of 3 callers.
const EACH: usize = 2;

/// The number of all calls.
const ALL: usize = 3 * EACH + 1;

/// Lets 3 callers send batches with these fates to a writer that begins this many times. A fourth caller has the file
/// for itself in between. Returns what is in the book at the end, and what the callers were told.
fn told(fates: &'static [Fate], (room, group): (usize, usize), begins: usize) -> (Vec<Vec<Part>>, Answers) {
    let book = Arc::new(Book::default());
    let (jobs, queue) = queue(room);
    let jobs: Arc<Calls> = Arc::new(jobs);
    let scribe = Scribe { book: book.clone(), begins };
    let writer = thread::spawn(move || {
        // While a panic unwinds, no other thread runs here. Without a panic, others come in between.
        if begins == 0 {
            return drop(queue);
        }
        let _ = catch_unwind(AssertUnwindSafe(|| queue.work(group, scribe)));
    });
    let part = |number| Part { number, fate: fates[thread_rng().gen_range(0..fates.len())] };
    let callers: Vec<_> = (0..3)
        .map(|caller| {
            let (jobs, parts) = (jobs.clone(), [0, 1].map(|of| part(EACH * caller + of)));
            thread::spawn(move || call(&jobs, &parts))
        })
        .collect();
    let alone = block_on(jobs.alone(|book: &Arc<Book>| book.lock().unwrap().push(Vec::new())));
    let mut answers: Answers = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
    if alone.is_err() && begins < usize::MAX {
        // The writer is gone, and a later caller gets that as an error.
        let late = call(&jobs, &[part(3 * EACH)]);
        assert!(matches!(late[0].1, Some(Err(()))), "{late:?}");
    }
    // A store does this when it is closed.
    drop(Arc::into_inner(jobs).unwrap());
    writer.join().unwrap();
    answers.sort_by_key(|(part, _)| part.number);
    let mut book = Arc::into_inner(book).unwrap().into_inner().unwrap();
    let times = book.iter().filter(|group| group.is_empty()).count();
    assert_eq!(times, usize::from(alone.is_ok()), "the work between two commits");
    book.retain(|group| !group.is_empty());
    (book, answers)
}

/// Returns the group in which a batch was carried out, if it was. It must be in no other.
fn of(book: &[Vec<Part>], number: usize) -> Option<&Vec<Part>> {
    let mut groups = book.iter().filter(|group| group.iter().any(|part| part.number == number));
    let group = groups.next();
    assert!(groups.next().is_none(), "carried out twice: {book:?}");
    group
}

/// A caller is told what became of its own batch.
fn judge(book: &[Vec<Part>], (part, answer): &(Part, Option<Result<Outcome, ()>>)) {
    let group = of(book, part.number);
    let is_any = |fate| group.is_some_and(|group| group.iter().any(|part| part.fate == fate));
    match answer {
        None => {}
        Some(Err(())) => assert!(group.is_none() || is_any(Fate::Panics), "{part:?}: {book:?}"),
        Some(Ok((number, kept))) => {
            assert_eq!(*number, part.number, "the answer of another: {book:?}");
            assert!(group.is_some() && !is_any(Fate::Panics) && *kept != is_any(Fate::Full), "{book:?}");
        }
    }
}

/// That also holds if no caller waits for the answer any more, and if the writer panics within a group.
#[test]
fn each_batch_is_carried_out_once_and_its_caller_is_told() {
    in_many_orders(|| {
        let (room, most) = (thread_rng().gen_range(1..=ALL), thread_rng().gen_range(1..=4));
        let fates = &[Fate::Kept, Fate::Kept, Fate::Alone, Fate::Full, Fate::Panics];
        let (book, answers) = told(fates, (room, most), usize::MAX);
        let panicked = book.iter().flatten().any(|part| part.fate == Fate::Panics);
        let mut careful = false;
        for group in &book {
            assert!(group.len() <= if careful { 1 } else { most }, "a group of {}", group.len());
            let is_any = |fate| group.iter().any(|part| part.fate == fate);
            assert!(group.len() == 1 || !is_any(Fate::Alone), "{group:?}");
            careful |= is_any(Fate::Full) && !is_any(Fate::Panics);
        }
        for answer in &answers {
            let (part, told) = answer;
            let was_sent = told.is_some() || room == ALL;
            // What would follow a group in which the writer panics is lost with it.
            let may_go = !was_sent || (part.fate == Fate::Alone && panicked);
            assert!(may_go || of(&book, part.number).is_some(), "{part:?} is lost: {book:?}");
            judge(&book, answer);
        }
    });
}

/// No caller waits for a writer that is gone, not even one whose batch was in the queue then.
#[test]
fn whoever_waits_for_a_writer_that_ends_is_told() {
    in_many_orders(|| {
        let (room, begins) = (thread_rng().gen_range(1..=ALL), thread_rng().gen_range(0..=3));
        let (book, answers) = told(&[Fate::Kept], (room, 2), begins);
        assert!(book.len() <= begins);
        for answer in &answers {
            judge(&book, answer);
        }
    });
}
