//! The data of the dear requests: many people, one that is as large as the limits allow, and a group of all.

use std::sync::Arc;

use scim_core::{Reference, Resource, ResourceType, urn};
use scim_server_traits::{Batch, Context, Insert, Store, StoreError};
use serde_json::{Value, json};

/// The id of the user whose values are as long and as many as one body may have.
pub(crate) const LARGE: &str = "large";
/// Groups of all people. One request changes the first of a pair, and one deletes the second. The second pair is for
/// measuring how long others wait.
pub(crate) const GROUPS: [[&str; 2]; 2] = [["everybody", "leaving"], ["everybody2", "leaving2"]];

/// How many writes go into one batch.
const CHUNK: usize = 1_000;

/// Fills an empty store.
pub(crate) async fn fill(store: &dyn Store, context: &Context, people: usize) -> Result<(), StoreError> {
    let (users, groups) = (ResourceType::user(), ResourceType::group());
    let numbers: Vec<usize> = (0..people).collect();
    for chunk in numbers.chunks(CHUNK) {
        let insert = |batch: Batch, number: &usize| {
            batch.insert(Insert::new(Arc::clone(&users), format!("u{number}"), person(*number)))
        };
        store.commit(context, chunk.iter().fold(Batch::new(scim_benches::now()), insert)).await?;
    }
    let large = Insert::new(Arc::clone(&users), LARGE, resource(large()));
    store.commit(context, Batch::new(scim_benches::now()).insert(large)).await?;
    for id in GROUPS.into_iter().flatten() {
        let members = (0..people).map(|number| Reference::new(format!("u{number}"))).collect();
        let everybody = resource(json!({"schemas": [urn::GROUP], "displayName": id}));
        let group = Insert::new(Arc::clone(&groups), id, everybody).with_links("members", members);
        store.commit(context, Batch::new(scim_benches::now()).insert(group)).await?;
    }
    Ok(())
}

/// Makes a user of about 1 kB.
fn person(number: usize) -> Resource {
    let name = format!("person{number}@example.com");
    resource(json!({
        "schemas": [urn::USER],
        "userName": name,
        "displayName": format!("Person {number}"),
        "title": format!("Title {}", number % 1_000),
        "nickName": "x".repeat(500),
        "active": true,
        "name": {"givenName": "Person", "familyName": name, "formatted": format!("Person {name}")},
        "emails": [{"value": name, "type": "work", "primary": true}, {"value": "home@example.com", "type": "home"}],
    }))
}

/// Makes the largest user that a body may have: several texts of the maximum length, and many short e-mail addresses.
pub(crate) fn large() -> Value {
    let long = "É".repeat(32 << 10);
    let emails: Vec<Value> =
        (0..8_000).map(|at| json!({"value": format!("É{at}@example.com"), "type": "work"})).collect();
    json!({
        "schemas": [urn::USER],
        "userName": "large",
        "displayName": long, "title": long, "nickName": long, "preferredLanguage": long,
        "name": {"formatted": long, "givenName": long, "familyName": long, "middleName": long},
        "emails": emails,
    })
}

fn resource(value: Value) -> Resource {
    match value {
        Value::Object(map) => Resource::from_canonical(map),
        _ => Resource::default(),
    }
}
