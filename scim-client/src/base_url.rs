//! The base URL: which ones are allowed, and how the URLs of requests are made from it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use crate::error::ClientError;

/// Everything but the unreserved characters of RFC 3986 §2.3: a space becomes `%20`, a plus `%2B`.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}

/// A checked base URL.
#[derive(Clone, Debug)]
pub(crate) struct BaseUrl {
    url: Url,
    /// The URL without trailing slashes.
    text: String,
}

impl BaseUrl {
    pub(crate) fn parse(text: &str, allow_http: bool) -> Result<Self, ClientError> {
        let refuse = |reason: &str| Err(ClientError::BaseUrl { reason: reason.to_owned() });
        let url = match Url::parse(text) {
            Ok(url) => url,
            Err(error) => return refuse(&error.to_string()),
        };
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return refuse("it names no host"),
        };
        match url.scheme() {
            "https" => {}
            "http" if allow_http || loopback => {}
            "http" => return refuse("plain http carries the token in the clear: use https, or `allow_http`"),
            _ => return refuse("it must begin with `https://`"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it holds a user name or a password");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("it holds a query or a fragment");
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// Returns whether the scheme is `http`. Redirects stay at the origin, so no request will need TLS.
    pub(crate) fn is_plain(&self) -> bool {
        self.url.scheme() == "http"
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the URL of an endpoint.
    pub(crate) fn endpoint(&self, path: &str) -> String {
        format!("{}/{}", self.text, path.trim_matches('/'))
    }

    /// Returns the URL of one resource. Its id is one path segment, whatever characters it has.
    pub(crate) fn resource(&self, path: &str, id: &str) -> Result<String, ClientError> {
        // A URL library removes dot segments, encoded or not. The request would then reach the whole list.
        if matches!(id, "" | "." | "..") {
            return Err(ClientError::InvalidId { id: id.to_owned() });
        }
        Ok(format!("{}/{}", self.endpoint(path), encode(id)))
    }

    /// Resolves a `Location` that was received from `url`, and refuses any origin but the base URL's.
    ///
    /// The token and personal data must not go to another origin.
    // CLI-025
    pub(crate) fn follow(&self, url: &str, location: &str) -> Result<String, ClientError> {
        let refuse = || ClientError::Location { location: location.to_owned() };
        let target = Url::parse(url).and_then(|url| url.join(location)).map_err(|_| refuse())?;
        let plain = target.username().is_empty() && target.password().is_none();
        if target.origin() == self.url.origin() && plain { Ok(target.into()) } else { Err(refuse()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str) {
        let error = BaseUrl::parse(text, false).unwrap_err();
        assert!(matches!(error, ClientError::BaseUrl { .. }), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn cli_001_http_only_when_asked_for_or_at_home() {
        refused("http://example.com/scim/v2");
        assert!(BaseUrl::parse("http://example.com/scim/v2", true).is_ok());
        for home in
            ["http://localhost:8080", "http://127.0.0.1/scim", "http://[::1]:80/", "http://a.localhost"]
        {
            assert!(BaseUrl::parse(home, false).is_ok(), "{home}");
        }
        for other in ["ftp://example.com", "example.com/scim", "data:x", "http://localhost.example.com"] {
            refused(other);
        }
    }

    #[test]
    fn cli_002_no_userinfo() {
        refused("https://ada:hunter2@example.com/");
        refused("https://hunter2@example.com/");
    }

    #[test]
    fn core_096_no_query() {
        refused("https://example.com/scim/v2?aadOptscim062020");
        refused("https://example.com/scim/v2#x");
    }

    #[test]
    fn trailing_slashes_are_tolerated_and_ids_are_one_segment() {
        for text in ["https://example.com/scim/v2", "https://example.com/scim/v2/"] {
            let base = BaseUrl::parse(text, false).unwrap();
            assert_eq!(base.endpoint("/Users"), "https://example.com/scim/v2/Users");
            assert_eq!(
                base.resource("/Users", "a/b ?+é").unwrap(),
                "https://example.com/scim/v2/Users/a%2Fb%20%3F%2B%C3%A9"
            );
            for id in ["", ".", ".."] {
                assert!(matches!(base.resource("/Users", id), Err(ClientError::InvalidId { .. })));
            }
        }
    }

    #[test]
    fn cli_025_locations_stay_on_the_origin() {
        let base = BaseUrl::parse("https://example.com/scim/v2", false).unwrap();
        let at = base.endpoint("/Users");
        assert_eq!(base.follow(&at, "/v3/Users").unwrap(), "https://example.com/v3/Users");
        assert_eq!(base.follow(&at, "Users/1").unwrap(), "https://example.com/scim/v2/Users/1");
        for other in
            ["https://evil.example/Users", "http://example.com/", "//evil.example/", "https://a@example.com/"]
        {
            assert!(base.follow(&at, other).is_err(), "{other}");
        }
    }
}
