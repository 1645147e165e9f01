//! What a client asks of the store, always in the same order, and the state that follows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use scim_core::{Reference, Resource, ResourceType, Timestamp};
use scim_patch::{RelationEdit, RelationStep};
use scim_server_traits::{
    Batch, Cause, ChangeFeed, Context, Delete, Insert, Precondition, Query, Record, RecordQuery, Records,
    Store, TenantId, Update,
};
use scim_store::MemoryStore;
use serde_json::{Value, json};

/// How many batches there are.
pub(crate) const LENGTH: usize = 24;

pub(crate) fn context() -> Context {
    Context::new(TenantId::new("octo"))
}

fn resource(document: Value) -> Resource {
    let Value::Object(map) = document else { panic!("no document: {document}") };
    Resource::from_canonical(map)
}

fn user(number: usize, title: usize) -> Resource {
    resource(json!({"userName": format!("u{number}"), "displayName": format!("User {number}"),
        "title": "t".repeat(title), "emails": [{"value": format!("u{number}@example.com")}]}))
}

fn insert(number: usize, title: usize) -> Insert {
    Insert::new(ResourceType::user(), format!("u{number}"), user(number, title))
}

fn members(numbers: impl IntoIterator<Item = usize>) -> Vec<Reference> {
    numbers.into_iter().map(|number| Reference::new(format!("u{number}"))).collect()
}

/// Returns a batch by its number. Whichever batches before it were kept, it is refused or changes something.
pub(crate) fn batch(number: usize) -> Batch {
    let batch = writes(number).caused_by(Cause::new("okta", format!("batch {number}")));
    let event = resource(json!({"userName": format!("event {number}"), "title": "e".repeat(number * 40)}));
    match number % 3 {
        0 => batch.record(Record::new(ResourceType::user(), event)),
        _ => batch,
    }
}

fn writes(number: usize) -> Batch {
    let batch = Batch::new(Timestamp::from_millis(1_700_000_000_000 + i64::try_from(number).unwrap()));
    let of_group = |step| {
        let edit = RelationEdit::new("members", step);
        Update::new(ResourceType::group(), "g").with_relations(vec![edit])
    };
    match number {
        0 => batch.insert(insert(0, 10)).insert(insert(1, 3_000)),
        1 => {
            let group = resource(json!({"displayName": "g"}));
            let group = Insert::new(ResourceType::group(), "g", group).with_links("members", members([0, 1]));
            batch.insert(group)
        }
        // So large that it is written to the log before the commit.
        7 => (100..112).fold(batch, |batch, number| batch.insert(insert(number, 5_000))),
        // `u0` exists already.
        9 => batch.insert(insert(200, 10)).insert(insert(0, 10)),
        12 => batch.delete(Delete::new(ResourceType::user(), "u0")),
        15 => {
            let update = Update::new(ResourceType::user(), "u1").with_resource(user(1, 7_000));
            // The first version of `u1`.
            batch.update(update.when(Precondition::Match(vec![1])))
        }
        17 => batch.update(of_group(RelationStep::Set(members([1])))),
        20 => batch.update(Update::new(ResourceType::user(), "u1").with_resource(user(1, 20))),
        even if even % 2 == 0 => {
            let also = of_group(RelationStep::Add(members([300 + even])));
            batch.insert(insert(300 + even, 900)).update(also)
        }
        odd => batch.insert(insert(300 + odd, 2_500)),
    }
}

/// Returns everything that a store shows.
pub(crate) async fn state<S: Store + ChangeFeed + Records>(store: &S) -> Vec<String> {
    let mut state = Vec::new();
    for (resource_type, relation) in [(ResourceType::user(), "groups"), (ResourceType::group(), "members")] {
        let query = Query::new(resource_type).with_relations(vec![relation.into()]).page(0, 1_000);
        let page = store.query(&context(), query).await.unwrap();
        state.push(format!("{} in all", page.total));
        state.extend(page.resources().map(|stored| format!("{stored:?}")));
    }
    let mut before = None;
    let newest = store.newest(context().tenant()).await.unwrap();
    let first = store.changes(context().tenant(), newest.saturating_sub(1_000), 10_000).await;
    for change in first.unwrap() {
        assert!(before.is_none_or(|before| change.sequence == before + 1), "a gap in the feed");
        before = Some(change.sequence);
        state.push(format!(
            "{} {:?} {} {} {:?} {:?} {:?}",
            change.resource_type,
            change.kind,
            change.id,
            change.version,
            change.cause,
            change.paths,
            change.links
        ));
    }
    // The numbers of records that were undone are not used again, so only their order counts.
    let records = store.records(&context(), RecordQuery::new(ResourceType::user()).limit(1_000)).await;
    for record in records.unwrap() {
        state.push(format!("{:?} {:?} {:?}", record.position.moment, record.cause, record.data));
    }
    state
}

/// What a store shows, by the batches that it was given.
type States = BTreeMap<Vec<usize>, Arc<Vec<String>>>;

/// Returns what a store shows after it was given these batches.
pub(crate) fn expected(batches: &[usize]) -> Arc<Vec<String>> {
    static KNOWN: Mutex<States> = Mutex::new(BTreeMap::new());
    if let Some(state) = KNOWN.lock().unwrap().get(batches) {
        return Arc::clone(state);
    }
    let after = Arc::new(block_on(async {
        let store = MemoryStore::new();
        for number in batches {
            // A batch that the SQLite store refuses is refused here too.
            let _ = store.commit(&context(), batch(*number)).await;
        }
        state(&store).await
    }));
    KNOWN.lock().unwrap().insert(batches.to_vec(), Arc::clone(&after));
    after
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}
