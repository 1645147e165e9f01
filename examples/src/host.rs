//! Where a server program listens, and what it does to keep standing: TLS, a limit of connections, a limit of time.

mod connection;
mod listening;
mod refuse;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

pub use listening::Listening;
pub use refuse::Refuse;

/// The arguments that all servers share.
#[derive(Args, Clone, Debug)]
pub struct Host {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    listen: String,
    /// The URL that clients reach this server at, if it is not the one it listens on: that of a proxy, a tunnel or a
    /// container's host, perhaps with a path before `/scim/v2`. Locations in answers begin with it.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A PEM file with the certificate chain: HTTPS instead of HTTP.
    #[arg(long, requires = "key", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// A PEM file with the certificate's private key.
    #[arg(long, requires = "certificate", value_name = "FILE")]
    key: Option<PathBuf>,
    /// How many connections may be open; more wait to be accepted.
    #[arg(long, default_value_t = 1_024, value_name = "NUMBER")]
    connections: usize,
    /// After how many seconds a request is answered 503.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    request_timeout: u64,
    /// After how many seconds a connection is closed whose client does not end its TLS handshake, or the head of a
    /// request, or begins none, or takes nothing of an answer.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    header_timeout: u64,
}

impl Host {
    /// A host on any free port of this machine.
    pub fn local() -> Self {
        let listen = "127.0.0.1:0".to_owned();
        let (connections, request_timeout, header_timeout) = (1_024, 60, 30);
        Self {
            listen,
            public_url: None,
            certificate: None,
            key: None,
            connections,
            request_timeout,
            header_timeout,
        }
    }

    /// Begins to listen.
    pub async fn open(&self) -> anyhow::Result<Listening> {
        let tls = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => Some(tls::acceptor(certificate, key)?),
            _ => None,
        };
        let listener = TcpListener::bind(&self.listen)
            .await
            .with_context(|| format!("cannot listen on `{}`: is the port taken?", self.listen))?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = listener.local_addr()?;
        let url = format!("{scheme}://{address}");
        let public_url = match &self.public_url {
            Some(public) => public.trim_end_matches('/').to_owned(),
            None => url.clone(),
        };
        if self.public_url.is_none() && address.ip().is_unspecified() {
            eprintln!("Answers name {url}, which no other machine can reach: give --public-url.");
        }
        let seconds = |number: u64| Duration::from_secs(number.max(1));
        let permits = Arc::new(Semaphore::new(self.connections.max(1)));
        let (limit, silence) = (seconds(self.request_timeout), seconds(self.header_timeout));
        Ok(Listening { listener, url, public_url, permits, tls, limit, silence })
    }
}
