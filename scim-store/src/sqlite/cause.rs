//! The cause of a batch as it is stored with changes and records: a JSON list of principal, request and operation.

use scim_server_traits::Cause;
use serde_json::{Value, json};

use super::fault::Fault;

pub(super) fn text(cause: &Cause) -> String {
    let Cause { principal, request, operation, .. } = cause;
    Value::to_string(&json!([principal, request, operation]))
}

pub(super) fn read(text: &str) -> Result<Cause, Fault> {
    let mut cause = Cause::default();
    (cause.principal, cause.request, cause.operation) = serde_json::from_str(text)?;
    Ok(cause)
}
