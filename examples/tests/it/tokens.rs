//! Where tokens come from, and where they must not appear.

use std::path::Path;
use std::process::{Output, Stdio};

use scim_client::Query;
use tokio::process::Command;

use crate::server::Server;

const STANDALONE: &str = env!("CARGO_BIN_EXE_standalone");
const EMU: &str = env!("CARGO_BIN_EXE_emu");
const NORTHWIND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/directory/northwind.json");
/// The output of `printf %s secret | sha256sum`.
const DIGEST: &str = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

/// Starts a server on any free port, with these arguments and this environment variable.
async fn serve(program: &str, arguments: &[&str], variable: Option<&str>) -> Server {
    let mut command = Command::new(program);
    if program == EMU {
        command.arg("serve");
    }
    command.args(["--listen", "127.0.0.1:0"]).args(arguments).env_remove("SCIM_TOKEN");
    Server::start_with(command.envs(variable.map(|text| ("SCIM_TOKEN", text)))).await
}

async fn lets_in(server: &Server, token: &str) -> bool {
    let client = scim_client::Client::builder(&server.base_url).bearer_token(token).build().unwrap();
    client.users().list(&Query::new()).await.is_ok()
}

fn file(folder: &Path, text: &str) -> String {
    let path = folder.join("tokens");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn tokens_come_from_files_the_environment_and_digests() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), &format!("# the provider\nfirst\n{DIGEST}\n"));
    for program in [STANDALONE, EMU] {
        for (arguments, variable, good, bad) in [
            (&["--token-file", &path][..], Some("other"), &["first", "secret"][..], &["other", DIGEST][..]),
            (&["--token-file", &path, "--token", "third"], None, &["first", "secret", "third"], &["T"]),
            (&["--token", DIGEST], None, &["secret"], &[DIGEST]),
            (&["--token", "third"], Some("other"), &["third"], &["other"]),
            (&[], Some("other"), &["other"], &["secret"]),
            (&[], Some(DIGEST), &["secret"], &[DIGEST]),
        ] {
            let server = serve(program, arguments, variable).await;
            assert_eq!(server.ready.get("token"), None, "{arguments:?}: {}", server.ready);
            for token in good {
                assert!(lets_in(&server, token).await, "{arguments:?}, {variable:?}: {token}");
            }
            for token in bad {
                assert!(!lets_in(&server, token).await, "{arguments:?}, {variable:?}: {token}");
            }
        }
        let server = serve(program, &[], None).await;
        assert!(lets_in(&server, server.ready["token"].as_str().unwrap()).await, "one is minted");
    }
}

#[tokio::test]
async fn scopes_stand_behind_any_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "fits=repo,admin:enterprise\nlacks=repo\n");
    let lacks = format!("{DIGEST}=repo");
    let fits = format!("{DIGEST}=scim:enterprise");
    for (arguments, variable, token, expected) in [
        (&["--token-file", &path][..], None, "fits", true),
        (&["--token-file", &path], None, "lacks", false),
        (&["--token", &fits], None, "secret", true),
        (&["--token", &lacks], None, "secret", false),
        (&[], Some("other=scim:enterprise"), "other", true),
        (&[], Some("other=repo"), "other", false),
    ] {
        let server = serve(EMU, arguments, variable).await;
        assert_eq!(lets_in(&server, token).await, expected, "{arguments:?}, {variable:?}");
    }
}

async fn output(program: &str, arguments: &[&str], variable: Option<&str>) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env_remove("SCIM_TOKEN").stdin(Stdio::null());
    command.envs(variable.map(|text| ("SCIM_TOKEN", text))).output().await.unwrap()
}

#[tokio::test]
async fn a_given_token_is_never_printed() {
    for (program, name) in [(STANDALONE, "standalone"), (EMU, "emu")] {
        // Everything that it prints until it is told to stop.
        let script = format!(
            "'{program}' {} --listen 127.0.0.1:0 --token s3cret-argument >ready 2>log & \
             while [ ! -s ready ]; do kill -0 $! || exit 1; sleep 0.05; done; kill -TERM $!; wait $!",
            if name == "emu" { "serve" } else { "" }
        );
        let folder = tempfile::tempdir().unwrap();
        let status =
            Command::new("sh").args(["-c", &script]).current_dir(folder.path()).status().await.unwrap();
        assert!(status.success(), "{name}");
        let read = |file: &str| std::fs::read_to_string(folder.path().join(file)).unwrap();
        let said = format!("{}{}", read("ready"), read("log"));
        assert!(
            said.contains("base_url") && said.contains("$SCIM_TOKEN") && !said.contains("s3cret"),
            "{said}"
        );
        let help =
            output(program, if name == "emu" { &["serve", "--help"] } else { &["--help"] }, Some("s3cret"))
                .await;
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(!help.contains("[env: SCIM_TOKEN=s3cret"), "{help}");
        for word in ["--token-file", "SCIM_TOKEN", "sha256:", "Other users of this machine"] {
            assert!(help.contains(word), "{name} --help lacks {word}: {help}");
        }
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_without_being_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "# nothing yet\n");
    for (arguments, variable, word) in [
        (&["--token", ""][..], None, "must not be empty"),
        (&["--token", "sha256:s3cret"], None, "64 hexadecimal digits"),
        (&["--token-file", &path], None, "holds no token"),
        (&["--token-file", "nowhere"], None, "cannot read `nowhere`"),
        (&[], Some(""), "SCIM_TOKEN is empty"),
    ] {
        for (program, command) in
            [(STANDALONE, &["--listen", "127.0.0.1:0"][..]), (EMU, &["serve", "--listen", "127.0.0.1:0"])]
        {
            let output = output(program, &[command, arguments].concat(), variable).await;
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                !output.status.success() && said.contains(word) && !said.contains("s3cret"),
                "{arguments:?}: {said}"
            );
        }
    }
}

#[tokio::test]
async fn emu_provision_takes_its_token_from_a_file_or_the_environment() {
    let server = serve(EMU, &["--token", DIGEST], None).await;
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "secret\n");
    let begin = ["provision", "--target", &server.base_url, "--directory", NORTHWIND];
    for (arguments, variable) in [(&["--token-file", &path][..], Some("wrong")), (&[], Some("secret"))] {
        let output = output(EMU, &[&begin, arguments].concat(), variable).await;
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for (arguments, variable, word) in [
        (&[][..], None, "--token-file"),
        (&["--token", ""], None, "must not be empty"),
        (&["--token", DIGEST], None, "give the token itself"),
        (&[], Some("one\ntwo"), "more than one token"),
        (&["--token", "secret", "--token-file", &path], None, "cannot be used with"),
    ] {
        let output = output(EMU, &[&begin, arguments].concat(), variable).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(word), "{arguments:?}: {said}");
    }
}
