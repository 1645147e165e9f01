//! Both stores keep the contract, and a store that does not is caught.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[cfg(feature = "sqlite")]
mod agree;
mod broken;
#[cfg(feature = "sqlite")]
mod given;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;

use scim_server_traits::{Store, conformance};

/// Runs each check, and says which was the last.
async fn keeps_the_contract(store: Arc<dyn Store>) {
    for check in conformance::checks() {
        println!("{}", check.name);
        check.run(Arc::clone(&store)).await;
    }
}
