//! What is passed over is named in a header, and in each result of a bulk request.

use http::Method;
use scim_core::{Leniency, Quirk, urn};
use serde_json::{Value, json};

use crate::client::{GROUP, PATCH_OP, USER, builder, call, get, group, patch, post, server, strict, user};

#[tokio::test]
async fn names_of_what_nobody_understands_are_in_a_header() {
    let server = server();
    let body = json!({"schemas": [USER], "userName": "ada", "shoeSize": 38, "emails": [{"value": "a@x", "ok": true}]});
    let made = post(&server, "/Users", body.clone()).await;
    assert_eq!((made.status.as_u16(), made.header("scim-passed-over")), (201, "\"emails.ok\", \"shoeSize\""));
    let path = format!("/Users/{}", made.id());
    let put = call(&server, Method::PUT, &path, Some(body)).await;
    assert_eq!(put.header("scim-passed-over"), made.header("scim-passed-over"));
    let message = json!({"schemas": [PATCH_OP], "id": "1", "Operations": [
        {"op": "remove", "path": "title", "value": "old"}, {"name": "x", "op": "add", "value": {"shoeSize": 38}}]});
    let patched = call(&server, Method::PATCH, &path, Some(message)).await;
    assert_eq!(
        patched.header("scim-passed-over"),
        "\"Operations[0].value\", \"Operations[1].name\", \"id\", \"shoeSize\""
    );
    let plain = patch(&server, &path, json!([{"op": "add", "path": "title", "value": "t"}])).await;
    assert!(!plain.headers.contains_key("scim-passed-over"));
}

#[tokio::test]
async fn names_can_be_left_out_and_strict_refuses_instead() {
    let body = json!({"schemas": [USER], "userName": "ada", "shoeSize": 38});
    let silent = builder().without_passed_over_names().build().unwrap();
    let made = post(&silent, "/Users", body.clone()).await;
    assert_eq!((made.status.as_u16(), made.headers.contains_key("scim-passed-over")), (201, false));
    post(&strict(), "/Users", body).await.refused(400, "invalidValue");
}

fn bulk(operations: Value) -> Value {
    json!({"schemas": [urn::BULK_REQUEST], "Operations": operations})
}

#[tokio::test]
async fn each_result_of_a_bulk_request_has_its_own_names() {
    let server = server();
    let one = |id: &str, more: Value| {
        let mut data = json!({"schemas": [USER], "userName": id});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"method": "POST", "path": "/Users", "bulkId": id, "data": data})
    };
    let operations =
        json!([one("a", json!({"x": 1})), one("b", json!({})), one("c", json!({"y": 1, "z": 2}))]);
    let reply = post(&server, "/Bulk", bulk(operations)).await;
    let results = &reply.body["Operations"];
    assert_eq!(results[0]["passedOver"], json!(["x"]));
    assert_eq!(results[1].get("passedOver"), None);
    assert_eq!(results[2]["passedOver"], json!(["y", "z"]));
    let made = results[0]["location"].as_str().unwrap();
    let path = made.strip_prefix("https://h.example/scim/v2").unwrap();
    let message =
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "title", "value": "x"}]});
    let change = json!([{"method": "PATCH", "path": path, "data": message, "note": "n"}]);
    let reply = post(&server, "/Bulk", bulk(change)).await;
    let told = json!(["Operations[0].note", "Operations[0].value"]);
    assert_eq!(reply.body["Operations"][0]["passedOver"], told, "{}", reply.body);
    let silent = builder().without_passed_over_names().build().unwrap();
    let reply = post(&silent, "/Bulk", bulk(json!([one("a", json!({"x": 1}))]))).await;
    assert_eq!(reply.body["Operations"][0].get("passedOver"), None);
}

#[tokio::test]
async fn bulk_001_members_of_a_bulk_request_count_in_any_letter_case_unless_strict() {
    let first_fails = json!([
        {"Method": "POST", "Path": "/Users", "BulkId": "x", "Data": {"schemas": [USER]}},
        {"method": "POST", "path": "/Users", "bulkId": "y", "data": {"schemas": [USER], "userName": "y"}},
    ]);
    let body = json!({"schemas": [urn::BULK_REQUEST], "FailOnErrors": 1, "operations": first_fails});
    let reply = post(&server(), "/Bulk", body.clone()).await;
    assert_eq!(reply.body["Operations"].as_array().unwrap().len(), 1, "{}", reply.body);
    assert!(post(&strict(), "/Bulk", body).await.refused(400, "invalidSyntax").contains("FailOnErrors"));
    let operation = bulk(json!([{"METHOD": "DELETE", "path": "/Users/1"}]));
    let reply = post(&strict(), "/Bulk", operation).await;
    assert_eq!(reply.body["Operations"][0]["status"], "400");
    let stray = json!({"schemas": [urn::BULK_REQUEST], "Operations": [], "x": 1});
    assert_eq!(post(&server(), "/Bulk", stray.clone()).await.header("scim-passed-over"), "\"x\"");
    post(&strict(), "/Bulk", stray).await.refused(400, "invalidSyntax");
}

#[tokio::test]
async fn srv_043_members_of_a_search_count_in_any_letter_case_unless_strict() {
    let body = json!({"schemas": [urn::SEARCH_REQUEST], "Filter": "userName eq \"b\"", "Count": 1});
    for (server, is_strict) in [(server(), false), (strict(), true)] {
        for name in ["a", "b", "c"] {
            user(&server, name).await;
        }
        let reply = post(&server, "/Users/.search", body.clone()).await;
        if is_strict {
            assert!(
                reply.refused(400, "invalidSyntax").contains("Filter")
                    || reply.body["detail"].to_string().contains("Count")
            );
        } else {
            assert_eq!(reply.body["totalResults"], 1, "{}", reply.body);
        }
        let stray = json!({"schemas": [urn::SEARCH_REQUEST], "filters": "userName eq \"b\""});
        let reply = post(&server, "/.search", stray).await;
        if is_strict {
            reply.refused(400, "invalidSyntax");
        } else {
            assert_eq!(reply.header("scim-passed-over"), "\"filters\"");
        }
    }
}

#[tokio::test]
async fn core_066_a_member_that_is_passed_over_is_told() {
    let server = builder().leniency(Leniency::INTEROP.allow(Quirk::UnknownTargets)).build().unwrap();
    let ada = user(&server, "ada").await;
    let members = json!([{"value": ada}, {"value": "nobody"}]);
    let body = json!({"schemas": [GROUP], "displayName": "g", "members": members});
    let made = post(&server, "/Groups", body.clone()).await;
    assert_eq!((made.status.as_u16(), made.header("scim-passed-over")), (201, "\"members.value\""));
    let path = format!("/Groups/{}", made.id());
    for reply in [
        call(&server, Method::PUT, &path, Some(body.clone())).await,
        patch(&server, &path, json!([{"op": "replace", "path": "members", "value": members}])).await,
    ] {
        assert_eq!(reply.header("scim-passed-over"), "\"members.value\"", "{reply:?}");
    }
    let operation =
        |id: &str, body: Value| json!({"method": "POST", "path": "/Groups", "bulkId": id, "data": body});
    let whole = json!({"schemas": [GROUP], "displayName": "h", "members": [{"value": ada}]});
    let reply = post(&server, "/Bulk", bulk(json!([operation("a", whole), operation("b", body)]))).await;
    assert_eq!(reply.body["Operations"][0].get("passedOver"), None, "{}", reply.body);
    assert_eq!(reply.body["Operations"][1]["passedOver"], json!(["members.value"]));
    assert_eq!(get(&server, &path).await.body["members"].as_array().unwrap().len(), 1);
    // No named target exists, so a replace would empty the group.
    let nobody = json!([{"op": "replace", "path": "members", "value": [{"value": "nobody"}]}]);
    patch(&server, &path, nobody).await.refused(400, "invalidValue");
    assert_eq!(get(&server, &path).await.body["members"].as_array().unwrap().len(), 1);
    let team = group(&server, "Team", &[&ada]).await;
    let clean = patch(
        &server,
        &format!("/Groups/{team}"),
        json!([{"op": "add", "path": "members", "value": [{"value": ada}]}]),
    )
    .await;
    assert!(!clean.headers.contains_key("scim-passed-over"));
}
