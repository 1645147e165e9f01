//! Requirements of the data model that only a service provider can meet — RFC 7643 §3, §4, §6, §7.

use bytes::Bytes;
use http::Method;
use scim_core::{Registry, ResourceType, ResourceTypeDocument};
use scim_server::Server;
use serde_json::{Value, json};

use crate::client::{
    GROUP, USER, builder, call, get, group, patch, post, request, send, server, strict, user,
};

const BASE: &str = "https://h.example/scim/v2";
const ROBOT: &str = "urn:example:robot";
const WHEELS: &str = "urn:example:wheels";

/// A server of users, groups and robots, whose extension is required.
fn robots() -> Server {
    let document =
        ResourceTypeDocument::new("Robot", "/Robots", ROBOT).description("A robot").extension(WHEELS, true);
    let registry = Registry::builder()
        .resource_type(ResourceType::user())
        .resource_type(ResourceType::group())
        .schema_json(json!({"id": ROBOT, "name": "Robot", "description": "d", "attributes": [
            {"name": "model", "required": true, "uniqueness": "server"},
            {"name": "chip", "caseExact": true, "uniqueness": "global"},
            {"name": "nick"},
            {"name": "boss", "type": "reference", "referenceTypes": ["User"], "caseExact": true},
            {"name": "key", "type": "binary", "caseExact": true},
        ]}))
        .unwrap()
        .schema_json(json!({"id": WHEELS, "name": "Wheels", "attributes": [{"name": "count", "type": "integer", "required": true}]}))
        .unwrap()
        .resource_type_document(document)
        .build()
        .unwrap();
    builder().registry(registry).build().unwrap()
}

fn robot(model: &str, extra: Value) -> Value {
    let mut body = json!({"schemas": [ROBOT, WHEELS], "model": model, WHEELS: {"count": 4}});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn as_two(server: &Server, method: Method, path: &str, body: Option<Value>) -> crate::client::Reply {
    let bytes = body.as_ref().map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let mut request = request(method, path, body.as_ref()).body(bytes).unwrap();
    request.headers_mut().insert("authorization", "Bearer two".parse().unwrap());
    send(server, request).await
}

async fn found(server: &Server, endpoint: &str, filter: &str) -> u64 {
    let encoded: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let reply = get(server, &format!("{endpoint}?filter={encoded}")).await;
    assert_eq!(reply.status, 200, "{filter}: {reply:?}");
    reply.body["totalResults"].as_u64().unwrap()
}

#[tokio::test]
async fn core_019_core_020_a_members_reference_leads_to_the_member() {
    let server = server();
    let ada = user(&server, "ada").await;
    let inner = group(&server, "Inner", &[]).await;
    let outer = group(&server, "Outer", &[&ada, &inner]).await;
    let members = get(&server, &format!("/Groups/{outer}")).await.body["members"].clone();
    let ids = members.as_array().unwrap().iter().map(|member| {
        let path = member["$ref"].as_str().unwrap().strip_prefix(BASE).unwrap().to_owned();
        (path, member["value"].clone(), member["type"].clone())
    });
    for (path, value, kind) in ids {
        let target = get(&server, &path).await;
        assert_eq!((target.status.as_u16(), &target.body["id"]), (200, &value));
        assert_eq!(target.body["meta"]["resourceType"], kind);
    }
}

#[tokio::test]
async fn core_030_null_clears_and_is_not_present() {
    let server = strict();
    let id =
        post(&server, "/Users", json!({"schemas": [USER], "userName": "ada", "nickName": "a"})).await.id();
    assert_eq!(found(&server, "/Users", "nickName pr").await, 1);
    for (nick, emails) in [(json!(null), json!([])), (json!(null), json!(null))] {
        let body = json!({"schemas": [USER], "userName": "ada", "nickName": nick, "emails": emails});
        let reply = call(&server, Method::PUT, &format!("/Users/{id}"), Some(body)).await;
        assert!(reply.body.get("nickName").is_none() && reply.body.get("emails").is_none());
        assert_eq!(found(&server, "/Users", "nickName pr or emails pr").await, 0);
    }
}

#[tokio::test]
async fn core_034_ids_are_unique_over_all_types_and_never_given_again() {
    let server = robots();
    let mut ids = std::collections::HashSet::new();
    for round in 0..3 {
        let ada = user(&server, "ada").await;
        let team = group(&server, "Team", &[]).await;
        let robot = post(&server, "/Robots", robot("R2", json!({}))).await.id();
        for (endpoint, id) in [("/Users", ada), ("/Groups", team), ("/Robots", robot)] {
            assert!(!id.is_empty() && !id.contains("bulkId"));
            let path = format!("{endpoint}/{id}");
            assert_eq!(get(&server, &path).await.body["id"], json!(id));
            assert_eq!(call(&server, Method::DELETE, &path, None).await.status, 204);
            assert!(ids.insert(id), "round {round}");
        }
    }
}

#[tokio::test]
async fn core_037_core_039_identifiers_are_compared_with_case() {
    let server = server();
    let id = post(&server, "/Users", json!({"schemas": [USER], "userName": "ada", "externalId": "AbC"}))
        .await
        .id();
    assert_eq!(found(&server, "/Users", &format!("id eq \"{id}\"")).await, 1);
    assert_ne!(id, id.to_uppercase(), "the test needs an id with letters");
    assert_eq!(found(&server, "/Users", &format!("id eq \"{}\"", id.to_uppercase())).await, 0);
    assert_eq!(found(&server, "/Users", "externalId eq \"AbC\"").await, 1);
    assert_eq!(found(&server, "/Users", "externalId eq \"abc\"").await, 0);
    get(&server, &format!("/Users/{}", id.to_uppercase())).await.refused(404, "");
}

#[tokio::test]
async fn core_038_the_external_id_is_the_clients() {
    let server = server();
    let body = |name: &str| json!({"schemas": [USER], "userName": name, "externalId": "E1"});
    assert!(
        get(&server, &format!("/Users/{}", user(&server, "eve").await))
            .await
            .body
            .get("externalId")
            .is_none()
    );
    let ada = post(&server, "/Users", body("ada")).await;
    assert_eq!((ada.status.as_u16(), &ada.body["externalId"]), (201, &json!("E1")));
    assert_eq!(post(&server, "/Users", body("bob")).await.status, 201, "uniqueness is not enforced");
    assert_eq!(as_two(&server, Method::POST, "/Users", Some(body("ada"))).await.status, 201);
    let others = as_two(&server, Method::GET, "/Users?filter=externalId%20eq%20%22E1%22", None).await;
    assert_eq!(others.body["totalResults"], 1, "a tenant sees its own only");
}

#[tokio::test]
async fn core_040_core_044_meta_from_a_client_changes_nothing() {
    let server = server();
    let meta = json!({"resourceType": "Group", "created": "1999-01-01T00:00:00Z", "location": "x", "version": "W/\"99\""});
    let made = post(&server, "/Users", json!({"schemas": [USER], "userName": "ada", "meta": meta})).await;
    assert_eq!(made.body["meta"]["resourceType"], "User");
    let path = format!("/Users/{}", made.id());
    assert_eq!(made.body["meta"]["location"], format!("{BASE}{path}"));
    let body = json!({"schemas": [USER], "userName": "ada", "meta": meta});
    let replaced = call(&server, Method::PUT, &path, Some(body)).await;
    assert_eq!(replaced.body["meta"], made.body["meta"]);
    let team = group(&server, "Team", &[]).await;
    assert_eq!(get(&server, &format!("/Groups/{team}")).await.body["meta"]["resourceType"], "Group");
}

#[tokio::test]
async fn core_042_core_043_location_and_version_are_the_headers() {
    let server = server();
    let made = post(&server, "/Users", json!({"schemas": [USER], "userName": "ada"})).await;
    let path = format!("/Users/{}", made.id());
    assert_eq!(made.header("location"), made.body["meta"]["location"].as_str().unwrap());
    let change = json!([{"op": "add", "path": "title", "value": "t"}]);
    let replies = [made, get(&server, &path).await, patch(&server, &path, change).await];
    for reply in &replies {
        let version = reply.body["meta"]["version"].as_str().unwrap();
        assert_eq!(reply.header("etag"), version);
        assert!(version.starts_with("W/\""), "a weak tag says so: {version}");
        assert_eq!(reply.body["meta"]["location"], format!("{BASE}{path}"));
    }
    assert_eq!(replies[0].header("etag"), replies[1].header("etag"));
    assert_ne!(replies[1].header("etag"), replies[2].header("etag"));
}

#[tokio::test]
async fn core_052_core_055_a_password_shows_nowhere() {
    let server = server();
    let secret = "t1meMa$heen";
    let body = json!({"schemas": [USER], "userName": "ada", "password": secret});
    let made = post(&server, "/Users?attributes=password", body.clone()).await;
    let path = format!("/Users/{}", made.id());
    let replies = [
        made,
        call(&server, Method::PUT, &path, Some(body)).await,
        patch(&server, &path, json!([{"op": "replace", "path": "password", "value": secret}])).await,
        get(&server, &format!("{path}?attributes=password")).await,
        get(&server, "/Users?attributes=password,userName").await,
        get(&server, "/").await,
    ];
    for reply in &replies {
        assert!(reply.status.is_success(), "{reply:?}");
        assert!(!reply.body.to_string().contains(secret), "{reply:?}");
    }
    let probe = get(&server, "/Users?filter=password%20eq%20%22t1meMa%24heen%22").await;
    assert!(matches!(probe.status.as_u16(), 400 | 403), "{probe:?}");
    assert!(!probe.body.to_string().contains(secret), "{probe:?}");
}

#[tokio::test]
async fn core_061_membership_changes_only_through_the_group() {
    let server = strict();
    let ada = user(&server, "ada").await;
    let team = group(&server, "Team", &[]).await;
    let path = format!("/Users/{ada}");
    for op in ["add", "replace"] {
        let operation = json!([{"op": op, "path": "groups", "value": [{"value": team}]}]);
        patch(&server, &path, operation).await.refused(400, "mutability");
    }
    let body = json!({"schemas": [USER], "userName": "ada", "groups": [{"value": team}]});
    let replaced = call(&server, Method::PUT, &path, Some(body)).await;
    assert!(replaced.status == 200 && replaced.body.get("groups").is_none());
    let add = json!([{"op": "add", "path": "members", "value": [{"value": ada}]}]);
    assert_eq!(patch(&server, &format!("/Groups/{team}"), add).await.status, 204);
    let groups = get(&server, &path).await.body["groups"].clone();
    assert_eq!(groups[0]["value"], json!(team));
    assert_eq!(
        (&groups[0]["$ref"], &groups[0]["type"]),
        (&json!(format!("{BASE}/Groups/{team}")), &json!("direct"))
    );
}

#[tokio::test]
async fn core_065_members_come_and_go_but_do_not_change() {
    let server = strict();
    let (ada, bob) = (user(&server, "ada").await, user(&server, "bob").await);
    let path = format!("/Groups/{}", group(&server, "Team", &[&ada]).await);
    let change =
        json!([{"op": "replace", "path": format!("members[value eq \"{ada}\"].value"), "value": bob}]);
    patch(&server, &path, change).await.refused(400, "mutability");
    let members = async || get(&server, &path).await.body["members"].clone();
    assert_eq!(members().await[0]["value"], json!(ada));
    let swap = json!([
        {"op": "remove", "path": format!("members[value eq \"{ada}\"]")},
        {"op": "add", "path": "members", "value": [{"value": bob}]},
    ]);
    assert!(patch(&server, &path, swap).await.status.is_success());
    assert_eq!((members().await.as_array().unwrap().len(), &members().await[0]["value"]), (1, &json!(bob)));
}

#[tokio::test]
async fn core_067_a_managers_display_name_is_read_only() {
    let server = strict();
    let ada = user(&server, "ada").await;
    let path = format!("{}:manager.displayName", scim_core::urn::ENTERPRISE_USER);
    let reply =
        patch(&server, &format!("/Users/{ada}"), json!([{"op": "add", "path": path, "value": "x"}])).await;
    assert!(reply.refused(400, "mutability").contains("displayName"));
}

#[tokio::test]
async fn core_068_core_069_the_configuration_as_it_is_served() {
    let body = get(&server(), "/ServiceProviderConfig").await.body;
    for name in ["patch", "bulk", "filter", "changePassword", "sort", "etag"] {
        assert!(body[name]["supported"].is_boolean(), "{name}");
    }
    for path in ["/bulk/maxOperations", "/bulk/maxPayloadSize", "/filter/maxResults"] {
        assert!(body.pointer(path).is_some_and(Value::is_u64), "{path}");
    }
    let schemes = body["authenticationSchemes"].as_array().unwrap();
    assert!(!schemes.is_empty());
    for scheme in schemes {
        assert!(["type", "name", "description"].iter().all(|name| scheme[name].is_string()), "{scheme}");
    }
}

#[tokio::test]
async fn core_073_core_074_core_076_core_077_core_095_discovery_is_whole() {
    let server = robots();
    let types = get(&server, "/ResourceTypes").await.body["Resources"].clone();
    assert_eq!(types.as_array().unwrap().len(), 3);
    for resource_type in types.as_array().unwrap() {
        for name in ["id", "name", "endpoint", "schema", "description"] {
            assert!(resource_type[name].as_str().is_some_and(|text| !text.is_empty()), "{resource_type}");
        }
        assert!(resource_type["endpoint"].as_str().unwrap().starts_with('/'));
        let extensions = resource_type["schemaExtensions"].as_array().into_iter().flatten();
        let urns = extensions.map(|extension| extension["schema"].as_str().unwrap());
        for urn in urns.chain([resource_type["schema"].as_str().unwrap()]) {
            let schema = get(&server, &format!("/Schemas/{urn}")).await;
            assert_eq!((schema.status.as_u16(), &schema.body["id"]), (200, &json!(urn)));
        }
    }
    let made = post(&server, "/Robots", robot("R2", json!({}))).await;
    assert_eq!(made.body["meta"]["resourceType"], "Robot");
    assert_eq!(made.header("location"), format!("{BASE}/Robots/{}", made.id()));
}

#[tokio::test]
async fn core_075_a_required_extension_is_enforced_by_every_verb() {
    let server = robots();
    let mut without = robot("R2", json!({}));
    without.as_object_mut().unwrap().remove(WHEELS);
    assert!(post(&server, "/Robots", without.clone()).await.refused(400, "invalidValue").contains(WHEELS));
    let path = format!("/Robots/{}", post(&server, "/Robots", robot("R2", json!({}))).await.id());
    call(&server, Method::PUT, &path, Some(without)).await.refused(400, "invalidValue");
    for path_removed in [WHEELS.to_owned(), format!("{WHEELS}:count")] {
        let reply = patch(&server, &path, json!([{"op": "remove", "path": path_removed}])).await;
        assert_eq!(reply.status, 400, "{reply:?}");
    }
    assert_eq!(get(&server, &path).await.body[WHEELS], json!({"count": 4}));
}

#[tokio::test]
async fn core_080_filters_honour_case() {
    let server = robots();
    let made =
        post(&server, "/Robots", robot("R2", json!({"chip": "AbC", "nick": "AbC", "key": "YWJj"}))).await;
    assert_eq!((&made.body["chip"], &made.body["nick"]), (&json!("AbC"), &json!("AbC")));
    for (filter, total) in [
        ("chip eq \"AbC\"", 1),
        ("chip eq \"abc\"", 0),
        ("nick eq \"abc\"", 1),
        ("key eq \"YWJj\"", 1),
        ("key eq \"ywjj\"", 0),
    ] {
        assert_eq!(found(&server, "/Robots", filter).await, total, "{filter}");
    }
}

#[tokio::test]
async fn core_083_unique_values_are_held_by_every_verb() {
    let server = robots();
    let first = post(&server, "/Robots", robot("R2", json!({"chip": "c1"}))).await.id();
    let second = post(&server, "/Robots", robot("C3", json!({"chip": "c2"}))).await.id();
    post(&server, "/Robots", robot("r2", json!({}))).await.refused(409, "uniqueness");
    post(&server, "/Robots", robot("X", json!({"chip": "c1"}))).await.refused(409, "uniqueness");
    assert_eq!(post(&server, "/Robots", robot("Y", json!({"chip": "C1"}))).await.status, 201, "case-exact");
    let path = format!("/Robots/{second}");
    let body = robot("R2", json!({"chip": "c2"}));
    call(&server, Method::PUT, &path, Some(body)).await.refused(409, "uniqueness");
    let change = json!([{"op": "replace", "path": "chip", "value": "c1"}]);
    patch(&server, &path, change).await.refused(409, "uniqueness");
    let own =
        call(&server, Method::PUT, &format!("/Robots/{first}"), Some(robot("r2", json!({"chip": "c1"}))))
            .await;
    assert_eq!((own.status.as_u16(), &own.body["model"]), (200, &json!("r2")), "its own value is no clash");
    let other = as_two(&server, Method::POST, "/Robots", Some(robot("R2", json!({})))).await;
    assert_eq!(other.status, 201, "the scope is the tenant");
}

#[tokio::test]
async fn errors_say_what_a_message_needs_and_repeat_nothing_long() {
    let server = server();
    let long = "x".repeat(10_000);
    let search = json!({"schemas": [scim_core::urn::SEARCH_REQUEST]});
    for (name, value, expected) in [
        ("count", json!(long), "`count`: expected an integer"),
        ("attributes", json!(long), "`attributes`: expected an array of strings"),
        ("sortOrder", json!(long), "`sortOrder`: expected `ascending` or `descending`"),
        ("filter", json!([long]), "`filter`: expected a string"),
    ] {
        let mut body = search.clone();
        body[name] = value;
        let reply = post(&server, "/Users/.search", body).await;
        let detail = reply.refused(400, "invalidSyntax");
        assert!(detail.starts_with(expected) && detail.len() < 100, "{name}: {detail:.200}");
    }
    let undeclared = json!({"schemas": [USER, long], "userName": "ada"});
    let strict = strict();
    assert!(post(&strict, "/Users", undeclared).await.refused(400, "invalidValue").len() < 500);
    let unreadable = json!([
        {"method": "POST", "bulkId": "a", "path": 5},
        {"method": "PUT", "path": "/Groups/x", "data": {"members": [{"value": "bulkId:a"}]}},
        {"method": long, "path": "/Users/x"},
        {"method": "DELETE", "path": format!("/{long}")},
    ]);
    let body = json!({"schemas": [scim_core::urn::BULK_REQUEST], "Operations": unreadable});
    let results = post(&server, "/Bulk", body).await.body["Operations"].clone();
    assert_eq!((&results[0]["method"], &results[0]["bulkId"]), (&json!("POST"), &json!("a")));
    let statuses: Vec<_> = (0..4).map(|at| results[at]["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["400", "409", "400", "404"], "{results:.1000}");
    assert!((0..4).all(|at| results[at]["response"]["detail"].as_str().unwrap().len() < 200));
}

#[tokio::test]
async fn core_091_search_requests_hold_arrays_and_everything_is_optional() {
    let server = server();
    user(&server, "ada").await;
    let search = async |extra: Value| {
        let mut body = json!({"schemas": [scim_core::urn::SEARCH_REQUEST]});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        post(&server, "/Users/.search", body).await
    };
    assert_eq!(search(json!({})).await.body["totalResults"], 1);
    let only = search(json!({"attributes": ["userName"]})).await.body["Resources"][0].clone();
    assert_eq!(only.as_object().unwrap().len(), 3);
    let except = search(json!({"excludedAttributes": ["userName"]})).await.body["Resources"][0].clone();
    assert!(except.get("userName").is_none() && except.get("meta").is_some());
    for wrong in
        [json!({"attributes": "userName,title"}), json!({"excludedAttributes": "x"}), json!({"filter": 1})]
    {
        search(wrong).await.refused(400, "invalidSyntax");
    }
}

#[tokio::test]
async fn core_097_what_is_percent_encoded_arrives_whole() {
    let server = server();
    let name = "a b+c&d#e%f\"é\u{1F600}/?=";
    let made = post(&server, "/Users", json!({"schemas": [USER], "userName": name})).await;
    assert_eq!(made.body["userName"], json!(name));
    let quoted = serde_json::to_string(name).unwrap();
    assert_eq!(found(&server, "/Users", &format!("userName eq {quoted}")).await, 1);
    assert_eq!(found(&server, "/Users", "userName co \"b+c\"").await, 1, "%2B is a plus");
    assert_eq!(found(&server, "/Users", "userName co \"b c\"").await, 0);
    let encoded: String = made.id().bytes().map(|byte| format!("%{byte:02X}")).collect();
    assert_eq!(get(&server, &format!("/Users/{encoded}")).await.status, 200);
}

#[tokio::test]
async fn core_096_a_base_url_has_no_query() {
    for (url, fits) in [
        ("https://h.example/v2", true),
        ("https://h.example/v2?a=b", false),
        ("https://h.example/v2#x", false),
    ] {
        assert_eq!(builder().base_url(url).build().is_ok(), fits, "{url}");
    }
}

#[tokio::test]
async fn core_064_core_066_groups_need_a_name_and_real_members() {
    let server = server();
    post(&server, "/Groups", json!({"schemas": [GROUP]})).await.refused(400, "invalidValue");
    let team = group(&server, "Team", &[]).await;
    let add = json!([{"op": "add", "path": "members", "value": [{"value": "nobody"}]}]);
    let reply = patch(&server, &format!("/Groups/{team}"), add).await;
    assert!(reply.refused(400, "invalidValue").contains("nobody"));
}

#[tokio::test]
async fn srv_029_core_082_what_is_returned_on_request_is_in_the_answer_to_the_write_that_gave_it() {
    let schema = json!({"id": ROBOT, "name": "Robot", "attributes": [
        {"name": "model"},
        {"name": "note", "returned": "request"},
        {"name": "part", "type": "complex", "subAttributes": [
            {"name": "name"}, {"name": "remark", "returned": "request"},
        ]},
    ]});
    let registry = Registry::builder()
        .schema_json(schema)
        .unwrap()
        .resource_type_document(ResourceTypeDocument::new("Robot", "/Robots", ROBOT))
        .build()
        .unwrap();
    let server = builder().registry(registry).build().unwrap();
    let part = json!({"name": "arm", "remark": "left"});
    let body = json!({"schemas": [ROBOT], "model": "R2", "note": "n", "part": part});
    let shown = |body: &Value| (body["note"].clone(), body["part"]["remark"].clone());

    let made = post(&server, "/Robots", body).await;
    assert_eq!((made.status.as_u16(), shown(&made.body)), (201, (json!("n"), json!("left"))));
    let path = format!("/Robots/{}", made.body["id"].as_str().unwrap());
    assert_eq!(shown(&get(&server, &path).await.body), (Value::Null, Value::Null));
    assert_eq!(get(&server, &format!("{path}?attributes=note")).await.body["note"], "n");

    let put = async |extra: Value, query: &str| {
        let mut body = json!({"schemas": [ROBOT], "model": "R2", "part": {"name": "arm"}});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        call(&server, Method::PUT, &format!("{path}{query}"), Some(body)).await
    };
    assert_eq!(shown(&put(json!({}), "").await.body), (Value::Null, Value::Null), "kept, not written");
    assert_eq!(shown(&put(json!({"note": "m"}), "").await.body), (json!("m"), Value::Null));
    assert_eq!(shown(&put(json!({"note": "m"}), "?excludedAttributes=note").await.body).0, Value::Null);
    assert_eq!(shown(&put(json!({"note": "m"}), "?attributes=model").await.body).0, Value::Null);

    let replace = |path: &str, value: &str| json!([{"op": "replace", "path": path, "value": value}]);
    let patched = patch(&server, &path, replace("part.remark", "right")).await;
    assert_eq!(shown(&patched.body), (Value::Null, json!("right")));
    let patched = patch(&server, &path, replace("model", "R3")).await;
    assert_eq!(shown(&patched.body), (Value::Null, Value::Null));
    let patched = patch(&server, &path, replace("note", "o")).await;
    assert_eq!(shown(&patched.body), (json!("o"), Value::Null));
}
