//! What a server program does to keep standing.

use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::Server;

const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/tls");

async fn status(client: &reqwest::Client, server: &Server) -> u16 {
    let url = format!("{}/ServiceProviderConfig", server.base_url);
    client.get(url).bearer_auth("T").send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn sec_006_a_certificate_makes_it_https() {
    let (certificate, key) = (format!("{TLS}/localhost.pem"), format!("{TLS}/localhost.key"));
    let arguments = ["--listen", "127.0.0.1:0", "--token", "T", "--certificate", &certificate, "--key", &key];
    let server = Server::start(env!("CARGO_BIN_EXE_standalone"), &arguments).await;
    assert!(server.base_url.starts_with("https://"));
    let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    assert_eq!(status(&client, &server).await, 200);
    let trusting_nobody = reqwest::Client::new().get(&server.base_url).send().await;
    assert!(trusting_nobody.is_err(), "a certificate that nobody signed");
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn connections_past_the_limit_wait() {
    let arguments = ["--listen", "127.0.0.1:0", "--token", "T", "--connections", "2"];
    let server = Server::start(env!("CARGO_BIN_EXE_standalone"), &arguments).await;
    let address = server.base_url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let first = TcpStream::connect(&address).await.unwrap();
    let _second = TcpStream::connect(&address).await.unwrap();
    let client = reqwest::Client::new();
    let early = timeout(Duration::from_millis(300), status(&client, &server)).await;
    assert!(early.is_err(), "both places are taken");
    drop(first);
    let late = timeout(Duration::from_secs(10), status(&client, &server)).await;
    assert_eq!(late.unwrap(), 200);
}

#[tokio::test]
async fn sec_011_a_silent_connection_loses_its_place() {
    let arguments =
        ["--listen", "127.0.0.1:0", "--token", "T", "--connections", "2", "--header-timeout", "1"];
    let server = Server::start(env!("CARGO_BIN_EXE_standalone"), &arguments).await;
    let address = server.base_url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let _silent = TcpStream::connect(&address).await.unwrap();
    let mut slow = TcpStream::connect(&address).await.unwrap();
    slow.write_all(b"GET /scim/v2/Users HTTP/1.1\r\nHost").await.unwrap();
    let client = reqwest::Client::new();
    let late = timeout(Duration::from_secs(20), status(&client, &server)).await;
    assert_eq!(late.unwrap(), 200, "both places are free again while the silent ones are still there");
}
