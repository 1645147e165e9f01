//! What the write path needs from a backend: rows, keys, claims and links of one tenant.

use std::sync::Arc;

use scim_core::{Resource, ResourceType, Timestamp};
use scim_filter::Narrow;
use scim_server_traits::{
    Change, ChangeKind, Claim, Key, LinkChanges, Record, StoreError, activation, changed_paths, index_keys,
    label, unique_keys,
};

/// Returns whether the candidates can be counted without a choice among branches. Otherwise each level would count all
/// levels below it again, so only flat branches compete for the smallest.
pub(crate) fn is_flat(narrow: &Narrow) -> bool {
    match narrow {
        // Counting `Linked` may require a full scan, if few resources have such a link.
        Narrow::And(_) | Narrow::Linked { .. } => false,
        Narrow::Or(branches) => {
            !branches.iter().any(|branch| !is_flat(branch) || matches!(branch, Narrow::Or(_)))
        }
        _ => true,
    }
}

/// The number of a resource in the order of creation. It identifies the row.
pub(crate) type Seq = i64;

/// What is stored of a resource in addition to its document.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) seq: Seq,
    pub(crate) version: u64,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) dormant: bool,
}

impl Head {
    /// Returns the time of a change made `now`. It is never earlier than the last change, even if the clock went back.
    pub(crate) fn moment(&self, now: Timestamp) -> Timestamp {
        now.max(self.modified).max(self.created)
    }
}

/// The target of a link.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) seq: Seq,
    pub(crate) id: String,
    pub(crate) kind: String,
    /// The display name given with the link, otherwise the name of the resource.
    pub(crate) label: Option<String>,
}

/// The owner of a link to a resource.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) relation: String,
    pub(crate) head: Head,
    pub(crate) id: String,
    pub(crate) kind: String,
}

/// An entry for the change feed, without its sequence number, tenant and cause.
#[derive(Debug)]
pub(crate) struct Changed<'a> {
    pub(crate) kind: &'a str,
    pub(crate) id: &'a str,
    pub(crate) external_id: Option<String>,
    pub(crate) what: ChangeKind,
    pub(crate) version: u64,
    pub(crate) moment: Timestamp,
    pub(crate) document: Differences,
    pub(crate) links: LinkChanges,
}

/// What an update changes in a document.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    pub(crate) paths: Vec<String>,
    pub(crate) activation: Option<bool>,
}

impl Differences {
    /// Compares two documents that are not equal.
    pub(crate) fn between(before: &Resource, after: &Resource) -> Self {
        let mut paths = changed_paths(before, after);
        if paths.len() > Change::MOST_PATHS {
            paths.truncate(Change::MOST_PATHS - 1);
            paths.push("*".into());
        }
        Self { paths, activation: activation(before, after) }
    }
}

/// Returns the `externalId` of a document.
pub(crate) fn external_id(resource: &Resource) -> Option<String> {
    resource.text("externalId").map(str::to_owned)
}

/// A document with everything that is derived from it.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) resource: Resource,
    pub(crate) label: Option<String>,
    /// The keys of indexed and unique attributes, sorted and without duplicates.
    pub(crate) keys: Vec<Key>,
    /// The keys that no other resource may have.
    pub(crate) unique: Vec<Key>,
    /// The fingerprint of the definition that the document was written under.
    pub(crate) definition: u64,
}

impl Content {
    pub(crate) fn new(resource_type: &ResourceType, resource: Resource) -> Self {
        let (keys, unique) = (index_keys(resource_type, &resource), unique_keys(resource_type, &resource));
        Self { label: label(&resource), keys, unique, definition: resource_type.fingerprint(), resource }
    }
}

/// The tables of one tenant, within one transaction. Each method is one primitive step. The write path says once, for
/// every backend, what the steps mean together.
pub(crate) trait Tables {
    /// The error type of the backend.
    type Fault: From<StoreError>;

    /// Refuses a type if the keys of its resources were made of other indexed or unique attributes. Changes no row.
    /// SQLite records in [`insert`](Self::insert) what the first keys are made of, memory does it here.
    fn check_keys(&mut self, resource_type: &Arc<ResourceType>) -> Result<(), Self::Fault>;
    fn find(&self, kind: &str, id: &str) -> Result<Option<Head>, Self::Fault>;
    /// Returns only the row number of a resource.
    fn place(&self, kind: &str, id: &str) -> Result<Option<Seq>, Self::Fault>;
    /// Returns how the stored document differs from this one; `None` if both are equal.
    fn differences(&self, seq: Seq, resource: &Resource) -> Result<Option<Differences>, Self::Fault>;
    /// Returns the `externalId` of the stored document.
    fn external_id(&self, seq: Seq) -> Result<Option<String>, Self::Fault>;
    /// Returns a resource other than `own` that has the key.
    fn unique_holder(&self, kind: &str, key: &Key, own: Option<Seq>) -> Result<Option<Seq>, Self::Fault>;
    fn claim_holder(&self, claim: &Claim) -> Result<Option<Seq>, Self::Fault>;
    /// Returns the targets of the resource's links of a relation, including hidden ones.
    fn members(&self, relation: &str, owner: Seq) -> Result<Vec<Member>, Self::Fault>;
    /// Returns all links of the resource.
    fn links(&self, owner: Seq) -> Result<Vec<(String, Member)>, Self::Fault>;
    /// Returns the links to this resource, grouped by owner.
    fn owners(&self, target: Seq) -> Result<Vec<Owner>, Self::Fault>;

    /// Adds a row of version 1.
    fn insert(&mut self, kind: &str, id: &str, now: Timestamp, content: Content) -> Result<Seq, Self::Fault>;
    fn replace(&mut self, kind: &str, seq: Seq, content: Content) -> Result<(), Self::Fault>;
    fn touch(&mut self, seq: Seq, version: u64, modified: Timestamp) -> Result<(), Self::Fault>;
    fn set_dormant(&mut self, seq: Seq, dormant: bool) -> Result<(), Self::Fault>;
    /// Sets the claims of the resource. They are sorted, without duplicates, and each is free or already its own.
    fn set_claims(&mut self, seq: Seq, claims: &[Claim]) -> Result<(), Self::Fault>;
    /// Adds a link and returns whether it is new. `display` is shown instead of the target's name. An existing link
    /// stays as it is.
    fn link(
        &mut self,
        relation: &str,
        owner: Seq,
        target: Seq,
        display: Option<&str>,
    ) -> Result<bool, Self::Fault>;
    /// Removes a link and returns whether it was there.
    fn unlink(&mut self, relation: &str, owner: Seq, target: Seq) -> Result<bool, Self::Fault>;
    /// Deletes the row with its document, keys, claims, and links in both directions.
    fn remove(&mut self, kind: &str, seq: Seq) -> Result<(), Self::Fault>;
    /// Appends to the change feed.
    fn note(&mut self, changed: Changed<'_>) -> Result<(), Self::Fault>;
    /// Appends to a stream of records.
    fn record(&mut self, now: Timestamp, record: Record) -> Result<(), Self::Fault>;
}
