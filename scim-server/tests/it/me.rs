//! `/Me` — RFC 7644 §3.11.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request};
use scim_server::Server;
use scim_server_traits::{Context, Me};
use serde_json::{Value, json};

use crate::client::{PATCH_OP, USER, builder, call, get, post, request, send, server, user};

/// A server where the principal `a` is the user whose id is put here.
fn with_me() -> (Server, Arc<Mutex<Option<String>>>) {
    let mine = Arc::new(Mutex::new(None));
    let known = Arc::clone(&mine);
    let resolver = move |context: &Context| {
        let id: Option<String> = known.lock().unwrap().clone();
        id.filter(|_| context.principal().name == "a").map(|id| Me::new("User", id))
    };
    (builder().me(resolver).build().unwrap(), mine)
}

#[tokio::test]
async fn me_001_me_005_without_a_resolver_or_credentials() {
    let server = server();
    for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        call(&server, method, "/Me", Some(json!({}))).await.refused(501, "");
    }
    let stranger = Request::get("/scim/v2/Me").body(Bytes::new()).unwrap();
    send(&server, stranger).await.refused(401, "");
}

#[tokio::test]
async fn me_002_me_003_every_verb_reaches_the_resource() {
    let (server, mine) = with_me();
    get(&server, "/Me").await.refused(404, "");
    let id = user(&server, "ada").await;
    *mine.lock().unwrap() = Some(id.clone());
    let location = format!("https://h.example/scim/v2/Users/{id}");
    let shown = get(&server, "/Me/?attributes=userName").await;
    assert_eq!((shown.status.as_u16(), shown.header("location")), (200, &*location));
    assert_eq!(shown.body, json!({"schemas": [USER], "id": id, "userName": "ada"}));
    let patched =
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "t"}]});
    let patched = call(&server, Method::PATCH, "/Me", Some(patched)).await;
    assert_eq!((&patched.body["title"], patched.header("location")), (&json!("t"), &*location));
    let whole = json!({"schemas": [USER], "userName": "ada2"});
    let replaced = call(&server, Method::PUT, "/Me", Some(whole.clone())).await;
    assert_eq!((&replaced.body["userName"], &replaced.body["title"]), (&json!("ada2"), &Value::Null));
    post(&server, "/Me", whole).await.refused(409, "");
    assert_eq!(call(&server, Method::DELETE, "/Me", None).await.status, 204);
    get(&server, "/Me").await.refused(404, "");
}

#[tokio::test]
async fn me_004_post_makes_a_user() {
    let (server, _) = with_me();
    let ada = json!({"schemas": [USER], "userName": "ada"});
    let with = async |header: &str| {
        let request = request(Method::POST, "/Me", Some(&ada)).header(header, "*");
        send(&server, request.body(Bytes::from(ada.to_string())).unwrap()).await
    };
    with("if-match").await.refused(412, "");
    let made = with("if-none-match").await;
    assert_eq!((made.status.as_u16(), &made.body["meta"]["resourceType"]), (201, &json!("User")));
    assert_eq!(made.header("location"), made.body["meta"]["location"]);
}
