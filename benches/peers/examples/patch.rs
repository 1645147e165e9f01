//! What the other crates do with PATCH requests whose result RFC 7644 §3.5.2 defines.

#![allow(clippy::expect_used, reason = "an example that cannot run shows nothing")]

use rustauth_core::db::User;
use rustauth_scim::patch::{PatchOperation, build_user_patch};
use scim_peers::patch::{TheirStore, user};
use serde_json::{Value, json};

const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
const DEPARTMENT_AT: &str = "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department";

fn main() {
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "Two",
        "members": [{"value": "a"}, {"value": "b"}],
    });
    let in_group = |operation, at, expected| scim_server("Group", &group, operation, at, &expected);
    let (two, three) = (json!([{"value": "b"}]), json!([{"value": "a"}, {"value": "b"}, {"value": "c"}]));
    in_group(json!({"op": "add", "path": "members", "value": [{"value": "c"}]}), "/members", three.clone());
    in_group(json!({"op": "add", "value": {"members": [{"value": "c"}]}}), "/members", three);
    in_group(json!({"op": "remove", "path": "members[value eq \"a\"]"}), "/members", two.clone());
    in_group(json!({"op": "remove", "path": "members", "value": [{"value": "a"}]}), "/members", two);

    let user = user();
    let in_user = |operation, at, expected| scim_server("User", &user, operation, at, &expected);
    in_user(json!({"op": "replace", "path": "displayName", "value": "B"}), "/displayName", json!("B"));
    in_user(json!({"op": "replace", "path": "displayname", "value": "B"}), "/displayName", json!("B"));
    let name = json!({"op": "replace", "path": "name", "value": {"givenName": "B"}});
    in_user(name, "/name/familyName", json!("Jensen"));
    let email = json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@example.com"});
    in_user(email, "/emails/0/value", json!("b@example.com"));
    in_user(json!({"op": "replace", "path": DEPARTMENT, "value": "B"}), DEPARTMENT_AT, json!("B"));
    in_user(json!({"op": "replace", "path": "id", "value": "B"}), "/id", user["id"].clone());
    in_user(json!({"op": "remove", "path": "userName"}), "/userName", user["userName"].clone());

    rustauth_scim("displayName", json!("B"));
    rustauth_scim("name.givenName", json!("B"));
    rustauth_scim("emails[type eq \"work\"].value", json!("b@example.com"));
    rustauth_scim("active", json!(false));
}

fn scim_server(kind: &'static str, resource: &Value, operation: Value, at: &str, expected: &Value) {
    print!("scim-server: {operation}: ");
    match TheirStore::new(kind, resource.clone(), [operation.clone(), operation]).answer() {
        Ok(answer) if answer.pointer(at) == Some(expected) => println!("right"),
        Ok(answer) => println!("WRONG: {at} is {}", answer.pointer(at).unwrap_or(&Value::Null)),
        Err(error) => println!("REFUSED: {error}"),
    }
}

/// Tries `rustauth-scim`, whose PATCH writes columns of its tables.
fn rustauth_scim(path: &str, value: Value) {
    let user: User = serde_json::from_value(json!({
        "id": "1", "name": "Barbara Jensen", "email": "bjensen@example.com", "email_verified": true,
        "emailVerified": true, "image": null,
        "created_at": "2026-11-22T00:00:00Z", "updated_at": "2026-11-22T00:00:00Z",
        "createdAt": "2026-11-22T00:00:00Z", "updatedAt": "2026-11-22T00:00:00Z",
    }))
    .expect("a user");
    let patch = build_user_patch(&user, &[PatchOperation::replace_json(Some(path), value)]);
    match patch {
        Ok(patch) => {
            println!("rustauth-scim: replace {path}: user {:?}, profile {:?}", patch.user, patch.profile)
        }
        Err(error) => println!("rustauth-scim: replace {path}: REFUSED: {error:?}"),
    }
}
