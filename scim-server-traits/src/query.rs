//! Reads as data.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{Resource, ResourceType, Timestamp};
use scim_filter::BoundFilter;
use serde_json::{Map, Value};

use crate::error::StoreError;
use crate::sort::{Position, Sort};

/// Which resource to read, and how much of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Get {
    /// The type.
    pub resource_type: Arc<ResourceType>,
    /// The identifier.
    pub id: String,
    /// The relations to load, own and reverse, by attribute name.
    pub relations: Vec<String>,
    /// How many links of a relation may come at once. Where there are more, a store that can give them a chunk at a
    /// time does so ([`Stored::more`]), so that nobody has to hold them all; any other gives them all the same.
    pub at_once: usize,
    /// Whether the document may come as text ([`Stored::text`]): the caller only passes it on.
    pub as_text: bool,
    /// Whether to keep attributes that the type does not have in a document that was written under another definition
    /// of the type ([`ResourceType::fit`]).
    pub keeps_unknown: bool,
}

impl Get {
    /// The document alone.
    pub fn new(resource_type: Arc<ResourceType>, id: impl Into<String>) -> Self {
        Self {
            resource_type,
            id: id.into(),
            relations: Vec::new(),
            at_once: usize::MAX,
            as_text: false,
            keeps_unknown: false,
        }
    }

    /// With these relations.
    #[must_use]
    pub fn with_relations(mut self, relations: Vec<String>) -> Self {
        self.relations = relations;
        self
    }

    /// With no more links of a relation at once than this, if the store can.
    #[must_use]
    pub fn at_once(mut self, links: usize) -> Self {
        self.at_once = links;
        self
    }

    /// With the document as text, if the store has it so.
    #[must_use]
    pub fn as_text(mut self) -> Self {
        self.as_text = true;
        self
    }
}

/// Which resources to read: filter, order and page.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Query {
    /// The type.
    pub resource_type: Arc<ResourceType>,
    /// What they must match.
    pub filter: Option<BoundFilter>,
    /// In which order; that of creation unless said.
    pub sort: Sort,
    /// Where the page lies.
    pub seek: Seek,
    /// How many matches to pass over from there. The server gives none together with a position.
    pub offset: u64,
    /// How many to return at most; 0 asks for the total alone.
    pub limit: u64,
    /// The relations to load, by attribute name.
    pub relations: Vec<String>,
    /// How many links of a relation of one resource may come at once, as for [`Get::at_once`].
    pub at_once: usize,
    /// Whether documents may come as text ([`Stored::text`]): the caller only passes them on.
    pub as_text: bool,
    /// Whether to keep attributes that the type does not have, as for [`Get::keeps_unknown`].
    pub keeps_unknown: bool,
    /// The scan budget: how many candidates may be examined one by one. Exactly so many are allowed; one more is
    /// [`TooMany`](crate::StoreError::TooMany).
    ///
    /// Counted is each candidate that the index leaves and that has to be examined, to decide the filter or to be put
    /// in an order that no index has. The plan of the filter ([`BoundFilter::plan`]) says which those are:
    ///
    /// * Where it is `exact`, the index alone decides the filter, and no candidate counts.
    /// * Where it is not, each candidate of its `narrow` counts, and no other resource: all of them, whether they
    ///   match or not, wherever the page begins and ends, also for a `limit` of 0.
    /// * In an order that no index has, each match counts, once.
    ///
    /// A document that is read because it is on the page does not count. A store that examines nothing, because its
    /// database decides each filter, needs no budget.
    ///
    /// ```
    /// use scim_core::{Lenience, ResourceType};
    /// use scim_filter::{Filter, Narrow};
    ///
    /// # fn main() -> Result<(), scim_filter::FilterError> {
    /// let plan = |text: &str| {
    ///     let filter: Filter = text.parse()?;
    ///     Ok::<_, scim_filter::FilterError>(filter.bind(&ResourceType::user(), &mut Lenience::strict())?.plan())
    /// };
    /// // Of 1,000 users, 30 have a name that begins with `a`, and 2 of these have a title.
    /// // The index finds the 30, and all of them match: none counts.
    /// assert!(plan(r#"userName sw "a""#)?.exact);
    /// // The index finds the 30, whose documents say which 2 match: 30 count.
    /// let titled = plan(r#"userName sw "a" and title pr"#)?;
    /// assert!(!titled.exact && titled.narrow == plan(r#"userName sw "a""#)?.narrow);
    /// // No index helps: 1,000 count.
    /// assert_eq!(plan(r#"userName sw "a" or title pr"#)?.narrow, Narrow::All);
    /// # Ok(())
    /// # }
    /// ```
    pub scan_limit: u64,
}

impl Query {
    /// Everything of a type, from the first, a hundred at most.
    pub fn new(resource_type: Arc<ResourceType>) -> Self {
        Self {
            resource_type,
            filter: None,
            sort: Sort::default(),
            seek: Seek::Start,
            offset: 0,
            limit: 100,
            relations: Vec::new(),
            at_once: usize::MAX,
            as_text: false,
            keeps_unknown: false,
            scan_limit: 100_000,
        }
    }

    /// What matches this filter.
    #[must_use]
    pub fn with_filter(mut self, filter: BoundFilter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// In this order.
    #[must_use]
    pub fn sorted(mut self, sort: Sort) -> Self {
        self.sort = sort;
        self
    }

    /// From here.
    #[must_use]
    pub fn seek(mut self, seek: Seek) -> Self {
        self.seek = seek;
        self
    }

    /// This part of it.
    #[must_use]
    pub fn page(mut self, offset: u64, limit: u64) -> Self {
        self.offset = offset;
        self.limit = limit;
        self
    }

    /// With these relations.
    #[must_use]
    pub fn with_relations(mut self, relations: Vec<String>) -> Self {
        self.relations = relations;
        self
    }

    /// With no more links of a relation at once than this, if the store can.
    #[must_use]
    pub fn at_once(mut self, links: usize) -> Self {
        self.at_once = links;
        self
    }
}

/// From where a page is read, so that the page at any depth costs what the first one costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Seek {
    /// From the beginning.
    #[default]
    Start,
    /// What follows this position in the order of the query.
    After(Position),
    /// What comes last before this position; the page is still in the order of the query.
    Before(Position),
}

impl Seek {
    /// The position, if any.
    pub fn position(&self) -> Option<&Position> {
        match self {
            Self::Start => None,
            Self::After(position) | Self::Before(position) => Some(position),
        }
    }
}

/// A resource as the store has it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stored {
    /// The identifier.
    pub id: String,
    /// The version: moves on each real change of document or own links.
    pub version: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it last really changed.
    pub modified: Timestamp,
    /// The document; empty when it came as text.
    pub resource: Resource,
    /// The document as JSON text, in place of `resource`: only where that was asked for.
    pub text: Option<String>,
    /// The relations that were asked for, each with its links in the order in which their other ends were created;
    /// a relation without links has an empty list.
    pub links: BTreeMap<String, Vec<Link>>,
    /// Those with more links than were to come at once. Such a relation has no link in `links`: all come here.
    pub more: BTreeMap<String, MoreLinks>,
}

impl Stored {
    /// A resource without links.
    pub fn new(
        id: impl Into<String>,
        version: u64,
        created: Timestamp,
        modified: Timestamp,
        resource: Resource,
    ) -> Self {
        let (links, more) = (BTreeMap::new(), BTreeMap::new());
        Self { id: id.into(), version, created, modified, resource, text: None, links, more }
    }
}

/// The links of a relation, a chunk at a time. Which ones they are was settled when the resource was read, so that
/// they are those of its version; how each looks is found out when it comes, and one whose other end is gone by then
/// is left out.
#[derive(Clone)]
pub struct MoreLinks(Arc<dyn LinkChunks>);

impl MoreLinks {
    /// What these chunks hold.
    pub fn new(chunks: impl LinkChunks + 'static) -> Self {
        Self(Arc::new(chunks))
    }

    /// The chunk of this number, from 0, perhaps an empty one; `None` behind the last.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the store fails.
    pub async fn chunk(&self, number: usize) -> Result<Option<Vec<Link>>, StoreError> {
        self.0.chunk(number).await
    }

    /// How many bytes of memory the chunks take until they are dropped.
    pub fn held(&self) -> usize {
        self.0.held()
    }
}

impl fmt::Debug for MoreLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MoreLinks").finish_non_exhaustive()
    }
}

impl PartialEq for MoreLinks {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Links that a store gives a chunk at a time.
#[async_trait]
pub trait LinkChunks: Send + Sync {
    /// The chunk of this number, from 0, perhaps an empty one; `None` behind the last.
    async fn chunk(&self, number: usize) -> Result<Option<Vec<Link>>, StoreError>;

    /// How many bytes of memory this takes until it is dropped, beside the chunk that was given last. An answer that
    /// waits for a slow client is counted with it.
    fn held(&self) -> usize;
}

/// One link as it is shown: the other end, with what is computed about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// The identifier of the other end.
    pub id: String,
    /// The name of its resource type.
    pub resource_type: String,
    /// What the link was given to show, else the other end's name as [`label`](crate::label) gives it.
    pub display: Option<String>,
}

impl Link {
    /// A link to this resource.
    pub fn new(id: impl Into<String>, resource_type: impl Into<String>, display: Option<String>) -> Self {
        Self { id: id.into(), resource_type: resource_type.into(), display }
    }

    /// The link as the element that the filter of a [`RemoveWhere`](scim_patch::RelationStep::RemoveWhere) is asked
    /// about: `value` is the identifier, `type` the resource type's name, `display` what is shown, absent where
    /// nothing is. A link has no other sub-attribute: `$ref` is computed from these when it is shown.
    ///
    /// A filter that names nothing but identifiers takes the links to exactly these
    /// ([`only_values`](scim_filter::ElementFilter::only_values)): identifiers are case-sensitive, which the schema
    /// of `value` does not say, and no link has to be read for it.
    ///
    /// ```
    /// use scim_core::{Lenience, ResourceType};
    /// use scim_filter::{BoundPath, Path};
    /// use scim_server_traits::Link;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // What a store gets for `{"op": "remove", "path": "members[type eq \"User\" and display sw \"b\"]"}`.
    /// let path: Path = r#"members[type eq "User" and display sw "b"]"#.parse()?;
    /// let path = path.bind(&ResourceType::group(), &mut Lenience::strict())?;
    /// let BoundPath::Attribute { filter: Some(filter), .. } = path else { unreachable!() };
    ///
    /// let link = |name: Option<&str>| Link::new("2819c223", "User", name.map(str::to_owned));
    /// assert!(filter.matches(&link(Some("Barbara")).to_element()));
    /// assert!(!filter.matches(&link(None).to_element()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_element(&self) -> Value {
        let mut element = Map::new();
        element.insert("value".into(), Value::String(self.id.clone()));
        element.insert("type".into(), Value::String(self.resource_type.clone()));
        if let Some(display) = &self.display {
            element.insert("display".into(), Value::String(display.clone()));
        }
        Value::Object(element)
    }
}

/// One resource of a page.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Match {
    /// Its position in the order of the query, from which a later query can [seek](Seek).
    pub position: Position,
    /// The resource.
    pub stored: Stored,
}

impl Match {
    /// This resource at this position.
    pub fn new(position: Position, stored: Stored) -> Self {
        Self { position, stored }
    }
}

/// A page of results.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// How many resources match in all, exactly, wherever the page begins and ends.
    pub total: u64,
    /// The resources of the page, in the order of the query.
    pub matches: Vec<Match>,
}

impl Page {
    /// A page.
    pub fn new(total: u64, matches: Vec<Match>) -> Self {
        Self { total, matches }
    }

    /// The resources alone, in order.
    pub fn resources(&self) -> impl ExactSizeIterator<Item = &Stored> {
        self.matches.iter().map(|found| &found.stored)
    }

    /// Takes the resources out, in order.
    pub fn into_resources(self) -> impl ExactSizeIterator<Item = Stored> {
        self.matches.into_iter().map(|found| found.stored)
    }
}
