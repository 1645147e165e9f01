//! The enterprise's rules as a store around a store: whatever is written passes here, and all effects of
//! one call are one batch.

use async_trait::async_trait;
use scim_core::{Error, Resource};
use scim_patch::{RelationEdit, RelationStep};
use scim_server_traits::{
    Batch, Claim, Context, Get, Page, Query, Store, StoreError, Stored, Write, Written,
};

use crate::account::is_active;
use crate::handle::Handle;
use crate::product::{HandleConflict, Product, ShortCode};
use crate::rate_limit::RateLimits;
use crate::registry::USER;
use crate::rules;

/// The space in which handles are claimed. Kept while suspended, freed by a hard delete.
const HANDLE: &str = "handle";

/// A store that keeps GitHub's rules.
#[derive(Debug)]
pub(crate) struct EmuStore<S> {
    pub(crate) inner: S,
    pub(crate) product: Product,
    pub(crate) code: ShortCode,
    pub(crate) conflict: HandleConflict,
    pub(crate) limits: Option<RateLimits>,
}

impl<S> EmuStore<S> {
    /// The claim and the dormancy that follow from a user's document.
    fn account_effects(&self, user: &Resource) -> Result<(Vec<Claim>, bool), Error> {
        let user_name = user.text("userName").unwrap_or_default();
        let handle = Handle::derive(user_name, &self.product, &self.code)
            .map_err(|error| Error::invalid_value(error.to_string()))?;
        Ok((vec![Claim::new(HANDLE, handle.key())], !is_active(user)))
    }

    fn prepare(&self, context: &Context, batch: &mut Batch) -> Result<(), Error> {
        for write in &mut batch.writes {
            match write {
                Write::Insert(insert) => {
                    rules::check(&insert.resource_type, &insert.resource)?;
                    rules::check_new(&insert.resource_type, &insert.resource)?;
                    if insert.resource_type.name() == USER {
                        (insert.claims, insert.dormant) = self.account_effects(&insert.resource)?;
                    }
                }
                Write::Update(update) => {
                    let Some(resource) = &update.resource else { continue };
                    rules::check(&update.resource_type, resource)?;
                    if update.resource_type.name() == USER {
                        let (claims, dormant) = self.account_effects(resource)?;
                        // E-31, E-34: suspension hides the person from groups, and return restores it.
                        (update.claims, update.dormant) = (Some(claims), Some(dormant));
                    }
                }
                _ => {}
            }
        }
        self.count(context, batch)
    }

    fn count(&self, context: &Context, batch: &Batch) -> Result<(), Error> {
        let Some(limits) = &self.limits else { return Ok(()) };
        let enterprise = context.tenant().as_str();
        for write in &batch.writes {
            match write {
                Write::Insert(insert) if insert.resource_type.name() == USER => {
                    limits.people(enterprise, 1)?;
                }
                Write::Insert(insert) => {
                    let members = insert.links.iter().map(|(_, references)| references.len()).sum();
                    limits.members(enterprise, &insert.id, members)?;
                }
                Write::Update(update) => {
                    let members = update.relations.iter().map(added).sum();
                    limits.members(enterprise, &update.id, members)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// E-22: a handle that is taken.
    fn refused(&self, error: StoreError) -> StoreError {
        match (error, self.conflict) {
            (StoreError::Claimed { key, .. }, HandleConflict::BadRequest) => StoreError::Rejected(
                Error::invalid_value(format!("the account `{key}` already belongs to somebody else")),
            ),
            (error, _) => error,
        }
    }
}

fn added(edit: &RelationEdit) -> usize {
    match &edit.step {
        RelationStep::Add(references) | RelationStep::Set(references) => references.len(),
        _ => 0,
    }
}

#[async_trait]
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
        self.prepare(context, &mut batch).map_err(StoreError::Rejected)?;
        self.inner.commit(context, batch).await.map_err(|error| self.refused(error))
    }
}
