//! The client: one base URL, one token, one transport.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use serde_json::Value;

use scim_core::{Group, ResourceTypeDocument, Schema, ScimResource, ServiceProviderConfig, User, urn};

use crate::answer::{check, decode, unreadable};
use crate::base_url::BaseUrl;
use crate::bounds::Bounds;
use crate::builder::ClientBuilder;
use crate::endpoint::Endpoint;
use crate::error::ClientError;
use crate::query::Query;
use crate::transport::Transport;

/// How many redirects by 307 and 308 a request may follow.
const MAX_HOPS: usize = 5;

/// A SCIM client. Cloning is cheap and shares everything.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    base: BaseUrl,
    headers: HeaderMap,
    transport: Arc<dyn Transport>,
    bounds: Bounds,
}

impl Client {
    /// Begins a client for the service provider at this base URL, such as `https://example.com/scim/v2`.
    pub fn builder(base_url: &str) -> ClientBuilder {
        ClientBuilder::new(base_url)
    }

    pub(crate) fn new(
        base: BaseUrl,
        headers: HeaderMap,
        transport: Arc<dyn Transport>,
        bounds: Bounds,
    ) -> Self {
        Self { inner: Arc::new(Inner { base, headers, transport, bounds }) }
    }

    /// Returns the endpoint of users.
    pub fn users(&self) -> Endpoint<'_, User> {
        self.resources()
    }

    /// Returns the endpoint of groups.
    pub fn groups(&self) -> Endpoint<'_, Group> {
        self.resources()
    }

    /// Returns the endpoint that the Rust type `R` names.
    pub fn resources<R: ScimResource>(&self) -> Endpoint<'_, R> {
        self.at(R::ENDPOINT)
    }

    /// Returns an endpoint below the base URL, with resources read as `R`, often [`serde_json::Value`].
    ///
    /// [`Client::resource_types`] lists the endpoints of the service provider.
    // CLI-006
    pub fn at<'a, R>(&'a self, endpoint: &'a str) -> Endpoint<'a, R> {
        Endpoint::new(self, endpoint)
    }

    /// Reads what the service provider supports.
    ///
    /// # Errors
    ///
    /// [`ClientError::Transport`] when no answer came, [`ClientError::Status`] for an answer of 400 and above, and
    /// [`ClientError::Decode`] for a body that is not what was asked for.
    pub async fn service_provider_config(&self) -> Result<ServiceProviderConfig, ClientError> {
        let url = self.base().endpoint("/ServiceProviderConfig");
        decode(self.call(Call::get(url)).await?.body(), self.bounds())
    }

    /// Reads the resource types that the service provider has.
    ///
    /// # Errors
    ///
    /// [`ClientError::Transport`] when no answer came, [`ClientError::Status`] for an answer of 400 and above, and
    /// [`ClientError::Decode`] for a body that is not what was asked for.
    pub async fn resource_types(&self) -> Result<Vec<ResourceTypeDocument>, ClientError> {
        Ok(self.at("/ResourceTypes").list(&Query::new()).await?.resources)
    }

    /// Reads the schemas that the service provider publishes.
    ///
    /// If one of them is not valid, `client.at::<Value>("/Schemas")` still reads all of them.
    ///
    /// # Errors
    ///
    /// [`ClientError::Transport`] when no answer came, [`ClientError::Status`] for an answer of 400 and above, and
    /// [`ClientError::Decode`] for a body that is not what was asked for. One schema that is not valid is such a body.
    pub async fn schemas(&self) -> Result<Vec<Schema>, ClientError> {
        let documents = self.at::<Value>("/Schemas").list(&Query::new()).await?.resources;
        let read = |document: Value| {
            let body = Bytes::from(document.to_string());
            Schema::from_json(document).map_err(|error| unreadable(error, body))
        };
        documents.into_iter().map(read).collect()
    }

    pub(crate) fn base(&self) -> &BaseUrl {
        &self.inner.base
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.inner.bounds
    }

    /// Sends a request, follows redirects, and turns refusals into errors.
    pub(crate) async fn call(&self, call: Call) -> Result<Response<Bytes>, ClientError> {
        let mut url = call.url.clone();
        for _ in 0..=MAX_HOPS {
            let response = self.inner.transport.send(self.request(&call, &url)?).await?;
            if !matches!(response.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
                return check(response, self.bounds());
            }
            // Method, body and token are sent again (CLI-025), so the origin must stay the same.
            let Some(location) = location(&response) else {
                return check(response, self.bounds());
            };
            url = self.base().follow(&url, location)?;
        }
        Err(ClientError::TooManyRedirects { hops: MAX_HOPS + 1 })
    }

    fn request(&self, call: &Call, url: &str) -> Result<Request<Bytes>, ClientError> {
        let body = call.body.clone();
        let mut headers = self.inner.headers.clone();
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(urn::MEDIA_TYPE));
        }
        if let Some((name, value)) = &call.condition {
            headers.insert(name, value.clone());
        }
        let mut request = Request::new(body.unwrap_or_default());
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = url.parse().map_err(|_| ClientError::Url { url: url.to_owned() })?;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base().as_str()).finish_non_exhaustive()
    }
}

pub(crate) fn location(response: &Response<Bytes>) -> Option<&str> {
    response.headers().get(LOCATION)?.to_str().ok()
}

/// One request, before redirects.
pub(crate) struct Call {
    method: Method,
    url: String,
    body: Option<Bytes>,
    condition: Option<(HeaderName, HeaderValue)>,
}

impl Call {
    pub(crate) fn get(url: String) -> Self {
        Self::new(Method::GET, url)
    }

    pub(crate) fn new(method: Method, url: String) -> Self {
        Self { method, url, body: None, condition: None }
    }

    pub(crate) fn json(mut self, body: &(impl serde::Serialize + ?Sized)) -> Result<Self, ClientError> {
        self.body = Some(serde_json::to_vec(body).map_err(ClientError::Encode)?.into());
        Ok(self)
    }

    /// Adds `If-Match` or `If-None-Match` (RFC 7644 §3.14).
    pub(crate) fn condition(mut self, name: HeaderName, etag: &str) -> Result<Self, ClientError> {
        let value = HeaderValue::from_str(etag).map_err(|_| ClientError::Header { what: "entity tag" })?;
        self.condition = Some((name, value));
        Ok(self)
    }
}
