//! The store keeps the contract of `Store`, as the conformance kit checks it.

use std::sync::Arc;

use own_store::OwnStore;
use scim_server_traits::conformance::{self, Ability, Fixtures};

/// The store scans all resources for every filter, and ignores the scan budget.
fn fixtures() -> Fixtures {
    Fixtures::default().without(&[Ability::ScanBudget])
}

#[tokio::test]
async fn keeps_the_contract() {
    conformance::run_with(Arc::new(OwnStore::default()), &fixtures()).await;
}

/// Starts each call in its own task, so that concurrent calls run on several threads.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_on_several_threads() {
    let fixtures = fixtures().with_spawn(|task| {
        let running = tokio::spawn(task);
        Box::pin(async { running.await.unwrap() })
    });
    conformance::run_with(Arc::new(OwnStore::default()), &fixtures).await;
}
