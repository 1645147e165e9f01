//! Messages: the list response and the service provider's configuration.

use serde::{Deserialize, Serialize};

use crate::urn;

/// A page of query results — RFC 7644 §3.4.2, RFC 9865 §2.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListResponse<T> {
    /// Always the list response's URN.
    pub schemas: Vec<String>,
    /// How many resources match, whatever the page holds.
    #[serde(default)]
    pub total_results: u64,
    /// The position of the first resource of the page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_index: Option<u64>,
    /// How many resources the page holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items_per_page: Option<u64>,
    /// The cursor of the next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// The cursor of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_cursor: Option<String>,
    /// The resources.
    #[serde(rename = "Resources", default = "Vec::new")]
    pub resources: Vec<T>,
}

impl<T> ListResponse<T> {
    /// A page that begins at `start_index` of `total` matches.
    pub fn page(total: u64, start_index: u64, resources: Vec<T>) -> Self {
        Self {
            schemas: vec![urn::LIST_RESPONSE.to_owned()],
            total_results: total,
            start_index: Some(start_index),
            items_per_page: Some(resources.len() as u64),
            next_cursor: None,
            previous_cursor: None,
            resources,
        }
    }

    /// Everything there is.
    pub fn all(resources: Vec<T>) -> Self {
        Self::page(resources.len() as u64, 1, resources)
    }
}

/// What a service provider can do — RFC 7643 §5.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServiceProviderConfig {
    /// Always the configuration's URN.
    pub schemas: Vec<String>,
    /// Where people read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation_uri: Option<String>,
    /// PATCH.
    pub patch: Supported,
    /// Bulk.
    pub bulk: BulkSupport,
    /// Filters.
    pub filter: FilterSupport,
    /// Changing passwords.
    pub change_password: Supported,
    /// Sorting.
    pub sort: Supported,
    /// Entity tags.
    pub etag: Supported,
    /// How to authenticate.
    #[serde(default)]
    pub authentication_schemes: Vec<AuthenticationScheme>,
}

impl Default for ServiceProviderConfig {
    fn default() -> Self {
        Self {
            schemas: vec![urn::SERVICE_PROVIDER_CONFIG.to_owned()],
            documentation_uri: None,
            patch: Supported::default(),
            bulk: BulkSupport::default(),
            filter: FilterSupport::default(),
            change_password: Supported::default(),
            sort: Supported::default(),
            etag: Supported::default(),
            authentication_schemes: Vec::new(),
        }
    }
}

/// Whether a feature is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supported {
    /// Whether it is.
    pub supported: bool,
}

/// Bulk and its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BulkSupport {
    /// Whether bulk is there.
    pub supported: bool,
    /// The most operations in one request.
    pub max_operations: u64,
    /// The largest body in bytes.
    pub max_payload_size: u64,
}

/// Filters and their limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilterSupport {
    /// Whether filters are there.
    pub supported: bool,
    /// The most resources in one answer.
    pub max_results: u64,
}

/// One way to authenticate (CORE-069).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuthenticationScheme {
    /// `oauth`, `oauth2`, `oauthbearertoken`, `httpbasic` or `httpdigest`.
    pub r#type: String,
    /// The name for people.
    pub name: String,
    /// What it is, for people.
    pub description: String,
    /// Where it is specified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_uri: Option<String>,
    /// Whether it is the preferred one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
}

impl AuthenticationScheme {
    /// The bearer tokens of RFC 6750.
    pub fn bearer_token() -> Self {
        Self {
            r#type: "oauthbearertoken".into(),
            name: "Bearer token".into(),
            description: "A token sent in the Authorization header".into(),
            spec_uri: Some("https://www.rfc-editor.org/info/rfc6750".into()),
            primary: Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn core_089_list_response_wire_names() {
        let body = serde_json::to_value(ListResponse::page(5, 2, vec![1, 2])).unwrap();
        assert_eq!(
            body,
            json!({"schemas": [urn::LIST_RESPONSE], "totalResults": 5, "startIndex": 2, "itemsPerPage": 2, "Resources": [1, 2]})
        );
        let read: ListResponse<Value> =
            serde_json::from_value(json!({"schemas": [], "totalResults": 0})).unwrap();
        assert!(read.resources.is_empty(), "X14: Resources may be missing");
    }

    #[test]
    fn core_068_every_feature_is_named() {
        let body = serde_json::to_value(ServiceProviderConfig::default()).unwrap();
        for key in ["patch", "bulk", "filter", "changePassword", "sort", "etag", "authenticationSchemes"] {
            assert!(body.get(key).is_some(), "{key}");
        }
    }
}
