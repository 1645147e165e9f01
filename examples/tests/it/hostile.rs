//! Hostile requests over a real socket.
//!
//! Each gets the right status and a SCIM error that names the fault, and the server continues to serve.

use serde_json::Value;

use crate::server::Server;

struct Asked {
    status: u16,
    body: Value,
}

async fn ask(request: reqwest::RequestBuilder) -> Asked {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    Asked { status, body: serde_json::from_slice(&bytes).unwrap() }
}

#[tokio::test]
async fn e_6_e_9_e_75_each_fault_is_named_and_the_server_goes_on() {
    let server = Server::emu(":memory:").await;
    let plain = reqwest::Client::new();
    let http = reqwest::Client::builder().user_agent("stranger").build().unwrap();
    let users = format!("{}/Users", server.base_url);
    let post = |body: Vec<u8>| {
        http.post(&users).bearer_auth("T").header("content-type", "application/scim+json").body(body)
    };
    let patch = r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"nope","value":1}]}"#;
    let made = ask(post(
        br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"1","userName":"ada","displayName":"Ada","active":true,"emails":[{"value":"a@x","type":"work","primary":true}]}"#.to_vec(),
    ))
    .await;
    assert_eq!(made.status, 201);
    let one = format!("{users}/{}", made.body["id"].as_str().unwrap());
    let deep = format!("{}userName pr{}", "(".repeat(10_000), ")".repeat(10_000));
    for (name, request, status, scim_type, word) in [
        ("malformed JSON", post(b"{\"userName\": ".to_vec()), 400, "invalidSyntax", "JSON"),
        ("a wrong token", http.get(&users).bearer_auth("wrong"), 401, "", "token"),
        ("no User-Agent", plain.get(&users).bearer_auth("T"), 403, "", "User-Agent"),
        ("an unknown path", http.patch(&one).bearer_auth("T").body(patch), 400, "invalidPath", "nope"),
        (
            "a deep filter",
            http.get(&users).bearer_auth("T").query(&[("filter", &deep)]),
            400,
            "invalidFilter",
            "deep",
        ),
        ("a 50 MB body", post(vec![b' '; 50_000_000]), 413, "", "1048576"),
    ] {
        let asked = ask(request).await;
        assert_eq!(asked.status, status, "{name}: {}", asked.body);
        assert_eq!(asked.body["schemas"][0], scim_core::urn::ERROR, "{name}");
        assert_eq!(asked.body["status"], status.to_string(), "{name}");
        assert_eq!(asked.body["scimType"].as_str().unwrap_or_default(), scim_type, "{name}");
        assert!(asked.body["detail"].as_str().unwrap().contains(word), "{name}: {}", asked.body);
        assert_eq!(ask(http.get(&one).bearer_auth("T")).await.status, 200, "after {name}");
    }
}
