//! Checks for which types the keys in the file fit.
//!
//! For each type of a tenant the file says what its keys were made of (`scim_indexed`). A fit is remembered, so that a
//! call does not have to read that again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, PoisonError, RwLock};

use rusqlite::{Connection, OptionalExtension};
use scim_core::ResourceType;

use super::fault::Fault;
use crate::keys::{attributes, stale};

/// What an operator of the store should do if keys do not fit.
const REMEDY: &str = "call `SqliteStore::reindex` for the tenant with the types that it is served, and serve it when \
    that has ended";

/// How many tenants are remembered before all are forgotten.
const TENANTS: usize = 65_536;

/// How many definitions of types are remembered for a tenant before all of the tenant's are forgotten.
const TYPES: usize = 64;

/// The types whose keys are known to fit.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Changes whenever a rebuild of keys begins.
    generation: AtomicU64,
    fitting: RwLock<BTreeMap<String, Vec<Arc<ResourceType>>>>,
}

impl Keys {
    /// Returns the generation. A read that begins and ends in one generation met no keys that were being rebuilt.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(SeqCst)
    }

    /// Returns whether the keys are known to fit the type.
    pub(super) fn fit(&self, tenant: &str, resource_type: &Arc<ResourceType>) -> bool {
        let fitting = self.fitting.read().unwrap_or_else(PoisonError::into_inner);
        let types = fitting.get(tenant).map(Vec::as_slice).unwrap_or_default();
        types.iter().any(|known| Arc::ptr_eq(known, resource_type))
    }

    /// Remembers a fit that was read from a snapshot of this generation.
    pub(super) fn note(&self, generation: u64, tenant: &str, resource_type: &Arc<ResourceType>) {
        let mut fitting = self.fitting.write().unwrap_or_else(PoisonError::into_inner);
        if self.generation() != generation {
            return;
        }
        if fitting.len() >= TENANTS && !fitting.contains_key(tenant) {
            fitting.clear();
        }
        let types = fitting.entry(tenant.to_owned()).or_default();
        if types.len() >= TYPES {
            types.clear();
        }
        if !types.iter().any(|known| Arc::ptr_eq(known, resource_type)) {
            types.push(Arc::clone(resource_type));
        }
    }

    /// Forgets which types fit the tenant. Returns the new generation.
    pub(super) fn forget(&self, tenant: &str) -> u64 {
        let mut fitting = self.fitting.write().unwrap_or_else(PoisonError::into_inner);
        fitting.remove(tenant);
        self.generation.fetch_add(1, SeqCst) + 1
    }
}

/// What the file says of the keys of a type, if it does not refuse the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// They were made of the type's attributes.
    Fitting,
    /// There are no keys and no resources.
    NotYet,
}

/// Fails if the keys were made of other attributes, or if it is unknown of which.
pub(super) fn check(
    connection: &Connection,
    tenant: &str,
    resource_type: &ResourceType,
) -> Result<Made, Fault> {
    let kind = resource_type.name();
    match made_of(connection, tenant, kind)? {
        Some(made) if made == attributes(resource_type) => Ok(Made::Fitting),
        None if !has_resources(connection, tenant, kind)? => Ok(Made::NotYet),
        _ => Err(stale(resource_type, REMEDY).into()),
    }
}

/// Returns what the keys of a tenant's type were made of.
pub(super) fn made_of(connection: &Connection, tenant: &str, kind: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT attrs FROM scim_indexed WHERE tenant = ?1 AND kind = ?2";
    Ok(connection.prepare_cached(sql)?.query_row([tenant, kind], |row| row.get(0)).optional()?)
}

/// Records what the keys of a tenant's type are made of.
pub(super) fn set_made_of(
    connection: &Connection,
    tenant: &str,
    kind: &str,
    attributes: &str,
) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO scim_indexed (tenant, kind, attrs) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute([tenant, kind, attributes])?;
    Ok(())
}

fn has_resources(connection: &Connection, tenant: &str, kind: &str) -> Result<bool, Fault> {
    let sql = "SELECT EXISTS (SELECT 1 FROM scim_resource WHERE tenant = ?1 AND kind = ?2)";
    Ok(connection.prepare_cached(sql)?.query_row([tenant, kind], |row| row.get(0))?)
}
