//! A connection that sends one request after the other. It does so little work that the server is what is measured.

use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// An HTTP/1.1 connection that is kept alive.
#[derive(Debug)]
pub struct Wire {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
    path: String,
    token: String,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

impl Wire {
    /// Connects to a base URL such as `http://127.0.0.1:8080/scim/v2`, with a bearer token.
    ///
    /// # Errors
    ///
    /// When the URL does not begin with `http://`, or when there is no server.
    pub async fn connect(base_url: &str, token: &str) -> anyhow::Result<Self> {
        let rest = base_url.strip_prefix("http://").context("the base URL must begin with `http://`")?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // The sender sees how the connection ends.
        tokio::spawn(connection);
        let (authority, path) = (authority.to_owned(), path.trim_end_matches('/').to_owned());
        Ok(Self { sender, authority, path, token: token.to_owned() })
    }

    /// Sends a request and reads its whole answer. `path` is below the base URL.
    ///
    /// # Errors
    ///
    /// When the connection ends before the answer does.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Reply> {
        self.sender.ready().await?;
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.path))
            .header(header::HOST, &self.authority)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, scim_core::urn::MEDIA_TYPE)
            .body(Full::new(body.into()))?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok(Reply { status, body: response.into_body().collect().await?.to_bytes() })
    }
}
