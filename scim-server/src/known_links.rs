//! Links to resources that are not there, passed over for who allows [`Quirk::UnknownTargets`].

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{Quirk, Reference, Registry, ResourceType, Side};
use scim_patch::RelationStep;
use scim_server_traits::{Batch, Context, Get, Page, Query, Store, StoreError, Stored, Write, Written};

use crate::observe;

/// How often targets may vanish between the look and the commit.
const ATTEMPTS: usize = 16;

/// A store that leaves out of a batch what it would be refused for as
/// [`UnknownTarget`](StoreError::UnknownTarget).
pub(crate) struct KnownLinks {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) registry: Registry,
}

impl KnownLinks {
    /// Drops the links of this batch to what neither the store has nor the batch itself makes.
    async fn strip(&self, context: &Context, batch: &mut Batch) -> Result<(), StoreError> {
        let made = batch.writes.iter().filter_map(|write| match write {
            Write::Insert(insert) => Some(insert.id.clone()),
            _ => None,
        });
        let made: BTreeSet<String> = made.collect();
        for write in &mut batch.writes {
            match write {
                Write::Insert(insert) => {
                    for (relation, links) in &mut insert.links {
                        self.keep_known(context, &insert.resource_type, relation, links, &made).await?;
                    }
                }
                Write::Update(update) => {
                    for edit in &mut update.relations {
                        let (RelationStep::Add(links) | RelationStep::Set(links)) = &mut edit.step else {
                            continue;
                        };
                        self.keep_known(context, &update.resource_type, &edit.relation, links, &made).await?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn keep_known(
        &self,
        context: &Context,
        resource_type: &ResourceType,
        relation: &str,
        links: &mut Vec<Reference>,
        made: &BTreeSet<String>,
    ) -> Result<(), StoreError> {
        let Some(Side::Own { targets }) = resource_type.relation(relation).map(|relation| &relation.side)
        else {
            return Ok(());
        };
        let mut known = Vec::with_capacity(links.len());
        for link in links.drain(..) {
            if made.contains(&link.value) || self.exists(context, targets, &link.value).await? {
                known.push(link);
            }
        }
        *links = known;
        Ok(())
    }

    async fn exists(&self, context: &Context, kinds: &[String], id: &str) -> Result<bool, StoreError> {
        for resource_type in kinds.iter().filter_map(|kind| self.registry.by_name(kind)) {
            if self.store.get(context, Get::new(Arc::clone(resource_type), id)).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn has_links(write: &Write) -> bool {
    match write {
        Write::Insert(insert) => insert.links.iter().any(|(_, links)| !links.is_empty()),
        Write::Update(update) => !update.relations.is_empty(),
        _ => false,
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for KnownLinks {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        self.store.get(context, get).await
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        self.store.query(context, query).await
    }

    async fn commit(&self, context: &Context, mut batch: Batch) -> Result<Vec<Written>, StoreError> {
        if !batch.writes.iter().any(has_links) {
            return self.store.commit(context, batch).await;
        }
        for attempt in 0..ATTEMPTS {
            match self.store.commit(context, batch.clone()).await {
                Err(StoreError::UnknownTarget { .. }) => {}
                outcome => return outcome,
            }
            if attempt == 0 {
                observe::forgiven(Quirk::UnknownTargets);
            }
            self.strip(context, &mut batch).await?;
        }
        self.store.commit(context, batch).await
    }
}
