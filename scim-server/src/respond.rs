//! From outcomes to HTTP responses: representations, headers, errors.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use scim_core::{
    Error, Meta, Projection, Representation, Resource, ResourceType, ScimType, Side, Timestamp, urn,
};
use scim_server_traits::{Link, Stored};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::body::Body;
use crate::etag;
use crate::server::Inner;

/// A response in the making.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    content: Content,
    media_type: &'static str,
    headers: Vec<(HeaderName, String)>,
}

#[derive(Debug)]
enum Content {
    None,
    Json(Vec<u8>),
    Error(Error),
}

impl Answer {
    /// A status without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, content: Content::None, media_type: urn::MEDIA_TYPE, headers: Vec::new() }
    }

    /// A status with a JSON body.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(value)
            .map_err(|error| Error::internal(format!("the answer could not be written: {error}")))?;
        Ok(Self { content: Content::Json(bytes), ..Self::empty(status) })
    }

    /// An error.
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

    /// A header set so far.
    pub(crate) fn get(&self, name: &HeaderName) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn media_type(self, media_type: &'static str) -> Self {
        Self { media_type, ..self }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The keyword of an error.
    pub(crate) fn scim_type(&self) -> Option<&ScimType> {
        match &self.content {
            Content::Error(error) => error.scim_type.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn into_response(self, numeric_status: bool) -> Response<Body> {
        let mut retry_after = None;
        let body = match self.content {
            Content::None => None,
            Content::Json(bytes) => Some(bytes),
            Content::Error(error) => {
                retry_after = error.retry_after;
                Some(error_value(&error, numeric_status).to_string().into_bytes())
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
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        *response.body_mut() = body.map_or_else(Body::empty, Body::from);
        response
    }
}

/// An error as it is written.
pub(crate) fn error_value(error: &Error, numeric_status: bool) -> Value {
    let mut body = serde_json::to_value(error).unwrap_or_default();
    if numeric_status {
        body["status"] = Value::from(error.status.as_u16());
    }
    body
}

/// The relations of a type that a projection shows, and so must be loaded.
pub(crate) fn wanted_relations(resource_type: &ResourceType, projection: &Projection) -> Vec<String> {
    let names = resource_type.relations().iter().map(|relation| &relation.name);
    names.filter(|name| projection.wants(name)).cloned().collect()
}

/// A resource with everything that is computed about it, ready to be serialised under a projection.
pub(crate) struct Shown {
    resource_type: Arc<ResourceType>,
    id: String,
    version: u64,
    resource: Resource,
    meta: Meta,
    computed: Vec<(String, Value)>,
}

impl Shown {
    /// From what the store has.
    pub(crate) fn new(server: &Inner, resource_type: &Arc<ResourceType>, stored: Stored) -> Self {
        let computed = stored
            .links
            .iter()
            .filter(|(_, links)| !links.is_empty())
            .map(|(name, links)| (name.clone(), elements(server, resource_type, name, links)))
            .collect();
        Self {
            meta: meta(server, resource_type, &stored.id, stored.version, stored.created, stored.modified),
            resource_type: Arc::clone(resource_type),
            id: stored.id,
            version: stored.version,
            resource: stored.resource,
            computed,
        }
    }

    pub(crate) fn location(&self) -> &str {
        &self.meta.location
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn etag(&self) -> String {
        etag::tag(self.version)
    }

    /// The JSON value under a projection.
    pub(crate) fn to_value(&self, projection: &Projection) -> Result<Value, Error> {
        self.with(projection, |representation| serde_json::to_value(representation))
            .map_err(|error| Error::internal(format!("the answer could not be written: {error}")))
    }

    /// A full answer with `ETag`, and `Location` where one is due.
    pub(crate) fn answer(&self, status: StatusCode, projection: &Projection) -> Result<Answer, Error> {
        let answer = self.with(projection, |representation| Answer::json(status, &representation))?;
        let answer = answer.header(header::ETAG, self.etag());
        Ok(if status == StatusCode::CREATED {
            answer.header(header::LOCATION, self.location())
        } else {
            answer
        })
    }

    fn with<T>(&self, projection: &Projection, write: impl FnOnce(Representation<'_>) -> T) -> T {
        let computed: Vec<(&str, Value)> =
            self.computed.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        write(Representation {
            resource_type: &self.resource_type,
            id: &self.id,
            resource: &self.resource,
            meta: &self.meta,
            computed: &computed,
            projection,
        })
    }
}

fn meta(
    server: &Inner,
    resource_type: &ResourceType,
    id: &str,
    version: u64,
    created: Timestamp,
    modified: Timestamp,
) -> Meta {
    Meta::new(
        resource_type.name(),
        created,
        modified,
        location(server, resource_type, id),
        etag::tag(version),
    )
}

/// The URI of a resource.
pub(crate) fn location(server: &Inner, resource_type: &ResourceType, id: &str) -> String {
    let id = percent_encoding::utf8_percent_encode(id, SEGMENT);
    format!("{}{}/{id}", server.base, resource_type.endpoint())
}

/// What must be escaped in one segment of a path.
pub(crate) const SEGMENT: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The elements of a relation: only those sub-attributes that its schema has.
fn elements(server: &Inner, resource_type: &ResourceType, name: &str, links: &[Link]) -> Value {
    let reverse =
        resource_type.relation(name).is_some_and(|relation| matches!(relation.side, Side::Reverse { .. }));
    let attribute = resource_type.attribute(name);
    let has = |sub: &str| attribute.is_some_and(|attribute| attribute.sub_attribute(sub).is_some());
    let (has_ref, has_display, has_type) = (has("$ref"), has("display"), has("type"));
    links
        .iter()
        .map(|link| {
            let mut element = Map::new();
            element.insert("value".into(), link.id.clone().into());
            if has_ref && let Some(target) = server.registry.by_name(&link.resource_type) {
                element.insert("$ref".into(), location(server, target, &link.id).into());
            }
            if has_display && let Some(display) = &link.display {
                element.insert("display".into(), display.clone().into());
            }
            if has_type {
                let kind = if reverse { "direct" } else { &link.resource_type };
                element.insert("type".into(), kind.into());
            }
            Value::Object(element)
        })
        .collect()
}
