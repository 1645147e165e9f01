//! Which clients are admitted, and what they can see — RFC 7644 §2, §6.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request};
use http_body::Body as _;
use http_body_util::StreamBody;
use scim_core::{Error, Leniency, Registry};
use scim_server::{
    BearerTokens, ByHost, ByPath, ByPrincipal, Grant, Server, ServerBuilder, TenantSource, Tenants,
};
use scim_server_traits::{Access, AuthError, Store, TenantId, TenantResolver};
use scim_store::{MemoryStore, SqliteStore};
use serde_json::{Value, json};

use crate::client::{USER, get, group, request, send, server, user};

fn as_two(method: Method, path: &str) -> Request<Bytes> {
    let mut request = request(method, path, None).body(Bytes::new()).unwrap();
    request.headers_mut().insert("authorization", "Bearer two".parse().unwrap());
    request
}

#[tokio::test]
async fn srv_015_sec_012_tenants_never_see_each_other() {
    let server = server();
    let ada = user(&server, "ada").await;
    group(&server, "Team", &[&ada]).await;
    for path in ["/Users", "/Groups", "/Users?filter=userName%20eq%20%22ada%22"] {
        let reply = send(&server, as_two(Method::GET, path)).await;
        assert_eq!(reply.body["totalResults"], 0, "{path}");
    }
    for method in [Method::GET, Method::DELETE] {
        send(&server, as_two(method, &format!("/Users/{ada}"))).await.refused(404, "");
    }
    assert_eq!(get(&server, &format!("/Users/{ada}")).await.status, 200);
}

#[tokio::test]
async fn sec_001_q_83_e_6_unknown_tokens() {
    let server = server();
    for authorization in [None, Some("Bearer wrong"), Some("non-token"), Some("Basic b25lOg==")] {
        let mut request = Request::get("/scim/v2/Users");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let reply = send(&server, request.body(Bytes::new()).unwrap()).await;
        reply.refused(401, "");
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
    }
}

/// The base URL of each tenant.
type BaseUrl = fn(&str) -> String;

fn tokens(names: &[&str]) -> BearerTokens {
    let grant = |name: &str| Grant::new(TenantId::new(name), format!("idp of {name}"));
    names.iter().fold(BearerTokens::new(), |tokens, name| tokens.with(&format!("{name}-token"), grant(name)))
}

/// Three ways to tell two tenants apart. `acme` is strict and has only users.
fn tenants(store: &Arc<dyn Store>) -> Vec<(Tenants, BaseUrl)> {
    let by_host = ["acme", "octo"]
        .iter()
        .fold(ByHost::new(), |hosts, name| hosts.with(&format!("{name}.example"), TenantId::new(*name)));
    let everybody: Arc<BearerTokens> = Arc::new(tokens(&["acme", "octo"]));
    let ways: [(Arc<dyn TenantResolver>, BaseUrl); 3] = [
        (Arc::new(ByPath::below("/t/")), |name| format!("https://h.example/t/{name}/scim/v2")),
        (Arc::new(by_host), |name| format!("https://{name}.example:8443")),
        (Arc::new(ByPrincipal::new(everybody)), |_| "https://h.example/scim".to_owned()),
    ];
    let make = |(resolver, base): (Arc<dyn TenantResolver>, BaseUrl)| {
        let tenants = ["acme", "octo"].iter().fold(Tenants::new(Shared(resolver)), |tenants, name| {
            let mut server =
                Server::builder(Arc::clone(store), Arc::new(tokens(&["acme", "octo"]))).base_url(base(name));
            if *name == "acme" {
                let users =
                    Registry::builder().resource_type(scim_core::ResourceType::user()).build().unwrap();
                server = server.registry(users).leniency(Leniency::STRICT).pages(2, 2);
            }
            tenants.with(TenantId::new(*name), server).unwrap()
        });
        (tenants, base)
    };
    ways.into_iter().map(make).collect()
}

struct Shared(Arc<dyn TenantResolver>);

#[async_trait::async_trait]
impl TenantResolver for Shared {
    async fn resolve(&self, request: &http::request::Parts) -> Result<Option<TenantId>, AuthError> {
        self.0.resolve(request).await
    }

    fn challenge(&self) -> &str {
        self.0.challenge()
    }
}

async fn ask(tenants: &Tenants, method: Method, url: &str, token: &str, body: Option<Value>) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(url)
        .header("authorization", format!("Bearer {token}"))
        .body(body.map_or_else(Bytes::new, |body| body.to_string().into()))
        .unwrap();
    let (parts, body) = tenants.handle(request).await.into_parts();
    (parts.status.as_u16(), serde_json::from_slice(&body.into_bytes().await.unwrap()).unwrap_or_default())
}

#[tokio::test]
async fn srv_015_sec_012_tenants_of_one_store_have_their_own_everything() {
    let directory = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Store>; 2] = [
        Arc::new(MemoryStore::new()),
        Arc::new(SqliteStore::open(directory.path().join("scim.db")).unwrap()),
    ];
    for store in stores {
        for (number, (tenants, base)) in tenants(&store).into_iter().enumerate() {
            let (acme, octo) = (base("acme"), base("octo"));
            let ada = json!({"schemas": [USER], "userName": format!("ada{number}")});
            let mut ids = Vec::new();
            for (url, token) in [(&acme, "acme-token"), (&octo, "octo-token")] {
                let (status, made) =
                    ask(&tenants, Method::POST, &format!("{url}/Users"), token, Some(ada.clone())).await;
                assert_eq!(status, 201, "the same name is free in each tenant: {made}");
                assert!(made["meta"]["location"].as_str().unwrap().starts_with(url.as_str()));
                ids.push(made["id"].as_str().unwrap().to_owned());
            }
            for method in [Method::GET, Method::DELETE] {
                let foreign = format!("{octo}/Users/{}", ids[0]);
                assert_eq!(ask(&tenants, method, &foreign, "octo-token", None).await.0, 404);
            }
            let filter = format!("{octo}/Users?filter=id%20eq%20%22{}%22", ids[0]);
            assert_eq!(ask(&tenants, Method::GET, &filter, "octo-token", None).await.1["totalResults"], 0);
            let loose = json!({"userName": format!("bob{number}")});
            let users = |url: &str| format!("{url}/Users");
            let taken = ask(&tenants, Method::POST, &users(&octo), "octo-token", Some(loose.clone())).await;
            let refused = ask(&tenants, Method::POST, &users(&acme), "acme-token", Some(loose)).await;
            assert_eq!((taken.0, refused.0), (201, 400), "one is lenient, one is strict");
            let groups = |url: &str| format!("{url}/Groups");
            assert_eq!(ask(&tenants, Method::GET, &groups(&octo), "octo-token", None).await.0, 200);
            assert_eq!(ask(&tenants, Method::GET, &groups(&acme), "acme-token", None).await.0, 404);
            let config = format!("{acme}/ServiceProviderConfig");
            let config = ask(&tenants, Method::GET, &config, "acme-token", None).await.1;
            assert_eq!(config["filter"]["maxResults"], 2);
            if acme != octo {
                let status = ask(&tenants, Method::GET, &users(&acme), "octo-token", None).await.0;
                assert_eq!(status, 401, "the token of one tenant opens no other");
                let nobody = acme.replace("acme", "nobody");
                assert_eq!(ask(&tenants, Method::GET, &users(&nobody), "acme-token", None).await.0, 404);
            }
        }
    }
}

#[tokio::test]
async fn sec_001_srv_015_a_resolver_that_knows_principals_refuses_as_a_server_does() {
    let tenant = TenantId::new("acme");
    let readers = Grant::new(tenant.clone(), "reader").limited_to(Access::read());
    let known = || tokens(&["acme"]).with("reader", readers.clone());
    let server =
        Server::builder(Arc::new(MemoryStore::new()), Arc::new(known())).base_url("https://h.example");
    let tenants = Tenants::new(ByPrincipal::new(Arc::new(known()))).with(tenant.clone(), server).unwrap();
    for (method, authorization, status, challenge) in [
        (Method::GET, None, 401, r#"Bearer realm="SCIM""#),
        (Method::GET, Some("Basic wrong"), 401, r#"Bearer realm="SCIM""#),
        (Method::GET, Some("Bearer wrong"), 401, r#"Bearer realm="SCIM", error="invalid_token""#),
        (
            Method::POST,
            Some("Bearer reader"),
            403,
            r#"Bearer realm="SCIM", error="insufficient_scope", scope="write""#,
        ),
        (Method::GET, Some("Bearer reader"), 200, ""),
    ] {
        let mut request = Request::builder().method(method).uri("https://h.example/Users");
        request = request.header("x-request-id", "one-1");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let response = tenants.handle(request.body(Bytes::new()).unwrap()).await;
        let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!((response.status().as_u16(), header("www-authenticate")), (status, challenge));
        assert_eq!(header("x-request-id"), "one-1");
    }
    for (token, status) in [("Bearer reader", 200), ("Bearer wrong", 401)] {
        let head = Request::head("https://h.example/Users").header("authorization", token);
        let head = tenants.handle(head.body(Bytes::new()).unwrap()).await;
        assert_eq!(head.status(), status);
        assert!(head.headers().contains_key("content-length") && head.body().is_end_stream(), "{token}");
    }
}

/// A client that waits for permission to send a body does not get it from a resolver that refuses.
#[tokio::test]
async fn sec_011_a_resolver_that_refuses_asks_for_no_body() {
    let tenants = Tenants::new(ByPrincipal::new(Arc::new(tokens(&["acme"]))));
    for (awaited, expected) in [(true, 0), (false, 1)] {
        let read = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&read);
        let frames = futures_util::stream::once(async move {
            seen.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(http_body::Frame::data(Bytes::from_static(b" ")))
        });
        let mut request = Request::post("https://h.example/Users");
        if awaited {
            request = request.header("expect", "100-continue");
        }
        let response = tenants.serve(request.body(StreamBody::new(frames)).unwrap()).await;
        assert_eq!((response.status().as_u16(), read.load(Ordering::Relaxed)), (401, expected));
    }
}

#[tokio::test]
async fn sec_002_sec_003_scopes_limit_what_a_token_does() {
    let grant = |access| Grant::new(TenantId::new("one"), "a").limited_to(access);
    let tokens =
        BearerTokens::new().with("reads", grant(Access::read())).with("writes", grant(Access::write()));
    let server = Server::builder(Arc::new(MemoryStore::new()), Arc::new(tokens))
        .base_url("https://h.example/scim/v2")
        .build()
        .unwrap();
    let search = json!({"schemas": [scim_core::urn::SEARCH_REQUEST]});
    let bulk = json!({"schemas": [scim_core::urn::BULK_REQUEST], "Operations": []});
    let ada = json!({"schemas": [USER], "userName": "ada"});
    for (method, path, body, good, bad, scope) in [
        (Method::GET, "/Users", None, "reads", "writes", "read"),
        (Method::POST, "/Users/.search", Some(search.clone()), "reads", "writes", "read"),
        (Method::POST, "/Users/%2Esearch/", Some(search.clone()), "reads", "writes", "read"),
        (Method::POST, "/%2esearch", Some(search), "reads", "writes", "read"),
        (Method::POST, "/Users", Some(ada), "writes", "reads", "write"),
        (Method::POST, "/Bulk", Some(bulk), "writes", "reads", "write"),
    ] {
        let ask = async |token: &str| {
            let bytes = body.as_ref().map_or_else(Bytes::new, |body| body.to_string().into());
            let mut request = request(method.clone(), path, body.as_ref()).body(bytes).unwrap();
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
            send(&server, request).await
        };
        assert!(ask(good).await.status.is_success(), "{method} {path}");
        let refused = ask(bad).await;
        refused.refused(403, "");
        let expected = format!("Bearer realm=\"SCIM\", error=\"insufficient_scope\", scope=\"{scope}\"");
        assert_eq!(refused.header("www-authenticate"), expected);
    }
}

/// Of two hosts, it must not depend on the reader which one finds the tenant.
#[tokio::test]
async fn sec_012_two_hosts_are_no_tenant() {
    let hosts = ByHost::new().with("acme.example", TenantId::new("acme"));
    let tokens = BearerTokens::new().with("a", Grant::new(TenantId::new("acme"), "p"));
    let server = Server::builder(Arc::new(MemoryStore::new()), Arc::new(tokens));
    let tenants = Tenants::new(hosts).with(TenantId::new("acme"), server).unwrap();
    for (second, status) in [(None, 200), (Some("acme.example"), 400), (Some("octo.example"), 400)] {
        let request = Request::get("/scim/v2/Users").header("host", "acme.example");
        let request = request.header("authorization", "Bearer a");
        let request = second.into_iter().fold(request, |request, host| request.header("host", host));
        assert_eq!(tenants.handle(request.body(Bytes::new()).unwrap()).await.status(), status, "{second:?}");
    }
}

/// Asks for the users of a tenant of its own path.
async fn users_of(tenants: &Tenants, name: &str, token: &str) -> u16 {
    ask(tenants, Method::GET, &format!("https://h.example/t/{name}/scim/v2/Users"), token, None).await.0
}

fn server_of(store: &Arc<dyn Store>, name: &str, token: &str) -> ServerBuilder {
    let tokens = BearerTokens::new().with(token, Grant::new(TenantId::new(name), "a"));
    let server = Server::builder(Arc::clone(store), Arc::new(tokens));
    server.base_url(format!("https://h.example/t/{name}/scim/v2"))
}

#[tokio::test]
async fn srv_015_tenants_come_change_and_go_while_requests_are_answered() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let tenants = Tenants::new(ByPath::below("/t"));
    let serving = tenants.clone();
    assert_eq!(users_of(&serving, "acme", "one").await, 404);
    let acme = TenantId::new("acme");
    tenants.put(acme.clone(), server_of(&store, "acme", "one")).unwrap();
    assert_eq!(users_of(&serving, "acme", "one").await, 200);
    tenants.put(acme.clone(), server_of(&store, "acme", "two")).unwrap();
    assert_eq!(
        (users_of(&serving, "acme", "one").await, users_of(&serving, "acme", "two").await),
        (401, 200)
    );
    let wrong = server_of(&store, "acme", "three").base_url("no url");
    assert!(tenants.put(acme.clone(), wrong).is_err());
    assert_eq!(users_of(&serving, "acme", "two").await, 200, "a mistake changes nothing");
    assert!(tenants.remove(&acme) && !tenants.remove(&acme));
    assert_eq!(users_of(&serving, "acme", "two").await, 404);
}

/// Knows the tenants with a short name, and confuses `octo` with another one.
struct Source(Arc<dyn Store>);

#[async_trait]
impl TenantSource for Source {
    async fn server(&self, tenant: &TenantId) -> Result<Option<Server>, Error> {
        let name = tenant.as_str();
        let confined = TenantId::new(if name == "octo" { "acme" } else { name });
        let server = server_of(&self.0, name, "token").tenant(confined).build().unwrap();
        match name {
            "down" => {
                Err(Error::new(http::StatusCode::SERVICE_UNAVAILABLE, "the table of tenants is not there"))
            }
            _ => Ok((name.len() < 5).then_some(server)),
        }
    }
}

#[tokio::test]
async fn srv_015_sec_012_a_source_is_asked_for_each_request() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let tenants = Tenants::new(ByPath::below("/t")).with_source(Source(Arc::clone(&store)));
    tenants.put(TenantId::new("own"), server_of(&store, "own", "mine")).unwrap();
    for (name, token, status) in [
        ("acme", "token", 200),
        ("acme", "wrong", 401),
        ("own", "mine", 200),
        ("own", "token", 401),
        ("strangers", "token", 404),
        ("down", "token", 503),
        // A server of another tenant is never used.
        ("octo", "token", 500),
    ] {
        assert_eq!(users_of(&tenants, name, token).await, status, "{name} {token}");
    }
}
