//! The interface that scripts rely on: the ready line, tokens, exit codes, a clean stop.

use std::process::Stdio;

use scim_client::Query;
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
    assert_eq!(server.token, "one");
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

#[tokio::test]
async fn wrong_arguments_say_what_is_wrong() {
    for (arguments, word) in [
        (vec!["serve", "--product", "ghes"], "ghec"),
        (vec!["serve", "--short-code", "x", "--listen", "127.0.0.1:0"], "short code"),
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
