//! The PATCH message (RFC 7644 §3.5.2).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use scim_core::{Lenience, Limits, Quirk, json_kind, parse_json, shorten, take_members, urn};

use crate::PatchError;

/// A PATCH request: an ordered list of operations.
///
/// Clients build one, and servers [`parse`](PatchRequest::parse) one. Serializing writes the strict wire form.
///
/// ```
/// use scim_patch::PatchRequest;
/// let request = PatchRequest::new().replace("active", false).remove("nickName");
/// let body = serde_json::to_value(&request).unwrap();
/// assert_eq!(body["Operations"][0]["op"], "replace");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PatchRequest {
    schemas: [&'static str; 1],
    #[serde(rename = "Operations")]
    pub(crate) operations: Vec<Operation>,
    /// The positions of operations of which a part was passed over.
    #[serde(skip)]
    pub(crate) unclear: BTreeSet<usize>,
    /// The limits on the work of the request.
    #[serde(skip)]
    pub(crate) limits: Limits,
}

impl PatchRequest {
    /// Makes an empty request.
    pub fn new() -> Self {
        let (operations, unclear, limits) = (Vec::new(), BTreeSet::new(), Limits::default());
        Self { schemas: [urn::PATCH_OP], operations, unclear, limits }
    }

    /// Reads a request body.
    ///
    /// # Errors
    ///
    /// 413 if a limit is exceeded. 400 `invalidSyntax` for a body that is not a PATCH request:
    ///
    /// - it is not an object,
    /// - its `schemas` lack the PatchOp URN,
    /// - its `Operations` are missing or empty,
    /// - an `op` is unknown,
    /// - a `path` is not a string.
    // PATCH-002, PATCH-003, PATCH-004
    pub fn parse(body: &[u8], lenience: &mut Lenience, limits: &Limits) -> Result<Self, PatchError> {
        Self::from_value_within(parse_json(body, limits).map_err(PatchError::in_body)?, lenience, limits)
    }

    /// Reads a request from parsed JSON as [`PatchRequest::parse`] does, within the default limits.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn from_value(body: Value, lenience: &mut Lenience) -> Result<Self, PatchError> {
        Self::from_value_within(body, lenience, &Limits::default())
    }

    /// Reads a request from parsed JSON as [`PatchRequest::parse`] does.
    ///
    /// # Errors
    ///
    /// As for [`parse`](Self::parse).
    pub fn from_value_within(
        body: Value,
        lenience: &mut Lenience,
        limits: &Limits,
    ) -> Result<Self, PatchError> {
        let Value::Object(body) = body else {
            return Err(PatchError::syntax("the PATCH body must be a JSON object"));
        };
        let mut envelope = Envelope { lenience, unclear: BTreeSet::new() };
        let [schemas, operations] = take_members("", body, ["schemas", "Operations"], envelope.lenience)
            .map_err(PatchError::in_body)?;
        envelope.check_schemas(schemas.as_ref())?;
        let operations = match operations {
            Some(Value::Array(operations)) => operations,
            Some(_) => return Err(PatchError::syntax("`Operations` must be an array")),
            None => return Err(PatchError::syntax("`Operations` is missing")),
        };
        if operations.is_empty() && !envelope.lenience.uses(Quirk::EmptyOperations) {
            return Err(PatchError::syntax("`Operations` must hold at least one operation"));
        }
        if operations.len() > limits.operations {
            let detail =
                format!("`Operations` holds {}: at most {} are taken", operations.len(), limits.operations);
            return Err(PatchError::too_large(detail));
        }
        let operations = operations
            .into_iter()
            .enumerate()
            .map(|(index, operation)| envelope.operation(index, operation))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { schemas: [urn::PATCH_OP], operations, unclear: envelope.unclear, limits: *limits })
    }

    /// Appends an `add`.
    #[must_use]
    pub fn add(self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.operation(Operation { op: Op::Add, path: Some(path.into()), value: Some(value.into()) })
    }

    /// Appends a `replace`.
    #[must_use]
    pub fn replace(self, path: impl Into<String>, value: impl Into<Value>) -> Self {
        self.operation(Operation { op: Op::Replace, path: Some(path.into()), value: Some(value.into()) })
    }

    /// Appends a `replace` of all these attributes, without a path.
    #[must_use]
    pub fn replace_all(self, attributes: Map<String, Value>) -> Self {
        self.operation(Operation { op: Op::Replace, path: None, value: Some(Value::Object(attributes)) })
    }

    /// Appends a `remove`.
    #[must_use]
    pub fn remove(self, path: impl Into<String>) -> Self {
        self.operation(Operation { op: Op::Remove, path: Some(path.into()), value: None })
    }

    /// Appends an operation.
    #[must_use]
    pub fn operation(mut self, operation: Operation) -> Self {
        self.operations.push(operation);
        self
    }

    /// Returns the operations, in order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Whether there are no operations.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

impl Default for PatchRequest {
    fn default() -> Self {
        Self::new()
    }
}

/// One operation in its wire form.
#[derive(Clone, PartialEq, Serialize)]
pub struct Operation {
    /// The kind of the operation.
    pub op: Op,
    /// The target. It is optional for `add` and `replace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

impl fmt::Debug for Operation {
    /// Writes only the type of the value, because it may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.as_ref().map_or("none", json_kind);
        f.debug_struct("Operation")
            .field("op", &self.op)
            .field("path", &self.path)
            .field("value", &format_args!("{value}"))
            .finish()
    }
}

/// The kind of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Adds values, or sets a single value.
    Add,
    /// Removes values.
    Remove,
    /// Replaces values.
    Replace,
}

impl Op {
    /// Returns the word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
        }
    }
}

struct Envelope<'a> {
    lenience: &'a mut Lenience,
    unclear: BTreeSet<usize>,
}

impl Envelope<'_> {
    fn check_schemas(&mut self, schemas: Option<&Value>) -> Result<(), PatchError> {
        let named = schemas.and_then(Value::as_array).is_some_and(|urns| {
            urns.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(urn::PATCH_OP))
        });
        let missing = matches!(schemas, None | Some(Value::Null));
        if named || (missing && self.lenience.uses(Quirk::MissingPatchSchemas)) {
            return Ok(());
        }
        Err(PatchError::syntax(format!("`schemas` must be [\"{}\"]", urn::PATCH_OP)))
    }

    fn operation(&mut self, index: usize, operation: Value) -> Result<Operation, PatchError> {
        let refuse = |text: String| PatchError::syntax(format!("`Operations[{index}]`: {text}"));
        let Value::Object(operation) = operation else {
            return Err(refuse("expected an object".into()));
        };
        let at = format!("Operations[{index}]");
        let members = operation.len();
        let [op, path, value] = take_members(&at, operation, ["op", "path", "value"], self.lenience)
            .map_err(PatchError::in_body)?;
        if [&op, &path, &value].into_iter().flatten().count() < members {
            self.unclear.insert(index);
        }
        let Some(Value::String(word)) = op else {
            return Err(refuse("`op` must be `add`, `remove` or `replace`".into()));
        };
        let op = match word.to_ascii_lowercase().as_str() {
            "add" => Op::Add,
            "remove" => Op::Remove,
            "replace" => Op::Replace,
            _ => {
                return Err(refuse(format!(
                    "`{}` is no operation: use `add`, `remove` or `replace`",
                    shorten(&word)
                )));
            }
        };
        if word != op.as_str() && !self.lenience.uses(Quirk::OpAnyCase) {
            return Err(refuse(format!("`{word}` must be written `{}`", op.as_str())));
        }
        let path = match path {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) => Some(path),
            Some(_) => return Err(refuse("`path` must be a string".into())),
        };
        Ok(Operation { op, path, value })
    }
}
