//! The features of a service provider.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::typed::ResourceMeta;
use crate::urn;
use crate::wire::{keywords, or_default};

/// The features of a service provider — RFC 7643 §5.
///
/// It includes `pagination` of RFC 9865 §4 and `securityEvents` of RFC 9967 §4. A missing feature reads as not
/// supported. Only `patch` must be present, because otherwise any object would be a configuration. The features of RFC
/// 7643 are always written.
// CORE-068
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServiceProviderConfig {
    /// Always the configuration's URN.
    #[serde(default = "schemas")]
    pub schemas: Vec<String>,
    /// The URI of the human-readable documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation_uri: Option<String>,
    /// PATCH.
    pub patch: Supported,
    /// Bulk.
    #[serde(default)]
    pub bulk: BulkSupport,
    /// Filters.
    #[serde(default)]
    pub filter: FilterSupport,
    /// Changing passwords.
    #[serde(default)]
    pub change_password: Supported,
    /// Sorting.
    #[serde(default)]
    pub sort: Supported,
    /// Entity tags.
    #[serde(default)]
    pub etag: Supported,
    /// How lists are paged (RFC 9865). `None` says nothing about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination: Option<PaginationSupport>,
    /// Events and asynchronous requests (RFC 9967). `None` means not supported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_events: Option<SecurityEvents>,
    /// How to authenticate.
    #[serde(default, deserialize_with = "or_default")]
    pub authentication_schemes: Vec<AuthenticationScheme>,
    /// What the service provider knows about the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<ResourceMeta>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for ServiceProviderConfig {
    fn default() -> Self {
        Self {
            schemas: schemas(),
            documentation_uri: None,
            patch: Supported::default(),
            bulk: BulkSupport::default(),
            filter: FilterSupport::default(),
            change_password: Supported::default(),
            sort: Supported::default(),
            etag: Supported::default(),
            pagination: None,
            security_events: None,
            authentication_schemes: Vec::new(),
            meta: None,
            other: Map::new(),
        }
    }
}

fn schemas() -> Vec<String> {
    vec![urn::SERVICE_PROVIDER_CONFIG.to_owned()]
}

/// Whether a feature is supported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Supported {
    /// Whether it is supported.
    pub supported: bool,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Whether bulk is supported, and its limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct BulkSupport {
    /// Whether bulk is supported.
    pub supported: bool,
    /// The largest number of operations in one request.
    pub max_operations: u64,
    /// The largest body in bytes.
    pub max_payload_size: u64,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Whether filters are supported, and their limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct FilterSupport {
    /// Whether filters are supported.
    pub supported: bool,
    /// The largest number of resources in one answer.
    pub max_results: u64,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How lists are paged — RFC 9865 §4.
///
/// A missing member makes no promise: a limit may exist although none is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PaginationSupport {
    /// Whether paging by cursor is supported.
    pub cursor: bool,
    /// Whether paging by position is supported.
    pub index: bool,
    /// How a query is paged if it asks for neither method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_pagination_method: Option<PaginationMethod>,
    /// The page size if the query gives none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_page_size: Option<u64>,
    /// The largest page size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_page_size: Option<u64>,
    /// The number of seconds for which a cursor stays valid at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor_timeout: Option<u64>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl PaginationSupport {
    /// Sets which of the two methods are supported.
    pub fn new(cursor: bool, index: bool) -> Self {
        Self { cursor, index, ..Self::default() }
    }
}

keywords! {
    /// A way to page through a list.
    pub enum PaginationMethod {
        /// By cursor.
        Cursor = "cursor",
        /// By position.
        Index = "index",
        ..
    }
}

/// Events and asynchronous requests — RFC 9967 §4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SecurityEvents {
    /// When requests are completed asynchronously.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub async_request: Option<AsyncRequest>,
    /// The URIs of the events that the service provider can deliver.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub event_uris: Vec<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl SecurityEvents {
    /// Sets the events, and when requests are completed asynchronously.
    pub fn new<I: IntoIterator<Item: Into<String>>>(async_request: AsyncRequest, event_uris: I) -> Self {
        Self {
            async_request: Some(async_request),
            event_uris: event_uris.into_iter().map(Into::into).collect(),
            other: Map::new(),
        }
    }
}

keywords! {
    /// When requests are completed asynchronously. Read ignoring case (RFC 9967 §4).
    pub enum AsyncRequest {
        /// Never.
        None = "none",
        /// When the service provider decides, such as after some time.
        Long = "long",
        /// When the client asks for it.
        Request = "request",
        ..
    }
}

/// One way to authenticate — RFC 7643 §5.
// CORE-069
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct AuthenticationScheme {
    /// `oauth`, `oauth2`, `oauthbearertoken`, `httpbasic` or `httpdigest`.
    pub r#type: String,
    /// The human-readable name.
    pub name: String,
    /// A human-readable description.
    pub description: String,
    /// Where it is specified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec_uri: Option<String>,
    /// The URI of the usage documentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documentation_uri: Option<String>,
    /// Whether it is the preferred one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl AuthenticationScheme {
    /// Makes an authentication scheme with its required attributes.
    pub fn new(r#type: impl Into<String>, name: impl Into<String>, description: impl Into<String>) -> Self {
        Self { r#type: r#type.into(), name: name.into(), description: description.into(), ..Self::default() }
    }

    /// Makes the scheme for the bearer tokens of RFC 6750.
    pub fn bearer_token() -> Self {
        Self {
            spec_uri: Some("https://www.rfc-editor.org/info/rfc6750".into()),
            primary: Some(true),
            ..Self::new("oauthbearertoken", "Bearer token", "A token sent in the Authorization header")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn full() -> Value {
        let mut body = serde_json::to_value(ServiceProviderConfig::default()).unwrap();
        body["authenticationSchemes"] = json!([{
            "type": "oauth2", "name": "n", "description": "d", "specUri": "https://s",
            "documentationUri": "https://d", "primary": true, "x": 1,
        }]);
        body["meta"] =
            json!({"resourceType": "ServiceProviderConfig", "location": "/v2/ServiceProviderConfig"});
        body
    }

    fn survives(body: &Value) -> ServiceProviderConfig {
        let read: ServiceProviderConfig = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), *body);
        read
    }

    #[test]
    fn core_068_every_feature_is_named() {
        let body = serde_json::to_value(ServiceProviderConfig::default()).unwrap();
        for key in ["patch", "bulk", "filter", "changePassword", "sort", "etag", "authenticationSchemes"] {
            assert!(body.get(key).is_some(), "{key}");
        }
        for key in ["supported", "maxOperations", "maxPayloadSize"] {
            assert!(body["bulk"].get(key).is_some(), "{key}");
        }
        assert!(body.get("id").is_none(), "no id is needed");
        let read: ServiceProviderConfig =
            serde_json::from_value(json!({"patch": {"supported": true}, "authenticationSchemes": null}))
                .unwrap();
        assert!(read.patch.supported && !read.bulk.supported);
        assert!(serde_json::from_value::<ServiceProviderConfig>(json!({"message": "welcome"})).is_err());
    }

    #[test]
    fn core_069_authentication_schemes_and_unknown_members_survive() {
        let mut body = full();
        body["vendor"] = json!({"a": [1]});
        body["bulk"]["vendor"] = json!(true);
        let read = survives(&body);
        assert_eq!(read.authentication_schemes[0].documentation_uri.as_deref(), Some("https://d"));
        assert_eq!(read.meta.unwrap().resource_type.as_deref(), Some("ServiceProviderConfig"));
    }

    #[test]
    fn core_071_pagination() {
        let mut body = full();
        body["pagination"] = json!({
            "cursor": true, "index": true, "defaultPaginationMethod": "cursor", "defaultPageSize": 100,
            "maxPageSize": 250, "cursorTimeout": 3600,
        });
        let pagination = survives(&body).pagination.unwrap();
        assert_eq!(pagination.default_pagination_method, Some(PaginationMethod::Cursor));
        let plain = serde_json::to_value(PaginationSupport::new(false, true)).unwrap();
        assert_eq!(plain, json!({"cursor": false, "index": true}));
    }

    #[test]
    fn core_072_evt_013_security_events_in_any_case() {
        let mut body = full();
        body["securityEvents"] = json!({"asyncRequest": "request", "eventUris": ["urn:e"]});
        let events = survives(&body).security_events.unwrap();
        assert_eq!(events, SecurityEvents::new(AsyncRequest::Request, ["urn:e"]));
        body["securityEvents"]["asyncRequest"] = json!("Request");
        let read: ServiceProviderConfig = serde_json::from_value(body).unwrap();
        assert_eq!(read.security_events, Some(events));
    }
}
