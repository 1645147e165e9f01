//! A resource with everything that is computed about it, ready to be written into an answer.

use std::sync::Arc;

use http::{StatusCode, header};
use scim_core::{Error, Meta, Projection, Representation, Resource, ResourceType, Verbatim};
use scim_server_traits::Stored;
use serde_json::Value;

use crate::elements::{Elements, Pieces};
use crate::etag::{Fingerprint, Tag};
use crate::respond::{Answer, location};
use crate::server::Inner;

/// What the store has, with what is computed about it.
pub(crate) struct Shown {
    resource_type: Arc<ResourceType>,
    stored: Stored,
    meta: Meta,
    tag: Tag,
    /// How the links of each relation are written.
    elements: Vec<Elements>,
}

impl Shown {
    /// Computes the rest from what the store has.
    pub(crate) fn new(server: &Inner, resource_type: &Arc<ResourceType>, stored: Stored) -> Self {
        let linked = stored.links.iter().filter(|(_, links)| !links.is_empty()).map(|(name, _)| name);
        let elements =
            linked.chain(stored.more.keys()).map(|name| Elements::new(server, resource_type, name));
        let elements: Vec<Elements> = elements.collect();
        let computed = (!elements.is_empty()).then(|| {
            let mut print = Fingerprint::EMPTY;
            for elements in &elements {
                let links = stored.links.get(elements.relation());
                elements.mark(links.map_or(&[], Vec::as_slice), &mut print);
            }
            print
        });
        let tag = Tag { version: stored.version, computed };
        Self {
            meta: Meta::new(
                resource_type.name(),
                stored.created,
                stored.modified,
                location(server, resource_type, &stored.id),
                tag.to_string(),
            ),
            tag,
            elements,
            resource_type: Arc::clone(resource_type),
            stored,
        }
    }

    pub(crate) fn tag(&self) -> Tag {
        self.tag
    }

    /// Returns whether the tag covers everything that is computed. Of links that come in chunks it only says that there
    /// are any.
    pub(crate) fn is_tagged_exactly(&self) -> bool {
        self.stored.more.is_empty()
    }

    /// Returns a full answer with `ETag`, and with `Location` if the resource was created.
    pub(crate) fn answer(self, status: StatusCode, projection: &Projection) -> Result<Answer, Error> {
        let (etag, location) = (self.meta.version.clone(), self.meta.location.clone());
        let mut pieces = Pieces::default();
        self.write(&mut pieces, projection)?;
        let answer = Answer::body(status, pieces.into_body()).header(header::ETAG, etag);
        Ok(if status == StatusCode::CREATED { answer.header(header::LOCATION, location) } else { answer })
    }

    /// Appends the JSON object.
    pub(crate) fn write(mut self, pieces: &mut Pieces, projection: &Projection) -> Result<(), Error> {
        let bytes = self.to_vec(projection)?;
        if self.stored.more.is_empty() {
            pieces.end().extend(bytes);
            return Ok(());
        }
        // The members that come in chunks are the last ones of the object.
        pieces.end().extend(bytes.strip_suffix(b"}").unwrap_or(&bytes));
        for elements in self.elements {
            let Some(links) = self.stored.more.remove(elements.relation()) else { continue };
            elements.open(pieces.end());
            pieces.elements(elements, links, projection.clone());
            pieces.end().push(b']');
        }
        pieces.end().push(b'}');
        Ok(())
    }

    /// Returns the JSON object, without the relations that come later.
    fn to_vec(&self, projection: &Projection) -> Result<Vec<u8>, Error> {
        let id = &self.stored.id;
        let (resource_type, meta) = (&*self.resource_type, &self.meta);
        let failed = |error| Error::internal(format!("the answer could not be written: {error}"));
        let resource;
        let resource = match &self.stored.text {
            None => &self.stored.resource,
            Some(text) => {
                if let Some(bytes) = self.verbatim(text, projection)? {
                    return Ok(bytes);
                }
                resource = Resource::from_canonical(serde_json::from_str(text).map_err(failed)?);
                &resource
            }
        };
        let mut computed = Vec::new();
        for elements in &self.elements {
            let name = elements.relation();
            if let Some(links) = self.stored.links.get(name).filter(|links| !links.is_empty()) {
                computed.push((name, elements.to_value(links).map_err(failed)?));
            }
        }
        let computed: &[(&str, Value)] = &computed;
        let representation = Representation { resource_type, id, resource, meta, computed, projection };
        serde_json::to_vec(&representation).map_err(failed)
    }

    /// Copies the JSON object from stored text. Returns `None` if something of it has to be left out.
    fn verbatim(&self, text: &str, projection: &Projection) -> Result<Option<Vec<u8>>, Error> {
        let takes_whole =
            |elements: &Elements| projection.takes_whole(&self.resource_type, elements.relation());
        if !projection.is_default() || !self.elements.iter().all(takes_whole) {
            return Ok(None);
        }
        let (resource_type, id, meta) = (&*self.resource_type, &*self.stored.id, &self.meta);
        let Some(mut bytes) = (Verbatim { resource_type, id, text, meta }).to_vec() else { return Ok(None) };
        for elements in &self.elements {
            let Some(links) = self.stored.links.get(elements.relation()) else { continue };
            if links.is_empty() {
                continue;
            }
            bytes.truncate(bytes.len().saturating_sub(1));
            elements.open(&mut bytes);
            elements.write(&mut bytes, links, projection, &mut true)?;
            bytes.extend(b"]}");
        }
        Ok(Some(bytes))
    }
}
