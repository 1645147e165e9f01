//! 1,000 PATCH operations on a title in one bulk request, on a store in memory.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark that cannot run has nothing to measure")]

use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;
use scim_core::urn;
use scim_server::{BearerTokens, Grant, Server};
use scim_server_traits::TenantId;
use scim_store::MemoryStore;
use serde_json::{Value, json};

const OPERATIONS: usize = 1_000;

fn post(path: &str, body: &Value) -> Request<Bytes> {
    let request = Request::post(format!("/scim/v2{path}")).header("authorization", "Bearer token");
    request.body(body.to_string().into()).expect("a request")
}

fn bulk(operations: Vec<Value>) -> Value {
    json!({"schemas": [urn::BULK_REQUEST], "Operations": operations})
}

fn patches(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let tokens = BearerTokens::new().with("token", Grant::new(TenantId::new("bench"), "bench"));
    let server = Server::builder(Arc::new(MemoryStore::new()), Arc::new(tokens))
        .base_url("http://localhost/scim/v2")
        .build()
        .expect("a server");
    let user: Value = serde_json::from_slice(scim_benches::user::BODY).expect("JSON");
    let creates = (0..OPERATIONS).map(|at| {
        let mut data = user.clone();
        data["userName"] = format!("u{at}").into();
        json!({"method": "POST", "path": "/Users", "bulkId": at.to_string(), "data": data})
    });
    let response = runtime.block_on(server.handle(post("/Bulk", &bulk(creates.collect()))));
    let body = runtime.block_on(response.into_body().into_bytes()).expect("a body");
    let results: Value = serde_json::from_slice(&body).expect("JSON");
    let paths: Vec<String> = results["Operations"]
        .as_array()
        .expect("results")
        .iter()
        .filter_map(|result| Some(format!("/Users/{}", result["location"].as_str()?.rsplit('/').next()?)))
        .collect();
    assert_eq!(paths.len(), OPERATIONS);
    let mut title = 0;
    let mut request = || {
        title += 1;
        let patch = json!({"schemas": [urn::PATCH_OP],
            "Operations": [{"op": "replace", "path": "title", "value": format!("Title {title}")}]});
        let operation = |path: &String| json!({"method": "PATCH", "path": path, "data": patch.clone()});
        post("/Bulk", &bulk(paths.iter().map(operation).collect()))
    };
    criterion.bench_function("bulk of 1,000 PATCHes", |bencher| {
        bencher.iter_batched(
            &mut request,
            |request| runtime.block_on(server.handle(request)),
            criterion::BatchSize::LargeInput,
        );
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(40);
    targets = patches
}
criterion_main!(benches);
