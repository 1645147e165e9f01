//! Limits how many long reads one principal or tenant may run at once, so that no client keeps all readers busy.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_lock::{Semaphore, SemaphoreGuardArc};
use scim_server_traits::{Context, TenantId};

/// The places for long reads of each tenant, and of each of its principals. A tenant has all but one of the places, a
/// principal half of them, and each at least 1.
#[derive(Debug)]
pub(crate) struct Lanes {
    tenants: Places<TenantId>,
    principals: Places<(TenantId, String)>,
}

/// A place among the long reads. Dropping it frees the place.
pub(crate) struct Place {
    _tenant: SemaphoreGuardArc,
    _principal: SemaphoreGuardArc,
}

impl Lanes {
    pub(crate) fn new(readers: usize) -> Self {
        let (tenant, principal) = (readers.saturating_sub(1).max(1), (readers / 2).max(1));
        Self { tenants: Places::new(tenant), principals: Places::new(principal) }
    }

    /// Waits for a place. A read that waits for another read of its principal holds no place of the tenant.
    pub(crate) async fn enter(&self, context: &Context) -> Place {
        let principal = (context.tenant().clone(), context.principal().name.clone());
        let principal = self.principals.of(principal).acquire_arc().await;
        let tenant = self.tenants.of(context.tenant().clone()).acquire_arc().await;
        Place { _tenant: tenant, _principal: principal }
    }
}

/// A fixed number of places for each key.
#[derive(Debug)]
pub(crate) struct Places<K> {
    most: usize,
    taken: Mutex<HashMap<K, Weak<Semaphore>>>,
}

impl<K: Eq + Hash> Places<K> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, taken: Mutex::default() }
    }

    pub(crate) fn of(&self, who: K) -> Arc<Semaphore> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = taken.get(&who).and_then(Weak::upgrade) {
            return places;
        }
        // Keys without a read under way are forgotten.
        taken.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(self.most));
        taken.insert(who, Arc::downgrade(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use scim_server_traits::Principal;

    use super::*;

    fn context(tenant: &str, principal: &str) -> Context {
        Context::new(TenantId::new(tenant)).with_principal(Principal::new(principal))
    }

    #[test]
    fn a_principal_has_half_of_the_places_and_a_tenant_all_but_one() {
        let lanes = Lanes::new(4);
        let enter = |tenant: &str, principal: &str| lanes.enter(&context(tenant, principal)).now_or_never();
        let (first, _second) = (enter("a", "ada").unwrap(), enter("a", "ada").unwrap());
        assert!(enter("a", "ada").is_none(), "half of four");
        let _third = enter("a", "bob").unwrap();
        assert!(enter("a", "cyd").is_none(), "one is left to other tenants");
        let _other = enter("b", "ada").unwrap();
        drop(first);
        assert!(enter("a", "cyd").is_some(), "a place is free again");
        let alone = Lanes::new(1);
        assert!(alone.enter(&context("a", "ada")).now_or_never().is_some());
    }

    #[test]
    fn who_has_gone_is_forgotten() {
        let lanes = Lanes::new(2);
        for principal in 0..100 {
            assert!(lanes.enter(&context("a", &principal.to_string())).now_or_never().is_some());
        }
        assert!(lanes.principals.taken.lock().unwrap().len() <= 2);
    }
}
