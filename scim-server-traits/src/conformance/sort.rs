//! Sorting, and walks from position to position.

use std::sync::Arc;

use scim_core::{Lenience, Resource, urn};
use serde_json::json;

use super::kit::{Kit, at, bound, document, done};
use crate::{Batch, Insert, Position, Query, Seek, Sort, SortBy, StoreError};

const ENTERPRISE: &str = urn::ENTERPRISE_USER;

/// Makes users `u0` to `u7`, in this order, so that each order tells some of them apart.
fn people() -> Vec<(String, Resource)> {
    let people = [
        json!({"userName": "b", "title": "Éa", "emails": [{"value": "z@x"}, {"value": "A@x", "primary": true}]}),
        json!({"userName": "A", "displayName": "same", "active": true, "externalId": "a"}),
        json!({"userName": "é", "displayName": "SAME", "active": false, "externalId": "B"}),
        json!({"userName": "c", "title": "zb", "name": {"familyName": "Ö"}, "externalId": "b"}),
        json!({"userName": "D", "displayName": "other", "emails": [{"value": "m@x"}, {"value": "a@x"}]}),
        json!({"userName": "e", "active": true, ENTERPRISE: {"department": "two", "costCenter": "10"}}),
        json!({"userName": "f", "name": {"familyName": "o"}, ENTERPRISE: {"department": "One"}}),
        json!({"userName": "g", "title": "éB"}),
    ];
    let named = |(number, user): (usize, serde_json::Value)| (format!("u{number}"), document(user));
    people.into_iter().enumerate().map(named).collect()
}

/// A path, and the users in ascending order.
const ORDERS: &[(&str, [u8; 8])] = &[
    ("userName", [1, 0, 3, 4, 5, 6, 7, 2]),
    ("urn:ietf:params:scim:schemas:core:2.0:User:USERNAME", [1, 0, 3, 4, 5, 6, 7, 2]),
    ("displayName", [4, 1, 2, 0, 3, 5, 6, 7]),
    ("externalId", [2, 1, 3, 0, 4, 5, 6, 7]),
    ("title", [3, 0, 7, 1, 2, 4, 5, 6]),
    ("active", [2, 1, 5, 0, 3, 4, 6, 7]),
    ("emails", [0, 4, 1, 2, 3, 5, 6, 7]),
    ("emails.value", [0, 4, 1, 2, 3, 5, 6, 7]),
    ("name.familyName", [6, 3, 0, 1, 2, 4, 5, 7]),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", [6, 5, 0, 1, 2, 3, 4, 7]),
    ("id", [0, 1, 2, 3, 4, 5, 6, 7]),
    ("meta.created", [7, 6, 5, 4, 3, 2, 1, 0]),
    ("meta.lastModified", [7, 6, 5, 4, 3, 2, 1, 0]),
    ("meta.version", [0, 1, 2, 3, 4, 5, 6, 7]),
];

/// Inserts the users, each a moment before the previous one.
async fn has_people(kit: &Kit) {
    for (number, (id, resource)) in people().into_iter().enumerate() {
        let insert = Insert::new(Arc::clone(&kit.user), id, resource);
        kit.insert(at(100 - i64::try_from(number).unwrap_or_default()), insert).await;
    }
}

fn by(kit: &Kit, path: &str) -> SortBy {
    SortBy::bind(path, &kit.user, &mut Lenience::strict()).unwrap_or_else(|error| panic!("`{path}`: {error}"))
}

fn sorted(kit: &Kit, path: &str) -> Query {
    Query::new(Arc::clone(&kit.user)).sorted(Sort::ascending(by(kit, path)))
}

fn names(numbers: impl IntoIterator<Item = u8>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("u{number}")).collect()
}

/// Returns the ids and the positions of a page.
async fn page(kit: &Kit, query: Query) -> (Vec<String>, Vec<Position>) {
    let page = kit.query(query).await;
    page.matches.into_iter().map(|found| (found.stored.id, found.position)).unzip()
}

pub(super) async fn a_sort_is_by_the_key_then_by_creation(kit: Kit) {
    has_people(&kit).await;
    for (path, order) in ORDERS {
        let (found, positions) = page(&kit, sorted(&kit, path)).await;
        assert_eq!(found, names(*order), "by {path}");
        assert!(positions.is_sorted(), "positions by {path}: {positions:?}");
    }
}

pub(super) async fn descending_is_exactly_the_reverse(kit: Kit) {
    has_people(&kit).await;
    for (path, order) in ORDERS {
        let query = Query::new(Arc::clone(&kit.user)).sorted(Sort::descending(by(&kit, path)));
        let (found, _) = page(&kit, query).await;
        assert_eq!(found, names(order.iter().rev().copied()), "by {path}, descending");
    }
    let last_made_first = Sort::descending(SortBy::Creation);
    let (found, _) = page(&kit, Query::new(Arc::clone(&kit.user)).sorted(last_made_first)).await;
    assert_eq!(found, names((0..8).rev()), "the last made first");
}

const FILTERS: &[(&str, &[u8])] = &[
    (r#"userName sw "a" or userName sw "b" or userName sw "g""#, &[0, 1, 7]),
    ("displayName pr", &[1, 2, 4]),
    (r#"active eq true"#, &[1, 5]),
    (r#"active eq true and not (externalId pr)"#, &[5]),
];

pub(super) async fn a_sort_goes_with_every_filter(kit: Kit) {
    has_people(&kit).await;
    for (path, order) in ORDERS {
        for (filter, matches) in FILTERS {
            let query = sorted(&kit, path).with_filter(bound(&kit.user, filter));
            let expected: Vec<u8> = order.iter().copied().filter(|number| matches.contains(number)).collect();
            let total = kit.query(query.clone()).await.total;
            assert_eq!(total, expected.len() as u64, "how many fit `{filter}` by {path}");
            let (found, _) = page(&kit, query.clone()).await;
            assert_eq!(found, names(expected.iter().copied()), "`{filter}` by {path}");
            let (found, _) = page(&kit, query.page(1, 1)).await;
            assert_eq!(
                found,
                names(expected.into_iter().skip(1).take(1)),
                "the second of `{filter}` by {path}"
            );
        }
    }
}

pub(super) async fn pages_by_offset_tile_a_sort(kit: Kit) {
    has_people(&kit).await;
    for (path, order) in ORDERS {
        for descending in [false, true] {
            let mut found = Vec::new();
            for offset in [0, 3, 6, 9, u64::MAX] {
                let mut query = sorted(&kit, path).page(offset, 3);
                query.sort.descending = descending;
                assert_eq!(kit.query(query.clone()).await.total, 8, "total at {offset} by {path}");
                found.extend(page(&kit, query).await.0);
            }
            let mut expected = names(*order);
            if descending {
                expected.reverse();
            }
            assert_eq!(found, expected, "the pages together by {path}, descending: {descending}");
        }
    }
}

/// Returns all pages of 3, from the first.
async fn walk(kit: &Kit, query: &Query) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut query = query.clone().page(0, 3);
    loop {
        let (found, positions) = page(kit, query.clone()).await;
        let Some(last) = positions.into_iter().next_back() else { break };
        pages.push(found);
        query.seek = Seek::After(last);
    }
    pages
}

fn all_walks(kit: &Kit) -> Vec<Query> {
    let mut walks = vec![Query::new(Arc::clone(&kit.user))];
    walks.extend(ORDERS.iter().map(|(path, _)| sorted(kit, path)));
    let filtered =
        |filter| walks.iter().cloned().map(move |query: Query| query.with_filter(bound(&kit.user, filter)));
    let filtered: Vec<Query> = FILTERS.iter().flat_map(|(filter, _)| filtered(filter)).collect();
    walks.extend(filtered);
    let mut down = walks.clone();
    down.iter_mut().for_each(|query| query.sort.descending = true);
    walks.extend(down);
    walks
}

pub(super) async fn pages_by_position_tile_a_sort(kit: Kit) {
    has_people(&kit).await;
    for query in all_walks(&kit) {
        let (whole, _) = page(&kit, query.clone()).await;
        let pages = walk(&kit, &query).await;
        assert_eq!(pages.concat(), whole, "the pages together, {:?}", query.sort);
        let total = kit.query(query.clone().page(0, 0)).await.total;
        let beyond = query.seek(Seek::After(Position::new(Some("b".into()), i64::MAX)));
        assert_eq!(kit.query(beyond).await.total, total, "the total counts what came before");
    }
}

pub(super) async fn a_walk_backwards_meets_the_same_pages(kit: Kit) {
    has_people(&kit).await;
    for query in all_walks(&kit) {
        let (whole, positions) = page(&kit, query.clone()).await;
        for (number, position) in positions.into_iter().enumerate() {
            let (found, _) = page(&kit, query.clone().seek(Seek::Before(position)).page(0, 3)).await;
            let from = number.saturating_sub(3);
            assert_eq!(found, whole[from..number], "three before number {number}, {:?}", query.sort);
        }
    }
}

pub(super) async fn a_walk_meets_what_stays_exactly_once(kit: Kit) {
    walks_among_writers(kit, Sort::default()).await;
}

pub(super) async fn a_sorted_walk_meets_what_stays_exactly_once(kit: Kit) {
    let sort = Sort::ascending(by(&kit, "userName"));
    walks_among_writers(kit, sort).await;
}

async fn walks_among_writers(kit: Kit, sort: Sort) {
    has_people(&kit).await;
    let mut query = Query::new(Arc::clone(&kit.user)).sorted(sort).page(0, 2);
    let (mut found, mut round) = (Vec::new(), 0);
    loop {
        let (ids, positions) = page(&kit, query.clone()).await;
        let Some(last) = positions.into_iter().next_back() else { break };
        query.seek = Seek::After(last);
        round += 1;
        // Between the pages a resource that was seen is deleted, perhaps the one at the position, and new ones are
        // inserted on both sides.
        let mut batch = Batch::new(at(1_000));
        if round < 10 {
            batch = batch.insert(kit.insert_user(&format!("aa{round}")));
        }
        if let Some(gone) = ids.iter().rfind(|id| id.starts_with('u')) {
            batch = batch.delete(kit.delete_user(gone)).insert(kit.insert_user(&format!("zz{round}")));
        }
        found.extend(ids);
        done(kit.commit(batch).await);
        assert!(round < 30, "the walk ends");
    }
    found.retain(|id| id.starts_with('u'));
    found.sort();
    assert_eq!(found, names(0..8), "each once");
}

pub(super) async fn documents_read_to_sort_are_counted(kit: Kit) {
    has_people(&kit).await;
    let query = |path: &str, scan_limit| {
        let mut query = sorted(&kit, path).page(0, 2);
        query.scan_limit = scan_limit;
        kit.store.query(&kit.context, query)
    };
    let outcome = query("title", 7).await;
    assert!(matches!(outcome, Err(StoreError::TooMany { limit: 7 })), "without an index: {outcome:?}");
    for (path, scan_limit) in [("title", 8), ("userName", 0), ("meta.created", 8)] {
        let outcome = query(path, scan_limit).await;
        assert!(outcome.is_ok(), "by {path} within {scan_limit} resources: {outcome:?}");
    }
}
