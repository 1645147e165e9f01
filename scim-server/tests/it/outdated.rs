//! A type whose definition has changed since its resources were written. They are shown, found and changed by the
//! present definition.

use std::sync::Arc;

use http::Method;
use scim_core::{Leniency, Registry, ResourceType, ResourceTypeDocument, Schema, UnknownAttributes};
use scim_server::Server;
use scim_server_traits::Store;
use scim_store::{MemoryStore, SqliteStore};
use serde_json::{Value, json};

use crate::client::{call, get, on, patch, post};

const ROBOT: &str = "urn:x:Robot";
const OWNED: &str = "urn:x:Owned";

fn schema(id: &str, attributes: Value) -> Arc<Schema> {
    Arc::new(Schema::from_json(json!({"id": id, "name": "X", "attributes": attributes})).unwrap())
}

fn robots(attributes: Value, is_owned: bool) -> Registry {
    let document = ResourceTypeDocument::new("Robot", "/Robots", ROBOT);
    let robot = ResourceType::builder(document).schema(schema(ROBOT, attributes));
    let mut robot = robot.indexed(["model"]).build().unwrap();
    if is_owned {
        robot = robot.with_extension(schema(OWNED, json!([{"name": "owner"}])), false).unwrap();
    }
    Registry::builder().resource_type(Arc::new(robot)).build().unwrap()
}

/// The definition under which the resources were written.
fn before() -> Registry {
    let attributes = json!([
        {"name": "model", "required": true}, {"name": "colour"}, {"name": "level"}, {"name": "pin"},
        {"name": "arm", "type": "complex", "subAttributes": [{"name": "side"}, {"name": "grip"}]},
        {"name": "tools", "type": "complex", "multiValued": true,
            "subAttributes": [{"name": "value"}, {"name": "serial"}]},
    ]);
    robots(attributes, true)
}

/// The present definition. It has no `colour`, `arm.grip`, `tools.serial` and extension; `level` is a number, and `pin`
/// a secret.
fn after() -> Registry {
    let attributes = json!([
        {"name": "model", "required": true}, {"name": "level", "type": "integer"},
        {"name": "pin", "returned": "never"},
        {"name": "arm", "type": "complex", "subAttributes": [{"name": "side"}]},
        {"name": "tools", "type": "complex", "multiValued": true, "subAttributes": [{"name": "value"}]},
    ]);
    robots(attributes, false)
}

fn robot() -> Value {
    json!({
        "schemas": [ROBOT, OWNED], "model": "r2", "colour": "blue", "level": "five", "pin": "1234",
        "arm": {"grip": "firm"}, "tools": [{"value": "saw", "serial": "1"}, {"serial": "2"}],
        OWNED: {"owner": "ada"},
    })
}

/// What the present definition keeps of the robot.
fn fitting() -> Value {
    json!({"schemas": [ROBOT], "model": "r2", "tools": [{"value": "saw"}]})
}

/// Returns the document, without `id` and `meta`.
fn document(body: &Value) -> Value {
    let mut document = body.as_object().unwrap().clone();
    document.retain(|name, _| name != "id" && name != "meta");
    document.into()
}

/// Checks each store with an old robot: the store, a server of the present definition, and the robot's path.
async fn each(leniency: Leniency, check: impl AsyncFn(&Arc<dyn Store>, &Server, &str)) {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = SqliteStore::open(directory.path().join("scim.db")).unwrap();
    let stores: [Arc<dyn Store>; 2] = [Arc::new(MemoryStore::new()), Arc::new(sqlite)];
    for store in stores {
        let old = on(Arc::clone(&store)).registry(before()).build().unwrap();
        let path = format!("/Robots/{}", post(&old, "/Robots", robot()).await.id());
        assert_eq!(document(&get(&old, &path).await.body), robot());
        let new = on(Arc::clone(&store)).registry(after()).leniency(leniency).build().unwrap();
        check(&store, &new, &path).await;
    }
}

#[tokio::test]
async fn what_the_definition_has_no_more_is_not_shown() {
    each(Leniency::INTEROP, async |_, server, path| {
        let read = get(server, path).await;
        assert_eq!(document(&read.body), fitting());
        assert_eq!(read.header("etag"), "W/\"1\"");
        for list in [
            "/Robots",
            "/Robots?sortBy=model",
            "/Robots?filter=model%20eq%20%22r2%22",
            "/Robots?filter=tools%20pr",
        ] {
            assert_eq!(document(&get(server, list).await.body["Resources"][0]), fitting(), "{list}");
        }
        let named = get(server, &format!("{path}?attributes=colour,arm,level,tools,pin,{OWNED}")).await;
        assert_eq!(document(&named.body), json!({"schemas": [ROBOT], "tools": [{"value": "saw"}]}));
    })
    .await;
}

#[tokio::test]
async fn filters_see_what_is_shown() {
    each(Leniency::INTEROP, async |_, server, _| {
        for (filter, found) in [
            ("level%20pr", 0),
            ("not%20(level%20pr)", 1),
            ("level%20ne%205", 1),
            ("level%20eq%205", 0),
            ("arm%20pr", 0),
            ("tools%20pr", 1),
            ("tools.value%20pr", 1),
            ("model%20eq%20%22r2%22%20and%20not%20(arm.side%20pr)", 1),
        ] {
            let list = get(server, &format!("/Robots?filter={filter}")).await;
            assert_eq!(list.body["totalResults"], found, "{filter}: {:?}", list.body);
        }
        get(server, "/Robots?filter=colour%20pr").await.refused(400, "invalidFilter");
    })
    .await;
}

#[tokio::test]
async fn the_next_write_takes_it_away() {
    let set = json!([{"op": "add", "path": "arm.side", "value": "left"}, {"op": "add", "path": "level", "value": 5}]);
    each(Leniency::INTEROP, async |store, server, path| {
        assert_eq!(
            patch(server, path, json!([{"op": "remove", "path": "level"}])).await.header("etag"),
            "W/\"1\""
        );
        let mut now = fitting();
        (now["arm"], now["level"]) = (json!({"side": "left"}), json!(5));
        assert_eq!(document(&patch(server, path, set.clone()).await.body), now);
        // Also for a server that would show everything.
        let all = Leniency::INTEROP.with_unknown_attributes(UnknownAttributes::Keep);
        let all = on(Arc::clone(store)).registry(after()).leniency(all).build().unwrap();
        assert_eq!(document(&get(&all, path).await.body), now);
        let list = get(server, "/Robots?filter=level%20eq%205%20and%20arm%20pr").await;
        assert_eq!(document(&list.body["Resources"][0]), now);
    })
    .await;
    each(Leniency::INTEROP, async |store, server, path| {
        let reply = call(server, Method::PUT, path, Some(fitting())).await;
        assert_eq!((document(&reply.body), reply.header("etag")), (fitting(), "W/\"2\""));
        // A value that is never returned stays if the client does not mention it. Nothing else stays.
        let all = on(Arc::clone(store)).registry(before()).build().unwrap();
        let mut kept = fitting();
        kept["pin"] = json!("1234");
        assert_eq!(document(&get(&all, path).await.body), kept);
    })
    .await;
}

#[tokio::test]
async fn unknown_attributes_that_are_kept_stay() {
    let keeping = Leniency::INTEROP.with_unknown_attributes(UnknownAttributes::Keep);
    each(keeping, async |store, server, path| {
        let mut shown = robot();
        // A value of another type and a secret are not shown.
        for name in ["level", "pin"] {
            shown.as_object_mut().unwrap().remove(name);
        }
        assert_eq!(document(&get(server, path).await.body), shown);
        assert_eq!(document(&get(server, "/Robots").await.body["Resources"][0]), shown);
        let list = get(server, "/Robots?filter=arm%20pr%20and%20not%20(level%20pr)").await;
        assert_eq!(document(&list.body["Resources"][0]), shown);
        patch(server, path, json!([{"op": "replace", "path": "model", "value": "r3"}])).await;
        shown["model"] = json!("r3");
        assert_eq!(document(&get(server, path).await.body), shown, "after a change of something else");
        let old = on(Arc::clone(store)).registry(before()).build().unwrap();
        shown["pin"] = json!("1234");
        assert_eq!(document(&get(&old, path).await.body), shown);
    })
    .await;
}

#[tokio::test]
async fn an_attribute_that_became_a_secret_is_not_shown() {
    let secret = json!([{"name": "model"}, {"name": "pin", "returned": "never"}]);
    let open = json!([{"name": "model"}, {"name": "pin"}]);
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(directory.path().join("scim.db")).unwrap());
    let old = on(Arc::clone(&store)).registry(robots(open, false)).build().unwrap();
    let made = post(&old, "/Robots", json!({"schemas": [ROBOT], "model": "r2", "pin": "1234"})).await;
    let new = on(store).registry(robots(secret, false)).build().unwrap();
    for path in [format!("/Robots/{}", made.id()), "/Robots".into(), "/Robots?attributes=pin".into()] {
        assert!(!get(&new, &path).await.body.to_string().contains("1234"), "{path}");
    }
}

/// If an indexed attribute has another type now, its keys are rebuilt from what fits.
#[tokio::test]
async fn keys_are_rebuilt_of_what_fits() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path().join("scim.db")).unwrap();
    let old =
        on(Arc::new(store.clone())).registry(robots(json!([{"name": "model"}]), false)).build().unwrap();
    post(&old, "/Robots", json!({"schemas": [ROBOT], "model": "5"})).await;
    let registry = robots(json!([{"name": "model", "type": "integer"}]), false);
    let new = on(Arc::new(store.clone())).registry(registry.clone()).build().unwrap();
    get(&new, "/Robots").await.refused(503, "");
    let tenant = scim_server_traits::TenantId::new("one");
    assert_eq!(store.reindex(&tenant, registry.resource_types()).await.unwrap(), 1);
    for (filter, found) in [("model%20eq%205", 0), ("model%20pr", 0), ("not%20(model%20pr)", 1)] {
        assert_eq!(
            get(&new, &format!("/Robots?filter={filter}")).await.body["totalResults"],
            found,
            "{filter}"
        );
    }
    let again = post(&new, "/Robots", json!({"schemas": [ROBOT], "model": 5})).await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(get(&new, "/Robots?filter=model%20eq%205").await.body["totalResults"], 1);
}
