//! A plain SCIM 2.0 service provider: every attribute of the core schemas, no vendor's rules.

mod backup;
mod registry;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::ensure;
use clap::{Args, Parser, Subcommand};
use scim_core::{Leniency, Quirk, UnknownPreset};
use scim_server::{BearerTokens, Grant, PatchResponse, Server};
use scim_server_traits::TenantId;

/// A server asks for much small memory, and gives it back, on several threads by turns.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Where the SCIM endpoints are, below the origin or a proxy's path.
const BASE_PATH: &str = "/scim/v2";

/// A plain SCIM 2.0 service provider.
///
/// When it is ready it prints one line of JSON with `base_url`, `public_url` and `token` on standard output. It stops
/// cleanly on Ctrl-C or SIGTERM.
#[derive(Parser)]
#[command(
    name = "standalone",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  standalone\n  standalone --data scim.db --token s3cret\n  standalone --listen 0.0.0.0:8080 --public-url https://scim.example.com --leniency strict\n  standalone --schema robot.json --resource-type robots.json\n  standalone backup --data scim.db --to copy.db"
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Copy a database file, also while a server uses it.
    Backup(backup::Arguments),
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    host: scim_examples::Host,
    /// The database file, or `:memory:` to forget everything at the end.
    #[arg(long, default_value = ":memory:", value_name = "FILE")]
    data: String,
    /// A bearer token that is let in; may be given several times. One is minted when none is given.
    #[arg(long = "token", value_name = "TOKEN")]
    tokens: Vec<String>,
    /// What is forgiven: strict, interop, entra, okta, ping or onelogin.
    #[arg(long, default_value = "interop", value_name = "PRESET", value_parser = preset)]
    leniency: Leniency,
    /// What PATCH answers: auto (204 for types with members, such as groups, else 200), body (200) or none (204).
    #[arg(long, default_value = "auto", value_name = "HOW", value_parser = patch_response)]
    patch_response: PatchResponse,
    /// Pass over members that do not exist, and name them in the answer as `members.value`. Without it a request that
    /// names one is refused: a group that is replaced could lose all it has.
    #[arg(long)]
    pass_over_unknown_members: bool,
    /// Leave out of answers what was passed over: without it the header `SCIM-Passed-Over` names attributes that nobody
    /// understood.
    #[arg(long)]
    hide_passed_over: bool,
    /// Offer no paging by cursor, and leave `pagination` out of the configuration: some clients provision nobody when
    /// they find it.
    #[arg(long)]
    no_cursors: bool,
    /// Answer `/scim/v2/openapi.json` without a token.
    #[arg(long)]
    open_api_description: bool,
    /// A file with a schema document (RFC 7643 §7), or an array of them, to serve beside the standard ones;
    /// may be given several times.
    #[arg(long = "schema", value_name = "FILE")]
    schemas: Vec<PathBuf>,
    /// A file with a resource type document (RFC 7643 §6), or an array of them, to serve beside User and
    /// Group; may be given several times.
    #[arg(long = "resource-type", value_name = "FILE")]
    resource_types: Vec<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    scim_examples::start_logging();
    let result = match arguments.command {
        Some(Command::Backup(arguments)) => backup::run(&arguments),
        None => run(arguments.serve).await,
    };
    scim_examples::conclude(result.map(|()| ExitCode::SUCCESS))
}

async fn run(mut arguments: Serve) -> anyhow::Result<()> {
    let registry = registry::read(&arguments.schemas, &arguments.resource_types)?;
    if arguments.tokens.is_empty() {
        arguments.tokens.push(BearerTokens::mint());
    }
    ensure!(
        !arguments.tokens.iter().any(String::is_empty),
        "a token must not be empty: is a variable unset?"
    );
    let tenant = TenantId::new("standalone");
    let tokens = arguments.tokens.iter().zip(1..).fold(BearerTokens::new(), |tokens, (token, number)| {
        tokens.with(token, Grant::new(tenant.clone(), format!("token-{number}")))
    });
    let leniency = match arguments.pass_over_unknown_members {
        true => arguments.leniency.allow(Quirk::UnknownTargets),
        false => arguments.leniency,
    };
    let (store, secret) =
        scim_examples::open_store(&arguments.data, &tenant, registry.resource_types()).await?;
    let listening = arguments.host.open().await?;
    let mut server = Server::builder(store, Arc::new(tokens))
        .base_url(format!("{}{BASE_PATH}", listening.public_url()))
        .also_at(BASE_PATH)
        .registry(registry)
        .leniency(leniency)
        .patch_response(arguments.patch_response)
        .open_api_description(arguments.open_api_description);
    if arguments.hide_passed_over {
        server = server.without_passed_over_names();
    }
    if arguments.no_cursors {
        server = server.cursors(None);
    }
    if let Some(secret) = secret {
        server = server.cursor_key(secret);
    }
    let server = server.build()?;
    let stop = scim_examples::interrupted()?;
    let base_url = format!("{}{BASE_PATH}", listening.url());
    scim_examples::say_ready(&base_url, server.base_url(), &arguments.tokens[0])?;
    listening.serve(server, stop).await
}

fn preset(text: &str) -> Result<Leniency, UnknownPreset> {
    text.parse()
}

fn patch_response(text: &str) -> Result<PatchResponse, String> {
    match text {
        "auto" => Ok(PatchResponse::Auto),
        "body" => Ok(PatchResponse::Body),
        "none" => Ok(PatchResponse::None),
        other => Err(format!("`{other}` is none of auto, body, none")),
    }
}
