//! `standalone backup`: copies a database file, even while a server uses it.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget};

/// Copies a database file, even while a server uses it. The copy has everything that was answered before it began.
/// Files of `emu serve` can be copied as well.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The database file.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The copy, which must not exist yet.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { data, to } = arguments;
    let bar = ProgressBar::no_length();
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let report = |progress: scim_store::BackupProgress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    };
    scim_store::backup(data, to, report)
        .with_context(|| format!("cannot back up `{}` to `{}`", data.display(), to.display()))?;
    bar.finish_and_clear();
    eprintln!("Copied `{}` to `{}`.", data.display(), to.display());
    Ok(())
}
