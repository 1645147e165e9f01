//! Media types — RFC 7644 §3.8.

use http::{HeaderMap, StatusCode, header};
use scim_core::{Error, urn};

/// The media types that are accepted and returned.
#[derive(Clone, Debug, Default)]
pub(crate) struct MediaTypes {
    /// Further types that a client may name in `Accept` and `Content-Type`.
    pub(crate) also: Vec<String>,
    /// Whether `application/scim+json` is returned even to a client that names only `application/json`.
    pub(crate) scim_only: bool,
}

const JSON: &str = "application/json";

impl MediaTypes {
    /// Returns the type of the answer: `application/scim+json`, or `application/json` for a client that accepts nothing
    /// else. Fails with 406 if it accepts neither.
    //
    pub(crate) fn answer(&self, headers: &HeaderMap) -> Result<&'static str, Error> {
        let mut named = false;
        let mut json = false;
        for value in headers.get_all(header::ACCEPT) {
            for range in value.to_str().unwrap_or_default().split(',') {
                let refused = is_refused(range);
                let range = essence(range);
                if range.is_empty() {
                    continue;
                }
                named = true;
                if refused {
                    continue;
                }
                if matches!(range.as_str(), "*/*" | "application/*")
                    || range == urn::MEDIA_TYPE
                    || self.is_also(&range)
                {
                    return Ok(urn::MEDIA_TYPE);
                }
                json |= range == JSON;
            }
        }
        match (named, json) {
            (true, false) => Err(Error::new(
                StatusCode::NOT_ACCEPTABLE,
                "answers are `application/scim+json`: accept that",
            )),
            (true, true) if !self.scim_only => Ok(JSON),
            _ => Ok(urn::MEDIA_TYPE),
        }
    }

    /// Fails with 415 if the `Content-Type` of a body is not JSON. If it is missing, JSON is assumed.
    pub(crate) fn check_content(&self, headers: &HeaderMap) -> Result<(), Error> {
        let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
        let given = essence(value.to_str().unwrap_or_default());
        if given.is_empty() || given == urn::MEDIA_TYPE || given == JSON || self.is_also(&given) {
            return Ok(());
        }
        let detail = format!("`{given}` is not taken: send `application/scim+json`");
        Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
    }

    fn is_also(&self, essence: &str) -> bool {
        self.also.iter().any(|media_type| media_type == essence)
    }
}

/// Fails with 415 for a body in a content coding, because none is supported (RFC 9110 §8.4).
pub(crate) fn check_coding(headers: &HeaderMap) -> Result<(), Error> {
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let given = value.to_str().unwrap_or("?");
        let mut codings = given.split(',').map(str::trim).filter(|coding| !coding.is_empty());
        if let Some(coding) = codings.find(|coding| !coding.eq_ignore_ascii_case("identity")) {
            let detail = format!("`Content-Encoding: {coding}` is not understood: send the body as it is");
            return Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
    }
    Ok(())
}

/// Returns whether the range has `q=0`, which means not acceptable (RFC 9110 §12.4.2).
fn is_refused(range: &str) -> bool {
    let weights = range.split(';').skip(1).filter_map(|parameter| parameter.trim().split_once('='));
    weights
        .filter(|(name, _)| name.eq_ignore_ascii_case("q"))
        .any(|(_, weight)| weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0))
}

/// Returns a media type without its parameters, in lower case.
fn essence(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(accept: &'static str) -> Result<&'static str, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, http::HeaderValue::from_static(accept));
        MediaTypes::default().answer(&headers)
    }

    #[test]
    fn srv_002_q_61_q_72_accept() {
        for scim in ["*/*", "application/scim+json", "text/html, application/*;q=0.1", ""] {
            assert_eq!(answer(scim), Ok(urn::MEDIA_TYPE), "{scim}");
        }
        assert_eq!(answer("application/json; charset=utf-8"), Ok(JSON));
        assert_eq!(answer("application/json, application/scim+json;q=0"), Ok(JSON));
        for refused in ["text/html", "*/*;q=0", "application/scim+json; q=0.0"] {
            assert_eq!(answer(refused).unwrap_err().status, 406, "{refused}");
        }
    }

    #[test]
    fn srv_003_content_type() {
        let check = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static(text));
            MediaTypes::default().check_content(&headers)
        };
        assert!(check("application/scim+json; charset=utf-8").is_ok());
        assert_eq!(check("text/plain").unwrap_err().status, 415);
    }
}
