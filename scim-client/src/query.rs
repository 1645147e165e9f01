//! What a list request asks for: filter, page, order and attributes.

use std::fmt::Display;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use scim_core::{SortOrder, urn};

use crate::base_url::encode;

/// Returns `attribute eq value`, with the value written as JSON.
///
/// ```
/// use scim_client::filter_eq;
/// assert_eq!(filter_eq("userName", r#"a"b\c"#), r#"userName eq "a\"b\\c""#);
/// assert_eq!(filter_eq("active", true), "active eq true");
/// ```
pub fn filter_eq(attribute: &str, value: impl Into<Value>) -> String {
    format!("{attribute} eq {}", value.into())
}

/// A query for a list — RFC 7644 §3.4.2.
///
/// ```
/// use scim_client::{Query, SortOrder, filter_eq};
/// let query = Query::new()
///     .filter(filter_eq("name.familyName", "O'Malley"))
///     .attributes(["userName", "emails"])
///     .sort_by("userName", SortOrder::Descending)
///     .count(50);
/// # let _ = query;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Query {
    filter: Option<String>,
    view: View,
    sort_by: Option<(String, SortOrder)>,
    start_index: Option<u64>,
    count: Option<u64>,
    cursor: Option<String>,
}

impl Query {
    /// Makes a query for all resources, in the server's order and page size.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks only for resources that match the filter.
    #[must_use]
    pub fn filter(mut self, filter: impl Display) -> Self {
        self.filter = Some(filter.to_string());
        self
    }

    /// Asks only for these attributes. This replaces [`Query::excluded_attributes`].
    #[must_use]
    pub fn attributes<S: Into<String>>(self, attributes: impl IntoIterator<Item = S>) -> Self {
        self.view(View::only(attributes))
    }

    /// Asks for all but these attributes. This replaces [`Query::attributes`].
    #[must_use]
    pub fn excluded_attributes<S: Into<String>>(self, attributes: impl IntoIterator<Item = S>) -> Self {
        self.view(View::without(attributes))
    }

    /// Sets which attributes are returned.
    #[must_use]
    pub fn view(mut self, view: View) -> Self {
        self.view = view;
        self
    }

    /// Sorts by this attribute.
    #[must_use]
    pub fn sort_by(mut self, attribute: impl Into<String>, order: SortOrder) -> Self {
        self.sort_by = Some((attribute.into(), order));
        self
    }

    /// Begins at this position, counted from 1.
    #[must_use]
    pub fn start_index(mut self, position: u64) -> Self {
        self.start_index = Some(position);
        self
    }

    /// Asks for at most this many resources in one page.
    ///
    /// A page with more resources is [`ClientError::PageTooLarge`]. Without a count, that is a page with more than
    /// 100,000.
    ///
    /// [`ClientError::PageTooLarge`]: crate::ClientError::PageTooLarge
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Asks for the page of this cursor (RFC 9865). An empty cursor asks for the first page.
    #[must_use]
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.cursor = Some(cursor.into());
        self.start_index = None;
        self
    }

    pub(crate) fn filter_text(&self) -> &str {
        self.filter.as_deref().unwrap_or_default()
    }

    pub(crate) fn page_size(&self) -> Option<u64> {
        self.count
    }

    pub(crate) fn position(&self) -> Option<u64> {
        self.start_index
    }

    pub(crate) fn cursor_text(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Returns `?name=value&…`, or an empty text.
    pub(crate) fn to_url(&self) -> String {
        let mut pairs = Vec::new();
        if let Some(filter) = &self.filter {
            pairs.push(("filter", encode(filter)));
        }
        pairs.extend(self.view.pair());
        if let Some((attribute, order)) = &self.sort_by {
            pairs.push(("sortBy", encode(attribute)));
            pairs.push(("sortOrder", order.as_str().to_owned()));
        }
        if let Some(position) = self.start_index {
            pairs.push(("startIndex", position.to_string()));
        }
        if let Some(count) = self.count {
            pairs.push(("count", count.to_string()));
        }
        if let Some(cursor) = &self.cursor {
            pairs.push(("cursor", encode(cursor)));
        }
        question(pairs)
    }
}

/// Writes the `SearchRequest` of RFC 7644 §3.4.3.
impl Serialize for Query {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schemas", &[urn::SEARCH_REQUEST])?;
        if let Some(filter) = &self.filter {
            map.serialize_entry("filter", filter)?;
        }
        match &self.view {
            View::All => {}
            View::Only(names) => map.serialize_entry("attributes", names)?,
            View::Without(names) => map.serialize_entry("excludedAttributes", names)?,
        }
        if let Some((attribute, order)) = &self.sort_by {
            map.serialize_entry("sortBy", attribute)?;
            map.serialize_entry("sortOrder", order.as_str())?;
        }
        if let Some(position) = self.start_index {
            map.serialize_entry("startIndex", &position)?;
        }
        if let Some(count) = self.count {
            map.serialize_entry("count", &count)?;
        }
        if let Some(cursor) = &self.cursor {
            map.serialize_entry("cursor", cursor)?;
        }
        map.end()
    }
}

/// Which attributes are returned. `attributes` and `excludedAttributes` are never sent together.
// CLI-038
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// What the server returns by default.
    #[default]
    All,
    /// These attributes, and those that are always returned.
    Only(Vec<String>),
    /// The default attributes without these.
    Without(Vec<String>),
}

impl View {
    /// Selects these attributes only.
    pub fn only<S: Into<String>>(attributes: impl IntoIterator<Item = S>) -> Self {
        Self::Only(attributes.into_iter().map(Into::into).collect())
    }

    /// Selects all but these attributes.
    pub fn without<S: Into<String>>(attributes: impl IntoIterator<Item = S>) -> Self {
        Self::Without(attributes.into_iter().map(Into::into).collect())
    }

    /// Returns `?name=value`, or an empty text.
    pub(crate) fn to_url(&self) -> String {
        question(self.pair().into_iter().collect())
    }

    fn pair(&self) -> Option<(&'static str, String)> {
        let list = |names: &[String]| names.iter().map(|name| encode(name)).collect::<Vec<_>>().join(",");
        match self {
            Self::All => None,
            Self::Only(names) => Some(("attributes", list(names))),
            Self::Without(names) => Some(("excludedAttributes", list(names))),
        }
    }
}

fn question(pairs: Vec<(&str, String)>) -> String {
    let mut url = String::new();
    for (name, value) in pairs {
        url.push(if url.is_empty() { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        url.push_str(&value);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn q_27_queries_are_encoded_strictly() {
        let query = Query::new().filter(filter_eq("userName", "a+b c&é")).count(2).start_index(1);
        assert_eq!(query.to_url(), "?filter=userName%20eq%20%22a%2Bb%20c%26%C3%A9%22&startIndex=1&count=2");
        assert_eq!(Query::new().to_url(), "");
    }

    #[test]
    fn cli_038_attributes_or_excluded_attributes() {
        let query = Query::new().attributes(["userName"]).excluded_attributes(["members", "name.formatted"]);
        assert_eq!(query.to_url(), "?excludedAttributes=members,name.formatted");
        assert_eq!(
            serde_json::to_value(&query).unwrap(),
            json!({"schemas": [urn::SEARCH_REQUEST], "excludedAttributes": ["members", "name.formatted"]})
        );
    }
}
