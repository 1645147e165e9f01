//! `emu demo`: a whole enterprise, from its creation through one week.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use clap::Args;
use scim_client::Client;
use scim_emu::{Enterprise, Role, Token};
use scim_provision::{Dialect, Directory, Engine, Options, Report, Status, verify};
use scim_server::BearerTokens;
use scim_store::SqliteStore;
use tokio::sync::oneshot;

use crate::bar::Bar;
use crate::table::{Runs, facts, line_width, seconds};
use crate::week::Day;

const DIRECTORY: &[u8] = include_bytes!("../../testdata/directory/northwind.json");
const WEEK: &[u8] = include_bytes!("../../testdata/directory/week.json");

/// Provisions an enterprise on a temporary SQLite file over a real socket, as Microsoft Entra ID would do it. Then
/// people join, are renamed, suspended, reactivated or deleted, move between groups or get another role, and a group is
/// emptied. The exit code is 0 only if the enterprise ends exactly as the directory says.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Leave the enterprise running at the end, until Ctrl-C or SIGTERM. One line of JSON with `base_url` and `token`
    /// is then printed on standard output.
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(Arguments { keep }: Arguments) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let token = BearerTokens::mint();
    let listening = scim_examples::Host::local().open().await?;
    let enterprise = Enterprise::builder("northwind")
        .short_code("nwind")
        .host_url(listening.url())
        .token(Token::new(&token))
        .build(Arc::new(SqliteStore::open(folder.path().join("enterprise.db"))?))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(listening.serve(enterprise.clone(), async {
        let _ = stopped.await;
    }));
    println!("An EMU enterprise listens at {}", enterprise.base_url());

    let client = Client::builder(enterprise.base_url()).bearer_token(&token).build()?;
    let options = Options { dialect: Dialect::ENTRA, ..Options::default() };
    let engine = Engine::new(client.clone(), options);
    let mut directory = Directory::from_json(DIRECTORY)?;
    println!("Provisioning {} people and {} groups.\n", directory.users.len(), directory.groups.len());
    let mut played = Played::default();
    played.run(&engine, &directory, "first run").await?;
    let week: Vec<Day> = serde_json::from_slice(WEEK).context("the week cannot be read")?;
    for day in &week {
        for event in &day.events {
            println!("{:>10}: {}", day.day, event.apply(&mut directory)?);
        }
        directory.check()?;
        played.run(&engine, &directory, &day.day).await?;
    }
    played.run(&engine, &directory, "once more").await?;
    println!("\n{}\n", played.table.fitted(line_width()));

    let mut wrong: Vec<String> = verify(&client, &directory).await?.iter().map(ToString::to_string).collect();
    let repeated = played.last.as_ref().is_some_and(Report::changed);
    if repeated {
        wrong.push("the last run, with nothing new to say, changed something".into());
    }
    wrong.extend(played.failures);
    let accounts = enterprise.accounts().await?;
    wrong.extend(check_accounts(&directory, &accounts));
    let handles: HashSet<String> = accounts.iter().map(|account| account.handle.to_string()).collect();
    let groups = directory.groups.len();
    println!(
        "{}",
        facts([
            ("requests", played.requests.to_string()),
            ("people", accounts.len().to_string()),
            ("groups", groups.to_string()),
            ("handles", handles.len().to_string()),
            ("suspended", accounts.iter().filter(|account| account.suspended).count().to_string()),
            ("time", seconds(started.elapsed())),
        ])
    );
    let code = conclude(&wrong);
    if keep {
        let interrupted = scim_examples::interrupted()?;
        scim_examples::say_ready(enterprise.base_url(), enterprise.base_url(), Some(&token))?;
        interrupted.await;
    }
    let _ = stop.send(());
    drop(client);
    server.await??;
    Ok(code)
}

/// Prints the result, and returns the exit code.
fn conclude(wrong: &[String]) -> ExitCode {
    if wrong.is_empty() {
        println!("\nThe enterprise is exactly what the directory says.");
        return ExitCode::SUCCESS;
    }
    for sentence in wrong {
        eprintln!("wrong: {sentence}");
    }
    eprintln!("The enterprise is not what the directory says: {} differences.", wrong.len());
    ExitCode::FAILURE
}

/// The runs so far.
#[derive(Default)]
struct Played {
    table: Runs,
    requests: u64,
    failures: Vec<String>,
    last: Option<Report>,
}

impl Played {
    async fn run(&mut self, engine: &Engine, directory: &Directory, title: &str) -> anyhow::Result<()> {
        let report = engine.run(directory, &Bar::new(title)).await?;
        ensure!(report.requests > 0, "the run sent nothing");
        self.table.add(title, &report);
        self.requests += report.requests;
        self.failures.extend(report.failures.iter().map(|failure| format!("{title}: {failure}")));
        self.last = Some(report);
        Ok(())
    }
}

/// Checks what SCIM does not show: handles, suspension and roles of the accounts.
fn check_accounts(directory: &Directory, accounts: &[scim_emu::Account]) -> Vec<String> {
    let count = |status: Status| directory.users.iter().filter(|person| person.status == status).count();
    let mut wrong = Vec::new();
    let mut expect = |what: &str, found: usize, expected: usize| {
        if found != expected {
            wrong.push(format!("{what}: {found}, expected {expected}"));
        }
    };
    expect("accounts", accounts.len(), count(Status::Active) + count(Status::Suspended));
    let suspended = accounts.iter().filter(|account| account.suspended).count();
    expect("suspended accounts", suspended, count(Status::Suspended));
    let handles: HashSet<&str> = accounts.iter().map(|account| account.handle.as_str()).collect();
    expect("different handles", handles.len(), accounts.len());
    for role in [Role::EnterpriseOwner, Role::BillingManager, Role::GuestCollaborator] {
        let found = accounts.iter().filter(|account| account.role == role).count();
        let expected = directory.users.iter().filter(|person| {
            person.status != Status::Deleted && person.role.as_deref().and_then(Role::parse) == Some(role)
        });
        expect(role.as_str(), found, expected.count());
    }
    wrong
}
