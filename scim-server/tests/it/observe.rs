//! What operators see.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Once};

use bytes::Bytes;
use http::{Method, Request};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::json;

use scim_server_traits::{FeedPosition, OperatorFeed};
use scim_store::MemoryStore;

use crate::client::{GROUP, PATCH_OP, USER, get, on, patch, post, request, send, server, user};

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

/// Whoever follows the store learns who changed what, by which request.
#[tokio::test]
async fn each_change_says_which_request_caused_it() {
    let store = MemoryStore::new();
    let server = on(Arc::new(store.clone())).build().unwrap();
    let user = user(&server, "ada").await;
    let path = format!("/Users/{user}");
    let replace = json!([{"op": "replace", "path": "active", "value": false}]);
    let body = json!({"schemas": [PATCH_OP], "Operations": replace}).to_string();
    let changing = request(Method::PATCH, &path, None).header("x-request-id", "r-1");
    let changing = changing.header("content-type", "application/scim+json").body(Bytes::from(body)).unwrap();
    assert_eq!(send(&server, changing).await.status, 200);
    let bulk = json!({"schemas": [scim_core::urn::BULK_REQUEST],
        "Operations": [{"method": "DELETE", "path": path}]});
    post(&server, "/Bulk", bulk).await;
    let (changes, _) = store.changes_of_all(&FeedPosition::of_number(0), 9).await.unwrap();
    let causes: Vec<_> =
        changes.iter().map(|change| (&*change.cause.principal, &*change.cause.operation)).collect();
    let principal = causes[0].0;
    assert!(!principal.is_empty());
    assert_eq!(causes, [(principal, "create"), (principal, "patch"), (principal, "delete")]);
    assert_eq!(changes[1].cause.request, "r-1");
    assert_eq!((&*changes[1].paths, changes[1].activation), (&["active".to_owned()][..], Some(false)));
    assert_eq!(changes[0].cause.request.len(), 36, "the id that the answer told");
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

thread_local! {
    /// What is logged at `info` on this thread, if a test keeps it.
    static KEPT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Writes to what this thread keeps.
struct Keeper;

impl Write for Keeper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        KEPT.with_borrow_mut(|kept| kept.iter_mut().for_each(|kept| kept.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The log of this thread from now on.
struct Log;

impl Log {
    fn keep() -> Self {
        static ONCE: Once = Once::new();
        // One subscriber for all threads. With one for each, a thread without one would decide for all what is enabled.
        ONCE.call_once(|| {
            let subscriber = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::INFO)
                .with_ansi(false)
                .with_writer(|| Keeper)
                .finish();
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
        KEPT.set(Some(Vec::new()));
        Self
    }

    /// Returns what was logged since the last call.
    fn take(&self) -> String {
        String::from_utf8(KEPT.replace(Some(Vec::new())).unwrap()).unwrap()
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_request_is_one_line_of_the_log() {
    let log = Log::keep();
    let server = server();
    let id = user(&server, "ada").await;
    let line = log.take();
    for word in
        ["INFO", "method=\"POST\"", "path=\"/scim/v2/Users\"", "principal=\"", "resource_type=\"User\""]
    {
        assert!(line.contains(word), "{word}: {line}");
    }
    assert!(line.contains(&format!("id=\"{id}\"")) && line.contains("status=201"), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");

    get(&server, &format!("/Users/{id}?attributes=userName")).await;
    let line = log.take();
    assert!(line.contains(&format!("path=\"/scim/v2/Users/{id}\"")) && line.contains("status=200"), "{line}");
    assert!(line.lines().count() == 1 && !line.contains("detail"), "{line}");

    post(&server, "/Users", json!({"schemas": [USER]})).await.refused(400, "invalidValue");
    let line = log.take();
    assert!(
        line.contains("status=400") && line.contains("`userName`"),
        "the sentence of the refusal: {line}"
    );
    assert_eq!(line.lines().count(), 1, "{line}");

    let stranger = Request::get("/scim/v2/Users").header("authorization", "Bearer Zq9").body(Bytes::new());
    assert_eq!(send(&server, stranger.unwrap()).await.status, 401);
    let line = log.take();
    assert!(line.contains("status=401") && line.contains("detail=") && line.lines().count() == 1, "{line}");
}

/// No value, filter or secret gets into the log, whatever is sent and wherever. Of what is passed over, the names do.
// SEC-008
#[tokio::test(flavor = "current_thread")]
async fn sec_008_the_log_holds_nothing_that_was_sent() {
    const MARK: &str = "Zq9hidden";
    const NAME: &str = "Zq9name";
    let log = Log::keep();
    let server = server();
    let id = user(&server, "ada").await;
    user(&server, MARK).await;
    let (mut refusals, mut leaks) = (0, Vec::new());
    let mut check = |reply: &crate::client::Reply, what: &str| {
        refusals += u32::from(reply.status.is_client_error());
        let line = log.take();
        assert!(line.contains("status="), "{what}: {line}");
        let named = line.lines().any(|line| line.contains(NAME) && !line.contains("passed over"));
        if line.contains(MARK) || named {
            leaks.push(format!("{what}: {line}"));
        }
    };
    for query in [
        "filter=userName eq \"Zq9hidden\"",
        "filter=userName eq Zq9hidden",
        "filter=Zq9hidden eq 1",
        "filter=userName Zq9hidden 1",
        "filter=Zq9hidden",
        "filter=(userName eq \"Zq9hidden`",
        "filter=meta.created gt \"Zq9hidden\"",
        "filter=emails[Zq9hidden eq 1]",
        "sortBy=Zq9hidden",
        "sortBy=userName&sortOrder=Zq9hidden",
        "attributes=Zq9name",
        "excludedAttributes=Zq9name",
        "attributes=userName&excludedAttributes=Zq9name",
        "count=Zq9hidden",
        "startIndex=Zq9hidden",
        "cursor=Zq9hidden",
        "Zq9hidden=1",
    ] {
        let query = query.replace(' ', "%20").replace('"', "%22").replace('`', "%60");
        check(&get(&server, &format!("/Users?{query}")).await, &query);
    }
    for body in [
        json!(MARK),
        json!({"schemas": [USER], "userName": MARK}),
        json!({"schemas": [MARK], "userName": "x"}),
        json!({"schemas": [USER, MARK], "userName": "x"}),
        json!({"schemas": [USER], "userName": [MARK]}),
        json!({"schemas": [USER], "userName": {NAME: MARK}}),
        json!({"schemas": [USER], "userName": "x", NAME: MARK, "zq9NAME": MARK}),
        json!({"schemas": [USER], "userName": "x1", "active": MARK}),
        json!({"schemas": [USER], "userName": "x2", "emails": [MARK]}),
        json!({"schemas": [USER], "userName": "x3", "emails": [{"primary": MARK}]}),
        json!({"schemas": [USER], "userName": "x4", "profileUrl": "Zq9hidden:\\"}),
        json!({"schemas": [USER], "userName": "x5", "x509Certificates": [{"value": MARK}]}),
        json!({"schemas": [USER], "userName": "x6", "password": {"a": MARK}}),
        json!({"schemas": [USER], "userName": "x7", "password": MARK}),
        json!({"schemas": [GROUP], "displayName": "x8", "members": [{"value": MARK}]}),
    ] {
        let endpoint = if body["schemas"][0] == GROUP { "/Groups" } else { "/Users" };
        check(&post(&server, endpoint, body.clone()).await, &body.to_string());
        check(&post(&server, &format!("{endpoint}/.search"), body.clone()).await, &body.to_string());
        let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "failOnErrors": MARK,
            "Operations": [{"method": "POST", "path": endpoint, "bulkId": MARK, "data": body}]});
        check(&post(&server, "/Bulk", bulk).await, "bulk");
    }
    for operation in [
        json!({"op": MARK, "path": "userName", "value": 1}),
        json!({"op": "replace", "path": NAME, "value": MARK}),
        json!({"op": "replace", "path": "name.Zq9name", "value": MARK}),
        json!({"op": "replace", "path": "emails[type eq \"Zq9hidden\"].value", "value": 1}),
        json!({"op": "replace", "path": "emails[type eq Zq9hidden", "value": 1}),
        json!({"op": "replace", "path": "active", "value": MARK}),
        json!({"op": "replace", "path": "userName", "value": MARK}),
        json!({"op": "replace", "path": "schemas", "value": [MARK]}),
        json!({"op": "replace", "value": MARK}),
        json!({"op": "replace", "value": {NAME: {NAME: MARK}}}),
        json!({"op": "remove", "path": "emails", "value": MARK}),
        json!({NAME: MARK}),
        json!(MARK),
    ] {
        let what = operation.to_string();
        check(&patch(&server, &format!("/Users/{id}"), json!([operation])).await, &what);
    }
    for (name, value) in
        [("if-match", MARK), ("authorization", "Bearer Zq9hidden"), ("content-type", MARK), ("accept", MARK)]
    {
        let body = json!({"schemas": [USER], "userName": "x"});
        let mut request =
            request(Method::PUT, &format!("/Users/{id}"), None).body(Bytes::from(body.to_string())).unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        check(&send(&server, request).await, name);
    }
    for text in
        ["{\"Zq9hidden", "Zq9hidden", "{\"schemas\": Zq9hidden}", "{\"Zq9name\":\"Zq9hidden\",\"Zq9name\":2}"]
    {
        let request = request(Method::POST, "/Users", None).body(Bytes::from(text)).unwrap();
        check(&send(&server, request).await, text);
    }
    assert_eq!(leaks, Vec::<String>::new());
    assert!(refusals > 50, "{refusals} refusals");
}
