//! Filters and index paging — RFC 7644 §3.4.2.

use std::sync::Arc;

use scim_core::{Registry, ResourceType, ResourceTypeDocument, Schema};
use scim_store::MemoryStore;
use serde_json::{Value, json};

use crate::client::{USER, builder, get, group, on, post, server, strict, user};

fn ids(body: &Value) -> Vec<&str> {
    body["Resources"].as_array().unwrap().iter().map(|resource| resource["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn srv_033_srv_034_srv_035_srv_040_pages() {
    let server = server();
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(user(&server, &format!("user{number}")).await);
    }
    let page = get(&server, "/Users?startIndex=2&count=2").await.body;
    assert_eq!(page["schemas"], json!([scim_core::urn::LIST_RESPONSE]));
    assert_eq!(
        (&page["totalResults"], &page["startIndex"], &page["itemsPerPage"]),
        (&json!(5), &json!(2), &json!(2))
    );
    assert_eq!(ids(&page), [&made[1], &made[2]], "SRV-046: a stable order");
    let none = get(&server, "/Users?count=0").await.body;
    assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(5), &json!([])));
    let beyond = get(&server, "/Users?startIndex=99").await.body;
    assert_eq!((&beyond["totalResults"], &beyond["itemsPerPage"]), (&json!(5), &json!(0)));
    let empty = get(&server, "/Groups").await;
    assert_eq!((empty.status.as_u16(), &empty.body["totalResults"]), (200, &json!(0)));
    get(&server, "/Users?startIndex=x").await.refused(400, "invalidValue");
}

#[tokio::test]
async fn filt_005_q_22_q_24_q_28_filters() {
    let server = server();
    let ada = post(
        &server,
        "/Users",
        json!({"schemas": [USER], "userName": "Ada", "externalId": "E1", "active": true}),
    )
    .await
    .id();
    let bob = user(&server, "bob").await;
    let team = group(&server, "Team", &[&ada]).await;
    for (filter, expected) in [
        ("userName eq \"ADA\"".to_owned(), vec![&ada]),
        ("externalId eq \"e1\"".to_owned(), vec![]),
        ("externalId eq \"E1\"".to_owned(), vec![&ada]),
        (format!("id eq \"{bob}\""), vec![&bob]),
        (format!("groups.value eq \"{team}\""), vec![&ada]),
        ("not (userName eq \"bob\")".to_owned(), vec![&ada]),
        ("userName co \"o\" or active eq true".to_owned(), vec![&ada, &bob]),
        ("meta.resourceType eq \"User\" and userName sw \"a\"".to_owned(), vec![&ada]),
    ] {
        let encoded = filter.replace(' ', "%20").replace('"', "%22");
        let reply = get(&server, &format!("/Users?filter={encoded}")).await;
        assert_eq!(ids(&reply.body), expected, "{filter}");
        assert_eq!(reply.body["totalResults"], expected.len());
    }
    for (filter, found) in [
        (format!("id+eq+%22{team}%22+and+members+eq+%22{ada}%22"), 1),
        (format!("members+eq+%22{bob}%22"), 0),
    ] {
        assert_eq!(
            get(&server, &format!("/Groups?filter={filter}&attributes=id")).await.body["totalResults"],
            found
        );
    }
}

#[tokio::test]
async fn filt_004_filt_016_filt_024_bad_filters() {
    let server = strict();
    for filter in
        ["%20", "userName", "userName regex \"x\"", "nope eq \"x\"", "active gt true", "userName eq 1"]
    {
        let encoded = filter.replace(' ', "%20").replace('"', "%22");
        get(&server, &format!("/Users?filter={encoded}")).await.refused(400, "invalidFilter");
    }
    let detail = get(&server, "/Users?filter=userName%20regex%20%22x%22").await;
    assert!(detail.refused(400, "invalidFilter").contains("regex"));
}

#[tokio::test]
async fn srv_010_filt_030_bulk_001_me_001_what_is_not_offered_says_so() {
    let server = builder().sorting(false).cursors(None).bulk(None).build().unwrap();
    let config = get(&server, "/ServiceProviderConfig").await.body;
    assert_eq!(
        (&config["sort"]["supported"], config.get("pagination")),
        (&json!(false), None),
        "a client that finds `pagination` may read it as paging by cursor"
    );
    get(&server, "/Users?sortBy=userName").await.refused(501, "");
    get(&server, "/Users?cursor").await.refused(501, "");
    get(&server, "/Me").await.refused(501, "");
    post(&server, "/Bulk", json!({})).await.refused(501, "");
}

fn search(extra: Value) -> Value {
    let mut body = json!({"schemas": [scim_core::urn::SEARCH_REQUEST]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn srv_043_srv_044_search_is_a_get_with_a_body() {
    let server = server();
    let ada = user(&server, "ada").await;
    user(&server, "bob").await;
    let body = search(
        json!({"filter": "userName eq \"ADA\"", "attributes": ["userName"], "count": 5, "startIndex": 1}),
    );
    let found = post(&server, "/Users/.search", body).await;
    let wanted =
        get(&server, "/Users?filter=userName%20eq%20%22ADA%22&attributes=userName&count=5&startIndex=1")
            .await;
    assert_eq!((found.status.as_u16(), &found.body), (200, &wanted.body));
    assert_eq!(ids(&found.body), [&ada]);
    post(&server, "/Users/.search", search(json!({"filter": "nope eq 1"})))
        .await
        .refused(400, "invalidFilter");
    for body in [json!({}), json!([]), search(json!({"count": "x"}))] {
        post(&server, "/Users/.search", body).await.refused(400, "invalidSyntax");
    }
    get(&server, "/Users/.search").await.refused(405, "");
}

#[tokio::test]
async fn srv_036_filt_019_filt_020_the_root_covers_every_type() {
    let server = server();
    let (ada, bob) = (user(&server, "ada").await, user(&server, "bob").await);
    let team = group(&server, "Team", &[]).await;
    let all = get(&server, "/").await.body;
    assert_eq!((&all["totalResults"], ids(&all)), (&json!(3), vec![ada.as_str(), &bob, &team]));
    let page = get(&server, "/?startIndex=2&count=2").await.body;
    assert_eq!((&page["totalResults"], ids(&page)), (&json!(3), vec![bob.as_str(), &team]));
    let last = get(&server, "/?startIndex=3&count=5").await.body;
    assert_eq!((&last["totalResults"], ids(&last)), (&json!(3), vec![team.as_str()]));
    let named =
        post(&server, "/.search", search(json!({"filter": "userName sw \"a\" or displayName eq \"team\""})))
            .await;
    assert_eq!(ids(&named.body), [&ada, &team]);
    let groups = get(&server, "/?filter=meta.resourceType%20eq%20%22Group%22").await.body;
    assert_eq!(ids(&groups), [&team]);
    let filter = format!("/?filter=userName%20eq%20%22ada%22%20or%20members%20eq%20%22{bob}%22");
    assert_eq!(ids(&get(&server, &filter).await.body), [&ada], "each attribute is known to some type");
    get(&server, "/?filter=nope%20pr").await.refused(400, "invalidFilter");
}

#[tokio::test]
async fn q_21_excluded_members() {
    let server = server();
    let ada = user(&server, "ada").await;
    group(&server, "Team", &[&ada]).await;
    let body = get(&server, "/Groups?excludedAttributes=members").await.body;
    assert!(body["Resources"][0].get("members").is_none());
    assert!(get(&server, "/Groups").await.body["Resources"][0].get("members").is_some());
}

#[tokio::test]
async fn filt_001_filters_are_offered_and_taken() {
    let server = server();
    let ada = user(&server, "ada").await;
    assert_eq!(get(&server, "/ServiceProviderConfig").await.body["filter"]["supported"], true);
    let found = get(&server, "/Users?filter=userName%20eq%20%22ADA%22").await.body;
    assert_eq!(found["Resources"][0]["id"], ada);
}

#[tokio::test]
async fn filt_018_what_is_found_is_what_was_shown() {
    let server = server();
    let body = json!({"schemas": [USER], "userName": "ada", "emails": [{"value": "a@x.example"}]});
    let shown = post(&server, "/Users", body).await.body;
    for (attribute, filter) in [("active", "active%20pr"), ("emails", "emails.primary%20pr")] {
        let found = get(&server, &format!("/Users?filter={filter}")).await.body["totalResults"] == 1;
        let is_shown = match attribute {
            "emails" => shown["emails"][0].get("primary").is_some(),
            name => shown.get(name).is_some(),
        };
        assert_eq!(found, is_shown, "{filter}");
    }
}

#[tokio::test]
async fn filt_025_srv_037_too_many_documents_to_read_are_refused() {
    let server = builder().scan_limit(2).build().unwrap();
    for name in ["ada", "ben", "cleo"] {
        user(&server, name).await;
    }
    get(&server, "/Users?filter=not%20(title%20pr)").await.refused(400, "tooMany");
    assert_eq!(get(&server, "/Users?filter=userName%20eq%20%22ben%22").await.body["totalResults"], 1);
}

#[tokio::test]
async fn filt_026_sec_009_what_is_sensitive_is_asked_for_by_search_only() {
    let server = builder().sensitive("phoneNumbers.value").sensitive("externalId").build().unwrap();
    user(&server, "ada").await;
    let filters = [
        "phoneNumbers eq \"1\"",
        "phoneNumbers.value eq \"1\"",
        "phoneNumbers[value eq \"1\"]",
        "title pr or externalId pr",
    ];
    for filter in filters {
        let encoded = filter.replace(' ', "%20").replace('"', "%22");
        for path in ["/Users", "/"] {
            let reply = get(&server, &format!("{path}?filter={encoded}")).await;
            assert!(reply.refused(403, "sensitive").contains(".search"), "{filter}");
        }
        let search = json!({"schemas": [scim_core::urn::SEARCH_REQUEST], "filter": filter});
        assert_eq!(post(&server, "/Users/.search", search).await.status, 200, "{filter}");
    }
    assert_eq!(get(&server, "/Users?filter=phoneNumbers.type%20pr").await.status, 200);
    assert!(builder().sensitive("nope").build().is_err());
}

#[tokio::test]
async fn filt_019_what_no_type_knows_is_refused_at_the_root_in_brackets_too() {
    let server = server();
    for filter in [
        "nope%20pr",
        "emails.nope%20pr",
        "emails[nope%20ne%20%22x%22]",
        "title%20pr%20or%20emails[nope%20pr]",
    ] {
        let reply = get(&server, &format!("/?filter={filter}")).await;
        assert!(reply.refused(400, "invalidFilter").contains("nope"), "{filter}");
    }
    for filter in ["emails[type%20eq%20%22x%22]", "schemas[value%20pr]", "members%20pr"] {
        assert_eq!(get(&server, &format!("/?filter={filter}")).await.status, 200, "{filter}");
    }
}

/// A list that would miss resources is refused.
#[tokio::test]
async fn a_type_that_does_not_fit_the_index_is_503() {
    let store = Arc::new(MemoryStore::new());
    let before = on(store.clone()).build().unwrap();
    let body = json!({"schemas": [USER], "userName": "ada", "title": "Countess"});
    let made = post(&before, "/Users", body.clone()).await;
    let document = ResourceTypeDocument::new("User", "/Users", USER);
    let titled = ResourceType::builder(document).schema(Schema::user()).unique("title").build().unwrap();
    let registry = Registry::builder().resource_type(Arc::new(titled)).build().unwrap();
    let after = on(store).registry(registry).build().unwrap();
    let id = made.body["id"].as_str().unwrap();
    for reply in [
        get(&after, "/Users?filter=title%20eq%20%22countess%22").await,
        get(&after, "/Users").await,
        post(&after, "/Users", body).await,
    ] {
        reply.refused(503, "");
        assert!(reply.body["detail"].as_str().unwrap().contains("its index of User"), "{}", reply.body);
    }
    assert_eq!(get(&after, &format!("/Users/{id}")).await.status, 200);
    assert_eq!(get(&before, "/Users").await.body["totalResults"], 1);
}
