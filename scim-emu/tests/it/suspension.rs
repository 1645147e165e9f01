//! Soft deprovisioning and reactivation.

use std::sync::Arc;

use http::Method;
use scim_emu::IdentityProvider;
use scim_store::MemoryStore;
use serde_json::json;

use crate::client::{builder, call, enterprise, get, group, members, patch, person, post, user};

#[tokio::test]
async fn e_31_e_32_e_34_suspend_and_restore() {
    let enterprise = enterprise();
    let id = user(&enterprise, "ada").await;
    let path = format!("/Users/{id}");
    let mut body = person("ada");
    body["active"] = json!(false);
    let suspended = call(&enterprise, Method::PUT, &path, body).await;
    assert_eq!(
        (&suspended.body["active"], &suspended.body["externalId"]),
        (&json!(false), &json!("ext-ada"))
    );
    let listed = get(&enterprise, "/Users?filter=userName%20eq%20%22ada%22").await;
    assert_eq!(listed.body["Resources"][0]["id"], id);
    post(&enterprise, "/Users", person("ada")).await.refused(409);
    let back = patch(&enterprise, &path, json!([{"op": "Replace", "path": "active", "value": "True"}])).await;
    assert_eq!((&back.body["id"], &back.body["active"]), (&json!(id), &json!(true)));
}

#[tokio::test]
async fn e_33_handle_and_e_mail_are_hidden_and_come_back() {
    for (idp, kept) in [(IdentityProvider::Entra, true), (IdentityProvider::Other, false)] {
        let enterprise = builder().identity_provider(idp).build(Arc::new(MemoryStore::new())).unwrap();
        let id = user(&enterprise, "ada").await;
        let before = enterprise.account(&id).await.unwrap().unwrap();
        let path = format!("/Users/{id}");
        patch(&enterprise, &path, json!([{"op": "replace", "value": {"active": false}}])).await;
        let suspended = enterprise.account(&id).await.unwrap().unwrap();
        assert!(suspended.suspended && suspended.handle != before.handle);
        assert!(suspended.handle.as_str().ends_with("_octo"));
        assert_eq!(suspended.email == before.email, kept);
        assert_eq!(suspended.display_name, before.display_name);
        patch(&enterprise, &path, json!([{"op": "replace", "value": {"active": true}}])).await;
        assert_eq!(enterprise.account(&id).await.unwrap().unwrap(), before);
    }
}

#[tokio::test]
async fn e_49_who_is_suspended_is_hidden_from_groups_and_returns_by_itself() {
    let enterprise = enterprise();
    let (ada, bob) = (user(&enterprise, "ada").await, user(&enterprise, "bob").await);
    let team = group(&enterprise, "Team", &[&ada, &bob]).await;
    let tag = get(&enterprise, &format!("/Groups/{team}")).await.headers["etag"].clone();
    let set = async |active: bool| {
        let operation = json!([{"op": "replace", "path": "active", "value": active}]);
        patch(&enterprise, &format!("/Users/{ada}"), operation).await;
    };
    set(false).await;
    assert_eq!(members(&enterprise, &team).await, std::slice::from_ref(&bob));
    assert!(get(&enterprise, &format!("/Users/{ada}")).await.body.get("groups").is_none());
    set(true).await;
    assert_eq!(members(&enterprise, &team).await, [ada.clone(), bob]);
    let read = get(&enterprise, &format!("/Groups/{team}")).await;
    assert_eq!(read.headers["etag"], tag, "no group was written");
    assert_eq!(get(&enterprise, &format!("/Users/{ada}")).await.body["groups"][0]["value"], team);
    call(&enterprise, Method::DELETE, &format!("/Users/{ada}"), serde_json::Value::Null).await;
    assert_eq!(members(&enterprise, &team).await.len(), 1);
}
