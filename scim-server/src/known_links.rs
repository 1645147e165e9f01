//! Passes over links to resources that do not exist, under [`Quirk::UnknownTargets`].

use std::collections::BTreeSet;

use scim_core::{Lenience, Quirk, Reference, ResourceType, Side};
use scim_patch::RelationStep;
use scim_server_traits::{Batch, Context, StoreError, Write, Written};

use crate::server::Inner;

/// How often targets may vanish between the check and the commit.
const ATTEMPTS: usize = 16;

/// A relation that lost links because their targets do not exist.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// The index of the write in the batch.
    pub(crate) write: usize,
    /// The relation's name.
    pub(crate) relation: String,
}

impl Dropped {
    /// Notes the loss for the client.
    pub(crate) fn note(&self, lenience: &mut Lenience) {
        lenience.uses(Quirk::UnknownTargets);
        lenience.pass_over(format_args!("{}.value", self.relation));
    }
}

/// Commits a batch. Under the quirk, it leaves out links that the store refuses as [`StoreError::UnknownTarget`], and
/// says in `dropped` where.
pub(crate) async fn commit(
    server: &Inner,
    context: &Context,
    mut batch: Batch,
    dropped: &mut Vec<Dropped>,
) -> Result<Vec<Written>, StoreError> {
    if !server.leniency.allows(Quirk::UnknownTargets) || !batch.writes.iter().any(has_links) {
        return server.store.commit(context, batch).await;
    }
    for _ in 0..ATTEMPTS {
        match server.store.commit(context, batch.clone()).await {
            Err(StoreError::UnknownTarget { .. }) => {}
            outcome => return outcome,
        }
        strip(server, context, &mut batch, dropped).await?;
    }
    server.store.commit(context, batch).await
}

/// Drops the links of this batch to resources that neither the store has nor the batch itself creates.
async fn strip(
    server: &Inner,
    context: &Context,
    batch: &mut Batch,
    dropped: &mut Vec<Dropped>,
) -> Result<(), StoreError> {
    let made = batch.writes.iter().filter_map(|write| match write {
        Write::Insert(insert) => Some(insert.id.clone()),
        _ => None,
    });
    let made: BTreeSet<String> = made.collect();
    for (write, change) in batch.writes.iter_mut().enumerate() {
        let is_update = matches!(change, Write::Update(_));
        let (resource_type, lists): (_, Vec<(&str, bool, &mut Vec<Reference>)>) = match change {
            Write::Insert(insert) => {
                let lists = insert.links.iter_mut();
                let lists = lists.map(|(relation, links)| (relation.as_str(), true, links));
                (&insert.resource_type, lists.collect())
            }
            Write::Update(update) => {
                let lists = update.relations.iter_mut().filter_map(|edit| match &mut edit.step {
                    RelationStep::Add(links) => Some((edit.relation.as_str(), false, links)),
                    RelationStep::Set(links) => Some((edit.relation.as_str(), true, links)),
                    _ => None,
                });
                (&update.resource_type, lists.collect())
            }
            _ => continue,
        };
        for (relation, is_whole, links) in lists {
            let before = links.len();
            let first = links.first().map(|link| link.value.clone()).unwrap_or_default();
            keep_known(server, context, resource_type, relation, links, &made).await?;
            // If no named target is left, that must not remove all links that exist.
            if is_update && is_whole && before > 0 && links.is_empty() {
                return Err(StoreError::UnknownTarget { relation: relation.to_owned(), id: first });
            }
            let loss = Dropped { write, relation: relation.to_owned() };
            if links.len() < before && !dropped.contains(&loss) {
                dropped.push(loss);
            }
        }
    }
    Ok(())
}

async fn keep_known(
    server: &Inner,
    context: &Context,
    resource_type: &ResourceType,
    relation: &str,
    links: &mut Vec<Reference>,
    made: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let Some(Side::Own { targets }) = resource_type.relation(relation).map(|relation| &relation.side) else {
        return Ok(());
    };
    let mut known = Vec::with_capacity(links.len());
    for link in links.drain(..) {
        if made.contains(&link.value) || exists(server, context, targets, &link.value).await? {
            known.push(link);
        }
    }
    *links = known;
    Ok(())
}

async fn exists(server: &Inner, context: &Context, types: &[String], id: &str) -> Result<bool, StoreError> {
    for resource_type in types.iter().filter_map(|name| server.registry.by_name(name)) {
        if server.store.get(context, server.get(resource_type, id)).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_links(write: &Write) -> bool {
    match write {
        Write::Insert(insert) => insert.links.iter().any(|(_, links)| !links.is_empty()),
        Write::Update(update) => !update.relations.is_empty(),
        _ => false,
    }
}
