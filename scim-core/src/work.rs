//! The steps and the time that a request may still use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, ScimType};

/// What one request may still cost, in steps and in time.
///
/// Clones share one account, so all parts of a request draw on it, on every thread. A step is about 10 ns of work: the
/// time to examine one short value. Code whose work a request can make expensive opens a [`Meter`] and charges its
/// steps. Bytes count too.
///
/// ```
/// use scim_core::{Exhausted, Meter, Work};
/// let work = Work::steps(100_000);
/// let mut meter = work.meter();
/// assert_eq!(meter.charge(60_000), Ok(()));
/// assert_eq!(meter.charge(60_000), Err(Exhausted::Steps));
/// assert_eq!(Meter::unlimited().charge(u64::MAX / 2), Ok(()));
/// ```
#[derive(Clone, Debug)]
pub struct Work {
    /// The steps that one part of the work may take.
    part: u64,
    left: Arc<AtomicU64>,
    /// Whether more was asked for than was left.
    spent: Arc<AtomicBool>,
    abandoned: Arc<AtomicBool>,
    until: Option<Instant>,
}

/// Why work ends before it is done.
///
/// It becomes 400 `tooMany` if the work costs too much, else 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// The request has used all its steps.
    #[error(
        "the request costs more than is allowed: ask for less at a time, or for attributes that are indexed"
    )]
    Steps,
    /// The time of the request is up.
    #[error("the request took too long")]
    Time,
    /// The client no longer waits for the answer.
    #[error("nobody waits for the answer any more")]
    Abandoned,
}

impl From<Exhausted> for Error {
    fn from(exhausted: Exhausted) -> Self {
        let detail = exhausted.to_string();
        match exhausted {
            Exhausted::Steps => Self::scim(ScimType::TooMany, detail),
            Exhausted::Time | Exhausted::Abandoned => {
                Self::new(http::StatusCode::SERVICE_UNAVAILABLE, detail)
            }
        }
    }
}

impl Work {
    /// Makes an account of this many steps of about 10 ns, without a time limit.
    pub fn steps(steps: u64) -> Self {
        Self {
            part: steps,
            left: Arc::new(AtomicU64::new(steps)),
            spent: Arc::default(),
            abandoned: Arc::default(),
            until: None,
        }
    }

    /// Limits one part of the work, such as one PATCH, or a filter on a few resources.
    ///
    /// A part that costs too much is refused earlier than a whole request would be.
    #[must_use]
    pub fn in_parts_of(self, part: u64) -> Self {
        Self { part: part.min(self.part), ..self }
    }

    /// The steps that one part may take.
    pub fn part(&self) -> u64 {
        self.part
    }

    /// Makes an account without a limit.
    pub fn unlimited() -> Self {
        Self::steps(u64::MAX)
    }

    /// Limits the time of the work, counted from now.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.until = Instant::now().checked_add(time);
        self
    }

    /// Returns an account with unlimited steps, which ends with the time or when [`abandon`](Self::abandon) is called.
    ///
    /// It is for work that is merely proportional to what a request is about.
    #[must_use]
    pub fn uncounted(&self) -> Self {
        Self {
            part: u64::MAX,
            left: Arc::new(AtomicU64::new(u64::MAX)),
            spent: Arc::default(),
            ..self.clone()
        }
    }

    /// Ends the work on every thread, because the client no longer waits for it.
    pub fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Makes a meter on this account, for one thread.
    pub fn meter(&self) -> Meter {
        Meter { work: Some(self.clone()), at_hand: 0, most: u64::MAX }
    }

    /// Makes a meter for one part of the work.
    pub fn part_meter(&self) -> Meter {
        Meter { work: Some(self.clone()), at_hand: 0, most: self.part }
    }

    /// Checks that at least this many steps are left, without charging them.
    ///
    /// # Errors
    ///
    /// As for [`charge`](Self::charge).
    pub fn affords(&self, steps: u64) -> Result<(), Exhausted> {
        self.check()?;
        if self.left.load(Ordering::Relaxed) < steps { Err(Exhausted::Steps) } else { Ok(()) }
    }

    /// Takes this many steps off the account.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] if too few steps are left, the time is up, or the work was abandoned. After a charge for too many
    /// steps, every later one fails too, even if some steps are left.
    pub fn charge(&self, steps: u64) -> Result<(), Exhausted> {
        self.take(steps, 0).map(|_| ())
    }

    /// Takes `steps` off the account, and up to `advance` more. Returns how many more it took.
    fn take(&self, steps: u64, advance: u64) -> Result<u64, Exhausted> {
        self.check()?;
        let rest = |left: u64| left.checked_sub(steps);
        let taken = |left| rest(left).map(|rest| rest.saturating_sub(advance));
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken) {
            Ok(left) => Ok(rest(left).unwrap_or_default().min(advance)),
            Err(_) => {
                self.spent.store(true, Ordering::Relaxed);
                Err(Exhausted::Steps)
            }
        }
    }

    /// Checks that the time is not up, the work is not abandoned, and no charge was too large.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] says which of these has failed.
    pub fn check(&self) -> Result<(), Exhausted> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(Exhausted::Abandoned);
        }
        if self.spent.load(Ordering::Relaxed) {
            return Err(Exhausted::Steps);
        }
        match self.until {
            Some(until) if Instant::now() >= until => Err(Exhausted::Time),
            _ => Ok(()),
        }
    }

    /// How many steps are left.
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    fn give_back(&self, steps: u64) {
        let add = |left: u64| Some(left.saturating_add(steps));
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

impl Default for Work {
    fn default() -> Self {
        Self::unlimited()
    }
}

/// Charges the work of one thread to a [`Work`].
///
/// A meter takes steps in advance, for about 0.1 ms of work. It reads the clock only then, so a charge costs almost
/// nothing.
#[derive(Debug)]
pub struct Meter {
    work: Option<Work>,
    at_hand: u64,
    /// How many more steps it may take from the account.
    most: u64,
}

/// How many steps a meter takes in advance.
const ADVANCE: u64 = 10_000;

impl Meter {
    /// Makes a meter that allows everything.
    #[inline]
    pub fn unlimited() -> Self {
        Self { work: None, at_hand: u64::MAX, most: u64::MAX }
    }

    /// Makes a meter with an account of its own, which takes no memory.
    ///
    /// ```
    /// use scim_core::{Exhausted, Meter};
    /// let mut meter = Meter::of(100);
    /// assert_eq!(meter.charge(60), Ok(()));
    /// assert_eq!(meter.charge(60), Err(Exhausted::Steps));
    /// assert_eq!(meter.charge(1), Err(Exhausted::Steps));
    /// ```
    pub fn of(steps: u64) -> Self {
        Self { work: None, at_hand: steps, most: 0 }
    }

    /// Takes this many steps.
    ///
    /// # Errors
    ///
    /// [`Exhausted`], as for [`Work::charge`].
    #[inline]
    pub fn charge(&mut self, steps: u64) -> Result<(), Exhausted> {
        match self.at_hand.checked_sub(steps) {
            Some(left) => {
                self.at_hand = left;
                Ok(())
            }
            None => self.refill(steps),
        }
    }

    /// Charges one step for every `a_step` bytes.
    ///
    /// # Errors
    ///
    /// As [`charge`](Self::charge).
    #[inline]
    pub fn charge_bytes(&mut self, bytes: usize, a_step: usize) -> Result<(), Exhausted> {
        self.charge((bytes / a_step) as u64)
    }

    #[cold]
    fn refill(&mut self, steps: u64) -> Result<(), Exhausted> {
        let wanted = steps - std::mem::take(&mut self.at_hand);
        let Some(work) = &self.work else {
            return if self.most == u64::MAX { Ok(()) } else { Err(Exhausted::Steps) };
        };
        let rest = self.most.checked_sub(wanted).ok_or(Exhausted::Steps)?;
        self.at_hand = work.take(wanted, ADVANCE.min(rest))?;
        self.most = rest - self.at_hand;
        Ok(())
    }
}

/// Gives back the steps that were taken in advance.
impl Drop for Meter {
    #[inline]
    fn drop(&mut self) {
        if let Some(work) = &self.work {
            work.give_back(self.at_hand);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_share_an_account_to_its_last_step() {
        let work = Work::steps(2 * ADVANCE);
        let (mut one, mut other) = (work.meter(), work.meter());
        assert_eq!(one.charge(1), Ok(()));
        assert_eq!(other.charge(ADVANCE - 1), Ok(()));
        assert_eq!(one.charge(ADVANCE), Ok(()), "what was taken in advance");
        assert_eq!(other.charge(1), Err(Exhausted::Steps));
        assert_eq!(one.charge(1), Err(Exhausted::Steps));
    }

    #[test]
    fn a_part_takes_no_more_than_a_part_and_the_rest_goes_on() {
        let work = Work::steps(10 * ADVANCE).in_parts_of(3 * ADVANCE);
        let mut part = work.part_meter();
        assert_eq!(part.charge(3 * ADVANCE - 1), Ok(()));
        assert_eq!(part.charge(1), Ok(()));
        assert_eq!(part.charge(1), Err(Exhausted::Steps));
        drop(part);
        assert_eq!(work.left(), 7 * ADVANCE);
        assert_eq!(work.part_meter().charge(3 * ADVANCE), Ok(()));
        assert_eq!(work.part_meter().charge(3 * ADVANCE), Ok(()));
        assert_eq!(work.part_meter().charge(3 * ADVANCE), Err(Exhausted::Steps), "of the whole");
        assert_eq!(Work::steps(5).in_parts_of(7).part(), 5);
    }

    #[test]
    fn what_a_meter_has_left_goes_back() {
        let work = Work::steps(100);
        assert_eq!(work.meter().charge(10), Ok(()));
        assert_eq!(work.affords(90), Ok(()));
        assert_eq!(work.affords(91), Err(Exhausted::Steps));
        assert_eq!(work.charge(91), Err(Exhausted::Steps));
        assert_eq!(work.charge(1), Err(Exhausted::Steps), "whoever asked too much gets nothing more");
    }

    #[test]
    fn the_end_of_time_ends_it_and_so_does_nobody_waiting() {
        let late = Work::unlimited().within(Duration::ZERO);
        assert_eq!(late.meter().charge(1), Err(Exhausted::Time));
        let work = Work::unlimited();
        let mut meter = work.meter();
        assert_eq!(meter.charge(1), Ok(()));
        work.abandon();
        assert_eq!(meter.charge(ADVANCE + 1), Err(Exhausted::Abandoned));
    }
}
