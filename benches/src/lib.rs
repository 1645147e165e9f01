//! Filled stores and a user for benchmarks.

#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up has nothing to measure")]

pub mod user;
mod wire;

use std::sync::Arc;

use scim_core::{Reference, Resource, ResourceType, Timestamp, urn};
use scim_server_traits::{Batch, Context, Insert, Store, TenantId};
use scim_store::{Durability, SqliteOptions, SqliteStore};
use serde_json::json;
use tempfile::TempDir;

pub use wire::{Reply, Wire};

/// How many writes go into one batch while a store is filled.
const CHUNK: usize = 1_000;

/// A SQLite store with people, and one group with all of them but one.
#[derive(Debug)]
pub struct Filled {
    /// The store.
    pub store: SqliteStore,
    /// The tenant that everything belongs to.
    pub context: Context,
    /// The user type.
    pub users: Arc<ResourceType>,
    /// The group type.
    pub groups: Arc<ResourceType>,
    /// How many people there are.
    pub people: usize,
    _folder: TempDir,
}

impl Filled {
    /// The id of the group.
    pub const GROUP: &'static str = "everybody";
    /// The id of the person who is in no group.
    pub const OUTSIDER: &'static str = "outsider";

    /// Fills a new store with this many people.
    pub async fn new(people: usize, durability: Durability) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = SqliteOptions::default().with_durability(durability);
        let store = SqliteStore::open_with(folder.path().join("bench.db"), options).expect("a store");
        let filled = Self {
            store,
            context: Context::new(TenantId::new("bench")),
            users: ResourceType::user(),
            groups: ResourceType::group(),
            people,
            _folder: folder,
        };
        filled.fill().await;
        filled
    }

    async fn fill(&self) {
        let ids: Vec<usize> = (0..self.people).collect();
        for chunk in ids.chunks(CHUNK) {
            let batch = chunk.iter().fold(Batch::new(now()), |batch, number| {
                batch.insert(Insert::new(
                    Arc::clone(&self.users),
                    format!("u{number}"),
                    person(&name(*number)),
                ))
            });
            self.store.commit(&self.context, batch).await.expect("people");
        }
        let members = (0..self.people).map(|number| Reference::new(format!("u{number}"))).collect();
        let group = json!({"schemas": [urn::GROUP], "displayName": "Everybody"});
        let group = Insert::new(Arc::clone(&self.groups), Self::GROUP, resource(group))
            .with_links("members", members);
        let outsider = Insert::new(Arc::clone(&self.users), Self::OUTSIDER, person("outsider"));
        self.store
            .commit(&self.context, Batch::new(now()).insert(outsider).insert(group))
            .await
            .expect("a group");
    }
}

/// Returns the `userName` of a person.
pub fn name(number: usize) -> String {
    format!("person{number}@example.com")
}

/// Returns the time of every write.
pub fn now() -> Timestamp {
    Timestamp::from_millis(1_795_305_600_000)
}

fn person(user_name: &str) -> Resource {
    resource(json!({
        "schemas": [urn::USER],
        "externalId": format!("ext-{user_name}"),
        "userName": user_name,
        "displayName": format!("Person {user_name}"),
        "active": true,
        "name": {"givenName": "Person", "familyName": user_name, "formatted": format!("Person {user_name}")},
        "emails": [{"value": user_name, "type": "work", "primary": true}],
    }))
}

fn resource(value: serde_json::Value) -> Resource {
    match value {
        serde_json::Value::Object(map) => Resource::from_canonical(map),
        _ => Resource::default(),
    }
}
