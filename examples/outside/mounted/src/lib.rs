//! An application that has routes of its own and lets an identity provider manage its people: SCIM below `/scim/v2`, an
//! extension of its own, a SQLite file, an administrator, and a follower that reacts to each change.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use scim_core::{Registry, ResourceType, Schema, User};
use scim_server::{BearerTokens, Grant, Server};
use scim_server_traits::{ChangeFeed, Context, Principal, TenantId};
use scim_store::SqliteStore;
use serde_json::json;

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

pub const BADGE: &str = "urn:example:badge:1.0:User";

/// Makes a server for the identity provider, which sees it at `base_url`. It may be mounted anywhere.
pub async fn server(file: &Path, base_url: &str, token: &str) -> Result<(Server, SqliteStore)> {
    let tenant = TenantId::new("staff");
    let badge = Schema::from_json(json!({"id": BADGE, "name": "Badge", "attributes": [
        {"name": "number", "type": "string", "uniqueness": "server"}]}))?;
    let user = Arc::new(ResourceType::user().with_extension(Arc::new(badge), false)?);
    let registry = Registry::builder().resource_type(user).resource_type(ResourceType::group()).build()?;
    let store = SqliteStore::open(file)?;
    store.reindex(&tenant, registry.resource_types()).await?;
    let tokens = BearerTokens::new().with(token, Grant::new(tenant, "identity provider"));
    let server = Server::builder(Arc::new(store.clone()), Arc::new(tokens)).base_url(base_url);
    // `nest_service` takes its prefix from the path, so requests come to the root too.
    let server = server.also_at("/").registry(registry).build()?;
    Ok((server, store))
}

/// Creates the administrator by the rules that HTTP has.
pub async fn administrator(server: &Server) -> std::result::Result<User, scim_core::Error> {
    let context = Context::new(TenantId::new("staff")).with_principal(Principal::new("setup"));
    server.resources::<User>(&context)?.create(&User::new("admin")).await
}

/// Tells each change, from this number on.
pub async fn follow(store: SqliteStore, mut after: u64, mut tell: impl FnMut(String)) -> Result<()> {
    let tenant = TenantId::new("staff");
    loop {
        store.changed(&tenant, after).await?;
        for change in store.changes(&tenant, after, 100).await? {
            after = change.sequence;
            tell(format!("{}: {} {:?}", change.cause.principal, change.resource_type, change.kind));
        }
    }
}

/// The application, with the server below `/scim/v2`.
pub fn application(server: Server) -> Router {
    Router::new().route("/hello", get(async || "hello")).nest_service("/scim/v2", server)
}
