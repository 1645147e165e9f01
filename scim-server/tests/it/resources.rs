//! The typed way in does what HTTP does.

use std::sync::Arc;

use scim_core::{
    Extensible, Group, MemberRef, Registry, ResourceType, ResourceTypeDocument, Schema, ScimResource, User,
};
use scim_patch::PatchRequest;
use scim_server_traits::{Context, FeedPosition, OperatorFeed, Principal, TenantId};
use scim_store::MemoryStore;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::client::{get, on, server, user};

fn context() -> Context {
    Context::new(TenantId::new("one")).with_principal(Principal::new("job")).with_request("night-1")
}

#[tokio::test]
async fn a_program_and_a_client_see_the_same_resources() {
    let server = server();
    let by_http = user(&server, "ada").await;
    let users = server.resources::<User>(&context()).unwrap();
    let groups = server.resources::<Group>(&context()).unwrap();
    assert_eq!(users.get(&by_http).await.unwrap().user_name, "ada");
    let bob = users.create(&User::new("bob")).await.unwrap();
    let id = bob.id.unwrap();
    let shown = get(&server, &format!("/Users/{id}")).await;
    assert_eq!((shown.status.as_u16(), &shown.body["userName"]), (200, &json!("bob")));
    assert_eq!(shown.body["meta"]["version"], json!(bob.meta.unwrap().version.unwrap()));
    let mut team = Group::new("team");
    team.members = vec![MemberRef::new(&by_http), MemberRef::new(&id)];
    let team = groups.create(&team).await.unwrap();
    assert_eq!(team.members.len(), 2);
    let left = PatchRequest::new().remove(format!("members[value eq \"{id}\"]"));
    assert_eq!(groups.patch(&team.id.unwrap(), &left).await.unwrap().members.len(), 1);
}

#[tokio::test]
async fn the_rules_are_those_of_http() {
    let server = on(Arc::new(MemoryStore::new())).build().unwrap();
    let users = server.resources::<User>(&context()).unwrap();
    let ada = users.create(&User::new("ada")).await.unwrap();
    let (id, version) = (ada.id.clone().unwrap(), ada.meta.clone().unwrap().version.unwrap());
    let refused = users.create(&User::new("ADA")).await.unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.scim_type.unwrap().as_str()), (409, "uniqueness"));
    assert_eq!(users.create(&User::new("")).await.unwrap_err().status, 400);
    assert_eq!(users.find("userName xx \"a\"").await.unwrap_err().status, 400);
    assert_eq!(users.get("nobody").await.unwrap_err().status, 404);
    assert_eq!(users.delete("nobody").await.unwrap_err().status, 404);

    let mut changed = ada.clone();
    changed.display_name = Some("Ada".into());
    let replaced = users.at_version(&version).replace(&id, &changed).await.unwrap();
    assert_eq!(replaced.display_name.as_deref(), Some("Ada"));
    let late = users.at_version(&version).replace(&id, &ada).await.unwrap_err();
    assert_eq!(late.status, 412, "another version");
    assert_eq!(users.at_version(&version).delete(&id).await.unwrap_err().status, 412);
    assert_eq!(users.disable(&id).await.unwrap().active, Some(false));
    users.delete(&id).await.unwrap();
    assert_eq!(users.find("userName pr").await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_tenant_of_its_own_and_a_cause() {
    let store = MemoryStore::new();
    let server = on(Arc::new(store.clone())).build().unwrap();
    let users = server.resources::<User>(&context()).unwrap();
    let id = users.create(&User::new("ada")).await.unwrap().id.unwrap();
    users.disable(&id).await.unwrap();
    let elsewhere = Context::new(TenantId::new("two"));
    let others = server.resources::<User>(&elsewhere).unwrap();
    assert_eq!(others.get(&id).await.unwrap_err().status, 404);
    others.create(&User::new("ada")).await.unwrap();
    let (changes, _) = store.changes_of_all(&FeedPosition::of_number(0), 9).await.unwrap();
    let cause = &changes[1].cause;
    assert_eq!((&*cause.principal, &*cause.request, &*cause.operation), ("job", "night-1", "patch"));
    assert_eq!(changes[1].activation, Some(false));
}

#[tokio::test]
async fn many_writers_of_one_resource_all_succeed() {
    let server = server();
    let users = server.resources::<User>(&context()).unwrap();
    let id = users.create(&User::new("ada")).await.unwrap().id.unwrap();
    let writers = (0..40).map(|number| {
        let (users, id) = (users.clone(), id.clone());
        tokio::spawn(async move {
            let email = json!([{"value": format!("{number}@example.com")}]);
            users.patch(&id, &PatchRequest::new().add("emails", email)).await.map(drop)
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    assert_eq!(users.get(&id).await.unwrap().emails.len(), 40);
}

#[tokio::test]
async fn all_that_match_are_found_however_many_pages_they_fill() {
    let server = on(Arc::new(MemoryStore::new())).pages(3, 7).build().unwrap();
    let users = server.resources::<User>(&context()).unwrap();
    for number in 0..20 {
        users.create(&User::new(format!("u{number:02}"))).await.unwrap();
    }
    let found = users.find("userName sw \"u\"").await.unwrap();
    let names: Vec<_> = found.iter().map(|user| user.user_name.as_str()).collect();
    assert_eq!(names.len(), 20);
    assert!(names.is_sorted());
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Robot {
    schemas: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    model: String,
    #[serde(flatten)]
    other: Map<String, Value>,
}

impl ScimResource for Robot {
    const SCHEMA: &'static str = "urn:example:params:scim:schemas:Robot";
    const ENDPOINT: &'static str = "/Robots";
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

impl Extensible for Robot {
    fn schemas_mut(&mut self) -> &mut Vec<String> {
        &mut self.schemas
    }
    fn other(&self) -> &Map<String, Value> {
        &self.other
    }
    fn other_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.other
    }
}

#[tokio::test]
async fn a_type_of_ones_own_is_typed_too() {
    let schema = json!({"id": Robot::SCHEMA, "name": "Robot", "attributes": [
        {"name": "model", "type": "string", "required": true, "uniqueness": "server"}]});
    let document = ResourceTypeDocument::new("Robot", Robot::ENDPOINT, Robot::SCHEMA);
    let robot = ResourceType::builder(document).schema(Arc::new(Schema::from_json(schema).unwrap()));
    let registry = Registry::builder().resource_type(Arc::new(robot.build().unwrap())).build().unwrap();
    let server = on(Arc::new(MemoryStore::new())).registry(registry).build().unwrap();
    let robots = server.resources::<Robot>(&context()).unwrap();
    let robot =
        |model: &str| Robot { schemas: vec![Robot::SCHEMA.into()], model: model.into(), ..Robot::default() };
    let id = robots.create(&robot("R2")).await.unwrap().id.unwrap();
    assert_eq!(robots.create(&robot("r2")).await.unwrap_err().status, 409);
    assert_eq!(robots.get(&id).await.unwrap().model, "R2");
    assert_eq!(server.resources::<User>(&context()).unwrap_err().status, 404, "it serves no users");
}
