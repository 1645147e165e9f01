//! Single calls: what is sent, and which answers are understood.

use std::time::Duration;

use http::StatusCode;
use scim_client::{Client, ClientError, ErrorBody, Query, View, filter_eq};
use scim_core::{MemberRef, ScimType, User};
use scim_patch::PatchRequest;
use serde_json::{Value, json};

use crate::script::{BASE, Script, empty, json, with};

#[tokio::test]
async fn cli_004_headers() {
    let script = Script::new([json(200, json!({"id": "1"})), json(201, json!({"id": "1"}))]);
    let client = script.client();
    client.users().get("1").await.unwrap();
    client.users().create(&User::new("ada")).await.unwrap();
    let requests = script.requests();
    let header =
        |at: usize, name: &str| requests[at].headers().get(name).map(|value| value.to_str().unwrap());
    for at in [0, 1] {
        assert_eq!(header(at, "accept"), Some("application/scim+json, application/json"));
        assert_eq!(header(at, "authorization"), Some("Bearer t0p-secret"));
        assert!(header(at, "user-agent").unwrap().starts_with("scim-client/"));
    }
    assert_eq!(header(0, "content-type"), None);
    assert_eq!(header(1, "content-type"), Some("application/scim+json"));
    assert_eq!(requests[1].uri(), "https://example.com/scim/v2/Users");
}

#[tokio::test]
async fn cli_003_the_token_is_never_printed() {
    let script = Script::new([empty(401)]);
    let client = script.client();
    let error = client.users().get("1").await.unwrap_err();
    let builder = Client::builder("https://ada:t0p-secret@example.com").bearer_token("t0p-secret");
    let printed = format!(
        "{client:?} {:?} {error:?} {error} {builder:?} {:?} {:?}",
        client.users(),
        builder_error(),
        script.requests()
    );
    assert!(!printed.contains("t0p-secret"), "{printed}");
}

fn builder_error() -> ClientError {
    Client::builder("https://ada:t0p-secret@example.com").build().unwrap_err()
}

#[tokio::test]
async fn cli_028_patch_may_answer_with_or_without_a_body() {
    let script =
        Script::new([json(200, json!({"id": "1", "userName": "ada"})), empty(204), json(200, json!({}))]);
    let client = script.client();
    let patch = PatchRequest::new().replace("active", false);
    assert_eq!(client.users().patch("1", &patch).await.unwrap().unwrap().resource.user_name, "ada");
    assert!(client.users().patch("1", &patch).await.unwrap().is_none());
    assert!(client.users().patch("1", &patch).await.unwrap().is_none(), "Google answers `{{}}`");
}

#[tokio::test]
async fn cli_029_create_without_a_body_follows_the_location() {
    let script = Script::new([
        with(empty(201), "location", "https://example.com/scim/v2/Users/7"),
        json(200, json!({"id": "7", "userName": "ada"})),
        with(empty(201), "location", "https://evil.example/Users/7"),
        empty(201),
    ]);
    let client = script.client();
    let ada = User::new("ada");
    assert_eq!(client.users().create(&ada).await.unwrap().resource.id.as_deref(), Some("7"));
    assert_eq!(script.lines(), ["POST /Users", "GET /Users/7"]);
    assert!(matches!(client.users().create(&ada).await, Err(ClientError::Location { .. })));
    assert!(matches!(client.users().create(&ada).await, Err(ClientError::Decode { .. })));
}

#[tokio::test]
async fn cli_025_redirects_keep_method_and_body_and_stay_at_home() {
    let script = Script::new([
        with(empty(307), "location", "/elsewhere/Users"),
        with(empty(308), "location", "https://example.com/there/Users"),
        json(201, json!({"id": "1"})),
        with(empty(307), "location", "https://evil.example/Users"),
    ]);
    let client = script.client();
    client.users().create(&User::new("ada")).await.unwrap();
    let requests = script.requests();
    assert_eq!(requests[2].uri(), "https://example.com/there/Users");
    assert!(requests.iter().all(|request| request.method() == "POST"));
    assert!(requests.iter().all(|request| request.body() == requests[0].body()));
    assert!(requests.iter().all(|request| request.headers().contains_key("authorization")));

    assert!(matches!(client.users().get("1").await, Err(ClientError::Location { .. })));
    assert_eq!(script.requests().len(), 1, "nothing goes to another origin");
}

#[tokio::test]
async fn cli_025_redirects_in_a_circle_end() {
    let script = Script::new((0..6).map(|_| with(empty(307), "location", "/scim/v2/Users/1")));
    let error = script.client().users().get("1").await.unwrap_err();
    assert!(matches!(error, ClientError::TooManyRedirects { hops: 6 }), "{error}");
}

#[tokio::test]
async fn cli_027_conditional_calls() {
    let script = Script::new([
        with(json(200, json!({"id": "1", "meta": {"version": "W/\"0\""}})), "etag", "W/\"1\""),
        json(200, json!({"id": "1", "meta": {"version": "W/\"2\"", "location": "x"}})),
        empty(204),
        empty(204),
        empty(304),
        empty(412),
    ]);
    let client = script.client();
    let users = client.users();
    let ada = users.get("1").await.unwrap();
    assert_eq!(ada.etag.as_deref(), Some("W/\"1\""));
    let etag = ada.etag.unwrap();
    let replaced = users.replace_if("1", &ada.resource, &etag).await.unwrap();
    assert_eq!((replaced.etag.as_deref(), replaced.location.as_deref()), (Some("W/\"2\""), Some("x")));
    users.patch_if("1", &PatchRequest::new().remove("title"), &etag).await.unwrap();
    users.delete_if("1", &etag).await.unwrap();
    assert!(users.get_if_changed("1", &etag).await.unwrap().is_none());
    assert!(users.delete_if("1", &etag).await.unwrap_err().is_precondition_failed());
    let requests = script.requests();
    let sent = |at: usize, name: &str| requests[at].headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!([1, 2, 3].map(|at| sent(at, "if-match")), [Some(etag.as_str()); 3]);
    assert_eq!(sent(4, "if-none-match"), Some(etag.as_str()));
}

#[tokio::test]
async fn cli_030_refusals_keep_what_the_server_said() {
    let script = Script::new([
        json(409, json!({"schemas": [], "status": 409, "scimType": "uniqueness", "detail": "taken"})),
        with(json(429, json!({"message": "slow down"})), "retry-after", "30"),
        json(404, json!({"status": "404", "scimType": "odd"})),
    ]);
    let client = script.client();
    let error = client.users().create(&User::new("ada")).await.unwrap_err();
    assert!(error.is_conflict());
    assert_eq!(error.to_string(), "the server answered 409 Conflict: uniqueness: taken");
    assert_eq!(error.scim().unwrap().scim_type, Some(ScimType::Uniqueness));

    let error = client.users().get("1").await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert!(matches!(error, ClientError::Status { body: ErrorBody::Json(_), .. }));

    let error = client.users().get("1").await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.scim().unwrap().scim_type, Some(ScimType::Other("odd".into())));
}

#[tokio::test]
async fn q_32_a_page_of_html_is_no_resource() {
    let html = http::Response::builder().body("<html>".into()).unwrap();
    let error = Script::new([html]).client().users().get("1").await.unwrap_err();
    let ClientError::Decode { body, .. } = error else { panic!("{error}") };
    assert_eq!(body, "<html>");
}

#[tokio::test]
async fn q_19_nulls_are_read_as_absent() {
    let user = json!({"id": "1", "userName": "ada", "emails": null, "name": {"givenName": null}});
    let script = Script::new([
        json(200, user.clone()),
        json(200, json!({"totalResults": 1, "Resources": [user]})),
        json(200, json!({"totalResults": 0, "Resources": null})),
    ]);
    let client = script.client();
    assert!(client.users().get("1").await.unwrap().resource.emails.is_empty());
    assert_eq!(client.users().list(&Query::new()).await.unwrap().resources.len(), 1);
    assert!(client.users().find("active eq true").await.unwrap().is_none());
}

#[tokio::test]
async fn cli_034_what_the_types_do_not_know_survives() {
    let body =
        json!({"schemas": ["urn:x"], "id": "1", "userName": "ada", "nickName": "a", "urn:x": {"y": 1}});
    let script = Script::new([json(200, body.clone()), json(200, body.clone())]);
    let client = script.client();
    let read = client.users().get("1").await.unwrap();
    client.users().replace("1", &read.resource).await.unwrap();
    let sent: Value = serde_json::from_slice(script.requests()[1].body()).unwrap();
    assert_eq!(sent, body);
}

#[tokio::test]
async fn find_is_one_or_none_or_ambiguous() {
    let list = |ids: &[&str]| {
        let resources: Vec<_> = ids.iter().map(|id| json!({"id": id, "meta": {"version": "v"}})).collect();
        json(200, json!({"totalResults": ids.len(), "Resources": resources}))
    };
    let script = Script::new([list(&[]), list(&["1"]), list(&["1", "2"])]);
    let client = script.client();
    let find = async || client.users().find(filter_eq("externalId", "a \"b\"")).await;
    assert!(find().await.unwrap().is_none());
    let found = find().await.unwrap().unwrap();
    assert_eq!((found.resource.id.as_deref(), found.etag.as_deref()), (Some("1"), Some("v")));
    assert!(matches!(find().await, Err(ClientError::Ambiguous { matches: 2, .. })));
    assert_eq!(script.lines()[0], "GET /Users?filter=externalId%20eq%20%22a%20%5C%22b%5C%22%22");
}

#[tokio::test]
async fn cli_037_search_by_post() {
    let script = Script::new([json(200, json!({"totalResults": 0}))]);
    let query = Query::new().filter("userName sw \"a\"").attributes(["userName"]).count(10);
    script.client().users().search(&query).await.unwrap();
    assert_eq!(script.lines(), ["POST /Users/.search"]);
    let sent: Value = serde_json::from_slice(script.requests()[0].body()).unwrap();
    assert_eq!(
        sent,
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
               "filter": "userName sw \"a\"", "attributes": ["userName"], "count": 10})
    );
}

#[tokio::test]
async fn cli_006_other_endpoints_and_discovery() {
    let script = Script::new([
        json(
            200,
            json!({"totalResults": 1, "Resources": [
            {"name": "Robot", "endpoint": "/Robots", "schema": "urn:robot"}]}),
        ),
        json(200, json!({"id": "r2"})),
        json(200, json!({"totalResults": 1, "Resources": [{"id": "urn:robot", "attributes": []}]})),
        json(200, serde_json::to_value(scim_core::ServiceProviderConfig::default()).unwrap()),
        json(200, json!({"id": "g", "members": [{"value": "u"}]})),
    ]);
    let client = script.client();
    let types = client.resource_types().await.unwrap();
    let robot = client.at::<Value>(&types[0].endpoint).get("r/2").await.unwrap();
    assert_eq!(robot.resource["id"], "r2");
    assert_eq!(&**client.schemas().await.unwrap()[0].id(), "urn:robot");
    assert!(!client.service_provider_config().await.unwrap().bulk.supported);
    let group = client.groups().get_with("g", &View::without(["members"])).await.unwrap();
    assert_eq!(group.resource.members, [MemberRef::new("u")]);
    assert_eq!(
        script.lines(),
        [
            "GET /ResourceTypes",
            "GET /Robots/r%2F2",
            "GET /Schemas",
            "GET /ServiceProviderConfig",
            "GET /Groups/g?excludedAttributes=members"
        ]
    );
}

#[test]
fn settings_are_checked() {
    let build = |token: &str| Client::builder(BASE).bearer_token(token).build();
    assert!(matches!(build("a\nb"), Err(ClientError::Header { what: "bearer token" })));
    assert!(matches!(Client::builder("http://example.com").build(), Err(ClientError::BaseUrl { .. })));
    assert!(Client::builder("http://example.com").allow_http().build().is_ok());
}

#[tokio::test]
async fn an_empty_id_reaches_no_list() {
    let script = Script::new([]);
    let error = script.client().users().delete("").await.unwrap_err();
    assert!(matches!(error, ClientError::InvalidId { .. }));
    assert_eq!(error.status(), None::<StatusCode>);
}
