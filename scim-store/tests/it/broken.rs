//! The conformance kit catches what it says it catches.

use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{Reference, ResourceType};
use scim_patch::RelationStep;
use scim_server_traits::{
    Batch, Context, Get, Link, LinkChunks, MoreLinks, Page, Position, Precondition, Query, Seek, Store,
    StoreError, Stored, TenantId, Write, Written, conformance,
};
use scim_store::MemoryStore;

/// How a store may be wrong.
#[derive(Clone, Copy, Debug)]
enum Fault {
    IgnoresPreconditions,
    OneTenantForAll,
    WritesOneByOne,
    ForgetsDormancy,
    CountsThePage,
    IgnoresTheBudget,
    CutsLinks,
    ForgetsPositions,
    NumbersThePage,
    TurnsThePageBefore,
    CountsFromThePosition,
    ListsWithoutLinks,
    ListsAllRelations,
    CountsMatchesOnly,
    GivesTextUnasked,
    RepeatsChunkedLinks,
    ForgetsTypesOfLinks,
    ForgetsNamesOfLinks,
    RemovesByIdOnly,
    TellsTheVersionBefore,
    TellsTheWrongCreation,
    TurnsTheOutcomes,
    SkipsVersions,
    FollowsTheClock,
    KeepsTheDeleted,
    ServesAnyDefinition,
}

#[derive(Debug)]
struct Broken {
    store: MemoryStore,
    fault: Fault,
}

impl Broken {
    fn context(&self, context: &Context) -> Context {
        match self.fault {
            Fault::OneTenantForAll => Context::new(TenantId::new("all")),
            _ => context.clone(),
        }
    }

    /// Changes a resource into what a store with this fault would return.
    fn spoil(&self, stored: &mut Stored, at_once: usize, as_text: bool) {
        match self.fault {
            Fault::GivesTextUnasked if !as_text => stored.text = Some("{}".to_owned()),
            Fault::RepeatsChunkedLinks => {
                for (relation, links) in stored.links.iter().filter(|(_, links)| links.len() > at_once) {
                    stored.more.insert(relation.clone(), MoreLinks::new(Once(links.clone())));
                }
            }
            Fault::SkipsVersions => stored.version *= 2,
            Fault::ForgetsTypesOfLinks => {
                stored.links.values_mut().flatten().for_each(|link| link.resource_type = "Group".into());
            }
            Fault::ForgetsNamesOfLinks => {
                stored.links.values_mut().flatten().for_each(|link| link.display = None);
            }
            _ => {}
        }
    }
}

#[async_trait]
impl Store for Broken {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        let (at_once, as_text) = (get.at_once, get.as_text);
        let mut found = self.store.get(&self.context(context), get).await?;
        if let (Fault::CutsLinks, Some(stored)) = (self.fault, &mut found) {
            stored.links.values_mut().for_each(|links| links.truncate(at_once));
        }
        if let Some(stored) = &mut found {
            self.spoil(stored, at_once, as_text);
        }
        Ok(found)
    }

    async fn query(&self, context: &Context, mut query: Query) -> Result<Page, StoreError> {
        let (at_once, as_text) = (query.at_once, query.as_text);
        let (seek, budget) = (query.seek.clone(), query.scan_limit);
        match self.fault {
            Fault::IgnoresTheBudget | Fault::CountsMatchesOnly => query.scan_limit = u64::MAX,
            Fault::ListsWithoutLinks => query.relations.clear(),
            Fault::ServesAnyDefinition if query.resource_type.name() == "User" => {
                query.resource_type = ResourceType::user();
            }
            Fault::ListsAllRelations => query.relations = vec!["members".into(), "groups".into()],
            _ => {}
        }
        let mut page = self.store.query(&self.context(context), query).await?;
        let is_seek = seek.position().is_some();
        match self.fault {
            Fault::CountsThePage => page.total = page.matches.len() as u64,
            Fault::CountsFromThePosition if is_seek => page.total = page.matches.len() as u64,
            Fault::CountsMatchesOnly if page.total > budget => {
                return Err(StoreError::TooMany { limit: budget });
            }
            Fault::ForgetsPositions => {
                page.matches.iter_mut().for_each(|found| found.position = Position::default());
            }
            Fault::NumbersThePage => {
                (0..).zip(&mut page.matches).for_each(|(number, found)| found.position.place = number);
            }
            Fault::TurnsThePageBefore if matches!(seek, Seek::Before(_)) => page.matches.reverse(),
            _ => {}
        }
        page.matches.iter_mut().for_each(|found| self.spoil(&mut found.stored, at_once, as_text));
        Ok(page)
    }

    async fn commit(&self, context: &Context, mut batch: Batch) -> Result<Vec<Written>, StoreError> {
        for write in &mut batch.writes {
            match (self.fault, write) {
                (Fault::IgnoresPreconditions, Write::Update(update)) => {
                    update.precondition = Precondition::None;
                }
                (Fault::IgnoresPreconditions, Write::Delete(delete)) => {
                    delete.precondition = Precondition::None;
                }
                (Fault::ForgetsDormancy, Write::Update(update)) => update.dormant = None,
                (Fault::ServesAnyDefinition, Write::Insert(insert))
                    if insert.resource_type.name() == "User" =>
                {
                    insert.resource_type = ResourceType::user();
                }
                (Fault::RemovesByIdOnly, Write::Update(update)) => {
                    update.relations.retain(|edit| match &edit.step {
                        RelationStep::RemoveWhere(filter) => filter.only_values().is_some(),
                        _ => true,
                    });
                }
                _ => {}
            }
        }
        if let Fault::KeepsTheDeleted = self.fault {
            let is_delete = |write: &Write| matches!(write, Write::Delete(_));
            if batch.writes.iter().any(is_delete) {
                let kept = batch.writes.iter().filter(|write| is_delete(write));
                let at = batch.now;
                return Ok(kept.map(|_| Written::new("u1", 1, at, at, true)).collect());
            }
        }
        let context = self.context(context);
        if let Fault::WritesOneByOne = self.fault {
            let mut written = Vec::new();
            for write in batch.writes {
                let mut one = Batch::new(batch.now);
                one.writes.push(write);
                written.extend(self.store.commit(&context, one).await?);
            }
            return Ok(written);
        }
        let now = batch.now;
        let mut written = self.store.commit(&context, batch).await?;
        for one in &mut written {
            match self.fault {
                Fault::TellsTheVersionBefore => one.version = one.version.saturating_sub(1),
                Fault::TellsTheWrongCreation => one.created = one.modified,
                Fault::SkipsVersions => one.version *= 2,
                Fault::FollowsTheClock if one.changed => one.modified = now,
                _ => {}
            }
        }
        if let Fault::TurnsTheOutcomes = self.fault {
            written.reverse();
        }
        Ok(written)
    }
}

/// Links that come in one chunk.
struct Once(Vec<Link>);

#[async_trait]
impl LinkChunks for Once {
    async fn chunk(&self, number: usize) -> Result<Option<Vec<Link>>, StoreError> {
        Ok((number == 0).then(|| self.0.clone()))
    }

    fn held(&self) -> usize {
        self.0.len() * size_of::<Link>()
    }
}

/// Returns the checks that fail, each on a store of its own.
async fn caught(fault: Fault) -> Vec<&'static str> {
    let mut caught = Vec::new();
    for check in conformance::checks() {
        let store = Arc::new(Broken { store: MemoryStore::new(), fault });
        if tokio::spawn(check.run(store)).await.is_err() {
            caught.push(check.name);
        }
    }
    caught
}

#[tokio::test]
async fn the_kit_catches_ignored_preconditions() {
    let expected = [
        "an_update_under_an_old_version_is_refused",
        "a_delete_under_an_old_version_is_refused",
        "one_of_many_writes_on_a_version_wins",
    ];
    assert_eq!(caught(Fault::IgnoresPreconditions).await, expected);
}

#[tokio::test]
async fn the_kit_catches_shared_tenants() {
    let expected = ["ids_of_another_tenant_do_not_exist", "values_of_tenants_do_not_clash"];
    assert_eq!(caught(Fault::OneTenantForAll).await, expected);
}

#[tokio::test]
async fn the_kit_catches_half_batches() {
    let expected = ["a_failed_batch_leaves_nothing", "a_failed_batch_gives_back_what_it_took"];
    let caught = caught(Fault::WritesOneByOne).await;
    assert!(expected.iter().all(|name| caught.contains(name)), "{caught:?}");
}

#[tokio::test]
async fn the_kit_catches_visible_dormant_links() {
    let caught = caught(Fault::ForgetsDormancy).await;
    assert!(caught.contains(&"dormant_targets_are_hidden_from_their_owners"), "{caught:?}");
}

#[tokio::test]
async fn the_kit_catches_inexact_totals() {
    let caught = caught(Fault::CountsThePage).await;
    assert!(caught.contains(&"pages_tile_the_matches"), "{caught:?}");
    assert!(caught.contains(&"a_limit_of_zero_asks_for_the_total"), "{caught:?}");
}

#[tokio::test]
async fn the_kit_catches_unbounded_scans() {
    let expected = [
        "documents_read_to_decide_are_counted",
        "candidates_are_counted_whether_they_match_or_not",
        "documents_read_to_sort_are_counted",
    ];
    assert_eq!(caught(Fault::IgnoresTheBudget).await, expected);
}

/// Returns whether the check of this name fails.
async fn catches(fault: Fault, name: &str) -> bool {
    let checks = conformance::checks();
    let check = checks.iter().find(|check| check.name == name).unwrap();
    let store = Arc::new(Broken { store: MemoryStore::new(), fault });
    tokio::spawn(check.run(store)).await.is_err()
}

#[tokio::test]
async fn the_kit_catches_each_sentence_that_is_not_kept() {
    for (fault, names) in [
        (
            Fault::ForgetsPositions,
            &[
                "each_match_has_a_position_of_its_own",
                "pages_by_position_tile_the_order_of_creation",
                "a_walk_by_creation_meets_what_stays_exactly_once",
            ][..],
        ),
        (Fault::NumbersThePage, &["each_match_has_a_position_of_its_own"]),
        (Fault::TurnsThePageBefore, &["pages_by_position_tile_the_order_of_creation"]),
        (Fault::CountsFromThePosition, &["pages_by_position_tile_the_order_of_creation"]),
        (Fault::ListsWithoutLinks, &["a_list_shows_what_a_read_shows", "a_query_loads_relations"]),
        (Fault::ListsAllRelations, &["a_list_shows_what_a_read_shows"]),
        (Fault::CountsMatchesOnly, &["candidates_are_counted_whether_they_match_or_not"]),
        (Fault::GivesTextUnasked, &["a_document_that_comes_as_text_is_the_same"]),
        (
            Fault::RepeatsChunkedLinks,
            &["links_in_chunks_are_those_of_the_version", "links_from_behind_are_all_there"],
        ),
        (Fault::ForgetsTypesOfLinks, &["links_say_the_type_and_name_of_their_other_end"]),
        (Fault::ForgetsNamesOfLinks, &["links_say_the_type_and_name_of_their_other_end"]),
        (
            Fault::RemovesByIdOnly,
            &["a_remove_where_sees_value_type_and_display", "a_remove_where_sees_the_display_that_is_shown"],
        ),
        (
            Fault::TellsTheVersionBefore,
            &["an_update_is_what_a_read_shows", "versions_grow_by_one_with_each_change"],
        ),
        (Fault::TellsTheWrongCreation, &["an_update_is_what_a_read_shows"]),
        (Fault::TurnsTheOutcomes, &["outcomes_come_in_order"]),
        (Fault::SkipsVersions, &["versions_grow_by_one_with_each_change"]),
        (Fault::FollowsTheClock, &["a_clock_that_goes_back_moves_nothing_back"]),
        (Fault::KeepsTheDeleted, &["what_is_deleted_is_gone"]),
        (Fault::ServesAnyDefinition, &["a_type_with_other_keys_is_refused_or_served_in_full"]),
    ] {
        for name in names {
            assert!(catches(fault, name).await, "{name} does not catch {fault:?}");
        }
    }
}

/// A store that reads, waits, and writes what it has read. Nothing keeps other writers off in between.
#[derive(Debug)]
struct Racing(MemoryStore);

#[async_trait]
impl Store for Racing {
    async fn get(&self, context: &Context, get: Get) -> Result<Option<Stored>, StoreError> {
        self.0.get(context, get).await
    }

    async fn query(&self, context: &Context, query: Query) -> Result<Page, StoreError> {
        self.0.query(context, query).await
    }

    async fn commit(&self, context: &Context, batch: Batch) -> Result<Vec<Written>, StoreError> {
        let mut blind = Batch::new(batch.now);
        for write in batch.writes {
            let Write::Update(mut update) = write else {
                blind.writes.push(write);
                continue;
            };
            let get = Get::new(Arc::clone(&update.resource_type), &*update.id)
                .with_relations(update.relations.iter().map(|edit| edit.relation.clone()).collect());
            let Some(stored) = self.0.get(context, get).await? else {
                blind.writes.push(Write::Update(update));
                continue;
            };
            tokio::task::yield_now().await;
            if update.precondition.holds(stored.version) {
                update.precondition = Precondition::None;
            }
            // The links that were there when the store read, and those to add.
            if let [edit] = &mut update.relations[..]
                && let RelationStep::Add(new) = &mut edit.step
            {
                let links = stored.links.get(&edit.relation).into_iter().flatten();
                let mut all: Vec<Reference> = links.map(|link| Reference::new(&*link.id)).collect();
                all.append(new);
                edit.step = RelationStep::Set(all);
            }
            blind.writes.push(Write::Update(update));
        }
        self.0.commit(context, blind).await
    }
}

#[tokio::test]
async fn the_kit_catches_lost_updates() {
    let mut caught = Vec::new();
    for check in conformance::checks() {
        let store = Arc::new(Racing(MemoryStore::new()));
        if tokio::spawn(check.run(store)).await.is_err() {
            caught.push(check.name);
        }
    }
    let expected = ["one_of_many_writes_on_a_version_wins", "members_added_at_once_are_all_there"];
    assert_eq!(caught, expected);
}

#[tokio::test]
async fn the_kit_catches_links_that_never_come() {
    let expected = ["links_in_chunks_are_those_of_the_version", "links_from_behind_are_all_there"];
    assert_eq!(caught(Fault::CutsLinks).await, expected);
}
