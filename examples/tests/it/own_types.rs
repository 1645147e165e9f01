//! `standalone` with schemas and resource types from files: CRUD over a socket, and errors that name the file.

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::server::Server;

/// Two files, and what is needed to create a resource of the type that they describe.
struct Files {
    schemas: PathBuf,
    resource_types: PathBuf,
    /// A unique text attribute, a number, and a multi-valued attribute with `value` and `type`.
    names: [&'static str; 3],
    extension: Value,
}

fn own() -> Files {
    let folder = scim_testdata::folder().join("standalone");
    Files {
        schemas: folder.join("schemas.json"),
        resource_types: folder.join("resource_type.json"),
        names: ["serial", "height", "parts"],
        extension: json!({"number": "L-1"}),
    }
}

fn vendor() -> Option<Files> {
    let folder = scim_testdata::cases()?.join("vendor");
    Some(Files {
        schemas: folder.join("testsuite_schemas.json"),
        resource_types: folder.join("testsuite_resource_types.json"),
        names: ["identifier", "integerAttr", "multiComplex"],
        extension: json!({"extRequired": "r", "extInteger": 9_007_199_254_740_993_i64}),
    })
}

impl Files {
    async fn serve(&self) -> Server {
        let arguments = [
            "--listen",
            "127.0.0.1:0",
            "--token",
            "T",
            "--schema",
            self.schemas.to_str().unwrap(),
            "--resource-type",
            self.resource_types.to_str().unwrap(),
        ];
        Server::start(env!("CARGO_BIN_EXE_standalone"), &arguments).await
    }
}

async fn call(server: &Server, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let url = format!("{}{path}", server.base_url);
    let mut request = reqwest::Client::new().request(method, url).bearer_auth(&server.token);
    if let Some(body) = body {
        request = request.header("content-type", "application/scim+json").body(body.to_string());
    }
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
}

async fn all_of_crud(files: &Files) {
    let server = files.serve().await;
    let get = async |path: &str| call(&server, Method::GET, path, None).await;

    let listed = get("/ResourceTypes").await.1;
    let types = listed["Resources"].as_array().unwrap();
    assert_eq!(types.len(), 3, "beside User and Group");
    let resource_type = types.iter().find(|one| one["name"] != "User" && one["name"] != "Group").unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (name, endpoint) = (text(&resource_type["name"]), text(&resource_type["endpoint"]));
    let (base, urn) = (text(&resource_type["schema"]), text(&resource_type["schemaExtensions"][0]["schema"]));
    assert_eq!(resource_type["schemaExtensions"][0]["required"], true);
    for urn in [&base, &urn] {
        let (status, schema) = get(&format!("/Schemas/{urn}")).await;
        assert_eq!((status, &schema["id"]), (200, &json!(urn)), "CORE-077");
    }

    let [key, number, many] = files.names;
    let body = |value: &str| {
        json!({
            "schemas": [base, urn], key: value, number: 7, &urn: files.extension,
            many: [{"value": "a", "type": "x"}, {"value": "b", "type": "y"}],
        })
    };
    let (status, made) = call(&server, Method::POST, &endpoint, Some(&body("One"))).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["meta"]["resourceType"], json!(name));
    let path = format!("{endpoint}/{}", made["id"].as_str().unwrap());
    assert_eq!(made["meta"]["location"], format!("{}{path}", server.base_url));
    assert_eq!(get(&path).await, (200, made.clone()));
    for (name, value) in body("One").as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }

    let (status, clash) = call(&server, Method::POST, &endpoint, Some(&body("ONE"))).await;
    assert_eq!((status, &clash["scimType"]), (409, &json!("uniqueness")));
    let (status, _) = call(&server, Method::POST, &endpoint, Some(&body("Two"))).await;
    assert_eq!(status, 201);

    // The extension is required, and so is one of its attributes.
    let mut without = body("Three");
    without.as_object_mut().unwrap().remove(&urn);
    let mut hollow = body("Three");
    hollow[&urn] = json!({});
    for (method, to) in [(Method::POST, &endpoint), (Method::PUT, &path)] {
        for body in [&without, &hollow] {
            let (status, error) = call(&server, method.clone(), to, Some(body)).await;
            assert_eq!((status, &error["scimType"]), (400, &json!("invalidValue")), "{error}");
            assert!(error["detail"].as_str().unwrap().contains(&urn), "{error}");
        }
    }
    let remove =
        json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [{"op": "remove", "path": urn}]});
    let (status, error) = call(&server, Method::PATCH, &path, Some(&remove)).await;
    assert_eq!(status, 400, "{error}");

    for (filter, total) in [
        (format!("{key} eq \"one\""), 1),
        (format!("{number} ge 7"), 2),
        (format!("{many}[type eq \"x\" and value eq \"a\"]"), 2),
        (format!("{urn}:{} pr", files.extension.as_object().unwrap().keys().next().unwrap()), 2),
        (format!("{number} gt 7"), 0),
    ] {
        let encoded: String = reqwest::Url::parse_with_params("http://h", [("filter", &filter)])
            .unwrap()
            .query()
            .unwrap()
            .to_owned();
        let (status, list) = get(&format!("{endpoint}?{encoded}")).await;
        assert_eq!((status, &list["totalResults"]), (200, &json!(total)), "{filter}: {list}");
    }

    let mut other = body("One");
    other[number] = json!(8);
    other.as_object_mut().unwrap().remove(many);
    let (status, replaced) = call(&server, Method::PUT, &path, Some(&other)).await;
    assert_eq!((status, &replaced[number]), (200, &json!(8)));
    assert!(replaced.get(many).is_none());
    let operations = json!([
        {"op": "add", "path": many, "value": [{"value": "c", "type": "z"}]},
        {"op": "replace", "path": format!("{many}[type eq \"z\"].value"), "value": "d"},
        {"op": "remove", "path": number},
    ]);
    let patch = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": operations});
    let (status, patched) = call(&server, Method::PATCH, &path, Some(&patch)).await;
    assert_eq!((status, &patched[many]), (200, &json!([{"value": "d", "type": "z"}])));
    assert!(patched.get(number).is_none() && patched[&urn] == files.extension);

    assert_eq!(call(&server, Method::DELETE, &path, None).await.0, 204);
    assert_eq!(get(&path).await.0, 404);
    assert_eq!(get(&endpoint).await.1["totalResults"], 1);
    assert!(
        server.client().users().create(&scim_core::User::new("ada")).await.is_ok(),
        "the standard types stay"
    );
}

#[tokio::test]
async fn core_075_standalone_serves_types_of_ones_own() {
    all_of_crud(&own()).await;
}

#[tokio::test]
async fn core_075_standalone_serves_the_types_of_other_suites() {
    if let Some(files) = vendor() {
        all_of_crud(&files).await;
    }
}

#[tokio::test]
async fn core_074_standalone_says_which_file_is_at_fault() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = file("good.json", r#"{"id": "urn:g", "name": "G", "attributes": [{"name": "a"}]}"#);
    let type_of = |endpoint: &str, schema: &str| {
        format!(r#"{{"name": "G", "endpoint": "{endpoint}", "schema": "{schema}"}}"#)
    };
    let numbers = std::cell::Cell::new(0);
    let bad = |content: &str| {
        numbers.set(numbers.get() + 1);
        file(&format!("{}-bad.json", numbers.get()), content)
    };
    let schema = |content: &str| ("--schema", bad(content));
    let resource_type = |content: &str| ("--resource-type", bad(content));
    for ((option, path), words) in [
        (schema("{"), &["line 1"][..]),
        (schema("7"), &["object"]),
        (schema(r#"{"name": "x"}"#), &["id"]),
        (
            schema(r#"[{"id": "urn:x", "attributes": []}, {"id": "urn:y", "attributes": [{"name": "1a"}]}]"#),
            &["document 2", "1a"],
        ),
        (schema(r#"{"id": "urn:g", "attributes": []}"#), &["urn:g", "twice"]),
        (("--schema", "nowhere/bad.json".to_owned()), &["cannot read"]),
        (resource_type(r#"{"name": "G"}"#), &["endpoint"]),
        (resource_type(&type_of("/Gs", "urn:none")), &["urn:none"]),
        (resource_type(&type_of("Gs", "urn:g")), &["endpoint", "Gs"]),
        (resource_type(&type_of("/Users", "urn:g")), &["/Users", "twice"]),
        (resource_type(&type_of("/Schemas", "urn:g")), &["/Schemas"]),
        (resource_type(&type_of("/a/b", "urn:g")), &["/a/b"]),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_standalone"))
            .args(["--listen", "127.0.0.1:0", "--schema", &good, option, &path])
            .output()
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{words:?}");
        assert!(text.contains("bad.json"), "{words:?}: {text}");
        for word in words {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}
