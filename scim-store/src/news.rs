//! Tells those who follow the change feed that something was committed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use event_listener::{Event, EventListener};
use scim_server_traits::TenantId;

/// The followers that wait for news: of one tenant, or of all.
#[derive(Debug, Default)]
pub(crate) struct News {
    all: Event,
    tenants: Mutex<HashMap<TenantId, Weak<Event>>>,
    /// How many followers wait, so that a commit need not look for them.
    waiting: AtomicUsize,
}

/// A follower that waits. It was there before it looked at the feed, so it misses nothing.
pub(crate) struct Waiting<'a> {
    news: &'a News,
    listener: Option<EventListener>,
    /// Keeps the event of the tenant.
    _event: Option<Arc<Event>>,
}

impl News {
    /// Begins to wait for a commit of this tenant, or of any without one.
    pub(crate) fn wait(&self, tenant: Option<&TenantId>) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let event = tenant.map(|tenant| self.of(tenant));
        let listener = event.as_deref().unwrap_or(&self.all).listen();
        Waiting { news: self, listener: Some(listener), _event: event }
    }

    fn of(&self, tenant: &TenantId) -> Arc<Event> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = tenants.get(tenant).and_then(Weak::upgrade) {
            return event;
        }
        // Tenants without followers are forgotten.
        tenants.retain(|_, event| event.strong_count() > 0);
        let event = Arc::new(Event::new());
        tenants.insert(tenant.clone(), Arc::downgrade(&event));
        event
    }

    /// Tells that the tenant has changes, after they can be read.
    pub(crate) fn tell(&self, tenant: &TenantId) {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        self.all.notify(usize::MAX);
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = tenants.get(tenant).and_then(Weak::upgrade) {
            event.notify(usize::MAX);
        }
    }
}

impl Waiting<'_> {
    /// Waits until something is told.
    pub(crate) async fn told(mut self) {
        if let Some(listener) = self.listener.take() {
            listener.await;
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.news.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
