//! The transport for the network: HTTP/1.1 and HTTP/2 over TLS.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};

use crate::transport::{Transport, TransportError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(60);
const MAX_RESPONSE: usize = 64 * 1024 * 1024;

/// Sends requests over the network with reqwest and rustls.
///
/// A connection has 10 seconds, the whole exchange 60, and a response at most 64 MiB. Redirects are not followed.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    max_response: usize,
}

impl ReqwestTransport {
    /// Makes a transport with the system's trusted certificates.
    ///
    /// # Errors
    ///
    /// [`TransportError::Other`] when the system's roots cannot be read or TLS cannot be set up.
    // CLI-001
    pub fn new() -> Result<Self, TransportError> {
        Self::with(reqwest::Client::builder())
    }

    /// Makes a transport for `http://` only. It trusts no certificate, so it also works on a machine without any.
    pub(crate) fn without_tls() -> Result<Self, TransportError> {
        Self::with(reqwest::Client::builder().tls_certs_only([]))
    }

    fn with(builder: reqwest::ClientBuilder) -> Result<Self, TransportError> {
        let client = builder
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(carry)?;
        Ok(Self { client, max_response: MAX_RESPONSE })
    }

    /// Sets the maximum size of a response.
    #[must_use]
    pub fn max_response_bytes(mut self, limit: usize) -> Self {
        self.max_response = limit;
        self
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(carry)?;
        let mut response = self.client.execute(request).await.map_err(carry)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(carry)? {
            if body.len() + chunk.len() > self.max_response {
                return Err(TransportError::TooLarge { limit: self.max_response });
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = Response::new(body.freeze());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

fn carry(error: reqwest::Error) -> TransportError {
    // The URL may hold a filter with personal data (RFC 7644 §7.5.2), and errors end up in logs.
    let error = error.without_url();
    if error.is_timeout() {
        TransportError::Timeout(error.into())
    } else if error.is_connect() {
        TransportError::Connect(error.into())
    } else {
        TransportError::Other(error.into())
    }
}
