//! Paging by cursor — RFC 9865.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use scim_core::{Limits, PaginationMethod, TextLimits, Timestamp};
use scim_server::Server;
use scim_server_traits::ManualClock;
use serde_json::{Value, json};

use crate::client::{Reply, builder, call, get, group, post, request, send, server, user};

fn names(body: &Value) -> Vec<String> {
    let name =
        |it: &Value| it.get("userName").or(it.get("displayName")).unwrap().as_str().unwrap().to_owned();
    body["Resources"].as_array().unwrap().iter().map(name).collect()
}

async fn users(server: &Server, count: usize) {
    for number in 0..count {
        user(server, &format!("u{number}")).await;
    }
}

/// Returns all pages from the first, each requested by the cursor of the one before.
async fn walk(server: &Server, query: &str) -> Vec<Value> {
    let separator = if query.contains('?') { '&' } else { '?' };
    let mut pages = vec![get(server, &format!("{query}{separator}cursor")).await.body];
    while let Some(cursor) = pages.last().unwrap()["nextCursor"].as_str() {
        let reply = get(server, &format!("{query}{separator}cursor={cursor}")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        pages.push(reply.body);
    }
    pages
}

#[tokio::test]
async fn srv_047_srv_048_srv_049_srv_050_srv_051_a_walk_and_back() {
    let server = server();
    users(&server, 5).await;
    for (query, expected) in [
        ("/Users?count=2", ["u0", "u1", "u2", "u3", "u4"]),
        ("/Users?count=2&sortBy=userName&sortOrder=descending", ["u4", "u3", "u2", "u1", "u0"]),
        ("/Users?count=2&sortBy=title&filter=userName%20pr", ["u0", "u1", "u2", "u3", "u4"]),
    ] {
        let pages = walk(&server, query).await;
        assert_eq!(pages.iter().flat_map(names).collect::<Vec<_>>(), expected);
        let sizes: Vec<_> = pages.iter().map(|page| page["itemsPerPage"].clone()).collect();
        assert_eq!(sizes, [2, 2, 1]);
        for (number, page) in pages.iter().enumerate() {
            assert_eq!(page["totalResults"], 5);
            assert!(page.get("startIndex").is_none());
            assert_eq!(page.get("previousCursor").is_some(), number > 0, "SRV-050");
            for name in ["nextCursor", "previousCursor"] {
                let cursor = page[name].as_str().unwrap_or_default();
                assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)), "SRV-047");
            }
        }
        let back = pages[2]["previousCursor"].as_str().unwrap();
        let second = get(&server, &format!("{query}&cursor={back}")).await.body;
        assert_eq!(names(&second), names(&pages[1]));
        let back = second["previousCursor"].as_str().unwrap();
        let first = get(&server, &format!("{query}&cursor={back}")).await.body;
        assert_eq!(names(&first), names(&pages[0]));
        assert!(first.get("previousCursor").is_none());
        let on = first["nextCursor"].as_str().unwrap();
        assert_eq!(names(&get(&server, &format!("{query}&cursor={on}")).await.body), names(&pages[1]));
    }
    for count in [0, -3] {
        let none = get(&server, &format!("/Users?cursor&count={count}")).await.body;
        assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(5), &json!([])));
        assert!(none.get("nextCursor").is_none());
    }
    let all = get(&server, "/Users?cursor&count=5").await.body;
    assert_eq!((names(&all).len(), all.get("nextCursor")), (5, None), "nothing follows a full last page");
}

#[tokio::test]
async fn srv_046_srv_049_srv_055_what_stays_appears_exactly_once() {
    let server = server();
    users(&server, 9).await;
    for query in ["/Users?count=2", "/Users?count=2&sortBy=userName"] {
        let mut page = get(&server, &format!("{query}&cursor=")).await.body;
        let mut found = names(&page);
        let mut round = 0;
        while let Some(cursor) = page["nextCursor"].as_str() {
            round += 1;
            let last = page["Resources"][1]["id"].as_str().unwrap();
            if round == 1 {
                assert_eq!(call(&server, Method::DELETE, &format!("/Users/{last}"), None).await.status, 204);
            }
            user(&server, &format!("a{round}{}", query.len())).await;
            page = get(&server, &format!("{query}&cursor={cursor}")).await.body;
            found.extend(names(&page));
        }
        found.retain(|name| name.starts_with('u'));
        let whole = found.len();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), whole, "{query}");
        assert!(found.len() >= 8, "{query}: {found:?}");
    }
}

#[tokio::test]
async fn srv_036_srv_055_one_walk_over_all_types() {
    let server = server();
    users(&server, 3).await;
    for name in ["g1", "g0"] {
        group(&server, name, &[]).await;
    }
    for (query, expected) in [
        ("/?count=2", ["u0", "u1", "u2", "g1", "g0"]),
        ("/?count=1&sortBy=displayName", ["g0", "g1", "u0", "u1", "u2"]),
        ("/?count=2&sortBy=displayName&sortOrder=descending", ["u2", "u1", "u0", "g1", "g0"]),
        ("/?count=3&sortBy=userName&sortOrder=descending", ["g0", "g1", "u2", "u1", "u0"]),
    ] {
        let pages = walk(&server, query).await;
        assert_eq!(pages.iter().flat_map(names).collect::<Vec<_>>(), expected, "{query}");
        assert!(pages.iter().all(|page| page["totalResults"] == 5));
        let mut back = pages.last().unwrap().clone();
        let mut found = names(&back);
        while let Some(cursor) = back["previousCursor"].as_str() {
            back = get(&server, &format!("{query}&cursor={cursor}")).await.body;
            found.splice(0..0, names(&back));
        }
        assert_eq!(found, expected, "{query} backwards");
    }
}

#[tokio::test]
async fn srv_052_srv_053_srv_054_srv_058_srv_062_srv_064_srv_065_refusals() {
    let server = server();
    users(&server, 5).await;
    let first = get(&server, "/Users?count=2&cursor&sortBy=userName").await.body;
    let cursor = first["nextCursor"].as_str().unwrap();
    let good = format!("/Users?cursor={cursor}&sortBy=userName");
    assert_eq!(names(&get(&server, &good).await.body), ["u2", "u3"], "the count is that of the walk");
    assert_eq!(names(&get(&server, &format!("{good}&attributes=userName&count=2")).await.body), ["u2", "u3"]);
    for count in ["3", "x", "0"] {
        get(&server, &format!("{good}&count={count}")).await.refused(400, "invalidCount");
    }
    get(&server, "/Users?cursor&count=x").await.refused(400, "invalidCount");
    get(&server, &format!("{good}&startIndex=1")).await.refused(400, "invalidValue");
    let mut details = Vec::new();
    let forged = cursor.replace(|c: char| c == cursor.chars().next().unwrap(), "_");
    for other in [
        format!("/Users?cursor={cursor}"),
        format!("/Users?cursor={cursor}&sortBy=userName&sortOrder=descending"),
        format!("/Users?cursor={cursor}&sortBy=userName&filter=userName%20pr"),
        format!("/Groups?cursor={cursor}"),
        format!("/?cursor={cursor}&sortBy=userName"),
        format!("/Users?cursor={forged}&sortBy=userName"),
        "/Users?cursor=x".to_owned(),
    ] {
        details.push(get(&server, &other).await.refused(400, "invalidCursor").to_owned());
    }
    let mut theirs = request(Method::GET, &good, None).body(Bytes::new()).unwrap();
    theirs.headers_mut().insert("authorization", "Bearer two".parse().unwrap());
    details.push(send(&server, theirs).await.refused(400, "invalidCursor").to_owned());
    assert!(details.iter().all(|detail| *detail == details[0]), "SRV-065: {details:?}");
}

#[tokio::test]
async fn srv_049_an_empty_page_before_leads_on() {
    for sort in ["", "&sortBy=userName", "&sortBy=userName&sortOrder=descending", "&sortBy=title"] {
        let server = server();
        users(&server, 5).await;
        let pages = walk(&server, &format!("/Users?count=2{sort}")).await;
        for gone in pages[0]["Resources"].as_array().unwrap() {
            let path = format!("/Users/{}", gone["id"].as_str().unwrap());
            assert_eq!(call(&server, Method::DELETE, &path, None).await.status, 204);
        }
        let ask = async |cursor: &Value| {
            get(&server, &format!("/Users?count=2{sort}&cursor={}", cursor.as_str().unwrap())).await.body
        };
        let before = ask(&pages[1]["previousCursor"]).await;
        assert_eq!((names(&before).len(), before.get("previousCursor")), (0, None), "{sort}");
        let on = ask(&before["nextCursor"]).await;
        assert_eq!(names(&on), names(&pages[1]), "{sort}");
        assert_eq!(names(&ask(&on["nextCursor"]).await), names(&pages[2]), "{sort}");
    }
}

#[tokio::test]
async fn srv_055_a_value_too_long_for_a_cursor_is_refused() {
    // By default so long a value has no key; a server may allow it.
    let limits = Limits { texts: TextLimits::NONE, ..Limits::default() };
    let server = builder().limits(limits).build().unwrap();
    users(&server, 2).await;
    for name in ["x", "y"] {
        let body = json!({"schemas": [scim_core::urn::USER], "userName": name.repeat(5_000)});
        assert_eq!(post(&server, "/Users", body).await.status, 201);
    }
    let first = get(&server, "/Users?count=2&sortBy=userName&cursor").await.body;
    let next = format!("/Users?count=2&sortBy=userName&cursor={}", first["nextCursor"].as_str().unwrap());
    let last = get(&server, &next).await.body;
    assert_eq!(
        (names(&last).len(), last.get("previousCursor")),
        (2, None),
        "no cursor needs to be that long"
    );
    let long = get(&server, "/Users?count=3&sortBy=userName&cursor").await;
    assert!(long.refused(400, "invalidValue").contains("startIndex"));
    assert_eq!(names(&get(&server, "/Users?sortBy=userName").await.body).len(), 4);
}

#[tokio::test]
async fn srv_059_search_takes_cursors() {
    let server = server();
    users(&server, 3).await;
    let search = async |cursor: &str| -> Reply {
        let urn = scim_core::urn::SEARCH_REQUEST;
        post(&server, "/Users/.search", json!({"schemas": [urn], "count": 2, "cursor": cursor})).await
    };
    let first = search("").await.body;
    let second = search(first["nextCursor"].as_str().unwrap()).await.body;
    assert_eq!((names(&first), names(&second)), (vec!["u0".into(), "u1".into()], vec!["u2".to_owned()]));
}

#[tokio::test]
async fn srv_052_srv_061_srv_063_cursors_outlive_a_restart_and_expire() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
    let store = Arc::new(scim_store::MemoryStore::new());
    let make = |key| {
        let tokens = scim_server::BearerTokens::new()
            .with("one", scim_server::Grant::new(scim_server_traits::TenantId::new("one"), "a"));
        let store: Arc<dyn scim_server_traits::Store> = store.clone();
        Server::builder(store, Arc::new(tokens))
            .base_url("https://h.example/scim/v2")
            .clock(clock.clone())
            .cursors(Some(Duration::from_secs(60)))
            .cursor_key(key)
            .build()
            .unwrap()
    };
    let server = make([1; 32]);
    users(&server, 3).await;
    let pagination = get(&server, "/ServiceProviderConfig").await.body["pagination"].clone();
    assert_eq!(pagination["cursorTimeout"], 60);
    let page = get(&server, "/Users?cursor&count=2").await.body;
    let next = format!("/Users?cursor={}", page["nextCursor"].as_str().unwrap());
    assert_eq!(names(&get(&make([1; 32]), &next).await.body), ["u2"]);
    get(&make([2; 32]), &next).await.refused(400, "invalidCursor");
    clock.advance(Duration::from_millis(59_999));
    assert_eq!(get(&server, &next).await.status, 200);
    clock.advance(Duration::from_millis(1));
    get(&server, &next).await.refused(400, "expiredCursor");
}

#[tokio::test]
async fn srv_056_srv_057_srv_060_the_default_method_is_told_and_kept() {
    let index = server();
    users(&index, 1).await;
    assert_eq!(get(&index, "/Users").await.body["startIndex"], 1);
    let expected = json!({"cursor": true, "index": true, "defaultPaginationMethod": "index",
        "defaultPageSize": 100, "maxPageSize": 1_000, "cursorTimeout": 3_600});
    assert_eq!(get(&index, "/ServiceProviderConfig").await.body["pagination"], expected);
    let cursor = builder().default_paging(PaginationMethod::Cursor).build().unwrap();
    users(&cursor, 3).await;
    let page = get(&cursor, "/Users?count=2").await.body;
    assert!(page.get("startIndex").is_none() && page["nextCursor"].is_string());
    assert_eq!(get(&cursor, "/Users?startIndex=1").await.body["startIndex"], 1);
    let config = get(&cursor, "/ServiceProviderConfig").await.body;
    assert_eq!(config["pagination"]["defaultPaginationMethod"], "cursor");
}
