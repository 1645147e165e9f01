//! A few lines to talk to a server in the same process.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use scim_core::Leniency;
use scim_server::{BearerTokens, Grant, Server, ServerBuilder};
use scim_server_traits::{
    Batch, Context, Get, Link, LinkChunks, MoreLinks, Page, Query, Store, StoreError, Stored, TenantId,
    Written,
};
use scim_store::MemoryStore;
use serde_json::{Value, json};

pub(crate) const USER: &str = scim_core::urn::USER;
pub(crate) const GROUP: &str = scim_core::urn::GROUP;
pub(crate) const PATCH_OP: &str = scim_core::urn::PATCH_OP;

/// A store that lets others run around each call, so that concurrent requests really interleave.
struct Yielding(MemoryStore);

#[async_trait]
impl Store for Yielding {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        let found = self.0.get(context, get).await;
        tokio::task::yield_now().await;
        found
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        self.0.query(context, query).await
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        tokio::task::yield_now().await;
        self.0.commit(context, batch).await
    }
}

/// A store that uses what the server allows: documents as text, links a few at a time.
struct Sparing(MemoryStore);

fn spare(stored: &mut Stored, text: bool, chunks: bool) {
    if text {
        as_text(stored);
    }
    for (name, links) in stored.links.iter_mut().filter(|(_, links)| chunks && links.len() > 2) {
        stored.more.insert(name.clone(), MoreLinks::new(Pairs(std::mem::take(links))));
    }
}

fn as_text(stored: &mut Stored) {
    let document = std::mem::take(&mut stored.resource).into_map();
    stored.text = Some(serde_json::to_string(&document).unwrap());
}

#[async_trait]
impl Store for Sparing {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        let (text, chunks) = (get.as_text, get.at_once < usize::MAX);
        let mut found = self.0.get(context, get).await?;
        found.iter_mut().for_each(|stored| spare(stored, text, chunks));
        Ok(found)
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        let (text, chunks) = (query.as_text, query.at_once < usize::MAX);
        let mut page = self.0.query(context, query).await?;
        page.matches.iter_mut().for_each(|found| spare(&mut found.stored, text, chunks));
        Ok(page)
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        self.0.commit(context, batch).await
    }
}

/// Returns two links at a time, and fails at a link with the display name `broken`.
struct Pairs(Vec<Link>);

#[async_trait]
impl LinkChunks for Pairs {
    async fn chunk(&self, number: usize) -> Result<Option<Vec<Link>>, StoreError> {
        let pair = self.0.chunks(2).nth(number).map(<[Link]>::to_vec);
        if pair.iter().flatten().any(|link| link.display.as_deref() == Some("broken")) {
            return Err(StoreError::backend("the disk is gone"));
        }
        Ok(pair)
    }

    fn held(&self) -> usize {
        self.0.len() * size_of::<Link>()
    }
}

/// A response that was read.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }

    /// Every error is a SCIM error (SRV-007, SRV-008).
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, scim_type: &str) -> &str {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.body["schemas"], json!([scim_core::urn::ERROR]));
        assert_eq!(self.body["status"], status.to_string());
        assert_eq!(self.body["scimType"].as_str().unwrap_or_default(), scim_type, "{self:?}");
        assert_eq!(self.header("content-type"), "application/scim+json");
        self.body["detail"].as_str().unwrap()
    }
}

pub(crate) fn builder() -> ServerBuilder {
    on(Arc::new(Sparing(MemoryStore::new())))
}

/// A server on a store that returns everything at once.
pub(crate) fn plain() -> Server {
    on(Arc::new(MemoryStore::new())).build().unwrap()
}

pub(crate) fn yielding() -> Server {
    on(Arc::new(Yielding(MemoryStore::new()))).build().unwrap()
}

pub(crate) fn on(store: Arc<dyn Store>) -> ServerBuilder {
    let tokens = BearerTokens::new()
        .with("one", Grant::new(TenantId::new("one"), "a"))
        .with("two", Grant::new(TenantId::new("two"), "b"));
    Server::builder(store, Arc::new(tokens)).base_url("https://h.example/scim/v2")
}

pub(crate) fn server() -> Server {
    builder().build().unwrap()
}

pub(crate) fn strict() -> Server {
    builder().leniency(Leniency::STRICT).build().unwrap()
}

pub(crate) async fn send(server: &Server, request: Request<Bytes>) -> Reply {
    let (parts, body) = server.handle(request).await.into_parts();
    let bytes = body.into_bytes().await.unwrap();
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    Reply { status: parts.status, headers: parts.headers, body }
}

pub(crate) fn request(method: Method, path: &str, body: Option<&Value>) -> http::request::Builder {
    let builder = Request::builder()
        .method(method)
        .uri(format!("/scim/v2{path}"))
        .header("authorization", "Bearer one");
    match body {
        Some(_) => builder.header("content-type", "application/scim+json"),
        None => builder,
    }
}

pub(crate) async fn call(server: &Server, method: Method, path: &str, body: Option<Value>) -> Reply {
    let bytes = body.as_ref().map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    send(server, request(method, path, body.as_ref()).body(bytes).unwrap()).await
}

pub(crate) async fn get(server: &Server, path: &str) -> Reply {
    call(server, Method::GET, path, None).await
}

pub(crate) async fn post(server: &Server, path: &str, body: Value) -> Reply {
    call(server, Method::POST, path, Some(body)).await
}

pub(crate) async fn patch(server: &Server, path: &str, operations: Value) -> Reply {
    let body = json!({"schemas": [PATCH_OP], "Operations": operations});
    call(server, Method::PATCH, path, Some(body)).await
}

/// Creates a user of this name and returns its id.
pub(crate) async fn user(server: &Server, name: &str) -> String {
    let reply = post(server, "/Users", json!({"schemas": [USER], "userName": name})).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.id()
}

/// Creates a group with these members and returns its id.
pub(crate) async fn group(server: &Server, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
    let reply = post(server, "/Groups", body).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.id()
}
