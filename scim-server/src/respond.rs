//! Turns outcomes into HTTP responses: status, headers, errors.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::Body as _;
use scim_core::{Error, ListResponse, Projection, ResourceType, ScimType, urn};
use serde::Serialize;

use crate::body::Body;
use crate::elements::Pieces;
use crate::error_body::ErrorBody;
use crate::server::Inner;

/// A response that is being built.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    content: Content,
    media_type: &'static str,
    headers: Vec<(HeaderName, String)>,
    is_public: bool,
}

#[derive(Debug)]
enum Content {
    None,
    Body(Body),
    Error(Error),
}

impl Answer {
    /// Creates an answer with a status and no body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            content: Content::None,
            media_type: urn::MEDIA_TYPE,
            headers: Vec::new(),
            is_public: false,
        }
    }

    /// Creates an answer with a status and a JSON body.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(value)
            .map_err(|error| Error::internal(format!("the answer could not be written: {error}")))?;
        Ok(Self::body(status, bytes))
    }

    /// Creates an answer with a body of JSON that is already written, or is streamed.
    pub(crate) fn body(status: StatusCode, body: impl Into<Body>) -> Self {
        Self { content: Content::Body(body.into()), ..Self::empty(status) }
    }

    /// Creates a page of this many resources. `write` writes them, with commas between them.
    pub(crate) fn list(
        mut page: ListResponse<()>,
        count: usize,
        write: impl FnOnce(&mut Pieces) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        page.items_per_page = Some(count as u64);
        let mut bytes = serde_json::to_vec(&page)
            .map_err(|error| Error::internal(format!("the answer could not be written: {error}")))?;
        // The last member is an empty array.
        bytes.truncate(bytes.len().saturating_sub(2));
        let mut pieces = Pieces::default();
        *pieces.end() = bytes;
        write(&mut pieces)?;
        pieces.end().extend(b"]}");
        Ok(Self::body(StatusCode::OK, pieces.into_body()))
    }

    /// Creates an error.
    pub(crate) fn error(error: Error) -> Self {
        Self { status: error.status, content: Content::Error(error), ..Self::empty(StatusCode::OK) }
    }

    pub(crate) fn boxed(error: Error) -> Box<Self> {
        Box::new(Self::error(error))
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Returns a header that was set.
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Allows an answer to be cached, because it describes the service and says nothing about a person.
    pub(crate) fn public(self) -> Self {
        Self { is_public: true, ..self }
    }

    pub(crate) fn media_type(self, media_type: &'static str) -> Self {
        Self { media_type, ..self }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the keyword of an error.
    pub(crate) fn scim_type(&self) -> Option<&ScimType> {
        match &self.content {
            Content::Error(error) => error.scim_type.as_ref(),
            _ => None,
        }
    }

    /// Returns the sentence of an error.
    pub(crate) fn detail(&self) -> Option<&str> {
        match &self.content {
            Content::Error(error) => Some(&error.detail),
            _ => None,
        }
    }

    pub(crate) fn into_response(self, errors: &ErrorBody) -> Response<Body> {
        let mut retry_after = None;
        let body = match self.content {
            Content::None => None,
            Content::Body(body) => Some(body),
            Content::Error(error) => {
                retry_after = error.retry_after;
                Some(errors.value(&error).to_string().into_bytes().into())
            }
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        }
        if let Some(wait) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        // What a browser or a proxy stores, the next person there can read.
        if !self.is_public {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        // So a name such as `<script>` is never shown as a page.
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        *response.body_mut() = body.unwrap_or_default();
        response
    }
}

/// Returns the answer to HEAD: what GET would have answered, without its body (RFC 9110 §9.3.2).
pub(crate) fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(parts, Body::empty())
}

/// Returns the relations of a type that a projection shows, and that must therefore be loaded.
pub(crate) fn wanted_relations(resource_type: &ResourceType, projection: &Projection) -> Vec<String> {
    let names = resource_type.relations().iter().map(|relation| &relation.name);
    names.filter(|name| projection.wants(name)).cloned().collect()
}

/// Returns the URI of a resource.
pub(crate) fn location(server: &Inner, resource_type: &ResourceType, id: &str) -> String {
    let mut location = [&server.base, resource_type.endpoint(), "/"].concat();
    location.extend(percent_encoding::utf8_percent_encode(id, SEGMENT));
    location
}

/// The characters that must be escaped in one segment of a path.
pub(crate) const SEGMENT: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
