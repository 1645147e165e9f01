//! How a server program protects itself.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
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
async fn sec_011_a_connection_that_takes_no_answer_loses_its_place() {
    let arguments =
        ["--listen", "127.0.0.1:0", "--token", "T", "--connections", "2", "--header-timeout", "1"];
    let server = Server::start(env!("CARGO_BIN_EXE_standalone"), &arguments).await;
    let address = server.address().to_owned();
    // So many requests that the buffers between client and server are full.
    let requests =
        "GET /scim/v2/Schemas HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer T\r\n\r\n".repeat(20_000);
    let mut deaf = Vec::new();
    for _ in 0..2 {
        let mut connection = TcpStream::connect(&address).await.unwrap();
        let requests = requests.clone();
        deaf.push(tokio::spawn(async move {
            let _ = connection.write_all(requests.as_bytes()).await;
            std::future::pending::<()>().await;
        }));
    }
    let client = reqwest::Client::new();
    let late = timeout(Duration::from_secs(60), status(&client, &server)).await;
    assert_eq!(late.unwrap(), 200, "both places are free again while the deaf ones are still there");
    assert!(deaf.iter().all(|connection| !connection.is_finished()));
}

/// A client that first asks whether to send a body is not told to send one that will be refused.
#[tokio::test]
async fn sec_011_a_body_that_is_not_wanted_is_not_asked_for() {
    let server =
        Server::start(env!("CARGO_BIN_EXE_standalone"), &["--listen", "127.0.0.1:0", "--token", "T"]).await;
    let address = server.address().to_owned();
    for (token, length, expected) in [("wrong", 100, "401"), ("T", 5_000_000_000_u64, "413")] {
        let mut connection = TcpStream::connect(&address).await.unwrap();
        let head = format!(
            "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/scim+json\r\nContent-Length: {length}\r\nExpect: 100-continue\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        timeout(Duration::from_secs(20), connection.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), format!("HTTP/1.1 {expected}"));
    }
}

/// A refusal by the host has the form of the enterprise's refusals.
// E-82
#[tokio::test]
async fn a_request_that_takes_too_long_is_refused_in_the_words_of_the_service() {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--token", "T", "--request-timeout", "1"];
    let server = Server::start(env!("CARGO_BIN_EXE_emu"), &arguments).await;
    let url: http::Uri = server.base_url.parse().unwrap();
    let mut connection = TcpStream::connect(url.authority().unwrap().as_str()).await.unwrap();
    let head = format!(
        "POST {}/Users HTTP/1.1\r\nHost: x\r\nUser-Agent: test\r\nAuthorization: token T\r\n\
         Content-Length: 2\r\nConnection: close\r\n\r\n{{",
        url.path()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(Duration::from_secs(20), connection.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 503"), "{head}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["message"], body["detail"]);
    assert!(body["documentation_url"].is_string());
}
