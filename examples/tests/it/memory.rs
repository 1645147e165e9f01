//! How much memory requests may take.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::Server;

const PATIENCE: Duration = Duration::from_secs(60);

async fn start(arguments: &[&str]) -> Server {
    let mut all = vec!["--listen", "127.0.0.1:0", "--token", "T"];
    all.extend(arguments);
    Server::start(env!("CARGO_BIN_EXE_standalone"), &all).await
}

/// Sends a request and returns the head of the answer, in lower case.
async fn ask(server: &Server, request: &[u8]) -> String {
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let byte = timeout(PATIENCE, connection.read_u8()).await.unwrap();
        answer.push(byte.unwrap());
    }
    String::from_utf8(answer).unwrap().to_ascii_lowercase()
}

/// Makes a request that creates a group. Its body begins with this many spaces.
fn group(spaces: usize) -> Vec<u8> {
    let schema = "urn:ietf:params:scim:schemas:core:2.0:Group";
    let body = format!("{}{{\"schemas\":[\"{schema}\"],\"displayName\":\"g\"}}", " ".repeat(spaces));
    let length = body.len();
    format!(
        "POST /scim/v2/Groups HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer T\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[tokio::test]
async fn sec_011_a_body_past_the_budget_is_503() {
    let server = start(&["--memory", "1"]).await;
    for _ in 0..10 {
        // One connection may hold half of a MiB, and what it held is given back.
        assert!(ask(&server, &group(400_000)).await.starts_with("http/1.1 201"));
        let refused = ask(&server, &group(600_000)).await;
        assert!(refused.starts_with("http/1.1 503"), "{refused}");
        assert!(refused.contains("\r\nretry-after: "), "{refused}");
    }
}

#[tokio::test]
async fn sec_011_bodies_that_do_not_end_have_one_budget() {
    let server = start(&["--memory", "1"]).await;
    let mut unfinished = Vec::new();
    for _ in 0..8 {
        let mut connection = TcpStream::connect(server.address()).await.unwrap();
        let request = group(400_000);
        let _ = connection.write_all(&request[..request.len() - 1]).await;
        unfinished.push(connection);
    }
    assert!(ask(&server, &group(0)).await.starts_with("http/1.1 201"), "the next one has room");
    drop(unfinished);
    // When they have closed, all memory is free again.
    let again = async { while !ask(&server, &group(400_000)).await.starts_with("http/1.1 201") {} };
    timeout(PATIENCE, again).await.expect("what they held is given back");
}

#[tokio::test]
async fn sec_011_a_head_has_64_kib_at_most() {
    let server = start(&[]).await;
    for (length, expected) in [(60_000, "http/1.1 200"), (66_000, "http/1.1 431")] {
        let head = format!(
            "GET /scim/v2/Schemas HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer T\r\nX-Long: {}\r\n\r\n",
            "a".repeat(length)
        );
        let answer = ask(&server, head.as_bytes()).await;
        assert!(answer.starts_with(expected), "{length}: {answer}");
    }
}

#[tokio::test]
async fn sec_011_a_body_that_comes_too_slowly_is_408() {
    let server = start(&["--header-timeout", "1", "--body-rate", "100000"]).await;
    let request = group(50_000);
    for missing in [1, 49_000] {
        let answer = ask(&server, &request[..request.len() - missing]).await;
        assert!(answer.starts_with("http/1.1 408"), "{answer}");
    }
    // A client without a valid token gets 401 all the same.
    let stranger = String::from_utf8(request).unwrap().replace("Bearer T", "Bearer wrong");
    let answer = ask(&server, &stranger.as_bytes()[..stranger.len() - 1]).await;
    assert!(answer.starts_with("http/1.1 401"), "{answer}");
}
