//! Writes as data: an ordered batch that is carried out as a whole or not at all.

use std::sync::Arc;

use scim_core::{Reference, Resource, ResourceType, Timestamp};
use scim_patch::RelationEdit;

use crate::cause::Cause;
use crate::record::Record;

/// An ordered list of writes, and records of them. Either all of them happen, at one moment, or nothing does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Batch {
    /// The moment that `created` and `lastModified` show.
    ///
    /// It may be earlier than that of a previous batch, if the clock went back. A later `lastModified` is then kept.
    pub now: Timestamp,
    /// Who caused it, and by what.
    pub cause: Cause,
    /// The writes, in order.
    pub writes: Vec<Write>,
    /// What is appended to streams of records, in order, after the writes.
    ///
    /// A store that keeps no records refuses a batch that has some.
    pub records: Vec<Record>,
}

impl Batch {
    /// Makes an empty batch.
    pub fn new(now: Timestamp) -> Self {
        Self { now, cause: Cause::default(), writes: Vec::new(), records: Vec::new() }
    }

    /// Sets the cause.
    #[must_use]
    pub fn caused_by(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    /// Appends a record.
    #[must_use]
    pub fn record(mut self, record: Record) -> Self {
        self.records.push(record);
        self
    }

    /// Appends an insert.
    #[must_use]
    pub fn insert(mut self, insert: Insert) -> Self {
        self.writes.push(Write::Insert(insert));
        self
    }

    /// Appends an update.
    #[must_use]
    pub fn update(mut self, update: Update) -> Self {
        self.writes.push(Write::Update(update));
        self
    }

    /// Appends a delete.
    #[must_use]
    pub fn delete(mut self, delete: Delete) -> Self {
        self.writes.push(Write::Delete(delete));
        self
    }
}

/// One write.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Write {
    /// A new resource.
    Insert(Insert),
    /// A change of an existing resource.
    Update(Update),
    /// The deletion of a resource.
    Delete(Delete),
}

/// A new resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Insert {
    /// The resource type.
    pub resource_type: Arc<ResourceType>,
    /// The identifier. If a resource of the type has it already, the error is
    /// [`StoreError::Uniqueness`](crate::StoreError::Uniqueness) for the attribute `id`.
    pub id: String,
    /// The document.
    pub resource: Resource,
    /// The resource's own links, by relation. A reference means the type that it names if there is such a resource,
    /// otherwise one of any type that the relation allows. If it means one twice, the first one counts.
    pub links: Vec<(String, Vec<Reference>)>,
    /// The names that the resource claims in addition to its unique attributes.
    pub claims: Vec<Claim>,
    /// Whether links to the resource are hidden.
    ///
    /// They are hidden at both ends, and from filters. They still exist: a step can add or remove them, and a link that
    /// is already there is not added again. The resource itself is read and found as before, and keeps its id, its
    /// unique values and its claims.
    pub dormant: bool,
}

impl Insert {
    /// Makes an insert without links and claims.
    pub fn new(resource_type: Arc<ResourceType>, id: impl Into<String>, resource: Resource) -> Self {
        let id = id.into();
        Self { resource_type, id, resource, links: Vec::new(), claims: Vec::new(), dormant: false }
    }

    /// Adds links of one relation.
    #[must_use]
    pub fn with_links(mut self, relation: impl Into<String>, references: Vec<Reference>) -> Self {
        self.links.push((relation.into(), references));
        self
    }
}

/// A change of a resource. Fields with their default value change nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Update {
    /// The type.
    pub resource_type: Arc<ResourceType>,
    /// The identifier.
    pub id: String,
    /// The version the resource must have.
    pub precondition: Precondition,
    /// The new document.
    pub resource: Option<Resource>,
    /// Whether the client sent the whole document (PUT) and not a change of a part (PATCH). Some layers require more of
    /// a whole document.
    pub whole: bool,
    /// Steps on the resource's own relations, in order. Links that end where they began are no change. A link that stays
    /// keeps its display name.
    pub relations: Vec<RelationEdit>,
    /// All names that the resource claims from now on. This changes no version.
    pub claims: Option<Vec<Claim>>,
    /// Whether links to the resource are hidden from now on. This changes no version, neither this resource's nor any
    /// other's.
    pub dormant: Option<bool>,
}

impl Update {
    /// Makes an update that changes nothing.
    pub fn new(resource_type: Arc<ResourceType>, id: impl Into<String>) -> Self {
        Self {
            resource_type,
            id: id.into(),
            precondition: Precondition::None,
            resource: None,
            whole: false,
            relations: Vec::new(),
            claims: None,
            dormant: None,
        }
    }

    /// Sets the precondition.
    #[must_use]
    pub fn when(mut self, precondition: Precondition) -> Self {
        self.precondition = precondition;
        self
    }

    /// Sets the document.
    #[must_use]
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// Sets a document that the client sent as a whole.
    #[must_use]
    pub fn with_whole(mut self, resource: Resource) -> Self {
        (self.resource, self.whole) = (Some(resource), true);
        self
    }

    /// Sets the steps on relations.
    #[must_use]
    pub fn with_relations(mut self, relations: Vec<RelationEdit>) -> Self {
        self.relations = relations;
        self
    }
}

/// The deletion of a resource. Links from it and to it are deleted too.
///
/// The version of each resource that linked to it increases by 1, once, and its `modified` becomes the moment of the batch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Delete {
    /// The type.
    pub resource_type: Arc<ResourceType>,
    /// The identifier.
    pub id: String,
    /// The version the resource must have.
    pub precondition: Precondition,
}

impl Delete {
    /// Makes an unconditional delete.
    pub fn new(resource_type: Arc<ResourceType>, id: impl Into<String>) -> Self {
        Self { resource_type, id: id.into(), precondition: Precondition::None }
    }

    /// Sets the precondition.
    #[must_use]
    pub fn when(mut self, precondition: Precondition) -> Self {
        self.precondition = precondition;
        self
    }
}

/// A condition on the version, for optimistic concurrency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// The resource only has to exist.
    #[default]
    None,
    /// The version must be one of these. An empty list allows no change.
    Match(Vec<u64>),
    /// The version must not be one of these.
    NoneMatch(Vec<u64>),
}

impl Precondition {
    /// Whether a resource of this version may be changed.
    pub fn holds(&self, version: u64) -> bool {
        match self {
            Self::None => true,
            Self::Match(versions) => versions.contains(&version),
            Self::NoneMatch(versions) => !versions.contains(&version),
        }
    }
}

/// A name that only one resource of a tenant may hold in a space, in addition to unique attributes.
///
/// GitHub's handles are an example. The resource holds it until it is deleted or its claims change.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Claim {
    /// The kind of name.
    pub space: String,
    /// The name, in the form in which it is compared.
    pub key: String,
}

impl Claim {
    /// Makes a claim on `key` in `space`.
    pub fn new(space: impl Into<String>, key: impl Into<String>) -> Self {
        Self { space: space.into(), key: key.into() }
    }
}

/// The outcome of one write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The identifier.
    pub id: String,
    /// The new version; for a delete, the last one.
    pub version: u64,
    /// When the resource was created.
    pub created: Timestamp,
    /// When the resource last changed.
    pub modified: Timestamp,
    /// Whether the document or the resource's own links changed. Only then do `version` and `modified` change. A delete
    /// is always a change, although both stay.
    pub changed: bool,
    /// New links: relation and identifier, by relation and in the order in which the other ends were created. Only the
    /// difference that the whole write makes is listed.
    pub added: Vec<(String, String)>,
    /// Removed links, listed like new ones. A delete lists the resource's own links.
    pub removed: Vec<(String, String)>,
}

impl Written {
    /// Makes the outcome of a write without links.
    pub fn new(
        id: impl Into<String>,
        version: u64,
        created: Timestamp,
        modified: Timestamp,
        changed: bool,
    ) -> Self {
        Self { id: id.into(), version, created, modified, changed, added: Vec::new(), removed: Vec::new() }
    }
}
