//! Many operations in one request.

use http::StatusCode;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::urn;
use crate::wire::{keywords, or_default};

/// Many operations in one request — RFC 7644 §3.7.
///
/// ```
/// use scim_core::{BulkOperation, BulkRequest, User};
/// let ada = serde_json::to_value(User::new("ada")).unwrap();
/// let request = BulkRequest::new([BulkOperation::post("/Users", "q1", ada)]).fail_on_errors(1);
/// assert_eq!(request.operations[0].bulk_id.as_deref(), Some("q1"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BulkRequest {
    /// Always the bulk request's URN.
    #[serde(default = "request_schemas")]
    pub schemas: Vec<String>,
    /// After how many errors the service provider stops. If missing, it never stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_on_errors: Option<u64>,
    /// The operations, in order.
    #[serde(rename = "Operations", deserialize_with = "or_default")]
    pub operations: Vec<BulkOperation>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl BulkRequest {
    /// Makes a request with these operations, which does not stop at errors.
    pub fn new(operations: impl IntoIterator<Item = BulkOperation>) -> Self {
        Self {
            schemas: request_schemas(),
            fail_on_errors: None,
            operations: operations.into_iter().collect(),
            other: Map::new(),
        }
    }

    /// Stops the request after this many errors.
    #[must_use]
    pub fn fail_on_errors(mut self, errors: u64) -> Self {
        self.fail_on_errors = Some(errors);
        self
    }
}

/// One operation of a [`BulkRequest`].
///
/// Missing members read as empty, so that a service provider can reject one operation and continue with the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BulkOperation {
    /// The method.
    #[serde(default)]
    pub method: BulkMethod,
    /// The client's name for the resource that a POST creates. Other operations refer to it as `bulkId:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bulk_id: Option<String>,
    /// The entity tag that the resource must still have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The path below the base URL: an endpoint for POST, otherwise a resource.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The body. DELETE has none, and PATCH has a whole PATCH message (erratum 5050).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl BulkOperation {
    /// The names of its members.
    pub const MEMBERS: [&'static str; 5] = ["method", "bulkId", "version", "path", "data"];

    /// Creates a resource at an endpoint such as `/Users`.
    pub fn post(endpoint: impl Into<String>, bulk_id: impl Into<String>, resource: Value) -> Self {
        Self { bulk_id: Some(bulk_id.into()), ..Self::new(BulkMethod::Post, endpoint, Some(resource)) }
    }

    /// Replaces a resource such as `/Users/2819c223`.
    pub fn put(path: impl Into<String>, resource: Value) -> Self {
        Self::new(BulkMethod::Put, path, Some(resource))
    }

    /// Changes a resource by a PATCH message.
    pub fn patch(path: impl Into<String>, message: Value) -> Self {
        Self::new(BulkMethod::Patch, path, Some(message))
    }

    /// Deletes a resource.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(BulkMethod::Delete, path, None)
    }

    /// Makes the operation conditional: the resource must still have this entity tag.
    #[must_use]
    pub fn if_version(mut self, etag: impl Into<String>) -> Self {
        self.version = Some(etag.into());
        self
    }

    fn new(method: BulkMethod, path: impl Into<String>, data: Option<Value>) -> Self {
        Self { method, bulk_id: None, version: None, path: path.into(), data, other: Map::new() }
    }
}

/// The answer to a [`BulkRequest`] — RFC 7644 §3.7.3.
///
/// Only requests have `failOnErrors`, so it is dropped from a response.
// CORE-093
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BulkResponse {
    /// Always the bulk response's URN.
    #[serde(default = "response_schemas")]
    pub schemas: Vec<String>,
    /// The results of the operations that were attempted.
    #[serde(rename = "Operations", deserialize_with = "or_default")]
    pub operations: Vec<BulkResult>,
    // This field keeps `failOnErrors` out of `other`.
    #[serde(rename = "failOnErrors", default, skip_serializing)]
    stray: IgnoredAny,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl BulkResponse {
    /// Makes an answer of these results.
    pub fn new(operations: impl IntoIterator<Item = BulkResult>) -> Self {
        Self {
            schemas: response_schemas(),
            operations: operations.into_iter().collect(),
            stray: IgnoredAny,
            other: Map::new(),
        }
    }
}

/// The result of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BulkResult {
    /// The method.
    #[serde(default)]
    pub method: BulkMethod,
    /// The client's name for the resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bulk_id: Option<String>,
    /// The resource's entity tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The resource's URI. It is missing only if a POST failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The HTTP status, written as a string and also read as a number or as `{"code": "201"}`.
    // decision X7
    #[serde(serialize_with = "write_status", deserialize_with = "read_status")]
    pub status: StatusCode,
    /// The body. A failed operation must have one: an [`Error`](crate::Error).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
    /// The names in the operation that the service provider passed over. This member is not in the RFCs.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl BulkResult {
    /// Makes a result with this status and nothing else.
    pub fn new(method: BulkMethod, status: StatusCode) -> Self {
        let (bulk_id, version, location, response) = (None, None, None, None);
        let (passed_over, other) = (Vec::new(), Map::new());
        Self { method, bulk_id, version, location, status, response, passed_over, other }
    }
}

keywords! {
    /// The method of a bulk operation. It is written in upper case and read in any case.
    pub enum BulkMethod {
        /// Create.
        Post = "POST",
        /// Replace.
        Put = "PUT",
        /// Change.
        Patch = "PATCH",
        /// Delete.
        Delete = "DELETE",
        ..
    }
}

impl Default for BulkMethod {
    /// An empty method, which is also how a missing one reads.
    fn default() -> Self {
        Self::Other(String::new())
    }
}

fn request_schemas() -> Vec<String> {
    vec![urn::BULK_REQUEST.to_owned()]
}

fn response_schemas() -> Vec<String> {
    vec![urn::BULK_RESPONSE.to_owned()]
}

// `serialize_with` passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn write_status<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.as_str())
}

fn read_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
    let status = Value::deserialize(deserializer)?;
    let code = status.get("code").unwrap_or(&status);
    let number = match code {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64().and_then(|number| u16::try_from(number).ok()),
    };
    number.and_then(|number| StatusCode::from_u16(number).ok()).ok_or_else(|| {
        D::Error::custom(format!("status: expected an HTTP status such as \"201\", found `{code}`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn core_088_core_093_bulk_request_both_ways() {
        let body = json!({
            "schemas": [urn::BULK_REQUEST], "failOnErrors": 1, "Operations": [
                {"method": "POST", "bulkId": "q", "path": "/Users", "data": {"userName": "ada"}, "x": true},
                {"method": "DELETE", "path": "/Users/1", "version": "W/\"1\""},
            ], "y": [],
        });
        let read: BulkRequest = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(read.operations[1].method, BulkMethod::Delete);
        assert_eq!(serde_json::to_value(&read).unwrap(), body);
        let built = BulkRequest::new([
            BulkOperation::post("/Users", "q", json!({"userName": "ada"})),
            BulkOperation::delete("/Users/1").if_version("W/\"1\""),
        ]);
        assert_eq!(built.operations[1], read.operations[1]);
        assert_eq!(serde_json::to_value(&built).unwrap()["schemas"], json!([urn::BULK_REQUEST]));
    }

    #[test]
    fn core_093_incomplete_operations_are_read_and_methods_in_any_case() {
        let read: BulkRequest = serde_json::from_value(
            json!({"Operations": [{}, {"method": "patch"}, {"method": "GET", "path": "/Users"}]}),
        )
        .unwrap();
        assert_eq!(read.operations[0].method, BulkMethod::default());
        assert_eq!(read.operations[1].method, BulkMethod::Patch);
        assert_eq!(read.operations[2].method, BulkMethod::Other("GET".into()));
    }

    #[test]
    fn core_093_any_object_is_no_bulk_message() {
        assert!(serde_json::from_value::<BulkRequest>(json!({"schemas": [urn::BULK_REQUEST]})).is_err());
        assert!(serde_json::from_value::<BulkResponse>(json!({"message": "welcome"})).is_err());
    }

    #[test]
    fn core_093_x7_the_status_is_read_in_three_forms_and_written_in_one() {
        for status in
            [json!("201"), json!(201), json!({"code": "201"}), json!({"code": 201, "description": ""})]
        {
            let read: BulkResponse =
                serde_json::from_value(json!({"Operations": [{"method": "POST", "status": status}]}))
                    .unwrap();
            assert_eq!(read.operations[0].status, StatusCode::CREATED);
            assert_eq!(serde_json::to_value(&read).unwrap()["Operations"][0]["status"], "201");
        }
        for status in [json!("ok"), json!(7), json!({}), json!(null), json!([])] {
            let read = serde_json::from_value::<BulkResult>(json!({"status": status}));
            assert!(read.unwrap_err().to_string().contains("expected an HTTP status"));
        }
    }

    #[test]
    fn core_088_core_093_fail_on_errors_is_for_requests_only() {
        let read: BulkResponse =
            serde_json::from_value(json!({"failOnErrors": 1, "Operations": null, "z": 1})).unwrap();
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(written, json!({"schemas": [urn::BULK_RESPONSE], "Operations": [], "z": 1}));
    }
}
