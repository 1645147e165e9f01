//! SCIM on the tables that an application has already, made to be copied from.
//!
//! Module `kind` says which attribute is in which column. Modules `store` and `links` are a whole `Store` on them.

mod kind;
mod links;
mod store;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use rusqlite::Connection;
use scim_core::Registry;
use scim_server::{BearerTokens, Grant, Server};
use scim_server_traits::TenantId;

/// A server allocates many small pieces of memory and frees them, often on another thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The application's tables, with rows from before SCIM was added.
const TABLES: &str = include_str!("tables.sql");
const PEOPLE: &str = "
INSERT INTO users (row, login, full_name, enabled) VALUES
    (1, 'ada', 'Ada Lovelace', 1), (2, 'Émile', 'Émile Zola', 1), (3, 'gone', NULL, 0);
INSERT INTO teams (row, title) VALUES (1, 'Engines');
INSERT INTO team_users (team, user) VALUES (1, 1), (1, 2);
";

/// SCIM on existing tables: users, teams, and the members of teams.
///
/// When it is ready it prints one line of JSON with `base_url`, `public_url` and `token` on standard output. It stops
/// cleanly on Ctrl-C or SIGTERM, and forgets everything.
#[derive(Parser)]
#[command(name = "own_table", version)]
struct Arguments {
    #[command(flatten)]
    host: scim_examples::Host,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    scim_examples::start_logging();
    scim_examples::conclude(run(arguments).await.map(|()| ExitCode::SUCCESS))
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let store = store::OwnTables::open(application().context("cannot make the application's tables")?)?;
    let registry =
        Registry::builder().resource_type(kind::user_type()?).resource_type(kind::group_type()?).build()?;
    let token = BearerTokens::mint();
    let tokens = BearerTokens::new().with(&token, Grant::new(TenantId::new("application"), "token"));
    let listening = arguments.host.open().await?;
    let server = Server::builder(Arc::new(store), Arc::new(tokens))
        .base_url(format!("{}/scim/v2", listening.public_url()))
        .also_at("/scim/v2")
        .registry(registry)
        // `store.rs` does not support sorting.
        .sorting(false)
        .build()?;
    let stop = scim_examples::interrupted()?;
    let base_url = format!("{}/scim/v2", listening.url());
    scim_examples::say_ready(&base_url, server.base_url(), Some(&token))?;
    listening.serve(server, stop).await
}

fn application() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(TABLES)?;
    connection.execute_batch(PEOPLE)?;
    Ok(connection)
}
