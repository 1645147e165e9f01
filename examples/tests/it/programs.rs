//! The interface that scripts rely on: the ready line, tokens, exit codes, and a clean stop.

use std::process::Stdio;

use scim_client::Query;
use scim_provision::{Directory, Status};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::server::{Server, directory};

const NORTHWIND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/directory/northwind.json");

#[tokio::test]
async fn emu_serve_says_when_it_is_ready_and_stops_cleanly() {
    let server = Server::start(
        env!("CARGO_BIN_EXE_emu"),
        &["serve", "--listen", "127.0.0.1:0", "--enterprise", "acme"],
    )
    .await;
    assert!(
        server.base_url.starts_with("http://127.0.0.1:")
            && server.base_url.ends_with("/scim/v2/enterprises/acme")
    );
    assert!(server.token.len() >= 32, "a token is minted when none is given");
    assert_eq!(server.client().users().list(&Query::new()).await.unwrap().total_results, 0);
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn emu_serve_takes_tokens_with_scopes() {
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--token",
        "one",
        "--token",
        "two=repo,admin:enterprise",
        "--token",
        "three=repo",
    ];
    let server = Server::start(env!("CARGO_BIN_EXE_emu"), &arguments).await;
    assert_eq!(server.ready.get("token"), None, "a token that was given is not printed");
    for (token, fits) in [("one", true), ("two", true), ("three", false), ("four", false)] {
        let client = scim_client::Client::builder(&server.base_url).bearer_token(token).build().unwrap();
        assert_eq!(client.users().list(&Query::new()).await.is_ok(), fits, "{token}");
    }
}

#[tokio::test]
async fn standalone_serves_the_plain_protocol() {
    let server = Server::start(
        env!("CARGO_BIN_EXE_standalone"),
        &["--listen", "127.0.0.1:0", "--token", "T", "--leniency", "strict"],
    )
    .await;
    assert!(server.base_url.ends_with("/scim/v2"));
    let config = server.client().service_provider_config().await.unwrap();
    assert!(config.patch.supported && config.filter.supported);
    let made = server.client().users().create(&scim_core::User::new("ada")).await.unwrap();
    assert_eq!(made.resource.user_name, "ada");
    assert!(server.terminate().await.success());
}

#[tokio::test]
async fn standalone_switches_cursors_off_and_opens_its_description() {
    let program = env!("CARGO_BIN_EXE_standalone");
    for (arguments, cursors, described) in [
        (&["--listen", "127.0.0.1:0"][..], true, 401),
        (&["--listen", "127.0.0.1:0", "--no-cursors", "--open-api-description"], false, 200),
    ] {
        let server = Server::start(program, arguments).await;
        assert_eq!(server.public_url, server.base_url);
        let config = server.client().service_provider_config().await.unwrap();
        assert_eq!(config.pagination.is_some(), cursors, "{arguments:?}");
        let answer = reqwest::get(format!("{}/openapi.json", server.base_url)).await.unwrap();
        assert_eq!(answer.status(), described, "{arguments:?}");
    }
}

#[tokio::test]
async fn a_public_url_is_in_answers_whether_a_proxy_keeps_its_path_or_not() {
    let (standalone, emu) = (env!("CARGO_BIN_EXE_standalone"), env!("CARGO_BIN_EXE_emu"));
    let listen = ["--listen", "127.0.0.1:0", "--token", "T"];
    for public in ["https://scim.example.com", "https://example.com/gate/one/"] {
        for (program, command, path) in
            [(standalone, None, "/scim/v2"), (emu, Some("serve"), "/scim/v2/enterprises/octo")]
        {
            let arguments = [listen.as_slice(), &["--public-url", public]].concat();
            let arguments: Vec<&str> = command.into_iter().chain(arguments).collect();
            let server = Server::start(program, &arguments).await;
            let public = public.trim_end_matches('/');
            assert_eq!(server.public_url, format!("{public}{path}"));
            assert!(server.base_url.starts_with("http://127.0.0.1:") && server.base_url.ends_with(path));

            let client = reqwest::Client::builder().user_agent("test").build().unwrap();
            let group = json!({"schemas": [scim_core::urn::GROUP], "displayName": "g", "externalId": "g"});
            let made = client.post(format!("{}/Groups", server.base_url)).bearer_auth("T");
            let made = made.header("content-type", "application/scim+json").body(group.to_string());
            let made = made.send().await.unwrap();
            let location = made.headers()["location"].to_str().unwrap().to_owned();
            let body: Value = serde_json::from_slice(&made.bytes().await.unwrap()).unwrap();
            assert!(location.starts_with(&format!("{public}{path}/Groups/")), "{location}");
            assert_eq!(body["meta"]["location"], *location);

            // A proxy may keep the path of the location, or remove the path of the public URL.
            let host = server.base_url.strip_suffix(path).unwrap();
            let kept = location.splitn(4, '/').nth(3).unwrap();
            let below = location.strip_prefix(public).unwrap();
            for url in [format!("{host}/{kept}"), format!("{host}{below}")] {
                let read = client.get(&url).bearer_auth("T").send().await.unwrap();
                assert_eq!(read.status(), 200, "{url}");
                let read: Value = serde_json::from_slice(&read.bytes().await.unwrap()).unwrap();
                assert_eq!(read, body, "{url}");
            }
        }
    }
}

#[tokio::test]
async fn a_client_uses_tags_of_people_in_groups_on_both_stores() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scim.db").to_str().unwrap().to_owned();
    for data in [":memory:", &file] {
        let arguments = ["--listen", "127.0.0.1:0", "--token", "T", "--data", data];
        let server = Server::start(env!("CARGO_BIN_EXE_standalone"), &arguments).await;
        let client = server.client();
        let ada = client.users().create(&scim_core::User::new("ada")).await.unwrap();
        let id = ada.resource.id.clone().unwrap();
        let team = scim_core::Group::new("team").with_members([scim_core::MemberRef::new(&id)]);
        let team = client.groups().create(&team).await.unwrap();

        let alone = ada.etag.unwrap();
        // The user joined a group.
        let joined = client.users().get_if_changed(&id, &alone).await.unwrap().unwrap();
        let tag = joined.etag.unwrap();
        assert_eq!(joined.resource.groups.len(), 1);
        assert!(client.users().get_if_changed(&id, &tag).await.unwrap().is_none(), "{data}: {tag}");
        let (team_id, team_tag) = (team.resource.id.unwrap(), team.etag.unwrap());
        assert!(client.groups().get_if_changed(&team_id, &team_tag).await.unwrap().is_none(), "{data}");
        let mut renamed = joined.resource;
        renamed.title = Some("t".into());
        client.users().replace_if(&id, &renamed, &tag).await.unwrap();
        assert!(client.users().delete_if(&id, &tag).await.unwrap_err().is_precondition_failed(), "{data}");
    }
}

/// Over the wire nothing follows the head of an answer to HEAD, and its length is that of GET (RFC 9110 §9.3.2).
#[tokio::test]
async fn head_has_the_length_of_get_and_leaves_the_connection_usable() {
    let server =
        Server::start(env!("CARGO_BIN_EXE_standalone"), &["--listen", "127.0.0.1:0", "--token", "T"]).await;
    let client = reqwest::Client::new();
    for path in ["/Users", "/ServiceProviderConfig", "/Users/none"] {
        let url = format!("{}{path}", server.base_url);
        let got = client.get(&url).bearer_auth("T").send().await.unwrap();
        let head = client.head(&url).bearer_auth("T").send().await.unwrap();
        assert_eq!(head.status(), got.status(), "{path}");
        assert_eq!(head.headers()["content-length"], got.headers()["content-length"], "{path}");
        assert!(head.bytes().await.unwrap().is_empty(), "{path}");
    }
}

#[tokio::test]
async fn standalone_backs_up_the_file_of_a_running_server_and_shares_it_with_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, copy) = (path("scim.db"), path("copy.db"));
    let program = env!("CARGO_BIN_EXE_standalone");
    let serve = |data| ["--listen", "127.0.0.1:0", "--token", "T", "--data", data];
    let server = Server::start(program, &serve(&data)).await;
    server.client().users().create(&scim_core::User::new("ada")).await.unwrap();

    let output = Command::new(program).args(serve(&data)).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("in use by process"), "{text}");

    let backup = async || {
        let arguments = ["backup", "--data", &data, "--to", &copy];
        Command::new(program).args(arguments).output().await.unwrap()
    };
    let output = backup().await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = backup().await;
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("is there already"), "{text}");

    let restored = Server::start(program, &serve(&copy)).await;
    let users = restored.client().users().list(&Query::new()).await.unwrap();
    assert_eq!(users.resources[0].user_name, "ada");
    assert!(restored.terminate().await.success() && server.terminate().await.success());
}

#[tokio::test]
async fn emu_provision_twice_changes_nothing_the_second_time() {
    let server = Server::emu(":memory:").await;
    let provision = async || {
        let output = Command::new(env!("CARGO_BIN_EXE_emu"))
            .args(["provision", "--target", &server.base_url, "--token", "T", "--directory", NORTHWIND])
            .stderr(Stdio::piped())
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(provision().await.contains("now holds what the directory says"));
    assert!(provision().await.contains("Nothing to change"));
    assert_eq!(scim_provision::verify(&server.client(), &directory()).await.unwrap(), []);
}

/// Returns a few people of the sample before and after a change.
///
/// With `gaps`, one of them has neither e-mail address nor department at first, which GitHub does not accept.
fn before_and_after(gaps: bool) -> [Directory; 2] {
    let mut before = directory();
    before.users.truncate(40);
    let kept: Vec<String> = before.users.iter().map(|person| person.id.clone()).collect();
    for person in &mut before.users {
        person.manager = person.manager.take().filter(|id| kept.contains(id));
    }
    for group in &mut before.groups {
        group.members.retain(|id| kept.contains(id));
    }
    let mut after = before.clone();
    if gaps {
        (before.users[39].mail, before.users[39].department) = (None, None);
    }
    after.users[0].display_name = "Somebody Else".into();
    after.users[0].mail = Some("somebody.else@northwind.example".into());
    after.users[1].status = Status::Suspended;
    after.groups.iter_mut().for_each(|group| group.members.truncate(2));
    [before, after]
}

/// Without a dialect, a strict provider gets requests that it accepts.
#[tokio::test]
async fn emu_provision_into_a_strict_provider_and_in_each_dialect_into_the_emulator() {
    let strict = ["--listen", "127.0.0.1:0", "--token", "T", "--leniency", "strict"];
    let strict = Server::start(env!("CARGO_BIN_EXE_standalone"), &strict).await;
    let emulator = Server::emu(":memory:").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("directory.json");
    for (server, extra, gaps) in [
        (&strict, &["--enterprise-extension"][..], true),
        (&emulator, &["--dialect", "rfc"], false),
        (&emulator, &["--dialect", "entra"], false),
        (&emulator, &["--dialect", "entra-flag"], false),
    ] {
        for directory in before_and_after(gaps) {
            std::fs::write(&file, serde_json::to_vec(&directory).unwrap()).unwrap();
            for unchanged in [false, true] {
                let output = Command::new(env!("CARGO_BIN_EXE_emu"))
                    .args(["provision", "--target", &server.base_url, "--token", "T", "--directory"])
                    .arg(&file)
                    .args(extra)
                    .output()
                    .await
                    .unwrap();
                let text = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{extra:?}: {text}");
                let text = String::from_utf8_lossy(&output.stdout);
                assert_eq!(text.contains("Nothing to change"), unchanged, "{extra:?}: {text}");
            }
            assert_eq!(scim_provision::verify(&server.client(), &directory).await.unwrap(), [], "{extra:?}");
        }
    }
}

#[tokio::test]
async fn wrong_arguments_say_what_is_wrong() {
    for (arguments, word) in [
        (vec!["serve", "--product", "ghes"], "ghec"),
        (vec!["serve", "--short-code", "x", "--listen", "127.0.0.1:0"], "short code"),
        (vec!["serve", "--public-url", "example.com", "--listen", "127.0.0.1:0"], "base url"),
        (
            vec![
                "provision",
                "--target",
                "http://example.com/scim",
                "--token",
                "T",
                "--directory",
                NORTHWIND,
            ],
            "https",
        ),
        (
            vec![
                "provision",
                "--target",
                "http://127.0.0.1:1",
                "--token",
                "T",
                "--directory",
                "nowhere.json",
            ],
            "nowhere.json",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_emu")).args(&arguments).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stderr).to_lowercase();
        assert!(!output.status.success() && text.contains(word), "{arguments:?}: {text}");
    }
}
