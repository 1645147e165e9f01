//! Entity tags — RFC 7644 §3.14.

use bytes::Bytes;
use http::Method;
use serde_json::json;

use scim_server::Server;

use crate::client::{Reply, USER, get, group, patch, post, request, send, server, user, yielding};

#[tokio::test]
async fn etag_004_etag_008_if_none_match() {
    let server = server();
    let ada = user(&server, "ada").await;
    let plain = format!("/Users/{ada}?excludedAttributes=groups");
    let tag = get(&server, &plain).await.header("etag").to_owned();
    let conditional = |path: &str, tag: &str| {
        request(Method::GET, path, None).header("if-none-match", tag).body(Bytes::new()).unwrap()
    };
    let same = send(&server, conditional(&plain, &tag)).await;
    assert_eq!((same.status.as_u16(), same.header("etag"), &same.body), (304, tag.as_str(), &json!(null)));
    assert_eq!(send(&server, conditional(&plain, "*")).await.status, 304);
    assert_eq!(send(&server, conditional(&plain, "W/\"99\"")).await.status, 200);
}

/// Sends a request with further headers.
async fn with(server: &Server, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let builder = request(method, path, None);
    let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
    send(server, builder.body(Bytes::from(body.to_owned())).unwrap()).await
}

/// Returns the part of a tag before the fingerprint.
fn version(tag: &str) -> &str {
    tag.split(['-', '"']).nth(1).unwrap()
}

#[tokio::test]
async fn etag_003_etag_004_etag_008_a_tag_tells_the_version_and_what_is_computed() {
    let server = server();
    let ada = user(&server, "ada").await;
    let path = format!("/Users/{ada}");
    let read = async |tag: &str| with(&server, Method::GET, &path, &[("if-none-match", tag)], "").await;
    let alone = get(&server, &path).await.header("etag").to_owned();
    assert_eq!(
        (alone.as_str(), read(&alone).await.status.as_u16()),
        ("W/\"1\"", 304),
        "nothing is computed yet"
    );
    let team = group(&server, "Team", &[&ada]).await;

    // Joining a group changes the representation, and not the version.
    let joined = read(&alone).await;
    assert_eq!((joined.status.as_u16(), &joined.body["groups"][0]["display"]), (200, &json!("Team")));
    let tag = joined.header("etag").to_owned();
    assert!(tag != alone && version(&tag) == "1", "{tag}");
    assert_eq!(joined.body["meta"]["version"], *tag, "ETAG-003");
    let same = read(&tag).await;
    assert_eq!((same.status.as_u16(), same.header("etag"), &same.body), (304, tag.as_str(), &json!(null)));
    assert_eq!(get(&server, "/Users").await.body["Resources"][0]["meta"]["version"], *tag, "in a list too");
    assert_eq!(get(&server, "/Users/none").await.status, 404);

    // Renaming the group changes the representation too.
    let rename = json!([{"op": "replace", "path": "displayName", "value": "Crew"}]);
    assert_eq!(patch(&server, &format!("/Groups/{team}"), rename).await.status, 204);
    let renamed = read(&tag).await;
    assert_eq!((renamed.status.as_u16(), version(renamed.header("etag"))), (200, "1"));

    // A projection without groups shows nothing that is computed.
    let without = get(&server, &format!("{path}?excludedAttributes=groups")).await;
    assert_eq!(without.header("etag"), alone);

    // A write compares the version, whatever was computed then. It returns the tag of what it shows.
    let body = json!({"schemas": [USER], "userName": "ada", "title": "t"}).to_string();
    let written = with(&server, Method::PUT, &path, &[("if-match", &tag)], &body).await;
    assert_eq!((written.status.as_u16(), version(written.header("etag"))), (200, "2"));
    assert_eq!(written.body["meta"]["version"], written.header("etag"));
    assert_eq!(read(written.header("etag")).await.status, 304);
    assert_eq!(with(&server, Method::DELETE, &format!("/Groups/{team}"), &[], "").await.status, 204);
    assert_eq!(get(&server, &path).await.header("etag"), "W/\"2\"", "nothing is computed any more");
}

#[tokio::test]
async fn etag_004_a_group_too_large_to_be_held_is_always_answered() {
    // The store returns 3 links in chunks, and 2 at once.
    let server = server();
    let mut people = Vec::new();
    for name in ["a", "b", "c"] {
        people.push(user(&server, name).await);
    }
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    for (members, again) in [(&people[..2], 304), (&people[..], 200)] {
        let path = format!("/Groups/{}", group(&server, "g", members).await);
        let shown = get(&server, &path).await;
        let tag = shown.header("etag");
        assert!(shown.body["meta"]["version"] == tag && version(tag) == "1" && tag != "W/\"1\"", "{tag}");
        let status = |reply: Reply| reply.status.as_u16();
        let read = async |name, tag| status(with(&server, Method::GET, &path, &[(name, tag)], "").await);
        assert_eq!((read("if-none-match", tag).await, read("if-match", tag).await), (again, 200));
    }
}

#[tokio::test]
async fn etag_003_filters_and_bulk_compare_the_version() {
    let server = server();
    let (ada, bob) = (user(&server, "ada").await, user(&server, "bob").await);
    group(&server, "Team", &[&ada]).await;
    assert_eq!(
        patch(&server, &format!("/Users/{bob}"), json!([{"op": "add", "path": "title", "value": "t"}]))
            .await
            .status,
        200
    );
    let tag = get(&server, &format!("/Users/{ada}")).await.header("etag").to_owned();
    assert_eq!(version(&tag), "1");
    let find = async |filter: String| {
        let search = json!({"schemas": [scim_core::urn::SEARCH_REQUEST], "filter": filter});
        let found = post(&server, "/Users/.search", search.clone()).await.body;
        assert_eq!(post(&server, "/.search", search).await.status, 200);
        let names: Vec<String> =
            found["Resources"].as_array().unwrap().iter().map(|user| user["userName"].to_string()).collect();
        names.join(" ")
    };
    let quoted = json!(tag).to_string();
    for (filter, found) in [
        (format!("meta.version eq {quoted}"), "\"ada\""),
        (format!("not (meta.version eq {quoted}) and meta.version pr"), "\"bob\""),
        (format!("meta.version ne {quoted} or userName eq \"ada\""), "\"ada\" \"bob\""),
        ("meta.version eq \"W/\\\"2\\\"\"".to_owned(), "\"bob\""),
    ] {
        assert_eq!(find(filter.clone()).await, found, "{filter}");
    }

    let change = |version: &str| {
        json!({"schemas": [scim_core::urn::BULK_REQUEST], "Operations": [{
            "method": "PATCH", "path": format!("/Users/{ada}"), "version": version,
            "data": {"schemas": [scim_core::urn::PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": version}]},
        }]})
    };
    let changed = post(&server, "/Bulk", change(&tag)).await.body;
    assert_eq!(
        (&changed["Operations"][0]["status"], &changed["Operations"][0]["version"]),
        (&json!("200"), &json!("W/\"2\""))
    );
    assert_eq!(post(&server, "/Bulk", change(&tag)).await.body["Operations"][0]["status"], "412");
}

#[tokio::test]
async fn etag_005_conditions_hold_for_every_method() {
    let server = server();
    let ada = user(&server, "ada").await;
    let path = format!("/Users/{ada}");
    let put = json!({"schemas": [USER], "userName": "ada", "title": "t"}).to_string();
    let patch = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "u"}]}).to_string();
    let status = async |method: Method, path: &str, headers: &[(&str, &str)], body: &str| {
        with(&server, method, path, headers, body).await.status.as_u16()
    };
    // What is written is not of a version that the client has, and no resource at all.
    for (method, body) in [(Method::PUT, put.as_str()), (Method::PATCH, &patch), (Method::DELETE, "")] {
        for tags in ["*", "W/\"1\"", "\"7\", \"1\"", "W/\"1-0123456789abcdef\""] {
            let refused = with(&server, method.clone(), &path, &[("if-none-match", tags)], body).await;
            refused.refused(412, "");
        }
        let both = [("if-match", "\"1\", \"2\""), ("if-none-match", "\"1\"")];
        assert_eq!(status(method.clone(), &path, &both, body).await, 412, "{method}");
        assert_eq!(status(method.clone(), "/Users/none", &[("if-match", "*")], body).await, 404, "{method}");
    }
    assert_eq!(get(&server, &path).await.header("etag"), "W/\"1\"", "nothing was written");
    assert_eq!(status(Method::PUT, &path, &[("if-none-match", "\"7\"")], &put).await, 200);
    assert_eq!(status(Method::PATCH, &path, &[("if-none-match", "\"1\"")], &patch).await, 200);

    // A change of relations alone reads nothing.
    let team = format!("/Groups/{}", group(&server, "Team", &[]).await);
    let add = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [{"op": "add", "path": "members", "value": [{"value": ada}]}]}).to_string();
    assert_eq!(status(Method::PATCH, &team, &[("if-none-match", "\"1\"")], &add).await, 412);
    assert_eq!(status(Method::PATCH, &team, &[("if-none-match", "\"2\"")], &add).await, 204);

    for method in [Method::GET, Method::HEAD] {
        for (headers, expected) in [
            (&[("if-match", "\"3\"")][..], 200),
            (&[("if-match", "*")], 200),
            (&[("if-match", "\"2\"")], 412),
            (&[("if-match", "elsewhere")], 412),
            (&[("if-match", "\"2\""), ("if-none-match", "*")], 412),
            (&[("if-match", "\"3\""), ("if-none-match", "*")], 304),
        ] {
            assert_eq!(status(method.clone(), &path, headers, "").await, expected, "{method} {headers:?}");
        }
        // A list has no tag.
        for (headers, expected) in [
            (&[("if-match", "*")][..], 200),
            (&[("if-none-match", "\"1\"")], 200),
            (&[("if-match", "\"1\"")], 412),
            (&[("if-none-match", "*")], 304),
        ] {
            for path in ["/Users", "/", "/Schemas", "/ServiceProviderConfig"] {
                assert_eq!(
                    status(method.clone(), path, headers, "").await,
                    expected,
                    "{method} {path} {headers:?}"
                );
            }
        }
        assert_eq!(status(method, "/Users?filter=x", &[("if-none-match", "*")], "").await, 400);
    }
    let bob = json!({"schemas": [USER], "userName": "bob"}).to_string();
    for (headers, expected) in [
        ([("if-none-match", "*")], 412),
        ([("if-match", "\"1\"")], 412),
        ([("if-none-match", "\"1\"")], 201),
        ([("if-match", "*")], 409),
    ] {
        assert_eq!(status(Method::POST, "/Users", &headers, &bob).await, expected, "{headers:?}");
    }
    let search = json!({"schemas": [scim_core::urn::SEARCH_REQUEST]}).to_string();
    assert_eq!(
        status(Method::POST, "/Users/.search", &[("if-match", "\"1\"")], &search).await,
        200,
        "selects nothing"
    );
}

#[tokio::test]
async fn etag_005_what_a_client_has_is_not_overwritten_in_a_race() {
    let server = yielding();
    let ada = user(&server, "ada").await;
    let path = format!("/Users/{ada}");
    let replace = json!({"schemas": [USER], "userName": "ada", "title": "t"}).to_string();
    let suspend = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [{"op": "add", "path": "active", "value": false}]}).to_string();
    // Both read version 1; the replace then finds version 2, which it must not write over.
    let (suspended, replaced) = tokio::join!(
        with(&server, Method::PATCH, &path, &[], &suspend),
        with(&server, Method::PUT, &path, &[("if-none-match", "\"2\"")], &replace)
    );
    assert_eq!(suspended.status, 200);
    replaced.refused(412, "");
    let body = get(&server, &path).await.body;
    assert_eq!((&body["active"], body.get("title")), (&json!(false), None));
}

#[tokio::test]
async fn etag_005_srv_080_if_match() {
    let server = server();
    let ada = user(&server, "ada").await;
    let path = format!("/Users/{ada}");
    let body = json!({"schemas": [USER], "userName": "ada", "title": "t"}).to_string();
    let patch = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "u"}]}).to_string();
    let with = |method: Method, tag: &str, body: &str| {
        request(method, &path, None).header("if-match", tag).body(Bytes::from(body.to_owned())).unwrap()
    };
    for (method, body) in [(Method::PUT, body.as_str()), (Method::PATCH, &patch), (Method::DELETE, "")] {
        send(&server, with(method.clone(), "W/\"9\"", body)).await.refused(412, "");
        send(&server, with(method, "\"other\"", body)).await.refused(412, "");
    }
    assert_eq!(send(&server, with(Method::PUT, "\"1\"", &body)).await.status, 200, "X9: weak comparison");
    assert_eq!(send(&server, with(Method::PATCH, "*", &patch)).await.status, 200);
    assert_eq!(send(&server, with(Method::DELETE, "W/\"2\", W/\"3\"", "")).await.status, 204);
}

#[tokio::test]
async fn etag_005_a_replace_never_overwrites_what_it_has_not_read() {
    let server = yielding();
    let ada = user(&server, "ada").await;
    let path = format!("/Users/{ada}");
    let replace = json!({"schemas": [USER], "userName": "ada", "title": "t"}).to_string();
    let suspend = json!({"schemas": [scim_core::urn::PATCH_OP], "Operations": [{"op": "add", "path": "active", "value": false}]}).to_string();
    let replace = request(Method::PUT, &path, None)
        .header("if-match", "\"1\", \"2\"")
        .body(Bytes::from(replace))
        .unwrap();
    let suspend = request(Method::PATCH, &path, None).body(Bytes::from(suspend)).unwrap();
    // Both read version 1; the replace then finds version 2, which it named, and must read again.
    let (suspended, replaced) = tokio::join!(send(&server, suspend), send(&server, replace));
    assert_eq!((suspended.status.as_u16(), replaced.status.as_u16()), (200, 200));
    let body = get(&server, &path).await.body;
    assert_eq!(
        (&body["active"], &body["title"]),
        (&json!(false), &json!("t")),
        "Q-51: PUT without `active` keeps it"
    );
}
