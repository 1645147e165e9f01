//! Groups and their members.

use std::sync::Arc;

use http::Method;
use scim_emu::MemberKeys;
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::client::{GROUP, builder, call, enterprise, get, group, members, patch, post, user};

#[tokio::test]
async fn e_39_e_40_e_41_create() {
    let enterprise = enterprise();
    let body = |extra: Value| {
        let mut body = json!({"schemas": [GROUP], "externalId": "g", "displayName": "G"});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    };
    for missing in ["schemas", "externalId", "displayName"] {
        let mut body = body(json!({}));
        body.as_object_mut().unwrap().remove(missing);
        assert!(post(&enterprise, "/Groups", body).await.refused(400).contains(missing));
    }
    let unknown = post(&enterprise, "/Groups", body(json!({"members": [{"value": "ext-ada"}]}))).await;
    assert!(unknown.refused(400).contains("ext-ada"));
    assert_eq!(post(&enterprise, "/Groups", body(json!({}))).await.status, 201);
    post(&enterprise, "/Groups", body(json!({"displayName": "Other"}))).await.refused(409);
}

#[tokio::test]
async fn e_16_e_38_e_48_what_is_shown() {
    let enterprise = enterprise();
    let ada = user(&enterprise, "ada").await;
    let team = group(&enterprise, "Team", &[&ada]).await;
    for path in
        [format!("/Groups/{team}?excludedAttributes=members"), "/Groups?excludedAttributes=members".into()]
    {
        assert!(!get(&enterprise, &path).await.body.to_string().contains(&ada), "{path}");
    }
    let member = get(&enterprise, &format!("/Groups/{team}")).await.body["members"][0].clone();
    let reference = format!("{}/Users/{ada}", enterprise.base_url());
    assert_eq!(member, json!({"value": ada, "$ref": reference, "display": "ada"}));
    let groups = get(&enterprise, &format!("/Users/{ada}")).await.body["groups"].clone();
    assert_eq!(
        groups,
        json!([{"value": team, "$ref": format!("{}/Groups/{team}", enterprise.base_url()), "display": "Team"}])
    );
    let examples = builder().member_keys(MemberKeys::Examples).build(Arc::new(MemoryStore::new())).unwrap();
    let ada = user(&examples, "ada").await;
    let team = group(&examples, "Team", &[&ada]).await;
    let member = get(&examples, &format!("/Groups/{team}")).await.body["members"][0].clone();
    assert!(member.get("$+ref").is_some() && member["displayName"] == "ada");
}

#[tokio::test]
async fn e_42_put_without_members_empties() {
    let enterprise = enterprise();
    let ada = user(&enterprise, "ada").await;
    let team = group(&enterprise, "Team", &[&ada]).await;
    let body = json!({"schemas": [GROUP], "externalId": "ext-Team", "displayName": "Team"});
    assert_eq!(call(&enterprise, Method::PUT, &format!("/Groups/{team}"), body).await.status, 200);
    assert!(members(&enterprise, &team).await.is_empty());
}

#[tokio::test]
async fn e_43_e_44_e_45_e_46_patch_members() {
    let enterprise = enterprise();
    let (ada, bob, eve) =
        (user(&enterprise, "ada").await, user(&enterprise, "bob").await, user(&enterprise, "eve").await);
    let team = group(&enterprise, "Team", &[&ada]).await;
    let path = format!("/Groups/{team}");
    let add =
        json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": bob}, {"value": eve}]}]);
    for _ in 0..2 {
        let reply = patch(&enterprise, &path, add.clone()).await;
        assert_eq!((reply.status.as_u16(), reply.body["members"].as_array().unwrap().len()), (200, 3));
    }
    patch(&enterprise, &path, json!([{"op": "Remove", "path": "members", "value": [{"value": bob}]}])).await;
    assert_eq!(members(&enterprise, &team).await, [ada.clone(), eve.clone()]);
    patch(&enterprise, &path, json!([{"op": "remove", "path": format!("members[value eq \"{eve}\"]")}]))
        .await;
    assert_eq!(members(&enterprise, &team).await, [ada]);
    let renamed =
        patch(&enterprise, &path, json!([{"op": "Replace", "path": "displayName", "value": "T"}])).await;
    assert_eq!((renamed.status.as_u16(), &renamed.body["displayName"]), (200, &json!("T")));
    let nested = json!([{"op": "add", "path": "members", "value": [{"value": team}]}]);
    patch(&enterprise, &path, nested).await.refused(400);
}

#[tokio::test]
async fn e_47_delete() {
    let enterprise = enterprise();
    let ada = user(&enterprise, "ada").await;
    let team = group(&enterprise, "Team", &[&ada]).await;
    let path = format!("/Groups/{team}");
    assert_eq!(call(&enterprise, Method::DELETE, &path, Value::Null).await.status, 204);
    call(&enterprise, Method::DELETE, &path, Value::Null).await.refused(404);
    assert!(get(&enterprise, &format!("/Users/{ada}")).await.body.get("groups").is_none());
}
