//! Calls to the target. They are counted, repeated while the target is busy, and sorted by what a failure means.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;

use scim_client::{ClientError, Endpoint, ErrorBody, Stored, TransportError, View};

use crate::engine::ProvisionError;
use crate::options::Options;
use crate::report::Action;

/// Waits. It is a trait, so that tests do not have to wait.
#[async_trait]
pub trait Sleeper: Send + Sync {
    /// Returns after this long.
    async fn sleep(&self, duration: Duration);
}

/// Waits on tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioSleeper;

#[async_trait]
impl Sleeper for TokioSleeper {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// What a failed call means for the run.
#[derive(Debug)]
pub(crate) enum Fault {
    /// No other call will succeed either.
    Stop(ProvisionError),
    /// The failure concerns only this person or group.
    Local(Box<ClientError>),
    /// The target returned the resource without an id.
    NoId,
}

impl Fault {
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Local(error) if error.is_not_found())
    }

    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Local(error) => error.status().map(|status| status.as_u16()),
            Self::Stop(_) | Self::NoId => None,
        }
    }

    pub(crate) fn detail(&self) -> String {
        match self {
            Self::Local(error) => chain(&**error),
            Self::Stop(error) => chain(error),
            Self::NoId => "the target gave no id".into(),
        }
    }
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Self {
        match &error {
            // GitHub's rate limits may be sent as 403 with `Retry-After` (github-emu 2.15).
            ClientError::Status { status, body, retry_after: None } if error.is_unauthorized() => {
                Self::Stop(ProvisionError::Refused { status: *status, detail: body.to_string() })
            }
            _ => Self::Local(Box::new(error)),
        }
    }
}

/// Adds to a fault the action during which it happened.
pub(crate) trait During<T> {
    fn during(self, action: Action) -> Result<T, (Action, Fault)>;
}

impl<T> During<T> for Result<T, Fault> {
    fn during(self, action: Action) -> Result<T, (Action, Fault)> {
        self.map_err(|fault| (action, fault))
    }
}

/// How a create ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// The resource is new.
    Created,
    /// The resource exists, but this run did not create it.
    Found,
}

/// Makes the calls of one run.
pub(crate) struct Calls {
    sleeper: Arc<dyn Sleeper>,
    attempts: u32,
    patience: Duration,
    made: AtomicU64,
}

impl Calls {
    pub(crate) fn new(sleeper: Arc<dyn Sleeper>, options: &Options) -> Self {
        let Options { attempts, patience, .. } = *options;
        Self { sleeper, attempts, patience, made: AtomicU64::new(0) }
    }

    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Makes a call that may be repeated even if it is unknown whether it took effect.
    pub(crate) async fn repeat<T, F>(&self, call: impl Fn() -> F) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        self.attempt(call, |error| outcome(error) != Sent::Answered).await
    }

    /// Creates a resource.
    ///
    /// It may be unknown whether an attempt took effect, or the target may say that the resource exists already. Then
    /// the resource is looked up by `filter` before anything else is done.
    pub(crate) async fn create<R: Serialize + DeserializeOwned>(
        &self,
        endpoint: &Endpoint<'_, R>,
        resource: &R,
        filter: &str,
        view: &View,
    ) -> Result<(Stored<R>, Made), Fault> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error =
                match self.attempt(|| endpoint.create(resource), |error| outcome(error) == Sent::No).await {
                    Ok(stored) => return Ok((stored, Made::Created)),
                    Err(Fault::Local(error)) => error,
                    Err(fault) => return Err(fault),
                };
            let unread = matches!(*error, ClientError::Decode { .. } | ClientError::Location { .. });
            let lost = (outcome(&error) == Sent::Perhaps || unread) && attempt < self.attempts;
            if !lost && !error.is_conflict() {
                return Err(Fault::Local(error));
            }
            if lost {
                self.sleeper.sleep(backoff(attempt)).await;
            }
            match self.repeat(|| endpoint.find_with(filter, view)).await? {
                // After an answer that was lost, the resource is ours. After a conflict that follows a lost answer, it
                // is ours too.
                Some(found) if lost || attempt > 1 => return Ok((found, Made::Created)),
                Some(found) => return Ok((found, Made::Found)),
                None if lost => {}
                None => return Err(Fault::Local(error)),
            }
        }
    }

    async fn attempt<T, F>(
        &self,
        call: impl Fn() -> F,
        repeatable: impl Fn(&ClientError) -> bool,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut attempt = 1;
        loop {
            self.made.fetch_add(1, Ordering::Relaxed);
            let error = match call().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let wait = error.retry_after().unwrap_or_else(|| backoff(attempt));
            let again = is_busy(&error) || repeatable(&error);
            if !again || attempt >= self.attempts || wait > self.patience {
                return Err(error.into());
            }
            self.sleeper.sleep(wait).await;
            attempt += 1;
        }
    }
}

/// Returns an error and all its sources in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Returns whether the target says that it did nothing now, but will do it later.
fn is_busy(error: &ClientError) -> bool {
    match error.status() {
        Some(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => true,
        Some(StatusCode::FORBIDDEN) => error.retry_after().is_some(),
        _ => false,
    }
}

/// Whether a failed call took effect.
#[derive(PartialEq, Eq)]
enum Sent {
    No,
    Perhaps,
    Answered,
}

fn outcome(error: &ClientError) -> Sent {
    match error {
        ClientError::Transport(TransportError::Connect(_)) => Sent::No,
        ClientError::Transport(_) => Sent::Perhaps,
        // A gateway stopped waiting for the target, or answered in its place.
        ClientError::Status { status: StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT, .. } => {
            Sent::Perhaps
        }
        ClientError::Status { status: StatusCode::REQUEST_TIMEOUT, body: ErrorBody::Bytes(_), .. } => {
            Sent::Perhaps
        }
        _ => Sent::Answered,
    }
}

fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1 << (attempt - 1).min(6))
}
