//! The enterprise's rules, as a store around a store.
//!
//! Every write goes through it, and all effects of one call are one batch.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{Error, Resource};
use scim_patch::RelationStep;
use scim_server_traits::{
    Batch, Claim, Context, Get, Page, Query, Store, StoreError, Stored, Update, Write, Written,
};

use crate::account::is_active;
use crate::handle::Handle;
use crate::product::{HandleConflict, Product, ShortCode};
use crate::rate_limit::{Limited, RateLimits};
use crate::registry::USER;
use crate::rules;

/// The space in which handles are claimed. A suspended account keeps its handle; a hard delete frees it.
const HANDLE: &str = "handle";

/// The relation from a group to its members.
const MEMBERS: &str = "members";

/// A store that applies GitHub's rules.
#[derive(Debug)]
pub(crate) struct EmuStore<S> {
    pub(crate) inner: S,
    pub(crate) product: Product,
    pub(crate) code: ShortCode,
    pub(crate) conflict: HandleConflict,
    pub(crate) limits: Option<RateLimits>,
}

impl<S> EmuStore<S> {
    /// Returns the claim and the dormancy that follow from a user's document.
    fn account_effects(&self, user: &Resource) -> Result<(Vec<Claim>, bool), Error> {
        let user_name = user.text("userName").unwrap_or_default();
        let handle = Handle::derive(user_name, &self.product, &self.code)
            .map_err(|error| Error::invalid_value(error.to_string()))?;
        Ok((vec![Claim::new(HANDLE, handle.key())], !is_active(user)))
    }

    fn prepare(&self, batch: &mut Batch) -> Result<(), Error> {
        for write in &mut batch.writes {
            match write {
                Write::Insert(insert) => {
                    rules::check(&insert.resource_type, &insert.resource)?;
                    rules::check_whole(&insert.resource_type, &insert.resource)?;
                    if insert.resource_type.name() == USER {
                        (insert.claims, insert.dormant) = self.account_effects(&insert.resource)?;
                    }
                }
                Write::Update(update) => {
                    let Some(resource) = &update.resource else { continue };
                    rules::check(&update.resource_type, resource)?;
                    if update.whole {
                        rules::check_whole(&update.resource_type, resource)?;
                    }
                    if update.resource_type.name() == USER {
                        let (claims, dormant) = self.account_effects(resource)?;
                        // E-31, E-34: suspension hides the user from groups, and reactivation restores it.
                        (update.claims, update.dormant) = (Some(claims), Some(dormant));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Turns the error for a handle that is taken into the answer that was chosen.
    // E-22
    fn refused(&self, error: StoreError) -> StoreError {
        match (error, self.conflict) {
            (StoreError::Claimed { key, .. }, HandleConflict::BadRequest) => StoreError::Rejected(
                Error::invalid_value(format!("the account `{key}` already belongs to somebody else")),
            ),
            (error, _) => error,
        }
    }
}

impl<S: Store> EmuStore<S> {
    /// Checks the limits, and returns what each write counts towards.
    async fn counted(&self, context: &Context, batch: &Batch) -> Result<Vec<Option<Limited>>, StoreError> {
        let Some(limits) = &self.limits else { return Ok(Vec::new()) };
        let enterprise = context.tenant().as_str().to_owned();
        let mut counted = Vec::new();
        for write in &batch.writes {
            counted.push(match write {
                Write::Insert(insert) if insert.resource_type.name() == USER => {
                    let people = Limited::People { enterprise: enterprise.clone() };
                    limits.check(&people, 1).map_err(StoreError::Rejected)?;
                    Some(people)
                }
                Write::Insert(insert) => {
                    let members =
                        Limited::Members { enterprise: enterprise.clone(), group: insert.id.clone() };
                    let count = insert.links.iter().map(|(_, references)| references.len()).sum();
                    limits.check(&members, count).map_err(StoreError::Rejected)?;
                    Some(members)
                }
                Write::Update(update) if !update.relations.is_empty() => {
                    let members =
                        Limited::Members { enterprise: enterprise.clone(), group: update.id.clone() };
                    if limits.check(&members, named(update).len()).is_err() {
                        let new = self.new_members(context, update).await?;
                        limits.check(&members, new).map_err(StoreError::Rejected)?;
                    }
                    Some(members)
                }
                _ => None,
            });
        }
        Ok(counted)
    }

    /// Returns how many of the members that an update names are not in the group yet.
    async fn new_members(&self, context: &Context, update: &Update) -> Result<usize, StoreError> {
        let get =
            Get::new(Arc::clone(&update.resource_type), &update.id).with_relations(vec![MEMBERS.into()]);
        let group = self.inner.get(context, get).await?;
        let links = group.as_ref().and_then(|group| group.links.get(MEMBERS)).map(Vec::as_slice);
        let there: HashSet<&str> = links.unwrap_or_default().iter().map(|link| link.id.as_str()).collect();
        Ok(named(update).difference(&there).count())
    }
}

/// Returns the members that an update adds or sets, each once.
fn named(update: &Update) -> HashSet<&str> {
    let references = update.relations.iter().flat_map(|edit| match &edit.step {
        RelationStep::Add(references) | RelationStep::Set(references) => references.as_slice(),
        _ => &[],
    });
    references.map(|reference| reference.value.as_str()).collect()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: Store> Store for EmuStore<S> {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        self.inner.get(context, get).await
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        if let Some(filter) = &query.filter {
            rules::check_filter(&query.resource_type, filter).map_err(StoreError::Rejected)?;
        }
        self.inner.query(context, query).await
    }

    async fn commit(&self, context: &Context, mut batch: Batch) -> Result<Vec<Written>, StoreError> {
        self.prepare(&mut batch).map_err(StoreError::Rejected)?;
        let counted = self.counted(context, &batch).await?;
        let written = self.inner.commit(context, batch).await.map_err(|error| self.refused(error))?;
        if let Some(limits) = &self.limits {
            for (what, written) in counted.into_iter().zip(&written) {
                match what {
                    Some(what @ Limited::People { .. }) => limits.charge(what, 1),
                    Some(what @ Limited::Members { .. }) => limits.charge(what, written.added.len()),
                    None => {}
                }
            }
        }
        Ok(written)
    }
}
