//! The elements of a relation as they are answered: at once, or a chunk at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use scim_core::{Error, Projection, Registry, ResourceType, Side};
use scim_server_traits::{Link, MoreLinks, StoreError};
use serde_json::Value;

use crate::body::Body;
use crate::respond::SEGMENT;
use crate::server::Inner;

/// How the links of one relation are written: only those sub-attributes that its schema has.
#[derive(Debug)]
pub(crate) struct Elements {
    resource_type: Arc<ResourceType>,
    relation: String,
    is_reverse: bool,
    has_display: bool,
    has_type: bool,
    /// `None` without `$ref`.
    places: Option<Places>,
}

impl Elements {
    pub(crate) fn new(server: &Inner, resource_type: &Arc<ResourceType>, relation: &str) -> Self {
        let side = resource_type.relation(relation).map(|relation| &relation.side);
        let attribute = resource_type.attribute(relation);
        let has = |sub: &str| attribute.is_some_and(|attribute| attribute.sub_attribute(sub).is_some());
        Self {
            relation: relation.to_owned(),
            is_reverse: matches!(side, Some(Side::Reverse { .. })),
            has_display: has("display"),
            has_type: has("type"),
            places: has("$ref").then(|| server.places.clone()),
            resource_type: Arc::clone(resource_type),
        }
    }

    pub(crate) fn relation(&self) -> &str {
        &self.relation
    }

    fn write_one(&self, out: &mut Vec<u8>, link: &Link) -> serde_json::Result<()> {
        let kind = &link.resource_type;
        out.extend(b"{\"value\":");
        serde_json::to_writer(&mut *out, &link.id)?;
        if let Some(place) = self.places.as_ref().and_then(|places| places.of(kind)) {
            out.extend(b",\"$ref\":\"");
            out.extend(place);
            // What is percent-encoded needs no escapes.
            for part in percent_encoding::utf8_percent_encode(&link.id, SEGMENT) {
                out.extend(part.as_bytes());
            }
            out.push(b'"');
        }
        if let Some(display) = link.display.as_ref().filter(|_| self.has_display) {
            out.extend(b",\"display\":");
            serde_json::to_writer(&mut *out, display)?;
        }
        if self.has_type {
            out.extend(b",\"type\":");
            serde_json::to_writer(&mut *out, if self.is_reverse { "direct" } else { kind })?;
        }
        out.push(b'}');
        Ok(())
    }

    fn element(&self, link: &Link) -> serde_json::Result<Value> {
        let mut bytes = Vec::new();
        self.write_one(&mut bytes, link)?;
        serde_json::from_slice(&bytes)
    }

    /// All of them as a value.
    pub(crate) fn to_value(&self, links: &[Link]) -> serde_json::Result<Value> {
        links.iter().map(|link| self.element(link)).collect::<serde_json::Result<Vec<_>>>().map(Value::Array)
    }

    /// Begins the array as a further member of an object.
    pub(crate) fn open(&self, out: &mut Vec<u8>) {
        // Names of attributes need no escapes (RFC 7643 §2.1).
        out.extend(b",\"");
        out.extend(self.relation.as_bytes());
        out.extend(b"\":[");
    }

    /// Appends elements, with commas between them; `is_first` until one is there.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        links: &[Link],
        projection: &Projection,
        is_first: &mut bool,
    ) -> Result<(), Error> {
        let failed = |error| Error::internal(format!("the answer could not be written: {error}"));
        let whole = projection.takes_whole(&self.resource_type, &self.relation);
        for link in links {
            let part = if whole {
                None
            } else {
                let element = self.element(link).map_err(failed)?;
                let part = projection.part(&self.resource_type, &self.relation, &element);
                let Some(part) = part else { continue };
                Some(part)
            };
            if !std::mem::take(is_first) {
                out.push(b',');
            }
            match part {
                None => self.write_one(out, link),
                Some(part) => serde_json::to_writer(&mut *out, &part),
            }
            .map_err(failed)?;
        }
        Ok(())
    }
}

/// Where the resources of each type are, by its name, as it stands within the quotes of a JSON string.
#[derive(Clone, Debug)]
pub(crate) struct Places(Arc<[(String, Vec<u8>)]>);

impl Places {
    pub(crate) fn new(base: &str, registry: &Registry) -> Self {
        let place = |known: &Arc<ResourceType>| {
            let quoted = Value::from(format!("{base}{}/", known.endpoint())).to_string();
            (known.name().to_owned(), quoted.trim_matches('"').as_bytes().to_vec())
        };
        Self(registry.resource_types().iter().map(place).collect())
    }

    fn of(&self, kind: &str) -> Option<&[u8]> {
        self.0.iter().find(|(name, _)| name == kind).map(|(_, place)| place.as_slice())
    }
}

/// An object whose last members come a chunk at a time.
pub(crate) struct Later {
    /// What is written already.
    written: Vec<u8>,
    projection: Projection,
    relations: VecDeque<(Elements, MoreLinks)>,
    /// The next chunk of the first relation; `None` before it is begun.
    chunk: Option<usize>,
    is_first: bool,
    is_over: bool,
}

impl Later {
    /// After these bytes, which are an object that is still open.
    pub(crate) fn new(
        written: Vec<u8>,
        projection: Projection,
        relations: VecDeque<(Elements, MoreLinks)>,
    ) -> Self {
        Self { written, projection, relations, chunk: None, is_first: true, is_over: false }
    }

    /// The body, which asks the store for a chunk when the client has taken the one before.
    pub(crate) fn into_body(self) -> Body {
        Body::streamed(stream::try_unfold(self, Self::next))
    }

    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        while self.written.is_empty() || self.chunk.is_none() {
            let Some((elements, links)) = self.relations.front() else {
                if self.is_over {
                    return Ok(None);
                }
                self.is_over = true;
                self.written.push(b'}');
                break;
            };
            let number = match self.chunk {
                Some(number) => number,
                None => {
                    elements.open(&mut self.written);
                    self.is_first = true;
                    0
                }
            };
            let chunk = links.chunk(number).await.inspect_err(|error| {
                // The client only sees the connection break.
                tracing::error!(%error, "the store failed in the middle of an answer");
            });
            if let Some(links) = chunk? {
                elements
                    .write(&mut self.written, &links, &self.projection, &mut self.is_first)
                    .map_err(StoreError::Rejected)?;
                self.chunk = Some(number + 1);
            } else {
                self.written.push(b']');
                self.relations.pop_front();
                self.chunk = None;
            }
        }
        Ok(Some((Bytes::from(std::mem::take(&mut self.written)), self)))
    }
}
