//! What RFC 7644 asks of every endpoint, and of creating, replacing and deleting.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request};
use http_body::Body as _;
use scim_server::Server;
use scim_server_traits::{AuthError, Authenticator, Context, Me};
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::client::{GROUP, USER, builder, call, get, group, patch, post, request, send, server, user};

#[tokio::test]
async fn srv_001_srv_013_json_is_utf_8() {
    let server = server();
    let body = json!({"schemas": [USER], "userName": "Ünï 🦀", "meta": {"version": "mine"}, "groups": [{"value": "x"}]});
    let made = post(&server, "/Users", body).await;
    assert_eq!(made.body["userName"], "Ünï 🦀");
    assert_eq!(
        (&made.body["meta"]["version"], made.body.get("groups")),
        (&json!("W/\"1\""), None),
        "SRV-013"
    );
    for bytes in [&b"\xef\xbb\xbf{}"[..], b"{\"schemas\": [\"\xff\"]}"] {
        let request =
            request(Method::POST, "/Users", Some(&Value::Null)).body(Bytes::copy_from_slice(bytes)).unwrap();
        send(&server, request).await.refused(400, "invalidSyntax");
    }
}

#[tokio::test]
async fn srv_005_srv_006_srv_014_every_endpoint_is_there() {
    let server = builder().me(|_: &scim_server_traits::Context| None).build().unwrap();
    let types = get(&server, "/ResourceTypes").await.body;
    let endpoints: Vec<_> =
        types["Resources"].as_array().unwrap().iter().map(|it| it["endpoint"].as_str().unwrap()).collect();
    assert_eq!(endpoints, ["/Users", "/Groups"]);
    for (method, path) in [
        (Method::GET, "/Users"),
        (Method::GET, "/Groups/"),
        (Method::GET, "/ServiceProviderConfig"),
        (Method::GET, "/ResourceTypes"),
        (Method::GET, "/Schemas"),
        (Method::GET, "/"),
    ] {
        assert_eq!(call(&server, method, path, None).await.status, 200, "{path}");
    }
    for path in ["/Users", "/Groups", "/Bulk", "/.search", "/Users/.search", "/Me"] {
        post(&server, path, json!([])).await.refused(400, "invalidSyntax");
    }
    let ada = user(&server, "ada").await;
    let by_url = get(&server, &format!("/Users/{ada}")).await.body;
    assert_eq!(get(&server, "/Users").await.body["Resources"][0], by_url, "SRV-014");
}

#[tokio::test]
async fn srv_007_srv_008_srv_009_srv_011_every_error_is_a_scim_error() {
    let server = server();
    let ada = user(&server, "ada").await;
    let place = format!("/Users/{ada}");
    get(&server, "/Nowhere").await.refused(404, "");
    get(&server, "/Users/none").await.refused(404, "");
    let wrong = call(&server, Method::PATCH, "/Users", Some(json!({}))).await;
    wrong.refused(405, "");
    assert_eq!(wrong.header("allow"), "GET, HEAD, POST");
    for method in [Method::OPTIONS, Method::TRACE] {
        let wrong = call(&server, method, &place, None).await;
        wrong.refused(405, "");
        assert_eq!(wrong.header("allow"), "GET, HEAD, PUT, PATCH, DELETE");
    }
    post(&server, "/Users", json!({"userName": "ADA"})).await.refused(409, "uniqueness");
    get(&server, "/Me").await.refused(501, "");
    let of_version_3 =
        Request::get("/scim/v3/Users").header("authorization", "Bearer one").body(Bytes::new());
    send(&server, of_version_3.unwrap()).await.refused(404, "");
    send(&server, Request::get("/scim/v2/Users").body(Bytes::new()).unwrap()).await.refused(401, "");
    let stale =
        request(Method::DELETE, &place, None).header("if-match", "W/\"9\"").body(Bytes::new()).unwrap();
    send(&server, stale).await.refused(412, "");
    let text = request(Method::POST, "/Users", None).header("content-type", "text/plain");
    send(&server, text.body(Bytes::from("{}")).unwrap()).await.refused(415, "");
    let picky =
        request(Method::GET, "/Users", None).header("accept", "text/html").body(Bytes::new()).unwrap();
    send(&server, picky).await.refused(406, "");
}

/// RFC 9110 §9.3.2.
#[tokio::test]
async fn head_is_answered_wherever_get_is() {
    let known = Arc::new(Mutex::new(String::new()));
    let mine = Arc::clone(&known);
    let me = move |_: &Context| Some(Me::new("User", mine.lock().unwrap().clone()));
    let server = builder().me(me).build().unwrap();
    let mut people = Vec::new();
    for name in ["ada", "bob", "eve"] {
        people.push(user(&server, name).await);
    }
    known.lock().unwrap().clone_from(&people[0]);
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let streamed = format!("/Groups/{}", group(&server, "Large", &people).await);
    let ada = format!("/Users/{}", people[0]);
    for path in [
        &ada,
        &streamed,
        "/Users",
        "/",
        "/Me",
        "/ServiceProviderConfig",
        "/ResourceTypes/User",
        "/Schemas",
        "/openapi.json",
        "/Users/none",
        "/Users?filter=x",
        "/Users?startIndex=x",
        "/Nowhere",
    ] {
        let asked = |method| {
            let request = request(method, path, None).header("x-request-id", "one");
            server.handle(request.body(Bytes::new()).unwrap())
        };
        let (got, head) = (asked(Method::GET).await, asked(Method::HEAD).await);
        let length = got.body().size_hint().exact();
        let mut headers = got.headers().clone();
        if let Some(length) = length {
            headers.insert("content-length", length.into());
        }
        assert_eq!((head.status(), head.headers()), (got.status(), &headers), "{path}");
        assert_eq!(length.is_none(), path == streamed || path == "/", "{path}");
        assert!(head.into_body().into_bytes().await.unwrap().is_empty(), "{path}");
    }
    assert_eq!(call(&server, Method::HEAD, "/Bulk", None).await.header("allow"), "POST");
    let stranger = send(&server, Request::head("/scim/v2/Users").body(Bytes::new()).unwrap()).await;
    assert_eq!((stranger.status.as_u16(), stranger.body), (401, Value::Null));
}

#[tokio::test]
async fn sec_001_a_challenge_tells_a_wrong_token_from_none() {
    let server = server();
    for (authorization, challenge) in [
        (None, r#"Bearer realm="SCIM""#),
        (Some("Basic b25lOnR3bw=="), r#"Bearer realm="SCIM""#),
        (Some("Bearer three"), r#"Bearer realm="SCIM", error="invalid_token""#),
        (Some("Bearer"), r#"Bearer realm="SCIM", error="invalid_token""#),
    ] {
        let request = Request::get("/scim/v2/Users");
        let request = authorization.into_iter().fold(request, |it, value| it.header("authorization", value));
        let refused = send(&server, request.body(Bytes::new()).unwrap()).await;
        refused.refused(401, "");
        assert_eq!(refused.header("www-authenticate"), challenge, "{authorization:?}");
    }
    // An authenticator's own challenge is kept, with the error code added.
    for (own, wrong) in [
        ("Bearer", r#"Bearer error="invalid_token""#),
        (r#"bearer realm="a b""#, r#"bearer realm="a b", error="invalid_token""#),
        (r#"Basic realm="x""#, r#"Basic realm="x""#),
    ] {
        let server = Server::builder(Arc::new(MemoryStore::new()), Arc::new(Nobody(own))).build().unwrap();
        let refused = send(&server, Request::get("/scim/v2/Users").body(Bytes::new()).unwrap()).await;
        assert_eq!((refused.status.as_u16(), refused.header("www-authenticate")), (401, wrong));
    }
}

/// Admits no request.
struct Nobody(&'static str);

#[async_trait]
impl Authenticator for Nobody {
    async fn authenticate(&self, _: &Parts) -> Result<Context, AuthError> {
        Err(AuthError::Invalid)
    }

    fn challenge(&self) -> &str {
        self.0
    }
}

/// RFC 9110 §8.4, §15.5.16.
#[tokio::test]
async fn a_content_coding_is_refused_by_name() {
    let server = server();
    let ada = json!({"schemas": [USER], "userName": "ada"}).to_string();
    let bulk = json!({"schemas": [scim_core::urn::BULK_REQUEST], "Operations": []}).to_string();
    for (coding, status) in [("gzip", 415), ("identity, br", 415), ("Identity", 201), ("", 201)] {
        let send = async |path: &str, body: &str| {
            let request = request(Method::POST, path, Some(&Value::Null)).header("content-encoding", coding);
            send(&server, request.body(Bytes::from(body.to_owned())).unwrap()).await
        };
        let made = send("/Users", &ada.replace("ada", &format!("ada-{coding}"))).await;
        assert_eq!(made.status, status, "{coding}");
        let done = send("/Bulk", &bulk).await;
        assert_eq!(done.status.is_success(), status == 201, "{coding}");
        for refused in [made, done].iter().filter(|_| status == 415) {
            let detail = refused.refused(415, "");
            assert!(detail.contains(coding.rsplit(' ').next().unwrap()), "{detail}");
            assert_eq!(refused.header("accept-encoding"), "identity");
        }
    }
    let read = request(Method::GET, "/Users", None).header("content-encoding", "gzip");
    assert_eq!(send(&server, read.body(Bytes::new()).unwrap()).await.status, 200, "no body, no coding");
}

#[tokio::test]
async fn srv_012_an_empty_parameter_counts_as_absent() {
    let server = server();
    for name in ["ada", "bob"] {
        user(&server, name).await;
    }
    let all = get(&server, "/Users").await.body;
    for name in
        ["filter", "sortBy", "sortOrder", "attributes", "excludedAttributes", "startIndex", "count", "x", ""]
    {
        for empty in [format!("{name}="), name.to_owned()] {
            assert_eq!(get(&server, &format!("/Users?{empty}")).await.body, all, "{empty}");
        }
        assert_eq!(get(&server, &format!("/Schemas?{name}=")).await.status, 200, "{name}");
    }
    let all_empty = "filter=&sortBy=&sortOrder=&attributes=&excludedAttributes=&startIndex=&count=";
    assert_eq!(get(&server, &format!("/Users?{all_empty}")).await.body, all);
    let one = get(&server, "/Users?count=&count=1&filter=&filter=userName%20eq%20%22bob%22").await.body;
    assert_eq!((&one["totalResults"], &one["Resources"][0]["userName"]), (&json!(1), &json!("bob")));
    for first in ["cursor=", "cursor", "cursor=&startIndex="] {
        let page = get(&server, &format!("/Users?count=1&{first}")).await.body;
        assert!(page["nextCursor"].is_string() && page.get("startIndex").is_none(), "{first}: {page}");
    }
    let search = json!({"schemas": [scim_core::urn::SEARCH_REQUEST], "filter": "", "sortBy": ""});
    assert_eq!(post(&server, "/Users/.search", search).await.body, all);
}

#[tokio::test]
async fn what_a_proxy_takes_off_the_path_is_not_missed() {
    let server = builder().base_url("https://h.example/gate/scim/v2/").also_at("/scim/v2/").build().unwrap();
    let made = post(&server, "/Users", json!({"schemas": [USER], "userName": "ada"})).await;
    let location = format!("https://h.example/gate/scim/v2/Users/{}", made.id());
    assert_eq!((made.header("location"), &made.body["meta"]["location"]), (&*location, &json!(location)));
    for prefix in ["/gate/scim/v2", "/scim/v2"] {
        let read =
            Request::get(format!("{prefix}/Users/{}", made.id())).header("authorization", "Bearer one");
        assert_eq!(send(&server, read.body(Bytes::new()).unwrap()).await.body, made.body, "{prefix}");
    }
    for prefix in ["/gate", "/gate/gate/scim/v2", "/scim/v2/scim/v2", ""] {
        let read = Request::get(format!("{prefix}/Users")).header("authorization", "Bearer one");
        send(&server, read.body(Bytes::new()).unwrap()).await.refused(404, "");
    }
}

#[tokio::test]
async fn srv_017_what_is_not_asserted_is_not_made_up() {
    let server = server();
    let made =
        post(&server, "/Users", json!({"schemas": [USER], "userName": "ada", "title": null, "emails": []}))
            .await;
    for name in ["active", "title", "emails"] {
        assert!(made.body.get(name).is_none(), "{name}");
    }
}

#[tokio::test]
async fn srv_032_a_filter_on_one_resource_is_ignored() {
    let server = server();
    let ada = user(&server, "ada").await;
    assert_eq!(get(&server, &format!("/Users/{ada}?filter=userName%20eq%20%22x%22")).await.status, 200);
}

#[tokio::test]
async fn srv_042_no_page_is_larger_than_the_maximum() {
    let server = builder().pages(2, 3).build().unwrap();
    for name in ["a", "b", "c", "d"] {
        user(&server, name).await;
    }
    for (query, size) in [("", 2), ("?count=100", 3), ("?count=100&cursor", 3)] {
        assert_eq!(get(&server, &format!("/Users{query}")).await.body["itemsPerPage"], size, "{query}");
    }
    assert_eq!(get(&server, "/ServiceProviderConfig").await.body["filter"]["maxResults"], 3);
}

#[tokio::test]
async fn srv_045_srv_079_srv_081_what_is_deleted_is_gone_everywhere() {
    let server = server();
    let (ada, bob) = (user(&server, "ada").await, user(&server, "bob").await);
    let team = group(&server, "Team", &[&ada, &bob]).await;
    assert_eq!(call(&server, Method::DELETE, &format!("/Users/{ada}"), None).await.status, 204);
    for query in ["/Users", "/Users?filter=userName%20pr", "/Users?sortBy=userName", "/Users?cursor"] {
        let found = get(&server, query).await.body;
        assert_eq!(
            (&found["totalResults"], &found["Resources"][0]["id"]),
            (&json!(1), &json!(bob)),
            "{query}"
        );
    }
    let members = get(&server, &format!("/Groups/{team}")).await.body["members"].clone();
    assert_eq!((members.as_array().unwrap().len(), &members[0]["value"]), (1, &json!(bob)));
    assert_ne!(user(&server, "ada").await, ada, "SRV-079: the name is free again");
}

#[tokio::test]
async fn srv_067_srv_068_srv_073_srv_074_srv_075_replacing() {
    let server = server();
    let (ada, _) = (user(&server, "ada").await, user(&server, "bob").await);
    let place = format!("/Users/{ada}");
    let put = async |path: &str, body: Value| call(&server, Method::PUT, path, Some(body)).await;
    put("/Users/none", json!({"schemas": [USER], "userName": "x"})).await.refused(404, "");
    assert_eq!(get(&server, "/Users").await.body["totalResults"], 2, "SRV-068: PUT never creates");
    put(&place, json!({"schemas": [USER], "title": "t"})).await.refused(400, "invalidValue");
    put(&place, json!({"schemas": [USER], "userName": "BOB"})).await.refused(409, "uniqueness");
    let whole = put(&place, json!({"schemas": [USER], "userName": "ada", "title": "t"})).await;
    assert_eq!((whole.status.as_u16(), &whole.body), (200, &get(&server, &place).await.body));
    let part = put(
        &format!("{place}?attributes=title"),
        json!({"schemas": [USER], "userName": "ada", "title": "u"}),
    )
    .await;
    assert_eq!(part.body, json!({"schemas": [USER], "id": ada, "title": "u"}));
}

#[tokio::test]
async fn srv_071_immutable_attributes_are_set_once() {
    let server = server();
    let schema = "urn:example:params:scim:schemas:Badge";
    let user_type = scim_core::ResourceType::user();
    let attributes = json!([{"name": "number", "mutability": "immutable"}]);
    let extension = scim_core::Schema::from_json(json!({"id": schema, "attributes": attributes})).unwrap();
    let extended = user_type.with_extension(std::sync::Arc::new(extension), false).unwrap();
    let registry =
        scim_core::Registry::builder().resource_type(std::sync::Arc::new(extended)).build().unwrap();
    drop(server);
    let server = builder().registry(registry).build().unwrap();
    let place = format!("/Users/{}", user(&server, "ada").await);
    let put = async |number: Value| {
        let body = json!({"schemas": [USER, schema], "userName": "ada", schema: {"number": number}});
        call(&server, Method::PUT, &place, Some(body)).await
    };
    assert_eq!(put(json!("1")).await.body[schema]["number"], "1", "there was none");
    assert_eq!(put(json!("1")).await.status, 200, "the same");
    put(json!("2")).await.refused(400, "mutability");
    let silent =
        call(&server, Method::PUT, &place, Some(json!({"schemas": [USER], "userName": "ada"}))).await;
    assert_eq!(silent.status, 200);
}

#[tokio::test]
async fn etag_001_etag_002_etag_003_every_answer_has_its_tag() {
    let server = server();
    assert_eq!(get(&server, "/ServiceProviderConfig").await.body["etag"]["supported"], true);
    let made = post(&server, "/Groups", json!({"schemas": [GROUP], "displayName": "g"})).await;
    let place = format!("/Groups/{}", made.id());
    let replaced =
        call(&server, Method::PUT, &place, Some(json!({"schemas": [GROUP], "displayName": "h"}))).await;
    let rename = json!([{"op": "replace", "path": "displayName", "value": "i"}]);
    let patched = patch(&server, &format!("{place}?attributes=displayName,meta"), rename).await;
    let read = get(&server, &place).await;
    for (reply, version) in
        [(&made, "W/\"1\""), (&replaced, "W/\"2\""), (&patched, "W/\"3\""), (&read, "W/\"3\"")]
    {
        assert_eq!((reply.header("etag"), &reply.body["meta"]["version"]), (version, &json!(version)));
    }
    let ada = user(&server, "ada").await;
    let quiet =
        patch(&server, &place, json!([{"op": "add", "path": "members", "value": [{"value": ada}]}])).await;
    assert_eq!((quiet.status.as_u16(), quiet.header("etag")), (204, "W/\"4\""));
}
