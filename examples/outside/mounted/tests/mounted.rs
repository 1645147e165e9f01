//! One server, mounted in four ways.

use axum::Router;
use axum::routing::get;
use scim_client::{Client, Query};
use scim_core::User;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Serves what `mount` makes of a server that is seen below this path, and uses it as an identity provider does.
async fn works(path: &str, mount: impl FnOnce(scim_server::Server) -> Router) {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let url = format!("{host}{path}");
    let (server, store) = mounted::server(&folder.path().join("staff.db"), &url, "s3cret").await.unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let following = tokio::spawn(mounted::follow(store, 0, move |change| tell.send(change).unwrap()));
    mounted::administrator(&server).await.unwrap();
    assert_eq!(mounted::administrator(&server).await.unwrap_err().status, 409);
    let serving = tokio::spawn(axum::serve(listener, mount(server)).into_future());

    let client = Client::builder(&url).bearer_token("s3cret").build().unwrap();
    let mut ada = User::new("ada");
    ada.other.insert(mounted::BADGE.into(), serde_json::json!({"number": "7"}));
    ada.schemas.push(mounted::BADGE.into());
    let made = client.users().create(&ada).await.unwrap().resource;
    assert_eq!(made.other[mounted::BADGE]["number"], "7");
    let location = made.meta.unwrap().location.unwrap();
    assert_eq!(location, format!("{url}/Users/{}", made.id.unwrap()), "where a client finds it again");
    assert_eq!(client.users().all(&Query::new()).await.unwrap().len(), 2);
    ada.user_name = "bob".into();
    assert!(client.users().create(&ada).await.is_err(), "the badge is taken");
    assert_eq!(told.recv().await.unwrap(), "setup: User Created");
    assert_eq!(told.recv().await.unwrap(), "identity provider: User Created");
    following.abort();
    serving.abort();
}

#[tokio::test]
async fn nested_below_a_path_of_an_application() {
    works("/scim/v2", mounted::application).await;
}

#[tokio::test]
async fn nested_below_a_longer_path() {
    works("/apps/staff/scim/v2", |server| {
        let scim = Router::new().nest_service("/scim/v2", server);
        Router::new().nest("/apps", Router::new().nest("/staff", scim))
    })
    .await;
}

#[tokio::test]
async fn at_the_root_beside_other_routes() {
    works("", |server| Router::new().route("/hello", get(async || "hello")).fallback_service(server)).await;
}

#[tokio::test]
async fn behind_a_proxy_that_removes_a_prefix() {
    // The proxy is another router here: it answers below a path that the application does not know.
    works("/public", |server| Router::new().nest("/public", Router::new().fallback_service(server))).await;
}
