//! `emu serve`: an enterprise for an identity provider to provision.

use std::path::PathBuf;

use clap::Args;
use scim_emu::{Enterprise, EnterpriseBuilder, Product, Token};
use scim_server::BearerTokens;
use scim_server_traits::TenantId;

/// When the enterprise is ready, one line of JSON with `base_url` and `public_url` is printed on standard output. It
/// also has `token` if a token was minted. The program stops cleanly on Ctrl-C or SIGTERM.
#[derive(Args)]
#[command(
    after_help = format!("{}\n  Scopes stand behind any form: `TOKEN=repo`, `sha256:HEX=repo`.\n\nExamples:\n  emu serve\n  emu serve --data octo.db --token-file tokens\n  SCIM_TOKEN=s3cret=admin:enterprise emu serve --rate-limits\n\n{}\n\n{}", scim_examples::TOKEN_HELP, scim_examples::PROBE_HELP, scim_examples::EXIT_HELP)
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    host: scim_examples::Host,
    /// The database file, or `:memory:` to forget everything at the end.
    #[arg(long, default_value = ":memory:", value_name = "FILE")]
    data: String,
    /// The GitHub product: ghec.
    #[arg(long, default_value = "ghec")]
    product: Product,
    /// The slug of the enterprise.
    #[arg(long, default_value = "octo", value_name = "SLUG")]
    enterprise: String,
    /// The short code at the end of each handle: 3 to 8 letters and digits.
    #[arg(long, default_value = "octo", value_name = "CODE")]
    short_code: String,
    /// A token that is accepted, or its digest as `sha256:HEX`, with the scope `scim:enterprise` or the given ones. May
    /// be given several times. Other users of this machine can see it. If no token is given in any way, one is minted
    /// and printed.
    #[arg(long = "token", value_name = "TOKEN[=SCOPE,…]")]
    tokens: Vec<String>,
    /// A file with tokens or digests that are accepted, one a line, each with its scopes. May be given several times.
    #[arg(long = "token-file", value_name = "FILE")]
    token_files: Vec<PathBuf>,
    /// Apply GitHub's limits: 1,000 new people an hour, and 1,000 new members an hour in each group.
    #[arg(long)]
    rate_limits: bool,
    /// Do not name in answers what was passed over, as GitHub does. Without this option the header `SCIM-Passed-Over`
    /// names attributes that were not understood.
    #[arg(long)]
    hide_passed_over: bool,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut given = scim_examples::given_tokens(arguments.tokens, &arguments.token_files)?;
    let minted = given.is_empty().then(BearerTokens::mint);
    given.extend(minted.clone());
    let tokens = given.iter().map(|text| token(text)).collect::<anyhow::Result<Vec<_>>>()?;
    let tenant = TenantId::new(arguments.enterprise.as_str());
    let opened = scim_examples::open_store(&arguments.data, &tenant, &[]).await?;
    let listening = arguments.host.open().await?;
    let base_url = format!("{}{}", listening.url(), arguments.product.base_path(&arguments.enterprise));
    let mut builder = Enterprise::builder(arguments.enterprise)
        .product(arguments.product)
        .short_code(arguments.short_code)
        .host_url(listening.public_url())
        .rate_limits(arguments.rate_limits)
        .limits(arguments.host.limits());
    if arguments.hide_passed_over {
        builder = builder.without_passed_over_names();
    }
    let enterprise = tokens.into_iter().fold(builder, EnterpriseBuilder::token).build(opened.store)?;
    let watch = scim_examples::Watch::new(opened.file.clone());
    let stop = watch.or_failed(scim_examples::interrupted()?);
    scim_examples::say_ready(&base_url, enterprise.base_url(), minted.as_deref())?;
    listening.serve(scim_examples::Probed::new(enterprise, opened.file), stop).await?;
    Ok(watch.verdict()?)
}

fn token(text: &str) -> anyhow::Result<Token> {
    let (secret, scopes) = split(text);
    let token = Token::from_digest(scim_examples::token_digest(secret)?);
    Ok(match scopes {
        Some(scopes) => token.with_scopes(scopes.split(',').map(str::trim)),
        None => token,
    })
}

/// Splits `TOKEN` or `TOKEN=scope,scope`. A token may itself end in `=`, as Base64 does.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('=') {
        Some((secret, scopes)) if !scopes.is_empty() => (secret, Some(scopes)),
        _ => (text, None),
    }
}
