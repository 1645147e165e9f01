//! The store keeps the contract as far as its tables allow, and serves rows that were there before.

use std::sync::Arc;

use scim_core::{Lenience, Resource, Timestamp, urn};
use scim_filter::Filter;
use scim_server_traits::conformance::{Ability, Fixtures};
use scim_server_traits::{Batch, Context, Get, Query, Sort, SortBy, Store, TenantId, Update};
use serde_json::{Value, json};

use crate::kind::{GROUP, USER, group_type, user_type};
use crate::store::OwnTables;

fn document(document: Value) -> Resource {
    let Value::Object(map) = document else { panic!("no document: {document}") };
    Resource::from_canonical(map)
}

fn user(name: &str) -> Resource {
    document(json!({"schemas": [urn::USER], "userName": name, "displayName": name, "active": true}))
}

fn group(name: &str) -> Resource {
    document(json!({"schemas": [urn::GROUP], "displayName": name}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_tables_keep_the_contract() {
    let fixtures = Fixtures::default()
        .with_users(user_type().unwrap(), user)
        .with_groups(group_type().unwrap(), group)
        .without(&[Ability::Tenants, Ability::Claims, Ability::Dormancy, Ability::NestedGroups])
        .without(&[Ability::AnyDocument, Ability::OtherTypes, Ability::ScanBudget])
        .without(&[Ability::Order])
        .with_spawn(|task| {
            let running = tokio::spawn(task);
            Box::pin(async { running.await.unwrap() })
        });
    let checks = fixtures.checks();
    assert!(checks.len() > 50, "{}", checks.len());
    for check in checks {
        println!("{}", check.name);
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(crate::TABLES).unwrap();
        // There is only one tenant, so each check gets its own tables.
        check.run_with(Arc::new(OwnTables::open(connection).unwrap()), &fixtures).await;
    }
}

#[tokio::test]
async fn what_was_in_the_tables_is_served() {
    let store = OwnTables::open(crate::application().unwrap()).unwrap();
    let (context, user) = (Context::new(TenantId::new("application")), user_type().unwrap());
    for (filter, ids) in [
        (r#"userName eq "ÉMILE""#, vec!["2"]),
        (r#"displayName co "LOVE" and active eq true"#, vec!["1"]),
        (r#"not (displayName pr) or groups eq "1""#, vec!["1", "2", "3"]),
        (r#"meta.version eq "W/\"1\"" and active eq false"#, vec!["3"]),
    ] {
        let filter: Filter = filter.parse().unwrap();
        let query =
            Query::new(Arc::clone(&user)).with_filter(filter.bind(&user, &mut Lenience::strict()).unwrap());
        let page = store.query(&context, query).await.unwrap();
        let found: Vec<_> = page.resources().map(|stored| &*stored.id).collect();
        assert_eq!(found, ids);
    }
    let get = Get::new(group_type().unwrap(), "1").with_relations(vec!["members".into()]);
    let team = store.get(&context, get).await.unwrap().unwrap();
    let names: Vec<_> = team.links["members"].iter().filter_map(|link| link.display.as_deref()).collect();
    assert_eq!(names, ["Ada Lovelace", "Émile Zola"]);
}

#[tokio::test]
async fn a_user_may_be_neither_active_nor_inactive() {
    let store = OwnTables::open(crate::application().unwrap()).unwrap();
    let (context, user) = (Context::new(TenantId::new("application")), user_type().unwrap());
    let undecided =
        document(json!({"schemas": [urn::USER], "userName": "ada", "displayName": "Ada Lovelace"}));
    let update = Update::new(Arc::clone(&user), "1").with_resource(undecided.clone());
    store.commit(&context, Batch::new(Timestamp::from_millis(0)).update(update)).await.unwrap();
    let stored = store.get(&context, Get::new(Arc::clone(&user), "1")).await.unwrap().unwrap();
    assert_eq!(stored.resource, undecided, "a removed `active` is absent, not `true`");
    let filter: Filter = "not (active pr)".parse().unwrap();
    let query =
        Query::new(Arc::clone(&user)).with_filter(filter.bind(&user, &mut Lenience::strict()).unwrap());
    assert_eq!(store.query(&context, query).await.unwrap().total, 1);
}

#[tokio::test]
async fn an_order_that_the_tables_lack_is_refused() {
    let store = OwnTables::open(crate::application().unwrap()).unwrap();
    let query = Query::new(user_type().unwrap()).sorted(Sort::ascending(SortBy::Id));
    assert!(store.query(&Context::new(TenantId::new("application")), query).await.is_err());
}

#[test]
fn every_path_of_the_maps_is_known() {
    assert!((USER.sql)().unknown_paths(&user_type().unwrap()).is_empty());
    assert!((GROUP.sql)().unknown_paths(&group_type().unwrap()).is_empty());
}
