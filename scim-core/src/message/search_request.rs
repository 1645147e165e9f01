//! A query in the body of a request.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::urn;
use crate::wire::{keywords, or_default};

/// A query sent by `POST …/.search` — RFC 7644 §3.4.3, RFC 9865 §3.
///
/// `attributes` and `excludedAttributes` are arrays here, never comma-separated texts.
///
/// ```
/// use scim_core::SearchRequest;
/// let mut request = SearchRequest::new();
/// request.filter = Some("userName eq \"ada\"".into());
/// request.count = Some(10);
/// assert!(serde_json::to_string(&request).unwrap().contains(":SearchRequest"));
/// ```
// CORE-091
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SearchRequest {
    /// Always the search request's URN.
    #[serde(default = "schemas")]
    pub schemas: Vec<String>,
    /// The attributes to return instead of the default ones.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// The attributes to omit from the default ones.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub excluded_attributes: Vec<String>,
    /// The filter that selects resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// The attribute to sort by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_by: Option<String>,
    /// The sort direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_order: Option<SortOrder>,
    /// The position of the first result, from 1. Smaller numbers mean 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_index: Option<i64>,
    /// The largest number of results on the page. Negative numbers mean 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// The cursor of the requested page, empty for the first one (RFC 9865).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl SearchRequest {
    /// The names of its members.
    pub const MEMBERS: [&'static str; 9] = [
        "schemas",
        "attributes",
        "excludedAttributes",
        "filter",
        "sortBy",
        "sortOrder",
        "startIndex",
        "count",
        "cursor",
    ];

    /// Makes a query for everything.
    pub fn new() -> Self {
        Self {
            schemas: schemas(),
            attributes: Vec::new(),
            excluded_attributes: Vec::new(),
            filter: None,
            sort_by: None,
            sort_order: None,
            start_index: None,
            count: None,
            cursor: None,
            other: Map::new(),
        }
    }
}

impl Default for SearchRequest {
    fn default() -> Self {
        Self::new()
    }
}

fn schemas() -> Vec<String> {
    vec![urn::SEARCH_REQUEST.to_owned()]
}

keywords! {
    /// The direction of a sort — RFC 7644 §3.4.2.3.
    #[derive(Default)]
    pub enum SortOrder {
        /// The smallest first.
        #[default]
        Ascending = "ascending",
        /// The largest first.
        Descending = "descending",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn core_091_search_request_both_ways() {
        let body = json!({
            "schemas": [urn::SEARCH_REQUEST], "attributes": ["userName"], "excludedAttributes": ["emails"],
            "filter": "title pr", "sortBy": "userName", "sortOrder": "descending", "startIndex": -1,
            "count": 0, "cursor": "", "x": 1,
        });
        let read: SearchRequest = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(read.sort_order, Some(SortOrder::Descending));
        assert_eq!(serde_json::to_value(&read).unwrap(), body);
        let nothing: SearchRequest =
            serde_json::from_value(json!({"attributes": null, "filter": null})).unwrap();
        assert_eq!(nothing, SearchRequest::new());
    }

    #[test]
    fn core_091_a_comma_string_is_no_array_and_an_unknown_order_is_explained() {
        assert!(serde_json::from_value::<SearchRequest>(json!({"attributes": "a,b"})).is_err());
        let error = serde_json::from_value::<SearchRequest>(json!({"sortOrder": "up"})).unwrap_err();
        assert_eq!(error.to_string(), "expected one of `ascending`, `descending`, found `up`");
    }
}
