//! Turns for writers that compete for one resource. A writer that has lost too often waits for its turn. While a writer
//! has a turn or waits for one, new writers of that resource wait too.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_lock::MutexGuardArc;
use scim_core::ResourceType;
use scim_server_traits::TenantId;

/// The resources whose writers take turns. A resource is forgotten if no writer has its turn or waits for it.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<Which, Place>>);

/// Which resource: its tenant, the name of its type, and its id.
type Which = (TenantId, String, String);

/// The writers of one resource.
#[derive(Debug, Default)]
struct Place {
    /// How many writers have a turn or wait for it.
    writers: usize,
    turn: Arc<async_lock::Mutex<()>>,
}

/// The turn for one resource. Only one exists at a time; dropping it passes it on.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    // Fields are dropped in this order: the turn is passed on before its writer stops counting.
    _turn: MutexGuardArc<()>,
    _standing: Standing<'a>,
}

/// Counts one writer that has a turn or waits for it.
#[derive(Debug)]
struct Standing<'a> {
    turns: &'a Turns,
    which: Which,
}

impl Turns {
    /// Waits for a turn if writers of this resource take turns. Otherwise returns `None` at once.
    pub(crate) async fn join(
        &self,
        tenant: &TenantId,
        resource_type: &ResourceType,
        id: &str,
    ) -> Option<Turn<'_>> {
        {
            let places = self.places();
            if places.is_empty() || !places.contains_key(&which(tenant, resource_type, id)) {
                return None;
            }
        }
        Some(self.take(tenant, resource_type, id).await)
    }

    /// Waits for a turn.
    pub(crate) async fn take(&self, tenant: &TenantId, resource_type: &ResourceType, id: &str) -> Turn<'_> {
        let which = which(tenant, resource_type, id);
        let turn = {
            let mut places = self.places();
            let place = places.entry(which.clone()).or_default();
            place.writers += 1;
            Arc::clone(&place.turn)
        };
        // Also dropped if the caller gives up waiting.
        let standing = Standing { turns: self, which };
        Turn { _turn: turn.lock_arc().await, _standing: standing }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<Which, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        let mut places = self.turns.places();
        if let Some(place) = places.get_mut(&self.which) {
            place.writers -= 1;
            if place.writers == 0 {
                places.remove(&self.which);
            }
        }
    }
}

fn which(tenant: &TenantId, resource_type: &ResourceType, id: &str) -> Which {
    (tenant.clone(), resource_type.name().to_owned(), id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_go_round_and_nothing_is_left_of_them() {
        let (turns, user) = (Turns::default(), ResourceType::user());
        let (one, other) = (TenantId::new("one"), TenantId::new("other"));
        assert!(turns.join(&one, &user, "u1").await.is_none(), "nobody has taken a turn");
        let turn = turns.take(&one, &user, "u1").await;
        for (tenant, id) in [(&other, "u1"), (&one, "u2")] {
            assert!(turns.join(tenant, &user, id).await.is_none(), "another resource");
        }
        let next = turns.join(&one, &user, "u1");
        let gone = turns.take(&one, &user, "u1");
        {
            let mut gone = std::pin::pin!(gone);
            assert!(futures_util::poll!(&mut gone).is_pending(), "one turn at a time");
        }
        let mut next = std::pin::pin!(next);
        assert!(futures_util::poll!(&mut next).is_pending());
        drop(turn);
        let turn = next.await;
        assert!(turn.is_some(), "whoever waits no longer keeps nobody waiting");
        drop(turn);
        assert!(turns.places().is_empty());
    }
}
