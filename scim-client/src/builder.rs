//! The settings of a client, which are checked before the first request.

use std::fmt;
use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderValue};

use crate::base_url::BaseUrl;
use crate::bounds::Bounds;
use crate::client::Client;
use crate::error::ClientError;
use crate::transport::Transport;

/// Builds a [`Client`]. [`Client::builder`] creates it.
#[must_use]
pub struct ClientBuilder {
    base_url: String,
    bearer_token: Option<String>,
    user_agent: String,
    transport: Option<Arc<dyn Transport>>,
    allow_http: bool,
    bounds: Bounds,
}

impl ClientBuilder {
    pub(crate) fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            bearer_token: None,
            user_agent: concat!("scim-client/", env!("CARGO_PKG_VERSION")).to_owned(),
            transport: None,
            allow_http: false,
            bounds: Bounds::default(),
        }
    }

    /// Sends this token with every request.
    pub fn bearer_token(mut self, token: impl Into<String>) -> Self {
        self.bearer_token = Some(token.into());
        self
    }

    /// Sets the user agent; the default is `scim-client/<version>`. Some servers refuse requests without one.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Sends requests through this transport. With the `reqwest` feature there is a default.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Allows a base URL that begins with `http://` for hosts other than this one.
    ///
    /// Tokens and personal data can then be read on the way.
    // CLI-001
    pub fn allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// Sets how many JSON values a response may have, counting every element and member. The default is 1,000,000.
    ///
    /// A larger response is [`ClientError::Decode`]. A million values take at most about 450 MB of memory. The
    /// transport limits the bytes of a response. The limit of 34 levels is fixed.
    pub fn max_response_values(mut self, values: usize) -> Self {
        self.bounds.json.elements = values;
        self
    }

    /// Sets how many resources a list may have that is read page by page. The default is 1,000,000.
    ///
    /// A longer list is [`ClientError::ListTooLong`].
    pub fn max_resources(mut self, resources: u64) -> Self {
        self.bounds.resources = resources;
        self
    }

    /// Checks the settings and makes the client.
    ///
    /// # Errors
    ///
    /// [`ClientError::BaseUrl`] and [`ClientError::Header`] for settings that cannot be used, and
    /// [`ClientError::NoTransport`] when there is nothing to send requests with.
    pub fn build(self) -> Result<Client, ClientError> {
        let base = BaseUrl::parse(&self.base_url, self.allow_http)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/scim+json, application/json"));
        headers.insert(USER_AGENT, header("user agent", &self.user_agent)?);
        if let Some(token) = &self.bearer_token {
            let mut value = header("bearer token", &format!("Bearer {}", token.trim()))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport(&base)?,
        };
        Ok(Client::new(base, headers, transport, self.bounds))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token is left out, and so is the base URL: it is not checked for a password yet.
        f.debug_struct("ClientBuilder").field("user_agent", &self.user_agent).finish_non_exhaustive()
    }
}

fn header(what: &'static str, text: &str) -> Result<HeaderValue, ClientError> {
    HeaderValue::from_str(text).map_err(|_| ClientError::Header { what })
}

#[cfg(feature = "reqwest")]
fn default_transport(base: &BaseUrl) -> Result<Arc<dyn Transport>, ClientError> {
    use crate::reqwest_transport::ReqwestTransport;
    let transport = if base.is_plain() { ReqwestTransport::without_tls()? } else { ReqwestTransport::new()? };
    Ok(Arc::new(transport))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport(_: &BaseUrl) -> Result<Arc<dyn Transport>, ClientError> {
    Err(ClientError::NoTransport)
}
