//! Writes as data: an ordered batch that is carried out as a whole or not at all.

use std::sync::Arc;

use scim_core::{Reference, Resource, ResourceType, Timestamp};
use scim_patch::RelationEdit;

/// An ordered list of writes; all of them happen, at one moment, or none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Batch {
    /// The moment that `created` and `lastModified` show. It may be earlier than that of a previous batch, if the clock
    /// went back; a later `lastModified` then stays.
    pub now: Timestamp,
    /// The writes, in order.
    pub writes: Vec<Write>,
}

impl Batch {
    /// An empty batch.
    pub fn new(now: Timestamp) -> Self {
        Self { now, writes: Vec::new() }
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
    /// A change of one that is there.
    Update(Update),
    /// The end of one.
    Delete(Delete),
}

/// A new resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Insert {
    /// Its type.
    pub resource_type: Arc<ResourceType>,
    /// Its identifier, never used before.
    pub id: String,
    /// Its document.
    pub resource: Resource,
    /// Its own links, by relation.
    pub links: Vec<(String, Vec<Reference>)>,
    /// The names it claims beyond its unique attributes.
    pub claims: Vec<Claim>,
    /// Whether links to it are hidden.
    pub dormant: bool,
}

impl Insert {
    /// A resource without links and claims.
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

/// A change of a resource. What is left at its default stays as it is.
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
    /// Whether the client gave the document as a whole (PUT) and did not change a part (PATCH): for layers
    /// that ask more of a whole.
    pub whole: bool,
    /// Steps on its own relations, in order.
    pub relations: Vec<RelationEdit>,
    /// All the names it claims from now on.
    pub claims: Option<Vec<Claim>>,
    /// Whether links to it are hidden from now on. Moves no version: neither this resource's nor any
    /// other's.
    pub dormant: Option<bool>,
}

impl Update {
    /// A change that changes nothing yet.
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

    /// Under this condition.
    #[must_use]
    pub fn when(mut self, precondition: Precondition) -> Self {
        self.precondition = precondition;
        self
    }

    /// With this document.
    #[must_use]
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = Some(resource);
        self
    }

    /// With a document that the client gave as a whole.
    #[must_use]
    pub fn with_whole(mut self, resource: Resource) -> Self {
        (self.resource, self.whole) = (Some(resource), true);
        self
    }

    /// With these steps on relations.
    #[must_use]
    pub fn with_relations(mut self, relations: Vec<RelationEdit>) -> Self {
        self.relations = relations;
        self
    }
}

/// The end of a resource. Links from it and to it go with it; the version of each resource that linked
/// to it moves.
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
    /// An unconditional delete.
    pub fn new(resource_type: Arc<ResourceType>, id: impl Into<String>) -> Self {
        Self { resource_type, id: id.into(), precondition: Precondition::None }
    }

    /// Under this condition.
    #[must_use]
    pub fn when(mut self, precondition: Precondition) -> Self {
        self.precondition = precondition;
        self
    }
}

/// Optimistic concurrency as data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// The resource need only be there.
    #[default]
    None,
    /// Its version must be one of these; with none of them nothing may change it.
    Match(Vec<u64>),
    /// Its version must be none of these.
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

/// A name that only one resource of a tenant may hold in a space, beyond its unique attributes: EMU's
/// handles. Held until the resource is deleted or claims otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Claim {
    /// What kind of name it is.
    pub space: String,
    /// The name, in the form in which it is compared.
    pub key: String,
}

impl Claim {
    /// A claim on `key` in `space`.
    pub fn new(space: impl Into<String>, key: impl Into<String>) -> Self {
        Self { space: space.into(), key: key.into() }
    }
}

/// What one write came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The identifier.
    pub id: String,
    /// The version now; for a delete, the last one.
    pub version: u64,
    /// When the resource was made.
    pub created: Timestamp,
    /// When it last really changed.
    pub modified: Timestamp,
    /// Whether document or own links are different now. Version and `modified` move only then.
    pub changed: bool,
    /// Links that are new: relation and identifier.
    pub added: Vec<(String, String)>,
    /// Links that are gone: relation and identifier.
    pub removed: Vec<(String, String)>,
}

impl Written {
    /// The outcome of a write without links.
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
