use std::sync::Arc;

use scim_store::MemoryStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_keeps_the_contract() {
    super::keeps_the_contract(Arc::new(MemoryStore::new())).await;
}
