//! `emu provision`: provisions a directory file into any SCIM service provider.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use scim_client::Client;
use scim_provision::{Dialect, Directory, Engine, Matching, Options, Report};

use crate::bar::Bar;
use crate::table::{Runs, line_width};

/// Works as identity providers do: people are matched, created, updated and suspended, then groups and their members. A
/// second run changes nothing.
#[derive(Args)]
#[command(
    after_help = format!("{}\n\nExample:\n  emu provision --token-file token \\\n      --target http://127.0.0.1:8080/scim/v2/enterprises/octo \\\n      --directory testdata/directory/northwind.json", scim_examples::TOKEN_HELP)
)]
pub(crate) struct Arguments {
    /// The SCIM base URL.
    #[arg(long, value_name = "URL")]
    target: String,
    /// The bearer token. Other users of this machine can see it. --token-file and `SCIM_TOKEN` are better.
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// A file with the bearer token.
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// The directory file.
    #[arg(long, value_name = "FILE")]
    directory: PathBuf,
    /// How people are matched: external-id, or user-name for service providers that cannot filter by
    /// `externalId`.
    #[arg(long = "match", default_value = "external-id", value_parser = matching)]
    matching: Matching,
    /// The form of the requests: rfc, which every service provider understands; entra (Microsoft Entra ID); or
    /// entra-flag (Microsoft Entra ID with its flag aadOptscim062020).
    #[arg(long, default_value_t = Dialect::RFC)]
    dialect: Dialect,
    /// Send department and manager too, in the enterprise extension. GitHub accepts neither.
    #[arg(long)]
    enterprise_extension: bool,
    /// Allow a service provider on another machine without TLS.
    #[arg(long)]
    allow_http: bool,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let token = token(arguments.token, arguments.token_file)?;
    let file = &arguments.directory;
    let text = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let directory =
        Directory::from_json(&text).with_context(|| format!("`{}` is no directory", file.display()))?;
    let mut client = Client::builder(&arguments.target).bearer_token(token);
    if arguments.allow_http {
        client = client.allow_http();
    }
    let options = Options {
        matching: arguments.matching,
        enterprise_extension: arguments.enterprise_extension,
        dialect: arguments.dialect,
        ..Options::default()
    };
    let report = Engine::new(client.build()?, options).run(&directory, &Bar::new("provisioning")).await?;
    let mut runs = Runs::default();
    runs.add("provision", &report);
    println!("{}", runs.fitted(line_width()));
    Ok(conclude(&report))
}

/// Returns the one token to send.
fn token(argument: Option<String>, file: Option<PathBuf>) -> anyhow::Result<String> {
    let mut given = scim_examples::given_tokens(Vec::from_iter(argument), file.as_slice())?;
    let token = given.pop().context("no token: give one with --token-file FILE or in SCIM_TOKEN")?;
    ensure!(given.is_empty(), "more than one token is given: which is to be sent?");
    ensure!(!token.is_empty(), "a token must not be empty: is a variable unset?");
    ensure!(!scim_examples::is_token_digest(&token), "a digest lets nobody in: give the token itself");
    Ok(token)
}

/// Prints the result, and returns the exit code.
fn conclude(report: &Report) -> ExitCode {
    for failure in &report.failures {
        eprintln!("failed: {failure}");
    }
    if !report.failures.is_empty() {
        eprintln!("{} objects failed: mend what is named above and run again.", report.failures.len());
        return ExitCode::FAILURE;
    }
    if report.changed() {
        println!("The service provider now holds what the directory says.");
    } else {
        println!("Nothing to change: the service provider already holds what the directory says.");
    }
    ExitCode::SUCCESS
}

fn matching(text: &str) -> Result<Matching, String> {
    match text {
        "external-id" => Ok(Matching::ExternalId),
        "user-name" => Ok(Matching::UserName),
        other => Err(format!("`{other}` is none of external-id, user-name")),
    }
}
