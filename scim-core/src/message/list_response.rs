//! A page of query results.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::urn;

/// A page of query results — RFC 7644 §3.4.2, RFC 9865 §2.
///
/// RFC 9865 lets a service provider that pages by cursor omit `totalResults`.
///
/// A missing one reads as 0 in [`total_results`](Self::total_results). If the page holds a resource or a cursor, this 0
/// can only mean that the total is unknown. Then [`total`](Self::total) is `None`, and the page is written without a
/// total.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Wire<T>", bound(deserialize = "T: Deserialize<'de>"))]
#[non_exhaustive]
pub struct ListResponse<T> {
    /// Always the list response's URN.
    pub schemas: Vec<String>,
    /// The number of resources that match, regardless of the page. Also 0 if the service provider gave no total.
    pub total_results: u64,
    /// The position of the first resource of the page, from 1.
    pub start_index: Option<u64>,
    /// The number of resources on the page.
    pub items_per_page: Option<u64>,
    /// The cursor of the next page.
    pub next_cursor: Option<String>,
    /// The cursor of the previous page.
    pub previous_cursor: Option<String>,
    /// The resources. The member may be missing if there are none.
    // decision X14
    pub resources: Vec<T>,
    /// Everything else.
    pub other: Map<String, Value>,
}

impl<T> ListResponse<T> {
    /// Makes a page that begins at `start_index` of `total` matches.
    pub fn page(total: u64, start_index: u64, resources: Vec<T>) -> Self {
        Self {
            schemas: schemas(),
            total_results: total,
            start_index: Some(start_index),
            items_per_page: Some(resources.len() as u64),
            next_cursor: None,
            previous_cursor: None,
            resources,
            other: Map::new(),
        }
    }

    /// Makes a page that holds all matches.
    pub fn all(resources: Vec<T>) -> Self {
        Self::page(resources.len() as u64, 1, resources)
    }

    /// Makes a page for paging by cursor (RFC 9865): without a position, and with a total only if it is known.
    pub fn by_cursor(total: Option<u64>, next_cursor: Option<String>, resources: Vec<T>) -> Self {
        Self {
            total_results: total.unwrap_or_default(),
            start_index: None,
            next_cursor,
            ..Self::page(0, 1, resources)
        }
    }

    /// The number of resources that match, if the service provider gave it.
    pub fn total(&self) -> Option<u64> {
        let is_blank =
            self.resources.is_empty() && self.next_cursor.is_none() && self.previous_cursor.is_none();
        (self.total_results > 0 || is_blank).then_some(self.total_results)
    }
}

/// A page as it is read, in which missing members differ from empty ones.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
struct Wire<T> {
    schemas: Option<Vec<String>>,
    total_results: Option<u64>,
    start_index: Option<u64>,
    items_per_page: Option<u64>,
    next_cursor: Option<String>,
    previous_cursor: Option<String>,
    #[serde(rename = "Resources")]
    resources: Option<Vec<T>>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl<T> TryFrom<Wire<T>> for ListResponse<T> {
    type Error = &'static str;

    fn try_from(wire: Wire<T>) -> Result<Self, Self::Error> {
        // Otherwise any object would be an empty page, such as a welcome message or an error.
        if wire.schemas.is_none() && wire.total_results.is_none() && wire.resources.is_none() {
            return Err("expected a list response: `schemas`, `totalResults` or `Resources`");
        }
        Ok(Self {
            schemas: wire.schemas.unwrap_or_else(schemas),
            total_results: wire.total_results.unwrap_or_default(),
            start_index: wire.start_index,
            items_per_page: wire.items_per_page,
            next_cursor: wire.next_cursor,
            previous_cursor: wire.previous_cursor,
            resources: wire.resources.unwrap_or_default(),
            other: wire.other,
        })
    }
}

fn schemas() -> Vec<String> {
    vec![urn::LIST_RESPONSE.to_owned()]
}

impl<T: Serialize> Serialize for ListResponse<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("schemas", &self.schemas)?;
        if let Some(total) = self.total() {
            out.serialize_entry("totalResults", &total)?;
        }
        if let Some(position) = self.start_index {
            out.serialize_entry("startIndex", &position)?;
        }
        if let Some(items) = self.items_per_page {
            out.serialize_entry("itemsPerPage", &items)?;
        }
        if let Some(cursor) = &self.previous_cursor {
            out.serialize_entry("previousCursor", cursor)?;
        }
        if let Some(cursor) = &self.next_cursor {
            out.serialize_entry("nextCursor", cursor)?;
        }
        out.serialize_entry("Resources", &self.resources)?;
        for (name, value) in &self.other {
            out.serialize_entry(name, value)?;
        }
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn core_088_core_089_list_response_wire_names() {
        let body = serde_json::to_value(ListResponse::page(5, 2, vec![1, 2])).unwrap();
        assert_eq!(
            body,
            json!({"schemas": [urn::LIST_RESPONSE], "totalResults": 5, "startIndex": 2, "itemsPerPage": 2, "Resources": [1, 2]})
        );
        for body in [json!({"totalResults": 0}), json!({"totalResults": 0, "Resources": null})] {
            let read: ListResponse<Value> = serde_json::from_value(body).unwrap();
            assert!(read.resources.is_empty(), "X14: Resources may be missing");
            assert_eq!(read.schemas, [urn::LIST_RESPONSE]);
            assert_eq!(read.total(), Some(0));
        }
    }

    #[test]
    fn core_089_x14_any_object_is_no_page() {
        for body in [json!({}), json!({"message": "welcome"}), json!([])] {
            assert!(serde_json::from_value::<ListResponse<Value>>(body).is_err());
        }
    }

    #[test]
    fn core_089_srv_051_the_total_is_optional_by_cursor() {
        let body =
            json!({"schemas": [urn::LIST_RESPONSE], "itemsPerPage": 1, "nextCursor": "c2", "Resources": [1]});
        let read: ListResponse<u8> = serde_json::from_value(body.clone()).unwrap();
        assert_eq!((read.total_results, read.total()), (0, None));
        assert_eq!(serde_json::to_value(&read).unwrap(), body);
        assert_eq!(read, ListResponse::by_cursor(None, Some("c2".into()), vec![1]));
        assert_eq!(ListResponse::by_cursor(Some(7), None, vec![1]).total(), Some(7));
    }

    #[test]
    fn core_090_cursors_and_unknown_members_survive() {
        let body = json!({
            "schemas": [urn::LIST_RESPONSE], "totalResults": 9, "previousCursor": "c1", "nextCursor": "c3",
            "Resources": [], "took": {"ms": 3},
        });
        let read: ListResponse<Value> = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(read.next_cursor.as_deref(), Some("c3"));
        assert_eq!(read.previous_cursor.as_deref(), Some("c1"));
        assert_eq!(serde_json::to_value(&read).unwrap(), body);
    }
}
