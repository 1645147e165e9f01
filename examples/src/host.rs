//! Where a server program listens, and how it protects itself: TLS, and limits of connections, time and memory.

mod budget;
mod coming;
mod connection;
mod frames;
mod going;
mod held;
mod listening;
mod places;
mod refuse;
mod rules;
mod streams;
mod tls;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use scim_core::{Limits, TextLimits};
use tokio::net::TcpListener;

use budget::Budget;
use coming::Pace;
use places::Places;
use rules::Rules;

pub use coming::Coming;
pub use listening::Listening;
pub use refuse::Refuse;

/// The arguments that all servers share.
#[derive(Args, Clone, Debug)]
pub struct Host {
    /// Where to listen. Port 0 takes any free port.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "HOST:PORT")]
    listen: String,
    /// The URL that clients reach this server at, if it is not the one it listens on: that of a proxy, a tunnel or a
    /// container's host, perhaps with a path before `/scim/v2`. Locations in answers begin with it.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A PEM file with the certificate chain. The server then uses HTTPS instead of HTTP.
    #[arg(long, requires = "key", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// A PEM file with the certificate's private key.
    #[arg(long, requires = "certificate", value_name = "FILE")]
    key: Option<PathBuf>,
    /// How many connections may be open. For a new one, the connection that has been idle longest is closed. While no
    /// connection is idle, the new one waits.
    #[arg(long, default_value_t = 1_024, value_name = "NUMBER")]
    connections: usize,
    /// How many connections may come from one address (of IPv6: from one /64 network), 0 for any number. Behind a proxy
    /// all clients have its address: give 0 or as many as --connections.
    #[arg(long, default_value_t = 512, value_name = "NUMBER")]
    connections_per_peer: usize,
    /// How many MiB requests and answers may take in memory at the same time, over all connections: heads, bodies, and
    /// answers until they are sent. If there is no room, the answer is 503 with Retry-After. One connection gets half
    /// at most.
    #[arg(long, default_value_t = 128, value_name = "MIB")]
    memory: usize,
    /// After how many seconds a request is answered with 503.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    request_timeout: u64,
    /// After how many seconds a connection is closed if its client begins no request, or does not end its TLS handshake
    /// or the head of a request. It is also closed if the client takes nothing of an answer for that long. Over HTTP/2
    /// only the request whose answer is not taken is ended.
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    header_timeout: u64,
    /// After how many seconds a new connection is closed if its client has sent nothing at all.
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    first_byte_timeout: u64,
    /// How many bytes of a body must arrive each second, over each --header-timeout. A slower one is answered with 408.
    #[arg(long, default_value_t = 1_024, value_name = "BYTES")]
    body_rate: u64,
    /// How many bytes a single text in a body may have, such as a title. Longer texts that are stored already stay
    /// readable.
    #[arg(long, default_value_t = 65_536, value_name = "BYTES")]
    longest_text: usize,
    /// How many bytes a text may have that is a file: a certificate, or a photo as a `data:` URI.
    #[arg(long, default_value_t = 1_048_576, value_name = "BYTES")]
    longest_file: usize,
    /// How many requests a client may have under way on one HTTP/2 connection.
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    http2_streams: u32,
    /// How many HTTP/2 frames that belong to no request or answer, such as PING, SETTINGS and WINDOW_UPDATE, a client
    /// may send at once. Each second, a tenth of this number is added. If a client sends more, its connection is
    /// closed.
    #[arg(long, default_value_t = 1_000, value_name = "NUMBER")]
    http2_control_frames: u32,
}

impl Host {
    /// Makes a host on any free port of this machine.
    pub fn local() -> Self {
        let listen = "127.0.0.1:0".to_owned();
        Self {
            listen,
            public_url: None,
            certificate: None,
            key: None,
            connections: 1_024,
            connections_per_peer: 512,
            memory: 128,
            request_timeout: 60,
            header_timeout: 30,
            first_byte_timeout: 10,
            body_rate: 1_024,
            longest_text: 65_536,
            longest_file: 1_048_576,
            http2_streams: 100,
            http2_control_frames: 1_000,
        }
    }

    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// When the address is taken or not valid, or when the certificate or its key cannot be used.
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
        let places = Arc::new(self.places());
        Ok(Listening { listener, url, public_url, places, tls, rules: Arc::new(self.rules()) })
    }

    /// Returns what a request may cost the engine. Its time limit is that of the request.
    pub fn limits(&self) -> Limits {
        let texts =
            TextLimits { plain: self.longest_text, large: self.longest_file, ..TextLimits::default() };
        Limits { texts, time: Some(seconds(self.request_timeout)), ..Limits::default() }
    }

    fn places(&self) -> Places {
        let per_peer = if self.connections_per_peer == 0 { usize::MAX } else { self.connections_per_peer };
        Places::new(self.connections.max(1), per_peer)
    }

    fn rules(&self) -> Rules {
        let silence = seconds(self.header_timeout);
        Rules {
            budget: Arc::new(Budget::new(self.memory.max(1).saturating_mul(1 << 20))),
            request: seconds(self.request_timeout),
            silence,
            first_byte: seconds(self.first_byte_timeout).min(silence),
            pace: Pace { bytes_a_second: self.body_rate, period: silence },
            streams: self.http2_streams.max(1),
            control_frames: self.http2_control_frames,
        }
    }
}

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number.max(1))
}
