//! What a server does when its disk fails.

use scim_client::Query;
use serde_json::json;
use tokio::process::Command;

use crate::server::Server;

/// Limits each file to a few MB. For SQLite that is a disk that does not keep what is written.
///
/// The shell's `ulimit` counts in units of 512 or of 1,024 bytes.
const LIMITED: &str = r#"ulimit -f 6000; trap '' XFSZ; exec "$0" "$@""#;

#[tokio::test]
async fn a_server_whose_disk_fails_ends_with_a_code_of_its_own_and_recovers() {
    for (program, serve) in
        [(env!("CARGO_BIN_EXE_standalone"), None), (env!("CARGO_BIN_EXE_emu"), Some("serve"))]
    {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("scim.db").to_str().unwrap().to_owned();
        let arguments: Vec<&str> =
            serve.into_iter().chain(["--listen", "127.0.0.1:0", "--token", "T", "--data", &data]).collect();
        let server =
            Server::start_with(Command::new("sh").args(["-c", LIMITED, program]).args(&arguments)).await;
        let mut created = 0;
        let refusal = loop {
            let user = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "externalId": format!("e{created}"), "userName": format!("u{created}"), "displayName": "U",
                "name": {"givenName": "g", "familyName": "f", "formatted": "g".repeat(30_000)}, "active": true,
                "emails": [{"value": format!("u{created}@example.com"), "type": "work", "primary": true}],
            });
            let url = format!("{}/Users", server.base_url);
            let answer = reqwest::Client::new().post(url).bearer_auth("T").body(user.to_string());
            let answer =
                answer.header("Content-Type", "application/scim+json").header("User-Agent", "tests/1");
            let answer = answer.send().await.unwrap();
            match answer.status().as_u16() {
                201 => created += 1,
                status => break format!("{status} {}", answer.text().await.unwrap()),
            }
        };
        assert!(created > 10 && refusal.starts_with("503 ") && refusal.contains("disk"), "{refusal}");
        assert_eq!(server.ended().await.code(), Some(74));

        let again = Server::start(program, &arguments).await;
        let found = again.client().users().list(&Query::new().count(0)).await.unwrap().total_results;
        assert!(found == created || found == created + 1, "{found} of {created}");
    }
}

/// Requests a path at the server's own address.
async fn probe(server: &Server, path: &str) -> (u16, String) {
    let origin = server.base_url.split("/scim").next().unwrap();
    let answer = reqwest::get(format!("{origin}{path}")).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_server_says_without_a_token_whether_it_can_write() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("scim.db").to_str().unwrap().to_owned();
    let arguments = ["--listen", "127.0.0.1:0", "--token", "T", "--data", &data];
    let standalone = Server::start(env!("CARGO_BIN_EXE_standalone"), &arguments).await;
    for server in [standalone, Server::emu(":memory:").await] {
        for path in ["/healthz", "/readyz"] {
            assert_eq!(probe(&server, path).await, (200, String::new()), "{path}");
        }
        assert_ne!(probe(&server, "/healthz/").await.0, 200);
    }
}
