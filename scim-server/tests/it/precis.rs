//! User names by RFC 8265, if the registry asks for it.

use http::Method;
use scim_core::{Registry, ResourceType, UniqueProfile};
use scim_server::Server;
use serde_json::{Value, json};

use crate::client::{PATCH_OP, USER, builder, call, get, patch, post, server, user};

fn precise() -> Server {
    let registry = Registry::builder().resource_type(ResourceType::user());
    let registry = registry.unique_profile(UniqueProfile::UsernameCaseMapped).build().unwrap();
    builder().registry(registry).build().unwrap()
}

fn named(name: &str) -> Value {
    json!({"schemas": [USER], "userName": name})
}

#[tokio::test]
async fn core_045_what_the_profile_refuses_is_400_for_every_operation() {
    let server = precise();
    let path = format!("/Users/{}", user(&server, "ada").await);
    for name in ["ada lovelace", "♚", "henryⅣ", "ada\u{200b}"] {
        let replace = json!([{"op": "replace", "path": "userName", "value": name}]);
        let bulk = json!({"schemas": [scim_core::urn::BULK_REQUEST], "Operations": [{"method": "PATCH",
            "path": path, "data": {"schemas": [PATCH_OP], "Operations": replace}}]});
        for reply in [
            post(&server, "/Users", named(name)).await,
            call(&server, Method::PUT, &path, Some(named(name))).await,
            patch(&server, &path, replace).await,
        ] {
            assert!(reply.refused(400, "invalidValue").contains("userName"), "{name}: {reply:?}");
        }
        let reply = post(&server, "/Bulk", bulk).await;
        assert_eq!(reply.body["Operations"][0]["response"]["scimType"], "invalidValue", "{name}");
    }
    assert_eq!(get(&server, &path).await.header("etag"), "W/\"1\"");
    assert_eq!(
        post(&self::server(), "/Users", named("ada lovelace")).await.status,
        201,
        "without the profile"
    );
}

#[tokio::test]
async fn core_045_spellings_that_are_one_name_clash() {
    let server = precise();
    for (stored, others) in [
        ("juliet@example.com", ["JULIET@Example.com", "ｊｕｌｉｅｔ@example.com"]),
        ("élodie", ["e\u{301}lodie", "ÉLODIE"]),
        ("Fußball", ["fußball", "FUßBALL"]),
    ] {
        let made = post(&server, "/Users", named(stored)).await;
        assert_eq!(
            (made.status.as_u16(), &made.body["userName"]),
            (201, &json!(stored)),
            "stored as it was sent"
        );
        for other in others {
            post(&server, "/Users", named(other)).await.refused(409, "uniqueness");
            let search = json!({"schemas": [scim_core::urn::SEARCH_REQUEST], "filter": format!("userName eq \"{other}\"")});
            let found = post(&server, "/Users/.search", search).await;
            assert_eq!(found.body["Resources"][0]["userName"], stored, "{other}");
        }
    }
    assert_eq!(post(&server, "/Users", named("fussball")).await.status, 201, "another name");
}
