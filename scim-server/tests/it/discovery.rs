//! `/ServiceProviderConfig`, `/ResourceTypes`, `/Schemas` — RFC 7644 §4.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::client::{builder, call, get, post, send, server};

const ENTERPRISE: &str = scim_core::urn::ENTERPRISE_USER;

#[tokio::test]
async fn disc_001_core_068_configuration() {
    let body = get(&server(), "/ServiceProviderConfig").await.body;
    assert_eq!(body["schemas"][0], scim_core::urn::SERVICE_PROVIDER_CONFIG);
    assert_eq!(
        (&body["patch"]["supported"], &body["bulk"]["supported"]),
        (&Value::Bool(true), &Value::Bool(true))
    );
    assert_eq!(body["authenticationSchemes"][0]["type"], "oauthbearertoken");
}

#[tokio::test]
async fn disc_002_disc_003_disc_005_disc_007_disc_008_lists_and_items() {
    let server = server();
    for (path, schema) in [("/ResourceTypes", "ResourceType"), ("/Schemas", "Schema")] {
        let list = get(&server, path).await.body;
        let resources = list["Resources"].as_array().unwrap();
        assert_eq!(list["totalResults"], resources.len());
        for resource in resources {
            assert_eq!(resource["meta"]["resourceType"], schema);
            let location = resource["meta"]["location"].as_str().unwrap();
            let one = get(&server, location.strip_prefix("https://h.example/scim/v2").unwrap()).await;
            assert_eq!(&one.body, resource);
            assert!(!resource["id"].as_str().unwrap().contains(":api:"), "DISC-005");
        }
    }
    assert_eq!(
        get(&server, "/Schemas/URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER").await.body["name"],
        "User"
    );
    get(&server, "/Schemas/urn:none").await.refused(404, "");
    get(&server, "/ResourceTypes/None").await.refused(404, "");
}

#[tokio::test]
async fn disc_004_disc_006_x16_refusals() {
    let server = server();
    get(&server, "/Schemas?filter=name%20pr").await.refused(403, "");
    assert_eq!(get(&server, "/Schemas?startIndex=2&count=1").await.body["startIndex"], 1);
    let refused = post(&server, "/Schemas", serde_json::json!({})).await;
    refused.refused(405, "");
    assert_eq!(refused.header("allow"), "GET, HEAD");
    call(&server, Method::DELETE, "/ResourceTypes/User", None).await.refused(405, "");
}

#[tokio::test]
async fn disc_009_openapi_describes_what_is_served() {
    let server = server();
    let described = get(&server, "/openapi.json").await;
    assert_eq!((described.status.as_u16(), described.header("content-type")), (200, "application/json"));
    let body = described.body;
    assert_eq!(
        (&body["openapi"], &body["servers"][0]["url"]),
        (&json!("3.1.0"), &json!("https://h.example/scim/v2"))
    );
    let schemas = &body["components"]["schemas"];
    for name in ["User", "Group", "UserList", "ListResponse", "Error"] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name} is closed");
    }
    for (path, method, tagged) in [
        ("/", "get", false),
        ("/.search", "post", false),
        ("/Users", "get", false),
        ("/Bulk", "post", false),
        ("/Users/{id}", "get", true),
    ] {
        let headers = &body["paths"][path][method]["responses"]["200"]["headers"];
        assert_eq!(headers.get("ETag").is_some(), tagged, "{method} {path}: {headers}");
    }
    let user = &schemas["User"]["properties"];
    assert!(user.get("password").is_none() && user.get(ENTERPRISE).is_some() && user.get("groups").is_some());
    let input = &schemas["UserInput"]["properties"];
    assert!(input.get("password").is_some() && input.get("groups").is_none() && input.get("id").is_none());
    assert_eq!(schemas["UserInput"]["required"], json!(["schemas", "userName"]));
    for path in ["/Users", "/Groups/{id}", "/Users/.search", "/", "/.search", "/Bulk", "/Schemas/{id}"] {
        assert!(body["paths"].get(path).is_some(), "{path}");
    }
    // Each reference leads somewhere.
    let text = body.to_string();
    for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(schemas.get(name).is_some(), "{name}");
    }
}

#[tokio::test]
async fn disc_009_openapi_lists_what_is_offered_and_how_the_rest_is_refused() {
    for (sorting, cursors) in [(true, true), (true, false), (false, true), (false, false)] {
        let lifetime = cursors.then_some(Duration::from_secs(60));
        let server = builder().sorting(sorting).cursors(lifetime).build().unwrap();
        let body = get(&server, "/openapi.json").await.body;
        let schemas = &body["components"]["schemas"];
        let search = &schemas["SearchRequest"]["properties"];
        let offered = [("sortBy", sorting), ("sortOrder", sorting), ("cursor", cursors)];
        for path in ["/Users", "/"] {
            let parameters = body["paths"][path]["get"]["parameters"].as_array().unwrap();
            for (name, is_offered) in offered {
                let is_named = parameters.iter().any(|parameter| parameter["name"] == name);
                assert_eq!((is_named, search.get(name).is_some()), (is_offered, is_offered), "{path} {name}");
            }
        }
        for (path, method) in
            [("/Users", "get"), ("/", "get"), ("/Users/.search", "post"), ("/.search", "post")]
        {
            let refusal = body["paths"][path][method]["responses"].get("501");
            assert_eq!(refusal.is_some(), !(sorting && cursors), "{method} {path}");
        }
        assert_eq!(schemas["UserList"]["properties"].get("nextCursor").is_some(), cursors);
        // The server does what the description says.
        for (query, is_offered) in [("sortBy=userName", sorting), ("cursor=", cursors)] {
            let status = get(&server, &format!("/Users?{query}")).await.status;
            assert_eq!(status, if is_offered { 200 } else { 501 }, "{query}");
        }
        let config = get(&server, "/ServiceProviderConfig").await.body;
        assert_eq!(
            (config.get("pagination").is_some(), &config["sort"]["supported"]),
            (cursors, &json!(sorting))
        );
    }
}

#[tokio::test]
async fn disc_009_openapi_is_open_where_it_is_said_to_be() {
    for (open, status) in [(false, 401), (true, 200)] {
        let server = builder().open_api_description(open).build().unwrap();
        let ask = async |method, path: &str| {
            let request = Request::builder().method(method).uri(format!("/scim/v2{path}"));
            send(&server, request.body(Bytes::new()).unwrap()).await
        };
        assert_eq!(ask(Method::GET, "/openapi.json").await.status, status);
        assert_eq!(ask(Method::HEAD, "/openapi.json").await.status, status);
        assert_eq!(get(&server, "/openapi.json").await.status, 200);
        for (method, path) in
            [(Method::POST, "/openapi.json"), (Method::GET, "/Schemas"), (Method::GET, "/Users/openapi.json")]
        {
            ask(method, path).await.refused(401, "");
        }
    }
}
