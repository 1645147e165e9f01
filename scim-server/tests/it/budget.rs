//! What one request may cost: work that a short request can make expensive, and how long a text may be.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use scim_core::{Limits, TextLimits, urn};
use scim_server::Server;
use scim_server_traits::Store;
use scim_store::{MemoryStore, SqliteStore};
use serde_json::{Value, json};

use crate::client::{call, get, on, patch, post};

/// A server on each store, with the folder of the SQLite file.
fn servers(limits: Limits) -> Vec<(Server, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteStore::open(folder.path().join("scim.db")).unwrap();
    let server = |store: Arc<dyn Store>| -> Server { on(store).limits(limits).build().unwrap() };
    vec![(server(Arc::new(MemoryStore::new())), None), (server(Arc::new(sqlite)), Some(folder))]
}

fn user(name: &str) -> Value {
    json!({"schemas": [urn::USER], "userName": name})
}

fn few_steps() -> Limits {
    Limits { steps: 300_000, ..Limits::default() }
}

fn search(filter: &str) -> Value {
    json!({"schemas": [urn::SEARCH_REQUEST], "filter": filter})
}

// SEC-011, SRV-041: terms and bytes count together, over one resource or many, with or without an index.
#[tokio::test]
async fn sec_011_a_filter_that_costs_too_much_is_too_many() {
    for (server, _folder) in servers(few_steps()) {
        for number in 0..40 {
            let mut user = user(&format!("u{number:02}"));
            user["title"] = "é".repeat(1_000).into();
            assert_eq!(post(&server, "/Users", user).await.status, 201);
        }
        let terms = |many: usize, joint: &str, term: &str| {
            (0..many).map(|at| term.replace('#', &at.to_string())).collect::<Vec<_>>().join(joint)
        };
        let ask = async |filter: String| post(&server, "/Users/.search", search(&filter)).await;
        assert_eq!(ask(terms(1, " or ", "userName co \"x#\"")).await.body["totalResults"], 0);
        for dear in [
            terms(100, " or ", "title co \"x#\""),
            terms(2_000, " or ", "userName ge \"u0\" and userName le \"u9#\""),
            terms(3_000, " or ", "emails[value co \"x#\"]"),
        ] {
            ask(dear).await.refused(400, "tooMany");
        }
        assert_eq!(get(&server, "/Users?count=1").await.body["totalResults"], 40, "each has its own account");
    }
}

// SEC-011: the cost of one filter over members is proportional to them; that of a thousand is not.
#[tokio::test]
async fn sec_011_filters_over_members_are_charged_from_the_second_on() {
    for (server, _folder) in servers(few_steps()) {
        let mut members = Vec::new();
        for number in 0..100 {
            let made = post(&server, "/Users", user(&format!("u{number}"))).await;
            members.push(json!({"value": made.body["id"]}));
        }
        let group = json!({"schemas": [urn::GROUP], "displayName": "all", "members": members});
        let group = post(&server, "/Groups", group).await;
        let path = format!("/Groups/{}", group.body["id"].as_str().unwrap());
        let operations = |many: usize| -> Value {
            (0..many)
                .map(|at| json!({"op": "remove", "path": format!("members[display co \"none{at}\"]")}))
                .collect()
        };
        assert!(patch(&server, &path, operations(1)).await.status.is_success());
        patch(&server, &path, operations(1_000)).await.refused(400, "tooMany");
        let members = get(&server, &path).await.body["members"].as_array().unwrap().len();
        assert_eq!(members, 100, "nothing of it was done");
    }
}

// SEC-011: a bulk request has one account. Once it is spent, no further operation is begun.
#[tokio::test]
async fn sec_011_a_bulk_request_has_one_account() {
    for (server, _folder) in servers(few_steps()) {
        let emails: Value = (0..500).map(|at| json!({"value": format!("{at}@example.com")})).collect();
        let mut user = user("ada");
        user["emails"] = emails;
        let path = post(&server, "/Users", user).await.body["id"].as_str().unwrap().to_owned();
        let data = json!({"schemas": [urn::PATCH_OP], "Operations": [
            {"op": "remove", "path": "emails[value co \"none\"]"}]});
        let operation = json!({"method": "PATCH", "path": format!("/Users/{path}"), "data": data});
        let bulk = json!({"schemas": [urn::BULK_REQUEST], "Operations": vec![operation; 100]});
        let answer = post(&server, "/Bulk", bulk).await;
        let results = answer.body["Operations"].as_array().unwrap();
        let is_done = |result: &&Value| result["status"].as_str().unwrap().starts_with('2');
        let done = results.iter().take_while(is_done).count();
        assert!(done > 0 && done < 100 && results.iter().filter(is_done).count() == done, "{done}");
        assert_eq!(results[99]["response"]["scimType"], "tooMany", "{}", results[99]);
    }
}

// SEC-011: a request whose time is up ends, whatever it is doing, and changes nothing.
#[tokio::test]
async fn sec_011_the_time_of_a_request_ends_its_work() {
    for (server, _folder) in servers(Limits { time: Some(Duration::ZERO), ..Limits::default() }) {
        post(&server, "/Users/.search", search("title co \"x\"")).await;
        let made = post(&server, "/Users", user("ada")).await;
        let path = format!("/Users/{}", made.body["id"].as_str().unwrap());
        let late = patch(&server, &path, json!([{"op": "replace", "path": "title", "value": "x"}])).await;
        late.refused(503, "");
        assert!(get(&server, &path).await.body["title"].is_null());
    }
}

// CORE-034, SEC-011: a text has a limit of its own, however it comes in, and binary data has another one.
#[tokio::test]
async fn sec_011_a_text_that_is_too_long_is_refused_and_what_is_stored_stays() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let generous = on(Arc::clone(&store)).limits(Limits { texts: TextLimits::NONE, ..Limits::default() });
    let (generous, strict) = (generous.build().unwrap(), on(store).build().unwrap());
    let mut long = user("ada");
    long["title"] = "x".repeat(70_000).into();
    post(&strict, "/Users", long.clone()).await.refused(400, "invalidValue");
    let made = post(&generous, "/Users", long.clone()).await;
    let path = format!("/Users/{}", made.body["id"].as_str().unwrap());
    let replace = |path: &str, value: String| json!([{"op": "replace", "path": path, "value": value}]);
    assert!(
        patch(&strict, &path, replace("nickName", "a".into())).await.status.is_success(),
        "the rest changes"
    );
    assert_eq!(get(&strict, &path).await.body["title"].as_str().unwrap().len(), 70_000, "it can be read");
    for (attribute, bytes) in [("title", 65_537), ("displayName", 65_537), ("userName", 1_025)] {
        patch(&strict, &path, replace(attribute, "x".repeat(bytes))).await.refused(400, "invalidValue");
    }
    let photo = |bytes: usize| {
        json!([{"op": "add", "path": "photos", "value": [
        {"value": format!("data:image/png;base64,{}", "A".repeat(bytes)), "type": "photo"}]}])
    };
    assert!(patch(&strict, &path, photo(900_000)).await.status.is_success());
    patch(&strict, &path, photo(1_048_600)).await.refused(413, "");
    let mut shown = get(&strict, &path).await.body;
    shown["displayName"] = "Ada".into();
    let replaced = call(&strict, Method::PUT, &path, Some(shown)).await;
    assert_eq!(replaced.status, 200, "what a client read can be sent back: {}", replaced.body);
    assert_eq!(get(&strict, &path).await.body["title"].as_str().unwrap().len(), 70_000);
    long["title"] = "x".repeat(65_537).into();
    call(&strict, Method::PUT, &path, Some(long)).await.refused(400, "invalidValue");
}

// SEC-011: on one thread, a long request does not keep another one waiting.
#[tokio::test]
async fn sec_011_a_dear_patch_is_worked_on_elsewhere() {
    for (server, _folder) in servers(Limits::default()) {
        let mut ada = user("ada");
        ada["emails"] = (0..8_000).map(|at| json!({"value": format!("é{at}@example.com")})).collect();
        let ada = post(&server, "/Users", ada).await.id();
        let remove = |at: usize| json!({"op": "remove", "path": format!("emails[value co \"éx{at}\"]")});
        let body = json!({"schemas": [urn::PATCH_OP], "Operations": (0..500).map(remove).collect::<Value>()});
        let path = format!("/Users/{ada}");
        let dear = {
            let (server, path) = (server.clone(), path.clone());
            tokio::spawn(async move { call(&server, Method::PATCH, &path, Some(body)).await })
        };
        // The first of these lets the PATCH begin.
        for _ in 0..3 {
            assert_eq!(get(&server, "/Users?count=0").await.status, 200);
            tokio::task::yield_now().await;
        }
        assert!(!dear.is_finished(), "it kept this thread until it was done");
        dear.await.unwrap().refused(413, "");
    }
}
