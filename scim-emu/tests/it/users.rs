//! People: what they must have, handles, roles, replace and PATCH.

use std::sync::Arc;

use http::Method;
use scim_emu::{HandleConflict, Role};
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::client::{builder, call, enterprise, get, patch, person, post, user};

#[tokio::test]
async fn e_17_e_18_required_attributes() {
    let enterprise = enterprise();
    for missing in ["schemas", "externalId", "active", "userName", "displayName", "emails"] {
        let mut body = person("ada");
        body.as_object_mut().unwrap().remove(missing);
        assert!(post(&enterprise, "/Users", body).await.refused(400).contains(missing), "{missing}");
    }
    for missing in ["value", "type", "primary"] {
        let mut body = person("ada");
        body["emails"][0].as_object_mut().unwrap().remove(missing);
        assert!(post(&enterprise, "/Users", body).await.refused(400).contains(missing), "{missing}");
    }
    let mut body = person("ada");
    body["name"] = json!({"givenName": "Ada"});
    assert!(post(&enterprise, "/Users", body).await.refused(400).contains("name.familyName"));
    let mut body = person("ada");
    body["name"] = json!({"givenName": "Ada", "familyName": "Lovelace"});
    assert_eq!(post(&enterprise, "/Users", body).await.status, 201);
}

#[tokio::test]
async fn e_19_e_20_create_echoes_and_ignores() {
    let enterprise = enterprise();
    let mut body = person("ada");
    body["password"] = json!("okta-placeholder");
    body["schemas"] = json!([scim_core::urn::USER, scim_core::urn::ENTERPRISE_USER]);
    body[scim_core::urn::ENTERPRISE_USER] = json!({"department": "R&D"});
    body["nickName"] = json!("a");
    let reply = post(&enterprise, "/Users", body).await;
    let id = reply.id();
    assert_eq!((&reply.body["externalId"], &reply.body["userName"]), (&json!("ext-ada"), &json!("ada")));
    assert_eq!(reply.body["meta"]["resourceType"], "User");
    assert_eq!(reply.body["meta"]["location"], format!("{}/Users/{id}", enterprise.base_url()));
    for absent in ["password", "nickName", scim_core::urn::ENTERPRISE_USER] {
        assert!(reply.body.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn e_21_e_22_e_73_conflicts() {
    let enterprise = enterprise();
    user(&enterprise, "ada.l").await;
    let mut same_external = person("other");
    same_external["externalId"] = json!("ext-ada.l");
    assert!(post(&enterprise, "/Users", same_external).await.refused(409).contains("externalId"));
    for same_handle in ["ADA.L", "ada_l@corp.example", "CORP\\Ada-L"] {
        post(&enterprise, "/Users", person(same_handle)).await.refused(409);
    }
    let bob = user(&enterprise, "bob").await;
    let rename = json!([{"op": "replace", "path": "userName", "value": "ada-l"}]);
    patch(&enterprise, &format!("/Users/{bob}"), rename).await.refused(409);
    let profile =
        builder().handle_conflict(HandleConflict::BadRequest).build(Arc::new(MemoryStore::new())).unwrap();
    user(&profile, "ada.l").await;
    assert!(post(&profile, "/Users", person("ada_l")).await.refused(400).contains("belongs"));
}

#[tokio::test]
async fn e_23_e_24_e_25_e_73_handles() {
    let enterprise = enterprise();
    for refused in ["+ada", "ada.", "ada..l", &"a".repeat(35)] {
        post(&enterprise, "/Users", person(refused)).await.refused(400);
    }
    let id = user(&enterprise, "Ada.Lovelace@corp.example").await;
    let handle = async || enterprise.account(&id).await.unwrap().unwrap().handle.to_string();
    assert_eq!(handle().await, "Ada-Lovelace_octo");
    let rename = json!([{"op": "replace", "path": "userName", "value": "Ada.Byron@corp.example"}]);
    let reply = patch(&enterprise, &format!("/Users/{id}"), rename).await;
    assert_eq!((&reply.body["id"], handle().await.as_str()), (&json!(id), "Ada-Byron_octo"));
    user(&enterprise, "ada.lovelace").await;
}

#[tokio::test]
async fn e_26_e_27_e_28_roles() {
    let enterprise = enterprise();
    let id = user(&enterprise, "ada").await;
    let path = format!("/Users/{id}");
    let role = async || enterprise.account(&id).await.unwrap().unwrap().role;
    assert_eq!(role().await, Role::User);
    for (roles, expected) in [
        (json!([{"value": "guest_collaborator"}]), Role::GuestCollaborator),
        (
            json!([{"value": "User"}, {"value": "981df190-8801-4618-a08a-d91f6206c954"}]),
            Role::EnterpriseOwner,
        ),
        (json!([]), Role::User),
    ] {
        let reply =
            patch(&enterprise, &path, json!([{"op": "replace", "path": "roles", "value": roles}])).await;
        assert_eq!((reply.status.as_u16(), role().await), (200, expected));
    }
    let unknown = json!([{"op": "replace", "path": "roles", "value": [{"value": "app_admin"}]}]);
    assert!(patch(&enterprise, &path, unknown).await.refused(400).contains("app_admin"));
}

#[tokio::test]
async fn e_29_replace() {
    let enterprise = enterprise();
    let mut body = person("ada");
    body["roles"] = json!([{"value": "user"}]);
    body["name"] = json!({"givenName": "Ada", "familyName": "L"});
    let id = post(&enterprise, "/Users", body).await.id();
    let path = format!("/Users/{id}");
    let reply = call(&enterprise, Method::PUT, &path, person("ada")).await;
    assert_eq!(reply.status, 200);
    assert!(reply.body.get("roles").is_none() && reply.body.get("name").is_none());
    for missing in ["schemas", "externalId", "active", "userName", "displayName", "emails"] {
        let mut body = person("ada");
        body.as_object_mut().unwrap().remove(missing);
        assert!(call(&enterprise, Method::PUT, &path, body).await.refused(400).contains(missing));
    }
    let mut body = person("ada");
    body["emails"] = json!([{"value": "ada@corp.example"}]);
    assert!(call(&enterprise, Method::PUT, &path, body).await.refused(400).contains("emails.type"));
    call(&enterprise, Method::PUT, "/Users/nobody", person("x")).await.refused(404);
}

#[tokio::test]
async fn e_30_e_50_e_51_patch_in_every_dialect() {
    let enterprise = enterprise();
    let id = user(&enterprise, "ada").await;
    let path = format!("/Users/{id}");
    let reply = patch(
        &enterprise,
        &path,
        json!([
            {"op": "Replace", "path": "displayName", "value": "Ada L"},
            {"op": "Add", "path": "name.givenName", "value": "Ada"},
            {"op": "Add", "path": "name.familyName", "value": "Lovelace"},
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "new@corp.example"},
            {"op": "Add", "path": "emails[type eq \"home\"].value", "value": "home@corp.example"},
            {"op": "Add", "path": "roles", "value": [{"value": "{\"id\":\"1\",\"value\":\"billing_manager\",\"displayName\":\"B\"}"}]},
        ]),
    )
    .await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.body["displayName"], "Ada L");
    assert_eq!(reply.body["name"], json!({"givenName": "Ada", "familyName": "Lovelace"}));
    assert_eq!(reply.body["emails"][0]["value"], "new@corp.example");
    assert_eq!(reply.body["emails"][1], json!({"type": "home", "value": "home@corp.example"}));
    assert_eq!(reply.body["roles"], json!([{"value": "billing_manager", "display": "B"}]));
    for value in [json!({"active": "False"}), json!({"active": true}), json!({"displayName": "Ada"})] {
        assert_eq!(patch(&enterprise, &path, json!([{"op": "replace", "value": value}])).await.status, 200);
    }
    let single_quotes =
        json!([{"op": "replace", "path": "emails[type eq 'work'].value", "value": "q@corp.example"}]);
    assert_eq!(patch(&enterprise, &path, single_quotes).await.body["emails"][0]["value"], "q@corp.example");
}

#[tokio::test]
async fn e_50_the_literal_reading_is_a_switch() {
    let enterprise = builder().value_paths_without_effect().build(Arc::new(MemoryStore::new())).unwrap();
    let id = user(&enterprise, "ada").await;
    let operation =
        json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "new@corp.example"}]);
    let reply = patch(&enterprise, &format!("/Users/{id}"), operation).await;
    assert_eq!((reply.status.as_u16(), &reply.body["emails"][0]["value"]), (200, &json!("ada@corp.example")));
}

#[tokio::test]
async fn e_35_e_36_e_37_hard_delete() {
    let enterprise = enterprise();
    let id = user(&enterprise, "ada").await;
    let path = format!("/Users/{id}");
    assert_eq!(call(&enterprise, Method::DELETE, &path, Value::Null).await.status, 204);
    get(&enterprise, &path).await.refused(404);
    call(&enterprise, Method::PUT, &path, person("ada")).await.refused(404);
    patch(&enterprise, &path, json!([{"op": "replace", "path": "active", "value": true}])).await.refused(404);
    call(&enterprise, Method::DELETE, &path, Value::Null).await.refused(404);
    assert_ne!(user(&enterprise, "ada").await, id);
    assert!(enterprise.account(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn e_72_the_setup_user_is_no_resource() {
    let enterprise = enterprise();
    user(&enterprise, "ada").await;
    let listed = get(&enterprise, "/Users").await.body;
    assert_eq!(listed["totalResults"], 1);
}
