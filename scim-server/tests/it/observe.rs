//! What operators see.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::json;

use crate::client::{USER, get, post, request, send, server, user};

#[tokio::test]
async fn a_request_has_an_id_that_the_answer_repeats() {
    let server = server();
    let ask = async |id: &str| {
        let request = request(Method::GET, "/Users/none", None).header("x-request-id", id);
        send(&server, request.body(Bytes::new()).unwrap()).await.header("x-request-id").to_owned()
    };
    assert_eq!(ask("abc-1.2").await, "abc-1.2");
    for unfit in ["", "a b", "a\"b", &"x".repeat(129)] {
        assert_eq!(ask(unfit).await.len(), 36, "a fresh one for `{unfit}`");
    }
    assert_ne!(
        get(&server, "/Users").await.header("x-request-id"),
        get(&server, "/Users").await.header("x-request-id")
    );
}

#[test]
fn sec_008_metrics_count_requests_store_calls_quirks_and_conflicts() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let server = server();
            user(&server, "ada").await;
            post(&server, "/Users", json!({"schemas": [USER], "userName": "ADA"}))
                .await
                .refused(409, "uniqueness");
            post(&server, "/Users", json!({"userName": "bob"})).await;
        });
    });
    let mut counters = BTreeMap::new();
    let mut histograms = BTreeMap::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let labels: Vec<String> = key.key().labels().map(|label| label.value().to_owned()).collect();
        let name = format!("{} {}", key.key().name(), labels.join(" "));
        match value {
            DebugValue::Counter(count) => drop(counters.insert(name, count)),
            DebugValue::Histogram(values) => drop(histograms.insert(name, values.len())),
            DebugValue::Gauge(_) => {}
        }
    }
    let expected = [
        ("scim_conflicts_total uniqueness", 1),
        ("scim_quirks_total infer_schemas", 1),
        ("scim_requests_total create User 201", 2),
        ("scim_requests_total create User 409", 1),
    ];
    assert_eq!(counters, expected.map(|(name, count)| (name.to_owned(), count)).into());
    let expected = [("scim_request_seconds create", 3), ("scim_store_seconds commit", 3)];
    assert_eq!(histograms, expected.map(|(name, count)| (name.to_owned(), count)).into());
}
