//! One request on its way, as the operations see it.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use scim_core::{Error, Lenience, Limits, parse_json};
use scim_server_traits::{Batch, Context, Precondition, StoreError, Written};
use serde_json::Value;

use crate::known_links;
use crate::parameters::Parameters;
use crate::server::Inner;

/// A request, or one operation of a bulk request.
pub(crate) struct Call<'a> {
    pub(crate) server: &'a Inner,
    pub(crate) context: Context,
    pub(crate) parameters: Parameters,
    /// The rules, and what reading the request took of them. Whoever made the call reports it.
    lenience: Mutex<Lenience>,
}

/// What a change is made of.
pub(crate) struct Given<'a> {
    pub(crate) input: Input<'a>,
    pub(crate) precondition: Precondition,
    /// The id of what is to be made, where it is known already.
    pub(crate) id: Option<String>,
}

/// A body.
pub(crate) enum Input<'a> {
    /// As it came.
    Bytes(&'a Bytes),
    /// Read already.
    Json(Value),
}

impl Input<'_> {
    /// The body as JSON: 400 `invalidSyntax` when it is none.
    pub(crate) fn into_json(self, limits: &Limits) -> Result<Value, Error> {
        match self {
            Self::Bytes(bytes) => parse_json(bytes, limits),
            Self::Json(value) => Ok(value),
        }
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(server: &'a Inner, context: Context, parameters: Parameters) -> Self {
        Self { server, context, parameters, lenience: Mutex::new(server.lenience()) }
    }

    /// A part of a request, of which something has been read already.
    pub(crate) fn with_lenience(self, lenience: Lenience) -> Self {
        Self { lenience: Mutex::new(lenience), ..self }
    }

    /// Commits one write, and notes what is left out of it.
    pub(crate) async fn commit_one(&self, batch: Batch) -> Result<Written, StoreError> {
        let mut dropped = Vec::new();
        let outcome = known_links::commit(self.server, &self.context, batch, &mut dropped).await;
        self.reading(|lenience| dropped.iter().for_each(|loss| loss.note(lenience)));
        outcome?.into_iter().next().ok_or_else(|| StoreError::backend("the store answered nothing"))
    }

    /// Reads a part of the request by its rules. `read` must not read another part in its midst: a guard that it could
    /// hold is not given away for that reason.
    pub(crate) fn reading<T>(&self, read: impl FnOnce(&mut Lenience) -> T) -> T {
        read(&mut self.lenience.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What reading the request took.
    pub(crate) fn into_lenience(self) -> Lenience {
        self.lenience.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
