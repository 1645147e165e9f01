//! Sorting — RFC 7644 §3.4.2.3.

use serde_json::{Value, json};

use crate::client::{USER, builder, get, group, post, server, user};

fn names(body: &Value) -> Vec<&str> {
    let name = |resource: &Value| resource.get("userName").or(resource.get("displayName")).cloned();
    let resources = body["Resources"].as_array().unwrap();
    assert!(resources.iter().all(|resource| name(resource).is_some()));
    resources.iter().filter_map(|it| it.get("userName").or(it.get("displayName"))?.as_str()).collect()
}

async fn people(server: &scim_server::Server) {
    for body in [
        json!({"userName": "b", "title": "x", "emails": [{"value": "z@x"}, {"value": "a@x", "primary": true}]}),
        json!({"userName": "A", "nickName": "n", "emails": [{"value": "m@x"}, {"value": "0@x"}]}),
        json!({"userName": "a2", "name": {"familyName": "B", "givenName": "B"}, "externalId": "a"}),
        json!({"userName": "B2", "name": {"familyName": "a"}, "externalId": "B",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "d"}}),
    ] {
        let mut body = body;
        body["schemas"] = json!([USER]);
        let extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        if body.get(extension).is_some() {
            body["schemas"] = json!([USER, extension]);
        }
        assert_eq!(post(server, "/Users", body).await.status, 201);
    }
}

#[tokio::test]
async fn filt_030_filt_031_filt_033_filt_035_orders() {
    let server = server();
    people(&server).await;
    assert_eq!(get(&server, "/ServiceProviderConfig").await.body["sort"]["supported"], true);
    for (query, expected) in [
        ("sortBy=userName", ["A", "a2", "b", "B2"]),
        ("sortBy=USERNAME&sortOrder=ascending", ["A", "a2", "b", "B2"]),
        ("sortBy=userName&sortOrder=Descending", ["B2", "b", "a2", "A"]),
        ("sortBy=externalId", ["B2", "a2", "b", "A"]),
        ("sortBy=externalId&sortOrder=descending", ["A", "b", "a2", "B2"]),
        ("sortBy=emails.value", ["b", "A", "a2", "B2"]),
        ("sortBy=emails", ["b", "A", "a2", "B2"]),
        ("sortBy=name.familyName", ["B2", "a2", "b", "A"]),
        ("sortBy=urn:ietf:params:scim:schemas:core:2.0:User:title", ["b", "A", "a2", "B2"]),
        (
            "sortBy=urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            ["B2", "b", "A", "a2"],
        ),
        ("sortBy=id&sortOrder=descending", ["B2", "a2", "A", "b"]),
        ("sortBy=meta.created", ["b", "A", "a2", "B2"]),
        ("sortBy=&sortOrder=descending", ["b", "A", "a2", "B2"]),
    ] {
        assert_eq!(names(&get(&server, &format!("/Users?{query}")).await.body), expected, "{query}");
    }
    let page = get(&server, "/Users?sortBy=userName&startIndex=2&count=2&filter=userName%20pr").await.body;
    assert_eq!((names(&page), &page["totalResults"]), (vec!["a2", "b"], &json!(4)));
}

#[tokio::test]
async fn filt_032_filt_034_refusals() {
    let server = server();
    for path in ["name", "nope", "groups", "password", "emails[type%20eq%20%22work%22]"] {
        get(&server, &format!("/Users?sortBy={path}")).await.refused(400, "invalidPath");
        get(&server, &format!("/?sortBy={path}")).await.refused(400, "invalidPath");
    }
    get(&server, "/Users?sortBy=userName&sortOrder=up").await.refused(400, "invalidValue");
    let careful = builder().sensitive("phoneNumbers.value").build().unwrap();
    get(&careful, "/Users?sortBy=phoneNumbers").await.refused(403, "sensitive");
    let body = json!({"schemas": [scim_core::urn::SEARCH_REQUEST], "sortBy": "phoneNumbers"});
    assert_eq!(post(&careful, "/Users/.search", body).await.status, 200);
}

#[tokio::test]
async fn filt_031_one_order_over_all_types() {
    let server = server();
    for name in ["c", "a"] {
        user(&server, name).await;
    }
    for name in ["d", "b"] {
        group(&server, name, &[]).await;
    }
    let by_name = get(&server, "/?sortBy=displayName").await.body;
    assert_eq!(names(&by_name), ["b", "d", "c", "a"], "users have no displayName here");
    let body = json!({"schemas": [USER], "userName": "e", "displayName": "c2"});
    post(&server, "/Users", body).await;
    for (query, expected) in [
        ("sortBy=displayName", vec!["b", "e", "d", "c", "a"]),
        ("sortBy=displayName&sortOrder=descending", vec!["a", "c", "d", "e", "b"]),
        ("sortBy=displayName&startIndex=2&count=2", vec!["e", "d"]),
        ("sortBy=userName", vec!["a", "c", "e", "d", "b"]),
    ] {
        let body = get(&server, &format!("/?{query}")).await.body;
        assert_eq!((names(&body), &body["totalResults"]), (expected, &json!(5)), "{query}");
    }
    let body = json!({"schemas": [scim_core::urn::SEARCH_REQUEST], "sortBy": "displayName", "count": 2});
    assert_eq!(names(&post(&server, "/.search", body).await.body), ["b", "e"]);
    get(&server, "/?sortBy=displayName&startIndex=999999").await.refused(400, "tooMany");
}
