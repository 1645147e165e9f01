//! One request, as the operations see it.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::StatusCode;
use scim_core::{Error, Lenience, Limits, parse_json, weight};
use scim_server_traits::{
    Action, AuthError, Batch, Cause, Context, Operation, Precondition, StoreError, Written,
};
use serde_json::Value;

use crate::away;
use crate::known_links;
use crate::parameters::Parameters;
use crate::server::Inner;

/// A request, or one operation of a bulk request.
pub(crate) struct Call<'a> {
    pub(crate) server: &'a Inner,
    pub(crate) context: Context,
    pub(crate) parameters: Parameters,
    /// The rules, and which of them reading the request has used. The code that made the call reports it.
    lenience: Mutex<Lenience>,
}

/// The input of a change.
pub(crate) struct Given {
    pub(crate) input: Input,
    pub(crate) precondition: Precondition,
    /// The id of the resource to create, if it is already known.
    pub(crate) id: Option<String>,
    /// Whether an answer will show the resource.
    pub(crate) is_shown: bool,
}

/// A body.
pub(crate) enum Input {
    /// As it was received.
    Bytes(Bytes),
    /// Already parsed.
    Json(Value),
}

impl Input {
    /// Returns about how many steps it takes to read it: one for each byte.
    pub(crate) fn steps(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Json(value) => weight(value) as u64,
        }
    }

    /// Returns the body as JSON. Fails with 400 `invalidSyntax` if it is not JSON.
    pub(crate) fn into_json(self, limits: &Limits) -> Result<Value, Error> {
        match self {
            Self::Bytes(bytes) => parse_json(&bytes, limits),
            Self::Json(value) => Ok(value),
        }
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(server: &'a Inner, context: Context, parameters: Parameters) -> Self {
        Self { server, context, parameters, lenience: Mutex::new(server.lenience()) }
    }

    /// Replaces the lenience, for a part of a request of which something has already been read.
    pub(crate) fn with_lenience(self, lenience: Lenience) -> Self {
        Self { lenience: Mutex::new(lenience), ..self }
    }

    /// Makes an empty batch of this moment, caused by this request.
    pub(crate) fn batch(&self, operation: Operation) -> Batch {
        Batch::new(self.server.clock.now()).caused_by(Cause::of(&self.context, operation.as_str()))
    }

    /// Fails with 403 if the policy does not allow the client this.
    pub(crate) fn authorize(&self, action: &Action<'_>) -> Result<(), Error> {
        let forbidden = |error: AuthError| Error::new(StatusCode::FORBIDDEN, error.to_string());
        self.server.policy.authorize(&self.context, action).map_err(forbidden)
    }

    /// Commits one write, and notes what is left out of it.
    pub(crate) async fn commit_one(&self, batch: Batch) -> Result<Written, StoreError> {
        let mut dropped = Vec::new();
        let outcome = known_links::commit(self.server, &self.context, batch, &mut dropped).await;
        self.reading(|lenience| dropped.iter().for_each(|loss| loss.note(lenience)));
        outcome?.into_iter().next().ok_or_else(|| StoreError::backend("the store answered nothing"))
    }

    /// Reads a part of the request by its rules. `read` must not read another part meanwhile, which would deadlock. For
    /// that reason, no guard is returned that a caller could hold.
    pub(crate) fn reading<T>(&self, read: impl FnOnce(&mut Lenience) -> T) -> T {
        read(&mut self.lenience.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads a part of the request by its rules, on another thread if it may take long.
    pub(crate) async fn reading_away<T: Send + 'static>(
        &self,
        steps: u64,
        read: impl FnOnce(&mut Lenience) -> T + Send + 'static,
    ) -> T {
        let mut lenience = self.reading(|lenience| std::mem::replace(lenience, self.server.lenience()));
        let (outcome, lenience) = away::run(steps, move || {
            let outcome = read(&mut lenience);
            (outcome, lenience)
        })
        .await;
        self.reading(|place| *place = lenience);
        outcome
    }

    /// Returns the rules, and which of them reading the request has used.
    pub(crate) fn into_lenience(self) -> Lenience {
        self.lenience.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
