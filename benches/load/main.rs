//! Load on the engine over a SQLite store, compared with what the machine can do at best.

mod ceiling;
mod client;
mod measure;
mod people;
mod process;
mod progress;
mod run;
mod seed;
mod server;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use measure::Effort;
use people::Size;

/// A server allocates many small pieces of memory and frees them, often on another thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures what the engine does a second, compared with what the machine can do at best.
///
/// Fills SQLite stores with people and groups, serves them from a process that is pinned to one core, and sends
/// requests from another core. It prints a table with requests a second or median times, a ceiling, their ratio, and
/// whether it is what is wanted. The ceiling is measured in the same rounds: a bare server on the same HTTP library
/// that answers the same bytes, SQLite itself writing the same rows, or the disk appending and syncing. Each figure is
/// the median of the rounds, in which engine and ceiling take turns.
#[derive(Parser)]
#[command(
    name = "load",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  load --quick                   see it work, in seconds; its figures mean little\n  load --data target/load        the whole table; the filled stores stay there for the next time\n  load --data target/load --fail exit 1 when a floor is missed\n\nThe whole table takes about ten minutes, and 6 GB on the disk of --data."
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Command {
    /// Serve; the program starts itself this way.
    #[command(hide = true)]
    Serve(server::Child),
}

#[derive(clap::Args)]
struct Run {
    /// Small stores and short rounds.
    #[arg(long)]
    quick: bool,
    /// Where the filled stores are kept. The default is a temporary folder.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// How often each figure is measured.
    #[arg(long, default_value_t = 3, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// How long each figure is measured, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS")]
    time: Option<u64>,
    /// Measure only what has this in its name, such as `GET by id`, `filter`, `POST`, `member`, `page` or `memory`.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Exit 1 if a floor is missed.
    #[arg(long)]
    fail: bool,
}

impl Run {
    /// Returns the small, the middle and the large size.
    fn sizes(&self) -> [Size; 3] {
        if self.quick {
            [Size(1_000), Size(2_000), Size(5_000)]
        } else {
            [Size(10_000), Size(100_000), Size(1_000_000)]
        }
    }

    fn effort(&self) -> Effort {
        let (time, turns) = if self.quick { (100, 20) } else { (2_000, 300) };
        let time = Duration::from_millis(self.time.unwrap_or(time));
        Effort { rounds: self.rounds.into(), time, turns }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    scim_examples::start_logging();
    let result = match arguments.command {
        Some(Command::Serve(child)) => child.run().map(|()| ExitCode::SUCCESS),
        None => run::run(&arguments.run),
    };
    scim_examples::conclude(result)
}
