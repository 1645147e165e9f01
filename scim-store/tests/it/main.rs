//! Both stores keep the contract, and a store that does not is caught.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[cfg(feature = "sqlite")]
mod agree;
#[cfg(feature = "sqlite")]
mod altered;
#[cfg(feature = "sqlite")]
mod bounded;
mod broken;
mod broken_feed;
mod feed;
mod given;
#[cfg(feature = "sqlite")]
mod handover;
#[cfg(feature = "sqlite")]
mod large;
#[cfg(feature = "sqlite")]
mod lock;
#[cfg(feature = "sqlite")]
mod lost_log;
#[cfg(all(feature = "sqlite", target_os = "linux"))]
mod mapping;
mod memory;
#[cfg(feature = "sqlite")]
mod operations;
#[cfg(all(feature = "sqlite", unix))]
mod private;
#[cfg(feature = "sqlite")]
mod records;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;

use scim_server_traits::{ChangeFeed, OperatorFeed, Records, Store, conformance};

/// Runs each check, and prints its name first.
async fn keeps_the_contract<S: Store + ChangeFeed + OperatorFeed + Records + 'static>(store: Arc<S>) {
    let fixtures = conformance::Fixtures::default().with_spawn(|task| {
        let running = tokio::spawn(task);
        Box::pin(async { running.await.unwrap() })
    });
    for check in conformance::checks() {
        println!("{}", check.name);
        check.run(Arc::clone(&store) as Arc<dyn Store>).await;
    }
    for check in conformance::checks() {
        println!("{}, on tasks of their own", check.name);
        check.run_with(Arc::clone(&store) as Arc<dyn Store>, &fixtures).await;
    }
    for check in conformance::feed_checks() {
        println!("{}", check.name);
        check.run_with(Arc::clone(&store), &fixtures).await;
    }
    for check in conformance::record_checks() {
        println!("{}", check.name);
        check.run(Arc::clone(&store)).await;
    }
}
