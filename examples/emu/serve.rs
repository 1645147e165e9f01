//! `emu serve`: an enterprise for an identity provider to provision.

use anyhow::ensure;
use clap::Args;
use scim_emu::{Enterprise, Product, Token};
use scim_server::BearerTokens;
use scim_server_traits::TenantId;

/// When the enterprise is ready, one line of JSON with `base_url`, `public_url` and `token` is printed on standard
/// output. It stops cleanly on Ctrl-C or SIGTERM.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  emu serve\n  emu serve --data octo.db --token s3cret\n  emu serve --token s3cret=admin:enterprise --rate-limits"
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
    /// The short code behind each handle: three to eight letters and digits.
    #[arg(long, default_value = "octo", value_name = "CODE")]
    short_code: String,
    /// A token that is let in, with the scope `scim:enterprise` or the ones given; may be given several
    /// times. One is minted when none is given.
    #[arg(long = "token", value_name = "TOKEN[=SCOPE,…]")]
    tokens: Vec<String>,
    /// Keep GitHub's limits: 1,000 new people an hour, 1,000 new members an hour in each group.
    #[arg(long)]
    rate_limits: bool,
    /// Leave out of answers what was passed over, as GitHub does: without it the header `SCIM-Passed-Over` names
    /// attributes that nobody understood.
    #[arg(long)]
    hide_passed_over: bool,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut tokens = arguments.tokens;
    if tokens.is_empty() {
        tokens.push(BearerTokens::mint());
    }
    let tenant = TenantId::new(arguments.enterprise.as_str());
    let (store, _) = scim_examples::open_store(&arguments.data, &tenant, &[]).await?;
    let listening = arguments.host.open().await?;
    let base_url = format!("{}{}", listening.url(), arguments.product.base_path(&arguments.enterprise));
    let mut builder = Enterprise::builder(arguments.enterprise)
        .product(arguments.product)
        .short_code(arguments.short_code)
        .host_url(listening.public_url())
        .rate_limits(arguments.rate_limits);
    if arguments.hide_passed_over {
        builder = builder.without_passed_over_names();
    }
    let enterprise = tokens.iter().fold(builder, |builder, text| builder.token(token(text))).build(store)?;
    let (first, _) = split(&tokens[0]);
    ensure!(
        !tokens.iter().any(|text| split(text).0.is_empty()),
        "a token must not be empty: is a variable unset?"
    );
    let stop = scim_examples::interrupted()?;
    scim_examples::say_ready(&base_url, enterprise.base_url(), first)?;
    listening.serve(enterprise, stop).await
}

fn token(text: &str) -> Token {
    match split(text) {
        (secret, Some(scopes)) => Token::new(secret).with_scopes(scopes.split(',').map(str::trim)),
        (secret, None) => Token::new(secret),
    }
}

/// `TOKEN` or `TOKEN=scope,scope`. A token may itself end in `=`, as Base64 does.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('=') {
        Some((secret, scopes)) if !scopes.is_empty() => (secret, Some(scopes)),
        _ => (text, None),
    }
}
