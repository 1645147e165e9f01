//! Tells those who follow the change feed that something was committed.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, EventListener};
use scim_server_traits::TenantId;

/// The followers that wait for news: of one tenant, or of all.
#[derive(Debug, Default)]
pub(crate) struct News {
    all: Event,
    /// Tenants without followers are not here.
    tenants: Mutex<HashMap<TenantId, Arc<Event>>>,
    /// How many followers wait, so that a commit need not look for them.
    waiting: AtomicUsize,
}

/// A follower that waits. It was there before it looked at the feed, so it misses nothing.
struct Waiting<'a> {
    news: &'a News,
    listener: EventListener,
    of: Option<(TenantId, Arc<Event>)>,
}

impl News {
    /// Waits until `is_new` says that there is something new: of this tenant, or of any without one.
    pub(crate) async fn until<E, F>(
        &self,
        tenant: Option<&TenantId>,
        is_new: impl Fn() -> F + Send,
    ) -> Result<(), E>
    where
        F: Future<Output = Result<bool, E>> + Send,
    {
        loop {
            // In this order, so that a commit in between is told.
            let mut waiting = self.wait(tenant);
            if is_new().await? {
                return Ok(());
            }
            (&mut waiting.listener).await;
        }
    }

    fn wait(&self, tenant: Option<&TenantId>) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let of = tenant.map(|tenant| (tenant.clone(), self.of(tenant)));
        let listener = of.as_ref().map_or(&self.all, |(_, event)| event).listen();
        Waiting { news: self, listener, of }
    }

    fn of(&self, tenant: &TenantId) -> Arc<Event> {
        let mut tenants = self.tenants();
        if let Some(event) = tenants.get(tenant) {
            return Arc::clone(event);
        }
        let event = Arc::new(Event::new());
        tenants.insert(tenant.clone(), Arc::clone(&event));
        event
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Event>>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells that the tenant has changes, after they can be read.
    pub(crate) fn tell(&self, tenant: &TenantId) {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        self.all.notify(usize::MAX);
        if let Some(event) = self.tenants().get(tenant) {
            event.notify(usize::MAX);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.news.waiting.fetch_sub(1, Ordering::SeqCst);
        let Some((tenant, event)) = self.of.take() else { return };
        let mut tenants = self.news.tenants();
        // Nobody else follows the tenant: one count is the map's, one is ours.
        if Arc::strong_count(&event) == 2 {
            tenants.remove(&tenant);
        }
    }
}
