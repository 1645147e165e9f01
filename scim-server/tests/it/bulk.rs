//! Bulk — RFC 7644 §3.7.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use scim_core::urn;
use scim_server::{BulkLimits, Server};
use scim_server_traits::{Batch, Context, Get, IdSource, Page, Query, Store, StoreError, Stored, Written};
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::client::{
    GROUP, PATCH_OP, Reply, USER, builder, call, get, group, on, post, server, user, yielding,
};

const ENTERPRISE: &str = urn::ENTERPRISE_USER;

async fn send(server: &Server, extra: Value, operations: Value) -> Reply {
    let mut body = json!({"schemas": [urn::BULK_REQUEST], "Operations": operations});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    post(server, "/Bulk", body).await
}

/// Returns the results of a bulk request that is processed.
async fn bulk(server: &Server, operations: Value) -> Vec<Value> {
    let reply = send(server, json!({}), operations).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body["schemas"], json!([urn::BULK_RESPONSE]), "BULK-002");
    assert!(reply.body.get("failOnErrors").is_none(), "BULK-011");
    reply.body["Operations"].as_array().unwrap().clone()
}

fn statuses(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["status"].as_str().unwrap()).collect()
}

fn id(result: &Value) -> String {
    result["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

fn new_user(bulk_id: &str, name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"schemas": [USER], "userName": name}})
}

fn new_group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
    let data = json!({"schemas": [GROUP], "displayName": bulk_id, "members": members});
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data})
}

async fn members(server: &Server, id: &str) -> Vec<String> {
    let body = get(server, &format!("/Groups/{id}")).await.body;
    let members = body["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn bulk_001_bulk_002_bulk_011_bulk_012_bulk_017_bulk_018_bulk_020_bulk_025_each_method() {
    let server = server();
    let (ada, bob) = (user(&server, "ada").await, user(&server, "bob").await);
    let title = json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "t"}]});
    let results = bulk(&server, json!([
        new_user("q1", "new"),
        {"method": "PUT", "path": format!("/Users/{ada}"), "data": {"schemas": [USER], "userName": "ada2"}},
        {"method": "patch", "path": format!("Users/{ada}"), "bulkId": "x", "data": title},
        {"method": "DELETE", "path": format!("/Users/{bob}")},
    ])).await;
    assert_eq!(statuses(&results), ["201", "200", "200", "204"]);
    let made = get(&server, &format!("/Users/{}", id(&results[0]))).await;
    assert_eq!((made.body["userName"].as_str(), results[0]["bulkId"].as_str()), (Some("new"), Some("q1")));
    assert_eq!(results[0]["version"], made.header("etag"));
    assert_eq!(results[0]["location"], made.body["meta"]["location"]);
    let changed = get(&server, &format!("/Users/{ada}")).await;
    assert_eq!((&changed.body["userName"], &changed.body["title"]), (&json!("ada2"), &json!("t")));
    assert_eq!((&results[2]["version"], &results[2]["bulkId"]), (&json!("W/\"3\""), &json!("x")));
    assert!(results.iter().all(|result| result["location"].is_string() && result.get("response").is_none()));
    get(&server, &format!("/Users/{bob}")).await.refused(404, "");
    let config = get(&server, "/ServiceProviderConfig").await.body["bulk"].clone();
    let expected = json!({"supported": true, "maxOperations": 1_000, "maxPayloadSize": 8_388_608});
    assert_eq!(config, expected);
}

#[tokio::test]
async fn bulk_003_bulk_004_bulk_005_bulk_006_bulk_008_bulk_019_bulk_023_faults_of_one_operation() {
    let server = server();
    let ada = user(&server, "ada").await;
    let place = format!("/Users/{ada}");
    let cases = [
        (json!({"method": "GET", "path": place}), "400", "invalidValue"),
        (json!({"path": place}), "400", "invalidValue"),
        (json!({"method": "POST", "path": "/Users", "data": {"userName": "x"}}), "400", "invalidValue"),
        (json!({"method": "PUT", "path": "/Users", "data": {"userName": "x"}}), "405", ""),
        (json!({"method": "POST", "bulkId": "a", "path": place, "data": {}}), "405", ""),
        (json!({"method": "DELETE", "path": "/Nowhere/1"}), "404", ""),
        (json!({"method": "DELETE", "path": "/Users/none"}), "404", ""),
        (
            json!({"method": "POST", "bulkId": "b", "path": "/Users/.search", "data": {}}),
            "400",
            "invalidValue",
        ),
        (json!({"method": "POST", "bulkId": "c", "path": "/Bulk", "data": {}}), "400", "invalidValue"),
        (json!({"method": "POST", "bulkId": "d", "path": "/Users"}), "400", "invalidValue"),
        (json!({"method": "PATCH", "path": place}), "400", "invalidValue"),
        (json!({"method": "PATCH", "path": place, "data": {"schemas": [PATCH_OP]}}), "400", "invalidSyntax"),
        (
            json!({"method": "POST", "bulkId": "e", "path": "/Users", "data": {"schemas": [USER]}}),
            "400",
            "invalidValue",
        ),
        (json!("x"), "400", "invalidSyntax"),
        (new_user("", "nameless"), "400", "invalidValue"),
        (new_user("", "nameless too"), "400", "invalidValue"),
        (new_user("f", "ADA"), "409", "uniqueness"),
    ];
    let results = bulk(&server, cases.iter().map(|(operation, ..)| operation.clone()).collect()).await;
    assert_eq!(results.len(), cases.len(), "BULK-009: all are tried");
    for (result, (operation, status, scim_type)) in results.iter().zip(&cases) {
        assert_eq!(result["status"], *status, "{operation}: {result}");
        let error = &result["response"];
        assert_eq!((&error["schemas"], &error["status"]), (&json!([urn::ERROR]), &json!(*status)));
        assert_eq!(error["scimType"].as_str().unwrap_or_default(), *scim_type, "{operation}");
        assert!(error["detail"].is_string(), "BULK-020");
        // BULK-018: all results but those of failed POSTs have the location.
        let on = (operation["method"] != "POST").then(|| operation["path"].as_str()).flatten();
        let location = on.map(|path| format!("https://h.example/scim/v2{path}"));
        assert_eq!(result.get("location").and_then(Value::as_str), location.as_deref(), "{operation}");
    }
}

#[tokio::test]
async fn bulk_004_bulk_008_bulk_010_faults_of_the_whole() {
    let server = server();
    let twice = json!([new_user("q", "a"), new_user("q", "b")]);
    send(&server, json!({}), twice).await.refused(400, "invalidValue");
    for errors in [json!(0), json!(-1), json!("1")] {
        send(&server, json!({"failOnErrors": errors}), json!([])).await.refused(400, "invalidValue");
    }
    send(&server, json!({}), json!({})).await.refused(400, "invalidSyntax");
    for body in [json!([]), json!({"Operations": []}), json!({"schemas": [urn::BULK_REQUEST]})] {
        post(&server, "/Bulk", body).await.refused(400, "invalidSyntax");
    }
    let wrong = call(&server, http::Method::GET, "/Bulk", None).await;
    wrong.refused(405, "");
    assert_eq!(wrong.header("allow"), "POST");
    assert_eq!(get(&server, "/Users").await.body["totalResults"], 0, "nothing of it was done");
}

#[tokio::test]
async fn bulk_007_versions_are_conditions() {
    let server = server();
    let ada = user(&server, "ada").await;
    let place = format!("/Users/{ada}");
    let body = json!({"schemas": [USER], "userName": "ada", "title": "t"});
    let put = |version: &str| json!({"method": "PUT", "path": place, "version": version, "data": body});
    let results = bulk(
        &server,
        json!([
            put("W/\"9\""),
            put("W/\"1\""),
            {"method": "DELETE", "path": place, "version": "W/\"1\""},
            {"method": "DELETE", "path": place, "version": "bad\ntag"},
            {"method": "DELETE", "path": place, "version": "W/\"2\""},
        ]),
    )
    .await;
    assert_eq!(statuses(&results), ["412", "200", "412", "412", "204"]);
}

#[tokio::test]
async fn bulk_009_bulk_010_bulk_024_errors_stop_where_they_should() {
    for server in [server(), yielding()] {
        user(&server, "taken").await;
        let operations = |prefix: &str| {
            let names = ["taken", "1", "taken", "2", "taken", "3"];
            let one = |(at, name): (usize, &&str)| {
                let name = if *name == "taken" { "taken".to_owned() } else { format!("{prefix}{name}") };
                new_user(&format!("{prefix}{at}"), &name)
            };
            names.iter().enumerate().map(one).collect::<Vec<_>>()
        };
        let results = bulk(&server, json!(operations("a"))).await;
        assert_eq!(statuses(&results), ["409", "201", "409", "201", "409", "201"]);
        for (errors, prefix, done) in [(1, "b", 1), (2, "c", 3), (3, "d", 5), (4, "e", 6)] {
            let reply = send(&server, json!({"failOnErrors": errors}), json!(operations(prefix))).await;
            assert_eq!(reply.body["Operations"].as_array().unwrap().len(), done, "after {errors}");
            let filter = format!("/Users?filter=userName%20sw%20%22{prefix}%22");
            assert_eq!(get(&server, &filter).await.body["totalResults"], done / 2, "no more was done");
        }
    }
}

#[tokio::test]
async fn bulk_013_bulk_014_bulk_015_references_backward_and_forward() {
    let server = server();
    let old = group(&server, "old", &[]).await;
    let path = format!("/Groups/{old}");
    let add = json!({"schemas": [PATCH_OP], "Operations": [
        {"op": "add", "path": "members", "value": [{"value": "bulkId:u1", "$ref": "../Users/bulkId:u1"}, {"value": "bulkId:u2"}]},
        {"op": "remove", "path": "members[value eq \"bulkId:u2\"]"},
    ]});
    let mut managed = new_user("u2", "managed");
    managed["data"]["schemas"] = json!([USER, ENTERPRISE]);
    managed["data"][ENTERPRISE] = json!({"manager": {"value": "bulkId:u1"}});
    let title = json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "t"}]});
    let results = bulk(
        &server,
        json!([
            {"method": "PATCH", "path": path, "data": add},
            new_group("g", &["bulkId:u1", "bulkId:u2", "bulkId:g0"]),
            {"method": "PATCH", "path": "/Users/bulkId:u1", "data": title},
            managed,
            new_group("g0", &[]),
            new_user("u1", "manager"),
        ]),
    )
    .await;
    assert_eq!(statuses(&results), ["204", "201", "200", "201", "201", "201"], "{results:?}");
    let (first, second) = (id(&results[5]), id(&results[3]));
    assert_eq!(members(&server, &old).await, [first.as_str()]);
    let mut all = members(&server, &id(&results[1])).await;
    all.sort();
    let mut expected = [first.clone(), second.clone(), id(&results[4])];
    expected.sort();
    assert_eq!(all, expected);
    let managed = get(&server, &format!("/Users/{second}")).await.body;
    assert_eq!(managed[ENTERPRISE]["manager"]["value"], first);
    assert_eq!(get(&server, &format!("/Users/{first}")).await.body["title"], "t");
}

#[tokio::test]
async fn bulk_014_references_that_lead_nowhere() {
    let server = server();
    user(&server, "taken").await;
    let results = bulk(
        &server,
        json!([
            new_group("g1", &["bulkId:none"]),
            new_group("g2", &["bulkId:u"]),
            new_user("u", "taken"),
            new_user("v", "free"),
        ]),
    )
    .await;
    assert_eq!(statuses(&results), ["400", "409", "409", "201"]);
    assert!(results[1]["response"]["detail"].as_str().unwrap().contains("bulkId:u"));
}

#[tokio::test]
async fn bulk_016_circles_are_closed() {
    for server in [server(), yielding()] {
        let results = bulk(
            &server,
            json!([
                new_group("a", &["bulkId:b", "bulkId:u"]),
                new_group("b", &["bulkId:a"]),
                new_group("self", &["bulkId:self"]),
                new_group("after", &["bulkId:a"]),
                new_user("u", "ada"),
            ]),
        )
        .await;
        assert_eq!(statuses(&results), ["201"; 5], "{results:?}");
        let ids: Vec<String> = results.iter().map(id).collect();
        let mut of_a = members(&server, &ids[0]).await;
        of_a.sort();
        let mut expected = [ids[1].clone(), ids[4].clone()];
        expected.sort();
        assert_eq!(of_a, expected);
        assert_eq!(members(&server, &ids[1]).await, [ids[0].clone()]);
        assert_eq!(members(&server, &ids[2]).await, [ids[2].clone()]);
        assert_eq!(members(&server, &ids[3]).await, [ids[0].clone()]);
        let read = get(&server, &format!("/Groups/{}", ids[0])).await;
        // The tag of a read covers the computed members too.
        let version = results[0]["version"].as_str().unwrap().trim_end_matches('"');
        assert!(read.header("etag").starts_with(&format!("{version}-")), "{read:?}");
        // A circle is created as a whole or not at all.
        let mut bad = new_group("d", &["bulkId:c"]);
        bad["data"]["displayName"] = json!(7);
        let before = get(&server, "/Groups").await.body["totalResults"].clone();
        let results =
            bulk(&server, json!([new_group("c", &["bulkId:d"]), bad, new_group("e", &["bulkId:c"])])).await;
        assert_eq!(statuses(&results), ["400", "400", "409"]);
        assert_eq!(get(&server, "/Groups").await.body["totalResults"], before);
    }
}

#[tokio::test]
async fn bulk_016_a_circle_that_fails_takes_no_other_along() {
    let server = server();
    user(&server, "taken").await;
    let mut bad = new_group("d", &["bulkId:c", "bulkId:a"]);
    bad["data"]["displayName"] = json!(7);
    let operations = json!([
        new_group("a", &["bulkId:b"]),
        new_group("b", &["bulkId:a"]),
        new_group("c", &["bulkId:d"]),
        bad,
        new_group("between", &["bulkId:a"]),
        new_group("e", &["bulkId:f", "bulkId:between"]),
        new_group("f", &["bulkId:e"]),
    ]);
    let results = bulk(&server, operations).await;
    assert_eq!(statuses(&results), ["201", "201", "400", "400", "201", "201", "201"], "{results:?}");
    assert_eq!(members(&server, &id(&results[6])).await, [id(&results[5])]);
}

#[tokio::test]
async fn bulk_014_what_is_there_already_can_be_named() {
    let server = builder().ids(Arc::new(Spaced)).build().unwrap();
    let ada = user(&server, "ada").await;
    assert!(ada.contains(' '), "an id that has to be escaped");
    let title = json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "t"}]});
    let on =
        |path: String, name: &str| json!({"method": "PATCH", "path": path, "bulkId": name, "data": title});
    let results = bulk(
        &server,
        json!([
            on(format!("/Users/{}/", ada.replace(' ', "%20")), "old"),
            new_user("u", "new"),
            on("/Users/bulkId:u".to_owned(), "changed"),
            new_group("g", &["bulkId:old", "bulkId:changed"]),
        ]),
    )
    .await;
    assert_eq!(statuses(&results), ["200", "201", "200", "201"], "{results:?}");
    let location = results[3]["location"].as_str().unwrap().rsplit('/').next().unwrap();
    assert_eq!(members(&server, location).await.len(), 2);
    assert_eq!(
        results[0]["location"],
        format!("https://h.example/scim/v2/Users/{}", ada.replace(' ', "%20"))
    );
}

/// Ids that have to be escaped in a path.
#[derive(Debug)]
struct Spaced;

impl IdSource for Spaced {
    fn next_id(&self) -> String {
        format!("id {}", scim_server::UuidSource.next_id())
    }
}

#[tokio::test]
async fn bulk_015_one_resource_keeps_its_order() {
    for server in [server(), yielding()] {
        let ada = user(&server, "ada").await;
        let put = |title: &str| {
            let data = json!({"schemas": [USER], "userName": "ada", "title": title});
            json!({"method": "PUT", "path": format!("/Users/{ada}"), "data": data})
        };
        let results = bulk(
            &server,
            json!([put("1"), put("2"), {"method": "DELETE", "path": format!("/Users/{ada}")},
            new_user("q", "ada"), put("3")]),
        )
        .await;
        assert_eq!(statuses(&results), ["200", "200", "204", "201", "404"]);
    }
}

#[tokio::test]
async fn bulk_021_bulk_022_limits_are_named() {
    let server = builder().bulk(Some(BulkLimits::new(2, 600))).build().unwrap();
    let three = json!([new_user("a", "a"), new_user("b", "b"), new_user("c", "c")]);
    assert!(send(&server, json!({}), three).await.refused(413, "").contains("maxOperations is 2"));
    let long = json!([new_user("a", &"x".repeat(600))]);
    assert!(send(&server, json!({}), long).await.refused(413, "").contains("maxPayloadSize is 600"));
    assert_eq!(get(&server, "/ServiceProviderConfig").await.body["bulk"]["maxOperations"], 2);
}

/// Counts the reads of single resources.
#[derive(Default)]
struct Counted {
    store: MemoryStore,
    reads: AtomicUsize,
}

#[async_trait]
impl Store for Counted {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.store.get(context, get).await
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        self.store.query(context, query).await
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        self.store.commit(context, batch).await
    }
}

/// A result shows nothing of a resource, so nothing is read for it. A change of a document reads it once, and a change
/// of members reads nothing.
#[tokio::test]
async fn bulk_017_what_no_result_shows_is_not_read() {
    let store = Arc::new(Counted::default());
    let server = on(Arc::clone(&store) as Arc<dyn Store>).build().unwrap();
    let (ada, team) = (user(&server, "ada").await, group(&server, "team", &[]).await);
    let patch = |path: String, op: Value| json!({"method": "PATCH", "path": path, "data": {"schemas": [PATCH_OP], "Operations": [op]}});
    let reads = async |operations: Vec<Value>| {
        let before = store.reads.load(Ordering::Relaxed);
        let results = bulk(&server, operations.into()).await;
        assert!(results.iter().all(|result| result["status"].as_str() < Some("3")), "{results:?}");
        store.reads.load(Ordering::Relaxed) - before
    };
    let title = |at: usize| json!({"op": "replace", "path": "title", "value": at.to_string()});
    let titles = (0..100).map(|at| patch(format!("/Users/{ada}"), title(at)));
    assert_eq!(reads(titles.collect()).await, 100);
    let replace = |at: usize| {
        json!({"method": "PUT", "path": format!("/Users/{ada}"),
            "data": {"schemas": [USER], "userName": format!("ada{at}")}})
    };
    assert_eq!(reads((0..100).map(replace).collect()).await, 100);
    let member = json!({"op": "add", "path": "members", "value": [{"value": ada}]});
    assert_eq!(reads(vec![patch(format!("/Groups/{team}"), member); 100]).await, 0);
    assert_eq!(reads((0..100).map(|at| new_user(&format!("q{at}"), &format!("n{at}"))).collect()).await, 0);
}
