//! Writes the elements of a relation, all at once or a chunk at a time.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use scim_core::{Error, Projection, Registry, ResourceType, Side};
use scim_server_traits::{Link, MoreLinks, StoreError};
use serde_json::Value;

use crate::body::Body;
use crate::etag::Fingerprint;
use crate::respond::SEGMENT;
use crate::server::Inner;

/// Writes the links of one relation, with only the sub-attributes that its schema has.
#[derive(Debug)]
pub(crate) struct Elements {
    resource_type: Arc<ResourceType>,
    relation: String,
    is_reverse: bool,
    has_display: bool,
    has_type: bool,
    /// `None` if the schema has no `$ref`.
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
            // Percent-encoded text needs no escapes.
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

    /// Adds what is written of these links to a fingerprint. A `$ref` follows from the id and the type.
    pub(crate) fn mark(&self, links: &[Link], print: &mut Fingerprint) {
        print.add(&self.relation);
        for link in links {
            print.add(&link.id);
            print.add(&link.resource_type);
            if let Some(display) = link.display.as_ref().filter(|_| self.has_display) {
                print.add(display);
            }
        }
    }

    fn element(&self, link: &Link) -> serde_json::Result<Value> {
        let mut bytes = Vec::new();
        self.write_one(&mut bytes, link)?;
        serde_json::from_slice(&bytes)
    }

    /// Returns all of them as a value.
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

    /// Appends elements with commas between them. `is_first` is true until one is written.
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

/// The URL below which the resources of each type are, by the type's name. It is escaped for a JSON string.
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

/// A body under way: bytes, and between them elements that are read a chunk at a time.
#[derive(Default)]
pub(crate) struct Pieces {
    /// Before `last`.
    before: VecDeque<Piece>,
    last: Vec<u8>,
}

enum Piece {
    Bytes(Vec<u8>),
    Elements(Box<Later>),
}

/// How large a chunk of written links is at most, nearly always: 1,000 links of 256 bytes.
const CHUNK: usize = 256 << 10;

impl Piece {
    /// Returns how many bytes it takes in memory while it waits.
    fn held(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Elements(later) => later.links.held(),
        }
    }
}

/// Elements that are read a chunk at a time.
struct Later {
    elements: Elements,
    links: MoreLinks,
    projection: Projection,
    /// The number of the next chunk.
    chunk: usize,
    is_first: bool,
}

impl Pieces {
    /// Returns the end of the body, to append bytes.
    pub(crate) fn end(&mut self) -> &mut Vec<u8> {
        &mut self.last
    }

    /// Continues an open array with these elements.
    pub(crate) fn elements(&mut self, elements: Elements, links: MoreLinks, projection: Projection) {
        self.before.push_back(Piece::Bytes(mem::take(&mut self.last)));
        let later = Later { elements, links, projection, chunk: 0, is_first: true };
        self.before.push_back(Piece::Elements(Box::new(later)));
    }

    /// Returns the body. It asks the store for a chunk once the client has taken the one before.
    pub(crate) fn into_body(mut self) -> Body {
        if self.before.is_empty() {
            return Body::from(self.last);
        }
        self.before.push_back(Piece::Bytes(self.last));
        let held = CHUNK + self.before.iter().map(Piece::held).sum::<usize>();
        let chunks = stream::try_unfold(self.before, |mut pieces| async move {
            let next = next(&mut pieces).await?;
            Ok(next.map(|bytes| (bytes, pieces)))
        });
        Body::streamed(chunks, held)
    }
}

async fn next(pieces: &mut VecDeque<Piece>) -> Result<Option<Bytes>, StoreError> {
    loop {
        let bytes = match pieces.front_mut() {
            None => return Ok(None),
            Some(Piece::Bytes(bytes)) => Some(mem::take(bytes)).filter(|bytes| !bytes.is_empty()),
            Some(Piece::Elements(later)) => later.next().await?,
        };
        match bytes {
            Some(bytes) => return Ok(Some(Bytes::from(bytes))),
            None => drop(pieces.pop_front()),
        }
    }
}

impl Later {
    /// Returns the elements of the next chunk of which any is shown.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        loop {
            let links = self.links.chunk(self.chunk).await.inspect_err(|error| {
                // The client only sees the connection break.
                tracing::error!(%error, "the store failed in the middle of an answer");
            });
            let Some(links) = links? else { return Ok(None) };
            self.chunk += 1;
            let mut written = Vec::new();
            let Self { elements, projection, is_first, .. } = self;
            elements.write(&mut written, &links, projection, is_first).map_err(StoreError::Rejected)?;
            if !written.is_empty() {
                return Ok(Some(written));
            }
        }
    }
}
