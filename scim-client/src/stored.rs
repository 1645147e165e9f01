//! A resource together with its version and location.

use bytes::Bytes;
use http::header::{ETAG, LOCATION};
use http::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::{decode_parsed, parse};
use crate::bounds::Bounds;
use crate::error::ClientError;

/// A resource as the server stores it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stored<R> {
    /// The resource.
    pub resource: R,
    /// Its entity tag, for conditional calls: the `ETag` header, else `meta.version`.
    pub etag: Option<String>,
    /// Its URI: the `Location` header, else `meta.location`.
    pub location: Option<String>,
}

impl<R: DeserializeOwned> Stored<R> {
    pub(crate) fn read(headers: &HeaderMap, body: &Bytes, bounds: &Bounds) -> Result<Self, ClientError> {
        let value = parse(body, bounds)?;
        let meta = meta(&value);
        let resource = decode_parsed(value, body, bounds)?;
        let header = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::to_owned);
        Ok(Self {
            resource,
            etag: header(ETAG).or(meta.version),
            location: header(LOCATION).or(meta.location),
        })
    }

    pub(crate) fn from_value(value: Value) -> Result<Self, serde_json::Error> {
        let meta = meta(&value);
        Ok(Self { resource: R::deserialize(value)?, etag: meta.version, location: meta.location })
    }
}

/// Reads `meta`. If it has another shape, only the fallback is lost.
fn meta(value: &Value) -> Meta {
    Probe::deserialize(value).unwrap_or_default().meta
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Probe {
    meta: Meta,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    version: Option<String>,
    location: Option<String>,
}
