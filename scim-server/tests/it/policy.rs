//! What an authenticated client may do: decided after routing, by what a request means.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Method;
use scim_server::{BearerTokens, Grant, Server, ServerBuilder};
use scim_server_traits::{Action, AuthError, Context, Me, Operation, Policy, TenantId};
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::client::{GROUP, PATCH_OP, Reply, USER, request, send};

/// A server whose token is the scopes that it grants, with `+` for a space.
fn builder(scopes: &[&str]) -> ServerBuilder {
    let grant = |scopes: &str| Grant::new(TenantId::new("one"), "a").limited_to(scopes.parse().unwrap());
    let tokens = BearerTokens::new().with("all", Grant::new(TenantId::new("one"), "b"));
    let tokens =
        scopes.iter().fold(tokens, |tokens, scopes| tokens.with(&scopes.replace(' ', "+"), grant(scopes)));
    Server::builder(Arc::new(MemoryStore::new()), Arc::new(tokens)).base_url("https://h.example/scim/v2")
}

async fn ask(server: &Server, token: &str, method: Method, path: &str, body: Option<Value>) -> Reply {
    let bytes = body.as_ref().map_or_else(Bytes::new, |body| body.to_string().into());
    let mut request = request(method, path, body.as_ref()).body(bytes).unwrap();
    let token = token.replace(' ', "+");
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    send(server, request).await
}

fn named(name: &str) -> Option<Value> {
    Some(json!({"schemas": [USER], "userName": name}))
}

#[tokio::test]
async fn sec_003_scopes_may_be_for_one_type_only() {
    let reads_users = "read:User";
    let helpdesk = "read write:Group";
    let server = builder(&[reads_users, helpdesk]).build().unwrap();
    let ada = ask(&server, "all", Method::POST, "/Users", named("ada")).await.id();
    let (user, team) = (format!("/Users/{ada}"), json!({"schemas": [GROUP], "displayName": "t"}));
    let search = || Some(json!({"schemas": [scim_core::urn::SEARCH_REQUEST]}));
    for (token, method, path, body, lacks) in [
        (reads_users, Method::GET, &*user, None, ""),
        (reads_users, Method::GET, "/Users", None, ""),
        (reads_users, Method::POST, "/Users/.search", search(), ""),
        (reads_users, Method::GET, "/Groups", None, "read:Group"),
        (reads_users, Method::POST, "/Groups/%2Esearch/", search(), "read:Group"),
        (reads_users, Method::GET, "/", None, "read"),
        (reads_users, Method::POST, "/.search", search(), "read"),
        (reads_users, Method::GET, "/Schemas", None, ""),
        (reads_users, Method::POST, "/Users", named("bob"), "write"),
        (reads_users, Method::DELETE, &*user, None, "write"),
        (helpdesk, Method::GET, &*user, None, ""),
        (helpdesk, Method::GET, "/", None, ""),
        (helpdesk, Method::POST, "/Groups", Some(team), ""),
        (helpdesk, Method::POST, "/Users", named("bob"), "write:User"),
        (helpdesk, Method::DELETE, &*user, None, "write:User"),
    ] {
        let reply = ask(&server, token, method.clone(), path, body).await;
        if lacks.is_empty() {
            assert!(reply.status.is_success(), "{token}: {method} {path}: {reply:?}");
            continue;
        }
        assert_eq!(reply.status, 403, "{token}: {method} {path}");
        let challenge = reply.header("www-authenticate");
        assert!(challenge.ends_with(&format!("scope=\"{lacks}\"")), "{token}: {method} {path}: {challenge}");
    }
    assert_eq!(ask(&server, "all", Method::GET, &user, None).await.status, 200, "nothing was deleted");
}

#[tokio::test]
async fn sec_003_each_operation_of_a_bulk_request_is_decided_by_itself() {
    let server = builder(&["write:Group", "read"]).build().unwrap();
    let operations = json!([
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": {"schemas": [USER], "userName": "ada"}},
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"schemas": [GROUP], "displayName": "t"}},
        {"method": "POST", "path": "/Groups", "bulkId": "x", "data": {"schemas": [GROUP], "displayName": "x",
            "members": [{"value": "bulkId:y", "type": "Group"}]}},
        {"method": "POST", "path": "/Groups", "bulkId": "y", "data": {"schemas": [GROUP], "displayName": "y",
            "members": [{"value": "bulkId:x", "type": "Group"}, {"value": "bulkId:u"}]}}]);
    let bulk = json!({"schemas": [scim_core::urn::BULK_REQUEST], "Operations": operations});
    let reply = ask(&server, "write:Group", Method::POST, "/Bulk", Some(bulk.clone())).await;
    let statuses: Vec<_> =
        reply.body["Operations"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["403", "201", "409", "409"], "the user, and what needs it: {:?}", reply.body);
    assert_eq!(ask(&server, "read", Method::POST, "/Bulk", Some(bulk)).await.status, 403);
    let users = ask(&server, "all", Method::GET, "/Users", None).await;
    assert_eq!(users.body["totalResults"], 0);
}

#[tokio::test]
async fn sec_003_a_circle_is_decided_too() {
    let server = builder(&["write:User", "write:Group"]).build().unwrap();
    let group = |one: &str, other: &str| {
        let member = json!({"value": format!("bulkId:{other}"), "type": "Group"});
        json!({"method": "POST", "path": "/Groups", "bulkId": one,
            "data": {"schemas": [GROUP], "displayName": one, "members": [member]}})
    };
    let bulk =
        json!({"schemas": [scim_core::urn::BULK_REQUEST], "Operations": [group("x", "y"), group("y", "x")]});
    for (token, status) in [("write:User", "403"), ("write:Group", "201")] {
        let reply = ask(&server, token, Method::POST, "/Bulk", Some(bulk.clone())).await;
        let statuses: Vec<_> =
            reply.body["Operations"].as_array().unwrap().iter().map(|one| &one["status"]).collect();
        assert_eq!(statuses, [status, status], "{token}");
    }
}

#[tokio::test]
async fn sec_003_me_is_decided_by_what_it_stands_for() {
    let id = Arc::new(Mutex::new(String::new()));
    let known = Arc::clone(&id);
    let resolver = move |_: &Context| Some(Me::new("User", known.lock().unwrap().clone()));
    let server = builder(&["read:User", "read:Group write:Group"]).me(resolver).build().unwrap();
    *id.lock().unwrap() = ask(&server, "all", Method::POST, "/Users", named("ada")).await.id();
    assert_eq!(ask(&server, "read:User", Method::GET, "/Me", None).await.status, 200);
    let title = json!([{"op": "replace", "path": "title", "value": "t"}]);
    let patch = || Some(json!({"schemas": [PATCH_OP], "Operations": title}));
    for token in ["read:User", "read:Group write:Group"] {
        assert_eq!(ask(&server, token, Method::PATCH, "/Me", patch()).await.status, 403, "{token}");
        assert_eq!(ask(&server, token, Method::DELETE, "/Me", None).await.status, 403, "{token}");
        assert_eq!(ask(&server, token, Method::PUT, "/Me", named("x")).await.status, 403, "{token}");
    }
    assert_eq!(ask(&server, "read:Group write:Group", Method::GET, "/Me", None).await.status, 403);
    assert_eq!(ask(&server, "all", Method::PATCH, "/Me", patch()).await.status, 200);
    assert_eq!(ask(&server, "read:User", Method::HEAD, "/Me", None).await.status, 200);
    let nobody = |_: &Context| None::<Me>;
    let server = builder(&["read:User", "write:User"]).me(nobody).build().unwrap();
    assert_eq!(ask(&server, "read:User", Method::POST, "/Me", named("ada")).await.status, 403);
    assert_eq!(ask(&server, "write:User", Method::POST, "/Me", named("ada")).await.status, 201);
    assert_eq!(ask(&server, "write:User", Method::HEAD, "/Users", None).await.status, 403);
}

/// Lets nobody delete, and notes what it is asked.
#[derive(Default)]
struct NoDelete(Mutex<Vec<String>>);

impl Policy for NoDelete {
    fn authorize(&self, context: &Context, action: &Action<'_>) -> Result<(), AuthError> {
        let resource_type = action.resource_type.map_or("", |resource_type| resource_type.name());
        let (principal, id) = (&context.principal().name, action.id.unwrap_or_default());
        self.0.lock().unwrap().push(format!("{principal} {} {resource_type} {id}", action.operation));
        match action.operation {
            Operation::Delete => Err(AuthError::Forbidden("nobody is deleted here".into())),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_policy_of_ones_own_sees_principal_operation_type_and_id() {
    let policy = Arc::new(NoDelete::default());
    let server = builder(&[]).policy(Arc::clone(&policy) as Arc<dyn Policy>).build().unwrap();
    ask(&server, "all", Method::POST, "/Users", named("ada")).await;
    let refused = ask(&server, "all", Method::DELETE, "/Users/u%31", None).await;
    assert_eq!((refused.status.as_u16(), &refused.body["detail"]), (403, &json!("nobody is deleted here")));
    ask(&server, "nobody", Method::GET, "/Users", None).await.refused(401, "");
    ask(&server, "all", Method::GET, "/Nowhere", None).await.refused(404, "");
    assert_eq!(*policy.0.lock().unwrap(), ["b create User ", "b delete User u1"]);
}
