//! Memory and SQLite give the same answers to any history of batches.

use std::sync::Arc;

use scim_core::{Lenience, Reference, Relation, ResourceType, ResourceTypeDocument, Schema, Timestamp, urn};
use scim_filter::Filter;
use scim_patch::{RelationEdit, RelationStep};
use scim_server_traits::{
    Batch, Claim, Context, Delete, Insert, Precondition, Query, Sort, SortBy, Store, StoreError, TenantId,
    Update, Written,
};
use scim_store::{Durability, MemoryStore, SqliteOptions, SqliteStore};
use serde_json::json;

use super::given::resource;

/// A small generator, so that a failing history can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }
}

struct History {
    chance: Chance,
    user: Arc<ResourceType>,
    group: Arc<ResourceType>,
}

const IDS: u64 = 7;

impl History {
    /// Returns an id of a user or a group; some are ids of both.
    fn id(&mut self) -> String {
        format!("r{}", self.chance.below(IDS))
    }

    fn references(&mut self) -> Vec<Reference> {
        let count = self.chance.below(3);
        let mut reference = || {
            let mut reference = Reference::new(self.id());
            reference.r#type = self.chance.one_in(3).then(|| "Group".to_owned());
            reference
        };
        (0..count).map(|_| reference()).collect()
    }

    fn document(&mut self, is_user: bool) -> scim_core::Resource {
        let name = format!("n{}", self.chance.below(30));
        if !is_user {
            return resource(json!({"displayName": name}));
        }
        let emails: Vec<_> = (0..=self.chance.below(2))
            .map(|_| {
                let value = format!("{}@x", self.chance.below(4));
                match self.chance.below(3) {
                    0 => json!({"value": value}),
                    said => json!({"value": value, "primary": said == 1}),
                }
            })
            .collect();
        resource(json!({"userName": name, "active": self.chance.one_in(2), "emails": emails}))
    }

    fn claims(&mut self) -> Vec<Claim> {
        (0..self.chance.below(3)).map(|_| Claim::new("handle", self.chance.below(60).to_string())).collect()
    }

    fn precondition(&mut self) -> Precondition {
        match self.chance.below(8) {
            0 | 1 => Precondition::Match(vec![1, 2, 3]),
            2 => Precondition::NoneMatch(vec![1, 2, 3]),
            _ => Precondition::None,
        }
    }

    fn step(&mut self) -> RelationStep {
        match self.chance.below(5) {
            0 => RelationStep::Clear,
            1 => RelationStep::Remove(self.references().into_iter().map(|link| link.value).collect()),
            2 => RelationStep::Set(self.references()),
            _ => RelationStep::Add(self.references()),
        }
    }

    fn batch(&mut self, now: i64) -> Batch {
        let mut batch = Batch::new(Timestamp::from_millis(now));
        for _ in 0..=self.chance.below(2) {
            let is_user = self.chance.one_in(2);
            let resource_type = Arc::clone(if is_user { &self.user } else { &self.group });
            let id = self.id();
            batch = match self.chance.below(8) {
                0..=2 => {
                    let mut insert = Insert::new(resource_type, id, self.document(is_user));
                    insert.claims = self.claims();
                    insert.dormant = self.chance.one_in(4);
                    if !is_user {
                        insert.links.push(("members".into(), self.references()));
                    }
                    batch.insert(insert)
                }
                3 if self.chance.one_in(2) => {
                    batch.delete(Delete::new(resource_type, id).when(self.precondition()))
                }
                _ => {
                    let mut update = Update::new(resource_type, id).when(self.precondition());
                    update.resource = self.chance.one_in(2).then(|| self.document(is_user));
                    update.claims = self.chance.one_in(4).then(|| self.claims());
                    update.dormant = self.chance.one_in(4).then(|| self.chance.one_in(2));
                    if !is_user {
                        let steps =
                            (0..self.chance.below(4)).map(|_| RelationEdit::new("members", self.step()));
                        update.relations = steps.collect();
                    }
                    batch.update(update)
                }
            };
        }
        batch
    }
}

const FILTERS: &[(&str, &str)] = &[
    ("User", r#"userName eq "n3" or userName sw "n1""#),
    ("User", r#"emails.value eq "1@x" and active eq true"#),
    ("User", r#"emails[value eq "1@x" or value eq "2@x"]"#),
    ("User", r#"active eq true and (groups eq "r1" or groups eq "r2" or emails.value sw "3")"#),
    ("User", "groups pr and not (active eq true)"),
    ("Group", r#"members eq "r1" and (displayName sw "n" or members eq "r2")"#),
    ("Group", r#"members eq "r3" or id eq "r4""#),
    ("Group", "not (members pr)"),
    ("Group", "members pr"),
    ("Group", r#"members pr and displayName sw "n""#),
    ("User", "groups pr"),
    ("User", r#"groups pr or userName eq "n3""#),
    ("User", r#"groups pr and active eq true and (emails.value sw "1" or groups pr)"#),
    ("User", "emails.primary eq false"),
    ("User", r#"emails[primary eq false and value eq "1@x"] or emails.primary ne false"#),
];

const SORTS: &[(&str, &str)] = &[
    ("User", "userName"),
    ("User", "emails"),
    ("User", "active"),
    ("User", "meta.lastModified"),
    ("Group", "displayName"),
    ("Group", "meta.version"),
];

/// The user with an index on `emails.primary`. If that is absent, there is no key for the value that it means.
fn user() -> Arc<ResourceType> {
    let document = ResourceTypeDocument::new("User", "/Users", urn::USER);
    let indexed = ["userName", "active", "emails.value", "emails.primary"];
    let builder = ResourceType::builder(document).schema(Schema::user()).indexed(indexed);
    builder.relation(Relation::reverse("groups", "Group", "members")).build().unwrap().into()
}

async fn state(store: &dyn Store, context: &Context, history: &History) -> Vec<String> {
    let mut state = Vec::new();
    let types = [&history.user, &history.group];
    let all = types.map(|resource_type| Query::new(Arc::clone(resource_type)));
    let filtered = FILTERS.iter().map(|(name, filter)| {
        let resource_type = types.into_iter().find(|one| one.name() == *name).unwrap();
        let filter: Filter = filter.parse().unwrap();
        let filter = filter.bind(resource_type, &mut Lenience::strict()).unwrap();
        Query::new(Arc::clone(resource_type)).with_filter(filter).page(1, 3)
    });
    let sorted = SORTS.iter().map(|(name, path)| {
        let resource_type = types.into_iter().find(|one| one.name() == *name).unwrap();
        let by = SortBy::bind(path, resource_type, &mut Lenience::strict()).unwrap();
        Query::new(Arc::clone(resource_type)).sorted(Sort::descending(by)).page(1, 4)
    });
    let filtered = filtered.chain(sorted);
    for query in all.into_iter().chain(filtered) {
        let query = query.with_relations(vec!["members".into(), "groups".into()]);
        let mut page = store.query(context, query).await.unwrap();
        // Each store counts places in its own way.
        page.matches.iter_mut().for_each(|found| found.position.place = 0);
        state.push(format!("{page:#?}"));
    }
    state
}

fn outcome(result: Result<Vec<Written>, StoreError>) -> Result<Vec<Written>, String> {
    result.map_err(|error| format!("{error:?}"))
}

#[tokio::test]
async fn memory_and_sqlite_agree_on_random_histories() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions::default().with_durability(Durability::Off);
    let sqlite = SqliteStore::open_with(directory.path().join("scim.db"), options).unwrap();
    let memory = MemoryStore::new();
    let (mut kept, mut refused) = (0, 0);
    for seed in 1..=12 {
        let context = Context::new(TenantId::new(format!("t{seed}")));
        let chance = Chance(seed << 32 | 0x7f4a_7c15);
        let mut history = History { chance, user: user(), group: ResourceType::group() };
        for now in 0..100 {
            let batch = history.batch(now);
            let expected = outcome(memory.commit(&context, batch.clone()).await);
            let got = outcome(sqlite.commit(&context, batch.clone()).await);
            assert_eq!(got, expected, "seed {seed}, {batch:#?}");
            *(if got.is_ok() { &mut kept } else { &mut refused }) += 1;
            if now % 5 == 0 {
                let expected = state(&memory, &context, &history).await;
                let got = state(&sqlite, &context, &history).await;
                assert!(got == expected, "seed {seed}, after {batch:#?}: {got:#?} is not {expected:#?}");
            }
        }
    }
    assert!(kept > 200 && refused > 200, "histories that say something: {kept} kept, {refused} refused");
}

#[tokio::test]
async fn core_025_primary_is_false_where_it_is_absent() {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = SqliteStore::open(directory.path().join("scim.db")).unwrap();
    let stores: [Arc<dyn Store>; 2] = [Arc::new(MemoryStore::new()), Arc::new(sqlite)];
    for (tenant, user) in [("plain", ResourceType::user()), ("indexed", user())] {
        let context = Context::new(TenantId::new(tenant));
        for store in &stores {
            let users = [
                ("said", json!([{"value": "a@x", "primary": false}])),
                ("unsaid", json!([{"value": "b@x"}])),
                ("primary", json!([{"value": "c@x", "primary": true}])),
                ("none", json!([])),
            ];
            let batch = users.into_iter().fold(super::given::batch(), |batch, (id, emails)| {
                let mut document = json!({"userName": id});
                if emails != json!([]) {
                    document["emails"] = emails;
                }
                batch.insert(Insert::new(Arc::clone(&user), id, resource(document)))
            });
            store.commit(&context, batch).await.unwrap();
            for (text, expected) in [
                ("emails.primary eq false", &["said", "unsaid"][..]),
                ("emails[primary eq false]", &["said", "unsaid"]),
                (r#"emails[primary eq false and value eq "b@x"]"#, &["unsaid"]),
                ("emails.primary eq true", &["primary"]),
                ("emails.primary ne true", &["said", "unsaid", "none"]),
                ("emails.primary ne false", &["primary", "none"]),
            ] {
                let filter = text.parse::<Filter>().unwrap().bind(&user, &mut Lenience::strict()).unwrap();
                let query = Query::new(Arc::clone(&user)).with_filter(filter);
                let page = store.query(&context, query).await.unwrap();
                let found: Vec<_> = page.resources().map(|found| found.id.as_str()).collect();
                assert_eq!(found, expected, "{tenant}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn filt_025_what_is_looked_at_one_by_one_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = SqliteStore::open(directory.path().join("scim.db")).unwrap();
    let stores: [Arc<dyn Store>; 2] = [Arc::new(MemoryStore::new()), Arc::new(sqlite)];
    let user = ResourceType::user();
    for store in stores {
        let batch = (0..8).fold(super::given::batch(), |batch, number| {
            let mut document = json!({"userName": format!("a{number}")});
            if number != 5 {
                document["externalId"] = json!(format!("x{number}"));
            }
            batch.insert(Insert::new(ResourceType::user(), format!("u{number}"), resource(document)))
        });
        store.commit(&super::given::context(), batch).await.unwrap();
        let ask = |path: &str, filter: Option<&str>, page: (u64, u64), budget| {
            let by = SortBy::bind(path, &user, &mut Lenience::strict()).unwrap();
            let sort = Sort::ascending(by);
            let mut query = Query::new(Arc::clone(&user)).sorted(sort).page(page.0, page.1);
            query.filter = filter
                .map(|text| text.parse::<Filter>().unwrap().bind(&user, &mut Lenience::strict()).unwrap());
            query.scan_limit = budget;
            let store = Arc::clone(&store);
            async move {
                match store.query(&super::given::context(), query).await {
                    Ok(page) => Some(page.matches.len()),
                    Err(StoreError::TooMany { limit }) if limit == budget => None,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let some = Some(r#"userName sw "a""#);
        // Sorted by what the narrow rows hold, and by an indexed attribute under a filter.
        for (path, filter) in [("meta.created", None), ("id", some), ("userName", some)] {
            assert_eq!(ask(path, filter, (0, 2), 7).await, None, "by {path} under {filter:?}");
            assert_eq!(ask(path, filter, (0, 2), 8).await, Some(2), "by {path} under {filter:?}");
        }
        // Along the index only resources without a value are read, if there are any.
        assert_eq!(ask("userName", None, (0, 100), 0).await, Some(8));
        assert_eq!(ask("externalId", None, (0, 7), 0).await, Some(7));
        assert_eq!(ask("externalId", None, (0, 8), 5).await, None);
        assert_eq!(ask("externalId", None, (0, 8), 6).await, Some(8));
    }
}
