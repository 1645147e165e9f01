//! A plain SCIM 2.0 service provider: all attributes of the core schemas, and no vendor's rules.

mod backup;
mod registry;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use scim_core::{Leniency, Quirk, UnknownPreset};
use scim_server::{BearerTokens, Grant, PatchResponse, Server};
use scim_server_traits::TenantId;

/// A server allocates many small pieces of memory and frees them, often on another thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The path of the SCIM endpoints, below the origin or a proxy's path.
const BASE_PATH: &str = "/scim/v2";

/// A plain SCIM 2.0 service provider.
///
/// When it is ready it prints one line of JSON with `base_url` and `public_url` on standard output. The line also has
/// `token` if a token was minted. It stops cleanly on Ctrl-C or SIGTERM.
#[derive(Parser)]
#[command(
    name = "standalone",
    version,
    args_conflicts_with_subcommands = true,
    after_help = format!("{}\n\nExamples:\n  standalone\n  standalone --data scim.db --token-file tokens\n  standalone --listen 0.0.0.0:8080 --public-url https://scim.example.com --leniency strict\n  standalone --schema robot.json --resource-type robots.json\n  standalone backup --data scim.db --to copy.db\n\n{}\n\n{}", scim_examples::TOKEN_HELP, scim_examples::PROBE_HELP, scim_examples::EXIT_HELP)
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Copy a database file, even while a server uses it.
    Backup(backup::Arguments),
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    host: scim_examples::Host,
    /// The database file, or `:memory:` to forget everything at the end.
    #[arg(long, default_value = ":memory:", value_name = "FILE")]
    data: String,
    /// A bearer token that is accepted, or its digest as `sha256:HEX`. May be given several times. Other users of this
    /// machine can see it. If no token is given in any way, one is minted and printed.
    #[arg(long = "token", value_name = "TOKEN")]
    tokens: Vec<String>,
    /// A file with tokens or digests that are accepted, one a line. May be given several times.
    #[arg(long = "token-file", value_name = "FILE")]
    token_files: Vec<PathBuf>,
    /// Which deviations are accepted: strict, interop, entra, okta, ping or onelogin.
    #[arg(long, default_value = "interop", value_name = "PRESET", value_parser = preset)]
    leniency: Leniency,
    /// The maximum size in bytes of a body that names no members, such as that of a user. Groups have 8 MiB.
    #[arg(long, default_value_t = 1 << 20, value_name = "BYTES")]
    plain_body: usize,
    /// What PATCH answers: auto (204 for types with members, such as groups, else 200), body (200) or none (204).
    #[arg(long, default_value = "auto", value_name = "HOW", value_parser = patch_response)]
    patch_response: PatchResponse,
    /// Pass over members that do not exist, and name them in the answer as `members.value`. Without this option such a
    /// request is refused, because a group that is replaced could lose all members.
    #[arg(long)]
    pass_over_unknown_members: bool,
    /// Do not name in answers what was passed over. Without this option the header `SCIM-Passed-Over` names attributes
    /// that were not understood.
    #[arg(long)]
    hide_passed_over: bool,
    /// Offer no paging by cursor, and leave `pagination` out of the configuration. Some clients provision nobody if
    /// they find it.
    #[arg(long)]
    no_cursors: bool,
    /// Answer `/scim/v2/openapi.json` without a token.
    #[arg(long)]
    open_api_description: bool,
    /// A file with a schema document (RFC 7643 §7), or an array of them, to serve in addition to the standard ones. May
    /// be given several times.
    #[arg(long = "schema", value_name = "FILE")]
    schemas: Vec<PathBuf>,
    /// A file with a resource type document (RFC 7643 §6), or an array of them, to serve in addition to User and Group.
    /// May be given several times.
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

async fn run(arguments: Serve) -> anyhow::Result<()> {
    let registry = registry::read(&arguments.schemas, &arguments.resource_types)?;
    let mut given = scim_examples::given_tokens(arguments.tokens, &arguments.token_files)?;
    let minted = given.is_empty().then(BearerTokens::mint);
    given.extend(minted.clone());
    let tenant = TenantId::new("standalone");
    let mut tokens = BearerTokens::new();
    for (token, number) in given.iter().zip(1..) {
        let grant = Grant::new(tenant.clone(), format!("token-{number}"));
        tokens = tokens.with_digest(scim_examples::token_digest(token)?, grant);
    }
    let leniency = match arguments.pass_over_unknown_members {
        true => arguments.leniency.allow(Quirk::UnknownTargets),
        false => arguments.leniency,
    };
    let opened = scim_examples::open_store(&arguments.data, &tenant, registry.resource_types()).await?;
    let listening = arguments.host.open().await?;
    let mut server = Server::builder(opened.store, Arc::new(tokens))
        .base_url(format!("{}{BASE_PATH}", listening.public_url()))
        .also_at(BASE_PATH)
        .registry(registry)
        .leniency(leniency)
        .plain_body(arguments.plain_body)
        .limits(arguments.host.limits())
        .patch_response(arguments.patch_response)
        .open_api_description(arguments.open_api_description);
    if arguments.hide_passed_over {
        server = server.without_passed_over_names();
    }
    if arguments.no_cursors {
        server = server.cursors(None);
    }
    if let Some(file) = &opened.file {
        server = server.cursor_key(file.secret());
    }
    let server = server.build()?;
    let watch = scim_examples::Watch::new(opened.file.clone());
    let stop = watch.or_failed(scim_examples::interrupted()?);
    let base_url = format!("{}{BASE_PATH}", listening.url());
    scim_examples::say_ready(&base_url, server.base_url(), minted.as_deref())?;
    listening.serve(scim_examples::Probed::new(server, opened.file), stop).await?;
    Ok(watch.verdict()?)
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
