//! A GitHub Enterprise Managed Users enterprise to try, serve and provision.

mod bar;
mod demo;
mod provision;
mod serve;
mod table;
mod week;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A server allocates many small pieces of memory and frees them, often on another thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A GitHub Enterprise Managed Users (EMU) enterprise on this machine.
#[derive(Parser)]
#[command(
    name = "emu",
    version,
    after_help = "Begin with `emu demo`: it shows a whole enterprise being provisioned, and needs nothing."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Provision an enterprise of 1,000 people and play a week of its life.
    Demo(demo::Arguments),
    /// Serve an enterprise for an identity provider to provision.
    Serve(serve::Arguments),
    /// Provision a directory file into any SCIM service provider.
    Provision(provision::Arguments),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    scim_examples::start_logging();
    let result = match arguments.command {
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Serve(arguments) => serve::run(arguments).await.map(|()| ExitCode::SUCCESS),
        Command::Provision(arguments) => provision::run(arguments).await,
    };
    scim_examples::conclude(result)
}
