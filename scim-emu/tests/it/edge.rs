//! Paths, headers, tokens, errors.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use scim_core::Timestamp;
use scim_emu::{MemberKeys, Token};
use scim_server_traits::ManualClock;
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::client::{BASE, builder, call, enterprise, get, group, patch, person, post, request, send, user};

#[tokio::test]
async fn e_1_e_2_e_3_paths() {
    let enterprise = enterprise();
    assert_eq!(enterprise.base_url(), "https://api.example.com/scim/v2/enterprises/octo");
    for path in ["/Users", "/Users/", "//Groups"] {
        assert_eq!(get(&enterprise, path).await.status, 200, "{path}");
    }
    for path in ["/users", "/groups", "/Nothing"] {
        get(&enterprise, path).await.refused(404);
    }
    let other = request(Method::GET, "/scim/v2/enterprises/other/Users").body(Bytes::new()).unwrap();
    send(&enterprise, other).await.refused(404);
}

#[tokio::test]
async fn e_4_e_5_media_types() {
    let enterprise = enterprise();
    for accept in ["application/vnd.github+json", "application/json", "application/scim+json", "*/*"] {
        let request = request(Method::GET, &format!("{BASE}/Users")).header("accept", accept);
        let reply = send(&enterprise, request.body(Bytes::new()).unwrap()).await;
        assert_eq!(reply.headers["content-type"], "application/scim+json", "{accept}");
    }
    let id = user(&enterprise, "ada").await;
    let reply = call(&enterprise, Method::DELETE, &format!("/Users/{id}"), Value::Null).await;
    assert_eq!((reply.status.as_u16(), &reply.body), (204, &Value::Null));
    assert!(reply.headers.get("content-type").is_none());
}

#[tokio::test]
async fn e_6_e_7_scopes() {
    let enterprise = builder()
        .token(Token::new("admin").with_scopes(["admin:enterprise"]))
        .token(Token::new("repo").with_scopes(["repo"]))
        .build(Arc::new(MemoryStore::new()))
        .unwrap();
    for (token, status) in [("good", 200), ("admin", 200), ("repo", 403), ("nobody", 401)] {
        let request = Request::get(format!("{BASE}/Users"))
            .header("user-agent", "test")
            .header("authorization", format!("Bearer {token}"));
        let reply = send(&enterprise, request.body(Bytes::new()).unwrap()).await;
        assert_eq!(reply.status, status, "{token}");
    }
}

#[tokio::test]
async fn e_81_both_schemes_in_any_case() {
    let enterprise = enterprise();
    let ask = async |value: &str| {
        let request = Request::get(format!("{BASE}/Users")).header("user-agent", "test");
        let request = request.header("authorization", value).body(Bytes::new()).unwrap();
        send(&enterprise, request).await
    };
    for value in ["token good", "Token good", "TOKEN good", "bearer good", "Bearer good", "BEARER good"] {
        assert_eq!(ask(value).await.status, 200, "{value}");
    }
    for value in ["token nobody", "token", "Basic good", "good", "tokengood"] {
        ask(value).await.refused(401);
    }
}

#[tokio::test]
async fn e_82_errors_carry_what_clients_of_github_print() {
    let enterprise = builder()
        .token(Token::new("repo").with_scopes(["repo"]))
        .build(Arc::new(MemoryStore::new()))
        .unwrap();
    user(&enterprise, "ada").await;
    post(&enterprise, "/Users", person("ADA")).await.refused(409);
    post(&enterprise, "/Users", json!({})).await.refused(400);
    get(&enterprise, "/Users/0").await.refused(404);
    get(&enterprise, "/Users?sortBy=userName").await.refused(501);
    call(&enterprise, Method::PUT, "/Users", person("bob")).await.refused(405);
    for (name, value, status) in [
        ("authorization", "Bearer repo", 403),
        ("authorization", "Bearer nobody", 401),
        ("accept", "text/html", 406),
        ("content-type", "text/plain", 415),
    ] {
        let body = Bytes::from(person("bob").to_string());
        let mut request = request(Method::POST, &format!("{BASE}/Users")).body(body).unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        send(&enterprise, request).await.refused(status);
    }
    let around = enterprise.refuse(scim_core::Error::new(http::StatusCode::SERVICE_UNAVAILABLE, "too late"));
    let around: Value = serde_json::from_slice(&around.into_body().into_bytes().await.unwrap()).unwrap();
    assert_eq!(around["message"], "too late");

    let good = get(&enterprise, "/Users").await.body;
    assert!(good.get("message").is_none() && good.get("documentation_url").is_none());
    let document = get(&enterprise, "/openapi.json").await.body;
    let described = &document["components"]["schemas"]["Error"]["properties"];
    assert_eq!(described["message"], json!({"type": "string"}));
    assert!(described["documentation_url"]["const"].is_string());
}

#[tokio::test]
async fn e_8_expired_tokens_and_tokens_of_people_who_left() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
    let store = Arc::new(MemoryStore::new());
    let first = builder().clock(clock.clone()).build(store.clone()).unwrap();
    let owner = user(&first, "owner").await;
    let enterprise = builder()
        .clock(clock.clone())
        .token(Token::new("short").until(Timestamp::from_millis(1_000)))
        .token(Token::new("owned").owned_by(&owner))
        .build(store)
        .unwrap();
    let status = async |token: &str| {
        let request = Request::get(format!("{BASE}/Users"))
            .header("user-agent", "test")
            .header("authorization", format!("Bearer {token}"));
        send(&enterprise, request.body(Bytes::new()).unwrap()).await.status.as_u16()
    };
    assert_eq!((status("short").await, status("owned").await), (200, 200));
    clock.advance(Duration::from_secs(2));
    assert_eq!(status("short").await, 401);
    let path = format!("/Users/{owner}");
    patch(&enterprise, &path, json!([{"op": "replace", "path": "active", "value": false}])).await;
    assert_eq!(status("owned").await, 401);
    patch(&enterprise, &path, json!([{"op": "replace", "path": "active", "value": true}])).await;
    assert_eq!(status("owned").await, 200);
    call(&enterprise, Method::DELETE, &path, Value::Null).await;
    assert_eq!(status("owned").await, 401);
}

#[tokio::test]
async fn e_9_e_10_user_agent_and_api_version() {
    let enterprise = enterprise();
    let without = Request::get(format!("{BASE}/Users")).header("authorization", "Bearer good");
    assert!(send(&enterprise, without.body(Bytes::new()).unwrap()).await.refused(403).contains("User-Agent"));
    for version in ["2022-11-28", "2026-03-10", "anything"] {
        let request = request(Method::GET, &format!("{BASE}/Users")).header("x-github-api-version", version);
        assert_eq!(send(&enterprise, request.body(Bytes::new()).unwrap()).await.status, 200);
    }
}

#[tokio::test]
async fn head_is_answered_without_a_body_however_members_are_spelled() {
    for keys in [MemberKeys::Schema, MemberKeys::Examples] {
        let enterprise = builder().member_keys(keys).build(Arc::new(MemoryStore::new())).unwrap();
        let ada = user(&enterprise, "ada").await;
        let path = format!("/Groups/{}", group(&enterprise, "team", &[&ada]).await);
        let (got, head) =
            (get(&enterprise, &path).await, call(&enterprise, Method::HEAD, &path, Value::Null).await);
        assert_eq!((head.status, &head.headers["etag"]), (got.status, &got.headers["etag"]), "{keys:?}");
        // A missing length is better than that of the other spelling.
        assert_eq!(head.headers.contains_key("content-length"), keys == MemberKeys::Schema);
        assert_eq!(head.body, Value::Null, "{keys:?}");
    }
    let stranger = Request::head(format!("{BASE}/Users")).header("authorization", "Bearer good");
    let refused = send(&enterprise(), stranger.body(Bytes::new()).unwrap()).await;
    assert_eq!((refused.status.as_u16(), refused.body), (403, Value::Null), "it has no User-Agent");
}

#[tokio::test]
async fn e_6_a_challenge_has_a_realm_and_says_that_a_token_is_wrong() {
    for (authorization, challenge) in [
        (None, r#"Bearer realm="SCIM""#),
        (Some("Bearer wrong"), r#"Bearer realm="SCIM", error="invalid_token""#),
    ] {
        let asked = Request::get(format!("{BASE}/Users")).header("user-agent", "test");
        let asked = authorization.into_iter().fold(asked, |it, value| it.header("authorization", value));
        let refused = send(&enterprise(), asked.body(Bytes::new()).unwrap()).await;
        refused.refused(401);
        assert_eq!(refused.headers["www-authenticate"], challenge);
    }
}

#[tokio::test]
async fn e_2_a_path_of_the_host_may_be_taken_off_by_a_proxy() {
    let enterprise =
        builder().host_url("https://example.com/gate/").build(Arc::new(MemoryStore::new())).unwrap();
    let made = post(&enterprise, "/Users", person("ada")).await;
    let location = format!("https://example.com/gate{BASE}/Users/{}", made.id());
    assert_eq!(made.headers["location"], *location);
    let kept = request(Method::GET, &format!("/gate{BASE}/Users/{}", made.id()));
    assert_eq!(send(&enterprise, kept.body(Bytes::new()).unwrap()).await.body, made.body);
}

#[tokio::test]
async fn e_11_e_12_lists() {
    let enterprise = enterprise();
    let empty = get(&enterprise, "/Users").await.body;
    assert_eq!((&empty["totalResults"], &empty["Resources"]), (&json!(0), &json!([])));
    for number in 0..35 {
        user(&enterprise, &format!("user{number}")).await;
    }
    let page = get(&enterprise, "/Users").await.body;
    assert_eq!(
        (&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]),
        (&json!(35), &json!(1), &json!(30))
    );
    assert_eq!(get(&enterprise, "/Users?startIndex=31").await.body["itemsPerPage"], 5);
}

#[tokio::test]
async fn e_13_e_14_e_15_filters() {
    let enterprise = enterprise();
    let id = user(&enterprise, "ada").await;
    let count = async |path: String| get(&enterprise, &path).await.body["totalResults"].clone();
    for filter in [
        "userName eq \"ADA\"",
        "externalId eq \"ext-ada\"",
        "displayName eq \"ada\"",
        &format!("id eq \"{id}\""),
    ] {
        let encoded = filter.replace(' ', "%20").replace('"', "%22");
        assert_eq!(count(format!("/Users?filter={encoded}")).await, 1, "{filter}");
    }
    assert_eq!(count("/Groups?filter=displayName%20eq%20%22x%22&excludedAttributes=members".into()).await, 0);
    for filter in [
        "userName eq \"a\" and active eq true",
        "userName sw \"a\"",
        "active eq true",
        "nope eq \"a\"",
        "not (userName eq \"a\")",
    ] {
        let encoded = filter.replace(' ', "%20").replace('"', "%22");
        get(&enterprise, &format!("/Users?filter={encoded}")).await.refused(400);
    }
    get(&enterprise, "/Groups?filter=userName%20eq%20%22a%22").await.refused(400);
}

#[tokio::test]
async fn e_52_rate_limits_only_when_asked_for() {
    let enterprise = builder().rate_limits(true).build(Arc::new(MemoryStore::new())).unwrap();
    for number in 0..1_000 {
        user(&enterprise, &format!("user{number}")).await;
    }
    for _ in 0..3 {
        post(&enterprise, "/Groups", json!({})).await.refused(400);
    }
    let refused = post(&enterprise, "/Users", person("one-more")).await;
    refused.refused(429);
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn e_52_what_did_not_happen_costs_nothing() {
    let enterprise = builder().rate_limits(true).build(Arc::new(MemoryStore::new())).unwrap();
    let first = user(&enterprise, "user0").await;
    for _ in 0..1_000 {
        post(&enterprise, "/Users", person("user0")).await.refused(409);
    }
    let mut ids = vec![first];
    for number in 1..600 {
        ids.push(user(&enterprise, &format!("user{number}")).await);
    }
    let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
    let body =
        json!({"schemas": [crate::client::GROUP], "externalId": "g", "displayName": "G", "members": members});
    let id = post(&enterprise, "/Groups", body.clone()).await.id();
    for _ in 0..3 {
        assert_eq!(call(&enterprise, Method::PUT, &format!("/Groups/{id}"), body.clone()).await.status, 200);
    }
}

#[tokio::test]
async fn e_70_e_71_e_74_e_75_errors() {
    let enterprise = enterprise();
    get(&enterprise, "/Users/0").await.refused(404);
    let id = user(&enterprise, "ada").await;
    let path = format!("/Users/{id}");
    for body in [
        json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": []}),
        json!({"schemas": [scim_core::urn::PATCH_OP]}),
        json!({"schemas": ["urn:other"], "Operations": [{"op": "remove", "path": "name"}]}),
    ] {
        call(&enterprise, Method::PATCH, &path, body).await.refused(400);
    }
    let malformed = request(Method::POST, &format!("{BASE}/Users")).body(Bytes::from_static(b"{")).unwrap();
    assert!(send(&enterprise, malformed).await.refused(400).contains("JSON"));
    let numeric = builder().numeric_error_status().build(Arc::new(MemoryStore::new())).unwrap();
    assert_eq!(get(&numeric, "/Users/0").await.body["status"], 404);
}
