//! The transport for the network, over a socket of this host.

use scim_client::{Client, ClientError, ReqwestTransport, TransportError};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every connection with the given bytes, and returns the base URL.
async fn serve(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/scim", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    url
}

#[tokio::test]
async fn a_resource_comes_over_the_wire() {
    let url =
        serve("HTTP/1.1 200 OK\r\netag: W/\"1\"\r\ncontent-length: 18\r\n\r\n{\"userName\":\"ada\"}").await;
    let client = Client::builder(&url).bearer_token("t").build().unwrap();
    let ada = client.users().get("1").await.unwrap();
    assert_eq!((ada.resource.user_name.as_str(), ada.etag.as_deref()), ("ada", Some("W/\"1\"")));
}

#[tokio::test]
async fn large_responses_are_refused() {
    let url = serve("HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{\"userName\":\"ada\"}").await;
    let transport = Arc::new(ReqwestTransport::new().unwrap().max_response_bytes(10));
    let client = Client::builder(&url).transport(transport).build().unwrap();
    let error = client.users().get("1").await.unwrap_err();
    assert!(matches!(error, ClientError::Transport(TransportError::TooLarge { limit: 10 })), "{error:?}");
}

#[tokio::test]
async fn cli_025_the_transport_follows_no_redirect() {
    let url = serve("HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n").await;
    let error = Client::builder(&url).build().unwrap().users().get("1").await.unwrap_err();
    assert_eq!(error.status().unwrap(), 302);
}

#[tokio::test]
async fn errors_quote_no_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Client::builder(&url).build().unwrap().users().find("userName eq \"ada\"").await.unwrap_err();
    assert!(matches!(error, ClientError::Transport(TransportError::Connect(_))), "{error:?}");
    assert!(!format!("{error:?}").contains("ada"), "{error:?}");
}
