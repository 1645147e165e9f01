//! Who is let in, and what they can see — RFC 7644 §2, §6.

use bytes::Bytes;
use http::{Method, Request};

use crate::client::{get, group, request, send, server, user};

fn as_two(method: Method, path: &str) -> Request<Bytes> {
    let mut request = request(method, path, None).body(Bytes::new()).unwrap();
    request.headers_mut().insert("authorization", "Bearer two".parse().unwrap());
    request
}

#[tokio::test]
async fn srv_015_sec_012_tenants_never_see_each_other() {
    let server = server();
    let ada = user(&server, "ada").await;
    group(&server, "Team", &[&ada]).await;
    for path in ["/Users", "/Groups", "/Users?filter=userName%20eq%20%22ada%22"] {
        let reply = send(&server, as_two(Method::GET, path)).await;
        assert_eq!(reply.body["totalResults"], 0, "{path}");
    }
    for method in [Method::GET, Method::DELETE] {
        send(&server, as_two(method, &format!("/Users/{ada}"))).await.refused(404, "");
    }
    assert_eq!(get(&server, &format!("/Users/{ada}")).await.status, 200);
}

#[tokio::test]
async fn sec_001_q_83_e_6_unknown_tokens() {
    let server = server();
    for authorization in [None, Some("Bearer wrong"), Some("non-token"), Some("Basic b25lOg==")] {
        let mut request = Request::get("/scim/v2/Users");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let reply = send(&server, request.body(Bytes::new()).unwrap()).await;
        reply.refused(401, "");
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
    }
}
