//! Reads what servers really send.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, Response, StatusCode};
use serde::de::{DeserializeOwned, Error as _};
use serde_json::{Value, json};

use scim_core::{ListResponse, ScimType, parse_json, printable, urn};

use crate::bounds::Bounds;
use crate::error::{ClientError, ErrorBody};
use crate::query::Query;

/// Passes a success on and turns every other answer into an error.
pub(crate) fn check(response: Response<Bytes>, bounds: &Bounds) -> Result<Response<Bytes>, ClientError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(response.headers());
    let mut body = error_body(status, response.into_body(), bounds);
    if let ErrorBody::Scim(error) = &mut body {
        error.retry_after = retry_after;
    }
    Err(ClientError::Status { status, body, retry_after })
}

/// Parses JSON of limited depth with a limited number of values; an object may not have a key twice.
pub(crate) fn parse(body: &Bytes, bounds: &Bounds) -> Result<Value, ClientError> {
    parse_json(body, &bounds.json).map_err(|error| unreadable(error.detail, body.clone()))
}

/// Parses JSON into a type.
pub(crate) fn decode<T: DeserializeOwned>(body: &Bytes, bounds: &Bounds) -> Result<T, ClientError> {
    decode_parsed(parse(body, bounds)?, body, bounds)
}

/// Decodes a body that is parsed already; see [`decode`].
pub(crate) fn decode_parsed<T: DeserializeOwned>(
    value: Value,
    body: &Bytes,
    bounds: &Bounds,
) -> Result<T, ClientError> {
    // The value is moved, so that it takes no memory while the decoded type exists.
    T::deserialize(value).or_else(|error| {
        // `null` means absent (RFC 7643 §2.5), but not to every Rust type.
        let stripped = without_nulls(parse(body, bounds)?);
        T::deserialize(stripped).map_err(|_| unreadable(error, body.clone()))
    })
}

/// Decodes the page that answers a query, after removing each `null`.
///
/// `schemas` may be missing, but then the page must have `totalResults` or `Resources`.
pub(crate) fn decode_list<T: DeserializeOwned>(
    body: &Bytes,
    bounds: &Bounds,
    query: &Query,
) -> Result<ListResponse<T>, ClientError> {
    let mut page = without_nulls(parse(body, bounds)?);
    if let Value::Object(map) = &mut page
        && (map.contains_key("totalResults") || map.contains_key("Resources"))
    {
        map.entry("schemas").or_insert_with(|| json!([urn::LIST_RESPONSE]));
    }
    // Resources are counted before they are decoded, because a typed resource is far larger than `{}`.
    let found = page.get("Resources").and_then(Value::as_array).map_or(0, Vec::len) as u64;
    let limit = Bounds::page(query);
    if found > limit {
        return Err(ClientError::PageTooLarge { found, limit });
    }
    serde_json::from_value(page).map_err(|error| unreadable(error, body.clone()))
}

/// Makes the error for an answer that does not fit the request. The error's text may quote the answer.
pub(crate) fn unreadable(error: impl Display, body: impl Into<Bytes>) -> ClientError {
    let source = serde_json::Error::custom(printable(&error.to_string()));
    ClientError::Decode { source, body: body.into() }
}

/// Returns whether a body holds no resource: it is empty, `null`, or the `{}` that Google answers to PATCH.
pub(crate) fn is_blank(body: &[u8]) -> bool {
    matches!(body.trim_ascii(), b"" | b"{}" | b"null")
}

fn without_nulls(mut value: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                map.retain(|_, value| !value.is_null());
                map.values_mut().for_each(strip);
            }
            Value::Array(values) => {
                values.retain(|value| !value.is_null());
                values.iter_mut().for_each(strip);
            }
            _ => {}
        }
    }
    strip(&mut value);
    value
}

/// Reads the body of an error: a SCIM error is known by its schema URN or by members that only it has.
///
/// A status that the body lacks is taken from the response.
// CLI-030
fn error_body(status: StatusCode, body: Bytes, bounds: &Bounds) -> ErrorBody {
    let Ok(value) = parse_json(&body, &bounds.json) else {
        return ErrorBody::Bytes(body);
    };
    if let Ok(error) = serde_json::from_value(value.clone()) {
        return ErrorBody::Scim(error);
    }
    let named = value["schemas"].as_array().is_some_and(|urns| urns.iter().any(|urn| urn == urn::ERROR));
    if named || value["detail"].is_string() || value["scimType"].is_string() {
        let mut error = scim_core::Error::new(status, value["detail"].as_str().unwrap_or_default());
        error.scim_type = value["scimType"].as_str().filter(|text| !text.is_empty()).map(ScimType::from);
        return ErrorBody::Scim(error);
    }
    ErrorBody::Json(value)
}

/// Reads `Retry-After` (RFC 9110 §10.2.3): seconds or a date. A date is compared with the server's `Date`, if sent.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let date =
        |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|zoned| SystemTime::from(zoned.timestamp()));
    let wait = text(RETRY_AFTER)?;
    if let Ok(seconds) = wait.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let now = text(DATE).and_then(date).unwrap_or_else(SystemTime::now);
    Some(date(wait)?.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[track_caller]
    fn error(body: &'static str) -> ErrorBody {
        error_body(StatusCode::NOT_FOUND, Bytes::from_static(body.as_bytes()), &Bounds::default())
    }

    #[test]
    fn cli_030_errors_are_understood_as_far_as_possible() {
        let scim = |body| match error(body) {
            ErrorBody::Scim(error) => (error.status.as_u16(), error.detail),
            other => panic!("{other:?}"),
        };
        assert_eq!(scim(r#"{"schemas": [], "status": "404", "detail": "a"}"#), (404, "a".into()));
        assert_eq!(scim(r#"{"status": 404, "detail": "b", "scimType": "new"}"#), (404, "b".into()));
        assert_eq!(scim(r#"{"detail": "c"}"#), (404, "c".into()));
        assert_eq!(
            scim(r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"]}"#),
            (404, String::new())
        );
    }

    #[test]
    fn q_32_what_is_not_understood_is_kept() {
        assert_eq!(error("<html>"), ErrorBody::Bytes(Bytes::from_static(b"<html>")));
        assert_eq!(error(""), ErrorBody::Bytes(Bytes::new()));
        assert_eq!(error(r#"{"message": "x"}"#), ErrorBody::Json(serde_json::json!({"message": "x"})));
        assert_eq!(error("").to_string(), "no body");
    }

    #[test]
    fn retry_after_takes_seconds_and_dates() {
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
        headers.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:57 GMT"));
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(20)));
        headers.insert(RETRY_AFTER, HeaderValue::from_static("soon"));
        assert_eq!(retry_after(&headers), None);
    }
}
