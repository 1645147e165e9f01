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

/// Selects a resource to read, and how much of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Get {
    /// The type.
    pub resource_type: Arc<ResourceType>,
    /// The identifier.
    pub id: String,
    /// The relations to load, own and reverse, by attribute name.
    pub relations: Vec<String>,
    /// The maximum number of links of a relation that come at once.
    ///
    /// If there are more, a store that can return them in chunks does so ([`Stored::more`]), so that they are never all
    /// in memory. Any other store returns all of them at once.
    pub at_once: usize,
    /// Whether the document may come as text ([`Stored::text`]), because the caller only passes it on.
    pub as_text: bool,
    /// Whether to keep attributes that the type does not have ([`ResourceType::fit`]).
    ///
    /// This applies to a document that was written under another definition of the type.
    pub keeps_unknown: bool,
}

impl Get {
    /// Makes a read of the document alone.
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

    /// Sets the relations to load.
    #[must_use]
    pub fn with_relations(mut self, relations: Vec<String>) -> Self {
        self.relations = relations;
        self
    }

    /// Sets the maximum number of links of a relation at once, if the store supports it.
    #[must_use]
    pub fn at_once(mut self, links: usize) -> Self {
        self.at_once = links;
        self
    }

    /// Asks for the document as text, if the store has it as text.
    #[must_use]
    pub fn as_text(mut self) -> Self {
        self.as_text = true;
        self
    }
}

/// Selects resources to read: filter, order and page.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Query {
    /// The type.
    pub resource_type: Arc<ResourceType>,
    /// The filter that they must match.
    pub filter: Option<BoundFilter>,
    /// The order. The default is the order of creation.
    pub sort: Sort,
    /// The start of the page.
    pub seek: Seek,
    /// The number of matches to skip from there. The server never combines it with a position.
    pub offset: u64,
    /// The maximum number of matches to return; 0 asks for the total alone.
    pub limit: u64,
    /// The relations to load, by attribute name.
    pub relations: Vec<String>,
    /// The maximum number of links of a relation of one resource at once, as for [`Get::at_once`].
    pub at_once: usize,
    /// Whether documents may come as text ([`Stored::text`]), because the caller only passes them on.
    pub as_text: bool,
    /// Whether to keep attributes that the type does not have, as for [`Get::keeps_unknown`].
    pub keeps_unknown: bool,
    /// The scan budget: how many candidates may be examined one by one. One more is
    /// [`TooMany`](crate::StoreError::TooMany).
    ///
    /// A candidate counts if the index leaves it and the store has to examine it, to decide the filter or to sort
    /// without an index. The plan of the filter ([`BoundFilter::plan`]) says which candidates those are:
    ///
    /// * If it is `exact`, the index alone decides the filter, and no candidate counts.
    /// * If it is not, each candidate of its `narrow` counts, and no other resource. All of them count, whether they
    ///   match or not, wherever the page begins and ends, even if `limit` is 0.
    /// * In an order by an attribute without an index ([`SortBy::indexed`](crate::SortBy::indexed)), each match counts
    ///   once, unless it was counted for the filter.
    ///
    /// A document that is read because it is on the page does not count. A store whose database decides every filter
    /// examines nothing and needs no budget.
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
    /// Makes a query of all resources of a type, from the first, with at most 100.
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

    /// Sets the filter.
    #[must_use]
    pub fn with_filter(mut self, filter: BoundFilter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Sets the order.
    #[must_use]
    pub fn sorted(mut self, sort: Sort) -> Self {
        self.sort = sort;
        self
    }

    /// Sets the start of the page.
    #[must_use]
    pub fn seek(mut self, seek: Seek) -> Self {
        self.seek = seek;
        self
    }

    /// Sets how many matches to skip and how many to return.
    #[must_use]
    pub fn page(mut self, offset: u64, limit: u64) -> Self {
        self.offset = offset;
        self.limit = limit;
        self
    }

    /// Sets the relations to load.
    #[must_use]
    pub fn with_relations(mut self, relations: Vec<String>) -> Self {
        self.relations = relations;
        self
    }

    /// Sets the maximum number of links of a relation at once, if the store supports it.
    #[must_use]
    pub fn at_once(mut self, links: usize) -> Self {
        self.at_once = links;
        self
    }
}

/// The start of a page. A page at any depth costs as much as the first one.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Seek {
    /// The beginning.
    #[default]
    Start,
    /// The resources after this position, in the order of the query.
    After(Position),
    /// The last resources before this position. The page is still in the order of the query.
    Before(Position),
}

impl Seek {
    /// Returns the position, if there is one.
    pub fn position(&self) -> Option<&Position> {
        match self {
            Self::Start => None,
            Self::After(position) | Self::Before(position) => Some(position),
        }
    }
}

/// A resource as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stored {
    /// The identifier.
    pub id: String,
    /// The version. It changes whenever the document or the resource's own links change.
    pub version: u64,
    /// When the resource was created.
    pub created: Timestamp,
    /// When the resource last changed.
    pub modified: Timestamp,
    /// The document; empty if it came as text.
    pub resource: Resource,
    /// The document as JSON text, instead of `resource`. Only set if the caller asked for it.
    pub text: Option<String>,
    /// The requested relations. Links are in the order in which their other ends were created. A relation without links
    /// has an empty list.
    pub links: BTreeMap<String, Vec<Link>>,
    /// Relations with more links than may come at once. Such a relation has no link in `links`: all are here.
    pub more: BTreeMap<String, MoreLinks>,
}

impl Stored {
    /// Makes a resource without links.
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

/// The links of a relation, in chunks.
///
/// Which links there are was fixed when the resource was read, so they belong to its version. Their details are read
/// with each chunk. A link whose other end has been deleted by then is left out.
#[derive(Clone)]
pub struct MoreLinks(Arc<dyn LinkChunks>);

impl MoreLinks {
    /// Wraps these chunks.
    pub fn new(chunks: impl LinkChunks + 'static) -> Self {
        Self(Arc::new(chunks))
    }

    /// Returns the chunk with this number, from 0; `None` after the last. A chunk may be empty.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn chunk(&self, number: usize) -> Result<Option<Vec<Link>>, StoreError> {
        self.0.chunk(number).await
    }

    /// Returns how many bytes of memory the chunks take until they are dropped.
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

/// Links that a store returns in chunks.
#[async_trait]
pub trait LinkChunks: Send + Sync {
    /// Returns the chunk with this number, from 0; `None` after the last. A chunk may be empty.
    async fn chunk(&self, number: usize) -> Result<Option<Vec<Link>>, StoreError>;

    /// Returns how many bytes of memory this takes until it is dropped, without the chunk that was returned last.
    ///
    /// A response that waits for a slow client counts these bytes.
    fn held(&self) -> usize;
}

/// One link, as a response shows it: the other end, with its computed properties.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// The identifier of the other end.
    pub id: String,
    /// The name of its resource type.
    pub resource_type: String,
    /// The display name that the link was given, else the other end's name as [`label`](crate::label) returns it.
    pub display: Option<String>,
}

impl Link {
    /// Makes a link to this resource.
    pub fn new(id: impl Into<String>, resource_type: impl Into<String>, display: Option<String>) -> Self {
        Self { id: id.into(), resource_type: resource_type.into(), display }
    }

    /// Returns the element to which a store applies the filter of a
    /// [`RemoveWhere`](scim_patch::RelationStep::RemoveWhere).
    ///
    /// `value` is the identifier, `type` the resource type's name, and `display` what is shown, if anything. A link has
    /// no other sub-attribute, because `$ref` is computed from these when it is shown.
    ///
    /// A filter that names only identifiers selects the links to exactly these
    /// ([`only_values`](scim_filter::ElementFilter::only_values)). Identifiers are case-sensitive, which the schema of
    /// `value` does not say, and no link has to be read for it.
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
    /// Its position in the order of the query. A later query can [seek](Seek) to it.
    pub position: Position,
    /// The resource.
    pub stored: Stored,
}

impl Match {
    /// Makes a match of a resource at a position.
    pub fn new(position: Position, stored: Stored) -> Self {
        Self { position, stored }
    }
}

/// A page of results.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// The exact number of all matching resources, wherever the page begins and ends.
    pub total: u64,
    /// The resources of the page, in the order of the query.
    pub matches: Vec<Match>,
}

impl Page {
    /// Makes a page.
    pub fn new(total: u64, matches: Vec<Match>) -> Self {
        Self { total, matches }
    }

    /// Returns the resources alone, in order.
    pub fn resources(&self) -> impl ExactSizeIterator<Item = &Stored> {
        self.matches.iter().map(|found| &found.stored)
    }

    /// Returns the resources by value, in order.
    pub fn into_resources(self) -> impl ExactSizeIterator<Item = Stored> {
        self.matches.into_iter().map(|found| found.stored)
    }
}
