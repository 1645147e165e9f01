//! Places for connections: which connection gets one, which keeps it, and which gives it up.

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

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

const GET: &[u8] =
    b"GET /scim/v2/ServiceProviderConfig HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer T\r\n\r\n";

/// Sends a request and returns the status of the answer. The rest of the answer is not read.
async fn status(connection: &mut TcpStream, request: &[u8]) -> u16 {
    connection.write_all(request).await.unwrap();
    let mut answer = [0; 12];
    timeout(PATIENCE, connection.read_exact(&mut answer)).await.unwrap().unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

/// Waits for the end of a connection.
async fn ended(connection: &mut TcpStream) {
    let mut rest = Vec::new();
    // The connection is reset if it is closed with unread data.
    let _ = timeout(PATIENCE, connection.read_to_end(&mut rest)).await.unwrap();
}

/// Opens a connection with a request under way whose body never arrives.
async fn busy(server: &Server) -> TcpStream {
    let mut connection = connect(server).await;
    let head = b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer T\r\n\
        Content-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    // The server asks for the body, so the request is under way.
    assert_eq!(status(&mut connection, head).await, 100);
    connection
}

#[tokio::test]
async fn sec_011_the_longest_idle_connection_gives_up_its_place() {
    let server = start(&["--connections", "2"]).await;
    let mut silent = connect(&server).await;
    let mut used = connect(&server).await;
    assert_eq!(status(&mut used, GET).await, 200);
    let mut third = connect(&server).await;
    assert_eq!(status(&mut third, GET).await, 200);
    ended(&mut silent).await;
    let mut half = connect(&server).await;
    half.write_all(b"GET /scim").await.unwrap();
    ended(&mut used).await;
    let mut fifth = connect(&server).await;
    assert_eq!(status(&mut fifth, GET).await, 200);
    ended(&mut third).await;
    let mut sixth = connect(&server).await;
    assert_eq!(status(&mut sixth, GET).await, 200, "the beginning of a head keeps no place");
    ended(&mut half).await;
}

#[tokio::test]
async fn connections_past_the_limit_wait_while_all_are_busy() {
    let server = start(&["--connections", "2"]).await;
    let (mut first, mut second) = (busy(&server).await, busy(&server).await);
    let mut third = connect(&server).await;
    let early = timeout(Duration::from_millis(300), status(&mut third, GET)).await;
    assert!(early.is_err(), "both places are taken");
    first.write_all(b"{}").await.unwrap();
    let mut answer = [0; 1];
    timeout(PATIENCE, third.read_exact(&mut answer)).await.expect("one of the two is idle").unwrap();
    second.write_all(b"{}").await.unwrap();
    timeout(PATIENCE, second.read_exact(&mut answer)).await.expect("the other goes on").unwrap();
}

#[tokio::test]
async fn sec_011_one_address_has_its_share_of_the_connections() {
    let server = start(&["--connections-per-peer", "1"]).await;
    let mut first = busy(&server).await;
    ended(&mut connect(&server).await).await;
    first.write_all(b"{}").await.unwrap();
    let mut answer = [0; 1];
    timeout(PATIENCE, first.read_exact(&mut answer)).await.expect("the first goes on").unwrap();
    drop(first);
    let any = start(&["--connections-per-peer", "0"]).await;
    for _ in 0..3 {
        std::mem::forget(busy(&any).await);
    }
}

#[tokio::test]
async fn sec_011_a_connection_must_begin_sooner_than_its_head_must_end() {
    let server = start(&["--first-byte-timeout", "1", "--header-timeout", "60"]).await;
    let mut begun = connect(&server).await;
    begun.write_all(&GET[..1]).await.unwrap();
    let mut silent = connect(&server).await;
    ended(&mut silent).await;
    assert_eq!(status(&mut begun, &GET[1..]).await, 200);
}

#[tokio::test]
async fn sec_011_a_silent_connection_is_closed() {
    let server = start(&["--header-timeout", "1"]).await;
    ended(&mut connect(&server).await).await;
    let mut slow = connect(&server).await;
    slow.write_all(b"GET /scim/v2/Users HTTP/1.1\r\nHost").await.unwrap();
    ended(&mut slow).await;
}
