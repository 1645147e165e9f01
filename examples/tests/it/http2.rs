//! HTTP/2 clients that take nothing of an answer, or send frames that request nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::server::Server;

const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/tls/localhost.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/tls/localhost.key");
const PATIENCE: Duration = Duration::from_secs(60);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;

async fn start(arguments: &[&str]) -> Server {
    let mut all = vec!["--listen", "127.0.0.1:0", "--token", "T", "--certificate", CERTIFICATE, "--key", KEY];
    all.extend(arguments);
    Server::start(env!("CARGO_BIN_EXE_standalone"), &all).await
}

/// An HTTP/2 client that does nothing by itself but answer pings.
struct Client {
    stream: TlsStream<TcpStream>,
    next: u32,
}

/// A frame that the server sent.
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Client {
    /// Connects, and opens a window of this size for each answer.
    async fn connect(server: &Server, window: u32) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(CERTIFICATE).unwrap()).unwrap();
        let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(server.address()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let mut client = Self { stream, next: 1 };
        client.stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        let mut settings = vec![0, 4];
        settings.extend(window.to_be_bytes());
        client.send(&frame(SETTINGS, 0, 0, &settings)).await;
        client
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Requests a path, and returns the number of the stream.
    async fn get(&mut self, path: &str) -> u32 {
        let stream = self.next;
        self.next += 2;
        let mut head = Vec::new();
        for (name, value) in [
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", "localhost"),
            (":path", path),
            ("authorization", "Bearer T"),
        ] {
            // A literal without indexing (RFC 7541 §6.2.2).
            head.push(0);
            for text in [name, value] {
                head.push(u8::try_from(text.len()).unwrap());
                head.extend(text.as_bytes());
            }
        }
        self.send(&frame(HEADERS, 5, stream, &head)).await;
        stream
    }

    /// Returns the next frame, or `None` at the end of the connection. Pings are answered.
    async fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        timeout(PATIENCE, self.stream.read_exact(&mut head)).await.unwrap().ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.stream.read_exact(&mut payload).await.ok()?;
        if kind == PING && flags & ACK == 0 {
            self.send(&frame(PING, ACK, 0, &payload)).await;
        }
        Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
    }

    /// Returns the next frame of this kind on this stream.
    async fn wait_for(&mut self, kind: u8, stream: u32) -> Frame {
        loop {
            let frame = self.next().await.unwrap();
            if (frame.kind, frame.stream) == (kind, stream) {
                return frame;
            }
        }
    }

    /// Reads until the connection ends.
    async fn wait_for_end(&mut self) {
        while self.next().await.is_some() {}
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length.to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Returns whether the head of an answer has status 200, which is encoded as this one byte (RFC 7541 appendix A).
fn is_ok(head: &Frame) -> bool {
    head.payload.first() == Some(&0x88)
}

#[tokio::test]
async fn sec_011_an_answer_that_is_not_taken_is_reset_by_itself() {
    let server = start(&["--header-timeout", "1"]).await;
    let mut client = Client::connect(&server, 0).await;
    let stalled = client.get("/scim/v2/Schemas").await;
    assert!(is_ok(&client.wait_for(HEADERS, stalled).await));
    client.wait_for(RST_STREAM, stalled).await;
    let taken = client.get("/scim/v2/Schemas").await;
    client.wait_for(HEADERS, taken).await;
    client.send(&frame(WINDOW_UPDATE, 0, taken, &1_000_000_u32.to_be_bytes())).await;
    client.send(&frame(WINDOW_UPDATE, 0, 0, &1_000_000_u32.to_be_bytes())).await;
    while client.wait_for(DATA, taken).await.flags & 1 == 0 {}
}

/// The last piece of an answer cannot be removed from the connection's buffer.
#[tokio::test]
async fn sec_011_a_connection_ends_where_the_last_of_an_answer_is_not_taken() {
    let server = start(&["--header-timeout", "1"]).await;
    let mut client = Client::connect(&server, 1).await;
    let stalled = client.get("/scim/v2/ServiceProviderConfig").await;
    assert_eq!(client.wait_for(DATA, stalled).await.payload.len(), 1);
    client.wait_for_end().await;
}

#[tokio::test]
async fn sec_011_a_flood_of_control_frames_ends_the_connection() {
    let server = start(&["--http2-control-frames", "100"]).await;
    let floods = [
        frame(PING, 0, 0, b"12345678"),
        frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100]),
        frame(WINDOW_UPDATE, 0, 0, &1_u32.to_be_bytes()),
        frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 0]),
    ];
    for flood in floods {
        let mut client = Client::connect(&server, 65_535).await;
        let stream = client.get("/scim/v2/Schemas").await;
        client.wait_for(HEADERS, stream).await;
        let flood = flood.repeat(1_000);
        let (mut reader, mut writer) = tokio::io::split(client.stream);
        let writing = tokio::spawn(async move { while writer.write_all(&flood).await.is_ok() {} });
        let mut all = Vec::new();
        let _ = timeout(PATIENCE, reader.read_to_end(&mut all)).await.expect("the connection ends");
        timeout(PATIENCE, writing).await.expect("the connection ends").unwrap();
    }
}

#[tokio::test]
async fn sec_011_answers_that_wait_have_one_budget() {
    let server = start(&["--memory", "1"]).await;
    let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    let schemas = format!("{}/Schemas", server.base_url);
    let length = http.get(&schemas).bearer_auth("T").send().await.unwrap().bytes().await.unwrap().len();
    // One connection gets half of the memory.
    let most = (1 << 19) / length;
    assert!(most < 90, "fewer than the streams that are allowed");
    for _ in 0..3 {
        let mut greedy = Client::connect(&server, 0).await;
        let mut fits = 0;
        for _ in 0..most + 5 {
            let stream = greedy.get("/scim/v2/Schemas").await;
            fits += usize::from(is_ok(&greedy.wait_for(HEADERS, stream).await));
        }
        // Until it is answered, each request takes a little more than its answer.
        assert!((most / 2..=most).contains(&fits), "{fits} answers of {length} bytes");
        for _ in 0..10 {
            let answer = http.get(&schemas).bearer_auth("T").send().await.unwrap();
            assert_eq!(answer.status(), 200, "others have room");
            assert_eq!(answer.bytes().await.unwrap().len(), length);
        }
        // The next round shows that all of it is free again.
        drop(greedy);
        let mut next = Client::connect(&server, 0).await;
        loop {
            let stream = next.get("/scim/v2/Schemas").await;
            if is_ok(&next.wait_for(HEADERS, stream).await) {
                break;
            }
        }
    }
}
