//! The conformance kit catches feeds and streams of records that break their contract.

use std::sync::Arc;

use async_trait::async_trait;
use scim_core::Timestamp;
use scim_server_traits::{
    Batch, Cause, Change, ChangeFeed, ChangeFeedError, Context, FeedPosition, Get, KeptRecord, OperatorFeed,
    Page, Query, RecordQuery, Records, Store, StoreError, Stored, TenantId, Written, conformance,
};
use scim_store::MemoryStore;

/// How a feed, or a stream of records, may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NumbersAllTenants,
    ForgetsTheCause,
    ForgetsThePaths,
    ForgetsActivation,
    ForgetsTheExternalId,
    WakesForNothing,
    NeverWakes,
    KeepsThePosition,
    TurnsTheOperatorsPage,
    RecordsBeforeTheBatch,
    ReadsOldestFirst,
    IgnoresTime,
    IgnoresTheFilter,
    IgnoresThePosition,
    SharesStreams,
    PrunesTheMomentToo,
    PrunesAll,
    SearchesForEver,
}

#[derive(Debug)]
struct Broken {
    store: MemoryStore,
    fault: Fault,
}

impl Broken {
    fn spoil(&self, change: &mut Change) {
        match self.fault {
            Fault::ForgetsTheCause => change.cause = Cause::default(),
            Fault::ForgetsThePaths => change.paths.clear(),
            Fault::ForgetsActivation => change.activation = None,
            Fault::ForgetsTheExternalId => change.external_id = None,
            _ => {}
        }
    }
}

#[async_trait]
impl Store for Broken {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        self.store.get(context, get).await
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        self.store.query(context, query).await
    }

    async fn commit(&self, context: &Context, mut batch: Batch) -> Result<Vec<Written>, StoreError> {
        if self.fault == Fault::RecordsBeforeTheBatch {
            let mut records = Batch::new(batch.now).caused_by(batch.cause.clone());
            records.records = std::mem::take(&mut batch.records);
            self.store.commit(context, records).await?;
        }
        self.store.commit(context, batch).await
    }
}

#[async_trait]
impl ChangeFeed for Broken {
    async fn newest(&self, tenant: &TenantId) -> Result<u64, ChangeFeedError> {
        match self.fault {
            Fault::NumbersAllTenants => self.store.newest_of_all().await?.number(),
            _ => self.store.newest(tenant).await,
        }
    }

    async fn changes(
        &self,
        tenant: &TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Change>, ChangeFeedError> {
        if self.fault == Fault::NumbersAllTenants {
            let after = FeedPosition::of_number(after);
            let (mut changes, _) = self.store.changes_of_all(&after, usize::MAX).await?;
            (after.number()? + 1..).zip(&mut changes).for_each(|(at, change)| change.sequence = at);
            changes.retain(|change| change.tenant == *tenant);
            changes.truncate(limit);
            return Ok(changes);
        }
        let mut changes = self.store.changes(tenant, after, limit).await?;
        changes.iter_mut().for_each(|change| self.spoil(change));
        Ok(changes)
    }

    async fn changed(&self, tenant: &TenantId, after: u64) -> Result<(), ChangeFeedError> {
        if self.fault == Fault::WakesForNothing {
            return Ok(());
        }
        if self.fault == Fault::NeverWakes {
            std::future::pending::<()>().await;
        }
        self.store.changed(tenant, after).await
    }
}

#[async_trait]
impl OperatorFeed for Broken {
    async fn newest_of_all(&self) -> Result<FeedPosition, ChangeFeedError> {
        self.store.newest_of_all().await
    }

    async fn changes_of_all(
        &self,
        after: &FeedPosition,
        limit: usize,
    ) -> Result<(Vec<Change>, FeedPosition), ChangeFeedError> {
        let (mut changes, reached) = self.store.changes_of_all(after, limit).await?;
        match self.fault {
            Fault::KeepsThePosition if changes.len() < limit => Ok((changes, self.newest_of_all().await?)),
            Fault::KeepsThePosition => Ok((changes, FeedPosition::of_number(reached.number()? + 1))),
            Fault::TurnsTheOperatorsPage => {
                changes.reverse();
                Ok((changes, reached))
            }
            _ => Ok((changes, reached)),
        }
    }

    async fn changed_of_all(&self, after: &FeedPosition) -> Result<(), ChangeFeedError> {
        self.store.changed_of_all(after).await
    }
}

#[async_trait]
impl Records for Broken {
    async fn records(
        &self,
        context: &Context,
        mut query: RecordQuery,
    ) -> Result<Vec<KeptRecord>, StoreError> {
        match self.fault {
            Fault::ReadsOldestFirst => query.newest_first = false,
            Fault::IgnoresTime => (query.from, query.until) = (None, None),
            Fault::IgnoresTheFilter => query.filter = None,
            Fault::IgnoresThePosition => query.after = None,
            Fault::SearchesForEver => {
                return self.store.records(&Context::new(context.tenant().clone()), query).await;
            }
            Fault::SharesStreams => {
                let elsewhere = Context::new(TenantId::new("all"));
                return self.store.records(&elsewhere, query).await;
            }
            _ => {}
        }
        self.store.records(context, query).await
    }

    async fn prune(&self, context: &Context, stream: &str, until: Timestamp) -> Result<u64, StoreError> {
        let until = match self.fault {
            Fault::PrunesTheMomentToo => Timestamp::from_millis(until.as_millis() + 1),
            Fault::PrunesAll => Timestamp::from_millis(i64::MAX),
            _ => until,
        };
        self.store.prune(context, stream, until).await
    }
}

/// Returns the checks that fail.
async fn caught(fault: Fault) -> Vec<&'static str> {
    let mut caught = Vec::new();
    let broken = || Arc::new(Broken { store: MemoryStore::new(), fault });
    for check in conformance::feed_checks() {
        if tokio::spawn(check.run(broken())).await.is_err() {
            caught.push(check.name);
        }
    }
    for check in conformance::record_checks() {
        if tokio::spawn(check.run(broken())).await.is_err() {
            caught.push(check.name);
        }
    }
    caught
}

/// A follower that is not woken waits for ever, so here the check does not end.
#[tokio::test]
async fn a_check_of_a_feed_that_never_wakes_does_not_end() {
    let checks = conformance::feed_checks();
    let check = checks.iter().find(|check| check.name == "a_follower_that_waits_misses_nothing").unwrap();
    let broken = Arc::new(Broken { store: MemoryStore::new(), fault: Fault::NeverWakes });
    let mut running = Box::pin(check.run(broken));
    for _ in 0..1_000 {
        assert!(futures_util::poll!(&mut running).is_pending());
    }
    let well = check.run(Arc::new(MemoryStore::new()));
    well.await;
}

#[tokio::test]
async fn the_kit_catches_each_sentence_of_a_feed_that_is_not_kept() {
    for (fault, name) in [
        (Fault::NumbersAllTenants, "each_tenant_has_numbers_of_its_own"),
        (Fault::ForgetsTheCause, "a_change_says_who_caused_it"),
        (Fault::ForgetsThePaths, "a_change_says_what_it_changed"),
        (Fault::ForgetsActivation, "a_change_says_what_it_changed"),
        (Fault::ForgetsTheExternalId, "a_change_of_links_says_who_it_is_about"),
        (Fault::WakesForNothing, "a_follower_waits_for_its_tenant"),
        (Fault::KeepsThePosition, "the_operator_sees_each_tenant_in_order"),
        (Fault::TurnsTheOperatorsPage, "the_operator_sees_each_tenant_in_order"),
        (Fault::RecordsBeforeTheBatch, "records_are_kept_with_their_batch_or_not_at_all"),
        (Fault::ReadsOldestFirst, "records_come_in_the_order_of_commits"),
        (Fault::IgnoresTime, "records_are_found_by_time"),
        (Fault::IgnoresTheFilter, "records_are_found_by_filter"),
        (Fault::IgnoresThePosition, "records_are_found_by_time"),
        (Fault::SharesStreams, "streams_and_tenants_are_apart"),
        (Fault::PrunesTheMomentToo, "old_records_are_pruned"),
        (Fault::PrunesAll, "old_records_are_pruned"),
        (Fault::SearchesForEver, "a_search_among_many_ends_with_the_account"),
    ] {
        if fault == Fault::IgnoresThePosition {
            // A walk by positions would never end.
            let checks = conformance::record_checks();
            let check = checks.iter().find(|check| check.name == name).unwrap();
            let broken = Arc::new(Broken { store: MemoryStore::new(), fault });
            assert!(tokio::spawn(check.run(broken)).await.is_err(), "{name} does not catch {fault:?}");
            continue;
        }
        let caught = caught(fault).await;
        assert!(caught.contains(&name), "{name} does not catch {fault:?}: {caught:?}");
    }
}
