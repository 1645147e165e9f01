//! Queries: order, totals, pages, filters, the scan budget.

use std::collections::BTreeSet;
use std::sync::Arc;

use scim_core::{Resource, ResourceType, ResourceTypeDocument, Schema, urn};
use scim_filter::{Entry, Relations};
use serde_json::json;

use super::kit::{Kit, at, bound, document, done, ids, linked};
use crate::{Batch, EntityTag, Get, Insert, Page, Position, Query, Seek, StoreError};

pub(super) async fn a_query_is_in_order_of_creation_with_an_exact_total(kit: Kit) {
    kit.has_users(&["z", "a"]).await;
    kit.has_users(&["m"]).await;
    kit.update(at(1), kit.update_user("z").with_resource(kit.named("zz"))).await;
    for filter in [None, Some("userName pr"), Some(r#"userName sw "z" or userName sw "a" or id eq "m""#)] {
        let mut query = Query::new(Arc::clone(&kit.user));
        query.filter = filter.map(|filter| bound(&kit.user, filter));
        let page = kit.query(query).await;
        let found: Vec<_> = page.resources().map(|stored| &*stored.id).collect();
        assert_eq!((page.total, found), (3, vec!["z", "a", "m"]), "all users by {filter:?}");
    }
}

pub(super) async fn pages_tile_the_matches(kit: Kit) {
    let all: Vec<String> = (0..10).map(|number| format!("u{number}")).collect();
    kit.has_users(&all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for filter in [None, Some("userName pr"), Some(r#"userName sw "u""#)] {
        let mut found = Vec::new();
        for offset in [0, 3, 6, 9, 12, u64::MAX] {
            let mut query = Query::new(Arc::clone(&kit.user)).page(offset, 3);
            query.filter = filter.map(|filter| bound(&kit.user, filter));
            let page = kit.query(query).await;
            assert_eq!(page.total, 10, "total at {offset} by {filter:?}");
            found.extend(page.into_resources().map(|stored| stored.id));
        }
        assert_eq!(found, all, "the pages together by {filter:?}");
    }
    let page = kit.query(Query::new(Arc::clone(&kit.user)).page(8, u64::MAX)).await;
    assert_eq!(page.matches.len(), 2, "a page without end");
}

/// Returns the ids and the places of a page.
fn placed(page: &Page) -> Vec<(String, i64)> {
    page.matches.iter().map(|found| (found.stored.id.clone(), found.position.place)).collect()
}

pub(super) async fn each_match_has_a_position_of_its_own(kit: Kit) {
    let users = ["u3", "u1", "u2"];
    kit.has_users(&users).await;
    kit.has_group("g1", &["u1"]).await;
    kit.has_users(&["u4", "gone"]).await;
    kit.update(at(1), kit.update_user("u3").with_resource(kit.named("zz"))).await;
    let all = kit.query(Query::new(Arc::clone(&kit.user))).await;
    let places = placed(&all);
    let order: Vec<_> = places.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(order, ["u3", "u1", "u2", "u4", "gone"], "users by creation");
    assert!(places.is_sorted_by_key(|(_, place)| place), "places in the order of creation: {places:?}");
    let distinct: BTreeSet<_> = places.iter().map(|(_, place)| place).collect();
    assert_eq!(distinct.len(), places.len(), "each place once: {places:?}");
    let keyed = all.matches.iter().find(|found| found.position.key.is_some());
    assert!(keyed.is_none(), "a key without a sort: {keyed:?}");
    // A resource keeps its place in every query.
    for (filter, offset, limit) in [(None, 1, 2), (Some("userName pr"), 0, 10), (Some(r#"id eq "u2""#), 0, 1)]
    {
        let mut query = Query::new(Arc::clone(&kit.user)).page(offset, limit);
        query.filter = filter.map(|filter| bound(&kit.user, filter));
        let found = placed(&kit.query(query).await);
        assert!(!found.is_empty() && found.iter().all(|one| places.contains(one)), "{found:?} of {places:?}");
    }
    kit.delete(at(2), kit.delete_user("gone")).await;
    kit.has_users(&["newest"]).await;
    let after = placed(&kit.query(Query::new(Arc::clone(&kit.user))).await);
    assert_eq!(after[..4], places[..4], "places after a delete");
    assert!(after[4].1 > after[3].1, "the place of the newest: {after:?}");
}

/// Returns the ids of all pages by position, in the order of creation, from `seek` on.
async fn walked(kit: &Kit, query: &Query) -> Vec<String> {
    let (mut found, mut query) = (Vec::new(), query.clone());
    loop {
        let page = kit.query(query.clone()).await;
        let Some(last) = page.matches.last() else { return found };
        query.seek = Seek::After(last.position.clone());
        found.extend(page.resources().map(|stored| stored.id.clone()));
        assert!(found.len() <= 20, "the walk ends: {found:?}");
    }
}

pub(super) async fn pages_by_position_tile_the_order_of_creation(kit: Kit) {
    let users = ["u5", "u1", "u4", "u2", "u3"];
    kit.has_users(&users).await;
    let from = |seek| Query::new(Arc::clone(&kit.user)).page(0, 2).seek(seek);
    assert_eq!(walked(&kit, &from(Seek::Start)).await, users, "pages of two");
    let filtered =
        from(Seek::Start).with_filter(bound(&kit.user, r#"userName sw "u" and not (userName eq "u4")"#));
    assert_eq!(walked(&kit, &filtered).await, ["u5", "u1", "u2", "u3"], "pages of two under a filter");
    let [first, last] = [Position::new(None, i64::MIN), Position::new(None, i64::MAX)];
    for (seek, expected) in [
        (Seek::After(first.clone()), ["u5", "u1"].as_slice()),
        (Seek::After(last.clone()), &[]),
        (Seek::Before(first), &[]),
        (Seek::Before(last), &["u2", "u3"]),
    ] {
        let page = kit.query(from(seek.clone())).await;
        let found: Vec<_> = page.resources().map(|stored| &*stored.id).collect();
        assert_eq!((page.total, found.as_slice()), (5, expected), "the page at {seek:?}");
        assert_eq!(kit.query(from(seek).page(0, 0)).await.total, 5, "the total counts what came before");
    }
    let all = kit.query(Query::new(Arc::clone(&kit.user))).await;
    for (number, found) in all.matches.into_iter().enumerate() {
        let page = kit.query(from(Seek::Before(found.position))).await;
        let before: Vec<_> = page.resources().map(|stored| &*stored.id).collect();
        assert_eq!(before, users[number.saturating_sub(2)..number], "two before number {number}");
    }
}

pub(super) async fn a_walk_by_creation_meets_what_stays_exactly_once(kit: Kit) {
    kit.has_users(&["u0", "u1", "u2", "u3", "u4", "u5"]).await;
    let mut query = Query::new(Arc::clone(&kit.user)).page(0, 2);
    let mut found = Vec::new();
    for round in 0..10 {
        let page = kit.query(query.clone()).await;
        let Some(last) = page.matches.last() else { break };
        query.seek = Seek::After(last.position.clone());
        // Between the pages the resource at the position is deleted and another is inserted.
        let batch = Batch::new(at(round)).delete(kit.delete_user(&last.stored.id));
        done(kit.commit(batch.insert(kit.insert_user(&format!("new{round}")))).await);
        found.extend(page.resources().map(|stored| stored.id.clone()));
    }
    found.retain(|id| id.starts_with('u'));
    assert_eq!(found, ["u0", "u1", "u2", "u3", "u4", "u5"], "each of those that were there, once");
}

pub(super) async fn a_list_shows_what_a_read_shows(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &["u2", "u1"]).await;
    kit.update(at(3), kit.update_user("u1").with_resource(kit.named("renamed"))).await;
    for (resource_type, relation) in [(&kit.user, "groups"), (&kit.group, "members")] {
        let relations = || vec![relation.to_owned()];
        let page = kit.query(Query::new(Arc::clone(resource_type)).with_relations(relations())).await;
        assert!(!page.matches.is_empty(), "the list of each {}", resource_type.name());
        for listed in page.into_resources() {
            let get = Get::new(Arc::clone(resource_type), &listed.id).with_relations(relations());
            assert_eq!(Some(listed), kit.get(get).await, "a resource in a list, and read by itself");
        }
    }
    let page = kit.query(Query::new(Arc::clone(&kit.group))).await;
    let links: usize = page.resources().map(|stored| stored.links.len() + stored.more.len()).sum();
    assert_eq!(links, 0, "relations in a list that nobody asked for");
}

pub(super) async fn a_limit_of_zero_asks_for_the_total(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    for (filter, total) in [(None, 2), (Some("userName pr"), 2), (Some(r#"userName eq "u1""#), 1)] {
        let mut query = Query::new(Arc::clone(&kit.user)).page(0, 0);
        query.filter = filter.map(|filter| bound(&kit.user, filter));
        let page = kit.query(query).await;
        assert_eq!((page.total, page.matches.len()), (total, 0), "no resources by {filter:?}");
    }
}

pub(super) async fn a_query_sees_one_type(kit: Kit) {
    kit.has_users(&["u1"]).await;
    kit.has_group("g1", &["u1"]).await;
    assert_eq!(kit.query(Query::new(Arc::clone(&kit.user))).await.total, 1, "users");
    assert_eq!(kit.query(Query::new(Arc::clone(&kit.group))).await.total, 1, "groups");
    assert!(kit.find(&kit.group, r#"id eq "u1""#).await.is_empty(), "a user among groups");
}

pub(super) async fn a_query_loads_relations(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &["u1", "u2"]).await;
    kit.has_group("g2", &[]).await;
    for filter in [None, Some("displayName pr")] {
        let mut query = Query::new(Arc::clone(&kit.group)).with_relations(vec!["members".into()]);
        query.filter = filter.map(|filter| bound(&kit.group, filter));
        let page = kit.query(query).await;
        let members: Vec<_> = page.resources().map(|stored| ids(&linked(stored, "members"))).collect();
        assert_eq!(members, [vec!["u1", "u2"], vec![]], "members of the groups by {filter:?}");
    }
}

/// The kit's own evaluation of links.
struct Groups<'a>(BTreeSet<&'a str>);

impl Relations for Groups<'_> {
    fn contains(&self, relation: &str, target: &str) -> bool {
        relation == "groups" && self.0.contains(target)
    }

    fn any(&self, relation: &str) -> bool {
        relation == "groups" && !self.0.is_empty()
    }
}

/// Makes users that have much in common.
fn crowd() -> Vec<(String, Resource)> {
    let one = |number: usize| {
        let mut user = json!({
            "schemas": [urn::USER],
            "userName": format!("{}{number:02}", ["Anna", "bob", "ÉMILE", "émile_%"][number % 4]),
            "emails": [
                {"value": format!("{}@one.example", number % 5), "type": "work"},
                {"value": format!("{}@two.example", number % 3), "type": "home"},
            ],
            "name": {"familyName": (["Jensen", "jensen", "O'Hara"][number % 3])},
        });
        if !number.is_multiple_of(3) {
            user["active"] = json!(number % 3 == 1);
        }
        if number % 4 == 1 {
            user["externalId"] = json!(["Ext", "ext"][number % 2]);
        }
        if number.is_multiple_of(5) {
            user["title"] = json!("Boss");
        }
        (format!("u{number:02}"), document(user))
    };
    (0..24).map(one).collect()
}

const FILTERS: &[&str] = &[
    r#"userName eq "ANNA00""#,
    r#"userName sw "émile""#,
    r#"userName sw "ÉMILE_%""#,
    r#"userName sw "bob" and active eq true"#,
    r#"userName eq "anna00" or userName eq "BOB01" or userName eq "none""#,
    r#"active eq true"#,
    r#"active eq false"#,
    r#"not (active eq true)"#,
    r#"active ne true"#,
    r#"externalId eq "ext""#,
    r#"emails.value eq "1@one.example" and emails.value eq "1@two.example""#,
    r#"emails[value eq "1@one.example" and type eq "home"]"#,
    r#"emails[value sw "1@" and value ew "two.example"]"#,
    r#"emails[value eq "1@one.example" or value eq "2@two.example"]"#,
    r#"emails.type eq "work" and userName co "n""#,
    r#"name.familyName eq "JENSEN" and (active eq true or title pr)"#,
    r#"name.familyName eq "jensen" and not (active pr)"#,
    r#"name.familyName eq "o'hara""#,
    r#"title eq "boss" and groups eq "g1""#,
    r#"groups eq "g1" or groups eq "g2""#,
    r#"groups eq "g1" and groups eq "g2""#,
    r#"groups eq "g1" and active eq true"#,
    r#"groups pr"#,
    r#"not (groups pr)"#,
    r#"groups ne "g1""#,
    r#"id eq "u03" or id eq "u01" or id eq "none""#,
    r#"id eq "u03" and active eq true"#,
    r#"id eq "U03""#,
    r#"id gt "u20""#,
    r#"meta.resourceType eq "User""#,
    r#"meta.resourceType eq "Group""#,
    r#"meta.created ge "1970-01-01T00:00:00Z""#,
    r#"userName gt "bob""#,
    r#"userName pr"#,
];

pub(super) async fn a_query_finds_what_the_evaluator_accepts(kit: Kit) {
    let crowd = crowd();
    let insert = |(id, resource): &(String, Resource)| {
        Insert::new(Arc::clone(&kit.user), id.as_str(), resource.clone())
    };
    let batch = crowd.iter().fold(Batch::new(at(0)), |batch, user| batch.insert(insert(user)));
    done(kit.commit(batch).await);
    let (first, second) = (["u00", "u01", "u05", "u10"], ["u01", "u02", "u10", "u23"]);
    kit.has_group("g1", &first).await;
    kit.has_group("g2", &second).await;
    for filter in FILTERS {
        let bound = bound(&kit.user, filter);
        let expected = crowd.iter().filter(|(id, resource)| {
            let in_group = |group: &[&str]| group.contains(&id.as_str());
            let groups = [("g1", in_group(&first)), ("g2", in_group(&second))];
            let groups = groups.into_iter().filter_map(|(group, is_in)| is_in.then_some(group)).collect();
            bound.matches(&Entry {
                id,
                created: at(0),
                modified: at(0),
                resource_type: "User",
                version: &EntityTag(1),
                resource,
                relations: &Groups(groups),
            })
        });
        let expected: Vec<_> = expected.map(|(id, _)| id.as_str()).collect();
        assert_eq!(kit.find(&kit.user, filter).await, expected, "what `{filter}` finds");
        let page = kit.query(Query::new(Arc::clone(&kit.user)).with_filter(bound.clone()).page(1, 2)).await;
        let found: Vec<_> = page.resources().map(|stored| &*stored.id).collect();
        let middle: Vec<_> = expected.iter().copied().skip(1).take(2).collect();
        assert_eq!((page.total, found), (expected.len() as u64, middle), "a page of `{filter}`");
    }
}

pub(super) async fn a_type_with_other_keys_is_refused_or_served_in_full(kit: Kit) {
    let titled =
        |id: &str, title: &str| document(json!({"schemas": [urn::USER], "userName": id, "title": title}));
    let insert = Insert::new(Arc::clone(&kit.user), "u1", titled("u1", "Boss"));
    kit.insert(at(0), insert).await;
    // Another type definition, as after a change of the service provider's configuration.
    let described = ResourceTypeDocument::new(kit.user.name(), kit.user.endpoint(), urn::USER);
    let user = ResourceType::builder(described).schema(Schema::user()).unique("title").build();
    let user = Arc::new(user.unwrap_or_else(|error| panic!("the kit's own type: {error}")));
    let refused = |error: &StoreError| matches!(error, StoreError::StaleIndex { .. });
    for filter in [r#"title eq "boss""#, "title pr", r#"userName eq "u1""#] {
        let query = Query::new(Arc::clone(&user)).with_filter(bound(&user, filter));
        match kit.store.query(&kit.context, query).await {
            Ok(page) => assert_eq!(page.total, 1, "what `{filter}` finds by keys of other attributes"),
            Err(error) => assert!(refused(&error), "`{filter}` by keys of other attributes: {error:?}"),
        }
    }
    let second = Insert::new(Arc::clone(&user), "u2", titled("u2", "boss"));
    let error = kit.refusal(Batch::new(at(1)).insert(second)).await;
    let is_taken = matches!(&error, StoreError::Uniqueness { attribute, .. } if attribute == "title");
    assert!(is_taken || refused(&error), "a title that is taken, by keys of other attributes: {error:?}");
    assert_eq!(kit.find(&kit.user, r#"userName eq "u1""#).await, ["u1"], "the type of before is served");
}

pub(super) async fn a_filter_as_deep_as_the_budget_is_answered(kit: Kit) {
    kit.has_users(&["u1", "u2", "u3"]).await;
    // Each level offers an index a choice. A store that weighs all combinations of choices never ends.
    let deep = (0..60).fold(r#"userName eq "u1""#.to_owned(), |filter, level| {
        if level % 2 == 0 {
            format!(r#"userName sw "z" or ({filter})"#)
        } else {
            format!(r#"userName sw "u" and ({filter})"#)
        }
    });
    assert_eq!(kit.find(&kit.user, &deep).await, ["u1"], "what a filter of 60 levels finds");
}

pub(super) async fn links_can_be_filtered_from_both_ends(kit: Kit) {
    kit.has_users(&["u1", "u2"]).await;
    kit.has_group("g1", &["u1"]).await;
    kit.has_group("g2", &["u1", "u2", "g1"]).await;
    kit.has_group("g3", &[]).await;
    let of_groups = [
        (r#"members eq "u1""#, vec!["g1", "g2"]),
        (r#"members.value eq "u2""#, vec!["g2"]),
        (r#"members[value eq "g1"]"#, vec!["g2"]),
        (r#"members eq "none""#, vec![]),
        (r#"members eq "g3""#, vec![]),
        (r#"members ne "u2""#, vec!["g1", "g3"]),
        ("members pr", vec!["g1", "g2"]),
        ("not (members pr)", vec!["g3"]),
        (r#"members eq "u1" and displayName eq "g2""#, vec!["g2"]),
    ];
    for (filter, expected) in of_groups {
        assert_eq!(kit.find(&kit.group, filter).await, expected, "groups by `{filter}`");
    }
    let of_users = [
        (r#"groups eq "g1""#, vec!["u1"]),
        (r#"groups.value eq "g2""#, vec!["u1", "u2"]),
        (r#"groups eq "u1""#, vec![]),
        (r#"groups ne "g1""#, vec!["u2"]),
        ("groups pr", vec!["u1", "u2"]),
    ];
    for (filter, expected) in of_users {
        assert_eq!(kit.find(&kit.user, filter).await, expected, "users by `{filter}`");
    }
}

pub(super) async fn moments_and_versions_are_those_of_the_resource(kit: Kit) {
    for (id, now) in [("u1", 10), ("u2", 20)] {
        kit.insert(at(now), kit.insert_user(id)).await;
    }
    kit.update(at(30), kit.update_user("u1").with_resource(kit.named("changed"))).await;
    let filters = [
        (format!(r#"meta.created gt "{}""#, at(10)), vec!["u2"]),
        (format!(r#"meta.created eq "{}""#, at(10)), vec!["u1"]),
        (format!(r#"meta.lastModified ge "{}""#, at(21)), vec!["u1"]),
    ];
    for (filter, expected) in filters {
        assert_eq!(kit.find(&kit.user, &filter).await, expected, "users by `{filter}`");
    }
    let page = kit.query(Query::new(Arc::clone(&kit.user))).await;
    let shown: Vec<_> =
        page.resources().map(|stored| (stored.version, stored.created, stored.modified)).collect();
    assert_eq!(shown, [(2, at(10), at(30)), (1, at(20), at(20))], "versions and moments in a list");
}

pub(super) async fn documents_read_to_decide_are_counted(kit: Kit) {
    kit.has_users(&["a1", "a2", "a3", "b1"]).await;
    let query = |filter, scan_limit| {
        let mut query = Query::new(Arc::clone(&kit.user)).with_filter(bound(&kit.user, filter)).page(0, 1);
        query.scan_limit = scan_limit;
        kit.store.query(&kit.context, query)
    };
    let narrowed = r#"userName sw "a" and not (title pr)"#;
    for (filter, scan_limit) in [("not (title pr)", 3), (narrowed, 2)] {
        let outcome = query(filter, scan_limit).await;
        assert!(
            matches!(outcome, Err(StoreError::TooMany { limit }) if limit == scan_limit),
            "`{filter}` within {scan_limit} documents: {outcome:?}"
        );
    }
    for (filter, scan_limit) in [("not (title pr)", 4), (narrowed, 3)] {
        let total = done(query(filter, scan_limit).await).total;
        assert_eq!(total, scan_limit, "`{filter}` within {scan_limit} documents");
    }
}

pub(super) async fn candidates_are_counted_whether_they_match_or_not(kit: Kit) {
    kit.has_users(&["a1", "a2", "a3", "b1", "b2"]).await;
    kit.has_group("g1", &["a1", "b1"]).await;
    // A filter, how many candidates the index leaves, and how many of them match.
    let filters = [
        (r#"userName co "2""#, 5, 2),
        (r#"userName sw "a" and userName co "2""#, 3, 1),
        (r#"groups eq "g1" and userName co "2""#, 2, 0),
        (r#"(userName eq "b1" or userName eq "b2") and not (userName co "2")"#, 2, 1),
        (r#"(id eq "a1" or id eq "none") and userName co "a""#, 1, 1),
        // An index narrows nothing if the other side of an `or` may be anything.
        (r#"userName eq "a1" or userName co "2""#, 5, 3),
    ];
    for (filter, candidates, matches) in filters {
        // Neither the page nor its place changes which candidates have to be examined.
        for (offset, limit) in [(0, 100), (0, 1), (0, 0), (50, 1)] {
            let query = |scan_limit| {
                let mut query = Query::new(Arc::clone(&kit.user)).page(offset, limit);
                query.filter = Some(bound(&kit.user, filter));
                query.scan_limit = scan_limit;
                kit.store.query(&kit.context, query)
            };
            let total = done(query(candidates).await).total;
            assert_eq!(total, matches, "`{filter}` within {candidates}, {limit} from {offset}");
            let outcome = query(candidates - 1).await;
            assert!(
                matches!(outcome, Err(StoreError::TooMany { limit }) if limit == candidates - 1),
                "`{filter}` within one less than {candidates}, {limit} from {offset}: {outcome:?}"
            );
        }
    }
}

pub(super) async fn documents_not_read_to_decide_are_not_counted(kit: Kit) {
    kit.has_users(&["a1", "a2", "b1"]).await;
    kit.has_group("g1", &["a1", "a2"]).await;
    let filters = [None, Some(r#"userName sw "a""#), Some(r#"groups eq "g1""#), Some(r#"id eq "a1""#)];
    for (filter, total) in filters.into_iter().zip([3, 2, 2, 1]) {
        let mut query = Query::new(Arc::clone(&kit.user));
        query.filter = filter.map(|filter| bound(&kit.user, filter));
        query.scan_limit = 0;
        assert_eq!(kit.query(query).await.total, total, "{filter:?} without reading any document");
    }
}
