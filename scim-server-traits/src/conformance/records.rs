//! Streams of records.

use std::sync::Arc;

use scim_core::{Resource, ResourceType, ResourceTypeDocument, Schema, Timestamp};
use serde_json::json;

use super::kit::{Kit, at, bound, document, done};
use crate::{
    Batch, Cause, KeptRecord, Precondition, Record, RecordPosition, RecordQuery, Records, StoreError,
};

/// A stream as a log has it: an action, an actor, and how often it was tried.
fn stream(name: &str) -> Arc<ResourceType> {
    let urn = format!("urn:example:{name}");
    let schema = json!({"id": urn, "name": name, "attributes": [
        {"name": "action", "type": "string"},
        {"name": "actor", "type": "complex", "subAttributes": [{"name": "name", "type": "string"}]},
        {"name": "tries", "type": "integer"}]});
    let schema = Schema::from_json(schema).unwrap_or_else(|error| panic!("{error}"));
    let document = ResourceTypeDocument::new(name, format!("/{name}"), urn);
    let stream = ResourceType::builder(document).schema(Arc::new(schema)).build();
    Arc::new(stream.unwrap_or_else(|error| panic!("{error}")))
}

fn event(action: &str, tries: i64) -> Resource {
    document(json!({"action": action, "actor": {"name": "Okta"}, "tries": tries}))
}

fn record(stream: &Arc<ResourceType>, action: &str, tries: i64) -> Record {
    Record::new(Arc::clone(stream), event(action, tries))
}

/// The records of a stream.
struct Reading {
    kit: Kit,
    records: Arc<dyn Records>,
    stream: Arc<ResourceType>,
}

impl Reading {
    fn new(kit: Kit, records: Arc<dyn Records>) -> Self {
        Self { kit, records, stream: stream("Audit") }
    }

    fn all(&self) -> RecordQuery {
        RecordQuery::new(Arc::clone(&self.stream))
    }

    async fn read(&self, query: RecordQuery) -> Vec<KeptRecord> {
        done(self.records.records(&self.kit.context, query).await)
    }

    /// Returns the actions of the records.
    async fn actions(&self, query: RecordQuery) -> Vec<String> {
        let action = |kept: KeptRecord| kept.data.text("action").unwrap_or_default().to_owned();
        self.read(query).await.into_iter().map(action).collect()
    }

    async fn append(&self, now: Timestamp, action: &str, tries: i64) {
        let batch = Batch::new(now).record(record(&self.stream, action, tries));
        assert_eq!(done(self.kit.commit(batch).await), [], "a batch of records alone has no outcomes");
    }

    /// Appends `a`, `b`, `c` and `d`, with a moment between each.
    async fn four(&self) {
        for (tries, action) in (0..).zip(["a", "b", "c", "d"]) {
            self.append(at(tries * 10), action, tries).await;
        }
    }
}

pub(super) async fn a_record_comes_back_as_written(kit: Kit, records: Arc<dyn Records>) {
    let reading = Reading::new(kit, records);
    let mut cause = Cause::new("okta", "create");
    cause.request = "r-1".into();
    let batch = Batch::new(at(1)).caused_by(cause.clone()).record(record(&reading.stream, "a", 3));
    done(reading.kit.commit(batch.insert(reading.kit.insert_user("u1"))).await);
    let kept = reading.read(reading.all()).await;
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!((&kept[0].data, &kept[0].cause, kept[0].position.moment), (&event("a", 3), &cause, at(1)));
    assert_eq!(reading.kit.user("u1").await.version, 1, "the write of the same batch");
}

pub(super) async fn records_are_kept_with_their_batch_or_not_at_all(kit: Kit, records: Arc<dyn Records>) {
    let reading = Reading::new(kit, records);
    let refused = reading.kit.update_user("nobody").when(Precondition::None);
    reading.kit.refusal(Batch::new(at(1)).update(refused).record(record(&reading.stream, "a", 1))).await;
    assert_eq!(reading.actions(reading.all()).await, [""; 0], "the record of a refused batch");
    // What a layer does that wants its refusal to be recorded.
    reading.append(at(2), "refused", 1).await;
    assert_eq!(reading.actions(reading.all()).await, ["refused"], "the record of the refusal");
}

pub(super) async fn records_come_in_the_order_of_commits(kit: Kit, records: Arc<dyn Records>) {
    let reading = Reading::new(kit, records);
    let two = Batch::new(at(5)).record(record(&reading.stream, "a", 1));
    done(reading.kit.commit(two.record(record(&reading.stream, "b", 2))).await);
    reading.append(at(5), "c", 3).await;
    // The clock goes back.
    reading.append(at(1), "d", 4).await;
    assert_eq!(reading.actions(reading.all()).await, ["a", "b", "c", "d"], "oldest first");
    assert_eq!(reading.actions(reading.all().newest_first()).await, ["d", "c", "b", "a"], "newest first");
    let kept = reading.read(reading.all()).await;
    assert!(kept.iter().all(|kept| kept.position.moment == at(5)), "no moment goes back: {kept:?}");
}

pub(super) async fn records_tile_by_position(kit: Kit, records: Arc<dyn Records>) {
    let reading = Reading::new(kit, records);
    reading.four().await;
    for newest_first in [false, true] {
        let query = || if newest_first { reading.all().newest_first() } else { reading.all() };
        let whole = reading.read(query()).await;
        let mut tiles: Vec<KeptRecord> = Vec::new();
        loop {
            let after = tiles.last().map(|kept| kept.position);
            let page = reading.read(after.map_or(query(), |after| query().after(after)).limit(3)).await;
            assert!(page.len() <= 3, "a page of at most 3");
            if page.is_empty() {
                break;
            }
            tiles.extend(page);
        }
        assert_eq!(tiles, whole, "pages of 3, newest first: {newest_first}");
    }
    assert_eq!(reading.read(reading.all().limit(0)).await, [], "nothing, when nothing is asked for");
    let far = RecordPosition { moment: at(1_000), number: 1 };
    assert_eq!(reading.read(reading.all().after(far)).await, [], "after all records");
}

pub(super) async fn records_are_found_by_time(kit: Kit, records: Arc<dyn Records>) {
    let reading = Reading::new(kit, records);
    reading.four().await;
    let between = |from, until| reading.all().between(at(from), at(until));
    for (from, until, expected) in [
        (0, 31, "abcd"),
        (10, 30, "bc"),
        (11, 20, ""),
        (20, 21, "c"),
        (30, 10, ""),
        (-9, 0, ""),
        (31, 99, ""),
    ] {
        assert_eq!(reading.actions(between(from, until)).await.concat(), expected, "from {from} to {until}");
        let back: String = expected.chars().rev().collect();
        let found = reading.actions(between(from, until).newest_first()).await.concat();
        assert_eq!(found, back, "from {until} back to {from}");
    }
    let b = reading.read(between(10, 11)).await[0].position;
    assert_eq!(reading.actions(between(0, 30).after(b)).await, ["c"], "by time and position");
    assert_eq!(reading.actions(between(0, 30).after(b).newest_first()).await, ["a"], "and backwards");
}

pub(super) async fn records_are_found_by_filter(kit: Kit, records: Arc<dyn Records>) {
    let reading = Reading::new(kit, records);
    reading.four().await;
    let found = async |filter: &str| {
        let query = reading.all().with_filter(bound(&reading.stream, filter));
        reading.actions(query).await.concat()
    };
    assert_eq!(found("action eq \"b\"").await, "b");
    assert_eq!(found("tries ge 2 and actor.name sw \"ok\"").await, "cd");
    assert_eq!(found("not (action eq \"b\")").await, "acd");
    assert_eq!(found("meta.created gt \"2023-11-14T22:13:20.015Z\"").await, "cd", "the moment");
    let first = reading.read(reading.all()).await[0].position;
    assert_eq!(found(&format!("id eq \"{first}\"")).await, "a", "the position");
    let last = reading.all().with_filter(bound(&reading.stream, "tries gt 0")).newest_first().limit(1);
    assert_eq!(reading.actions(last).await, ["d"], "the newest that fits");
}

pub(super) async fn streams_and_tenants_are_apart(kit: Kit, records: Arc<dyn Records>) {
    let reading = Reading::new(kit, records);
    let other = Reading {
        kit: reading.kit.elsewhere(),
        records: Arc::clone(&reading.records),
        ..Reading::new(reading.kit.clone(), Arc::clone(&reading.records))
    };
    let mails = stream("Mail");
    let both = Batch::new(at(1)).record(record(&reading.stream, "a", 1)).record(record(&mails, "m", 1));
    done(reading.kit.commit(both).await);
    other.append(at(1), "o", 1).await;
    assert_eq!(reading.actions(reading.all()).await, ["a"]);
    assert_eq!(reading.actions(RecordQuery::new(mails)).await, ["m"]);
    assert_eq!(other.actions(other.all()).await, ["o"]);
    assert_eq!(done(other.records.prune(&other.kit.context, "Audit", at(9)).await), 1);
    assert_eq!(reading.actions(reading.all()).await, ["a"], "another tenant pruned its own");
}

pub(super) async fn old_records_are_pruned(kit: Kit, records: Arc<dyn Records>) {
    let reading = Reading::new(kit, records);
    reading.four().await;
    let prune = async |until| done(reading.records.prune(&reading.kit.context, "Audit", at(until)).await);
    assert_eq!(prune(20).await, 2, "those before the moment");
    assert_eq!(reading.actions(reading.all()).await, ["c", "d"]);
    assert_eq!(prune(20).await, 0, "once");
    let seen = reading.read(reading.all()).await[1].position;
    assert_eq!(prune(99).await, 2, "all");
    assert_eq!(reading.read(reading.all()).await, []);
    // The clock goes back.
    reading.append(at(5), "e", 1).await;
    assert_eq!(reading.actions(reading.all()).await, ["e"], "what comes after");
    assert_eq!(reading.actions(reading.all().after(seen)).await, ["e"], "for a follower too");
}

pub(super) async fn a_search_among_many_ends_with_the_account(kit: Kit, records: Arc<dyn Records>) {
    let reading = Reading::new(kit, records);
    // More than a store reads without counting.
    let batch =
        (0..5_000).fold(Batch::new(at(1)), |batch, at| batch.record(record(&reading.stream, "a", at)));
    done(reading.kit.commit(batch).await);
    let poor = reading.kit.context.clone().with_work(scim_core::Work::steps(100));
    let query = reading.all().with_filter(bound(&reading.stream, "action eq \"z\""));
    let outcome = reading.records.records(&poor, query).await;
    assert!(matches!(outcome, Err(StoreError::Exhausted(_))), "{outcome:?}");
}
