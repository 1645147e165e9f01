//! What the write path asks of a backend: rows, keys, claims and links of one tenant.

use std::sync::Arc;

use scim_core::{Resource, ResourceType, Timestamp};
use scim_filter::Narrow;
use scim_server_traits::{ChangeKind, Claim, Key, LinkChanges, StoreError, index_keys, label, unique_keys};

/// Whether counting the candidates takes no choice among branches. Where it does, each level would count all
/// the levels below it again, so only flat branches compete for the smallest.
pub(crate) fn is_flat(narrow: &Narrow) -> bool {
    match narrow {
        // Where few are linked with anything, many would be looked at to count them.
        Narrow::And(_) | Narrow::Linked { .. } => false,
        Narrow::Or(branches) => {
            !branches.iter().any(|branch| !is_flat(branch) || matches!(branch, Narrow::Or(_)))
        }
        _ => true,
    }
}

/// The place of a resource in the order of creation; identifies its row.
pub(crate) type Seq = i64;

/// What there is of a resource beside its document.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) seq: Seq,
    pub(crate) version: u64,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) dormant: bool,
}

impl Head {
    /// The time of a change made `now`: never earlier than the last one, even if the clock went back.
    pub(crate) fn moment(&self, now: Timestamp) -> Timestamp {
        now.max(self.modified).max(self.created)
    }
}

/// The far end of a link.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) seq: Seq,
    pub(crate) id: String,
    pub(crate) kind: String,
    /// What the link was given to show, else the name of the resource.
    pub(crate) label: Option<String>,
}

/// The near end of a link to a resource.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) relation: String,
    pub(crate) head: Head,
    pub(crate) id: String,
    pub(crate) kind: String,
}

/// What the change feed is told: everything but its sequence number and the tenant.
#[derive(Debug)]
pub(crate) struct Changed<'a> {
    pub(crate) kind: &'a str,
    pub(crate) id: &'a str,
    pub(crate) what: ChangeKind,
    pub(crate) version: u64,
    pub(crate) moment: Timestamp,
    pub(crate) links: LinkChanges,
}

/// A document with all that is derived from it.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) resource: Resource,
    pub(crate) label: Option<String>,
    /// Of indexed and of unique attributes; sorted, each once.
    pub(crate) keys: Vec<Key>,
    /// Those that no other resource may have.
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

/// The tables of one tenant, within one transaction. Each method is one primitive step; what the steps
/// mean together is said once, in `write.rs`.
pub(crate) trait Tables {
    /// How the backend fails.
    type Fault: From<StoreError>;

    /// Refuses a type with other indexed or unique attributes than the keys of its resources were made of. Changes
    /// nothing: [`insert`](Self::insert) writes down what the first keys are made of.
    fn check_keys(&mut self, resource_type: &Arc<ResourceType>) -> Result<(), Self::Fault>;
    fn find(&self, kind: &str, id: &str) -> Result<Option<Head>, Self::Fault>;
    /// Where it is, and no more.
    fn place(&self, kind: &str, id: &str) -> Result<Option<Seq>, Self::Fault>;
    fn has_document(&self, seq: Seq, resource: &Resource) -> Result<bool, Self::Fault>;
    /// A resource other than `own` that has the key.
    fn unique_holder(&self, kind: &str, key: &Key, own: Option<Seq>) -> Result<Option<Seq>, Self::Fault>;
    fn claim_holder(&self, claim: &Claim) -> Result<Option<Seq>, Self::Fault>;
    /// The far ends of the resource's links of a relation, hidden ones too.
    fn members(&self, relation: &str, owner: Seq) -> Result<Vec<Member>, Self::Fault>;
    /// All the resource's links.
    fn links(&self, owner: Seq) -> Result<Vec<(String, Member)>, Self::Fault>;
    /// The links to this resource, those of one owner together.
    fn owners(&self, target: Seq) -> Result<Vec<Owner>, Self::Fault>;

    /// A row of version 1.
    fn insert(&mut self, kind: &str, id: &str, now: Timestamp, content: Content) -> Result<Seq, Self::Fault>;
    fn replace(&mut self, kind: &str, seq: Seq, content: Content) -> Result<(), Self::Fault>;
    fn touch(&mut self, seq: Seq, version: u64, modified: Timestamp) -> Result<(), Self::Fault>;
    fn set_dormant(&mut self, seq: Seq, dormant: bool) -> Result<(), Self::Fault>;
    /// Makes these the claims of the resource; sorted, each once, and free or its own.
    fn set_claims(&mut self, seq: Seq, claims: &[Claim]) -> Result<(), Self::Fault>;
    /// Whether the link is new; `display` is what it shows in place of the target's name. One that is there
    /// stays as it is.
    fn link(
        &mut self,
        relation: &str,
        owner: Seq,
        target: Seq,
        display: Option<&str>,
    ) -> Result<bool, Self::Fault>;
    /// Whether the link was there.
    fn unlink(&mut self, relation: &str, owner: Seq, target: Seq) -> Result<bool, Self::Fault>;
    /// Ends the row with its document, keys, claims, and links in both directions.
    fn remove(&mut self, kind: &str, seq: Seq) -> Result<(), Self::Fault>;
    /// Appends to the change feed.
    fn note(&mut self, changed: &Changed<'_>) -> Result<(), Self::Fault>;
}
