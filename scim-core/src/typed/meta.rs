//! `meta` as a client reads it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::date_time::{DateTime, DateTimeError};

/// `meta` as a client reads it — RFC 7643 §3.1.
///
/// Everything is kept as it was sent, so the times are texts. [`created_at`](Self::created_at) and
/// [`last_modified_at`](Self::last_modified_at) parse them. A service provider uses [`Meta`](crate::Meta), in which
/// every member is present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ResourceMeta {
    /// The name of the resource type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// When the resource was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Its URI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Its entity tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ResourceMeta {
    /// Makes a `meta` with the resource type only, which some clients send.
    pub fn of_type(resource_type: impl Into<String>) -> Self {
        Self { resource_type: Some(resource_type.into()), ..Self::default() }
    }

    /// Parses the time of creation, if it is given.
    ///
    /// # Errors
    ///
    /// [`DateTimeError`] if it is not an `xsd:dateTime`.
    pub fn created_at(&self) -> Option<Result<DateTime, DateTimeError>> {
        self.created.as_deref().map(str::parse)
    }

    /// Parses the time of the last change, if it is given.
    ///
    /// # Errors
    ///
    /// [`DateTimeError`] if it is not an `xsd:dateTime`.
    pub fn last_modified_at(&self) -> Option<Result<DateTime, DateTimeError>> {
        self.last_modified.as_deref().map(str::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn cli_034_meta_is_typed_and_lossless() {
        let body = json!({
            "resourceType": "User", "created": "2010-01-23T04:56:22.5+02:00", "lastModified": "yesterday",
            "location": "https://example.com/v2/Users/1", "version": "W/\"3694e05e9dff591\"", "x": 1,
        });
        let meta: ResourceMeta = serde_json::from_value(body.clone()).unwrap();
        assert!(meta.created_at().unwrap().is_ok());
        assert!(meta.last_modified_at().unwrap().is_err());
        assert!(ResourceMeta::of_type("User").created_at().is_none());
        assert_eq!(serde_json::to_value(&meta).unwrap(), body);
    }
}
