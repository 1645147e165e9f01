//! The contract of a [`Store`] as checks, one for each sentence, that any store can run.
//!
//! Each check is named after its sentence and works in a fresh tenant, so that one store serves all checks. It panics
//! with a message if the store breaks the sentence. The checks bring no runtime: run them in the one that the store
//! needs.
//!
//! A store that cannot do everything, such as one on an application's own tables, gives its own [`Fixtures`].
//!
//! ```no_run
//! # async fn example(store: std::sync::Arc<dyn scim_server_traits::Store>) {
//! scim_server_traits::conformance::run(store).await;
//! # }
//! ```

#![allow(clippy::panic, reason = "a check fails by panicking, as the test that runs it does")]

mod batch;
mod delete;
mod dormant;
mod feed;
mod fixtures;
mod insert;
mod kit;
mod links;
mod query;
mod race;
mod read;
mod records;
mod sort;
mod tenant;
mod update;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::change_feed::{ChangeFeed, OperatorFeed};
use crate::record::Records;
use crate::store::Store;
pub use fixtures::{Ability, Fixtures, Spawn, Task};
use kit::Kit;

type Checking = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One sentence of the contract.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Check {
    /// The sentence, in snake case.
    pub name: &'static str,
    /// The abilities that it needs and that some stores lack.
    pub needs: &'static [Ability],
    check: fn(Kit) -> Checking,
}

impl Check {
    /// Checks the store. The future panics if the sentence does not hold.
    pub fn run(&self, store: Arc<dyn Store>) -> impl Future<Output = ()> + Send + use<> {
        self.run_with(store, &Fixtures::default())
    }

    /// Checks the store with these fixtures, whatever the store lacks. See [`run`](Self::run).
    pub fn run_with(
        &self,
        store: Arc<dyn Store>,
        fixtures: &Fixtures,
    ) -> impl Future<Output = ()> + Send + use<> {
        (self.check)(Kit::new(self.name, store, fixtures))
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Runs all checks, one after the other, and panics at the first sentence that does not hold.
pub async fn run(store: Arc<dyn Store>) {
    for check in checks() {
        check.run(Arc::clone(&store)).await;
    }
}

/// Runs the checks that apply to a store with these fixtures, and panics at the first sentence that does not hold.
///
/// It runs them one after the other and leaves out checks that need an ability that the store lacks.
pub async fn run_with(store: Arc<dyn Store>, fixtures: &Fixtures) {
    for check in fixtures.checks() {
        check.run_with(Arc::clone(&store), fixtures).await;
    }
}

/// One sentence of the contract of a store's [`ChangeFeed`] and [`OperatorFeed`].
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct FeedCheck {
    /// The sentence, in snake case.
    pub name: &'static str,
    check: fn(Kit, Arc<dyn feed::Feeds>) -> Checking,
}

impl FeedCheck {
    /// Checks the feed of the store. The future panics if the sentence does not hold.
    pub fn run<S>(&self, store: Arc<S>) -> impl Future<Output = ()> + Send + use<S>
    where
        S: Store + ChangeFeed + OperatorFeed + 'static,
    {
        self.run_with(store, &Fixtures::default())
    }

    /// Checks the feed of the store with these fixtures.
    pub fn run_with<S>(&self, store: Arc<S>, fixtures: &Fixtures) -> impl Future<Output = ()> + Send + use<S>
    where
        S: Store + ChangeFeed + OperatorFeed + 'static,
    {
        (self.check)(Kit::new(self.name, Arc::clone(&store) as Arc<dyn Store>, fixtures), store)
    }
}

impl fmt::Debug for FeedCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FeedCheck").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Returns all checks of a feed. They may run at the same time as other checks, on a store that others write to.
pub fn feed_checks() -> Vec<FeedCheck> {
    macro_rules! feed_checks {
        ($($name:ident),+ $(,)?) => {
            vec![$(FeedCheck {
                name: stringify!($name),
                check: |kit, changes| Box::pin(feed::$name(kit, changes)),
            }),+]
        };
    }
    feed_checks! {
        each_change_is_told_once_in_order, what_changes_nothing_is_not_told, a_failed_batch_is_not_told,
        links_that_change_are_told, who_loses_a_deleted_member_is_told, many_links_are_counted,
        a_consumer_resumes_where_it_was, a_consumer_from_the_future_is_refused,
        each_tenant_has_numbers_of_its_own, a_change_says_who_caused_it, a_change_says_what_it_changed,
        a_change_of_links_says_who_it_is_about, a_follower_waits_for_its_tenant,
        a_follower_that_waits_misses_nothing, an_operator_that_waits_misses_nothing,
        the_operator_sees_each_tenant_in_order,
    }
}

/// One sentence of the contract of a store's [`Records`].
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RecordCheck {
    /// The sentence, in snake case.
    pub name: &'static str,
    check: fn(Kit, Arc<dyn Records>) -> Checking,
}

impl RecordCheck {
    /// Checks the records of the store. The future panics if the sentence does not hold.
    pub fn run<S>(&self, store: Arc<S>) -> impl Future<Output = ()> + Send + use<S>
    where
        S: Store + Records + 'static,
    {
        let kit = Kit::new(self.name, Arc::clone(&store) as Arc<dyn Store>, &Fixtures::default());
        (self.check)(kit, store)
    }
}

impl fmt::Debug for RecordCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordCheck").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Returns all checks of records.
pub fn record_checks() -> Vec<RecordCheck> {
    macro_rules! record_checks {
        ($($name:ident),+ $(,)?) => {
            vec![$(RecordCheck {
                name: stringify!($name),
                check: |kit, records| Box::pin(records::$name(kit, records)),
            }),+]
        };
    }
    record_checks! {
        a_record_comes_back_as_written, records_are_kept_with_their_batch_or_not_at_all,
        records_come_in_the_order_of_commits, records_tile_by_position, records_are_found_by_time,
        records_are_found_by_filter, streams_and_tenants_are_apart, old_records_are_pruned,
        a_search_among_many_ends_with_the_account,
    }
}

macro_rules! checks {
    ($($module:ident: $($name:ident $([$($need:ident),+])?),+;)+) => {
        vec![$($(Check {
            name: stringify!($name),
            needs: &[$($(Ability::$need),+)?],
            check: |kit| Box::pin($module::$name(kit)),
        }),+),+]
    };
}

/// Returns all checks, for a runner that reports each by its name.
pub fn checks() -> Vec<Check> {
    checks! {
        tenant: ids_of_another_tenant_do_not_exist [Tenants], values_of_tenants_do_not_clash [Tenants,
            Claims];
        insert: an_insert_starts_at_version_one_and_now, an_insert_of_an_existing_id_is_refused,
            documents_come_back_exactly_as_written [AnyDocument], a_unique_value_is_taken_once,
            unique_values_clash_within_their_type_only [OtherTypes],
            a_claim_is_held_once_whatever_the_type [Claims],
            claims_of_other_spaces_do_not_clash [Claims], an_insert_brings_its_links_each_once,
            an_insert_with_an_unknown_target_is_refused;
        update: an_update_of_what_is_missing_is_refused, an_update_under_an_old_version_is_refused,
            an_update_under_a_current_version_succeeds, an_update_is_what_a_read_shows,
            versions_grow_by_one_with_each_change, a_clock_that_goes_back_moves_nothing_back,
            an_update_replaces_the_document_and_its_keys [AnyDocument],
            an_equal_document_is_no_change, a_unique_value_may_be_kept_or_given_up [AnyDocument],
            an_update_to_a_taken_unique_value_is_refused, an_update_replaces_the_claims [Claims],
            claims_move_no_version [Claims];
        links: links_may_lead_to_each_allowed_type [NestedGroups], an_add_brings_only_what_is_new,
            a_remove_takes_only_what_is_there, a_clear_takes_all_links,
            a_remove_where_takes_the_links_that_fit [NestedGroups],
            a_remove_where_sees_value_type_and_display,
            a_remove_where_sees_the_display_that_is_shown [LinkDisplay], a_set_is_a_difference,
            steps_happen_in_order, links_that_end_where_they_began_are_no_change,
            an_update_with_an_unknown_target_is_refused, a_link_moves_the_version_of_its_owner_only,
            members_come_in_order_of_creation_under_their_current_name [AnyDocument],
            links_say_the_type_and_name_of_their_other_end, a_link_shows_what_it_was_given [LinkDisplay],
            a_reverse_relation_shows_the_owners [NestedGroups], links_never_enter_the_document;
        dormant: dormant_targets_are_hidden_from_their_owners [Dormancy],
            dormant_resources_are_in_no_relation_themselves [Dormancy],
            dormant_resources_are_still_there [Dormancy], dormancy_moves_no_version [Dormancy],
            links_come_back_after_dormancy [Dormancy],
            a_dormant_target_can_be_linked_and_stays_hidden [Dormancy],
            hidden_links_go_with_clear_and_set [Dormancy],
            an_insert_can_be_dormant [Dormancy];
        delete: a_delete_ends_the_resource_and_frees_its_names [Claims],
            what_is_deleted_is_gone, a_delete_ends_links_in_both_directions [NestedGroups],
            a_delete_moves_the_version_of_each_owner_once,
            a_delete_moves_owners_from_which_it_was_hidden [Dormancy],
            a_delete_of_what_is_missing_is_refused, a_delete_under_an_old_version_is_refused;
        batch: outcomes_come_in_order, later_writes_see_earlier_ones,
            a_batch_can_close_a_circle [NestedGroups],
            a_failed_batch_leaves_nothing [Claims, Dormancy, NestedGroups],
            a_failed_batch_gives_back_what_it_took [Claims, Dormancy, NestedGroups],
            a_failed_batch_is_as_if_it_had_not_been;
        read: what_is_missing_is_none, an_id_belongs_to_its_type, only_the_relations_asked_for_are_loaded,
            a_document_that_comes_as_text_is_the_same, links_in_chunks_are_those_of_the_version,
            links_from_behind_are_all_there;
        query: a_query_is_in_order_of_creation_with_an_exact_total, pages_tile_the_matches,
            each_match_has_a_position_of_its_own, pages_by_position_tile_the_order_of_creation [Seek],
            a_walk_by_creation_meets_what_stays_exactly_once [Seek], a_list_shows_what_a_read_shows,
            a_type_with_other_keys_is_refused_or_served_in_full [AnyDocument],
            a_limit_of_zero_asks_for_the_total, a_query_sees_one_type, a_query_loads_relations,
            a_query_finds_what_the_evaluator_accepts [AnyDocument],
            a_filter_as_deep_as_the_budget_is_answered, links_can_be_filtered_from_both_ends [NestedGroups],
            moments_and_versions_are_those_of_the_resource,
            documents_read_to_decide_are_counted [ScanBudget],
            candidates_are_counted_whether_they_match_or_not [ScanBudget],
            documents_not_read_to_decide_are_not_counted;
        sort: a_sort_is_by_the_key_then_by_creation [Order, AnyDocument],
            descending_is_exactly_the_reverse [Order, AnyDocument],
            a_sort_goes_with_every_filter [Order, AnyDocument],
            pages_by_offset_tile_a_sort [Order, AnyDocument],
            pages_by_position_tile_a_sort [Order, Seek, AnyDocument],
            a_walk_backwards_meets_the_same_pages [Order, Seek, AnyDocument],
            a_walk_meets_what_stays_exactly_once [Order, Seek, AnyDocument],
            a_sorted_walk_meets_what_stays_exactly_once [Order, Seek, AnyDocument],
            documents_read_to_sort_are_counted [Order, AnyDocument, ScanBudget];
        race: one_of_many_equal_names_wins, one_of_many_writes_on_a_version_wins,
            members_added_at_once_are_all_there, a_member_added_while_it_is_deleted_is_not_left_behind,
            a_read_sees_a_batch_whole_or_not_at_all, a_name_that_was_changed_is_shown,
            names_that_change_together_are_shown_together;
    }
}
